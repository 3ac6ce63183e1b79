//! `breakglass note`: what else belongs into the record.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::record::ChangeId;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output;
use crate::project::ProjectArguments;
use crate::session::{JsonArgument, Session};
use crate::typed;

/// Writes a note into the record of a change, with the time and who wrote it.
///
/// For decisions, findings and phone calls; the timeline and the postmortem show it.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The note
    #[arg(value_name = "TEXT")]
    text: String,
    /// The change [default: the only one that is open]
    #[arg(long, value_name = "CHANGE", value_parser = typed::name)]
    change: Option<ChangeId>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let text = arguments.text.trim();
    if text.is_empty() {
        bail!("the note is empty; expected what belongs into the record");
    }
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = {
        let ledger = session.ledger()?;
        let change = match &arguments.change {
            Some(id) => ledger.change(id)?,
            None => ledger.only_open()?,
        };
        change.id.clone()
    };
    let written = session.record(&id, Event::Noted { text: text.into() })?;
    let told = json!({"change": id, "entry": written.entry.seq, "noted": text});
    output::tell(arguments.json.json, &told, &format!("{id}: noted"))?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass note 'called the customer: they have seen it twice'
  breakglass note --change chg-2026-0117 'the leak began with the release of Tuesday'";
