//! Finding the event by which an agent says, in the middle of a stream, that it failed.

use memchr::{memchr, memchr2};

/// Looks for an error event in a stream as it passes.
///
/// `event: error` is one, whatever its data; and so is data that is a JSON object with a member
/// `error` (OpenAI, Gemini, Ollama) or of the `type` `error` (Anthropic) or `response.failed` (OpenAI's
/// responses).
#[derive(Debug)]
pub(crate) struct ErrorEvents {
    /// Whether every line is an event: JSON lines.
    lines: bool,
    /// The beginning of a line that is not whole yet.
    line: Vec<u8>,
}

// === impl ErrorEvents ===

impl ErrorEvents {
    pub(crate) fn new(lines: bool) -> Self {
        Self {
            lines,
            line: Vec::new(),
        }
    }

    /// Takes a chunk; tells whether the stream has an error event in it.
    pub(crate) fn pass(&mut self, chunk: &[u8], ends: bool) -> bool {
        let mut rest = chunk;
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
            let found = if self.line.is_empty() {
                self.is_error(beginning(line))
            } else {
                self.keep(line);
                let whole = std::mem::take(&mut self.line);
                self.is_error(&whole)
            };
            if found {
                return true;
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
        ends && self.is_error(&self.line)
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LINE_BYTES.saturating_sub(self.line.len());
        let part = part.get(..room).unwrap_or(part);
        self.line.extend_from_slice(part);
    }

    fn is_error(&self, line: &[u8]) -> bool {
        if self.lines {
            return says_error(line);
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            return says_error(data);
        }
        let kind = line.strip_prefix(b"event:").map(<[u8]>::trim_ascii);
        kind == Some(b"error")
    }
}

fn beginning(line: &[u8]) -> &[u8] {
    line.get(..LINE_BYTES).unwrap_or(line)
}

/// Whether the members of a JSON object say that something failed. What is no JSON says nothing.
///
/// Every event of a stream comes by here. So the colons are looked at first, which are few: only where
/// one stands in such a member is the text read to learn whether it is one of the outermost object.
fn says_error(json: &[u8]) -> bool {
    let mut at = 0_usize;
    while let Some(found) = memchr(b':', json.get(at..).unwrap_or_default()) {
        at = at.saturating_add(found);
        let (before, after) = json.split_at_checked(at).unwrap_or_default();
        at = at.saturating_add(1);
        // The last letters of both names, or what may stand behind them.
        let may_be = matches!(before, [.., b'r' | b'e', b'"'] | [.., b' ' | b'\t']);
        if may_be && is_failure(before.trim_ascii_end(), after) {
            return is_outermost(json);
        }
    }
    false
}

/// Whether a member with this name, quotes and all, says with this value that something failed.
fn is_failure(name: &[u8], colon_and_value: &[u8]) -> bool {
    let value = || {
        let value = colon_and_value.strip_prefix(b":").unwrap_or_default();
        value.trim_ascii_start()
    };
    if name.ends_with(b"\"type\"") {
        return KINDS.iter().any(|kind| value().starts_with(kind));
    }
    // Some agents send it with every event.
    name.ends_with(b"\"error\"") && !(value().starts_with(b"null") || value().starts_with(b"false"))
}

/// Whether an object has such a member itself, and not only something in it.
fn is_outermost(json: &[u8]) -> bool {
    let mut depth = 0_u32;
    let mut rest = json;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let behind = string(after);
                let size = rest.len().saturating_sub(behind.len());
                let name = rest.get(..size).unwrap_or_default();
                rest = behind;
                let colon = rest.trim_ascii_start();
                if depth == 1 && colon.starts_with(b":") && is_failure(name, colon) {
                    return true;
                }
                continue;
            }
            _ => {}
        }
        rest = after;
    }
    false
}

/// What follows a string, whose opening quote has gone before.
fn string(json: &[u8]) -> &[u8] {
    let mut at = 0_usize;
    while let Some(found) = memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at = at.saturating_add(found);
        let after = at.saturating_add(1);
        if json.get(at) == Some(&b'"') {
            return json.get(after..).unwrap_or_default();
        }
        at = after.saturating_add(1);
    }
    b""
}

/// Bytes of a line that are looked at: an error says so early, and each stream keeps so many at most.
const LINE_BYTES: usize = 4 << 10;
/// The types of events that say that the agent failed, as they stand in JSON.
const KINDS: [&[u8]; 2] = [b"\"error\"", b"\"response.failed\""];
