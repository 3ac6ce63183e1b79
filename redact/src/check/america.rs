//! The United States and Canada.

use super::sum::{luhn, luhn_over};
use super::text::{decimal, digits, uniform, weighted};

/// A US social security number: no area 000, 666 or 900 and up, no group 00, no serial 0000 (SSA,
/// randomization of 2011).
pub(crate) fn us_ssn(digits9: &[u8]) -> bool {
    let Some(d) = digits::<9>(digits9) else {
        return false;
    };
    !matches!(decimal(&d[..3]), 0 | 666 | 900..) && decimal(&d[3..5]) != 0 && decimal(&d[5..]) != 0
}

/// A US individual taxpayer number: 9xx, and a group that the IRS issues.
pub(crate) fn us_itin(digits9: &[u8]) -> bool {
    let Some(d) = digits::<9>(digits9) else {
        return false;
    };
    d[0] == 9 && matches!(decimal(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// A US provider number: Luhn over the issuer 80840 and the ten digits, of which the first is 1 or
/// 2 (45 CFR 162.406).
pub(crate) fn us_npi(digits10: &[u8]) -> bool {
    digits10.len() == 10
        && matches!(digits10, [b'1' | b'2', ..])
        && luhn_over(b"80840".iter().chain(digits10))
}

/// A US Medicare beneficiary: digits and letters in the order that CMS fixed, without S, L, O, I, B
/// and Z, the first one no 0.
pub(crate) fn us_mbi(upper11: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    let fits = |class: u8, byte: u8| match class {
        b'n' => byte.is_ascii_digit(),
        b'a' => letter(byte),
        _ => byte.is_ascii_digit() || letter(byte),
    };
    upper11.len() == MBI.len()
        && !upper11.starts_with(b"0")
        && upper11
            .iter()
            .zip(MBI)
            .all(|(&byte, &class)| fits(class, byte))
}

/// A US bank routing number: a leading pair that the Federal Reserve or the ABA gives out, weights
/// 3, 7, 1 mod 10.
pub(crate) fn aba_routing(digits9: &[u8]) -> bool {
    let Some(d) = digits::<9>(digits9) else {
        return false;
    };
    matches!(decimal(&d[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
        && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
        && !uniform(digits9)
}

/// A Canadian social insurance number: Luhn; 0 and 8 begin none (ESDC).
pub(crate) fn ca_sin(digits9: &[u8]) -> bool {
    digits9.len() == 9 && !matches!(digits9, [b'0' | b'8', ..]) && luhn(digits9)
}

const MBI: &[u8; 11] = b"nacnacnaann";
