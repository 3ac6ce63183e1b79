//! An event of its own for text that was held back: the last one that carried the text, again,
//! with nothing in it but that text.

use super::bytes::{cut, write_number};
use super::lines::{Framing, Lines};
use super::plan::{Part, Plan, Role, Site};
use super::reader::Reader;
use super::shapes::{Key, Stream};

/// Appends `envelope`, an event that carried text of `key`, with `text` in the place of that text,
/// and no other text, counts or finished calls.
pub(super) fn repeat(framing: Framing, envelope: &[u8], key: Key, text: &[u8], out: &mut Vec<u8>) {
    let mut lines = Lines::default();
    lines.read(framing, envelope);
    lines.forget_ids();
    if key.stream == Stream::Plain {
        lines.write(envelope, text, out);
        return;
    }
    let mut data = Vec::with_capacity(envelope.len());
    lines.join(envelope, &mut data);
    let mut plan = Plan::default();
    let mut reader = Reader::of_stream(key.stream);
    reader.read(&data, 0, &mut plan);
    let mut edits = Edits::default();
    edits.make(&data, &plan, key, text);
    let data = edits.apply(&data);
    lines.write(envelope, &data, out);
}

/// What is replaced by what.
#[derive(Default)]
struct Edits {
    edits: Vec<(usize, usize, Vec<u8>)>,
}

// === impl Edits ===

impl Edits {
    fn make(&mut self, data: &[u8], plan: &Plan, key: Key, text: &[u8]) {
        let mut text = Some(text);
        for site in &plan.sites {
            match site.role {
                Role::Channel(of) if of == key => {
                    let text = text.take().unwrap_or_default();
                    if !self.cut_down(plan, site, key, text) {
                        self.put(site.start, site.end, text);
                    }
                }
                Role::Channel(of) if !of.stream.is_signed() => self.put(site.start, site.end, b""),
                Role::Logprobs(_) | Role::Usage | Role::Tools => {
                    let is_list = cut(data, site.start, site.end).starts_with(b"[");
                    self.put(site.start, site.end, if is_list { b"[]" } else { b"null" });
                }
                _ => {}
            }
        }
    }

    /// Leaves only the one choice and only the one text in it: clients put the roles, ids and names
    /// of a choice together from all events, and would have them twice. Returns whether the text is
    /// in it then.
    fn cut_down(&mut self, plan: &Plan, site: &Site, key: Key, text: &[u8]) -> bool {
        let holder = |part| {
            let mut spans = plan.spans.iter().filter(move |span| span.part == part);
            spans.find(|span| span.start <= site.start && site.end <= span.end)
        };
        if let (Some(all), Some(one)) = (holder(Part::Choices), holder(Part::Choice)) {
            self.put(all.start, one.start, b"");
            self.put(one.end, all.end, b"");
        }
        let Some(delta) = holder(Part::Delta) else {
            return false;
        };
        self.put(delta.start, delta.end, &new_delta(key, text));
        true
    }

    fn put(&mut self, start: usize, end: usize, bytes: &[u8]) {
        self.edits.push((start, end, bytes.to_vec()));
    }

    fn apply(mut self, data: &[u8]) -> Vec<u8> {
        // Of edits within each other the outer one counts.
        self.edits
            .sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut out = Vec::with_capacity(data.len());
        let mut at = 0;
        for (start, end, bytes) in &self.edits {
            if *start >= at {
                out.extend_from_slice(cut(data, at, *start));
                out.extend_from_slice(bytes);
                at = *end;
            }
        }
        out.extend_from_slice(data.get(at..).unwrap_or_default());
        out
    }
}

/// The `delta` of a choice that brings `text` and nothing else.
fn new_delta(key: Key, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let closing: &[u8] = match key.stream {
        Stream::ToolArguments => {
            out.extend_from_slice(b"{\"tool_calls\":[{\"index\":");
            write_number(key.minor, &mut out);
            out.extend_from_slice(b",\"function\":{\"");
            b"\"}}]}"
        }
        Stream::FunctionArguments => {
            out.extend_from_slice(b"{\"function_call\":{\"");
            b"\"}}"
        }
        _ => {
            out.extend_from_slice(b"{\"");
            b"\"}"
        }
    };
    out.extend_from_slice(key.stream.name());
    out.extend_from_slice(b"\":\"");
    out.extend_from_slice(text);
    out.extend_from_slice(closing);
    out
}
