//! `breakglass reclassify`: it was another kind of thing after all.

use anyhow::{Result, bail};
use breakglass_policy::Name;
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::record::Category;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};
use crate::typed;

/// Writes down that a change was another kind of thing than was declared.
///
/// It changes nothing of what is in force or owed: approvals were given for what was declared. The rate of
/// emergencies counts it, and how often that happens.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// What it was: security, regulatory, production_incident, customer_blocking, or routine
    #[arg(long = "to", value_name = "CATEGORY", value_parser = kind)]
    category: Name,
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
    let (category, why) = (&arguments.category, arguments.why.trim());
    if why.is_empty() {
        bail!("--why is empty; expected a reason, for whoever reads the record");
    }
    session.decide(|deciding| {
        let change = deciding.ledger.change(&id)?;
        let now = match &change.reclassified {
            Some((known, _)) => known.as_str(),
            None => change.declared.category.as_str(),
        };
        if now == category.as_str() {
            bail!("{id} counts as {now} already");
        }
        let event = Event::Reclassified {
            category: category.clone(),
            why: why.into(),
        };
        Ok(vec![Draft::of(&id, event)])
    })?;
    let told = json!({"change": id, "category": category, "why": why});
    output::tell(
        arguments.json.json,
        &told,
        &format!("{id}: counts as {category} from now on"),
    )?;
    Ok(Outcome::Fine)
}

fn kind(text: &str) -> Result<Name, String> {
    let known = Category::ALL.map(Category::as_str);
    match known.contains(&text) || text == ROUTINE {
        true => typed::name(text),
        false => Err(format!("expected one of: {}, {ROUTINE}", known.join(", "))),
    }
}

/// What needed no breaking of glass.
const ROUTINE: &str = "routine";

const EXAMPLES: &str = "\
Examples:
  breakglass reclassify chg-2026-0117 --to production_incident --why 'nothing was exposed'";
