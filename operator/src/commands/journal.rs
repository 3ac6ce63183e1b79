//! `breakglass journal`: the record itself: checked, exported, read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::change::event::Entry;
use crate::change::record::ChangeId;
use crate::files;
use crate::journal::Spooled;
use crate::journal::chain::{self, Broken, Head};
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::project::windows::Windows;
use crate::session::{JsonArgument, Session};
use crate::typed;

/// Checks, exports and shows the journal: everything that happened, in order, each entry chained to the
/// one before by its hash.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks that no entry was changed, taken out, put in or moved since it was written
    ///
    /// Prints how many entries there are and the hash of the last, the head: whoever keeps it elsewhere
    /// can also tell whether the end was cut off (`--head`). Status 1 where the chain does not hold. An
    /// exported file needs neither project nor journal.
    Verify {
        /// Lines from `breakglass journal export` [default: the journal of this project]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// An entry's hash that was noted earlier: it must be one of them
        #[arg(long, value_name = "sha256:…")]
        head: Option<String>,
    },
    /// Writes every entry as a line of JSON, byte for byte as it was hashed
    ///
    /// The hash of an entry is `sha256sum` of its line without the line's end; the next line names it
    /// as `prev`.
    Export {
        /// Write to this file [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Shows what happened, with the project's clock
    Show {
        /// Only this change [default: everything]
        #[arg(value_name = "CHANGE", value_parser = typed::name)]
        change: Option<ChangeId>,
        /// The counts of the proxies as well
        #[arg(long)]
        all: bool,
    },
    /// Takes in an event that could not be written when it happened
    ///
    /// `breakglass kill` names the file where it had to leave one elsewhere. It is written once,
    /// however often it is added, and marked as late.
    Add {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let json = arguments.json.json;
    if let Command::Verify {
        file: Some(file),
        head,
    } = &arguments.command
    {
        let text = fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let lines: Vec<_> = text.lines().map(|line| (line.to_owned(), None)).collect();
        return verify(&lines, head.as_deref(), json);
    }
    let mut session = Session::open(&arguments.project, arguments.json)?;
    match &arguments.command {
        Command::Verify { head, .. } => {
            let lines = session.journal.lines()?.into_iter();
            let lines: Vec<_> = lines.map(|(line, hash)| (line, Some(hash))).collect();
            verify(&lines, head.as_deref(), json)
        }
        Command::Export { output } => export(&session, output.as_deref(), json),
        Command::Show { change, all } => show(&session, change.as_ref(), *all, json),
        Command::Add { file } => add(&mut session, file, json),
    }
}

fn verify(lines: &[(String, Option<String>)], noted: Option<&str>, json: bool) -> Result<Outcome> {
    let checked = chain::verify(
        lines
            .iter()
            .map(|(line, hash)| (line.as_str(), hash.as_deref())),
    );
    let checked = checked.and_then(|head| holds(head, lines, noted));
    let mut output = Output::new();
    match (&checked, json) {
        (Ok(Head { entries, hash }), true) => {
            output.json(&json!({"holds": true, "entries": entries, "head": hash}))?;
        }
        (Ok(Head { entries, hash }), false) => {
            output.line(&format!("holds: {entries} entries, head {hash}"))?;
        }
        (Err(Broken { entry, why }), true) => {
            output.json(&json!({"holds": false, "entry": entry, "why": why}))?;
        }
        (Err(broken), false) => output.line(&format!("BROKEN: {broken}"))?,
    }
    output.finish()?;
    Ok(match checked {
        Ok(_) => Outcome::Fine,
        Err(_) => Outcome::Found,
    })
}

/// Whether the head that was noted earlier is among the entries: else some were cut off at the end, or
/// all of it was written anew.
fn holds(
    head: Head,
    lines: &[(String, Option<String>)],
    noted: Option<&str>,
) -> Result<Head, Broken> {
    let Some(noted) = noted else {
        return Ok(head);
    };
    if noted == chain::BEGIN || lines.iter().any(|(line, _)| chain::hash(line) == noted) {
        return Ok(head);
    }
    Err(Broken {
        entry: head.entries + 1,
        why: format!(
            "no entry has the hash {noted}: entries were cut off at the end, or all were written anew"
        ),
    })
}

fn export(session: &Session, file: Option<&Path>, json: bool) -> Result<Outcome> {
    let lines = session.journal.lines()?;
    let mut output = Output::new();
    let Some(file) = file else {
        for (line, _) in &lines {
            output.line(line)?;
        }
        output.finish()?;
        return Ok(Outcome::Fine);
    };
    let text: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    files::replace(file, text.as_bytes())?;
    let (entries, head) = (
        lines.len(),
        lines.last().map_or(chain::BEGIN, |(_, hash)| hash),
    );
    let name = file.display().to_string();
    match json {
        true => output.json(&json!({"file": name, "entries": entries, "head": head}))?,
        false => output.line(&format!("{name}: {entries} entries, head {head}"))?,
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn show(session: &Session, change: Option<&ChangeId>, all: bool, json: bool) -> Result<Outcome> {
    if let Some(id) = change {
        // One that there is not is an error, not silence.
        session.ledger()?.change(id)?;
    }
    let entries = session.journal.entries()?.into_iter();
    let wanted = entries.filter(|entry| change.is_none() || entry.change.as_ref() == change);
    let wanted: Vec<Entry> = wanted
        .filter(|entry| all || json || !entry.event.is_noise())
        .collect();
    let mut output = Output::new();
    match json {
        true => output.json(&wanted)?,
        false => {
            let windows = &session.project.config.windows;
            for entry in &wanted {
                output.line(&line(entry, windows, change.is_none()))?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// `2026-11-26 22:05:07 +05:30  priya  declared (security): …`
fn line(entry: &Entry, windows: &Windows, with_change: bool) -> String {
    let when = windows.moment(entry.at);
    let change = entry.change.as_ref().filter(|_| with_change);
    let change = change.map(|id| format!("{id}  ")).unwrap_or_default();
    let late = if entry.late { "  (written later)" } else { "" };
    format!(
        "{when}  {change}{:<10}  {}{late}",
        entry.by.as_str(),
        entry.event.to_text()
    )
}

fn add(session: &mut Session, file: &Path, json: bool) -> Result<Outcome> {
    let event = Spooled::read(file)?;
    let (at, by, change, what) = event.tells();
    let told = json!({"at": at, "by": by, "change": change, "event": what});
    let text = format!(
        "{}  {by}  {}",
        session.project.config.windows.moment(at),
        what.to_text()
    );
    let taken = session.journal.take_in(event);
    let new = taken.with_context(|| format!("{} is not taken in", file.display()))?;
    let mut output = Output::new();
    match json {
        true => output.json(&json!({"new": new, "entry": told}))?,
        false => output.line(&format!(
            "{}: {text}",
            if new { "added" } else { "known already" }
        ))?,
    }
    output.finish()?;
    note(&format!("{} is no longer needed", file.display()));
    Ok(Outcome::Fine)
}

const EXAMPLES: &str = "\
Examples:
  breakglass journal verify
  breakglass journal export -o journal.jsonl && breakglass journal verify journal.jsonl
  breakglass journal verify --head sha256:9f2c… journal.jsonl
  breakglass journal show chg-2026-0117
  breakglass journal add /tmp/breakglass-4f1d….json";
