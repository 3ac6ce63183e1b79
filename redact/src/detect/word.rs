//! Where words begin: what a window shows, and what is held back because more of it may come.

use super::text;

/// Bytes that are known to be of one word, and none of them a sign or outside ASCII: words that have
/// many anchors are not read back from each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    start: usize,
    end: usize,
}

/// Where the window for an anchor begins: with the word that it stands in, and with what may belong
/// to it before that: two capitals, the masked part of a number, an opening parenthesis.
pub(super) fn window_start(raw: &[u8], anchor: usize, known: &mut Known) -> usize {
    if is_sign(raw, anchor) {
        // An address has one `@`, so what is before another one is none of it.
        return known.word_start(raw, anchor, WORD_BYTES);
    }
    with_what_belongs(raw, known.word_start(raw, anchor, NUMBER_BYTES))
}

// === impl Known ===

impl Known {
    /// As [`word_start`], where a sign ends a word.
    #[inline(never)]
    fn word_start(&mut self, raw: &[u8], at: usize, most: usize) -> usize {
        let least = at.saturating_sub(most);
        let mut start = at;
        while start > least {
            if self.start < start && start <= self.end {
                start = char_start(raw, self.start.max(least));
                continue;
            }
            let Some(before) = joined_before(raw, start, true) else {
                break;
            };
            start = before;
        }
        let end = at.max(if self.start == start { self.end } else { at });
        *self = Self { start, end };
        if start > least {
            return start;
        }
        whole_start(raw, start).min(at)
    }
}

/// Whether the anchor is an `@`, as itself, of full width, or the first digit of its code: `%40`,
/// `\u0040`, `&#64;`, `&#x40;`.
fn is_sign(raw: &[u8], anchor: usize) -> bool {
    let rest = raw.get(anchor..).unwrap_or_default();
    match rest {
        [b'@', ..] => return true,
        [b'0' | b'4' | b'6', ..] => {}
        _ => return rest.starts_with(FULL_WIDTH_SIGN),
    }
    // Of a code that is cut off, the rest may come.
    let begins = |text: &[u8], code: &[u8]| text.starts_with(code) || code.starts_with(text);
    let zeros = rest
        .iter()
        .take(text::REFERENCE_BYTES)
        .take_while(|byte| **byte == b'0');
    let code = rest.get(zeros.count()..).unwrap_or_default();
    match raw.get(..anchor).unwrap_or_default() {
        [.., b'%'] => begins(rest, b"40"),
        [.., b'u'] => begins(rest, b"0040"),
        [.., b'#'] => begins(code, b"64;"),
        [.., b'#', b'x' | b'X'] => begins(code, b"40;"),
        _ => false,
    }
}

fn with_what_belongs(raw: &[u8], mut start: usize) -> usize {
    let last = start.checked_sub(1).and_then(|at| raw.get(at));
    if !matches!(last, Some(b' ' | b'(')) {
        return start;
    }
    let before = |at: usize, size: usize| raw.get(at.saturating_sub(size)..at).unwrap_or_default();
    for _ in 0..2 {
        if let [a, b, c, d, b' '] = before(start, 5)
            && [a, b, c, d]
                .into_iter()
                .all(|byte| matches!(byte, b'X' | b'x' | b'*'))
        {
            start = start.saturating_sub(5);
        }
    }
    match before(start, 3) {
        [a, b, b' '] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => start.saturating_sub(3),
        [.., b'('] => start.saturating_sub(1),
        _ => start,
    }
}

/// Where the text begins that a word still to come may join.
pub(super) fn last_word(raw: &[u8]) -> usize {
    let end = match raw.last() {
        Some(last) if !last.is_ascii() => whole_end(raw),
        _ => raw.len(),
    };
    with_what_belongs(raw, word_start(raw, end, WORD_BYTES, false))
}

