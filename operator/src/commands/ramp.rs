//! `breakglass confirm`, `hold`, `resume`, `rearm`: a person's word about a ramp.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::ramp::{End, Phase};
use crate::change::record::ChangeId;
use crate::change::rules::{Denial, Refusal};
use crate::engine::presence::Presence;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Lets the ramp go on after the step that stands now.
///
/// Only somebody who watches can: `breakglass watch` must be running under the same name. The key c in
/// the view does the same. It mutes no signal.
#[derive(Debug, Args)]
#[command(after_help = format!("{CONFIRM_EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct ConfirmArguments {
    #[command(flatten)]
    change: ChangeArgument,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

/// Holds the ramp: the share stands, no next one is given.
///
/// The lease is renewed as long as somebody watches. To take everybody back, kill.
#[derive(Debug, Args)]
#[command(after_help = format!("{HOLD_EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct HoldArguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "somebody said so")]
    why: String,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

/// Lets a ramp go on that was held.
#[derive(Debug, Args)]
#[command(after_help = format!("{RESUME_EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct ResumeArguments {
    #[command(flatten)]
    change: ChangeArgument,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

/// Asks for everything anew after a kill, a rollback or a lapsed lease: drill, approvals, start.
///
/// The proxies themselves take no earlier approval any more.
#[derive(Debug, Args)]
#[command(after_help = format!("{REARM_EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct RearmArguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Why it may rise again: what was found, what was done about it
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run_confirm(arguments: &ConfirmArguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let step = confirm(&mut session, &id)?;
    let text = format!("{id}: step {} is confirmed", step + 1);
    tell(arguments.json, &id, "confirmed", &text)
}

pub(crate) fn run_hold(arguments: &HoldArguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    hold(&mut session, &id, &arguments.why)?;
    let text =
        format!("{id}: the ramp holds; next: breakglass resume {id}, or breakglass kill {id}");
    tell(arguments.json, &id, "held", &text)
}

pub(crate) fn run_resume(arguments: &ResumeArguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    resume(&mut session, &id)?;
    tell(
        arguments.json,
        &id,
        "resumed",
        &format!("{id}: the ramp goes on"),
    )
}

pub(crate) fn run_rearm(arguments: &RearmArguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let why = arguments.why.trim().to_owned();
    session.decide(|deciding| {
        let change = deciding.ledger.change(&id)?;
        match change.ramp.end_of() {
            Some(End::Completed) => bail!("{id} is complete; there is nothing to rearm"),
            _ if !change.is_open() => bail!("{id} is {}; declare a new change", change.stage()),
            None => bail!("{id} is {}; there is nothing to rearm", change.stage()),
            Some(_) => {}
        }
        if why.is_empty() {
            return refuse(
                &id,
                "rearm",
                "not-ended",
                "it is not said why it may rise again",
                "--why: what was found, and what was done about it",
            );
        }
        Ok(vec![Draft::of(&id, Event::Rearmed { why })])
    })?;
    let text = format!(
        "{id}: rearmed; next: breakglass drill {id}, then approve and start as the first time"
    );
    tell(arguments.json, &id, "rearmed", &text)
}

/// Confirms the step that stands. Returns its number.
pub(crate) fn confirm(session: &mut Session, id: &ChangeId) -> Result<usize> {
    let store = session.project.store();
    let within = session.project.config.ramp.heartbeat.duration();
    let mut confirmed = 0;
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        let Phase::InForce { step, .. } = change.ramp.phase else {
            bail!("{id} is {}; there is no step to confirm", change.stage());
        };
        let actor = &deciding.actor.id;
        if !Presence::recent(&store, id, within).contains(actor) {
            return refuse(
                id,
                "confirm",
                "attended",
                format!("`{actor}` does not watch"),
                format!("`breakglass watch {id}` in another terminal, as `{actor}`"),
            );
        }
        confirmed = step;
        if change.ramp.confirmed.contains(&step) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(id, Event::Confirmed { step })])
    })?;
    Ok(confirmed)
}

/// Has the ramp stand still.
pub(crate) fn hold(session: &mut Session, id: &ChangeId, why: &str) -> Result<()> {
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        if !change.ramp.is_running() {
            bail!("{id} is {}; there is nothing to hold", change.stage());
        }
        let why = why.to_owned();
        Ok(vec![Draft::of(id, Event::Held { why })])
    })?;
    Ok(())
}

/// Has the ramp go on.
pub(crate) fn resume(session: &mut Session, id: &ChangeId) -> Result<()> {
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        if change.ramp.held.is_none() || !change.ramp.is_running() {
            bail!("{id} is {}; nobody holds it", change.stage());
        }
        Ok(vec![Draft::of(id, Event::Resumed)])
    })?;
    Ok(())
}

fn refuse(
    id: &ChangeId,
    attempted: &'static str,
    rule: &'static str,
    why: impl Into<String>,
    way_out: impl Into<String>,
) -> Result<Vec<Draft>> {
    let denial = Denial::new(why, way_out);
    Err(Refusal::one(attempted, Some(id), rule, denial).into())
}

fn tell(json: JsonArgument, id: &ChangeId, what: &str, text: &str) -> Result<Outcome> {
    output::tell(json.json, &json!({"change": id, "done": what}), text)?;
    Ok(Outcome::Fine)
}

const CONFIRM_EXAMPLES: &str = "\
Examples:
  breakglass confirm chg-2026-0117 --as asha";

const HOLD_EXAMPLES: &str = "\
Examples:
  breakglass hold --why 'two odd answers, reading them'";

const RESUME_EXAMPLES: &str = "\
Examples:
  breakglass resume chg-2026-0117";

const REARM_EXAMPLES: &str = "\
Examples:
  breakglass rearm chg-2026-0117 --why 'the prompt no longer quotes the ticket; v43'";
