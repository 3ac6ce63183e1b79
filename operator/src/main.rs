//! `breakglass`, the operator's command.
//!
//! Its `commands` take an emergency change from the declaration to the postmortem; the `engine` runs its
//! ramp, and the `journal` keeps what happened. `scan`, `lint`, `explain` and `simulate` try policies out
//! with the filter's own code; `keygen`, `sign` and `verify` are for signatures, `order`, `receipts` and `state`
//! for proxies without a change. Results go to standard output, everything else to standard error, and
//! the exit status tells how it went.

mod agent;
mod answer;
mod ask;
mod change;
mod clock;
mod commands;
mod durable;
mod engine;
mod entities;
mod explain;
mod files;
mod fleet;
mod input;
mod journal;
mod key;
mod keygen;
mod lint;
mod notify;
mod order;
mod outcome;
mod output;
mod plot;
mod profile;
mod project;
mod proxy;
mod receipts;
mod scan;
mod secret;
mod session;
mod sign;
mod signer;
mod simulate;
mod state;
mod targets;
mod terminal;
mod typed;
mod verify;
mod watch;
mod words;

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
    Init(Box<commands::init::Arguments>),
    Doctor(commands::doctor::Arguments),
    Scan(scan::Arguments),
    Lint(lint::Arguments),
    Explain(explain::Arguments),
    Simulate(Box<simulate::Arguments>),
    Keygen(keygen::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Order(Box<order::Arguments>),
    Receipts(receipts::Arguments),
    State(state::Arguments),
    Declare(commands::declare::Arguments),
    Drill(commands::drill::Arguments),
    Approve(Box<commands::approve::Arguments>),
    Message(commands::message::Arguments),
    Withdraw(commands::withdraw::Arguments),
    Reclassify(commands::reclassify::Arguments),
    Note(commands::note::Arguments),
    Start(commands::start::Arguments),
    Watch(commands::watch::Arguments),
    Confirm(commands::ramp::ConfirmArguments),
    Hold(commands::ramp::HoldArguments),
    Resume(commands::ramp::ResumeArguments),
    Kill(commands::kill::Arguments),
    Rearm(commands::ramp::RearmArguments),
    Journal(commands::journal::Arguments),
    Gate(commands::gate::Arguments),
    Debt(commands::debt::Arguments),
    VerifyHarm(commands::verify_harm::Arguments),
    Close(commands::close::Arguments),
    Routine(commands::routine::Arguments),
    Postmortem(commands::postmortem::Arguments),
    Report(commands::report::Arguments),
    Status(commands::status::Arguments),
    Rules(commands::rules::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Doctor(arguments) => commands::doctor::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Order(arguments) => order::run(&arguments),
        Command::Receipts(arguments) => receipts::run(&arguments),
        Command::State(arguments) => state::run(&arguments),
        Command::Declare(arguments) => commands::declare::run(&arguments),
        Command::Drill(arguments) => commands::drill::run(&arguments),
        Command::Approve(arguments) => commands::approve::run(&arguments),
        Command::Message(arguments) => commands::message::run(&arguments),
        Command::Withdraw(arguments) => commands::withdraw::run(&arguments),
        Command::Reclassify(arguments) => commands::reclassify::run(&arguments),
        Command::Note(arguments) => commands::note::run(&arguments),
        Command::Start(arguments) => commands::start::run(&arguments),
        Command::Watch(arguments) => commands::watch::run(&arguments),
        Command::Confirm(arguments) => commands::ramp::run_confirm(&arguments),
        Command::Hold(arguments) => commands::ramp::run_hold(&arguments),
        Command::Resume(arguments) => commands::ramp::run_resume(&arguments),
        Command::Kill(arguments) => commands::kill::run(&arguments),
        Command::Rearm(arguments) => commands::ramp::run_rearm(&arguments),
        Command::Journal(arguments) => commands::journal::run(&arguments),
        Command::Gate(arguments) => commands::gate::run(&arguments),
        Command::Debt(arguments) => commands::debt::run(&arguments),
        Command::VerifyHarm(arguments) => commands::verify_harm::run(&arguments),
        Command::Close(arguments) => commands::close::run(&arguments),
        Command::Routine(arguments) => commands::routine::run(&arguments),
        Command::Postmortem(arguments) => commands::postmortem::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Status(arguments) => commands::status::run(&arguments),
        Command::Rules(arguments) => commands::rules::run(&arguments),
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Man(arguments) => commands::man::run(&arguments),
    };
    outcome::exit_code(done)
}
