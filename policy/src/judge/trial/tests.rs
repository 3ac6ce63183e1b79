use proptest::prelude::*;

use super::*;
use crate::time::Timestamp;

const SIGNALS: &str = r#"[
    {"error_rate": {"worse_by": 2.0, "statuses": ["5xx", "429"]}},
    {"latency": {"first_byte": "800ms", "answer": "20s"}},
    {"redactions": {"entity": "*", "two_sided": true}},
    {"redactions": {"entity": "IN_PAN"}},
    {"zero_tolerance": ["IN_AADHAAR"]},
    {"unscanned": {}},
    {"sample_ratio": {}}
]"#;

fn judge(signals: &str) -> Judge {
    serde_json::from_str(&format!(r#"{{"alpha": 0.001, "signals": {signals}}}"#)).unwrap()
}

fn trial(signals: &str) -> Trial {
    Trial::new(&judge(signals))
}

fn entity(name: &str) -> Entity {
    Entity::new(name).unwrap()
}

fn answers(answers: u64) -> ArmTally {
    ArmTally {
        requests: answers,
        answers,
        ..ArmTally::default()
    }
}

fn errors(of: u64, errors: u64) -> ArmTally {
    ArmTally {
        errors,
        ..answers(of)
    }
}

fn with(of: u64, entity: &Entity, times: u64) -> ArmTally {
    let mut tally = answers(of);
    for _ in 0..times {
        tally.redacted(entity, 1);
    }
    tally
}

fn increment(second: u64, percent: u32, stable: ArmTally, canary: ArmTally) -> Increment {
    Increment {
        at: Timestamp::from_millis(1_000 * second),
        stable,
        canary,
        share: Percent::from_ppm(percent * 10_000).unwrap(),
    }
}

/// What comes in this many seconds of it; the second in which it trips.
fn trips_at(
    trial: &mut Trial,
    seconds: u64,
    second: impl Fn(u64) -> Increment,
) -> Option<(u64, Verdict)> {
    (1..=seconds).find_map(|at| Some((at, trial.observe(&second(at))?)))
}

#[test]
fn a_verdict_says_its_numbers() {
    let mut trial = trial(r#"[{"error_rate": {}}]"#);
    let (second, verdict) = trips_at(&mut trial, 60, |at| {
        increment(at, 10, errors(90, 1), errors(10, 1))
    })
    .unwrap();
    assert_eq!(second, 8);
    assert_eq!(
        verdict.to_string(),
        "error_rate: canary 8 of 80 (10 %), stable 8 of 720 (1.11 %); the canary had 10 % of these \
         answers; evidence for more: 2128, rolls back from 1000 on"
    );
    assert!(verdict.0.tripped() && trial.trip() == Some(&verdict));
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["signal"], "error_rate");
    assert_eq!(json["canary"], serde_json::json!({"bad": 8, "of": 80}));
    assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), verdict);
}

#[test]
fn a_trial_trips_once_and_goes_on_counting() {
    let mut trial = trial(SIGNALS);
    let bad = || increment(1, 10, errors(90, 1), errors(10, 9));
    assert!((0..10).any(|_| trial.observe(&bad()).is_some()));
    let (trip, seen) = (trial.trip().cloned(), trial.seen().clone());
    assert_eq!(trial.observe(&bad()), None);
    assert_eq!(trial.trip(), trip.as_ref());
    assert_eq!(trial.seen().canary.answers, seen.canary.answers + 10);
}

#[test]
fn no_data_is_no_pass() {
    let mut trial = trial(SIGNALS);
    for at in 0..100 {
        let requests = ArmTally {
            requests: 5,
            ..ArmTally::default()
        };
        trial.observe(&increment(at, 10, answers(45), requests));
    }
    assert_eq!(trial.trip(), None);
    assert_eq!(trial.seen().canary.answers, 0);
}

#[test]
fn one_answer_with_what_is_not_tolerated_is_enough() {
    let mut trial = trial(SIGNALS);
    let aadhaar = entity("IN_AADHAAR");
    let on_stable = increment(1, 1, with(99, &aadhaar, 5), answers(1));
    assert_eq!(trial.observe(&on_stable), None);
    let on_canary = increment(2, 1, answers(0), with(1, &aadhaar, 1));
    let verdict = trial.observe(&on_canary).unwrap();
    assert_eq!(
        verdict.to_string(),
        "zero_tolerance of IN_AADHAAR: in 1 of 2 answers of the canary, none is tolerated (stable: 5 of 99)"
    );
    assert_eq!(trial.report()[0], verdict.0);
}

