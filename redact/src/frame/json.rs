//! One JSON document as it passes: every string is a text of its own.

use super::bytes::{Quotes, StringEnd, append, cut, find_bracket, is_escaped, is_space};
use super::names;
use super::own::{self, Counter};
use crate::limits;
use crate::profile::Profile;
use crate::stream::{self, Scanner};
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

/// The bytes at hand. What passes as it is leaves in one go, up to where something else comes.
struct Chunk<'a> {
    bytes: &'a [u8],
    quotes: Quotes,
    /// How much has been taken, and how much of that has left or never will.
    at: usize,
    left: usize,
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
        let mut chunk = Chunk::new(chunk);
        while chunk.at < chunk.bytes.len() && tally.blocked().is_none() {
            match self.place {
                Place::Between => self.between(profile, &mut chunk, out, tally),
                Place::Plain => {
                    self.text.push(profile, b"", chunk.rest(), out, tally);
                    chunk.at = chunk.bytes.len();
                    chunk.left = chunk.at;
                }
                _ => self.string(profile, &mut chunk, out, tally),
            }
        }
        if tally.blocked().is_none() && self.left_out.is_none() {
            chunk.leave(chunk.bytes.len(), out);
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

    /// Takes what is outside strings, up to a quote or to what is no JSON.
    fn between(
        &mut self,
        profile: &Profile,
        chunk: &mut Chunk<'_>,
        out: &mut Vec<u8>,
        tally: &Tally,
    ) {
        let start = chunk.at;
        let quote = chunk.quotes.next(chunk.bytes, start);
        let gap = cut(chunk.bytes, start, quote.unwrap_or(chunk.bytes.len()));
        if let ([sign @ (b':' | b',')], Some(_)) = (gap, quote)
            && !self.levels.is_empty()
        {
            self.after = *sign;
        } else if !self.gap(profile, gap, chunk, out, tally) {
            return;
        }
        chunk.at = start.saturating_add(gap.len());
        if quote.is_some() {
            self.begin_string();
            chunk.at = chunk.at.saturating_add(1);
        }
    }

    /// Reads what is between strings. Where it is no JSON, all before that leaves; returns whether
    /// it is.
    fn gap(
        &mut self,
        profile: &Profile,
        gap: &[u8],
        chunk: &mut Chunk<'_>,
        out: &mut Vec<u8>,
        tally: &Tally,
    ) -> bool {
        let start = chunk.at;
        let mut at = 0;
        while at < gap.len() {
            let bracket = find_bracket(gap, at);
            if self.levels.is_empty() {
                let part = cut(gap, at, bracket.unwrap_or(gap.len()));
                if let Some(size) = part.iter().position(|byte| !is_outermost(*byte)) {
                    self.place = Place::Plain;
                    chunk.at = start.saturating_add(at).saturating_add(size);
                    chunk.leave(chunk.at, out);
                    return false;
                }
            }
            let Some(found) = bracket else { break };
            at = found.saturating_add(1);
            match gap.get(found) {
                Some(bracket @ (b'{' | b'[')) => {
                    let list = *bracket == b'[';
                    if self.must_leave_out(profile, tally) {
                        chunk.leave(start.saturating_add(found), out);
                        out.extend_from_slice(if list { b"[]" } else { b"null" });
                        self.left_out = Some(self.depth());
                    }
                    self.open(list);
                }
                _ => {
                    self.close();
                    if self.left_out == Some(self.depth()) {
                        self.left_out = None;
                        chunk.left = start.saturating_add(at);
                    }
                }
            }
        }
        if let Some(last) = gap.iter().rfind(|byte| !is_space(**byte)) {
            self.after = *last;
        }
        true
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
        if self.left_out.is_some() || self.too_deep > 0 {
            return false;
        }
        let Some(level) = self.levels.last().filter(|level| !level.list) else {
            return false;
        };
        let name = self.names.get(level.name..).unwrap_or_default();
        if !names::repeats_text(name) || !profile.changes_text() {
            return false;
        }
        self.is_masked |= own::masked(tally) != self.masked_before;
        self.is_masked || !level.told
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

    /// Takes what is in a string, and its closing quote.
    fn string(
        &mut self,
        profile: &Profile,
        chunk: &mut Chunk<'_>,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let start = chunk.at;
        let found = chunk.string_end(self.is_escaped);
        let end = match found {
            StringEnd::At(end) => end,
            StringEnd::Open { .. } => chunk.bytes.len(),
        };
        let piece = cut(chunk.bytes, start, end);
        let is_whole = !self.is_begun && matches!(found, StringEnd::At(_));
        self.is_begun |= !piece.is_empty();
        if self.place == Place::Name
            && let Some(level) = self.levels.last()
        {
            let room = NAME_BYTES.saturating_sub(self.names.len().saturating_sub(level.name));
            let end = start.saturating_add(piece.len().min(room));
            append(chunk.bytes, start, end, &mut self.names);
        }
        chunk.at = end;
        if is_whole {
            self.whole(profile, start, chunk, out, tally);
        } else {
            self.piece(profile, start, chunk, out, tally);
        }
        match found {
            StringEnd::Open { escaped } => self.is_escaped = escaped,
            StringEnd::At(_) => {
                self.end_string(is_whole.then_some(piece));
                chunk.at = end.saturating_add(1);
            }
        }
    }

    /// Takes all of a string, from `start` on.
    fn whole(
        &mut self,
        profile: &Profile,
        start: usize,
        chunk: &mut Chunk<'_>,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let piece = cut(chunk.bytes, start, chunk.at);
        if self.left_out.is_some() || self.place == Place::Passed {
            return;
        }
        if self.place == Place::Counted {
            self.piece(profile, start, chunk, out, tally);
        } else if !names::is_harmless(profile, piece) {
            let name = name_of(&self.levels, &self.names, self.place);
            chunk.left = stream::whole(
                profile,
                name,
                chunk.bytes,
                start..chunk.at,
                chunk.left,
                out,
                tally,
            );
        }
    }

    /// Takes a piece of a string, from `start` on.
    fn piece(
        &mut self,
        profile: &Profile,
        start: usize,
        chunk: &mut Chunk<'_>,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let piece = cut(chunk.bytes, start, chunk.at);
        self.spelt = self.spelt.and_then(|from| {
            let rest = SIGNED.get(from..)?;
            rest.starts_with(piece)
                .then_some(from.saturating_add(piece.len()))
        });
        if self.left_out.is_some() {
            return;
        }
        let ends = chunk.at < chunk.bytes.len();
        let name = name_of(&self.levels, &self.names, self.place);
        match self.place {
            Place::Passed => {}
            Place::Counted => {
                // It leaves even if what is in it withholds the rest.
                chunk.leave(chunk.at, out);
                self.counter
                    .push(profile, &mut self.text, name, piece, tally);
                if ends {
                    self.counter.finish(profile, &mut self.text, name, tally);
                }
            }
            _ => {
                chunk.leave(start, out);
                chunk.left = chunk.at;
                self.text.push(profile, name, piece, out, tally);
                if ends {
                    self.text.finish(profile, name, out, tally);
                }
            }
        }
    }

    fn end_text(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        let name = name_of(&self.levels, &self.names, self.place);
        match self.place {
            Place::Counted => self.counter.finish(profile, &mut self.text, name, tally),
            _ => self.text.finish(profile, name, out, tally),
        }
    }

    /// A string is over; `whole` if it was in one piece.
    fn end_string(&mut self, whole: Option<&[u8]>) {
        let is_name = self.place == Place::Name;
        self.place = Place::Between;
        let Some(level) = self.levels.last_mut().filter(|_| self.too_deep == 0) else {
            return;
        };
        let name = self.names.get(level.name..).unwrap_or_default();
        if is_name {
            level.told |= names::holds_text(name);
        } else if !level.list && name == b"type" {
            level.signed = match whole {
                Some(text) => text == SIGNED,
                None => self.spelt == Some(SIGNED.len()),
            };
        }
    }
}

// === impl Chunk ===

impl<'a> Chunk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            quotes: Quotes::default(),
            at: 0,
            left: 0,
        }
    }

    /// What has not been taken.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// What has been taken up to `end` leaves as it is.
    fn leave(&mut self, end: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(cut(self.bytes, self.left, end));
        self.left = end;
    }

    /// The end of the string whose text goes on here; `escaped` if its first byte belongs to an
    /// escape.
    fn string_end(&mut self, escaped: bool) -> StringEnd {
        let from = self.at.saturating_add(usize::from(escaped));
        let mut at = from;
        while let Some(quote) = self.quotes.next(self.bytes, at) {
            if !is_escaped(self.bytes, from, quote) {
                return StringEnd::At(quote);
            }
            at = quote.saturating_add(1);
        }
        StringEnd::Open {
            escaped: is_escaped(self.bytes, from, self.bytes.len()),
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
