//! The lines of a stream of events: where an event ends, and what its lines are.

use memchr::memchr2;

use super::bytes::cut;

/// How events stand in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events as the WHATWG's HTML standard defines them.
    Sse,
    /// Every line is an event.
    Lines,
}

/// Looks for the end of an event in pieces of it.
#[derive(Debug, Default)]
pub(super) struct EventEnd {
    is_in_line: bool,
    /// Whether the last line ended with a CR, so that an LF still belongs to its end.
    after_cr: bool,
}

/// The lines of one event.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
    is_error: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    start: usize,
    /// Where its value begins and ends.
    pub(super) value: usize,
    pub(super) end: usize,
    /// Where the next line begins.
    next: usize,
    pub(super) field: Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Data,
    Id,
    Other,
}

// === impl EventEnd ===

impl EventEnd {
    /// Takes the next piece. Returns where in it the event ends, after its blank line.
    pub(super) fn find(&mut self, framing: Framing, piece: &[u8]) -> Option<usize> {
        if framing == Framing::Lines {
            return Some(memchr::memchr(b'\n', piece)?.saturating_add(1));
        }
        let mut at = 0_usize;
        loop {
            if !self.is_in_line {
                let after = at.saturating_add(1);
                match piece.get(at)? {
                    b'\n' if self.after_cr => {
                        self.after_cr = false;
                        at = after;
                        continue;
                    }
                    b'\n' => return Some(after),
                    b'\r' if piece.get(after) == Some(&b'\n') => {
                        return Some(after.saturating_add(1));
                    }
                    b'\r' => return Some(after),
                    _ => self.is_in_line = true,
                }
            }
            let rest = piece.get(at..).unwrap_or_default();
            let size = memchr2(b'\n', b'\r', rest)?;
            self.after_cr = rest.get(size) == Some(&b'\r');
            self.is_in_line = false;
            at = at.saturating_add(size).saturating_add(1);
        }
    }
}

// === impl Lines ===

impl Lines {
    /// Reads the lines of `event`.
    pub(super) fn read(&mut self, framing: Framing, event: &[u8]) {
        self.lines.clear();
        self.is_error = false;
        if framing == Framing::Lines {
            let end = event.strip_suffix(b"\n").unwrap_or(event).len();
            self.lines.push(Line {
                start: 0,
                value: 0,
                end,
                next: event.len(),
                field: Field::Data,
            });
            return;
        }
        let mut start = 0;
        while start < event.len() {
            let rest = event.get(start..).unwrap_or_default();
            let end =
                memchr2(b'\n', b'\r', rest).map_or(event.len(), |size| start.saturating_add(size));
            let after = end.saturating_add(1);
            let is_crlf = cut(event, end, after.saturating_add(1)) == b"\r\n";
            let next = after.saturating_add(usize::from(is_crlf)).min(event.len());
            self.line(event, start, end, next);
            start = next;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    pub(super) fn data(&self) -> impl Iterator<Item = &Line> {
        self.iter().filter(|line| line.field == Field::Data)
    }

    /// Whether the event says that it is an error.
    pub(super) fn is_error(&self) -> bool {
        self.is_error
    }

    /// Forgets the lines that name the event, so that it can be written once more: clients go on from
    /// the last name they saw.
    pub(super) fn forget_ids(&mut self) {
        self.lines.retain(|line| line.field != Field::Id);
    }

    /// Appends the data of all lines, as a client puts them together.
    pub(super) fn join(&self, event: &[u8], out: &mut Vec<u8>) {
        for (place, line) in self.data().enumerate() {
            if place > 0 {
                out.push(b'\n');
            }
            out.extend_from_slice(cut(event, line.value, line.end));
        }
    }

    /// Appends `event` with other data, of as many lines as it has.
    pub(super) fn write(&self, event: &[u8], data: &[u8], out: &mut Vec<u8>) {
        let mut parts = data.split(|byte| *byte == b'\n');
        let mut left = self.data().count();
        for line in &self.lines {
            if line.field != Field::Data {
                out.extend_from_slice(cut(event, line.start, line.next));
                continue;
            }
            left = left.saturating_sub(1);
            let Some(part) = parts.next() else { continue };
            out.extend_from_slice(cut(event, line.start, line.value));
            out.extend_from_slice(part);
            if left > 0 {
                out.extend_from_slice(cut(event, line.end, line.next));
                continue;
            }
            for part in parts.by_ref() {
                let end = Some(cut(event, line.end, line.next)).filter(|end| !end.is_empty());
                out.extend_from_slice(end.unwrap_or(b"\n"));
                out.extend_from_slice(without_bom(cut(event, line.start, line.value)));
                out.extend_from_slice(part);
            }
            out.extend_from_slice(cut(event, line.end, line.next));
        }
    }

    fn line(&mut self, event: &[u8], start: usize, end: usize, next: usize) {
        let line = cut(event, start, end);
        let name = without_bom(line);
        let size = name
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(name.len());
        let (name, rest) = name.split_at_checked(size).unwrap_or_default();
        let after = rest.strip_prefix(b":").unwrap_or(rest);
        let value = after.strip_prefix(b" ").unwrap_or(after);
        let field = match name {
            b"data" => Field::Data,
            b"id" => Field::Id,
            _ => Field::Other,
        };
        self.is_error |= name == b"event" && value == b"error";
        self.lines.push(Line {
            start,
            value: end.saturating_sub(value.len()),
            end,
            next,
            field,
        });
    }
}

/// A stream may begin with a byte order mark, which belongs to no line.
fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(BOM).unwrap_or(line)
}

/// U+FEFF.
const BOM: &[u8] = b"\xEF\xBB\xBF";
