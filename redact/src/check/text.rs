//! What the checks share: digits as values, shapes, weighted sums.

/// The values of exactly `N` digits.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    let text: &[u8; N] = text.try_into().ok()?;
    text.iter()
        .all(u8::is_ascii_digit)
        .then(|| text.map(|byte| u32::from(byte & 0x0f)))
}

/// The value of one digit.
pub(super) fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then_some(u32::from(byte & 0x0f))
}

/// The value of a digit, or of a capital letter counted on from 10 (ISO 7064, ICAO 9303, GSTN).
pub(super) fn base36(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'Z' => Some(u32::from(byte.wrapping_sub(b'A')).wrapping_add(10)),
        _ => None,
    }
}

/// Digit values read as one decimal number. Nine of them fit.
pub(super) fn decimal(values: &[u32]) -> u32 {
    values.iter().fold(0, |number, &value| {
        number.wrapping_mul(10).wrapping_add(value)
    })
}

/// Digits read as one decimal number, if that is all there is and nine places hold it.
pub(super) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0u32, |number, &byte| {
        Some(number.wrapping_mul(10).wrapping_add(digit(byte)?))
    })
}

/// The sum of the values, each times its weight.
pub(super) fn weighted(values: &[u32], weights: &[u8]) -> u32 {
    values
        .iter()
        .zip(weights)
        .fold(0, |sum: u32, (&value, &weight)| {
            sum.wrapping_add(value.wrapping_mul(u32::from(weight)))
        })
}

/// Whether `text` has this shape, which is as long as it: `n` stands for a digit, `a` for a capital
/// letter, `c` for either (as in ISO 13616), anything else for itself.
pub(super) fn fits(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text
            .iter()
            .zip(shape)
            .all(|(&byte, &class)| takes(class, byte))
}

/// Whether a character of this class may be `byte`; see [`fits`].
pub(super) fn takes(class: u8, byte: u8) -> bool {
    match class {
        b'n' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_uppercase(),
        b'c' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
        literal => byte == literal,
    }
}

/// Whether every character is the same one.
pub(super) fn uniform(text: &[u8]) -> bool {
    match text.split_first() {
        Some((first, rest)) => rest.iter().all(|byte| byte == first),
        None => true,
    }
}
