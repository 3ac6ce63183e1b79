//! `breakglass`, the operator's command.
//!
//! `scan` looks for PII with the filter's own code, `lint` reads a policy as the filter will,
//! `explain` tells where a user goes and why; `keygen`, `sign` and `verify` are for signatures, `order`
//! gives an order to every proxy, `receipts` and `state` ask who has it in force. Results go to standard
//! output, everything else to standard error, and the exit status tells how it went.

mod agent;
mod answer;
mod ask;
mod clock;
mod durable;
mod entities;
mod explain;
mod files;
mod input;
mod key;
mod keygen;
mod lint;
mod order;
mod outcome;
mod output;
mod profile;
mod proxy;
mod receipts;
mod scan;
mod secret;
mod sign;
mod signer;
mod state;
mod targets;
mod terminal;
mod typed;
mod verify;

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
    Keygen(keygen::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Order(Box<order::Arguments>),
    Receipts(receipts::Arguments),
    State(state::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Order(arguments) => order::run(&arguments),
        Command::Receipts(arguments) => receipts::run(&arguments),
        Command::State(arguments) => state::run(&arguments),
    };
    outcome::exit_code(done)
}
