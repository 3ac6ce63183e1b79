//! Redaction, native, beside its peers: the crate redact-core, and one regular expression.
//!
//! The peers get each body as one text, whole: they know neither JSON nor events, so what is measured
//! of them is the search alone. They decode nothing and find nothing that is spread over events.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use breakglass_bench::corpus::{Corpus, Shape};
use breakglass_bench::redaction::{Pieces, Work};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use redact_core::{AnalyzerEngine, AnonymizerConfig};
use regex::bytes::{Regex, RegexBuilder};

/// The time that this thread had a core: what else the machine does does not count.
struct CpuTime;

// === impl CpuTime ===

impl Measurement for CpuTime {
    type Intermediate = u64;
    /// Nanoseconds.
    type Value = u64;

    fn start(&self) -> u64 {
        let spent = fs::read_to_string("/proc/thread-self/schedstat");
        let spent = spent.expect("Linux counts what a thread spends");
        let nanoseconds = spent.split(' ').next().and_then(|field| field.parse().ok());
        nanoseconds.expect("the first field is the time on a core")
    }

    fn end(&self, start: u64) -> u64 {
        // It is brought up to date a few hundred times a second; a sample takes longer.
        self.start().saturating_sub(start).max(1)
    }

    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }

    fn zero(&self) -> u64 {
        0
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a benchmark takes no hundred days"
    )]
    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn redaction(criterion: &mut Criterion<CpuTime>) {
    for (personal, suffix) in [(true, ""), (false, "-clean")] {
        for shape in Shape::ALL {
            let corpus = Corpus::new(shape, personal);
            let mut group = criterion.benchmark_group(format!("{}{suffix}", shape.name()));
            group.throughput(Throughput::Bytes(corpus.bytes() as u64));
            group
                .sample_size(10)
                .warm_up_time(Duration::from_millis(500));
            group.measurement_time(Duration::from_secs(1));
            ours(&mut group, "breakglass", shape, Pieces::Chunks, &corpus);
            if matches!(shape, Shape::OpenAi | Shape::Anthropic) {
                ours(
                    &mut group,
                    "breakglass-by-event",
                    shape,
                    Pieces::Events,
                    &corpus,
                );
            }
            if personal {
                peers(&mut group, &corpus);
            }
            group.finish();
        }
    }
}

fn ours(
    group: &mut BenchmarkGroup<'_, CpuTime>,
    name: &str,
    shape: Shape,
    pieces: Pieces,
    corpus: &Corpus,
) {
    let mut work = Work::new(shape, pieces, corpus);
    let (_, found) = work.run();
    assert!(found >= corpus.personal, "{found} of {}", corpus.personal);
    println!(
        "{}: {} bodies, {} personal, {found} found",
        shape.name(),
        corpus.bodies.len(),
        corpus.personal
    );
    group.bench_function(name, |bencher| bencher.iter(|| black_box(work.run())));
}

fn peers(group: &mut BenchmarkGroup<'_, CpuTime>, corpus: &Corpus) {
    let texts: Vec<&str> = corpus
        .bodies
        .iter()
        .map(|body| std::str::from_utf8(body).expect("a corpus is UTF-8"))
        .collect();
    let pattern = ascii(&PATTERNS.join("|"));
    group.bench_function("regex", |bencher| {
        bencher.iter(|| {
            let redact = |text: &&str| pattern.replace_all(text.as_bytes(), &b"[PII]"[..]).len();
            texts.iter().map(redact).sum::<usize>()
        });
    });
    let (engine, config) = (AnalyzerEngine::new(), AnonymizerConfig::default());
    group.bench_function("redact-core", |bencher| {
        bencher.iter(|| {
            let redact = |text: &&str| {
                let result = engine.analyze_and_anonymize(text, None, &config);
                result.map_or(0, |result| result.detected_entities.len())
            };
            texts.iter().map(redact).sum::<usize>()
        });
    });
}

/// Without Unicode, which would make `\b` slow.
fn ascii(pattern: &str) -> Regex {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .unicode(false)
        .build()
        .expect("the patterns are right")
}

/// Twelve patterns as they are commonly written, without any check of digits.
const PATTERNS: [&str; 12] = [
    r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
    r"\b(?:\d[ -]?){12,18}\d\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    r"\+\d{1,3}[ -]?\d{4,5}[ -]?\d{5,6}\b",
    r"\b[2-9]\d{3} \d{4} \d{4}\b",
    r"\b[A-Z]{5}\d{4}[A-Z]\b",
    r"\b\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[A-Z0-9]\b",
    r"\b(?:sk|pk|ghp|xoxb)[-_][A-Za-z0-9_-]{16,}\b",
    r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\b",
];

criterion_group!(
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = redaction
);
criterion_main!(benches);
