//! The text as the detector reads it: decoded, folded to ASCII, a window at a time.
//!
//! A text is the raw inside of a JSON string, or plain text. Every way in which a character can be
//! written stands for that character: JSON escapes at any depth of backslashes, percent-encoding,
//! numeric character references, full-width and Devanagari digits. Spaces and dashes of all kinds
//! are one space and one dash; zero-width characters are not there.

mod decode;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use decode::{BACKSLASHES, REFERENCE_BYTES, written_size};
use decode::{Char, decode, is_alone, is_special};

/// A letter outside ASCII, of a script whose words are written with spaces or that mixes with Latin.
pub(super) const LETTER: u8 = 0x80;
/// A letter or sign of a script that needs three bytes: Chinese, Japanese, Hindi, Thai, …
pub(super) const WIDE: u8 = 0x81;
/// Any other character outside ASCII: punctuation, symbols, what is no UTF-8.
pub(super) const OTHER: u8 = 0x82;
/// The text ends here.
pub(super) const END: u8 = 0xFE;
/// What stands here is not known yet.
pub(super) const MORE: u8 = 0xFF;

/// Some characters around a place in the text, decoded as far as somebody asked for them.
///
/// A detector that asks for a character that is not there yet learns nothing, and the window
/// remembers that it asked: its verdict may change with what follows, so it does not count, and the
/// text is held back. That is all there is to holding back: it follows from what was looked at.
#[derive(Debug)]
pub(super) struct Window<'a> {
    raw: &'a [u8],
    /// Whether nothing follows `raw`.
    ends: bool,
    start: usize,
    /// The first characters, which are one byte each and are read where they stand.
    plain: &'a [u8],
    /// Where all such characters are that lead up to the decoded ones; nowhere if none do.
    plain_at: Range<usize>,
    /// The characters behind those, as far as they are decoded: what each is, where it begins and
    /// where it ends, from `base` on. The first of this window is at `first`; those from `known_from`
    /// on were of windows before.
    chars: [u8; SLOTS],
    begins: [u16; SLOTS],
    ends_at: [u16; SLOTS],
    base: usize,
    known_from: usize,
    first: usize,
    len: usize,
    next: usize,
    /// So many characters can be told at once: those that stand for themselves, and decoded ones that
    /// end in this window whatever follows them.
    told: usize,
    /// Whether somebody asked for what is not there yet.
    pub(super) undecided: bool,
}

// === impl Window ===

impl<'a> Window<'a> {
    /// Of this text, and nothing of it yet.
    pub(super) fn new(raw: &'a [u8], ends: bool) -> Self {
        Self {
            raw,
            ends,
            start: 0,
            plain: &[],
            plain_at: 0..0,
            chars: [0; SLOTS],
            begins: [0; SLOTS],
            ends_at: [0; SLOTS],
            base: 0,
            known_from: 0,
            first: 0,
            len: 0,
            next: 0,
            told: 0,
            undecided: false,
        }
    }

    /// Begins at the raw position `start`. What is known already from there on stays.
    pub(super) fn begin_at(&mut self, start: usize) {
        self.undecided = false;
        if start == self.start {
            return;
        }
        self.start = start;
        if self.plain_at.start <= start && start <= self.plain_at.end {
            let end = self.plain_at.end.min(start.saturating_add(CAPACITY));
            self.plain = self.raw.get(start..end).unwrap_or_default();
            self.first = 0;
            if self.len == 0 {
                (self.base, self.next) = (start, self.plain_at.end);
            }
            self.tell();
            return;
        }
        self.plain = &[];
        if !self.join(start) {
            self.plain_at = start..start;
            (self.base, self.known_from, self.first, self.len) = (start, 0, 0, 0);
            self.next = start;
        } else if self.first > SLOTS.saturating_sub(CAPACITY) {
            self.make_room();
        }
        self.tell();
    }

    /// Counts the characters that can be told at once.
    fn tell(&mut self) {
        let ends = self.ends_at.get(self.first..self.len).unwrap_or_default();
        let limit = self.start.saturating_add(SURE_BYTES);
        let sure = match ends.last() {
            Some(last) if self.position(Some(last)) > limit => {
                ends.partition_point(|end| self.position(Some(end)) <= limit)
            }
            _ => ends.len(),
        };
        self.told = self.plain.len().saturating_add(sure).min(CAPACITY);
    }

