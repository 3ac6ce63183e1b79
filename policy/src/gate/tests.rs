use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::bucket::{Bucket, Salt};
use crate::fixtures::{control, control_from, percent};
use crate::percent::Percent;
use crate::pins::Pins;
use crate::ramp::Ramp;

const BEFORE: Timestamp = Timestamp::EPOCH;

fn split() -> Bucketing {
    let pins = r#"{"canary": ["qa-1"], "stable": ["vip-7"]}"#;
    let pins: Pins = serde_json::from_str(pins).unwrap();
    Bucketing::new(&Salt::new("chg-2026-0117").unwrap(), &pins)
}

fn flat(percent: Percent) -> Gate {
    let control = control_from(r#"{"generation": 1}"#);
    Gate::new(&Control {
        ramp: Ramp::flat(percent),
        ..control
    })
}

fn is_canary(gate: &Gate, unit: &[u8], now: Timestamp) -> bool {
    gate.decide(&split(), Some(unit), now).arm() == Some(Arm::Canary)
}

#[test]
fn precedence_is_kill_lapse_pin_ramp_stable() {
    const KILL: &str = r#""kill": {"mode": "rollback"}"#;
    const BLOCK: &str = r#""kill": {"mode": "block"}"#;
    const LEASE: &str = r#""not_after": "1970-01-01T00:00:10Z""#;
    const HOLD: &str = r#""not_after": "1970-01-01T00:00:10Z", "on_lapse": "hold""#;
    const ALL: &str = r#""ramp": {"percent": 100}"#;
    let (stable, canary) = (Verdict::Route(Arm::Stable), Verdict::Route(Arm::Canary));
    // What the control says, the unit, the second, and what follows.
    #[expect(clippy::type_complexity, reason = "a table, read line by line")]
    let table: &[(&[&str], Option<&str>, u64, Verdict, Reason)] = &[
        (&[KILL, LEASE, ALL], Some("qa-1"), 20, stable, Reason::Kill),
        (&[KILL, LEASE, ALL], Some("u"), 0, stable, Reason::Kill),
        (&[KILL, ALL], None, 0, stable, Reason::Kill),
        (
            &[BLOCK, LEASE, ALL],
            Some("qa-1"),
            20,
            Verdict::Block,
            Reason::Kill,
        ),
        (&[BLOCK], Some("vip-7"), 0, Verdict::Block, Reason::Kill),
        (&[BLOCK], None, 0, Verdict::Block, Reason::Kill),
        (&[LEASE, ALL], Some("qa-1"), 20, stable, Reason::Lapse),
        (&[LEASE, ALL], Some("vip-7"), 20, stable, Reason::Lapse),
        (&[LEASE, ALL], None, 20, stable, Reason::Lapse),
        (&[LEASE, ALL], Some("u"), 20, stable, Reason::Lapse),
        (&[LEASE, ALL], Some("u"), 10, canary, Reason::Ramp),
        (&[HOLD, ALL], Some("u"), 20, canary, Reason::Ramp),
        (&[HOLD, ALL], Some("vip-7"), 20, stable, Reason::Pin),
        (&[HOLD], Some("qa-1"), 20, canary, Reason::Pin),
        (&[ALL], Some("vip-7"), 0, stable, Reason::Pin),
        (&[], Some("qa-1"), 0, canary, Reason::Pin),
        (&[ALL], None, 0, stable, Reason::Keyless),
        (&[ALL], Some("u"), 0, canary, Reason::Ramp),
        (&[], Some("u"), 0, stable, Reason::Stable),
        (&[], None, 0, stable, Reason::Keyless),
    ];
    for (terms, unit, second, verdict, reason) in table {
        let terms: Vec<_> = [r#""generation": 1"#]
            .iter()
            .chain(*terms)
            .copied()
            .collect();
        let gate = Gate::new(&control_from(&format!("{{{}}}", terms.join(","))));
        let now = Timestamp::from_millis(second * 1_000);
        let decision = gate.decide(&split(), unit.map(str::as_bytes), now);
        assert_eq!(
            (decision.verdict(), decision.reason()),
            (*verdict, *reason),
            "{terms:?} for {unit:?} at {second} s"
        );
    }
}

#[test]
fn what_is_closed_gives_way_to_a_kill_and_to_nothing_else() {
    const KILL: &str = r#""kill": {"mode": "rollback", "in_flight": "cut"}"#;
    const BLOCK: &str = r#""kill": {"mode": "block"}"#;
    const LEASE: &str = r#""not_after": "1970-01-01T00:00:10Z""#;
    const ALL: &str = r#""ramp": {"percent": 100}, "redaction": "mask_all""#;
    let stable = Verdict::Route(Arm::Stable);
    for (closed, reason) in [
        (Closed::Lapse, Reason::Lapse),
        (Closed::NoWarrant, Reason::NoWarrant),
    ] {
        for (term, unit, verdict, reason) in [
            (KILL, Some("u"), stable, Reason::Kill),
            (BLOCK, Some("vip-7"), Verdict::Block, Reason::Kill),
            (LEASE, Some("u"), stable, reason),
            (LEASE, Some("qa-1"), stable, reason),
            (LEASE, Some("vip-7"), stable, reason),
            (LEASE, None, stable, reason),
        ] {
            let control = control_from(&format!(r#"{{"generation": 7, {ALL}, {term}}}"#));
            let gate = Gate::new(&control).closed(Some(closed));
            for second in [0, 20] {
                let now = Timestamp::from_millis(second * 1_000);
                let decision = gate.decide(&split(), unit.map(str::as_bytes), now);
                assert_eq!(
                    (decision.verdict(), decision.reason()),
                    (verdict, reason),
                    "{closed:?} {term} for {unit:?} at {second} s"
                );
            }
            assert!(!gate.needs_clock(), "{closed:?} {term}");
            assert!(gate.masks_all(), "{closed:?} {term}");
            assert_eq!(gate.cuts(Arm::Canary), term == KILL, "{closed:?} {term}");
            assert_eq!(gate.generation(), control.generation);
        }
    }
}

#[test]
fn a_lease_holds_up_to_its_last_millisecond() {
    let gate = Gate::new(&control_from(
        r#"{"generation": 1, "ramp": {"percent": 100}, "not_after": "1970-01-01T00:00:10.500Z"}"#,
    ));
    let reason = |millis| {
        let decision = gate.decide(&split(), Some(b"u"), Timestamp::from_millis(millis));
        decision.reason()
    };
    assert_eq!(
        [reason(10_500), reason(10_501)],
        [Reason::Ramp, Reason::Lapse]
    );
}

#[test]
fn hold_keeps_the_ramp_where_it_stood_when_the_lease_lapsed() {
    let gate = Gate::new(&control_from(
        r#"{"generation": 1, "not_after": "1970-01-01T00:00:10Z", "on_lapse": "hold",
            "ramp": [{"percent": 0, "at": "1970-01-01T00:00:05Z"}, {"percent": 100, "at": "1970-01-01T00:00:11Z"}]}"#,
    ));
    for second in [10, 11, 1_000_000] {
        assert!(
            !is_canary(&gate, b"u", Timestamp::from_millis(second * 1_000)),
            "{second} s"
        );
    }
}

#[test]
fn nobody_at_0_and_everybody_at_100() {
    for number in 0..10_000 {
        let unit = format!("user-{number}");
        assert!(
            !is_canary(&flat(Percent::ZERO), unit.as_bytes(), BEFORE),
            "{unit}"
        );
        assert!(
            is_canary(&flat(Percent::ALL), unit.as_bytes(), BEFORE),
            "{unit}"
        );
    }
}

#[test]
fn who_enters_last_leaves_first() {
    let split = split();
    let units: Vec<_> = (0..2_000).map(|number| format!("user-{number}")).collect();
    let members = |share: u32| -> Vec<_> {
        let gate = flat(Percent::from_ppm(share).unwrap());
        let is_member = |unit: &&String| is_canary(&gate, unit.as_bytes(), BEFORE);
        units.iter().filter(is_member).collect()
    };
    let (small, middle, large) = (members(10_000), members(100_000), members(500_000));
    assert!(!small.is_empty() && small.len() < middle.len() && middle.len() < large.len());
    let last_in = |unit: &&&String| !middle.contains(unit);
    let lowest_late = large
        .iter()
        .filter(last_in)
        .map(|unit| split.bucket(unit.as_bytes()))
        .min();
    let highest_early = middle
        .iter()
        .map(|unit| split.bucket(unit.as_bytes()))
        .max();
    // Going back from 50 % to 10 % throws out those who came in between, and nobody else.
    assert!(lowest_late > highest_early);
    assert!(small.iter().all(|unit| middle.contains(unit)));
    assert!(middle.iter().all(|unit| large.contains(unit)));
}

#[test]
fn a_kill_cuts_the_arms_it_kills() {
    for (kill, stable, canary) in [
        ("null", false, false),
        (r#"{"mode": "rollback"}"#, false, false),
        (r#"{"mode": "rollback", "in_flight": "cut"}"#, false, true),
        (r#"{"mode": "block", "in_flight": "drain"}"#, false, false),
        (r#"{"mode": "block", "in_flight": "cut"}"#, true, true),
    ] {
        let gate = Gate::new(&control_from(&format!(
            r#"{{"generation": 1, "kill": {kill}}}"#
        )));
        assert_eq!(
            (gate.cuts(Arm::Stable), gate.cuts(Arm::Canary)),
            (stable, canary),
            "{kill}"
        );
    }
}

#[test]
fn everything_is_masked_while_the_switch_is_on_whatever_became_of_lease_and_kill() {
    let gate = |terms: &str| Gate::new(&control_from(&format!(r#"{{"generation": 1{terms}}}"#)));
    for (terms, masks_all) in [
        ("", false),
        (r#", "redaction": null"#, false),
        (r#", "kill": {"mode": "block", "in_flight": "cut"}"#, false),
        (r#", "redaction": "mask_all""#, true),
        (
            r#", "redaction": "mask_all", "kill": {"mode": "rollback"}"#,
            true,
        ),
        (
            r#", "redaction": "mask_all", "not_after": "1970-01-01T00:00:10Z""#,
            true,
        ),
    ] {
        let gate = gate(terms);
        assert_eq!(gate.masks_all(), masks_all, "{terms}");
        // The last one: still, although everybody else has fallen to stable.
        let lapsed = gate.decide(&split(), Some(b"u"), Timestamp::from_millis(20_000));
        let lease = terms.contains("not_after");
        assert_eq!(lapsed.reason() == Reason::Lapse, lease, "{terms}");
    }
    assert!(!gate(r#", "redaction": "mask_all""#).needs_clock());
}

#[test]
fn needs_no_clock_where_time_changes_nothing() {
    for (terms, needs) in [
        (r#""ramp": []"#, false),
        (r#""ramp": {"percent": 10}"#, false),
        (
            r#""ramp": {"percent": 10, "at": "2026-11-23T20:00:00Z"}"#,
            true,
        ),
        (
            r#""ramp": {"percent": 10}, "not_after": "2026-11-23T20:00:00Z""#,
            true,
        ),
        (
            r#""kill": {"mode": "rollback"}, "not_after": "2026-11-23T20:00:00Z""#,
            false,
        ),
    ] {
        let gate = Gate::new(&control_from(&format!(r#"{{"generation": 1, {terms}}}"#)));
        assert_eq!(gate.needs_clock(), needs, "{terms}");
    }
}

proptest! {
    #[test]
    fn without_need_of_a_clock_all_times_decide_alike(
        control in control(), unit in vec(any::<u8>(), 1..20), now: u64, then: u64,
    ) {
        let gate = Gate::new(&control);
        if !gate.needs_clock() {
            let at = |millis| gate.decide(&split(), Some(&unit), Timestamp::from_millis(millis));
            prop_assert_eq!(at(now), at(then));
            prop_assert_eq!(at(now), at(0));
        }
    }

    #[test]
    fn a_decision_is_the_controls_share_of_the_buckets(
        control in control(), unit in vec(any::<u8>(), 1..20), millis in 0..45u64,
    ) {
        let now = Timestamp::from_millis(millis);
        let bucket = split().bucket(&unit);
        let expected = Threshold::of(control.share_at(now)).contains(bucket);
        prop_assert_eq!(is_canary(&Gate::new(&control), &unit, now), expected);
    }

    #[test]
    fn nobody_leaves_a_ramp_that_grows(a in percent(), b in percent(), unit in vec(any::<u8>(), 1..20)) {
        if is_canary(&flat(a.min(b)), &unit, BEFORE) {
            prop_assert!(is_canary(&flat(a.max(b)), &unit, BEFORE));
        }
    }

    #[test]
    fn a_canary_has_a_bucket_below_everyone_elses(share in percent(), a in vec(any::<u8>(), 1..20), b in vec(any::<u8>(), 1..20)) {
        let gate = flat(share);
        let place = |unit: &[u8]| -> (Bucket, bool) { (split().bucket(unit), is_canary(&gate, unit, BEFORE)) };
        let ((low, low_in), (high, high_in)) = (place(&a).min(place(&b)), place(&a).max(place(&b)));
        prop_assert!(low <= high && (low_in || !high_in));
    }
}
