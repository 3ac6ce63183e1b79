//! Checksums that more than one number uses.

use super::text::{base36, digit};

/// Luhn's sum over digits of which the last one is the check digit (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn(digits: &[u8]) -> bool {
    luhn_over(digits.iter())
}

/// [`luhn`] over digits that do not stand together.
pub(super) fn luhn_over<'a>(digits: impl DoubleEndedIterator<Item = &'a u8>) -> bool {
    let mut sum: u32 = 0;
    let mut double = false;
    let mut some = false;
    for &byte in digits.rev() {
        let Some(value) = digit(byte) else {
            return false;
        };
        let value = if double { value.wrapping_mul(2) } else { value };
        sum = sum.wrapping_add(value / 10).wrapping_add(value % 10);
        double = !double;
        some = true;
    }
    some && sum.is_multiple_of(10)
}

/// Verhoeff's sum over digits of which the last one is the check digit (J. Verhoeff, Error
/// Detecting Decimal Codes, 1969; UIDAI uses it for Aadhaar). It catches every single wrong digit
/// and every swap of neighbours.
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    let mut state = 0;
    for (place, &byte) in digits.iter().rev().enumerate() {
        let Some(mut value) = digit(byte) else {
            return false;
        };
        for _ in 0..place % 8 {
            value = permuted(value);
        }
        state = dihedral(state, value);
    }
    state == 0 && !digits.is_empty()
}

/// ISO 7064 MOD 11,10 over digits of which the last one is the check digit.
pub(crate) fn iso7064_mod11_10(digits: &[u8]) -> bool {
    let Some((&check, rest)) = digits.split_last() else {
        return false;
    };
    let mut product: u32 = 10;
    for &byte in rest {
        let Some(value) = digit(byte) else {
            return false;
        };
        let sum = product.wrapping_add(value) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        product = sum.wrapping_mul(2) % 11;
    }
    digit(check).is_some_and(|check| product.wrapping_add(check) % 10 == 1)
}

/// ISO 7064 MOD 97-10 over text of which the last two characters are the check digits. An IBAN has
/// its check digits in front: [`super::iban`] turns it round first.
pub(super) fn mod97_over<'a>(upper: impl Iterator<Item = &'a u8>) -> bool {
    let mut rest: u32 = 0;
    for &byte in upper {
        let Some(value) = base36(byte) else {
            return false;
        };
        let base: u32 = if value > 9 { 100 } else { 10 };
        rest = rest.wrapping_mul(base).wrapping_add(value) % 97;
    }
    rest == 1
}

/// The permutation that Verhoeff applies once more with each place to the left.
fn permuted(value: u32) -> u32 {
    match value {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    }
}

/// The product in the dihedral group of the pentagon: 0 to 4 turn it, 5 to 9 turn and flip it.
fn dihedral(left: u32, right: u32) -> u32 {
    let turn = if left < 5 {
        left.wrapping_add(right)
    } else {
        left.wrapping_add(5).wrapping_sub(right % 5)
    };
    if (left < 5) == (right < 5) {
        turn % 5
    } else {
        (turn % 5).wrapping_add(5)
    }
}
