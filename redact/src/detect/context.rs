//! Context words: what stands near a number that many things could be.

mod words;

use crate::entity::Entity;

use super::Sight;
use super::text::{END, MORE, OTHER};
pub(super) use words::Words;
use words::first;

/// Some text in lower case, and where words begin in it.
#[derive(Debug)]
struct Lower {
    text: [u8; LEFT_BYTES],
    len: usize,
    /// The bytes that a word may begin with, and which bytes those are, by [`words::first`].
    begins: u64,
    firsts: u64,
}

/// The text left of a place, back to the end of the sentence before.
#[derive(Debug)]
pub(super) struct Left {
    /// The place, in the raw text; nothing before somebody asked.
    at: Option<usize>,
    text: Lower,
    from: usize,
}

/// The text right of a place, to the end of the sentence or a few words on.
#[derive(Debug)]
pub(super) struct Right {
    /// The place, in the window; nothing before somebody asked.
    at: Option<usize>,
    text: Lower,
}

/// What the name of the member says: of which entities that has been asked, and for which it speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    name: &'a [u8],
    asked: u64,
    speaks: u64,
}

impl Sight<'_> {
    /// Whether something says that the characters from `start` to `end` are this entity: a word
    /// before them in the same sentence, the name of the JSON member, a word right after them, or
    /// that they are all there is of a field.
    pub(super) fn supported(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_bare(start, end) || self.has_context(entity, start, end)
    }

    /// As [`Self::supported`], where being all there is says nothing.
    pub(super) fn has_context(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_announced(entity, start, LEFT_BYTES)
            || self.right_has(end, Words::for_entity(entity))
    }

    /// Whether a word at most `near` bytes before it or the name of its member says so.
    pub(super) fn is_announced(&mut self, entity: Entity, start: usize, near: usize) -> bool {
        self.key.speaks_for(entity) || self.left_has(start, near, Words::for_entity(entity))
    }

    /// Words before `start`, in the same sentence.
    pub(super) fn left_has(&mut self, start: usize, near: usize, words: Words) -> bool {
        let Left { text, from, .. } = self.left(start);
        text.has_any(text.len.saturating_sub(near).max(*from), words)
    }

    /// The text left of `start` in lower case, back to the end of the sentence before.
    pub(super) fn left_text(&mut self, start: usize) -> &[u8] {
        let Left { text, from, .. } = self.left(start);
        text.text.get(*from..text.len).unwrap_or_default()
    }

    fn left(&mut self, start: usize) -> &Left {
        let at = self.raw_begin(start);
        if self.left.at != Some(at) {
            let raw = self.raw.get(at.saturating_sub(LEFT_BYTES)..at);
            self.left.read(raw.unwrap_or_default(), at);
        }
        &self.left
    }

    /// Words after `end`, in the same sentence, among the next few.
    fn right_has(&mut self, end: usize, words: Words) -> bool {
        if self.right.at != Some(end) {
            self.right.at = Some(end);
            self.right.text.clear();
            let mut seen: usize = 0;
            let mut index = end;
            while self.right.text.len < RIGHT_CHARS && seen <= RIGHT_WORDS {
                let char = self.text.get(index);
                match char {
                    MORE => {
                        self.right.text.clear();
                        return false;
                    }
                    OTHER | END | b'.' | b'!' | b'?' | b',' | b';' | b'\n' | b'"' | b'<' | b'{'
                    | b'}' | b'|' => break,
                    b' ' => seen = seen.saturating_add(1),
                    _ => {}
                }
                self.right.text.push(char.to_ascii_lowercase());
                index = index.saturating_add(1);
            }
            self.right.text.find_words();
        }
        self.right.text.has_any(0, words)
    }

    /// Whether the characters from `start` to `end` are all there is of a field.
    pub(super) fn is_bare(&mut self, start: usize, end: usize) -> bool {
        if !self.hints.bare {
            return false;
        }
        let at = self.raw_begin(start);
        let blank = self
            .raw
            .get(..at)
            .unwrap_or_default()
            .iter()
            .all(u8::is_ascii_whitespace);
        if !blank {
            return false;
        }
        let mut index = end;
        while matches!(self.text.get(index), b' ' | b'\n') {
            index = index.saturating_add(1);
        }
        self.text.get(index) == END
    }
}

// === impl Key ===

impl<'a> Key<'a> {
    /// Of this name, of which nobody has asked.
    pub(super) fn new(name: &'a [u8]) -> Self {
        Self {
            name,
            asked: 0,
            speaks: 0,
        }
    }