    /// Keeps the decoded characters from the raw position `start` on. A window may begin in the
    /// middle of what is written as several; then its characters soon are those that are known.
    fn join(&mut self, start: usize) -> bool {
        let raw = self.shown();
        let mut ahead = [(0, 0, 0); AHEAD];
        let (mut at, mut count) = (start, 0_usize);
        let Some(offset) = at.checked_sub(self.base).filter(|offset| *offset < FAR) else {
            return false;
        };
        let known = self.begins.get(self.known_from..self.len);
        let before = known
            .unwrap_or_default()
            .partition_point(|begin| usize::from(*begin) < offset);
        let mut place = self.known_from.saturating_add(before);
        while place < self.len {
            let begin = self.position(self.begins.get(place));
            if begin < at {
                place = place.saturating_add(1);
                continue;
            }
            if begin == at {
                break;
            }
            match (ahead.get_mut(count), decode(raw, at, false)) {
                (Some(slot), Char::Is(char, size)) => {
                    *slot = (char, at, at.saturating_add(size));
                    at = at.saturating_add(size);
                    count = count.saturating_add(1);
                }
                (_, Char::Nothing(size)) if size > 0 => at = at.saturating_add(size),
                _ => return false,
            }
        }
        let Some(first) = place.checked_sub(count).filter(|_| place < self.len) else {
            return false;
        };
        if count > 0 {
            for (slot, (char, begin, end)) in (first..place).zip(ahead) {
                self.set(slot, char, begin, end);
            }
            self.known_from = first;
            self.plain_at = NOWHERE;
        }
        self.first = first;
        true
    }

    /// Moves what is known to the front.
    fn make_room(&mut self) {
        let Some(begin) = self.begins.get(self.first).copied() else {
            return;
        };
        self.chars.copy_within(self.first..self.len, 0);
        self.begins.copy_within(self.first..self.len, 0);
        self.ends_at.copy_within(self.first..self.len, 0);
        self.len = self.len.saturating_sub(self.first);
        (self.known_from, self.first, self.plain_at) = (0, 0, NOWHERE);
        self.base = self.base.saturating_add(usize::from(begin));
        for place in self.begins.iter_mut().chain(&mut self.ends_at) {
            *place = place.saturating_sub(begin);
        }
    }

    /// The character at `index`.
    #[inline]
    pub(super) fn get(&mut self, index: usize) -> u8 {
        if let Some(char) = self.plain.get(index) {
            return *char;
        }
        self.fetch(index)
    }

    /// The character before `index`; [`END`] before the first one.
    #[inline]
    pub(super) fn before(&mut self, index: usize) -> u8 {
        match index.checked_sub(1) {
            Some(index) => self.get(index),
            None => END,
        }
    }

    /// Where in the raw text the character at `index` begins. It must have been asked for.
    pub(super) fn begin(&self, index: usize) -> usize {
        match self.slot(index) {
            None => self.start.saturating_add(index),
            Some(place) if place < self.len => self.position(self.begins.get(place)),
            Some(_) => self.next,
        }
    }

    /// Where in the raw text the character before `index` ends. It must have been asked for.
    pub(super) fn end(&self, index: usize) -> usize {
        match index.checked_sub(1).and_then(|last| self.slot(last)) {
            None => self.start.saturating_add(index),
            Some(last) => self.position(self.ends_at.get(last)),
        }
    }

    /// Where the character at `index` is among the decoded ones.
    fn slot(&self, index: usize) -> Option<usize> {
        Some(
            index
                .checked_sub(self.plain.len())?
                .saturating_add(self.first),
        )
    }

    /// The raw position of what begins or ends at this offset.
    fn position(&self, offset: Option<&u16>) -> usize {
        self.base
            .saturating_add(offset.map_or(0, |offset| usize::from(*offset)))
    }

    /// How many characters are known.
    fn known(&self) -> usize {
        self.plain
            .len()
            .saturating_add(self.len.saturating_sub(self.first))
    }

    /// The index of the first character that ends behind the raw position `at`.
    pub(super) fn index_of(&mut self, at: usize) -> usize {
        let offset = at.saturating_sub(self.start);
        if offset < self.plain.len() {
            return offset;
        }
        let raw = self.shown();
        let whole = raw.len() == self.raw.len();
        if self.len == 0 {
            self.read_plain(raw, offset);
            if offset < self.plain.len() {
                return offset;
            }
        }
        while self.next <= at && self.known() < CAPACITY {
            if matches!(self.read(raw, whole), Char::Nothing(0) | Char::Begun) {
                break;
            }
        }
        let offset = at.saturating_sub(self.base);
        let known = self.ends_at.get(self.first..self.len).unwrap_or_default();
        let before = known.partition_point(|end| usize::from(*end) <= offset);
        self.plain.len().saturating_add(before)
    }

    #[inline(never)]
    fn fetch(&mut self, index: usize) -> u8 {
        if index < self.told
            && let Some(place) = self.slot(index)
            && let Some(char) = self.chars.get(place)
        {
            return *char;
        }
        self.fetch_more(index)
    }

