//! All the ways in which a character can be written, and what it is to the detector.

use super::{LETTER, OTHER, WIDE};

/// One character, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Char {
    /// This character, written in so many bytes.
    Is(u8, usize),
    /// Nothing to see, written in so many bytes.
    Nothing(usize),
    /// What is there is the beginning of something.
    Begun,
}

/// Whether a byte may be the first of something that stands for another character.
pub(super) fn is_special(byte: u8) -> bool {
    (byte == b'\\') | (byte == b'%') | (byte == b'&') | (byte >= 0x80)
}

/// Whether the first byte stands for itself all the same.
pub(super) fn is_alone(text: &[u8]) -> bool {
    match text {
        [b'%', high, low, ..] => !(high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
        [b'&', next, ..] => !matches!(next, b'#' | b'c' | b'n'),
        _ => false,
    }
}

/// The character at `at`; nothing of no size where the text ends.
#[inline]
pub(super) fn decode(raw: &[u8], at: usize, ends: bool) -> Char {
    match raw.get(at) {
        None if ends => Char::Nothing(0),
        None => Char::Begun,
        Some(b'\\' | b'%' | b'&') => decode_written(raw.get(at..).unwrap_or_default(), ends),
        Some(byte) if byte.is_ascii() => Char::Is(*byte, 1),
        Some(_) => decode_utf8(raw.get(at..).unwrap_or_default(), ends),
    }
}

/// A character that is written as several of ASCII.
fn decode_written(text: &[u8], ends: bool) -> Char {
    let decoded = match text {
        [b'\\', ..] => decode_escape(text),
        [b'%', ..] => decode_percent(text),
        _ => decode_reference(text),
    };
    match (decoded, text.first()) {
        (Char::Begun, Some(first)) if ends => Char::Is(*first, 1),
        (char, _) => char,
    }
}

/// In how many bytes the character is written that begins this text with `%` or `&`; in one if
/// nothing is encoded there.
pub(in crate::detect) fn written_size(text: &[u8]) -> usize {
    match decode_written(text, true) {
        Char::Is(_, size) | Char::Nothing(size) => size,
        Char::Begun => 1,
    }
}

/// A JSON escape. Text inside JSON inside JSON has each backslash doubled, so any number of them
/// may come before what they escape.
fn decode_escape(text: &[u8]) -> Char {
    let slashes = text
        .iter()
        .take(BACKSLASHES)
        .take_while(|byte| **byte == b'\\')
        .count();
    let rest = text.get(slashes..).unwrap_or_default();
    let size = slashes.saturating_add(1);
    match rest {
        [] => Char::Begun,
        [b'n' | b'r', ..] => Char::Is(b'\n', size),
        [b't' | b'b' | b'f', ..] => Char::Is(b' ', size),
        [byte @ (b'"' | b'/' | b'\''), ..] => Char::Is(*byte, size),
        [b'u', digits @ ..] => {
            let Some((digits, after)) = digits.split_at_checked(4) else {
                let plain = digits.iter().all(u8::is_ascii_hexdigit);
                return if plain {
                    Char::Begun
                } else {
                    Char::Is(b'\\', 1)
                };
            };
            let Some(code) = hex(digits) else {
                return Char::Is(b'\\', 1);
            };
            let size = size.saturating_add(4);
            match code {
                // The other half of the pair follows, escaped as deep; alone it is nothing known.
                0xD800..=0xDBFF => match second_half(after, slashes) {
                    None => Char::Begun,
                    Some(true) => Char::Is(OTHER, size.saturating_add(slashes).saturating_add(5)),
                    Some(false) => Char::Is(OTHER, size),
                },
                code => char::from_u32(code).map_or(Char::Is(OTHER, size), |char| fold(char, size)),
            }
        }
        _ => Char::Is(b'\\', 1),
    }
}

/// Whether the second half of a surrogate pair follows, behind so many backslashes; `None` while it
/// may still come.
fn second_half(after: &[u8], slashes: usize) -> Option<bool> {
    for at in 0..slashes.saturating_add(5) {
        let byte = after.get(at)?;
        let fits = match at.checked_sub(slashes) {
            None => *byte == b'\\',
            Some(0) => *byte == b'u',
            Some(1) => matches!(byte, b'd' | b'D'),
            Some(2) => matches!(byte, b'c'..=b'f' | b'C'..=b'F'),
            Some(_) => byte.is_ascii_hexdigit(),
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

/// `%40`, where it stands for a printable character of ASCII.
fn decode_percent(text: &[u8]) -> Char {
    match text {
        [_, high, low, ..] => match hex(&[*high, *low]).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) if byte.is_ascii_graphic() || byte == b' ' => Char::Is(byte, 3),
            _ => Char::Is(b'%', 1),
        },
        [_] => Char::Begun,
        [_, high] if high.is_ascii_hexdigit() => Char::Begun,
        _ => Char::Is(b'%', 1),
    }
}

/// `&#64;`, `&#x40;` or `&commat;`.
fn decode_reference(text: &[u8]) -> Char {
    let text = text
        .get(..REFERENCE_BYTES.min(text.len()))
        .unwrap_or_default();
    let named = |name: &[u8], byte: u8| -> Option<Char> {
        if text.starts_with(name) {
            return Some(Char::Is(byte, name.len()));
        }
        name.starts_with(text).then_some(Char::Begun)
    };
    if let Some(char) = named(b"&commat;", b'@').or_else(|| named(b"&nbsp;", b' ')) {
        return char;
    }
    let Some(number) = text.strip_prefix(b"&#") else {
        return Char::Is(b'&', 1);
    };
    let (number, base) = match number {
        [b'x' | b'X', digits @ ..] => (digits, 16),
        digits => (digits, 10),
    };
    let digits = number
        .iter()
        .take_while(|byte| char::from(**byte).is_digit(base))
        .count();
    match number.get(digits) {
        Some(b';') if digits > 0 => {
            let number = number.get(..digits).unwrap_or_default();
            let code = std::str::from_utf8(number)
                .ok()
                .and_then(|text| u32::from_str_radix(text, base).ok());
            let size = text
                .len()
                .min(digits.saturating_add(if base == 16 { 4 } else { 3 }));
            match code.and_then(char::from_u32) {
                Some(char) => fold(char, size),
                None => Char::Is(OTHER, size),
            }
        }
        None if text.len() < REFERENCE_BYTES => Char::Begun,
        _ => Char::Is(b'&', 1),
    }
}

/// The code of up to four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(code.wrapping_shl(4) | digit)
    })
}

