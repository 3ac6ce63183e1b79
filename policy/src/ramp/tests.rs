use proptest::prelude::*;

use super::*;
use crate::fixtures::{ppm, ramp};

fn read(json: &str) -> Result<Ramp, String> {
    serde_json::from_str(json).map_err(|error: serde_json::Error| error.to_string())
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

proptest! {
    #[test]
    fn min_is_the_smaller_share_at_every_moment(a in ramp(), b in ramp()) {
        let min = a.min(&b);
        for now in (0..45).map(at).chain([at(u64::MAX)]) {
            prop_assert_eq!(min.percent_at(now), a.percent_at(now).min(b.percent_at(now)), "at {}", now);
        }
    }

    #[test]
    fn equal_shares_at_every_moment_are_equal_ramps(a in ramp(), b in ramp()) {
        let alike = (0..45).map(at).all(|now| a.percent_at(now) == b.percent_at(now));
        prop_assert_eq!(a == b, alike);
    }

    #[test]
    fn a_share_never_shrinks(ramp in ramp()) {
        let shares: Vec<_> = (0..45).map(|now| ramp.percent_at(at(now))).collect();
        prop_assert!(shares.is_sorted());
    }

    #[test]
    fn survives_both_encodings(ramp in ramp()) {
        let json = serde_json::to_string(&ramp).unwrap();
        prop_assert_eq!(&read(&json).unwrap(), &ramp);
        let packed = rmp_serde::to_vec_named(&ramp).unwrap();
        prop_assert_eq!(&rmp_serde::from_slice::<Ramp>(&packed).unwrap(), &ramp);
    }
}

#[test]
fn one_step_may_stand_without_its_list() {
    assert_eq!(read(r#"{"percent": 10}"#), Ok(Ramp::flat(ppm(100_000))));
    assert_eq!(read(r#"{"percent": 10}"#), read(r#"[{"percent": 10}]"#));
    assert_eq!(
        read(r#"{"percent": 10, "at": "2026-11-23T20:00:00Z"}"#),
        read(r#"[{"percent": 10, "at": "2026-11-23T20:00:00Z"}]"#)
    );
}

#[test]
fn steps_that_change_nothing_do_not_count() {
    assert_eq!(read(r#"{"percent": 0}"#), Ok(Ramp::default()));
    assert_eq!(
        read(
            r#"[{"percent": 0}, {"percent": 5, "at": "2026-11-23T20:00:00Z"}, {"percent": 5, "at": "2026-11-23T21:00:00Z"}]"#
        ),
        read(r#"[{"percent": 5, "at": "2026-11-23T20:00:00Z"}]"#)
    );
}

#[test]
fn a_step_is_in_force_from_its_own_moment_on() {
    let ramp = read(r#"[{"percent": 1, "at": "1970-01-01T00:00:01Z"}, {"percent": 2, "at": "1970-01-01T00:00:02Z"}]"#).unwrap();
    let share = |millis| ramp.percent_at(at(millis)).ppm();
    assert_eq!(
        [share(999), share(1_000), share(1_999), share(2_000)],
        [0, 10_000, 10_000, 20_000]
    );
}

#[test]
fn refuses_what_is_no_ramp() {
    let long: Vec<_> = (0..=limits::RAMP_STEPS)
        .map(|_| r#"{"percent": 1}"#)
        .collect();
    let long = format!("[{}]", long.join(","));
    for (json, expected) in [
        (
            r#"[{"percent": 1}, {"percent": 2}]"#,
            "step 1 (counted from 0) is not later",
        ),
        (
            r#"[{"percent": 2, "at": "2026-11-23T20:00:00Z"}, {"percent": 3, "at": "2026-11-23T20:00:00Z"}]"#,
            "step 1 (counted from 0) is not later",
        ),
        (
            r#"[{"percent": 2}, {"percent": 1, "at": "2026-11-23T20:00:00Z"}]"#,
            "step 1 (counted from 0) goes down to 1 %; a ramp only grows",
        ),
        (&long, "257 steps, expected at most 256"),
        ("10", "invalid type: integer `10`, expected a list of steps"),
        ("null", "invalid type: null, expected a list of steps"),
        ("{}", "missing field `percent`"),
        (
            r#"[{"percent": 1, "at": null}]"#,
            "[0].at: invalid type: null",
        ),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.starts_with(expected), "{json}: {error}");
    }
}