    #[inline(never)]
    fn fetch_more(&mut self, index: usize) -> u8 {
        if index >= CAPACITY {
            return OTHER;
        }
        let raw = self.shown();
        let whole = raw.len() == self.raw.len();
        if self.len == 0 {
            self.read_plain(raw, index);
        }
        while self.known() <= index {
            match self.read(raw, whole) {
                Char::Nothing(0) => return END,
                Char::Begun if !whole => return OTHER,
                Char::Begun => {
                    self.undecided = true;
                    return MORE;
                }
                Char::Is(..) | Char::Nothing(_) => {}
            }
        }
        self.tell();
        let Some(place) = self.slot(index) else {
            let byte = self.raw.get(self.start.saturating_add(index));
            return byte.copied().unwrap_or(OTHER);
        };
        if index < self.told {
            return self.chars.get(place).copied().unwrap_or(OTHER);
        }
        // What another window knows may go on behind the end of this one, which shows nothing from
        // there on.
        let told = self.slot(self.told).unwrap_or(self.first);
        let mut last = OTHER;
        for place in told..=place {
            let at = self.position(self.begins.get(place));
            match decode(raw, at, self.ends && whole) {
                Char::Is(char, _) => last = char,
                _ => return OTHER,
            }
        }
        last
    }

    /// The raw text up to where the window ends: nothing is longer, so what asks further has lost its
    /// way already.
    fn shown(&self) -> &'a [u8] {
        let most = self.start.saturating_add(WINDOW_BYTES);
        self.raw.get(..most).unwrap_or(self.raw)
    }

    /// Looks how far characters stand for themselves, up to `index` and some more.
    fn read_plain(&mut self, raw: &[u8], index: usize) {
        let ahead = index.saturating_add(READ_AHEAD).min(CAPACITY);
        let from = self.start.saturating_add(self.plain.len());
        let to = self.start.saturating_add(ahead).min(raw.len());
        let text = raw.get(from..to).unwrap_or_default();
        let mut size = 0;
        for block in text.chunks(16) {
            // Without a branch, so that the compiler makes vectors of it.
            let special = match <&[u8; 16]>::try_from(block) {
                Ok(block) => block
                    .iter()
                    .fold(false, |any, byte| any | is_special(*byte)),
                Err(_) => block.iter().any(|byte| is_special(*byte)),
            };
            if !special {
                size = block.len().saturating_add(size);
                continue;
            }
            let rest = raw.get(from.saturating_add(size)..).unwrap_or_default();
            let plain = |(at, byte): &(usize, &u8)| {
                !is_special(**byte) || is_alone(rest.get(*at..).unwrap_or_default())
            };
            let before = block.iter().enumerate().take_while(plain).count();
            size = before.saturating_add(size);
            if before < block.len() {
                break;
            }
        }
        self.next = from.saturating_add(size);
        self.plain_at.end = self.plain_at.end.max(self.next);
        self.plain = self.raw.get(self.start..self.next).unwrap_or_default();
    }

    /// Decodes what comes next, if it is there; `whole` says whether `raw` is all of the text.
    #[inline(never)]
    fn read(&mut self, raw: &[u8], whole: bool) -> Char {
        let char = decode(raw, self.next, self.ends && whole);
        match char {
            Char::Is(char, size) => self.push(char, size),
            Char::Nothing(size) => self.next = self.next.saturating_add(size),
            Char::Begun => {}
        }
        char
    }

    fn push(&mut self, char: u8, size: usize) {
        let end = self.next.saturating_add(size);
        self.set(self.len, char, self.next, end);
        self.next = end;
        self.len = self.len.saturating_add(1);
    }

    /// Puts a character at a place among the decoded ones.
    fn set(&mut self, place: usize, char: u8, begin: usize, end: usize) {
        let offset = |at: usize| u16::try_from(at.saturating_sub(self.base)).unwrap_or(u16::MAX);
        let (begin, end) = (offset(begin), offset(end));
        let slots = (
            self.chars.get_mut(place),
            self.begins.get_mut(place),
            self.ends_at.get_mut(place),
        );
        if let (Some(c), Some(b), Some(e)) = slots {
            (*c, *b, *e) = (char, begin, end);
        }
    }
}

/// Characters that a window holds: those before an anchor, a match, and what follows it.
pub(super) const CAPACITY: usize = 224;
/// Decoded characters that are kept: those of a window, and some of windows before it.
const SLOTS: usize = CAPACITY + 160;
/// So far in a window every escape that begins ends in it too: none has more than 32 bytes.
const SURE_BYTES: usize = WINDOW_BYTES - 32;
/// Where no plain characters lead up to the decoded ones.
const NOWHERE: Range<usize> = Range { start: 1, end: 0 };
/// Bytes from where offsets are counted that a window may begin at, so that they stay small numbers.
const FAR: usize = 0x8000;
/// Characters of a new window before those of the last one: what an escape is that is cut in two.
const AHEAD: usize = 8;
/// Bytes that these characters may be written in: nothing is held back for what is written so that
/// it never comes to an end.
pub(super) const WINDOW_BYTES: usize = 384;
/// Characters that are looked at ahead of need where nothing has to be decoded.
const READ_AHEAD: usize = 32;
