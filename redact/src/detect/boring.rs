//! Most anchors are nothing: short numbers, names with digits in them, the middle of dates and ids. A
//! few comparisons pass over them, and only where no family could have found anything: a test looks
//! at everything and compares.

use crate::profile::Profile;

use super::context;

/// Passes over short numbers and short names with digits in them, which most anchors are: returns
/// where to go on. Says nothing unless it sees enough to be sure.
pub(super) fn boring(profile: &Profile, raw: &[u8], anchor: usize) -> Option<usize> {
    #[cfg(test)]
    if super::tests::LOOKS_AT_ALL.get() {
        return None;
    }
    if profile.starts.is_some() || !raw.get(anchor)?.is_ascii_digit() {
        return None;
    }
    let back = raw.get(anchor.saturating_sub(SHORT)..anchor)?;
    let letters = back
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let start = anchor.saturating_sub(letters);
    let run = short_run(raw, start);
    if run >= SHORT {
        return None;
    }
    let end = start.saturating_add(run);
    let (next, after) = (*raw.get(end)?, *raw.get(end.saturating_add(1))?);
    if is_in_the_middle(raw, start, letters, next)
        || (letters == 0 && is_in_a_table(raw, start, run))
    {
        return Some(end);
    }
    let third = raw.get(end.saturating_add(2)).copied();
    let before = |steps: usize| start.checked_sub(steps).and_then(|at| raw.get(at)).copied();
    match before(1) {
        // What two capitals, or the stars of a masked number, may have begun is looked at.
        Some(b' ')
            if before(2)
                .is_none_or(|byte| byte.is_ascii_uppercase() || matches!(byte, b'x' | b'*')) =>
        {
            return None;
        }
        None | Some(b' ' | b'"' | b',' | b'=' | b'[' | b'>' | b'{' | b';') => {}
        // The line break before the number of a list is written as an escape in JSON.
        Some(b'\\') if matches!(raw.get(start), Some(b'n' | b'r')) => {
            let digits = raw.get(start.saturating_add(1)..end)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
        }
        Some(b'$') if letters == 0 => {}
        // An argument; what follows the parenthesis must go on with no number.
        Some(b'(')
            if next == b')'
                && (matches!(after, b',' | b';' | b'?')
                    || (after == b'.' && third?.is_ascii_alphabetic())) =>
        {
            return Some(end);
        }
        Some(_) => return None,
    }
    let over = match next {
        b' ' => {
            (after.is_ascii_alphabetic() || matches!(after, b'{' | b'}' | b'=' | b'<' | b'>'))
                && (letters != 2 || !matches!(run, 3 | 4))
                && (run != 2 || !after.is_ascii_hexdigit())
        }
        b'.' | b',' if letters == 0 && after.is_ascii_digit() => {
            return decimal(raw, end.saturating_add(1), run);
        }
        // A number goes on behind up to three separators.
        b'.' if after == b' ' => third.is_some_and(|byte| {
            byte.is_ascii_alphabetic() || matches!(byte, b'*' | b'`' | b'"' | b'_' | b'[')
        }),
        b',' | b'.' => {
            matches!(after, b' ' | b'"' | b'\n')
                || (after == b'\\' && matches!(third?, b'n' | b'"'))
        }
        b')' | b']' | b'}' | b'"' | b'<' | b'>' | b';' | b'\n' => true,
        b'\\' => matches!(after, b'n' | b'"'),
        // The type of a number in Rust: `u32::MAX`.
        b':' => after == b':' && matches!(raw.get(start)?, b'i' | b'u') && letters == 1 && run <= 3,
        _ => false,
    };
    over.then_some(end)
}

/// Passes over the second half of a number like 9.1 or 107,901 where a word follows.
fn decimal(raw: &[u8], from: usize, whole: usize) -> Option<usize> {
    let part = short_run(raw, from);
    let end = from.saturating_add(part);
    let digits = raw.get(from..end)?.iter().all(u8::is_ascii_digit);
    let rest = match raw.get(end..)? {
        [b'%', rest @ ..] => rest,
        rest => rest,
    };
    let word = match rest {
        [b' ', byte, ..] => byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit(),
        _ => false,
    };
    (digits && word && whole.saturating_add(part) < SHORT).then_some(end)
}

/// Letters and digits in a row from `start` on, up to as many as matter.
fn short_run(raw: &[u8], start: usize) -> usize {
    let rest = raw.get(start..).unwrap_or_default();
    rest.iter()
        .take(SHORT)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

/// Whether what begins at `start` is the middle of a chain whose beginning has been looked at:
/// `1.2`, `10:30`, `2024-11`, `550e8400-e29b`.
fn is_in_the_middle(raw: &[u8], start: usize, letters: usize, next: u8) -> bool {
    let before = raw.get(start.saturating_sub(2)..start).unwrap_or_default();
    let chain = match before {
        [b'0'..=b'9', b'-'] => true,
        [b'0'..=b'9', b'.' | b':'] => letters == 0,
        [b'0'..=b'9', b'/'] => letters == 0 && !matches!(next, b':' | b'.' | b'-'),
        _ => false,
    };
    // A digit that is part of an escape is none of a chain.
    let written = raw
        .get(start.saturating_sub(ESCAPE_BYTES)..start)
        .unwrap_or_default();
    chain
        && !written
            .iter()
            .any(|byte| matches!(byte, b'\\' | b'%' | b'&'))
}

/// Whether a group of digits and the next one are none that a number is written in, and no word
/// stands near that could say otherwise.
fn is_in_a_table(raw: &[u8], start: usize, size: usize) -> bool {
    let end = start.saturating_add(size);
    let Some(([b' ', first, ..], left)) = raw
        .get(end..)
        .zip(raw.get(start.saturating_sub(context::LEFT_BYTES)..start))
    else {
        return false;
    };
    if !first.is_ascii_digit() || left.last() != Some(&b' ') {
        return false;
    }
    let next = raw.get(end.saturating_add(1)..).unwrap_or_default();
    let next_size = next
        .iter()
        .take(11)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if next_size == next.len() {
        return false;
    }
    let zero = raw.get(start) == Some(&b'0');
    let written = match size {
        1 => matches!(next_size, 3 | 4),
        2 => matches!(next_size, 3 | 4 | 5 | 10),
        3 => matches!(next_size, 2 | 3) || zero,
        5 => next_size == 5 || zero,
        6 => next_size == 4,
        _ => true,
    };
    let word = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'*' | 0x80..);
    !written && !left.iter().any(word)
}

/// Letters and digits in a row that are too few for any match without a separator.
const SHORT: usize = 7;
/// Bytes of the longest escape, and a separator.
const ESCAPE_BYTES: usize = 12;
