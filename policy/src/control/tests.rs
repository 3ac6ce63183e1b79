use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{
    PLATFORM, Person, SECURITY, control, control_from, generation, kill, sealed, warrant_json,
};

/// Every moment at which a generated control may change, and some around.
fn moments() -> impl Iterator<Item = Timestamp> {
    (0..45).map(Timestamp::from_millis)
}

fn same_generation(control: Control) -> Control {
    Control {
        generation: generation(1),
        ..control
    }
}

proptest! {
    #[test]
    fn join_is_commutative(a in control(), b in control()) {
        prop_assert_eq!(a.join(&b), b.join(&a));
    }

    #[test]
    fn join_is_associative(a in control(), b in control(), c in control()) {
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
    }

    #[test]
    fn join_is_idempotent(a in control(), b in control()) {
        prop_assert_eq!(a.join(&a), a.clone());
        let joined = a.join(&b);
        prop_assert_eq!(joined.join(&a), joined.clone());
        prop_assert_eq!(joined.join(&b), joined);
    }

    #[test]
    fn the_higher_generation_wins_whole(a in control(), b in control()) {
        prop_assume!(a.generation != b.generation);
        let newer = if a.generation > b.generation { &a } else { &b };
        prop_assert_eq!(&a.join(&b), newer);
    }

    #[test]
    fn at_equal_generation_every_term_is_the_stricter(a in control(), b in control()) {
        let (a, b) = (same_generation(a), same_generation(b));
        let joined = a.join(&b);
        for now in moments() {
            let smaller = a.ramp.percent_at(now).min(b.ramp.percent_at(now));
            prop_assert_eq!(joined.ramp.percent_at(now), smaller, "ramp at {}", now);
            let exposed = a.share_at(now).min(b.share_at(now));
            prop_assert!(joined.share_at(now) <= exposed, "share at {}", now);
        }
        let never = Timestamp::from_millis(u64::MAX);
        let end = |control: &Control| control.not_after.unwrap_or(never);
        prop_assert_eq!(end(&joined), end(&a).min(end(&b)), "lease");
        prop_assert_eq!(joined.on_lapse, a.on_lapse.max(b.on_lapse), "on_lapse");
        prop_assert_eq!(joined.redaction.is_some(), a.redaction.is_some() || b.redaction.is_some(), "redaction");
        prop_assert_eq!(joined.kill.map(|kill| kill.mode), a.kill.map(|kill| kill.mode).max(b.kill.map(|kill| kill.mode)), "mode");
        prop_assert_eq!(joined.kill.map(|kill| kill.in_flight), a.kill.map(|kill| kill.in_flight).max(b.kill.map(|kill| kill.in_flight)), "in_flight");
    }

    #[test]
    fn any_order_and_any_repetition_join_to_the_same(
        controls in vec(control(), 1..8),
        arrivals in vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let in_order = controls.iter().skip(1).fold(controls[0].clone(), |all, next| all.join(next));
        // Some arrive any number of times in any order, then all of them backwards.
        let mut all = arrivals.iter().map(|at| at.get(&controls)).chain(controls.iter().rev());
        let first = all.next().expect("at least one").clone();
        prop_assert_eq!(all.fold(first, |all, next| all.join(next)), in_order);
    }

    #[test]
    fn a_kill_is_never_undone_by_an_older_or_equal_generation(
        killed in control(),
        kill in kill(),
        before in vec(control(), 0..6),
        after in vec(control(), 0..6),
    ) {
        let killed = Control { generation: generation(2), kill: Some(kill), ..killed };
        let others = before.iter().chain([&killed]).chain(&after);
        let mut seen: Option<Control> = None;
        let mut pulled = false;
        for next in others {
            let control = seen.map_or_else(|| next.clone(), |seen| seen.join(next));
            pulled |= next == &killed;
            if pulled {
                let found = control.kill.expect("the kill is still on");
                prop_assert!(found.mode >= kill.mode && found.in_flight >= kill.in_flight);
                prop_assert!(moments().all(|now| control.share_at(now) == Percent::ZERO));
            }
            seen = Some(control);
        }
    }

    #[test]
    fn redaction_switched_on_is_never_switched_off_by_an_older_or_equal_generation(
        masked in control(),
        others in vec(control(), 0..6),
    ) {
        let masked = Control { generation: generation(2), redaction: Some(LiveRedaction::MaskAll), ..masked };
        let joined = others.iter().fold(masked, |all, next| all.join(next));
        prop_assert_eq!(joined.redaction, Some(LiveRedaction::MaskAll));
    }

    #[test]
    fn a_newer_generation_may_take_a_kill_back_and_switch_redaction_off(killed in control(), next in control()) {
        let next = Control { generation: generation(9), kill: None, redaction: None, ..next };
        let joined = killed.join(&next);
        prop_assert_eq!((joined.kill, joined.redaction), (None, None));
    }

    #[test]
    fn who_stops_masking_everything_exposes_more(control in control()) {
        let masked = Control { redaction: Some(LiveRedaction::MaskAll), ..control.clone() };
        let open = Control { redaction: None, ..control };
        prop_assert!(masked.exposes_no_more_than(&open));
        prop_assert!(!open.exposes_no_more_than(&masked));
    }

    #[test]
    fn exposure_is_a_partial_order(a in control(), b in control(), c in control()) {
        let (a, b, c) = (same_generation(a), same_generation(b), same_generation(c));
        prop_assert!(a.exposes_no_more_than(&a), "reflexive");
        if a.exposes_no_more_than(&b) && b.exposes_no_more_than(&a) {
            prop_assert_eq!(&a, &b, "antisymmetric");
        }
        let chain = [a.join(&b).join(&c), a.join(&b), a.clone()];
        prop_assert!(chain[0].exposes_no_more_than(&chain[1]));
        prop_assert!(chain[1].exposes_no_more_than(&chain[2]));
        prop_assert!(chain[0].exposes_no_more_than(&chain[2]), "transitive");
        if a.exposes_no_more_than(&b) && b.exposes_no_more_than(&c) {
            prop_assert!(a.exposes_no_more_than(&c), "transitive");
        }
    }

    #[test]
    fn the_join_is_the_greatest_that_exposes_no_more_than_either(a in control(), b in control(), c in control()) {
        let (a, b) = (same_generation(a), same_generation(b));
        let joined = a.join(&b);
        prop_assert!(joined.exposes_no_more_than(&a) && joined.exposes_no_more_than(&b), "a lower bound");
        let below = joined.join(&same_generation(c));
        prop_assert!(below.exposes_no_more_than(&joined), "the greatest lower bound");
        prop_assert_eq!(a.exposes_no_more_than(&b), joined == a, "the order of the join");
    }

    #[test]
    fn who_exposes_no_more_has_no_larger_share_at_any_moment(a in control(), b in control()) {
        let lower = same_generation(a).join(&same_generation(b.clone()));
        for (low, high) in [(&lower, &b), (&b, &lower)] {
            if low.exposes_no_more_than(high) {
                for now in moments() {
                    prop_assert!(low.share_at(now) <= high.share_at(now), "at {}", now);
                }
            }
        }
    }

    #[test]
    fn exposure_does_not_look_at_generations(a in control(), b in control()) {
        let expected = same_generation(a.clone()).exposes_no_more_than(&same_generation(b.clone()));
        prop_assert_eq!(a.exposes_no_more_than(&b), expected);
    }

    #[test]
    fn survives_both_encodings(control in control()) {
        let json = serde_json::to_vec(&control).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Control>(&json).unwrap(), &control);
        let packed = rmp_serde::to_vec_named(&control).unwrap();
        prop_assert_eq!(&rmp_serde::from_slice::<Control>(&packed).unwrap(), &control);
    }

    #[test]
    fn a_control_that_is_cut_to_fit_exposes_no_more(control in control(), steps in 0..40usize) {
        let mut cut = control.clone();
        cut.ramp.truncate(steps);
        prop_assert!(cut.exposes_no_more_than(&control));
    }
}

