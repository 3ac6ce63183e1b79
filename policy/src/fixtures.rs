//! Generated values that the tests of several modules draw from.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{
    Control, Generation, InFlight, Kill, KillMode, LiveRedaction, Name, OnLapse, Percent, Policy,
    Ramp, Step, Timestamp,
};

/// Any share; often one of those at which something changes.
pub(crate) fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![
        1 => Just(Percent::ZERO),
        1 => Just(Percent::ALL),
        6 => (0..=1_000_000u32).prop_map(ppm),
    ]
}

/// Times so close together that those of several controls meet.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    (0..40u64).prop_map(Timestamp::from_millis)
}

/// A ramp, often of a few steps, sometimes of many.
pub(crate) fn ramp() -> impl Strategy<Value = Ramp> {
    prop_oneof![
        1 => Just(Ramp::default()),
        1 => percent().prop_map(Ramp::flat),
        4 => ramp_of(1..6),
        1 => ramp_of(30..60),
    ]
}

fn ramp_of(steps: std::ops::Range<usize>) -> impl Strategy<Value = Ramp> {
    vec((0..40u64, 0..=1_000_000u32), steps).prop_map(|steps| {
        let (times, shares): (BTreeSet<_>, BTreeSet<_>) = steps.into_iter().unzip();
        let steps = times.into_iter().zip(shares).map(|(at, share)| Step {
            percent: ppm(share),
            at: Timestamp::from_millis(at),
        });
        Ramp::from_steps(steps.collect()).expect("times and shares grow")
    })
}

pub(crate) fn kill() -> impl Strategy<Value = Kill> {
    let mode = prop_oneof![Just(KillMode::Rollback), Just(KillMode::Block)];
    let in_flight = prop_oneof![Just(InFlight::Drain), Just(InFlight::Cut)];
    (mode, in_flight).prop_map(|(mode, in_flight)| Kill { mode, in_flight })
}

/// A control of one of three generations, so that any two are often of the same.
pub(crate) fn control() -> impl Strategy<Value = Control> {
    let on_lapse = prop_oneof![Just(OnLapse::Hold), Just(OnLapse::Stable)];
    (
        0..3u64,
        ramp(),
        option::of(time()),
        on_lapse,
        option::of(kill()),
        option::of(Just(LiveRedaction::MaskAll)),
    )
        .prop_map(
            |(number, ramp, not_after, on_lapse, kill, redaction)| Control {
                generation: generation(number),
                ramp,
                not_after,
                on_lapse,
                kill,
                redaction,
                warrant: None,
            },
        )
}

pub(crate) fn ppm(ppm: u32) -> Percent {
    Percent::from_ppm(ppm).expect("at most a million")
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).expect("at most 2^53 - 1")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A control from JSON, for tables of cases.
pub(crate) fn control_from(json: &str) -> Control {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A policy with these rollouts' JSON, separated by commas.
pub(crate) fn policy_of(rollouts: &str) -> Policy {
    let json = format!(r#"{{"policy": "p", "rollouts": [{rollouts}]}}"#);
    Policy::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// The JSON of a rollout that has nothing but its name and these further fields.
pub(crate) fn rollout_json(name: &str, further: &str) -> String {
    let separator = if further.is_empty() { "" } else { "," };
    format!(
        r#"{{"name": "{name}", "salt": "s",
            "arms": {{"stable": {{"version": "1"}}, "canary": {{"version": "2"}}}},
            "control": {{"generation": 1}}{separator}{further}}}"#
    )
}
