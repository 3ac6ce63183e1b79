//! The decision, native: which rollout, which unit, which arm.

use std::hint::black_box;

use breakglass_bench::{DifferBy, Request, policy, request_headers};
use breakglass_policy::{Decision, Gate, Router, Timestamp, Unit};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for differ_by in [DifferBy::Path, DifferBy::Header] {
        for rollouts in [1, 1_000] {
            let policy = policy(rollouts, differ_by);
            let router = Router::new(&policy);
            let request = Request::new(&router, &request_headers(rollouts));
            let splits: Vec<_> = policy
                .rollouts
                .iter()
                .map(|rollout| rollout.bucketing())
                .collect();
            let gates: Vec<_> = policy
                .rollouts
                .iter()
                .map(|rollout| Gate::new(&rollout.control))
                .collect();
            let decide = |request: &Request| -> Option<Decision> {
                let rollout = router.find(request)?;
                let unit = match router.unit(rollout, request) {
                    Unit::Known(unit) => Some(unit),
                    Unit::Mint(_) | Unit::Missing => None,
                };
                let (gate, split) = (&gates[rollout.index()], &splits[rollout.index()]);
                Some(gate.decide(split, unit.as_deref(), Timestamp::EPOCH))
            };
            assert!(decide(&request).is_some_and(|decision| decision.arm().is_some()));
            let name = format!("{rollouts} rollouts by {differ_by:?}").to_lowercase();
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| decide(black_box(&request)));
            });
        }
    }
    group.finish();
}

fn bucket(criterion: &mut Criterion) {
    let split = policy(1, DifferBy::Path).rollouts[0].bucketing();
    criterion.bench_function("bucket of a 13-byte unit", |bencher| {
        bencher.iter(|| split.bucket(black_box(b"user-20240117")));
    });
}

criterion_group!(benches, decision, bucket);
criterion_main!(benches);