#[test]
fn strictness_of_each_term() {
    // The first of each pair is the stricter one.
    for (strict, lax) in [
        (r#""kill": {"mode": "rollback"}"#, r#""kill": null"#),
        (
            r#""kill": {"mode": "block"}"#,
            r#""kill": {"mode": "rollback"}"#,
        ),
        (
            r#""kill": {"mode": "rollback", "in_flight": "cut"}"#,
            r#""kill": {"mode": "rollback"}"#,
        ),
        (r#""ramp": []"#, r#""ramp": {"percent": 1}"#),
        (
            r#""ramp": {"percent": 1}"#,
            r#""ramp": {"percent": 1.0001}"#,
        ),
        (
            r#""ramp": {"percent": 5, "at": "2026-11-23T20:00:01Z"}"#,
            r#""ramp": {"percent": 5, "at": "2026-11-23T20:00:00Z"}"#,
        ),
        (
            r#""not_after": "2026-11-23T20:00:00Z""#,
            r#""not_after": "2026-11-23T20:00:01Z""#,
        ),
        (
            r#""not_after": "2026-11-23T20:00:00Z""#,
            r#""expose_nothing": null"#,
        ),
        (r#""on_lapse": "stable""#, r#""on_lapse": "hold""#),
        (r#""redaction": "mask_all""#, r#""redaction": null"#),
    ] {
        let lax = lax.replace(r#""expose_nothing": null"#, r#""kill": null"#);
        let strict = control_from(&format!(r#"{{"generation": 1, {strict}}}"#));
        let lax = control_from(&format!(r#"{{"generation": 1, {lax}}}"#));
        assert_eq!(strict.join(&lax), strict, "{lax:?}");
        assert!(strict.exposes_no_more_than(&lax), "{lax:?}");
        assert!(!lax.exposes_no_more_than(&strict), "{lax:?}");
    }
}

#[test]
fn a_kill_that_drains_and_blocks_joined_with_one_that_cuts_and_rolls_back_does_both() {
    let block = control_from(r#"{"generation": 1, "kill": {"mode": "block"}}"#);
    let cut =
        control_from(r#"{"generation": 1, "kill": {"mode": "rollback", "in_flight": "cut"}}"#);
    let both = block.join(&cut).kill.unwrap();
    assert_eq!(
        (both.mode, both.in_flight),
        (KillMode::Block, InFlight::Cut)
    );
}

#[test]
fn what_is_left_out_is_the_safe_choice() {
    let control = control_from(r#"{"generation": 0}"#);
    let far = Timestamp::from_millis(u64::MAX);
    assert_eq!(control.ramp.percent_at(far), Percent::ZERO);
    assert_eq!(control.on_lapse, OnLapse::Stable);
    assert_eq!(control.not_after, None);
    assert_eq!(control.kill, None);
    // As the policy says, which has its own safe choices.
    assert_eq!(control.redaction, None);
}

#[test]
fn a_switch_that_is_off_is_not_written() {
    let off = control_from(r#"{"generation": 1, "redaction": null}"#);
    let json = serde_json::to_string(&off).unwrap();
    assert!(!json.contains("redaction"), "{json}");
    let on = control_from(r#"{"generation": 1, "redaction": "mask_all"}"#);
    let json = serde_json::to_string(&on).unwrap();
    assert!(json.contains(r#""redaction":"mask_all""#), "{json}");
}

#[test]
fn generations_end_where_json_readers_do() {
    let read = |text: &str| {
        serde_json::from_str::<Generation>(text)
            .ok()
            .map(Generation::get)
    };
    assert_eq!(read("0"), Some(0));
    assert_eq!(read("9007199254740991"), Some((1 << 53) - 1));
    for text in ["9007199254740992", "-1", "1.0", "1e3", "\"7\"", "null"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_share_ends_with_its_lease() {
    let end = Timestamp::from_millis(1_000);
    let at = |on_lapse: &str, millis| {
        let json = format!(
            r#"{{"generation": 1, "not_after": "1970-01-01T00:00:01Z", "on_lapse": "{on_lapse}",
                "ramp": [{{"percent": 10}}, {{"percent": 90, "at": "1970-01-01T00:00:02Z"}}]}}"#
        );
        control_from(&json)
            .share_at(Timestamp::from_millis(millis))
            .ppm()
    };
    let end = end.millis();
    assert_eq!(
        [at("stable", end), at("stable", end + 1)],
        [100_000, 0],
        "stable"
    );
    assert_eq!(
        [at("hold", end), at("hold", 5_000)],
        [100_000, 100_000],
        "hold"
    );
}

#[test]
fn what_can_expose_somebody_says_so() {
    const ALL: &str = r#""ramp": {"percent": 100, "at": "9999-12-31T23:59:59Z"}"#;
    for (terms, pinned, exposes) in [
        (r#""kill": null"#, false, false),
        (r#""kill": null"#, true, true),
        (r#""ramp": {"percent": 0}"#, false, false),
        (ALL, false, true),
        (
            r#""ramp": {"percent": 1}, "not_after": "1970-01-01T00:00:00Z""#,
            false,
            true,
        ),
        (
            r#""ramp": {"percent": 1}, "kill": {"mode": "rollback"}"#,
            false,
            false,
        ),
        (r#""kill": {"mode": "rollback"}"#, true, false),
        (r#""kill": {"mode": "block"}"#, true, false),
    ] {
        let control = control_from(&format!(r#"{{"generation": 1, {terms}}}"#));
        assert_eq!(
            control.exposes(pinned),
            exposes,
            "{terms}, pinned: {pinned}"
        );
    }
}

#[test]
fn only_a_lease_that_ends_at_stable_falls_back() {
    for (terms, falls_back) in [
        (r#""kill": null"#, false),
        (r#""on_lapse": "stable""#, false),
        (r#""not_after": "2026-11-23T20:00:00Z""#, true),
        (
            r#""not_after": "2026-11-23T20:00:00Z", "on_lapse": "hold""#,
            false,
        ),
    ] {
        let control = control_from(&format!(r#"{{"generation": 1, {terms}}}"#));
        assert_eq!(control.falls_back(), falls_back, "{terms}");
    }
}

#[test]
fn a_warrant_is_evidence_and_no_exposure() {
    let bare = control_from(r#"{"generation": 1, "ramp": {"percent": 1}}"#);
    let with = |people: &[Person]| Control {
        warrant: Some(Box::new(sealed(&warrant_json(), people))),
        ..bare.clone()
    };
    let (one, two) = (with(&[SECURITY]), with(&[PLATFORM]));
    for (a, b) in [(&bare, &one), (&one, &two), (&two, &bare)] {
        assert!(a.exposes_no_more_than(b) && b.exposes_no_more_than(a));
        let joined = a.join(b);
        assert!(joined == b.join(a) && joined.join(a) == joined);
        assert!(joined.warrant == a.warrant || joined.warrant == b.warrant);
    }
    assert!(one.join(&bare).warrant.is_some(), "it is not lost");
    let json = serde_json::to_vec(&one).unwrap();
    assert_eq!(serde_json::from_slice::<Control>(&json).unwrap(), one);
    let packed = rmp_serde::to_vec_named(&one).unwrap();
    assert_eq!(rmp_serde::from_slice::<Control>(&packed).unwrap(), one);
}
