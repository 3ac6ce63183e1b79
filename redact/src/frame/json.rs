//! One JSON document as it passes: every string is a text of its own.

use super::bytes::{StringEnd, cut, find_bracket, find2, is_space, string_end};
use super::names;
use super::own::{self, Counter};
use crate::limits;
use crate::profile::Profile;
use crate::stream::Scanner;
use crate::tally::Tally;

/// Where in a document its bytes have got to. Whatever it takes for malformed is scanned, and every
/// byte leaves in its order.
#[derive(Debug, Default)]
pub(super) struct Json {
    text: Scanner,
    counter: Counter,
    place: Place,
    /// In a string: whether the next byte belongs to an escape, and whether any byte has passed.
    is_escaped: bool,
    is_begun: bool,
    /// Objects and lists that are open, and how many more beyond the limit.
    levels: Vec<Level>,
    too_deep: usize,
    /// The names of the members that lead here, one after the other.
    names: Vec<u8>,
    /// The last byte outside strings that is no space.
    after: u8,
    /// How deep the value lies that is left out.
    left_out: Option<usize>,
    /// Whether anything was masked in this document, and what had been when this chunk came.
    is_masked: bool,
    masked_before: u32,
    /// How many letters of [`SIGNED`] the string has spelt, if it has no others.
    spelt: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Outside strings.
    #[default]
    Between,
    Name,
    /// In a value that is scanned, passes, or passes and is counted.
    Text,
    Passed,
    Counted,
    /// In what is no JSON: plain text to its end.
    Plain,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    list: bool,
    /// Where in `names` the name of its member stands; of a list, the name that holds it.
    name: usize,
    /// Whether it is signed by the provider.
    signed: bool,
    /// Whether the text has come that another member may repeat.
    told: bool,
}

// === impl Json ===

