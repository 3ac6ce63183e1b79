use breakglass_policy::{Generation, Timestamp};
use serde_json::json;

use super::*;
use crate::fleet::ProxySeen;

/// A memory that knows nothing yet.
fn memory() -> Memory {
    let memory = json!({
        "engine": "e", "rollout": "agent", "at": "2026-11-26T22:00:00Z", "began": null, "last": {},
        "totals": Tallies::default(), "at_step": Tallies::default(),
        "trial": breakglass_policy::Trial::new(&judge_of_errors()), "lease_until": null,
        "generation": 8, "watching": [], "waits_for": [],
    });
    serde_json::from_value(memory).unwrap()
}

fn judge_of_errors() -> breakglass_policy::Judge {
    serde_json::from_value(json!({"alpha": 0.001, "signals": [{"error_rate": {}}]})).unwrap()
}

/// What a proxy tells at a share of 10 %: so many requests of stable and canary, and errors among them.
fn told(boot: &str, requests: [u64; 2], errors: [u64; 2]) -> Observed {
    let arm = |arm: usize| {
        serde_json::from_value(json!({
            "requests": requests[arm],
            "answers": {"ended": requests[arm], "errors": errors[arm]},
        }))
    };
    let seen = RolloutSeen {
        policy: "support".into(),
        digest: None,
        boot: boot.into(),
        generation: Generation::new(8).unwrap(),
        percent: Percent::from_ppm(100_000),
        killed: false,
        closed: None,
        control: None,
        warrants_after: None,
        stable: arm(0).unwrap(),
        canary: arm(1).unwrap(),
        judge_trip: None,
        workers: serde_json::from_value(json!({"total": 2, "in_force": 2})).unwrap(),
    };
    Observed {
        at: Timestamp::from_millis(0),
        proxies: vec![ProxySeen {
            name: "proxy".into(),
            seen: Ok(seen),
        }],
    }
}

fn in_force() -> Phase {
    Phase::InForce {
        step: 1,
        since: Timestamp::from_millis(0),
        generation: Generation::new(8).unwrap(),
    }
}

fn take(observed: &Observed, memory: &mut Memory) -> Option<Concern> {
    let share = Percent::from_ppm(100_000).unwrap();
    Signals::new(Duration::from_secs(30)).take(observed, &in_force(), share, memory)
}

#[test]
fn what_was_counted_before_the_ramp_is_none_of_its_counts() {
    let mut memory = memory();
    assert!(take(&told("a", [9_000, 1_000], [0, 900]), &mut memory).is_none());
    assert!(memory.totals.canary.is_empty());
    assert!(take(&told("a", [9_900, 1_100], [9, 901]), &mut memory).is_none());
    assert_eq!(memory.totals.canary.requests, 100);
    assert_eq!(memory.totals.canary.errors, 1);
}

#[test]
fn what_a_proxy_counts_after_a_restart_is_new() {
    let mut memory = memory();
    take(&told("a", [900, 100], [0, 0]), &mut memory);
    take(&told("a", [1_800, 200], [0, 0]), &mut memory);
    take(&told("b", [90, 10], [0, 0]), &mut memory);
    assert_eq!(memory.totals.stable.requests, 990);
    assert_eq!(memory.totals.canary.requests, 110);
}

#[test]
fn a_worse_canary_is_of_concern_and_the_verdict_has_its_numbers() {
    let mut memory = memory();
    take(&told("a", [900, 100], [0, 0]), &mut memory);
    let concern = take(&told("a", [9_900, 1_100], [90, 300]), &mut memory).unwrap();
    assert_eq!(concern.name(), "error_rate");
    assert_eq!(concern.detail()["canary"], json!({"bad": 300, "of": 1000}));
    assert!(!concern.cuts());
}

#[test]
fn what_a_proxy_lacks_is_of_concern_only_when_it_lasts() {
    let mut memory = memory();
    let mut observed = told("a", [900, 100], [0, 0]);
    if let Ok(seen) = &mut observed.proxies[0].seen {
        seen.percent = Percent::from_ppm(10_000);
    }
    let share = Percent::from_ppm(100_000).unwrap();
    let mut patient = Signals::new(Duration::from_secs(30));
    assert!(
        patient
            .take(&observed, &in_force(), share, &mut memory)
            .is_none()
    );
    let mut impatient = Signals::new(Duration::ZERO);
    let concern = impatient
        .take(&observed, &in_force(), share, &mut memory)
        .unwrap();
    assert_eq!(concern.name(), "missing_data");
    assert!(
        concern
            .to_string()
            .contains("it has 1 % in force, not 10 %"),
        "{concern}"
    );
    // Before the first share nothing is.
    let none = impatient.take(&observed, &Phase::Started, Percent::ZERO, &mut memory);
    assert!(none.is_none());
}

#[test]
fn what_a_filter_has_found_is_told_in_words() {
    let evidence = json!({
        "at": "2026-11-26T17:00:00Z", "generation": 6,
        "verdict": {
            "signal": "redactions", "entity": "CREDIT_CARD", "side": "more",
            "stable": {"bad": 0, "of": 4048}, "canary": {"bad": 6, "of": 80}, "share": 1.938,
            "e_value": 94_094.3, "threshold": 60_000.0, "alpha": 0.00001,
        },
    });
    let proxy = "proxy".to_owned();
    let text = Concern::Tripped { proxy, evidence }.to_string();
    assert!(
        text.contains("CREDIT_CARD") && !text.contains('{'),
        "{text}"
    );
}
