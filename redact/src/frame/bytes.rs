//! Small searches in bytes.

use memchr::memchr2;

use crate::detect::{self, BLOCK, Like};

/// Where a search for the end of a JSON string got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StringEnd {
    /// The closing quote is here.
    At(usize),
    /// It is still to come. `escaped` if the next byte belongs to an escape.
    Open { escaped: bool },
}

/// Finds quotes, and remembers those of the block that it found the last one in: most strings are
/// short.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    /// Where the block ends, and which of its bytes are quotes.
    end: usize,
    bits: u64,
}

/// The bytes from `start` to `end`; empty if they are not all there.
pub(super) fn cut(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

/// Appends the bytes from `start` to `end`. In WebAssembly a copy of any size is a call, which costs
/// more than to copy some bytes too many and to forget them.
#[inline]
pub(super) fn append(bytes: &[u8], start: usize, end: usize, out: &mut Vec<u8>) {
    let size = end.saturating_sub(start);
    let near = bytes
        .get(start..)
        .and_then(|rest| rest.first_chunk::<FEW>());
    match near {
        Some(near) if size <= FEW => {
            let before = out.len();
            out.extend_from_slice(near);
            out.truncate(before.saturating_add(size));
        }
        _ => out.extend_from_slice(cut(bytes, start, end)),
    }
}

// === impl Quotes ===

impl Quotes {
    /// The first quote from `from` on. It is always the same text.
    #[inline]
    pub(super) fn next(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let place = from.wrapping_add(BLOCK).wrapping_sub(self.end);
        let left = if place < BLOCK { self.bits >> place } else { 0 };
        if left == 0 {
            return self.read(text, from.max(self.end));
        }
        Some(from.saturating_add(left.trailing_zeros() as usize))
    }

    #[inline(never)]
    fn read(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let found = detect::find_byte(QUOTE, text, from)?;
        (self.end, self.bits) = (found.end, found.bits);
        Some(found.at)
    }
}

/// Whether the byte at `at` belongs to an escape, in a string whose text goes on at `from`.
#[inline]
pub(super) fn is_escaped(bytes: &[u8], from: usize, at: usize) -> bool {
    let before = cut(bytes, from, at);
    if before.last() != Some(&b'\\') {
        return false;
    }
    let slashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    slashes.count() % 2 == 1
}

/// The end of the string whose text goes on at `from`.
pub(super) fn string_end(bytes: &[u8], from: usize) -> StringEnd {
    let mut at = from;
    while let Some(found) = find2(b'"', b'\\', bytes, at) {
        if bytes.get(found) == Some(&b'"') {
            return StringEnd::At(found);
        }
        at = found.saturating_add(2);
    }
    StringEnd::Open {
        escaped: at > bytes.len(),
    }
}

/// The end of a string whose text goes on at `from`, and that has no line break in it.
#[inline]
pub(super) fn string_end_in_line(bytes: &[u8], from: usize) -> Option<usize> {
    // Most tokens are short and have nothing special in them.
    let near = bytes.get(from..)?.first_chunk::<16>();
    for (place, word) in near
        .map(|near| near.as_chunks::<8>().0)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ EVERY.wrapping_mul(u64::from(b'"')));
        let others = zeros(word ^ EVERY.wrapping_mul(u64::from(b'\\')))
            | word.wrapping_sub(EVERY.wrapping_mul(0x20)) & !word & EVERY.wrapping_mul(0x80);
        let found = quotes | others;
        if found != 0 {
            if quotes.trailing_zeros() > others.trailing_zeros() {
                break;
            }
            let size = place
                .saturating_mul(8)
                .saturating_add(found.trailing_zeros() as usize / 8);
            return Some(from.saturating_add(size));
        }
    }
    match string_end(bytes, from) {
        StringEnd::At(end) => find2(b'\n', b'\r', cut(bytes, from, end), 0)
            .is_none()
            .then_some(end),
        StringEnd::Open { .. } => None,
    }
}

/// The first of two bytes, from `from` on.
#[inline]
pub(super) fn find2(a: u8, b: u8, bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    // Most strings are shorter than what a call costs.
    let (words, _) = rest.get(..NEAR).unwrap_or(rest).as_chunks::<8>();
    let mut at = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ EVERY.wrapping_mul(u64::from(a)))
            | zeros(word ^ EVERY.wrapping_mul(u64::from(b)));
        if found != 0 {
            let place = at.saturating_add(found.trailing_zeros() as usize / 8);
            return Some(from.saturating_add(place));
        }
        at = at.saturating_add(8);
    }
    let rest = rest.get(at..)?;
    let found = if at < NEAR {
        rest.iter().position(|byte| *byte == a || *byte == b)
    } else {
        memchr2(a, b, rest)
    };
    Some(from.saturating_add(at).saturating_add(found?))
}

/// The highest bits of the bytes of a word that are zero. Of the lowest that is set this is true;
/// one behind it may be none.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(EVERY) & !word & EVERY.wrapping_mul(0x80)
}

