//! Some raw text in lower case, and where in it words begin and sentences end: each byte is read
//! once, however many numbers it stands before.

use crate::detect::class::Within;

use super::words::{Keys, key};

/// What is known of the bytes of a text, a bit each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// Letters that a word may begin with, and those where one begins that may speak for an entity.
    pub(super) letters: u64,
    pub(super) words: u64,
    /// Where a sentence may end.
    pub(super) signs: u64,
    /// Backslashes. What they escape is marked as nothing.
    pub(super) slashes: u64,
    /// The keys of those words, and perhaps of others near them.
    pub(super) keys: Keys,
}

/// The last two blocks that were read, one behind the other.
#[derive(Debug)]
pub(super) struct Near {
    /// What is known begins here in the raw text, and the last block ends there.
    first: usize,
    end: usize,
    text: [[u8; BLOCK]; 2],
    marks: [Marks; 2],
}

// === impl Near ===

impl Near {
    /// Before anybody asked.
    pub(super) const NOTHING: Self = Self {
        first: 0,
        end: 0,
        text: [[0; BLOCK]; 2],
        marks: [Marks::NONE; 2],
    };

    /// The block of the raw text that begins at `from`.
    #[inline]
    pub(super) fn block(&mut self, raw: &[u8], from: usize) -> (&[u8; BLOCK], Marks) {
        let mut offset = self.offset(from);
        if from < self.first || offset > BLOCK {
            if from < self.first || offset > 2 * BLOCK {
                (self.first, self.end) = (from, from);
            }
            self.read(raw);
            offset = self.offset(from);
        }
        let text = self.text.as_flattened().get(offset..);
        let text = text.and_then(<[u8]>::first_chunk).unwrap_or(&[0; BLOCK]);
        (text, Marks::across(&self.marks, offset))
    }

    /// Where this place in the raw text is in what is known; far away before that.
    fn offset(&self, from: usize) -> usize {
        from.wrapping_add(2 * BLOCK).wrapping_sub(self.end)
    }

    /// Reads one more block.
    #[inline(never)]
    fn read(&mut self, raw: &[u8]) {
        let rest = raw.get(self.end..).unwrap_or_default();
        let mut padded = [b' '; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            for (slot, byte) in padded.iter_mut().zip(rest) {
                *slot = *byte;
            }
            &padded
        });
        let [_, last] = self.text;
        let [_, before] = self.marks;
        // The block before may end in an escape.
        let open = before.slashes >> 63;
        let slashes = only(b'\\').of(block);
        let escaped = (slashes << 1 | open) & !slashes;
        let mut marks = Marks::of(block, rest, escaped);
        marks.slashes = slashes;
        self.text = [last, block.map(|byte| byte.to_ascii_lowercase())];
        self.marks = [before, marks];
        self.end = self.end.saturating_add(BLOCK);
    }
}

// === impl Marks ===

impl Marks {
    pub(super) const NONE: Self = Self {
        letters: 0,
        words: 0,
        signs: 0,
        slashes: 0,
        keys: Keys::NONE,
    };

    /// Of a block, and the text that begins with it, in which these bytes are escaped.
    #[inline(never)]
    pub(super) fn of(block: &[u8; BLOCK], rest: &[u8], escaped: u64) -> Self {
        let letters = LETTERS.of(block);
        let inside = (letters | DIGITS.of(block)) & !escaped;
        let mut marks = Self {
            letters: letters | OUTSIDE_ASCII.of(block),
            // U+3002, the full stop of Chinese and Japanese, ends with the last of these.
            signs: [b'.', b'!', b'?', 0x82]
                .map(|byte| only(byte).of(block))
                .into_iter()
                .fold(0, |all, one| all | one),
            ..Self::NONE
        };
        let mut begins = marks.letters & !inside.wrapping_shl(1);
        while begins != 0 {
            let bit = begins & begins.wrapping_neg();
            let word = rest.get(begins.trailing_zeros() as usize..);
            let key = key(word.unwrap_or_default());
            if Keys::KNOWN.has(key) {
                marks.words |= bit;
                marks.keys.set(key);
            }
            begins ^= bit;
        }
        marks
    }

    /// Puts one byte that is marked as nothing at `at` for that one and the next `more` ones.
    pub(super) fn squeeze(&mut self, at: u32, more: u32) {
        let before = 1_u64.wrapping_shl(at).wrapping_sub(1);
        let behind = !before << 1;
        for mask in [
            &mut self.letters,
            &mut self.words,
            &mut self.signs,
            &mut self.slashes,
        ] {
            *mask = *mask & before | mask.wrapping_shr(more) & behind;
        }
    }

    /// Those of the block that begins with byte `offset` of the first of two.
    fn across([first, last]: &[Self; 2], offset: usize) -> Self {
        let shift = u32::try_from(offset).unwrap_or(0);
        let rest = 63_u32.wrapping_sub(shift);
        let both = |first: u64, last: u64| {
            if offset < BLOCK {
                first.wrapping_shr(shift) | (last << 1).wrapping_shl(rest)
            } else {
                last
            }
        };
        Self {
            letters: both(first.letters, last.letters),
            words: both(first.words, last.words),
            signs: both(first.signs, last.signs),
            slashes: both(first.slashes, last.slashes),
            keys: first.keys.with(last.keys),
        }
    }
}

const fn only(byte: u8) -> Within {
    within(byte, byte)
}

const fn within(first: u8, last: u8) -> Within {
    Within {
        set: 0,
        first,
        more: last.wrapping_sub(first),
    }
}

const LETTERS: Within = Within {
    set: 0x20,
    ..within(b'a', b'z')
};
const DIGITS: Within = within(b'0', b'9');
/// The first bytes of letters outside ASCII.
const OUTSIDE_ASCII: Within = within(0xC0, 0xFF);
/// Bytes that are read together, and bits of a mark.
pub(super) const BLOCK: usize = 64;
