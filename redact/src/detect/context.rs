//! Context words: what stands near a number that many things could be.

mod near;
#[cfg(test)]
mod tests;
mod words;

use crate::entity::Entity;

use super::Sight;
use super::text::{END, MORE, OTHER};
use near::{BLOCK, Marks, Near};
pub(super) use words::Words;
use words::{Keys, key};

/// Some text in lower case, and where in it words begin and sentences end.
#[derive(Debug)]
struct Lower {
    text: [u8; BLOCK],
    len: usize,
    marks: Marks,
}

/// The text left of a place, back to the end of the sentence before.
#[derive(Debug)]
pub(super) struct Left {
    /// The place, in the raw text; nothing before somebody asked.
    at: Option<usize>,
    text: Lower,
    from: usize,
    /// What is around it.
    near: Near,
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
    #[inline(never)]
    pub(super) fn supported(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_bare(start, end) || self.has_context(entity, start, end)
    }

    /// As [`Self::supported`], where being all there is says nothing.
    #[inline(never)]
    pub(super) fn has_context(&mut self, entity: Entity, start: usize, end: usize) -> bool {
        self.is_announced(entity, start, LEFT_BYTES)
            || self.right_has(end, Words::for_entity(entity))
    }

    /// Whether a word at most `near` bytes before it or the name of its member says so.
    pub(super) fn is_announced(&mut self, entity: Entity, start: usize, near: usize) -> bool {
        self.key.speaks_for(entity)
            || self
                .left(start)
                .has_any(near, Words::for_entity(entity), false)
    }

    /// Words before `start`, in the same sentence.
    pub(super) fn left_has(&mut self, start: usize, near: usize, words: Words) -> bool {
        self.left(start).has_any(near, &words, true)
    }

    /// The text left of `start` in lower case, back to the end of the sentence before.
    pub(super) fn left_text(&mut self, start: usize) -> &[u8] {
        let Left { text, from, .. } = self.left(start);
        text.text.get(*from..text.len).unwrap_or_default()
    }

    #[inline(never)]
    fn left(&mut self, start: usize) -> &Left {
        let at = self.raw_begin(start);
        if self.left.at != Some(at) {
            self.left.read(self.raw, at);
        }
        &self.left
    }

    /// Words after `end`, in the same sentence, among the next few.
    fn right_has(&mut self, end: usize, words: &Words) -> bool {
        if self.right.at != Some(end) {
            self.read_right(end);
        }
        self.right.text.has_any(0, words, false)
    }

    #[inline(never)]
    fn read_right(&mut self, end: usize) {
        let text = &mut self.right.text;
        text.len = 0;
        let mut steps = 0;
        for (slot, index) in text.text.iter_mut().zip(end..).take(RIGHT_CHARS) {
            let char = self.text.get(index);
            steps = step(char).saturating_add(steps);
            if steps > RIGHT_WORDS {
                if char == MORE {
                    text.len = 0;
                }
                break;
            }
            *slot = char.to_ascii_lowercase();
            text.len = text.len.wrapping_add(1);
        }
        if text.len > 0 {
            if let Some(slot) = text.text.get_mut(text.len) {
                *slot = b' ';
            }
            text.marks = Marks::of(&text.text, &text.text, 0);
        }
        self.right.at = Some(end);
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
        text: [0; BLOCK],
        len: 0,
        marks: Marks::NONE,
    };

    /// The text so far.
    fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// Becomes the first `len` bytes of a block with these marks.
    fn set(&mut self, text: &[u8; BLOCK], len: usize, marks: Marks) {
        (self.len, self.marks) = (len, marks);
        self.text = *text;
        if len < BLOCK {
            // Where a word begins behind it there is none.
            let there = 1_u64.wrapping_shl(u32::try_from(len).unwrap_or(0));
            self.marks.signs &= there.wrapping_sub(1);
            self.marks.slashes &= there.wrapping_sub(1);
        }
    }

    /// The signs from the last to the first, and where each is.
    fn signs(&self) -> impl Iterator<Item = (usize, u8)> {
        let mut signs = self.marks.signs;
        std::iter::from_fn(move || {
            let at = signs.checked_ilog2()?;
            signs ^= 1_u64.wrapping_shl(at);
            let at = at as usize;
            Some((at, *self.text.get(at)?))
        })
    }

    /// Puts a space for each escape: it is one character, and none of a word.
    #[inline(never)]
    fn pass_escapes(&mut self) {
        while self.marks.slashes != 0 {
            let at = self.marks.slashes.trailing_zeros();
            let run = self.marks.slashes.wrapping_shr(at).trailing_ones();
            let from = at as usize;
            let behind = from
                .saturating_add(run as usize)
                .saturating_add(1)
                .min(self.len);
            let more = behind.saturating_sub(from).saturating_sub(1);
            self.text.copy_within(behind.., from.saturating_add(1));
            if let Some(slot) = self.text.get_mut(from) {
                *slot = b' ';
            }
            self.marks.squeeze(at, u32::try_from(more).unwrap_or(0));
            self.len = self.len.saturating_sub(more);
        }
    }

    /// Where the last sentence begins. One of a few words goes with the one before: `Charge my
    /// card. The number is …`
    #[inline(never)]
    fn find_sentence(&self) -> usize {
        let text = self.text();
        let ends = |(at, byte): &(usize, u8)| {
            let (before, next) = (text.get(..*at), text.get(at.saturating_add(1)));
            ends_sentence(before.unwrap_or_default(), *byte, next)
        };
        let asked_or_long = |(at, byte): &(usize, u8)| {
            *byte == b'?' || text.len().saturating_sub(*at) >= SHORT_SENTENCE
        };
        let last = self.signs().find(ends).filter(asked_or_long);
        last.map_or(0, |(at, _)| at)
    }