/// Where the last character ends that is whole: one that is cut off may turn out to be one that joins.
fn whole_end(raw: &[u8]) -> usize {
    let cut = raw
        .iter()
        .rev()
        .take(3)
        .take_while(|byte| matches!(byte, 0x80..=0xBF))
        .count();
    let lead = raw.len().saturating_sub(cut).saturating_sub(1);
    let whole: usize = match raw.get(lead) {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 0,
    };
    if whole > cut.saturating_add(1) {
        lead
    } else {
        raw.len()
    }
}

/// Where the word begins that ends before `at`, at most so many bytes back.
pub(super) fn word_start(raw: &[u8], at: usize, most: usize, sign_ends: bool) -> usize {
    let mut start = at;
    let least = at.saturating_sub(most);
    while start > least {
        let Some(before) = joined_before(raw, start, sign_ends) else {
            return start;
        };
        start = before;
    }
    whole_start(raw, start).min(at)
}

/// Where the character before `at` begins, if it is of one word with what follows it.
#[inline]
fn joined_before(raw: &[u8], at: usize, sign_ends: bool) -> Option<usize> {
    let before = at.checked_sub(1)?;
    match raw.get(before)? {
        byte if joins_plainly(*byte) => Some(before),
        0x80..=0xBF => {
            // Inside a character; its first byte, at most three before, tells what it is.
            let lead = (before.saturating_sub(3)..before)
                .rev()
                .find(|at| raw.get(*at).is_some_and(|byte| *byte >= 0xC0))?;
            let char = raw.get(lead..at)?;
            (joins(char) && !(sign_ends && char == FULL_WIDTH_SIGN)).then_some(lead)
        }
        b'@' if !sign_ends => Some(before),
        _ => None,
    }
}

/// Where the character begins that `at` stands in the middle of, or `at`.
fn char_start(raw: &[u8], at: usize) -> usize {
    let inside = |at: &usize| matches!(raw.get(*at), Some(0x80..=0xBF));
    let mut start = at;
    while start > 0 && inside(&start) {
        start = start.saturating_sub(1);
    }
    start
}

/// Where what is written as several characters begins that `at` stands in the middle of, or `at`: a
/// window shows whole ones.
fn whole_start(raw: &[u8], at: usize) -> usize {
    let covers = |start: &usize| {
        let text = raw.get(*start..).unwrap_or_default();
        matches!(text.first(), Some(b'%' | b'&'))
            && text::written_size(text) > at.saturating_sub(*start)
    };
    let near = at.saturating_sub(text::REFERENCE_BYTES)..at;
    let codes = raw.get(near.clone()).unwrap_or_default();
    if codes
        .iter()
        .fold(false, |any, byte| any | matches!(byte, b'%' | b'&'))
    {
        return escape_start(raw, near.rev().find(covers).unwrap_or(at));
    }
    escape_start(raw, at)
}

