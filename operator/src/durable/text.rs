//! Where in the text of a file a control stands, so that all the rest stays byte for byte.

use std::io;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use breakglass_policy::Control;
use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::value::RawValue;

/// A policy in the text of a file.
pub(super) struct PolicyText {
    json: String,
    /// Where each line of the policy begins, in itself and in the file.
    lines: Vec<(usize, usize)>,
    /// What stands before each line of the policy in the file.
    indent: String,
}

/// Where a control stands in the text of a file.
pub(super) struct Place {
    range: Range<usize>,
    /// What stands before a line that is put in.
    indent: String,
    /// Whether it is written on several lines.
    tall: bool,
}

/// As much of a policy as leads to its controls.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    rollouts: Vec<RolloutOutline<'a>>,
}

#[derive(Deserialize)]
struct RolloutOutline<'a> {
    #[serde(borrow)]
    control: &'a RawValue,
}

/// JSON on one line as people write it: `{"percent": 1, "at": …}`.
struct Spaced;

/// Finds the policy in a file: the file itself, or what stands below `value: |` in an ECDS file.
pub(super) fn policy(text: &str) -> Result<PolicyText> {
    if text.trim_start().starts_with('{') {
        return Ok(PolicyText {
            json: text.to_owned(),
            lines: vec![(0, 0)],
            indent: String::new(),
        });
    }
    let mut begins = 0;
    let mut keys = Vec::new();
    for line in text.split_inclusive('\n') {
        begins += line.len();
        let word = line.trim();
        if matches!(word, "value: |" | "value: |-" | "value: |+") {
            keys.push((line.len() - line.trim_start().len(), begins));
        }
    }
    match keys.as_slice() {
        [(key_indent, begins)] => block(text, *key_indent, *begins),
        [] => bail!(
            "neither a policy in JSON nor an Envoy ECDS file with the policy below `value: |`"
        ),
        _ => bail!("several `value: |`, expected one, with the policy below it"),
    }
}

/// The block of lines that are indented more than their key.
fn block(text: &str, key_indent: usize, begins: usize) -> Result<PolicyText> {
    let rest = text.get(begins..).unwrap_or_default();
    let first = rest.lines().find(|line| !line.trim().is_empty());
    let first = first.context("nothing stands below `value: |`")?;
    let indent = &first[..first.len() - first.trim_start_matches(' ').len()];
    if indent.len() <= key_indent {
        bail!("nothing stands below `value: |`, indented more than it");
    }
    let (mut json, mut lines, mut place) = (String::new(), Vec::new(), begins);
    for line in rest.split_inclusive('\n') {
        let content = match line.strip_prefix(indent) {
            Some(content) => content,
            None if line.trim().is_empty() => line.trim_start_matches(' '),
            None => break,
        };
        lines.push((json.len(), place + line.len() - content.len()));
        json.push_str(content);
        place += line.len();
    }
    Ok(PolicyText {
        json,
        lines,
        indent: indent.to_owned(),
    })
}

// === impl PolicyText ===

impl PolicyText {
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// Where the control of the rollout at `index` stands.
    pub(super) fn control(&self, index: usize) -> Result<Place> {
        let outline: Outline<'_> = serde_json::from_str(&self.json)?;
        let rollout = outline.rollouts.get(index);
        let control = rollout.context("the rollout has no control")?.control.get();
        // It is a part of the text itself.
        let begin = control.as_ptr().addr() - self.json.as_ptr().addr();
        let line = self.json[..begin].rfind('\n').map_or(0, |end| end + 1);
        let line = &self.json[line..begin];
        let own_indent = &line[..line.len() - line.trim_start().len()];
        Ok(Place {
            range: self.in_file(begin)..self.in_file(begin + control.len() - 1) + 1,
            indent: format!("{}{own_indent}", self.indent),
            tall: control.contains('\n'),
        })
    }

    fn in_file(&self, place: usize) -> usize {
        let line = self.lines.partition_point(|(begin, _)| *begin <= place);
        let (begin, in_file) = self.lines[line.saturating_sub(1)];
        in_file + place - begin
    }
}

// === impl Place ===

impl Place {
    /// The file's text with this control in the place of the one that it has.
    pub(super) fn replaced(&self, text: &str, control: &Control) -> Result<String> {
        let mut json = Vec::new();
        match self.tall {
            true => {
                let mut pretty =
                    Serializer::with_formatter(&mut json, PrettyFormatter::with_indent(b"  "));
                control.serialize(&mut pretty)?;
            }
            false => control.serialize(&mut Serializer::with_formatter(&mut json, Spaced))?,
        }
        let json = String::from_utf8(json)?.replace('\n', &format!("\n{}", self.indent));
        let mut text = text.to_owned();
        text.replace_range(self.range.clone(), &json);
        Ok(text)
    }
}

// === impl Spaced ===

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separator(to, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separator(to, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

fn separator<W: ?Sized + io::Write>(to: &mut W, first: bool) -> io::Result<()> {
    match first {
        true => Ok(()),
        false => to.write_all(b", "),
    }
}
