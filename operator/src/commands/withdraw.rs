//! `breakglass withdraw`: a change that will not be started.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Withdraws a change that has not been started.
///
/// One that has is ended by its ramp or by a kill, and closed: what was skipped is owed then.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let why = arguments.why.trim();
    if why.is_empty() {
        bail!("--why is empty; expected a reason, for whoever reads the record");
    }
    session.decide(|deciding| {
        let change = deciding.ledger.change(&id)?;
        if !change.is_open() {
            bail!("{id} is {} already", change.stage());
        }
        if change.ramp.started.is_some() {
            bail!(
                "{id} has been started ({}), so it cannot be withdrawn; expected `breakglass kill {id}` where it runs, and `breakglass close {id}` when its duties are done",
                change.stage()
            );
        }
        Ok(vec![Draft::of(&id, Event::Withdrawn { why: why.into() })])
    })?;
    let told = json!({"change": id, "withdrawn": why});
    output::tell(arguments.json.json, &told, &format!("{id}: withdrawn"))?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass withdraw --why 'the exposure was a test account'";
