//! Context words: what stands near a number that many things could be.

mod words;

use crate::entity::Entity;

use super::Sight;
use super::text::{END, MORE, OTHER};
use words::words;

/// The text left of a place, in lower case, back to the end of the sentence before.
#[derive(Debug)]
pub(super) struct Left {
    /// The place, in the raw text; nothing before somebody asked.
    at: Option<usize>,
    text: [u8; LEFT_BYTES],
    from: usize,
    len: usize,
}

impl Sight<'_, '_> {
    /// Whether something says that the characters from `start` to `end` are this entity: a word
    /// before them in the same sentence, the name of the JSON member, a word right after them, or
    /// that they are all there is of a field.
    pub(super) fn supported(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_bare(start, end) || self.has_context(entity, start, end)
    }

    /// As [`Self::supported`], where being all there is says nothing.
    pub(super) fn has_context(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_announced(entity, start, LEFT_BYTES) || self.right_has(end, words(entity))
    }

    /// Whether a word at most `near` bytes before it or the name of its member says so.
    pub(super) fn is_announced(&mut self, entity: Entity, start: usize, near: usize) -> bool {
        let words = words(entity);
        self.key_has(words) || self.left_has(start, near, words)
    }

    fn key_has(&self, words: &[&str]) -> bool {
        if self.hints.key.is_empty() {
            return false;
        }
        let mut buffer = [0; KEY_BYTES];
        let mut len = 0;
        // `bankAccountNo`, `bank_account_no` and `Bank account no` say the same.
        for (byte, slot) in self
            .hints
            .key
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .zip(&mut buffer)
        {
            *slot = byte.to_ascii_lowercase();
            len = usize::saturating_add(len, 1);
        }
        let key = buffer.get(..len).unwrap_or_default();
        words.iter().any(|word| match word.len() {
            // Short words are too often part of others.
            0..=3 => key.starts_with(word.as_bytes()) || key.ends_with(word.as_bytes()),
            _ => contains_squeezed(key, word.as_bytes()),
        })
    }

    /// Words before `start`, in the same sentence.
    fn left_has(&mut self, start: usize, near: usize, words: &[&str]) -> bool {
        let text = self.left(start).text();
        let text = text
            .get(text.len().saturating_sub(near)..)
            .unwrap_or_default();
        has_any(text, words)
    }

    /// The text left of `start` in lower case, back to the end of the sentence before.
    pub(super) fn left_text(&mut self, start: usize) -> &[u8] {
        self.left(start).text()
    }

    fn left(&mut self, start: usize) -> &Left {
        let at = self.raw_begin(start);
        if self.left.at != Some(at) {
            let raw = self.raw.get(at.saturating_sub(LEFT_BYTES)..at);
            self.left = Left::read(raw.unwrap_or_default(), at);
        }
        &self.left
    }

    /// Words after `end`, in the same sentence, among the next few.
    fn right_has(&mut self, end: usize, words: &[&str]) -> bool {
        let mut buffer = [0_u8; RIGHT_CHARS];
        let mut len: usize = 0;
        let mut seen: usize = 0;
        let mut index = end;
        while len < RIGHT_CHARS && seen <= RIGHT_WORDS {
            let char = self.text.get(index);
            match char {
                MORE => return false,
                OTHER | END | b'.' | b'!' | b'?' | b',' | b';' | b'\n' | b'"' | b'<' | b'{'
                | b'}' | b'|' => break,
                b' ' => seen = seen.saturating_add(1),
                _ => {}
            }
            if let Some(slot) = buffer.get_mut(len) {
                *slot = char.to_ascii_lowercase();
            }
            len = len.saturating_add(1);
            index = index.saturating_add(1);
        }
        let text = buffer.get(..len).unwrap_or_default();
        has_any(text, words)
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

// === impl Left ===

impl Left {
    /// Before anybody asked.
    pub(super) const NOWHERE: Self = Self {
        at: None,
        text: [0; LEFT_BYTES],
        from: 0,
        len: 0,
    };

    fn text(&self) -> &[u8] {
        self.text.get(self.from..self.len).unwrap_or_default()
    }

    fn read(raw: &[u8], at: usize) -> Self {
        // Numbers in tables have numbers around them.
        if !raw
            .iter()
            .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
        {
            return Self {
                at: Some(at),
                ..Self::NOWHERE
            };
        }
        let mut buffer = [0; LEFT_BYTES];
        let mut len: usize = 0;
        let mut sentence: usize = 0;
        let mut asked = false;
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
            let before = |len: usize| buffer.get(..len).unwrap_or_default();
            // U+3002 is the full stop of Chinese and Japanese.
            let ideographic = byte == 0x82 && before(len).ends_with(&[0xE3, 0x80]);
            let ends_sentence = ideographic
                || matches!(byte, b'.' | b'!' | b'?')
                    && bytes
                        .peek()
                        .is_none_or(|next| matches!(next, b' ' | b'\n' | b'\\'));
            if ends_sentence && !is_abbreviation(before(len)) {
                sentence = len;
                asked = byte == b'?';
            }
            if let Some(slot) = buffer.get_mut(len) {
                *slot = byte;
                len = len.saturating_add(1);
            }
        }
        // A sentence of a few words goes with the one before: `Charge my card. The number is …`
        let short = !asked && len.saturating_sub(sentence) < SHORT_SENTENCE;
        let from = if short { 0 } else { sentence };
        Self {
            at: Some(at),
            text: buffer,
            from,
            len,
        }
    }
}

/// Whether one of the words stands in `text`, in lower case, where a word begins. Long words may go on
/// (plurals, compounds).
pub(super) fn has_any(text: &[u8], words: &[&str]) -> bool {
    let mut before = b' ';
    for (at, byte) in text.iter().enumerate() {
        let begins = !before.is_ascii_alphanumeric() && !matches!(byte, b' ' | b'0'..=b'9');
        if begins
            && words.iter().any(|word| {
                word.as_bytes().first() == Some(byte)
                    && stands_at(text, at, before, word.as_bytes())
            })
        {
            return true;
        }
        before = *byte;
    }
    false
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
