//! `breakglass`, the operator's command.
//!
//! `scan` looks for PII with the filter's own code, `lint` reads a policy as the filter will,
//! `explain` tells where a user goes and why. Results go to standard output, everything else to
//! standard error, and the exit status tells how it went.

mod entities;
mod explain;
mod input;
mod lint;
mod outcome;
mod output;
mod profile;
mod scan;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Ships emergency changes of AI agents through the proxy that stands in front of them.
#[derive(Debug, Parser)]
#[command(name = "breakglass", version, after_help = outcome::EXIT_STATUSES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(scan::Arguments),
    Lint(lint::Arguments),
    Explain(explain::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
    };
    outcome::exit_code(done)
}
