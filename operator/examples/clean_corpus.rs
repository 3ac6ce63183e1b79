//! Writes text without PII, to measure false hits with: always the same for the same seed.
//!
//! `cargo run --release --example clean_corpus -- --lines 100000 --kind all --seed 1`

#[path = "corpus/mod.rs"]
mod corpus;

use std::io::{self, BufWriter, Write};

use clap::Parser;
use corpus::{Corpus, Kind};

/// Writes text without PII that looks as much like PII as everyday text does.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many lines
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    lines: usize,
    /// What kind of text
    #[arg(long, default_value = "all")]
    kind: Kind,
    /// The same seed gives the same lines
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut output = BufWriter::new(io::stdout().lock());
    for line in Corpus::new(arguments.kind, arguments.seed).take(arguments.lines) {
        writeln!(output, "{line}")?;
    }
    output.flush()
}