    /// Whether it says that what the member holds is this entity.
    pub(super) fn speaks_for(&mut self, entity: Entity) -> bool {
        if self.name.is_empty() {
            return false;
        }
        if self.asked & entity.bit() == 0 {
            self.asked |= entity.bit();
            if is_named(self.name, Words::for_entity(entity)) {
                self.speaks |= entity.bit();
            }
        }
        self.speaks & entity.bit() != 0
    }
}

// === impl Lower ===

impl Lower {
    const EMPTY: Self = Self {
        text: [0; LEFT_BYTES],
        len: 0,
        begins: 0,
        firsts: 0,
    };

    fn clear(&mut self) {
        (self.len, self.begins, self.firsts) = (0, 0, 0);
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.text.get_mut(self.len) {
            *slot = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    /// The text so far.
    fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Finds where words begin, once all of the text is there.
    fn find_words(&mut self) {
        let (mut begins, mut firsts) = (0, 0);
        let mut before = b' ';
        for (at, byte) in self.text().iter().enumerate() {
            if !before.is_ascii_alphanumeric() && may_begin(*byte) {
                begins |= 1_u64.wrapping_shl(u32::try_from(at).unwrap_or(0));
                firsts |= first(*byte);
            }
            before = *byte;
        }
        (self.begins, self.firsts) = (begins, firsts);
    }

    /// Whether one of the words stands in the text from `from` on, where a word begins. Long words
    /// may go on (plurals, compounds).
    fn has_any(&self, from: usize, words: Words) -> bool {
        let text = self.text.get(from..self.len).unwrap_or_default();
        // Whatever it is cut off from, the first byte begins one.
        let Some(start) = text.first() else {
            return false;
        };
        if (self.firsts | first(*start)) & words.firsts == 0 {
            return false;
        }
        let shift = u32::try_from(from).unwrap_or(u32::MAX);
        let mut begins = self.begins.checked_shr(shift).unwrap_or(0) | u64::from(may_begin(*start));
        while begins != 0 {
            let at = begins.trailing_zeros() as usize;
            begins &= begins.wrapping_sub(1);
            let Some(byte) = text.get(at) else { break };
            if first(*byte) & words.firsts == 0 {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            let before = before.copied().unwrap_or(b' ');
            let stands = |word: &&str| {
                word.as_bytes().first() == Some(byte)
                    && stands_at(text, at, before, word.as_bytes())
            };
            if words.words.iter().any(stands) {
                return true;
            }
        }
        false
    }
}

// === impl Left ===

impl Left {
    /// Before anybody asked.
    pub(super) const NOWHERE: Self = Self {
        at: None,
        text: Lower::EMPTY,
        from: 0,
    };

    /// Reads the text before `at`, of which `raw` is the end.
    fn read(&mut self, raw: &[u8], at: usize) {
        (self.at, self.from) = (Some(at), 0);
        self.text.clear();
        // Numbers in tables have numbers around them.
        let speaks = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
        if !raw.iter().fold(false, |any, byte| any | speaks(byte)) {
            return;
        }
        let (sentence, asked) = if raw.contains(&b'\\') {
            self.read_escaped(raw)
        } else {
            self.read_plain(raw)
        };
        self.text.find_words();
        // A sentence of a few words goes with the one before: `Charge my card. The number is …`
        let short = !asked && self.text.len.saturating_sub(sentence) < SHORT_SENTENCE;
        self.from = if short { 0 } else { sentence };
    }

    /// Reads a text without escapes; returns where its last sentence begins, and whether the one
    /// before was a question.
    fn read_plain(&mut self, raw: &[u8]) -> (usize, bool) {
        for (byte, slot) in raw.iter().zip(&mut self.text.text) {
            *slot = byte.to_ascii_lowercase();
        }
        self.text.len = raw.len();
        let (mut sentence, mut asked) = (0, false);
        if !raw.iter().fold(false, |any, byte| any | may_end(*byte)) {
            return (sentence, asked);
        }
        let text = self.text.text();
        for (at, byte) in text.iter().enumerate().filter(|(_, byte)| may_end(**byte)) {
            let (before, next) = (
                text.get(..at).unwrap_or_default(),
                text.get(at.saturating_add(1)),
            );
            if ends_sentence(before, *byte, next) {
                (sentence, asked) = (at, *byte == b'?');
            }
        }
        (sentence, asked)
    }

    /// The same for a text with escapes.
    fn read_escaped(&mut self, raw: &[u8]) -> (usize, bool) {
        let (mut sentence, mut asked) = (0, false);
        let mut bytes = raw.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let byte = match byte {
                // An escape is one character, and none of a word.
                b'\\' => {
                    while bytes.next_if(|next| *next == b'\\').is_some() {}
                    bytes.next();
                    b' '
                }
                byte => byte.to_ascii_lowercase(),
            };
            if may_end(byte) && ends_sentence(self.text.text(), byte, bytes.peek()) {
                (sentence, asked) = (self.text.len, byte == b'?');
            }
            self.text.push(byte);
        }
        (sentence, asked)
    }
}

// === impl Right ===

impl Right {
    /// Before anybody asked.
    pub(super) const NOWHERE: Self = Self {
        at: None,
        text: Lower::EMPTY,
    };

    /// Of another window.
    pub(super) fn forget(&mut self) {
        self.at = None;
    }
}

/// Whether a sentence may end with this byte. U+3002 is the full stop of Chinese and Japanese.
fn may_end(byte: u8) -> bool {
    (byte == b'.') | (byte == b'!') | (byte == b'?') | (byte == 0x82)
}

/// Whether one does, seeing what is around it.
fn ends_sentence(before: &[u8], byte: u8, next: Option<&u8>) -> bool {
    let ends = match byte {
        0x82 => before.ends_with(&[0xE3, 0x80]),
        _ => next.is_none_or(|next| matches!(next, b' ' | b'\n' | b'\\')),
    };
    ends && !is_abbreviation(before)
}

/// Whether a word may begin with this byte.
fn may_begin(byte: u8) -> bool {
    !matches!(byte, b' ' | b'0'..=b'9')
}

/// Whether the name of a member says one of these words.
fn is_named(key: &[u8], words: Words) -> bool {
    let mut buffer = [0; KEY_BYTES];
    let mut len = 0;
    // `bankAccountNo`, `bank_account_no` and `Bank account no` say the same.
    for (byte, slot) in key
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .zip(&mut buffer)
    {
        *slot = byte.to_ascii_lowercase();
        len = usize::saturating_add(len, 1);
    }
    let key = buffer.get(..len).unwrap_or_default();
    words.words.iter().any(|word| match word.len() {
        // Short words are too often part of others.
        0..=3 => key.starts_with(word.as_bytes()) || key.ends_with(word.as_bytes()),
        _ => contains_squeezed(key, word.as_bytes()),
    })
}

fn stands_at(text: &[u8], at: usize, before: u8, word: &[u8]) -> bool {
    let Some(after) = text.get(at..).and_then(|rest| rest.strip_prefix(word)) else {
        return false;
    };
    // Long words may be part of a name with underscores, short ones are too often part of a token.
    let long = word.len() > 4;
    let outside = |byte: &u8| !byte.is_ascii_alphanumeric() && (long || *byte != b'_');
    let ends = match after {
        [byte, ..] if long => !byte.is_ascii_digit(),
        [b's', rest @ ..] => rest.first().is_none_or(outside),
        rest => rest.first().is_none_or(outside),
    };
    ends && outside(&before)
}

/// Whether the letters and digits of `word` stand in `key` in a row.
fn contains_squeezed(key: &[u8], word: &[u8]) -> bool {
    let letters = |word: &[u8]| {
        word.iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .count()
    };
    let size = letters(word);
    size > 0
        && key.windows(size).any(|part| {
            part.iter()
                .eq(word.iter().filter(|byte| byte.is_ascii_alphanumeric()))
        })
}

/// Whether a full stop after this text is no end of a sentence: `no.`, `tel.`, `a/c no.`.
fn is_abbreviation(text: &[u8]) -> bool {
    let word = text
        .rsplit(|byte| !byte.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    matches!(
        word,
        b"no"
            | b"nr"
            | b"tel"
            | b"mob"
            | b"ph"
            | b"ac"
            | b"acc"
            | b"acct"
            | b"id"
            | b"num"
            | b"st"
            | b"mr"
            | b"mrs"
            | b"ms"
            | b"dr"
    )
}

/// Bytes left of a match in which context words count.
pub(super) const LEFT_BYTES: usize = 64;
/// Characters of a sentence that does not stand by itself.
const SHORT_SENTENCE: usize = 20;
/// Characters and words right of a match in which context words count: they are waited for.
const RIGHT_CHARS: usize = 32;
const RIGHT_WORDS: usize = 4;
/// Letters and digits of a member's name that are looked at.
const KEY_BYTES: usize = 48;
