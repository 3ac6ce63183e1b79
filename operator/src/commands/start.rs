//! `breakglass start`: runs the ramp of a change.

use std::process;
use std::thread;

use anyhow::Result;
use clap::Args;

use crate::change::ramp::End;
use crate::change::rules::When;
use crate::commands::watch;
use crate::engine::Engine;
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Starts the ramp, or takes it up where it was left.
///
/// Runs in the foreground until the ramp is over. Every second it asks all proxies what they have in
/// force and what they have counted. The next share is given when the step has stood as long as it must,
/// the canary has answered often enough, somebody watches (`breakglass watch`) and has confirmed the
/// step. Any concerning signal takes everybody back at once: the judge on the counts of all proxies, a
/// proxy that does not tell or does not have what it should, a kill or a lapse anywhere.
///
/// It may be stopped or killed at any time: the proxies keep the share until their lease ends, and
/// `breakglass start` takes the ramp up again, from the journal. Two cannot run the same change.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Show `breakglass watch` in this terminal, and be the one who watches
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let taken_up = {
        let ledger = session.ledger()?;
        let change = ledger.change(&id)?;
        change.ramp.is_running()
    };
    if !taken_up {
        session.decide(|deciding| {
            let change = deciding.ledger.change(&id)?;
            deciding.check(When::Start, "start", change)?;
            Ok(Vec::new())
        })?;
    }
    let mut engine = Engine::new(session, &id, arguments.json.json)?;
    if !arguments.watch {
        let word = if taken_up { "taken up" } else { "started" };
        note(&format!(
            "{id}: {word}; the first share waits for `breakglass watch {id}`"
        ));
        return engine.run().map(outcome);
    }
    let session = Session::open(&arguments.project, arguments.json)?;
    // The engine goes on when the view is left: then nobody watches, and it holds.
    let engine = thread::spawn(move || engine.run());
    watch::show(session, &id)?;
    match engine.is_finished() {
        true => engine
            .join()
            .unwrap_or_else(|_| process::abort())
            .map(outcome),
        false => {
            note(&format!(
                "the ramp of {id} holds while nobody watches; `breakglass start {id} --watch` takes it up again"
            ));
            Ok(Outcome::Partial)
        }
    }
}

/// What the shell learns of how a ramp ended.
fn outcome(end: End) -> Outcome {
    note(&end.to_text());
    match end {
        End::Completed => Outcome::Fine,
        _ => Outcome::Found,
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass start chg-2026-0117
  breakglass start --watch";
