//! The decision and the judge's look, native: which rollout, which unit, which arm. `bench/decision.mjs`
//! lays them beside the same in WebAssembly.

use std::time::Instant;

use breakglass_bench::kernel::Kernel;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    for (number, name) in Kernel::NAMES.iter().enumerate() {
        let mut kernel = Kernel::new(number).expect("a kernel for each name");
        // The loop is the kernel's own, as it is in WebAssembly.
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|times| {
                let start = Instant::now();
                kernel.run(usize::try_from(times).unwrap_or(usize::MAX));
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
