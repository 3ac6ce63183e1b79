//! `breakglass scan`: looks for PII with the same code as the filter.

mod body;
mod found;
mod lines;
mod list;
mod text;

use std::path::PathBuf;

use anyhow::Result;
use breakglass_redact::{Action, Format, Profile};
use clap::{Args, ValueEnum};

use crate::entities;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::profile::{PolicyArguments, from_policy};
use found::Found;

/// Looks for PII in transcripts, with the same code as the filter.
///
/// Reads JSON lines `{"id": …, "text": "…"}` and writes `{"id": …, "spans": [[start, end, "ENTITY"], …]}`,
/// one for each, in order; offsets count Unicode code points of the text. The id is any JSON value and
/// comes back as it was written; other members are ignored, empty lines passed over. Each text counts as
/// one field of a table: a number that is all there is of it needs no context words (but see --no-bare).
/// The first line that is wrong ends the scan.
///
/// With --text the input is plain text, each line a text of its own; what is found is reported as
/// `file:line:column: ENTITY`, columns in code points from 1. Values are never printed unless
/// --show-values asks for them.
///
/// With --mask the text itself is written, with placeholders such as [EMAIL_ADDRESS].
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// What to read; `-` or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The input is plain text: report file, line and column of what is found
    #[arg(long)]
    text: bool,
    /// Write the text with placeholders instead of a report (JSON lines get a member "masked")
    #[arg(long)]
    mask: bool,
    /// With --mask: the input is a body of this format, redacted as the filter does it, as it streams
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "mask",
        conflicts_with = "text"
    )]
    format: Option<BodyFormat>,
    /// Entities to look for, such as EMAIL_ADDRESS,IP_ADDRESS or all,-IP_ADDRESS [default: all]
    #[arg(
        long,
        value_name = "LIST",
        allow_hyphen_values = true,
        conflicts_with = "policy"
    )]
    entities: Option<String>,
    #[command(flatten)]
    policy: PolicyArguments,
    /// Exit with status 1 if one of these is found; `any` for every entity looked for
    #[arg(long, value_name = "LIST")]
    fail_on: Option<String>,
    /// Do not take a text that is nothing but a number for a field: demand context words
    #[arg(long, conflicts_with_all = ["text", "format"])]
    no_bare: bool,
    /// Print what was found as well. It is PII: mind where it goes
    #[arg(long, requires = "text", conflicts_with = "mask")]
    show_values: bool,
    /// List the entities and exit
    #[arg(long, conflicts_with_all = ["files", "text", "mask", "entities", "policy", "fail_on", "no_bare"])]
    list: bool,
    /// Write results as JSON, one value a line (JSON lines are so without it)
    #[arg(long)]
    json: bool,
}

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BodyFormat {
    /// One JSON document
    Json,
    /// Server-sent events
    Sse,
    /// JSON documents, one a line
    Ndjson,
    /// Plain text
    Text,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    if arguments.list {
        return list::run(arguments.json);
    }
    let profile = match (&arguments.policy.file, &arguments.entities) {
        (Some(file), _) => from_policy(file, &arguments.policy)?,
        (None, Some(list)) => entities::profile(list)?,
        (None, None) => Profile::all(Action::Mask),
    };
    let fail_on = arguments.fail_on.as_deref();
    let fail_on = fail_on
        .map(|list| entities::kinds(list, &profile))
        .transpose()?;
    let mut found = Found::new(&profile);
    match (arguments.format, arguments.text, arguments.mask) {
        (Some(format), _, _) => body::run(arguments, &profile, format.into(), &mut found)?,
        (None, true, true) => body::run(arguments, &profile, Format::Text, &mut found)?,
        (None, true, false) => text::run(arguments, &profile, &mut found)?,
        (None, false, _) => lines::run(arguments, &profile, &mut found)?,
    }
    let failing = fail_on.is_some_and(|kinds| kinds.into_iter().any(|kind| found.of(kind) > 0));
    Ok(if failing {
        Outcome::Found
    } else {
        Outcome::Fine
    })
}

// === impl BodyFormat ===

impl From<BodyFormat> for Format {
    fn from(format: BodyFormat) -> Self {
        match format {
            BodyFormat::Json => Self::Json,
            BodyFormat::Sse => Self::Sse,
            BodyFormat::Ndjson => Self::NdJson,
            BodyFormat::Text => Self::Text,
        }
    }
}

const EXAMPLES: &str = r#"Examples:
  echo '{"id": 1, "text": "write to jo@example.com"}' | breakglass scan
  breakglass scan --text --entities all,-IP_ADDRESS --fail-on any logs/*.log
  breakglass scan --mask --format sse < answer.sse
  breakglass scan --mask --policy policy.json --arm canary < transcripts.jsonl
  breakglass scan --list"#;