/// Where the escape, or the pair of them, begins that `at` stands in the middle of, or `at`. What is
/// held back begins with whole characters: of an event that ends in half of one no client can make
/// anything.
pub(super) fn escape_start(raw: &[u8], at: usize) -> usize {
    // Most texts have none near.
    let near = raw.get(at.saturating_sub(5)..raw.len().min(at.saturating_add(1)));
    if !near.unwrap_or_default().contains(&b'\\') {
        return at;
    }
    let start = single_start(raw, at);
    let rest = raw.get(start..).unwrap_or_default();
    let slashes = rest
        .iter()
        .take(text::BACKSLASHES)
        .take_while(|byte| **byte == b'\\')
        .count();
    let Some(first) = start
        .checked_sub(slashes.saturating_add(5))
        .filter(|_| slashes > 0)
    else {
        return start;
    };
    let half = |from: usize| {
        let escape = raw.get(from..)?;
        let (before, code) = escape.split_at_checked(slashes)?;
        let slashed = before.iter().all(|byte| *byte == b'\\');
        code.get(..3).filter(|_| slashed)
    };
    let pair = matches!(
        half(start),
        Some([b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F'])
    ) && matches!(
        half(first),
        Some([b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B'])
    );
    if pair { first } else { start }
}

/// Where the escape begins that `at` stands in the middle of, or `at`.
fn single_start(raw: &[u8], at: usize) -> usize {
    let is_slash = |place: usize| raw.get(place) == Some(&b'\\');
    let mut near = (1..=5).filter_map(|back| at.checked_sub(back));
    let Some(slash) = near.find(|place| is_slash(*place)) else {
        return at;
    };
    let size = match raw.get(slash.saturating_add(1)) {
        Some(b'u') => 6,
        Some(byte) if is_escaped(*byte) => 2,
        // A backslash that escapes nothing stands for itself.
        _ => 1,
    };
    if slash.saturating_add(size) <= at {
        return at;
    }
    let back = (0..=slash).rev().take(text::BACKSLASHES);
    let run = back.take_while(|place| is_slash(*place)).count();
    let start = slash.saturating_add(1).saturating_sub(run);
    if start.checked_sub(1).is_some_and(is_slash) {
        return end_of_slashes(raw, slash);
    }
    start
}

/// Whether a backslash and this stand for one character.
fn is_escaped(byte: u8) -> bool {
    matches!(
        byte,
        b'n' | b'r' | b't' | b'b' | b'f' | b'"' | b'/' | b'\'' | b'\\'
    )
}

/// Where what a long run of backslashes escapes is over, whichever of them do: nothing is written
/// behind so many, and where they begin may be out of sight.
fn end_of_slashes(raw: &[u8], slash: usize) -> usize {
    let rest = raw.get(slash..).unwrap_or_default();
    let run = rest.iter().take_while(|byte| **byte == b'\\').count();
    let size = match rest.get(run..).unwrap_or_default() {
        [b'u', digits @ ..]
            if digits.len() >= 4 && digits.iter().take(4).all(u8::is_ascii_hexdigit) =>
        {
            5
        }
        [b'u', ..] => 1,
        [byte, ..] if is_escaped(*byte) => 1,
        _ => 0,
    };
    slash.saturating_add(run).saturating_add(size)
}

/// Whether a character outside ASCII may stand within a word that matters.
fn joins(char: &[u8]) -> bool {
    match char {
        [0xC2, 0xA0] => false,
        [0xC2..=0xDF, _] => true,
        [0xE0, 0xA5, 0xA6..=0xAF] | [0xEF, 0xBC, 0x90..=0x99 | 0xA0 | 0x8E | 0x8B] => true,
        [0xE2, 0x80, 0x8B..=0x95]
        | [0xE2, 0x81, 0xA0..=0xA4]
        | [0xEF, 0xBB, 0xBF]
        | [0xE2, 0x88, 0x92] => true,
        _ => false,
    }
}

pub(super) const fn is_delimiter(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_' | b'-' | b'+' | b'@' | b'%' | b'&' | b'#' | b'\\' | b':' | b'*'
        ))
}

/// Whether a byte is part of the word that it stands in, whatever is around it.
fn joins_plainly(byte: u8) -> bool {
    JOINS.get(usize::from(byte)) == Some(&true)
}

static JOINS: [bool; 256] = {
    let mut joins = [false; 256];
    let (mut byte, mut rest) = (0_u8, joins.as_mut_slice());
    while let [slot, others @ ..] = rest {
        *slot = byte.is_ascii() && byte != b'@' && !is_delimiter(byte);
        (byte, rest) = (byte.wrapping_add(1), others);
    }
    joins
};

const FULL_WIDTH_SIGN: &[u8] = "\u{FF20}".as_bytes();
/// Bytes before an anchor that a match may begin in: a local part of 64, and what is written in
/// more bytes than one.
const WORD_BYTES: usize = 80;
/// The same before the first digit of a number, a key or an address of a machine.
const NUMBER_BYTES: usize = 48;