    /// Whether one of the words stands in the text from `from` on, where a word begins. Long words
    /// may go on (plurals, compounds). They are those of an entity, or `others`.
    fn has_any(&self, from: usize, words: &Words, others: bool) -> bool {
        let Some(text @ [first, ..]) = self.text().get(from..) else {
            return false;
        };
        // Whatever it is cut off from, the first byte begins a word.
        let cut = *first > b'@' && words.keys.has(key(text));
        let near = others || self.marks.keys.meets(&words.keys);
        (cut || near) && self.has_some(from, words, others)
    }

    /// The same, where it may be so.
    #[inline(never)]
    fn has_some(&self, from: usize, words: &Words, others: bool) -> bool {
        let text = self.text().get(from..).unwrap_or_default();
        let begins = if others {
            self.marks.letters
        } else {
            self.marks.words
        };
        let mut begins = begins.wrapping_shr(u32::try_from(from).unwrap_or(0)) | 1;
        while begins != 0 {
            let at = begins.trailing_zeros() as usize;
            begins &= begins.wrapping_sub(1);
            let rest = text.get(at..).unwrap_or_default();
            if !words.keys.has(key(rest)) {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            let before = before.copied().unwrap_or(b' ');
            let stands = |word: &&str| {
                word.as_bytes().first() == rest.first() && stands_at(rest, before, word.as_bytes())
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
        near: Near::NOTHING,
    };

    /// Whether one of the words, as in [`Lower::has_any`], is at most `near` bytes away.
    fn has_any(&self, near: usize, words: &Words, others: bool) -> bool {
        let from = self.text.len.saturating_sub(near).max(self.from);
        self.text.has_any(from, words, others)
    }

    /// Reads the raw text before `at`.
    #[inline(never)]
    fn read(&mut self, raw: &[u8], at: usize) {
        self.at = Some(at);
        let from = at.saturating_sub(LEFT_BYTES);
        let (text, mut marks) = self.near.block(raw, from);
        // Numbers in tables have numbers around them.
        if marks.letters == 0 {
            (self.text.len, self.from) = (0, 0);
            return;
        }
        let len = at.saturating_sub(from);
        // A word of two letters at the end has the key of what goes on behind it.
        if raw.get(at).is_some_and(u8::is_ascii_alphabetic)
            && let Some(last) = len.checked_sub(2)
        {
            marks.words |= 1_u64.wrapping_shl(u32::try_from(last).unwrap_or(0));
            marks.keys = Keys::ALL;
        }
        self.text.set(text, len, marks);
        if self.text.marks.slashes != 0 {
            self.text.pass_escapes();
        }
        self.from = if marks.signs == 0 {
            0
        } else {
            self.text.find_sentence()
        };
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

/// How many words further this character is: a sentence ends with some.
fn step(char: u8) -> u8 {
    static STEPS: [u8; 256] = {
        let mut steps = [0; 256];
        let (mut rest, mut char): (&mut [u8], u8) = (&mut steps, 0);
        while let [slot, others @ ..] = rest {
            *slot = match char {
                b' ' => 1,
                MORE | OTHER | END | b'.' | b'!' | b'?' | b',' | b';' | b'\n' | b'"' | b'<'
                | b'{' | b'}' | b'|' => RIGHT_WORDS + 1,
                _ => 0,
            };
            (rest, char) = (others, char.wrapping_add(1));
        }
        steps
    };
    STEPS.get(usize::from(char)).copied().unwrap_or(0)
}

/// Whether a sentence ends with this sign, seeing what is around it.
fn ends_sentence(before: &[u8], byte: u8, next: Option<&u8>) -> bool {
    let ends = match byte {
        0x82 => before.ends_with(&[0xE3, 0x80]),
        _ => next.is_none_or(|next| matches!(next, b' ' | b'\n' | b'\\')),
    };
    ends && !is_abbreviation(before)
}

/// Whether the name of a member says one of these words.
fn is_named(key: &[u8], words: &Words) -> bool {
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

/// Whether the text begins with this word, seeing what is before it.
fn stands_at(text: &[u8], before: u8, word: &[u8]) -> bool {
    let Some(after) = text.strip_prefix(word) else {
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
    word.len() <= 4 && ABBREVIATIONS.contains(&packed(word))
}

/// A word of up to four bytes as one number.
const fn packed(word: &[u8]) -> u32 {
    let (mut packed, mut rest) = (0_u32, word);
    while let [byte, others @ ..] = rest {
        packed = packed << 8 | *byte as u32;
        rest = others;
    }
    packed
}

/// Bytes left of a match in which context words count.
pub(super) const LEFT_BYTES: usize = 64;
/// Characters of a sentence that does not stand by itself.
const SHORT_SENTENCE: usize = 20;
/// Characters and words right of a match in which context words count: they are waited for.
const RIGHT_CHARS: usize = 32;
const RIGHT_WORDS: u8 = 4;
/// Letters and digits of a member's name that are looked at.
const KEY_BYTES: usize = 48;
/// Words that end with a full stop in the middle of a sentence.
const ABBREVIATIONS: [u32; 15] = [
    packed(b"no"),
    packed(b"nr"),
    packed(b"tel"),
    packed(b"mob"),
    packed(b"ph"),
    packed(b"ac"),
    packed(b"acc"),
    packed(b"acct"),
    packed(b"id"),
    packed(b"num"),
    packed(b"st"),
    packed(b"mr"),
    packed(b"mrs"),
    packed(b"ms"),
    packed(b"dr"),
];
