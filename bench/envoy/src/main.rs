//! The rig: real Envoys, pinned, with the filter and its peers in them, taking turns.
//!
//! ```text
//! rig routing                          what routing costs a request, beside Lua, ext_proc, …
//! rig redaction                        what redaction costs a request and a byte
//! rig routing --module A --module B    two builds of the filter in one run
//! ```

mod chart;
mod check;
mod config;
mod contestants;
mod cpu;
mod delay;
mod envoy;
mod kill;
mod load;
mod memory;
mod redaction;
mod report;
mod routing;
mod section;
mod turns;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use breakglass_examples::stack::{filter_module, repository};
use clap::{Args, Parser, Subcommand};

/// What the filter costs in a real Envoy, beside its peers.
#[derive(Debug, Parser)]
#[command(name = "rig")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What routing costs a request, beside its peers.
    Routing(routing::Args),
    /// What redaction costs an answer.
    Redaction(redaction::Args),
    /// How soon a kill holds.
    Kill(kill::Args),
    /// What a stream of tokens waits.
    Delay(delay::Args),
    /// What the filter keeps in memory.
    Memory(memory::Args),
    /// Draws what other programs have measured.
    Chart(chart::Args),
    /// The `ext_proc` server that `rig routing` starts.
    #[command(hide = true)]
    ExtProc,
}

/// What every measurement asks for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The filter: default is the one that `make wasm` builds. Twice: two builds, side by side.
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,
    /// A rough answer within a minute.
    #[arg(long)]
    quick: bool,
    /// Where the results go.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rig: {error:#}");
            ExitCode::FAILURE
        }
    }
}

// === impl Cli ===

impl Cli {
    fn run(self) -> Result<()> {
        match self.command {
            Command::Routing(args) => args.run(),
            Command::Redaction(args) => args.run(),
            Command::Kill(args) => args.run(),
            Command::Delay(args) => args.run(),
            Command::Memory(args) => args.run(),
            Command::Chart(args) => args.run(),
            Command::ExtProc => contestants::ext_proc::serve(),
        }
    }
}

// === impl Common ===

impl Common {
    /// The builds of the filter to measure, in the order of the command line.
    ///
    /// # Errors
    ///
    /// If one of them is not there.
    pub(crate) fn modules(&self) -> Result<Vec<PathBuf>> {
        if self.module.is_empty() {
            return Ok(vec![filter_module()?]);
        }
        self.module
            .iter()
            .map(|module| {
                anyhow::ensure!(module.is_file(), "{} is not a file", module.display());
                Ok(std::path::absolute(module)?)
            })
            .collect()
    }

    /// The same with names for tables: one build is `Breakglass`, of several each has its file's name.
    pub(crate) fn named_modules(&self) -> Result<Vec<(String, PathBuf)>> {
        let modules = self.modules()?;
        let several = modules.len() > 1;
        let named = modules.into_iter().enumerate().map(|(place, module)| {
            let name = match several {
                true => {
                    let file = module.file_stem().unwrap_or_default().display();
                    format!("Breakglass {} ({file})", place + 1)
                }
                false => "Breakglass".to_owned(),
            };
            (name, module)
        });
        Ok(named.collect())
    }

    /// Where the results go: `bench/results/`, if nothing else was said. A quick answer and a
    /// comparison of builds are not kept there.
    pub(crate) fn out(&self) -> PathBuf {
        match &self.out {
            Some(out) => out.clone(),
            None if self.quick || self.module.len() > 1 => self.scratch(),
            None => repository().join("bench/results"),
        }
    }

    /// Where results go that are not kept.
    pub(crate) fn scratch(&self) -> PathBuf {
        let scratch = || repository().join("target/bench-envoy");
        self.out.clone().unwrap_or_else(scratch)
    }
}

/// Runs a measurement until it ends or somebody presses Ctrl-C; either way what it started is gone
/// afterwards. On one thread, so that the load stays on the core that it was given.
pub(crate) fn run_on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped"),
        }
    })
}
