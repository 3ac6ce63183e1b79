//! How many WebAssembly instructions the built filter spends on its hot paths: printed, or laid beside
//! the baseline in `bench/baseline.json`.
//!
//! Counts, not times: they are the same on every machine, whatever else it is doing.
//!
//! ```text
//! fuel               prints them
//! fuel check         fails if one is more than 5 % above the baseline: `make bench-check`
//! fuel baseline      writes the baseline anew: `make bench-baseline`
//! fuel nanoseconds   times the decision in wasmtime instead, as JSON: for `make bench-decision`
//! ```

mod configuration;
mod judge;
mod kernels;
mod orders;
mod redaction;
mod routing;
mod scene;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use breakglass_bench::check::{Baseline, Case};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let word = std::env::args().nth(1);
    let outcome = match word.as_deref() {
        None => print(),
        Some("check") => check(),
        Some("baseline") => write(),
        Some("nanoseconds") => kernels::print_nanoseconds().map(|()| true),
        Some(other) => {
            Err(format!("{other:?}: expected check, baseline, nanoseconds or nothing").into())
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuel: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print() -> Outcome<bool> {
    for Case {
        name,
        counts,
        instructions,
    } in cases()?
    {
        println!("{instructions:>12}  {name}: {counts}");
    }
    Ok(true)
}

fn check() -> Outcome<bool> {
    let path = baseline_path();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "{}: {error}; write it with `make bench-baseline`",
            path.display()
        )
    })?;
    let before = Baseline::read(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let comparison = before.compare(&now()?);
    println!("{comparison}");
    Ok(comparison.passes())
}

fn write() -> Outcome<bool> {
    let path = baseline_path();
    let now = now()?;
    let before = std::fs::read_to_string(&path).ok();
    if let Some(Ok(before)) = before.map(|text| Baseline::read(&text)) {
        println!("{}\n", before.compare(&now));
    }
    std::fs::write(&path, now.write())?;
    println!("written: {}, {} cases", path.display(), now.cases.len());
    Ok(true)
}

fn now() -> Outcome<Baseline> {
    let tools = [("rustc", "--version"), ("wasm-opt", "--version")];
    Ok(Baseline {
        tools: tools
            .map(|(program, argument)| says(program, argument))
            .into(),
        cases: cases()?,
    })
}

/// Everything that is counted, in the order in which it is shown.
fn cases() -> Outcome<Vec<Case>> {
    let mut cases = routing::cases()?;
    cases.extend(judge::cases()?);
    cases.extend(redaction::cases()?);
    cases.extend(orders::cases()?);
    cases.extend(configuration::cases()?);
    cases.extend(kernels::cases()?);
    Ok(cases)
}

/// The first line of what a program says.
fn says(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = text
        .ok()
        .and_then(|text| text.lines().next().map(str::to_owned));
    line.unwrap_or_else(|| format!("no {program}"))
}

fn baseline_path() -> PathBuf {
    repository().join("bench/baseline.json")
}

fn repository() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
