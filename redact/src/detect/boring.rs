//! Most anchors are nothing: short numbers, names with digits in them, the middle of dates and ids. A
//! few comparisons pass over them, and only where no family could have found anything: a test looks
//! at everything and compares.

use crate::entity::Entity;
use crate::profile::Profile;

use super::context;

/// Passes over short numbers and short names with digits in them, which most anchors are: returns
/// where to go on. Says nothing unless it sees enough to be sure.
pub(super) fn boring(
    profile: &Profile,
    key: &mut context::Key<'_>,
    raw: &[u8],
    anchor: usize,
) -> Option<usize> {
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
        || (letters == 0 && is_in_a_table(key, raw, start, run))
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
        None
        | Some(
            b' ' | b'"' | b',' | b'=' | b'[' | b'>' | b'{' | b';' | b'\n' | b'|' | b'<' | b']'
            | b'}' | b'!' | b'?' | b'\'' | b'`',
        ) => {}
        // The line break before the number of a list is written as an escape in JSON.
        Some(b'\\') if matches!(raw.get(start), Some(b'n' | b'r')) => {
            let digits = raw.get(start.saturating_add(1)..end)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
        }
        Some(b'$') if letters == 0 => {}
        // The number of an order: `ORD-10438`.
        Some(b'-') if letters == 0 && ends_number(next) && is_behind_word(raw, start) => {}
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
    if letters == 0
        && next == b'-'
        && let Some(end) = date(raw, start)
    {
        return Some(end);
    }
    let over = match next {
        b' ' => {
            (after.is_ascii_alphabetic() || matches!(after, b'{' | b'}' | b'=' | b'<' | b'>'))
                && (letters != 2 || !matches!(run, 3 | 4))
                && (run != 2 || !may_be_pair(after, third?))
        }
        b'.' | b',' if letters == 0 && after.is_ascii_digit() => {
            let decimal = decimal(raw, end.saturating_add(1), run);
            // No number goes on behind a comma.
            return decimal.or((next == b',').then_some(end));
        }
        // A number goes on behind up to three separators.
        b'.' if after == b' ' => third.is_some_and(|byte| {
            byte.is_ascii_alphabetic() || matches!(byte, b'*' | b'`' | b'"' | b'_' | b'[')
        }),
        b',' | b'.' => {
            matches!(after, b' ' | b'"' | b'\n')
                || (after == b'\\' && matches!(third?, b'n' | b'"'))
        }
        next if ends_number(next) => true,
        b'\\' => matches!(after, b'n' | b'"'),
        // The type of a number in Rust: `u32::MAX`.
        b':' => after == b':' && matches!(raw.get(start)?, b'i' | b'u') && letters == 1 && run <= 3,
        _ => false,
    };
    over.then_some(end)
}

/// Passes over the second half of a number like 9.1 or 107,901 where a word or an end follows.
fn decimal(raw: &[u8], from: usize, whole: usize) -> Option<usize> {
    let part = short_run(raw, from);
    let end = from.saturating_add(part);
    let digits = raw.get(from..end)?.iter().all(u8::is_ascii_digit);
    let rest = match raw.get(end..)? {
        [b'%', rest @ ..] => rest,
        rest => rest,
    };
    let over = match rest {
        [b' ', byte, ..] => byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit(),
        // No number goes on behind a comma.
        [b',', ..] => true,
        [b'.', b' ' | b'\n', byte, ..] => byte.is_ascii_alphabetic(),
        // A parenthesis may close within a number.
        [byte, _, ..] => ends_number(*byte) && *byte != b')',
        _ => false,
    };
    (digits && over && whole.saturating_add(part) < SHORT).then_some(end)
}

/// Whether two hexadecimal digits begin so behind a space, or the letters of a vehicle's series.
fn may_be_pair(first: u8, second: u8) -> bool {
    first.is_ascii_hexdigit() && (second.is_ascii_hexdigit() || matches!(second, b'H' | b'h'))
}

/// Whether no number, token or address goes on with this byte, whatever follows it.
fn ends_number(byte: u8) -> bool {
    matches!(
        byte,
        b')' | b']'
            | b'}'
            | b'{'
            | b'['
            | b'"'
            | b'\''
            | b'`'
            | b'<'
            | b'>'
            | b';'
            | b'\n'
            | b'|'
            | b'='
            | b'!'
            | b'?'
            | b'*'
            | b'#'
            | b'$'
            | b'~'
            | b'^'
    )
}

/// Whether a dash is before `start` and letters before that, more than a code of a state or a pair
/// of hexadecimal digits has, and fewer than a key: of it, six more characters make none.
fn is_behind_word(raw: &[u8], start: usize) -> bool {
    let before = raw
        .get(start.saturating_sub(KEY_CHARS)..start)
        .unwrap_or_default();
    let Some((b'-', word)) = before.split_last() else {
        return false;
    };
    let letters = word
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphabetic());
    let letters = letters.count();
    let left = word.len().checked_sub(letters.saturating_add(1));
    let is_all = left.and_then(|at| word.get(at)).is_some_and(|byte| {
        matches!(
            byte,
            b' ' | b'"' | b';' | b',' | b'\n' | b'(' | b'[' | b'>' | b'=' | b'|'
        )
    });
    letters > 2 && is_all && !matches!(word.last(), Some(b'x' | b'X'))
}

/// Where a date like 2025-11-24 ends, behind which no number goes on.
fn date(raw: &[u8], start: usize) -> Option<usize> {
    let end = start.saturating_add(10);
    let [a, b, c, d, b'-', e, f, b'-', g, h] = raw.get(start..end)? else {
        return None;
    };
    let (next, _) = raw.get(end).zip(raw.get(end.saturating_add(1)))?;
    let digits = [a, b, c, d, e, f, g, h]
        .iter()
        .all(|byte| byte.is_ascii_digit());
    (digits && (ends_number(*next) || *next == b',')).then_some(end)
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
fn is_in_a_table(key: &mut context::Key<'_>, raw: &[u8], start: usize, size: usize) -> bool {
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
        // Cards and the like, but not in the middle of a row of such groups; telephone numbers there.
        4 => next_size != 4 || zero || !is_in_a_row(left) || key.speaks_for(Entity::PhoneNumber),
        _ => true,
    };
    let word = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'*' | 0x80..);
    !written && !left.iter().fold(false, |any, byte| any | word(byte))
}

/// Whether four digits stand before the space at the end of `left`, and no more.
fn is_in_a_row(left: &[u8]) -> bool {
    match left {
        [.., before, a, b, c, d, b' '] => {
            !before.is_ascii_hexdigit() && [a, b, c, d].into_iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Letters and digits in a row that are too few for any match without a separator.
const SHORT: usize = 7;
/// Characters of a word that may be before a dash and six characters, and be no key.
const KEY_CHARS: usize = 13;
/// Bytes of the longest escape, and a separator.
const ESCAPE_BYTES: usize = 12;