impl Json {
    pub(super) fn push(
        &mut self,
        profile: &Profile,
        chunk: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        self.masked_before = own::masked(tally);
        let mut rest = chunk;
        while !rest.is_empty() && tally.blocked().is_none() {
            let taken = match self.place {
                Place::Between => self.between(profile, rest, out, tally),
                Place::Plain => {
                    self.text.push(profile, b"", rest, out, tally);
                    rest.len()
                }
                _ => self.string(profile, rest, out, tally),
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.is_masked |= own::masked(tally) != self.masked_before;
    }

    /// The document ends here, or must: text that is held back leaves.
    pub(super) fn finish(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.end_text(profile, out, tally);
    }

    pub(super) fn release(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        if self.place != Place::Counted {
            let name = name_of(&self.levels, &self.names, self.place);
            self.text.release(profile, name, out, tally);
        }
    }

    pub(super) fn held(&self) -> usize {
        if self.place == Place::Counted {
            0
        } else {
            self.text.held()
        }
    }

    /// What follows is plain text.
    pub(super) fn be_plain(&mut self) {
        self.place = Place::Plain;
    }

    /// Another document follows.
    pub(super) fn restart(&mut self) {
        let levels = std::mem::take(&mut self.levels);
        let names = std::mem::take(&mut self.names);
        *self = Self {
            levels,
            names,
            ..Self::default()
        };
        self.levels.clear();
        self.names.clear();
    }

    /// Takes what is outside strings, up to a quote or to what is no JSON, and returns its size.
    fn between(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        out: &mut Vec<u8>,
        tally: &Tally,
    ) -> usize {
        let quote = find2(b'"', b'"', rest, 0);
        let gap = cut(rest, 0, quote.unwrap_or(rest.len()));
        let mut from = 0;
        let mut at = 0;
        loop {
            let bracket = find_bracket(gap, at);
            if self.depth() == 0 {
                let part = cut(gap, at, bracket.unwrap_or(gap.len()));
                if let Some(size) = part.iter().position(|byte| !is_outermost(*byte)) {
                    self.place = Place::Plain;
                    let end = at.saturating_add(size);
                    out.extend_from_slice(cut(gap, from, end));
                    return end;
                }
            }
            let Some(found) = bracket else { break };
            at = found.saturating_add(1);
            match gap.get(found) {
                Some(bracket @ (b'{' | b'[')) => {
                    let list = *bracket == b'[';
                    if self.must_leave_out(profile, tally) {
                        out.extend_from_slice(cut(gap, from, found));
                        out.extend_from_slice(if list { b"[]" } else { b"null" });
                        self.left_out = Some(self.depth());
                    }
                    self.open(list);
                }
                _ => {
                    self.close();
                    if self.left_out == Some(self.depth()) {
                        self.left_out = None;
                        from = at;
                    }
                }
            }
        }
        let is_kept = self.left_out.is_none();
        if is_kept {
            out.extend_from_slice(cut(gap, from, gap.len()));
        }
        if let Some(last) = gap.iter().rfind(|byte| !is_space(**byte)) {
            self.after = *last;
        }
        let Some(quote) = quote else { return gap.len() };
        self.begin_string();
        if is_kept {
            out.push(b'"');
        }
        quote.saturating_add(1)
    }

    fn depth(&self) -> usize {
        self.levels.len().saturating_add(self.too_deep)
    }

    fn open(&mut self, list: bool) {
        if self.too_deep > 0 || self.levels.len() >= limits::DEPTH {
            self.too_deep = self.too_deep.saturating_add(1);
            return;
        }
        let name = match self.levels.last() {
            Some(holder) if list => holder.name,
            _ => self.names.len(),
        };
        self.levels.push(Level {
            list,
            name,
            signed: false,
            told: false,
        });
    }

    fn close(&mut self) {
        if let Some(left) = self.too_deep.checked_sub(1) {
            self.too_deep = left;
        } else if let Some(level) = self.levels.pop().filter(|level| !level.list) {
            self.names.truncate(level.name);
        }
    }

    /// Whether the value that opens here repeats a text of which something is masked, or may be.
    fn must_leave_out(&mut self, profile: &Profile, tally: &Tally) -> bool {
        if self.left_out.is_some() || self.too_deep > 0 || !profile.changes_text() {
            return false;
        }
        let Some(level) = self.levels.last().filter(|level| !level.list) else {
            return false;
        };
        let name = self.names.get(level.name..).unwrap_or_default();
        self.is_masked |= own::masked(tally) != self.masked_before;
        names::repeats_text(name) && (self.is_masked || !level.told)
    }

    fn begin_string(&mut self) {
        self.is_begun = false;
        self.is_escaped = false;
        self.spelt = Some(0);
        let after = std::mem::replace(&mut self.after, b'"');
        let level = self.levels.last_mut().filter(|_| self.too_deep == 0);
        self.place = match level {
            Some(level) if !level.list && after != b':' => {
                self.names.truncate(level.name);
                Place::Name
            }
            Some(level) => {
                let name = self.names.get(level.name..).unwrap_or_default();
                match names::is_structural(name) {
                    true => Place::Passed,
                    false if level.signed && name == SIGNED => Place::Counted,
                    false => Place::Text,
                }
            }
            None => Place::Text,
        };
    }

    /// Takes what is in a string, and its closing quote; returns its size.
    fn string(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        let end = string_end(rest, usize::from(self.is_escaped));
        let size = match end {
            StringEnd::At(end) => end,
            StringEnd::Open { .. } => rest.len(),
        };
        let piece = cut(rest, 0, size);
        let is_whole = !self.is_begun && matches!(end, StringEnd::At(_));
        self.piece(profile, piece, is_whole, out, tally);
        match end {
            StringEnd::Open { escaped } => {
                self.is_escaped = escaped;
                size
            }
            StringEnd::At(_) => {
                self.end_text(profile, out, tally);
                if tally.blocked().is_none() && self.left_out.is_none() {
                    out.push(b'"');
                }
                self.end_string();
                size.saturating_add(1)
            }
        }
    }

    fn piece(
        &mut self,
        profile: &Profile,
        piece: &[u8],
        is_whole: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        self.is_begun |= !piece.is_empty();
        self.spelt = self.spelt.and_then(|from| {
            let rest = SIGNED.get(from..)?;
            rest.starts_with(piece)
                .then_some(from.saturating_add(piece.len()))
        });
        if self.place == Place::Name
            && let Some(level) = self.levels.last()
        {
            let room = NAME_BYTES.saturating_sub(self.names.len().saturating_sub(level.name));
            self.names
                .extend_from_slice(cut(piece, 0, piece.len().min(room)));
        }
        if self.left_out.is_some() {
            return;
        }
        let name = name_of(&self.levels, &self.names, self.place);
        match self.place {
            Place::Passed => out.extend_from_slice(piece),
            Place::Counted => {
                out.extend_from_slice(piece);
                self.counter
                    .push(profile, &mut self.text, name, piece, tally);
            }
            _ if is_whole && names::is_harmless(profile, piece) => out.extend_from_slice(piece),
            _ => self.text.push(profile, name, piece, out, tally),
        }
    }

    fn end_text(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        let name = name_of(&self.levels, &self.names, self.place);
        match self.place {
            Place::Counted => self.counter.finish(profile, &mut self.text, name, tally),
            _ => self.text.finish(profile, name, out, tally),
        }
    }

    fn end_string(&mut self) {
        let is_name = self.place == Place::Name;
        self.place = Place::Between;
        let Some(level) = self.levels.last_mut().filter(|_| self.too_deep == 0) else {
            return;
        };
        let name = self.names.get(level.name..).unwrap_or_default();
        if is_name {
            level.told |= names::holds_text(name);
        } else if !level.list && name == b"type" {
            level.signed = self.spelt == Some(SIGNED.len());
        }
    }
}

/// The name of the member that holds the text in hand.
fn name_of<'a>(levels: &[Level], names: &'a [u8], place: Place) -> &'a [u8] {
    match (place, levels.last()) {
        (Place::Text | Place::Counted, Some(level)) => names.get(level.name..).unwrap_or_default(),
        _ => b"",
    }
}

/// Whether a byte may stand outside all objects, lists and strings: in numbers, words and what
/// separates documents.
fn is_outermost(byte: u8) -> bool {
    is_space(byte)
        || matches!(
            byte,
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'E' | b',' | b'{' | b'}' | b'[' | b']' | 0x1E
        )
        || b"truefalsnNIinity\xEF\xBB\xBF".contains(&byte)
}

/// Bytes of a name that are kept: more than any name has that means something here.
const NAME_BYTES: usize = 64;
/// The type, and the member, of a text that the provider signs: it must pass as it is, or the
/// provider refuses the conversation that repeats it.
const SIGNED: &[u8] = b"thinking";
