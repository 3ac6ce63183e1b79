//! `breakglass postmortem`: writes itself from the journal; people add what is to be done.

mod actions;
mod page;
mod picture;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::change::Change;
use crate::change::event::Event;
use crate::change::rules::{Denial, Refusal};
use crate::clock;
use crate::commands::postmortem::actions::Actions;
use crate::commands::postmortem::page::Page;
use crate::files;
use crate::journal::{Draft, chain};
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Writes the postmortem of a change as Markdown, from the journal alone: timeline, time to harm stopped,
/// approvals, bypasses, drill, ramp with a picture, refused attempts, gates, messages, open duties, and
/// the questions that follow from them.
///
/// What only people know is in the file of --actions: what is done about the cause, and what about the
/// gaps in discipline, each with an owner and a due day. Without it the result is a draft; with it the
/// postmortem counts as written, and its digest goes into the journal:
///
///   [[cause]]
///   what = "Redact numbers before the retrieval index, not only in answers"
///   owner = "priya"
///   due = "2026-12-10"
///   [[discipline]]
///   what = "Give the eval a short form that runs within ten minutes"
///   owner = "sana"
///   due = "2026-12-04"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Write to this file, with the picture of the ramp beside it [default: standard output, no picture]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is done about the cause and about the gaps in discipline
    #[arg(long, value_name = "FILE")]
    actions: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let ledger = session.ledger()?;
    let id = arguments.change.of(&ledger)?.id.clone();
    let config = &session.project.config;
    let actions = match &arguments.actions {
        Some(file) => Some(Actions::read(file, config)?),
        None => None,
    };
    if let Some(actions) = &actions {
        session.decide(|deciding| {
            let change = deciding.ledger.change(&id)?;
            if !change.is_open() {
                bail!(
                    "{id} is {}; without --actions its postmortem can still be drawn up",
                    change.stage()
                );
            }
            match not_yet(change, actions) {
                Some(denial) => {
                    Err(
                        Refusal::one("write the postmortem", Some(&id), "postmortem", denial)
                            .into(),
                    )
                }
                None => Ok(Vec::new()),
            }
        })?;
    }
    let change = ledger.change(&id)?;
    let picture = arguments
        .output
        .as_ref()
        .map(|file| file.with_extension("svg"));
    let drawn = picture
        .as_ref()
        .and_then(|_| picture::of(change, &session.project.config));
    let page = Page {
        change,
        ledger: &ledger,
        config: &session.project.config,
        actions: actions.as_ref(),
        picture: picture
            .as_deref()
            .filter(|_| drawn.is_some())
            .and_then(name),
        now: clock::now(),
    };
    let text = page.to_markdown();
    let digest = chain::digest(text.as_bytes());
    if let Some(file) = &arguments.output {
        files::replace(file, text.as_bytes())?;
        if let (Some(picture), Some(svg)) = (&picture, &drawn) {
            files::replace(picture, svg.as_bytes())?;
        }
    }
    let draft = actions.is_none();
    if let Some(Actions { cause, discipline }) = actions {
        let event = Event::PostmortemWritten {
            digest: digest.clone(),
            cause_actions: cause,
            discipline_actions: discipline,
        };
        session.decide(|_| Ok(vec![Draft::of(&id, event)]))?;
    }
    let mut output = Output::new();
    let file = arguments
        .output
        .as_ref()
        .map(|file| file.display().to_string());
    match (&file, arguments.json.json) {
        (_, true) => output.json(&json!({
            "change": id,
            "draft": draft,
            "digest": digest,
            "file": file,
            "picture": picture.filter(|_| drawn.is_some()).map(|file| file.display().to_string()),
            "markdown": file.is_none().then_some(&text),
        }))?,
        (None, false) => output.write(text.as_bytes())?,
        (Some(file), false) => output.line(&format!("{file}: {digest}"))?,
    }
    output.finish()?;
    match draft {
        true => note(&format!(
            "a draft: `breakglass postmortem {id} -o FILE --actions FILE` makes it count"
        )),
        false => note(&format!(
            "{id}: the postmortem is written; next: breakglass close {id}"
        )),
    }
    Ok(Outcome::Fine)
}

/// Why it does not count as written yet.
fn not_yet(change: &Change, actions: &Actions) -> Option<Denial> {
    if change.ramp.is_running() || change.ramp.last_end.is_none() {
        return Some(Denial::new(
            format!(
                "the change is {}: what it came to is not known yet",
                change.stage()
            ),
            "without --actions a draft is written at any time",
        ));
    }
    actions.lacks()
}

fn name(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()
}

const EXAMPLES: &str = "\
Examples:
  breakglass postmortem chg-2026-0117
  breakglass postmortem chg-2026-0117 -o postmortem.md --actions actions.toml";