#[test]
fn a_redactor_that_fell_silent_is_found_and_one_that_finds_more() {
    let email = entity("EMAIL_ADDRESS");
    let signals = r#"[{"redactions": {"entity": "*", "two_sided": true}}]"#;
    for (on_canary, side) in [(0, Side::Fewer), (5, Side::More)] {
        let mut trial = trial(signals);
        let second = |at| increment(at, 10, with(90, &email, 9), with(10, &email, on_canary));
        let (_, verdict) = trips_at(&mut trial, 300, second).unwrap();
        let SignalReport {
            signal,
            entity,
            side: found,
            ..
        } = &verdict.0;
        assert_eq!(
            (*signal, entity.as_ref(), *found),
            (SignalName::Redactions, Some(&email), side)
        );
    }
    let mut trial = trial(r#"[{"redactions": {"entity": "*"}}]"#);
    let silent = |at| increment(at, 10, with(90, &email, 9), answers(10));
    assert_eq!(trips_at(&mut trial, 300, silent), None);
}

#[test]
fn every_other_signal_trips_too() {
    let bad = |change: fn(&mut ArmTally)| {
        let mut tally = answers(10);
        change(&mut tally);
        tally
    };
    for (signal, canary) in [
        (
            SignalName::SlowFirstByte,
            bad(|tally| tally.slow_first_byte = 3),
        ),
        (SignalName::Slow, bad(|tally| tally.slow = 3)),
        (SignalName::Unscanned, bad(|tally| tally.unscanned = 3)),
        (SignalName::Redactions, with(10, &entity("IN_PAN"), 3)),
    ] {
        let mut trial = trial(SIGNALS);
        let second = |at| increment(at, 10, answers(90), canary.clone());
        let (_, verdict) = trips_at(&mut trial, 60, second).unwrap();
        assert_eq!(verdict.0.signal, signal);
    }
}

#[test]
fn a_significant_trifle_does_not_roll_back() {
    let mut trial = trial(r#"[{"error_rate": {"worse_by": 2.0}}]"#);
    let trifle = |at| increment(at, 10, errors(90_000, 900), errors(10_000, 170));
    assert_eq!(trips_at(&mut trial, 1_000, trifle), None);
    let more = |at| increment(at, 10, errors(90_000, 900), errors(10_000, 230));
    assert!(trips_at(&mut trial, 100, more).is_some());
}

#[test]
fn an_outage_of_both_arms_is_no_verdict() {
    let mut trial = trial(SIGNALS);
    let outage = |at| match at {
        20..30 => increment(at, 10, errors(90, 90), errors(10, 10)),
        30..40 => increment(at, 10, errors(90, 45), errors(10, 5)),
        _ => increment(at, 10, errors(90, 1), errors(10, 0)),
    };
    assert_eq!(trips_at(&mut trial, 60, outage), None);
}

/// A thousand requests a second, of which errors are answered at once, the others after 20 seconds and
/// with an address in one of ten.
fn slow_answers(at: u64, percent: fn(u64) -> u32) -> Increment {
    let email = entity("EMAIL_ADDRESS");
    let arm = |canary: bool| {
        let requests = |at: u64| match canary {
            true => u64::from(percent(at)) * 10,
            false => 1_000 - u64::from(percent(at)) * 10,
        };
        let began = at.checked_sub(20).map_or(0, requests);
        let errors = requests(at) / 10;
        let good = began - began / 10;
        ArmTally {
            requests: requests(at),
            errors,
            ..with(errors + good, &email, good / 10)
        }
    };
    increment(at, percent(at), arm(false), arm(true))
}

#[test]
fn the_first_answers_of_a_larger_canary_are_the_quick_ones_and_prove_nothing() {
    for percent in [
        (|at| if at < 200 { 0 } else { 50 }) as fn(u64) -> u32,
        |at| if at < 200 { 10 } else { 50 },
        |at| if at < 200 { 50 } else { 10 },
        |at| if at < 200 { 50 } else { 0 },
    ] {
        let mut trial =
            trial(r#"[{"error_rate": {}}, {"redactions": {"entity": "*", "two_sided": true}}]"#);
        let verdict = trips_at(&mut trial, 600, |at| slow_answers(at, percent));
        assert_eq!(verdict, None);
    }
}

#[test]
fn a_canary_that_gets_nothing_is_found_and_a_heavy_user_is_not() {
    let signals = r#"[{"sample_ratio": {}}]"#;
    let nothing = |at| increment(at, 10, answers(1_000), answers(0));
    let (second, verdict) = trips_at(&mut trial(signals), 600, nothing).unwrap();
    assert_eq!(
        (verdict.0.signal, verdict.0.side),
        (SignalName::SampleRatio, Side::Fewer)
    );
    assert!(second < 30, "{second}");
    assert!(
        verdict.to_string().contains("the canary got 0 of "),
        "{verdict}"
    );
    let everything = |at| increment(at, 10, answers(0), answers(1_000));
    assert!(trips_at(&mut trial(signals), 600, everything).is_some());
    // One user sends a fifth of everything, on the one side or the other.
    for on_canary in [280, 80] {
        let heavy = |at| increment(at, 10, answers(1_000 - on_canary), answers(on_canary));
        assert_eq!(trips_at(&mut trial(signals), 10_000, heavy), None);
    }
    let pinned_testers = |at| increment(at, 0, answers(1_000), answers(10));
    assert_eq!(trips_at(&mut trial(signals), 600, pinned_testers), None);
}

#[test]
fn what_is_spent_is_alpha_at_most() {
    let mut trial = trial(SIGNALS);
    let mut stable = answers(1_000);
    for number in 0..100 {
        stable.redacted(&entity(&format!("E{number}")), 1);
    }
    trial.observe(&increment(1, 10, stable, answers(100)));
    let reports = trial.report();
    let spent: f64 = reports.iter().map(|report| report.alpha).sum();
    assert!(spent <= 0.001 && spent > 0.000_99, "{spent}");
    let compared = reports.iter().filter(|report| report.side == Side::Fewer);
    // The split's is one of them.
    assert_eq!(compared.count(), limits::JUDGED_ENTITIES + 1);
    let size = trial.encode().unwrap().len();
    assert!(size < 40_000, "{size} bytes");
}

#[test]
fn a_usual_trial_is_small() {
    let mut trial = trial(SIGNALS);
    let stable = with(90, &entity("EMAIL_ADDRESS"), 4);
    trial.observe(&increment(1, 10, stable, answers(10)));
    let size = trial.encode().unwrap().len();
    assert!(size < 3_000, "{size} bytes");
}

#[test]
fn answers_without_a_partner_are_forgotten() {
    let mut trial = trial(r#"[{"error_rate": {}}]"#);
    trial.observe(&increment(0, 1, errors(1_000, 500), answers(0)));
    trial.observe(&increment(601, 1, answers(10), errors(10, 1)));
    assert_eq!(trial.seen().stable, answers(10));
}

fn moment() -> impl Strategy<Value = Increment> {
    let arm = || {
        let name = prop::sample::select(vec!["EMAIL_ADDRESS", "IN_PAN", "PHONE_NUMBER"]);
        (0_u64..30, 0_u64..6, 0_u64..4, name).prop_map(|(of, bad, redacted, name)| ArmTally {
            errors: bad,
            slow: bad / 2,
            slow_first_byte: bad / 3,
            unscanned: bad / 4,
            ..with(of, &entity(name), redacted)
        })
    };
    let share = prop::sample::select(vec![0, 1, 10, 50, 100]);
    (0_u64..2_000, share, arm(), arm())
        .prop_map(|(at, share, stable, canary)| increment(at, share, stable, canary))
}

proptest! {
    #[test]
    fn a_trial_that_is_stored_between_looks_judges_the_same(
        moments in prop::collection::vec(moment(), 1..40),
    ) {
        let mut kept = trial(SIGNALS);
        let mut stored = kept.clone();
        for moment in &moments {
            prop_assert_eq!(kept.observe(moment), stored.observe(moment));
            stored = Trial::decode(&stored.encode().unwrap()).unwrap();
            prop_assert_eq!(&kept, &stored);
        }
        // JSON's reader may miss the last digit of a fortune.
        let json = serde_json::to_string(&kept).unwrap();
        let read: Trial = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read.seen(), kept.seen());
    }

    #[test]
    fn within_a_block_the_order_of_answers_is_nothing(
        moments in prop::collection::vec(moment(), 1..20),
    ) {
        let stable_only = moments.into_iter().map(|moment| Increment {
            canary: ArmTally::default(),
            at: Timestamp::EPOCH,
            share: Percent::from_ppm(100_000).unwrap(),
            ..moment
        });
        let stable_only: Vec<_> = stable_only.collect();
        let last = increment(0, 10, answers(1_000), errors(9, 3));
        let observe = |order: Vec<&Increment>| {
            let mut trial = trial(r#"[{"error_rate": {}}, {"redactions": {"entity": "*"}}]"#);
            for increment in order {
                trial.observe(increment);
            }
            trial
        };
        let forth = stable_only.iter().chain([&last]).collect();
        let back = stable_only.iter().rev().chain([&last]).collect();
        prop_assert_eq!(observe(forth), observe(back));
    }
}
