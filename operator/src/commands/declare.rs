//! `breakglass declare`: why a change cannot wait, what is skipped, and who stands for it.

mod check;
mod file;
mod interview;
mod questions;
mod template;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::change::Ledger;
use crate::change::event::Event;
use crate::change::record::{ChangeId, Declaration};
use crate::change::rules::{Refusal, chosen};
use crate::clock;
use crate::commands::in_force::{self, InForce};
use crate::commands::on_terminal;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome, note, refuse_in_json};
use crate::output::Output;
use crate::project::{Project, ProjectArguments};
use crate::session::{Deciding, JsonArgument, Session};
use file::Claimed;
use interview::Held;

/// Declares an emergency change, and begins its record.
///
/// Asks for all that belongs into it: the category with its evidence, both harms, what is skipped and why,
/// the steps, the people, the message, and how it will show that the harm has stopped. What is no emergency
/// is told so by name, with what to do instead. An answer that a rule refuses is asked again.
///
/// For scripts: --file, in TOML or JSON; --template writes one to be filled in. Whatever is not skipped
/// stays in force and is checked when the change starts.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// Read the declaration from this file instead of asking: TOML, or JSON by name or first letter; `-` for
    /// standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only check the file; write nothing
    #[arg(long, requires = "file")]
    check: bool,
    /// Write a file to be filled in to standard output
    #[arg(long, conflicts_with_all = ["file", "json"])]
    template: bool,
    /// The policy that the proxies have [default: the files of proxies.durable]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    if arguments.template {
        let mut output = Output::new();
        output.write(template::TEMPLATE.as_bytes())?;
        output.finish()?;
        return Ok(Outcome::Fine);
    }
    let claimed = arguments.file.as_deref().map(file::read).transpose()?;
    if let (true, Some(claimed)) = (arguments.check, &claimed) {
        return check_only(arguments, claimed);
    }
    if claimed.is_none() && !on_terminal() {
        bail!(
            "nobody to ask: standard input and error are no terminal; expected --file FILE (`breakglass declare --template` writes one)"
        );
    }
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let declared = match claimed {
        Some(Claimed::Emergency(declared)) => *declared,
        Some(Claimed::NoEmergency(kind)) => return check::no_emergency(&mut session, kind),
        None => match held(&mut session, arguments)? {
            Held::Declared(declared) => *declared,
            Held::NoEmergency(kind) => return check::no_emergency(&mut session, kind),
            Held::Left => bail!("left: nothing was declared"),
        },
    };
    let in_force = look(&session.project, &declared, arguments)?;
    let mut id = None;
    session.decide(|deciding| {
        check::all(deciding, &declared, in_force.as_ref())?;
        let windows = &deciding.project.config.windows;
        let new = deciding.ledger.next_id(windows.year(deciding.now))?;
        let event = Event::Declared(Box::new(declared.clone()));
        id = Some(new.clone());
        Ok(vec![Draft::of(&new, event)])
    })?;
    let Some(id) = id else {
        bail!("nothing was written");
    };
    tell(arguments, &session.project, &id, &declared)
}

/// Holds the interview. What it has to refuse is kept as an attempt.
fn held(session: &mut Session, arguments: &Arguments) -> Result<Held> {
    let held = interview::hold(session, arguments.policy.as_deref());
    match held.map_err(anyhow::Error::downcast::<Refusal>) {
        Ok(held) => Ok(held),
        Err(Err(error)) => Err(error),
        Err(Ok(refusal)) => {
            session.decide(|_| Err(refusal.into()))?;
            Ok(Held::Left)
        }
    }
}

/// What the proxies have; `None` of a rollout that nobody knows, which has a rule of its own.
fn look(
    project: &Project,
    declared: &Declaration,
    arguments: &Arguments,
) -> Result<Option<InForce>> {
    if project.config.agent(&declared.rollout).is_none() {
        return Ok(None);
    }
    let in_force = in_force::look(project, &declared.rollout, arguments.policy.as_deref())?;
    for silent in in_force.silent() {
        note(&format!("{silent}; what it has could not be checked"));
    }
    if in_force.described.is_none() {
        note(
            "no file in proxies.durable: whether these are the policy's versions could not be checked",
        );
    }
    Ok(Some(in_force))
}

fn check_only(arguments: &Arguments, claimed: &Claimed) -> Result<Outcome> {
    refuse_in_json(arguments.json.json);
    let project = arguments.project.open()?;
    let ledger = match project.has_journal() {
        true => project.journal()?.ledger()?,
        // It is not made only to be read.
        false => Ledger::default(),
    };
    let deciding = Deciding {
        project: &project,
        ledger: &ledger,
        actor: project.actor()?,
        now: clock::now(),
    };
    let declared = match claimed {
        Claimed::Emergency(declared) => declared,
        Claimed::NoEmergency(kind) => return Err(check::refusal(*kind).into()),
    };
    let in_force = look(&project, declared, arguments)?;
    check::all(&deciding, declared, in_force.as_ref())?;
    let mut output = Output::new();
    match arguments.json.json {
        true => output.json(&json!({"ok": true, "approvers": approvers(&deciding, declared)}))?,
        false => output.line("every rule of declaring lets it through; nothing was written")?,
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn approvers(deciding: &Deciding<'_>, declared: &Declaration) -> Vec<Value> {
    let chosen = chosen(&deciding.project.config, declared, &deciding.actor.id);
    let chosen = chosen.unwrap_or_default().into_iter();
    chosen
        .map(|(person, role)| json!({"id": person.id, "role": role}))
        .collect()
}

fn tell(
    arguments: &Arguments,
    project: &Project,
    id: &ChangeId,
    declared: &Declaration,
) -> Result<Outcome> {
    let chosen = chosen(&project.config, declared, &project.actor()?.id);
    let chosen = chosen.unwrap_or_default();
    let mut output = Output::new();
    if arguments.json.json {
        let approvers = chosen
            .iter()
            .map(|(person, role)| json!({"id": person.id, "role": role}));
        output.json(&json!({"change": id, "approvers": approvers.collect::<Vec<_>>()}))?;
    } else {
        let approvers = chosen
            .iter()
            .map(|(person, role)| format!("{} ({role})", person.id));
        let skipped: Vec<_> = declared
            .bypass
            .iter()
            .map(|bypass| bypass.what.as_str())
            .collect();
        output.line(&format!("{id}: declared, {}", declared.category))?;
        output.line(&match skipped.is_empty() {
            true => "skipped      nothing".to_owned(),
            false => format!("skipped      {}", skipped.join(", ")),
        })?;
        output.line(&format!(
            "approvers    {}",
            approvers.collect::<Vec<_>>().join(", ")
        ))?;
        output.line(&format!(
            "next: breakglass drill {id}; and breakglass message draft {id}"
        ))?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass declare
  breakglass declare --template > change.toml
  breakglass declare --file change.toml --check
  breakglass declare --file - --json < change.json";
