//! Missing data is never a pass.

use serde_json::json;

use super::*;
use crate::answer::Workers;
use crate::clock;
use crate::fleet::{ArmSeen, ProxySeen, RolloutSeen};

fn tally(answers: u64, found: &[(&str, u64)]) -> ArmTally {
    let found = found.iter().map(|(entity, answers)| {
        (
            (*entity).to_owned(),
            json!({"answers": answers, "found": answers + 3}),
        )
    });
    let redactions: serde_json::Map<_, _> = found.collect();
    let tally = json!({"answers": answers, "errors": 5, "slow": 2, "redactions": redactions});
    serde_json::from_value(tally).unwrap()
}

fn harm(measure: serde_json::Value, most: f64, answers: u64) -> Harm {
    serde_json::from_value(
        json!({"measure": measure, "at_most_per_1000": most, "answers": answers}),
    )
    .unwrap()
}

fn came(canary: ArmTally) -> Counted {
    let stable = tally(100, &[("IN_AADHAAR", 10)]);
    Counted {
        tallies: Tallies { stable, canary },
        missing: Vec::new(),
    }
}

#[test]
fn each_measure_counts_what_it_says() {
    let tally = tally(100, &[("IN_AADHAAR", 10), ("EMAIL_ADDRESS", 20)]);
    for (measure, expected) in [
        (json!({"redactions": "IN_AADHAAR"}), 100.0),
        (json!({"redactions": "CREDIT_CARD"}), 0.0),
        (json!({"redactions": "*"}), 300.0),
        (json!("errors"), 50.0),
        (json!("slow"), 20.0),
    ] {
        let measure: Measure = serde_json::from_value(measure).unwrap();
        assert_eq!(per_1000(&measure, &tally), Some(expected), "{measure}");
        assert_eq!(per_1000(&measure, &ArmTally::default()), None, "{measure}");
    }
}

#[test]
fn the_bound_itself_is_still_a_pass_and_one_more_is_none() {
    let harm = harm(json!({"redactions": "IN_AADHAAR"}), 10.0, 100);
    let Verdict::Stopped(stopped) = judge(&harm, &came(tally(100, &[("IN_AADHAAR", 1)]))) else {
        panic!();
    };
    assert_eq!(
        (stopped.before_per_1000, stopped.after_per_1000),
        (Some(100.0), 10.0)
    );
    let verdict = judge(&harm, &came(tally(100, &[("IN_AADHAAR", 2)])));
    assert!(matches!(verdict, Verdict::GoesOn { .. }), "{verdict:?}");
}

#[test]
fn too_few_answers_say_how_many_are_missing() {
    for asked in [100, 1] {
        let harm = harm(json!({"redactions": "IN_AADHAAR"}), 10.0, asked);
        let Verdict::Unknown { missing } = judge(&harm, &came(tally(0, &[]))) else {
            panic!();
        };
        assert!(
            missing[0].starts_with(&format!("{asked} more answers")),
            "{missing:?}"
        );
    }
    // Even a record that asks for none gets no pass of none.
    let none = judge(&harm(json!("errors"), 10.0, 0), &came(ArmTally::default()));
    assert!(matches!(none, Verdict::Unknown { .. }), "{none:?}");
}

#[test]
fn who_does_not_tell_keeps_a_pass_back_but_no_alarm() {
    let harm = harm(json!({"redactions": "IN_AADHAAR"}), 10.0, 100);
    let lacking = |canary| Counted {
        missing: vec!["10.0.0.7: no answer".into()],
        ..came(canary)
    };
    let good = judge(&harm, &lacking(tally(1000, &[])));
    assert_eq!(
        good,
        Verdict::Unknown {
            missing: vec!["10.0.0.7: no answer".into()]
        }
    );
    let bad = judge(&harm, &lacking(tally(1000, &[("IN_AADHAAR", 500)])));
    assert!(matches!(bad, Verdict::GoesOn { .. }), "{bad:?}");
}

/// A proxy that everybody's canary is at, with so many answers of it since it started.
fn proxy(name: &str, boot: &str, answers: u64) -> ProxySeen {
    let arm = |answers: u64| -> ArmSeen {
        serde_json::from_value(
            json!({"requests": answers, "answers": {"ended": answers, "errors": 0}}),
        )
        .unwrap()
    };
    ProxySeen {
        name: name.into(),
        seen: Ok(RolloutSeen {
            policy: "support".into(),
            digest: None,
            boot: boot.into(),
            generation: serde_json::from_value(json!(8)).unwrap(),
            percent: Some(Percent::ALL),
            killed: false,
            closed: None,
            control: None,
            warrants_after: None,
            stable: arm(0),
            canary: arm(answers),
            judge_trip: None,
            workers: Workers::of_state(&[], 0),
        }),
    }
}

fn observed(proxies: Vec<ProxySeen>) -> Observed {
    Observed {
        at: clock::now(),
        proxies,
    }
}

#[test]
fn only_what_came_since_the_ramp_began_counts() {
    let totals = Tallies {
        canary: tally(50, &[]),
        ..Tallies::default()
    };
    let then = |boot: &str, answers| {
        let tallies = Tallies {
            canary: tally(answers, &[]),
            ..Tallies::default()
        };
        let boot = boot.to_owned();
        Last { boot, tallies }
    };
    let then = BTreeMap::from([
        ("goes-on".to_owned(), then("b1", 1000)),
        ("restarted".to_owned(), then("b1", 1000)),
    ]);
    // What the third has counted may be of a version that was there before.
    let proxies = vec![
        proxy("goes-on", "b1", 1010),
        proxy("restarted", "b2", 7),
        proxy("new", "b1", 9000),
    ];
    let counted = counted(&totals, &then, &observed(proxies));
    assert_eq!(counted.missing, Vec::<String>::new());
    assert_eq!(counted.tallies.canary.answers, 50 + 10 + 7);
}

#[test]
fn a_proxy_that_counts_nothing_or_tells_no_share_is_missing() {
    let silent = |edit: fn(&mut RolloutSeen)| {
        let mut proxy = proxy("10.0.0.7", "b1", 10);
        edit(proxy.seen.as_mut().unwrap());
        counted(
            &Tallies::default(),
            &BTreeMap::new(),
            &observed(vec![proxy]),
        )
        .missing
    };
    assert_eq!(
        silent(|seen| seen.canary.answers = None),
        ["10.0.0.7: counts no answers"]
    );
    assert_eq!(
        silent(|seen| seen.percent = None),
        ["10.0.0.7: tells no share"]
    );
}

#[test]
fn one_proxy_at_which_it_goes_on_is_enough() {
    let at = |edit: fn(&mut RolloutSeen)| {
        let mut late = proxy("late", "b1", 10);
        edit(late.seen.as_mut().unwrap());
        exposed(&observed(vec![proxy("good", "b1", 10), late])).unwrap_or_default()
    };
    assert_eq!(at(|_| {}), "");
    assert!(
        at(|seen| seen.percent = Percent::from_ppm(999_999))
            .starts_with("at late the new version has 99.9999 %")
    );
    assert_eq!(
        at(|seen| seen.killed = true),
        "at late the kill-switch is on"
    );
    assert!(
        at(|seen| seen.closed = Some("the lease is over".into()))
            .ends_with("new version: the lease is over")
    );
}
