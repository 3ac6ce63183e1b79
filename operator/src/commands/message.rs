//! `breakglass message`: what customers are told, drafted and queued before the start, sent beside it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::change::Change;
use crate::change::event::Event;
use crate::change::record::Category;
use crate::commands::on_terminal;
use crate::input;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};

/// Drafts, queues and sends what customers are told.
///
/// Nothing starts before the message is queued, unless the record says why there is none; nothing is
/// closed before it is sent. The tool keeps the record; the sending itself is done by whoever sends.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Writes the text: given, from a file, or in $EDITOR, where one made from the record waits
    Draft(DraftArguments),
    /// It waits to be sent, there
    Queue(ChannelArguments),
    /// It has been sent
    Sent(ChannelArguments),
}

#[derive(Debug, Args)]
struct DraftArguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// The text itself
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    text: Option<String>,
    /// The file with the text; `-` for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take the one made from the record as it is
    #[arg(long, conflicts_with_all = ["text", "file"])]
    template: bool,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

#[derive(Debug, Args)]
struct ChannelArguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// Where: `status page`, `mail to 412 customers`
    #[arg(long, value_name = "TEXT")]
    channel: Option<String>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    match &arguments.step {
        Step::Draft(arguments) => draft(arguments),
        Step::Queue(arguments) => queue(arguments),
        Step::Sent(arguments) => sent(arguments),
    }
}

fn draft(arguments: &DraftArguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let text = text(arguments, session.ledger()?.change(&id)?)?;
    if text.trim().is_empty() {
        bail!("the message is empty; expected what customers are told");
    }
    session.decide(|deciding| {
        let change = open(deciding.ledger.change(&id)?)?;
        if change.message.sent.is_some() {
            bail!("the message of {id} has been sent; what is to be told now is `breakglass note`");
        }
        Ok(vec![Draft::of(
            &id,
            Event::MessageDrafted { text: text.clone() },
        )])
    })?;
    let mut output = Output::new();
    match arguments.json.json {
        true => output.json(&json!({"change": id, "drafted": text}))?,
        false => {
            output.line(&format!("{id}: drafted, {} letters", text.chars().count()))?;
            output.line(&format!(
                "next: breakglass message queue {id} --channel WHERE"
            ))?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn queue(arguments: &ChannelArguments) -> Result<Outcome> {
    let channel = arguments.channel.clone();
    let channel =
        channel.context("--channel is missing: expected where it waits, such as `status page`")?;
    step(arguments, &channel, |change| {
        let id = &change.id;
        if change.message.text.is_none() {
            bail!(
                "there is no message of {id} yet; expected `breakglass message draft {id}` first"
            );
        }
        if change.message.sent.is_some() {
            bail!("the message of {id} has been sent");
        }
        Ok(Event::MessageQueued {
            channel: channel.clone(),
        })
    })
}

fn sent(arguments: &ChannelArguments) -> Result<Outcome> {
    let channel = arguments
        .channel
        .clone()
        .unwrap_or_else(|| "as queued".into());
    step(arguments, &channel, |change| {
        let id = &change.id;
        if change.message.text.is_none() {
            bail!(
                "there is no message of {id}; expected `breakglass message draft {id}` first, so that it is known what was sent"
            );
        }
        Ok(Event::MessageSent {
            channel: channel.clone(),
        })
    })
}

fn step(
    arguments: &ChannelArguments,
    channel: &str,
    event: impl FnOnce(&Change) -> Result<Event>,
) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let written = session.decide(|deciding| {
        let change = open(deciding.ledger.change(&id)?)?;
        Ok(vec![Draft::of(&id, event(change)?)])
    })?;
    let is_sent = written
        .iter()
        .any(|written| matches!(written.entry.event, Event::MessageSent { .. }));
    let (word, next) = match is_sent {
        true => ("sent", None),
        false => (
            "queued",
            Some(format!(
                "next: breakglass start {id}; and breakglass message sent {id}"
            )),
        ),
    };
    let mut output = Output::new();
    if arguments.json.json {
        output.json(&json!({"change": id, word: channel}))?;
    } else {
        output.line(&format!("{id}: the message is {word}: {channel}"))?;
        next.map_or(Ok(()), |next| output.line(&next))?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn open(change: &Change) -> Result<&Change> {
    match change.is_open() {
        true => Ok(change),
        false => bail!(
            "{} is {}; expected one that is open",
            change.id,
            change.stage()
        ),
    }
}

fn text(arguments: &DraftArguments, change: &Change) -> Result<String> {
    if let Some(text) = &arguments.text {
        return Ok(text.clone());
    }
    if let Some(file) = &arguments.file {
        let bytes = input::document(file, MESSAGE_BYTES)?;
        let name = file.display();
        if bytes.len() > MESSAGE_BYTES {
            bail!("{name} is longer than {MESSAGE_BYTES} bytes, expected a message");
        }
        return String::from_utf8(bytes).with_context(|| format!("{name} holds no text"));
    }
    let made = template(change);
    if arguments.template {
        return Ok(made);
    }
    if !on_terminal() {
        bail!(
            "nobody to write it: expected --text TEXT, --file FILE, or --template for the one made from the record"
        );
    }
    edited(&made)
}

/// Has somebody write it, in the editor that they use anyway.
fn edited(begin: &str) -> Result<String> {
    let set = ["VISUAL", "EDITOR"].into_iter().find_map(|variable| {
        env::var(variable)
            .ok()
            .filter(|value| !value.trim().is_empty())
    });
    let editor =
        set.context("$EDITOR is not set; expected --text TEXT, --file FILE or --template")?;
    let file = tempfile::Builder::new()
        .prefix("breakglass-")
        .suffix(".txt")
        .tempfile();
    let file = file.context("cannot make a file for the editor")?;
    fs::write(file.path(), begin).context("cannot write the file for the editor")?;
    // With its arguments, as `git` takes it: `code --wait`.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program).args(words).arg(file.path()).status();
    let ended = ended.with_context(|| format!("cannot run {editor}"))?;
    if !ended.success() {
        bail!("{editor} ended with {ended}: nothing was drafted");
    }
    fs::read_to_string(file.path()).context("cannot read what the editor wrote")
}

/// A beginning: what happened, what is done, what is not known yet. No internal names, no guilt.
fn template(change: &Change) -> String {
    let declared = &change.declared;
    let (what, doing) = match declared.category {
        Category::Security => (
            "We found that answers of our assistant may have shown information that they must not show.",
            "We are releasing a corrected version now, in steps, and watch each of them.",
        ),
        Category::Regulatory => (
            "A rule that applies to our assistant changes.",
            "We are releasing a version that complies, in steps, and watch each of them.",
        ),
        Category::ProductionIncident => (
            "Our assistant does not work as it should.",
            "We are releasing a corrected version now, in steps, and watch each of them.",
        ),
        Category::CustomerBlocking => (
            "Some customers cannot use our assistant as they need to.",
            "We are releasing a version that mends this now, in steps, and watch each of them.",
        ),
    };
    let title = declared.title.trim();
    format!(
        "{what}\n\nWhat it is about: {title}\n\n{doing} You need to do nothing.\n\nWe will write again when it is done, at the latest in two hours. Reference: {}\n",
        change.id
    )
}

/// More than anybody reads.
const MESSAGE_BYTES: usize = 64 << 10;
const EXAMPLES: &str = "\
Examples:
  breakglass message draft chg-2026-0117
  breakglass message draft --text 'Answers may show numbers that they must not show; it is being fixed.'
  breakglass message queue --channel 'status page'
  breakglass message sent";
