//! Plain text: where in it something is found.

use anyhow::Result;
use breakglass_redact::{Profile, Span, find};
use serde_json::json;

use super::lines::code_points;
use super::{Arguments, Found};
use crate::input::{self, Source};
use crate::output::Output;

pub(super) fn run(arguments: &Arguments, profile: &Profile, found: &mut Found<'_>) -> Result<()> {
    let mut output = Output::new();
    let mut line = Vec::new();
    for source in input::sources(&arguments.files) {
        let mut source = source?;
        while source.next_line(&mut line)? {
            // A line is a part of a text, never a field of a table.
            for span in find(profile, &line, false) {
                found.add(span.kind, 1);
                report(arguments, profile, &source, &line, span, &mut output)?;
            }
            found.add_line();
            if source.is_drained() {
                output.flush()?;
            }
            output.advance(line.len())?;
        }
        found.add_file();
    }
    if arguments.json {
        output.json(&found.to_json())?;
    }
    output.finish()?;
    if !arguments.json {
        found.tell();
    }
    Ok(())
}

fn report(
    arguments: &Arguments,
    profile: &Profile,
    source: &Source,
    line: &[u8],
    span: Span,
    output: &mut Output,
) -> Result<()> {
    let (file, number, name) = (source.name(), source.line(), profile.name(span.kind));
    let before = line.get(..span.start).unwrap_or_default();
    let value = line.get(span.start..span.end).unwrap_or_default();
    let column = code_points(before) + 1;
    let shown = arguments
        .show_values
        .then(|| String::from_utf8_lossy(value));
    if arguments.json {
        let end_column = column + code_points(value);
        let mut hit = json!({
            "file": file, "line": number, "column": column, "end_column": end_column, "entity": name,
        });
        if let Some(value) = shown {
            hit["value"] = json!(value);
        }
        return output.json(&hit);
    }
    match shown {
        // A terminal must not be told what to do by what is found.
        Some(value) => output.line(&format!(
            "{file}:{number}:{column}: {name} {}",
            value.escape_debug()
        )),
        None => output.line(&format!("{file}:{number}:{column}: {name}")),
    }
}