/// Whether all of a text is letters of ASCII and `_`.
#[inline]
pub(super) fn is_letters(text: &[u8]) -> bool {
    let plain = |word: [u8; 8]| not_letters(word) == 0;
    // The last bytes may be looked at twice.
    if let Some(last) = text.last_chunk() {
        return plain(*last) && text.as_chunks().0.iter().all(|word| plain(*word));
    }
    match (text.first_chunk(), text.last_chunk()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => plain([*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => text
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_'),
    }
}

/// The highest bits of the bytes that are neither letters nor `_`.
fn not_letters(word: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(word);
    let low = word & EVERY.wrapping_mul(0x7F);
    // Nothing is carried from byte to byte: the highest bits are clear before.
    let from = |byte: u8| EVERY.wrapping_mul(0x80_u64.wrapping_sub(u64::from(byte)));
    let small = low | EVERY.wrapping_mul(0x20);
    let letter = small.wrapping_add(from(b'a')) & !small.wrapping_add(from(b'{'));
    let other = (low ^ EVERY.wrapping_mul(u64::from(b'_'))).wrapping_add(from(1));
    (word | !letter & other) & EVERY.wrapping_mul(0x80)
}

/// The lowest bit of every byte.
const EVERY: u64 = 0x0101_0101_0101_0101;

/// Whether two slices are the same. The library's comparison goes byte by byte in WebAssembly.
#[inline]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(last_a), Some(last_b)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) else {
        let (halves_a, rest_a) = a.as_chunks::<4>();
        let (halves_b, rest_b) = b.as_chunks::<4>();
        return halves_a == halves_b && rest_a.iter().zip(rest_b).all(|(a, b)| a == b);
    };
    let (blocks_a, rest_a) = a.as_chunks::<32>();
    let (blocks_b, rest_b) = b.as_chunks::<32>();
    let (words_a, words_b) = (rest_a.as_chunks::<8>().0, rest_b.as_chunks::<8>().0);
    // The last eight bytes may be looked at twice.
    blocks_a.iter().zip(blocks_b).all(|(a, b)| same_block(a, b))
        && words_a
            .iter()
            .zip(words_b)
            .all(|(a, b)| differing(a, b) == 0)
        && differing(last_a, last_b) == 0
}

/// In words: vectors would have to be put together again to tell.
fn same_block(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let (a, b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    let words = a.iter().zip(b);
    words.fold(0, |bits, (a, b)| bits | differing(a, b)) == 0
}

/// The bits that differ.
fn differing(a: &[u8; 8], b: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b)
}

/// The first bracket or brace from `from` on.
pub(super) fn find_bracket(bytes: &[u8], from: usize) -> Option<usize> {
    let is_bracket = |byte: &u8| matches!(byte, b'{' | b'}' | b'[' | b']');
    let near = from.saturating_add(NEAR);
    if let Some(found) = cut(bytes, from, near.min(bytes.len()))
        .iter()
        .position(is_bracket)
    {
        return Some(from.saturating_add(found));
    }
    // Lists of numbers are long.
    let mut at = near;
    loop {
        let found = detect::find_byte(BRACKET, bytes, at)?.at;
        if bytes.get(found).is_some_and(is_bracket) {
            return Some(found);
        }
        at = found.saturating_add(1);
    }
}

/// The four brackets, and `Y`, `_`, `y` and DEL, which no number has.
const BRACKET: Like = Like {
    set: 0x26,
    byte: 0x7F,
};
const QUOTE: Like = Like { set: 0, byte: b'"' };

/// Where the number or word that begins at `from` ends.
pub(super) fn number_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let size = rest
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    from.saturating_add(size.unwrap_or(rest.len()))
}

/// The number that `text` is written as, if it is whole and small.
pub(super) fn small_number(text: &[u8]) -> Option<u32> {
    let digit = |byte: &u8| {
        byte.is_ascii_digit()
            .then(|| u32::from(byte.wrapping_sub(b'0')))
    };
    let mut number = 0_u32;
    for byte in text {
        number = number.checked_mul(10)?.checked_add(digit(byte)?)?;
    }
    (!text.is_empty()).then_some(number)
}

/// Writes a number in decimal.
pub(super) fn write_number(number: u32, out: &mut Vec<u8>) {
    if let Some(tens) = number.checked_div(10).filter(|tens| *tens > 0) {
        write_number(tens, out);
    }
    let digit = u8::try_from(number.wrapping_rem(10)).unwrap_or(0);
    out.push(b'0'.wrapping_add(digit));
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Bytes that are copied together.
const FEW: usize = 32;
/// Bytes that are looked at one by one before a vector search is worth its call.
const NEAR: usize = 16;

#[cfg(test)]
mod tests {
    use super::is_letters;

    #[test]
    fn letters_are_told_from_all_other_bytes() {
        for size in 0..20 {
            let text = vec![b'm'; size];
            assert!(is_letters(&text));
            for (at, byte) in (0..size).flat_map(|at| (0..=255_u8).map(move |byte| (at, byte))) {
                let mut text = text.clone();
                text[at] = byte;
                let expected = byte.is_ascii_alphabetic() || byte == b'_';
                assert_eq!(is_letters(&text), expected, "{byte} at {at} of {size}");
            }
        }
    }
}
