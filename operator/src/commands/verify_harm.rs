//! `breakglass verify-harm`: whether the counts show that the harm has stopped.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::harm::{self, Verdict};
use crate::commands::waiting::waiting;
use crate::engine::memory::Memory;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Asks all proxies whether the harm has stopped: what the record names in `harm`, counted of the
/// answers of the new version since the ramp began, with everybody on it.
///
/// It has stopped when the new version has given as many answers as the record asks for, and at most so
/// many of a thousand show the harm. Then that is written down, with the old version's number from the
/// time of the ramp beside it. A proxy that does not tell, a share below everybody or too few answers are
/// never a pass.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    session.actor()?;
    let id = arguments.change.id(&session)?;
    let ledger = session.ledger()?;
    let change = ledger.change(&id)?;
    if !change.is_open() {
        bail!("{id} is {}", change.stage());
    }
    let fleet = session.project.fleet()?;
    let rollout = &change.declared.rollout;
    let observed = waiting("asking the proxies", || fleet.observe(rollout));
    let memory = Memory::read(&session.project.store(), &id);
    let verdict = harm::look(change, memory.as_ref(), &observed);
    if let Verdict::Stopped(stopped) = &verdict {
        session.record(&id, Event::HarmStopped(Box::new(stopped.clone())))?;
    }
    let mut output = Output::new();
    if arguments.json.json {
        output.json(&json!({"change": id, "verdict": verdict}))?;
        output.finish()?;
        return Ok(outcome(&verdict));
    }
    match &verdict {
        Verdict::Stopped(stopped) => {
            output.line(&format!("{id}: {}", stopped.to_text()))?;
            let bound = change.declared.harm.at_most_per_1000;
            if stopped.before_per_1000.is_none_or(|before| before <= bound) {
                output.line("the old version was not seen above the bound either: look whether this measure shows the harm at all")?;
            }
            output.line(&format!("next: breakglass close {id}"))?;
        }
        Verdict::GoesOn { why } => output.line(&format!("{id}: the harm goes on: {why}"))?,
        Verdict::Unknown { missing } => {
            output.line(&format!(
                "{id}: not known yet whether the harm has stopped; missing:"
            ))?;
            for what in missing {
                output.line(&format!("  {what}"))?;
            }
        }
    }
    output.finish()?;
    Ok(outcome(&verdict))
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Stopped(_) => Outcome::Fine,
        Verdict::GoesOn { .. } => Outcome::Found,
        Verdict::Unknown { .. } => Outcome::Nothing,
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass verify-harm chg-2026-0117
  until breakglass verify-harm; do sleep 60; done";
const STATUSES: &str = "\
Exit status:
  0  the harm has stopped, and that is written down
  1  it goes on
  2  bad usage, unreadable input, unwritable output
  4  not known yet: too few answers, or a proxy that does not tell";
