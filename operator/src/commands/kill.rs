//! `breakglass kill`: one person, one command, no gate.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use breakglass_policy::{InFlight, KillMode, Name};
use clap::Args;
use serde_json::json;

use crate::change::event::Event;
use crate::change::record::ChangeId;
use crate::clock;
use crate::engine::memory::Memory;
use crate::engine::orders;
use crate::fleet::{Delivered, Told};
use crate::journal::{Draft, Journal, Spooled};
use crate::notify;
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::config::Person;
use crate::project::{Project, ProjectArguments};
use crate::session::JsonArgument;
use crate::typed;

/// Takes everybody back at once: every proxy, and the files that they start from.
///
/// It asks nobody and waits for nothing: the order goes to all proxies in parallel, those that cannot
/// be reached are named, and only then is it written into the journal; where that cannot be written the
/// event waits beside it. To rise again the change is rearmed, drilled and approved anew.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The change [default: the one that is running]
    #[arg(value_name = "CHANGE", value_parser = typed::name)]
    change: Option<ChangeId>,
    /// The rollout, where the journal cannot tell it [default: the change's]
    #[arg(long, value_name = "NAME", value_parser = typed::name)]
    rollout: Option<Name>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "pulled by hand")]
    why: String,
    /// The agent answers nobody, instead of everybody going to stable
    #[arg(long)]
    block: bool,
    /// Let requests under way finish, instead of cutting them off at their next chunk
    #[arg(long)]
    drain: bool,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

/// What is known of a change without waiting for anybody.
struct Meant {
    change: Option<ChangeId>,
    rollout: Name,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let project = arguments.project.open()?;
    let actor = project.actor()?;
    let meant = meant(&project, arguments)?;
    let mode = match arguments.block {
        true => KillMode::Block,
        false => KillMode::Rollback,
    };
    let in_flight = match arguments.drain {
        true => InFlight::Drain,
        false => InFlight::Cut,
    };
    let json = arguments.json.json;
    let mut output = Output::new();
    let mut told = Ok(());
    let mut tell = |line: &str| {
        // Whoever reads us may be gone: the kill goes on.
        if !json && told.is_ok() {
            told = output.line(line).and_then(|()| output.flush());
        }
    };
    let delivered = kill(
        &project,
        actor,
        &meant.rollout,
        mode,
        in_flight,
        &mut |told| {
            tell(&told.to_text());
        },
    )?;
    let journal = keep(
        &project,
        actor,
        meant.change.as_ref(),
        &meant.rollout,
        &arguments.why,
        &delivered,
    );
    told?;
    match json {
        true => output.json(&json!({
            "change": meant.change,
            "rollout": meant.rollout,
            "delivered": delivered,
            "journal": journal,
        }))?,
        false => {
            output.line(&format!("{}: {}", meant.rollout, delivered.summary()))?;
            if !delivered.everywhere() {
                output.line(&format!("NOT reached: {}", delivered.missing().join(", ")))?;
            }
            output.line(&format!("journal: {journal}"))?;
        }
    }
    output.finish()?;
    Ok(delivered.outcome())
}

/// Pulls the kill-switch everywhere, as this person.
pub(crate) fn kill(
    project: &Project,
    actor: &Person,
    rollout: &Name,
    mode: KillMode,
    in_flight: InFlight,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<Delivered> {
    let signer = project.signer(actor);
    if let Err(error) = &signer {
        // Proxies without trusted keys obey all the same.
        note(&format!("the kill is not signed: {error:#}"));
    }
    let terms = orders::kill(rollout, mode, in_flight);
    Ok(project.fleet()?.order(&terms, signer.ok().as_ref(), told))
}

/// Writes the kill down, or leaves it where it is found later. Returns where it is.
pub(crate) fn keep(
    project: &Project,
    actor: &Person,
    change: Option<&ChangeId>,
    rollout: &Name,
    why: &str,
    delivered: &Delivered,
) -> String {
    let at = clock::now();
    let event = Event::Killed {
        why: match change {
            Some(_) => why.to_owned(),
            None => format!("{why}; of {rollout}, no change is known that it belongs to"),
        },
        delivered: Delivered {
            control: None,
            ..delivered.clone()
        },
    };
    let written = Journal::open_within(&project.store(), PATIENCE).and_then(|mut journal| {
        journal.write(&actor.id, |known, _| {
            // Typed by somebody in a hurry: a change that was never declared must not get into it.
            let change = change.filter(|id| known.get(id).is_some()).cloned();
            let event = event.clone();
            Ok(vec![Draft { change, event }])
        })
    });
    let error = match written {
        Ok(written) => {
            notify::tell(project, &written);
            return "written".into();
        }
        Err(error) => error,
    };
    let spooled = Spooled::new(&actor.id, change, at, event);
    match spooled.and_then(|spooled| spooled.save(&project.store())) {
        Ok((file, true)) => format!(
            "{error:#}; the kill waits in {}, whoever writes next takes it in",
            file.display()
        ),
        Ok((file, false)) => format!(
            "{error:#}; the kill waits in {}: `breakglass journal add` takes it in",
            file.display()
        ),
        Err(lost) => format!("{error:#}; and it waits nowhere: {lost:#}"),
    }
}

/// Finds out what is to be killed, from whatever can be read at once.
fn meant(project: &Project, arguments: &Arguments) -> Result<Meant> {
    let ledger =
        Journal::open_within(&project.store(), GLANCE).and_then(|journal| journal.ledger());
    let found = ledger
        .as_ref()
        .ok()
        .and_then(|ledger| match &arguments.change {
            Some(id) => ledger.get(id),
            None => {
                let mut running = ledger.changes().rev().filter(|change| change.is_open());
                running
                    .find(|change| change.ramp.is_running())
                    .or_else(|| ledger.only_open().ok())
            }
        });
    if let Some(change) = found {
        let rollout = arguments.rollout.clone();
        return Ok(Meant {
            change: Some(change.id.clone()),
            rollout: rollout.unwrap_or_else(|| change.declared.rollout.clone()),
        });
    }
    if let Err(error) = &ledger {
        note(&format!("{error:#}; killing all the same"));
    }
    let change = arguments.change.clone();
    if let (Some(id), Ok(_), None) = (&change, &ledger, &arguments.rollout) {
        bail!("there is no change `{id}`; --rollout NAME kills without one");
    }
    let memory = change
        .as_ref()
        .and_then(|id| Memory::read(&project.store(), id));
    let only = match &project.config.agents[..] {
        [agent] => Some(agent.rollout.clone()),
        _ => None,
    };
    let rollout = arguments.rollout.clone();
    let rollout = rollout
        .or_else(|| memory.map(|memory| memory.rollout))
        .or(only);
    let rollout = rollout.with_context(|| {
        format!(
            "which rollout? expected --rollout with one of: {}",
            project.config.rollouts()
        )
    })?;
    Ok(Meant { change, rollout })
}

const EXAMPLES: &str = "\
Examples:
  breakglass kill
  breakglass kill chg-2026-0117 --why 'it still leaks'
  breakglass kill --rollout support-agent --block";
/// What cannot be read in this time is done without.
const GLANCE: Duration = Duration::from_millis(100);
/// For writing down what is done already.
const PATIENCE: Duration = Duration::from_secs(2);
