//! `breakglass close`: ends a change when all of it is done.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::rules::When;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Closes a change: the ramp is over, the harm has stopped by the counts, every gate that was skipped
/// has run, every debt is paid, customers are told, the postmortem is written.
///
/// All that is missing is told at once, each with the command that brings it.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
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
    let id = arguments.change.id(&session)?;
    session.decide(|deciding| {
        let change = deciding.ledger.change(&id)?;
        if !change.is_open() {
            bail!("{id} is {} already", change.stage());
        }
        deciding.check(When::Close, "close", change)?;
        Ok(vec![Draft::of(&id, Event::Closed)])
    })?;
    let told = json!({"change": id, "closed": true});
    output::tell(arguments.json.json, &told, &format!("{id}: closed"))?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass close chg-2026-0117
  breakglass close --json";
