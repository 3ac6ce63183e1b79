//! Asia, Africa, Oceania.

use super::date::{real, real_in_century};
use super::sum::luhn;
use super::text::{decimal, digits, uniform, weighted};

/// An Australian tax file number: weighted mod 11, of nine digits or of the older eight (ATO).
pub(crate) fn au_tfn(digits8_or_9: &[u8]) -> bool {
    let sum = if let Some(d) = digits::<9>(digits8_or_9) {
        weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10])
    } else if let Some(d) = digits::<8>(digits8_or_9) {
        weighted(&d, &[10, 7, 8, 4, 6, 3, 5, 1])
    } else {
        return false;
    };
    sum.is_multiple_of(11) && !uniform(digits8_or_9)
}

/// An Australian business number: mod 89 after 1 is taken from the first digit (ABR), which has the
/// weight 10.
pub(crate) fn au_abn(digits11: &[u8]) -> bool {
    let Some(d) = digits::<11>(digits11) else {
        return false;
    };
    d[0] != 0 && weighted(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 == 10
}

/// An Australian Medicare card: eight digits that begin with 2 to 6, a check digit, the issue and,
/// of eleven, the person's place on the card (Services Australia).
pub(crate) fn au_medicare(digits10_or_11: &[u8]) -> bool {
    let (card, person) = digits10_or_11
        .split_at_checked(10)
        .unwrap_or((digits10_or_11, &[]));
    let Some(d) = digits::<10>(card) else {
        return false;
    };
    matches!(person, [] | [b'1'..=b'9'])
        && (2..=6).contains(&d[0])
        && d[9] != 0
        && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == d[8]
}

/// A Singapore identity number: S and T for citizens, F, G and M for foreigners, seven digits, a
/// check letter of the series (ICA).
pub(crate) fn sg_nric(upper9: &[u8]) -> bool {
    let [series, number @ .., letter] = upper9 else {
        return false;
    };
    let Some(d) = digits::<7>(number) else {
        return false;
    };
    let (offset, letters): (u32, &[u8; 11]) = match series {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let sum = weighted(&d, &[2, 7, 6, 5, 4, 3, 2]).wrapping_add(offset);
    letters.get((sum % 11) as usize) == Some(letter)
}

/// A Korean resident number: date of birth, then 1 to 8 for the sex, the century and whether a
/// foreigner, then six digits. Since October 2020 these six are random, so that the check digit
/// decides nothing; see [`kr_rrn_checked`].
pub(crate) fn kr_rrn(digits13: &[u8]) -> bool {
    let Some(d) = digits::<13>(digits13) else {
        return false;
    };
    let century: u32 = match d[6] {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        _ => return false,
    };
    real(
        century.wrapping_add(decimal(&d[..2])),
        decimal(&d[2..4]),
        decimal(&d[4..6]),
    )
}

/// A [`kr_rrn`] with the check digit that numbers had before October 2020. A foreigner's had 2
/// more.
pub(crate) fn kr_rrn_checked(digits13: &[u8]) -> bool {
    let Some(d) = digits::<13>(digits13) else {
        return false;
    };
    let check = eleven(weighted(&d, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]));
    let check = if d[6] > 4 {
        check.wrapping_add(2) % 10
    } else {
        check
    };
    kr_rrn(digits13) && check == d[12]
}

/// A South African identity number: date of birth, four digits, citizenship 0 to 2, a digit that
/// once told the race and is 8 or 9 now (any counts), Luhn.
pub(crate) fn za_id(digits13: &[u8]) -> bool {
    let Some(d) = digits::<13>(digits13) else {
        return false;
    };
    d[10] <= 2
        && real_in_century(decimal(&d[..2]), decimal(&d[2..4]), decimal(&d[4..6]))
        && luhn(digits13)
}

/// A Thai identity number: the class of person 1 to 8, a province (ISO 3166-2:TH), mod 11 over all.
pub(crate) fn th_tnin(digits13: &[u8]) -> bool {
    let Some(d) = digits::<13>(digits13) else {
        return false;
    };
    let province = decimal(&d[1..3]);
    (1..=8).contains(&d[0])
        && matches!(province, 10..=27 | 30..=58 | 60..=67 | 70..=77 | 80..=86 | 90..=96)
        && eleven(weighted(&d, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == d[12]
        && !uniform(digits13)
}

/// The check digit that makes a sum mod 11 whole, its tens dropped.
fn eleven(sum: u32) -> u32 {
    11u32.wrapping_sub(sum % 11) % 10
}
