//! The judge, native: one look, and a trial on its way between workers.

use std::hint::black_box;

use breakglass_bench::judging::{hundred_answers, increment, trial};
use breakglass_policy::Trial;
use criterion::{Criterion, criterion_group, criterion_main};

fn judge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    for (name, increment) in [
        ("one good answer", increment([1, 0], [0, 0])),
        ("one bad answer", increment([1, 1], [0, 0])),
        ("a hundred answers, four of them counted", hundred_answers()),
    ] {
        let mut trial = trial();
        group.bench_function(name, |bencher| {
            bencher.iter(|| trial.observe(black_box(&increment)).is_some());
        });
    }
    let mut trial = trial();
    trial.observe(&increment([90, 1], [10, 0]));
    group.bench_function("a trial out of shared data and back", |bencher| {
        let bytes = trial.encode().expect("a trial");
        bencher.iter(|| Trial::decode(black_box(&bytes)).and_then(|trial| trial.encode()));
    });
    group.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
