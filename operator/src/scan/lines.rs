//! JSON lines: texts with ids in, spans out.

use std::borrow::Cow;

use anyhow::{Result, bail};
use breakglass_redact::{Action, Profile, Span, find};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Arguments, Found};
use crate::input::{self, Source};
use crate::output::Output;

/// A text that somebody asks about.
#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// What is in it.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a RawValue,
    /// Start, end and entity; in code points, the end behind the last one.
    spans: Vec<(usize, usize, &'a str)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<String>,
    /// The entity that withholds the rest of the masked text.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<&'a str>,
}

pub(super) fn run(arguments: &Arguments, profile: &Profile, found: &mut Found<'_>) -> Result<()> {
    let mut output = Output::new();
    for source in input::sources(&arguments.files) {
        let answered = answer_all(source?, arguments, profile, found, &mut output);
        // What was answered before an error stands.
        output.flush()?;
        answered?;
        found.add_file();
    }
    output.finish()
}

fn answer_all(
    mut source: Source,
    arguments: &Arguments,
    profile: &Profile,
    found: &mut Found<'_>,
    output: &mut Output,
) -> Result<()> {
    let mut line = Vec::new();
    while source.next_line(&mut line)? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let asked = match read(&line) {
            Ok(asked) => asked,
            Err(wrong) => bail!("{}:{}: {wrong}", source.name(), source.line()),
        };
        let spans = find(profile, asked.text.as_bytes(), !arguments.no_bare);
        for span in &spans {
            found.add(span.kind, 1);
        }
        let masked = arguments.mask.then(|| masked(profile, &asked.text, &spans));
        let (masked, blocked) = masked.unzip();
        output.json(&Answer {
            id: asked.id,
            spans: in_code_points(profile, &asked.text, &spans),
            masked,
            blocked: blocked.flatten(),
        })?;
        // Somebody may wait for this answer before they ask on.
        if source.is_drained() {
            output.flush()?;
        }
        output.advance(line.len())?;
    }
    Ok(())
}

/// Reads a line, or says what is wrong with it. The parser's own words may quote the text, which
/// may be PII.
fn read(line: &[u8]) -> Result<Asked<'_>, String> {
    // To serde a list is as good as an object, in the order of the members.
    if line.trim_ascii_start().starts_with(b"[") {
        return Err(EXPECTED.into());
    }
    serde_json::from_slice(line).map_err(|error| match error.classify() {
        Category::Data => EXPECTED.into(),
        Category::Eof => "the line ends within its JSON value".into(),
        Category::Syntax | Category::Io => {
            let column = error.column();
            format!("no JSON in UTF-8: column {column} is wrong (for plain text: --text)")
        }
    })
}

fn in_code_points<'a>(
    profile: &'a Profile,
    text: &str,
    spans: &[Span],
) -> Vec<(usize, usize, &'a str)> {
    let (mut byte, mut point) = (0, 0);
    let mut advance = |to: usize| {
        point += code_points(text.as_bytes().get(byte..to).unwrap_or_default());
        byte = to.max(byte);
        point
    };
    let place = |span: &Span| {
        (
            advance(span.start),
            advance(span.end),
            profile.name(span.kind),
        )
    };
    spans.iter().map(place).collect()
}

/// How many characters begin in `bytes` of UTF-8.
pub(super) fn code_points(bytes: &[u8]) -> usize {
    let begins = |byte: &&u8| !matches!(byte, 0x80..=0xBF);
    bytes.iter().filter(begins).count()
}

/// The text with placeholders, and the entity that withholds its rest if one does.
fn masked<'a>(profile: &'a Profile, text: &str, spans: &[Span]) -> (String, Option<&'a str>) {
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        let Some(action) = profile
            .action(span.kind)
            .filter(|action| *action > Action::Count)
        else {
            continue;
        };
        let name = profile.name(span.kind);
        masked += text.get(done..span.start).unwrap_or_default();
        masked += &format!("[{name}]");
        done = span.end;
        if action == Action::Block {
            return (masked, Some(name));
        }
    }
    masked += text.get(done..).unwrap_or_default();
    (masked, None)
}

const EXPECTED: &str = r#"expected an object with "id" and "text", each once, the text a string (for plain text: --text)"#;
