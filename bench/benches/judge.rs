//! The judge, native: one look.

use std::hint::black_box;

use breakglass_policy::{ArmTally, Entity, Increment, Judge, Percent, Timestamp, Trial};
use criterion::{Criterion, criterion_group, criterion_main};

const JUDGE: &str = r#"{"alpha": 0.001, "signals": [
    {"error_rate": {}}, {"latency": {"answer": "20s"}}, {"redactions": {"entity": "*", "two_sided": true}},
    {"zero_tolerance": ["IN_AADHAAR"]}, {"unscanned": {}}, {"sample_ratio": {}}
]}"#;

fn tally(answers: u64, errors: u64) -> ArmTally {
    ArmTally {
        requests: answers,
        answers,
        errors,
        ..ArmTally::default()
    }
}

fn increment(stable: ArmTally, canary: ArmTally) -> Increment {
    Increment {
        at: Timestamp::EPOCH,
        stable,
        canary,
        share: Percent::of(1, 10),
    }
}

fn judge(criterion: &mut Criterion) {
    let judge: Judge = serde_json::from_str(JUDGE).expect("a judge");
    let email = Entity::new("EMAIL_ADDRESS").expect("an entity");
    let (mut stable, mut canary) = (tally(90, 1), tally(10, 0));
    stable.redacted(&email, 1);
    canary.redacted(&email, 1);
    let mut group = criterion.benchmark_group("judge");
    for (name, increment) in [
        ("one good answer", increment(tally(1, 0), tally(0, 0))),
        ("one bad answer", increment(tally(1, 1), tally(0, 0))),
        (
            "a hundred answers, four of them counted",
            increment(stable, canary),
        ),
    ] {
        let mut trial = Trial::new(&judge);
        group.bench_function(name, |bencher| {
            bencher.iter(|| trial.observe(black_box(&increment)).is_some());
        });
    }
    let mut trial = Trial::new(&judge);
    trial.observe(&increment(tally(90, 1), tally(10, 0)));
    group.bench_function("a trial out of shared data and back", |bencher| {
        let bytes = trial.encode().expect("a trial");
        bencher.iter(|| Trial::decode(black_box(&bytes)).and_then(|trial| trial.encode()));
    });
    group.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