fn decode_utf8(text: &[u8], ends: bool) -> Char {
    let size: usize = match text.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => return Char::Is(OTHER, 1),
    };
    let whole = text.get(..size.min(text.len())).unwrap_or_default();
    match std::str::from_utf8(whole) {
        Ok(text) => text
            .chars()
            .next()
            .map_or(Char::Is(OTHER, 1), |char| fold(char, size)),
        // A character that the end of the text cuts off, and nothing worse.
        Err(error) if error.error_len().is_none() && !ends => Char::Begun,
        Err(_) => Char::Is(OTHER, 1),
    }
}

/// What a character is to the detector.
fn fold(char: char, size: usize) -> Char {
    let code = u32::from(char);
    let digit = |zero: u32| {
        u8::try_from(code.wrapping_sub(zero))
            .unwrap_or(0)
            .wrapping_add(b'0')
    };
    let folded = match code {
        0x09 | 0x0B | 0x0C | 0x08 => b' ',
        0x0A | 0x0D => b'\n',
        0x00..=0x7F => u8::try_from(code).unwrap_or(OTHER),
        0xAD | 0x200B..=0x200F | 0x2060..=0x2064 | 0xFEFF | 0x180E => return Char::Nothing(size),
        0xA0 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => b' ',
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 | 0xFF0D => b'-',
        0x0966..=0x096F => digit(0x0966),
        0xFF10..=0xFF19 => digit(0xFF10),
        0xFF20 => b'@',
        0xFF0E => b'.',
        0xFF0B => b'+',
        0xAA | 0xB5 | 0xBA => LETTER,
        0x80..=0xBF | 0xD7 | 0xF7 => OTHER,
        0x00C0..=0x07FF => LETTER,
        0x2016..=0x2BFF | 0x3001..=0x3004 | 0x3008..=0x3030 | 0xFE00..=0xFFFF => OTHER,
        0x0800..=0xFFFF => WIDE,
        _ => OTHER,
    };
    Char::Is(folded, size)
}

/// Backslashes before one character: seven are JSON inside JSON inside JSON.
pub(in crate::detect) const BACKSLASHES: usize = 8;
/// The longest numeric reference that stands for a character, `&#x10FFFF;`.
pub(in crate::detect) const REFERENCE_BYTES: usize = 10;
