//! Europe, with the United Kingdom and Turkey.

use super::date::{real, real_in_century};
use super::sum::{iso7064_mod11_10, luhn};
use super::text::{base36, decimal, digits, fits, number, uniform, weighted};

/// A UK national insurance number: two letters, six digits, A to D, and no prefix that HMRC does
/// not issue (NIM39110).
pub(crate) fn uk_nino(upper9: &[u8]) -> bool {
    let [first, second, .., suffix] = upper9 else {
        return false;
    };
    fits(upper9, b"aannnnnna")
        && !b"DFIQUV".contains(first)
        && !b"DFIQUVO".contains(second)
        && !matches!(
            [*first, *second],
            [b'B', b'G']
                | [b'G', b'B']
                | [b'K', b'N']
                | [b'N', b'K' | b'T']
                | [b'T', b'N']
                | [b'Z', b'Z']
        )
        && (b'A'..=b'D').contains(suffix)
}

/// A UK NHS number: mod 11 over ten digits (NHS Data Dictionary). A check of 10 cannot be written,
/// so no such number exists.
pub(crate) fn uk_nhs(digits10: &[u8]) -> bool {
    let Some(d) = digits::<10>(digits10) else {
        return false;
    };
    weighted(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !uniform(digits10)
}

/// A Spanish tax number of a citizen: one to eight digits, the letter of their rest mod 23 (Real
/// Decreto 1553/2005).
pub(crate) fn es_nif(upper: &[u8]) -> bool {
    let Some((letter, digits)) = upper.split_last() else {
        return false;
    };
    digits.len() <= 8 && number(digits).is_some_and(|number| spanish_letter(number) == Some(letter))
}

/// A Spanish foreigner's number: X, Y or Z, which stand for 0, 1 and 2, seven digits, the letter of
/// their rest mod 23.
pub(crate) fn es_nie(upper9: &[u8]) -> bool {
    let [series @ b'X'..=b'Z', digits @ .., letter] = upper9 else {
        return false;
    };
    let series = u32::from(series.wrapping_sub(b'X')).wrapping_mul(10_000_000);
    digits.len() == 7
        && number(digits)
            .is_some_and(|number| spanish_letter(number.wrapping_add(series)) == Some(letter))
}

/// An Italian fiscal code: six letters of the name, year, month letter, day (a woman's has 40
/// more), place, check letter. Any of the seven digits may be a letter instead, where two people
/// would share a code (DM 23 December 1976).
pub(crate) fn it_fiscal_code(upper16: &[u8]) -> bool {
    let Ok(code) = <&[u8; 16]>::try_from(upper16) else {
        return false;
    };
    let place = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte & 0x0f)),
        _ => OMOCODIA
            .iter()
            .position(|&letter| letter == byte)
            .map(|digit| digit as u32),
    };
    let all_places = [code[6], code[7], code[12], code[13], code[14]];
    let (Some(tens), Some(units)) = (place(code[9]), place(code[10])) else {
        return false;
    };
    let day = decimal(&[tens, units]);
    code[..6].iter().all(u8::is_ascii_uppercase)
        && all_places.iter().all(|&byte| place(byte).is_some())
        && b"ABCDEHLMPRST".contains(&code[8])
        && (matches!(day, 1..=31 | 41..=71))
        && code[11].is_ascii_uppercase()
        && italian_letter(&code[..15]) == Some(code[15])
}

/// A Polish PESEL: date of birth with the century in the month, weighted mod 10 (Ministerstwo
/// Cyfryzacji).
pub(crate) fn pl_pesel(digits11: &[u8]) -> bool {
    let Some(d) = digits::<11>(digits11) else {
        return false;
    };
    let month = decimal(&d[2..4]);
    let century: u32 = match month / 20 {
        0 => 1900,
        1 => 2000,
        2 => 2100,
        3 => 2200,
        _ => 1800,
    };
    real(
        century.wrapping_add(decimal(&d[..2])),
        month % 20,
        decimal(&d[4..6]),
    ) && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// A German tax id: no leading 0; among the first ten digits one comes twice or three times, though
/// not three times in a row, and no other more than once; ISO 7064 MOD 11,10 (BZSt).
pub(crate) fn de_tax_id(digits11: &[u8]) -> bool {
    let Some((body, _)) = digits11.split_at_checked(10) else {
        return false;
    };
    let count = |digit: u8| body.iter().filter(|&&byte| byte == digit).count();
    let mut repeated = (b'0'..=b'9').map(count).filter(|&count| count > 1);
    matches!((repeated.next(), repeated.next()), (Some(2 | 3), None))
        && !body.windows(3).any(uniform)
        && de_tax_id_check_only(digits11)
}

/// Eleven digits that pass a German tax id's check digit and have no leading 0, whatever digits
/// they are.
pub(crate) fn de_tax_id_check_only(digits11: &[u8]) -> bool {
    digits11.len() == 11 && !digits11.starts_with(b"0") && iso7064_mod11_10(digits11)
}

/// A German identity card, of the characters that its numbers use. Ten characters are the number
/// and its check digit, which is checked: weights 7, 3, 1 mod 10 (ICAO 9303-3). Nine are the number
/// alone, which has no check digit in it: then only its shape counts, a letter first and a digit
/// somewhere, as in the older T and eight digits.
pub(crate) fn de_id_card(upper: &[u8]) -> bool {
    let (number, check) = upper.split_at_checked(9).unwrap_or((upper, &[]));
    let shape = number.len() == 9
        && number.first().is_some_and(u8::is_ascii_uppercase)
        && number.iter().any(u8::is_ascii_digit)
        && number
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte));
    let mut sum: u32 = 0;
    for (&byte, weight) in number.iter().zip([7u32, 3, 1].iter().cycle()) {
        sum = sum.wrapping_add(base36(byte).unwrap_or(0).wrapping_mul(*weight));
    }
    shape
        && match check {
            [] => true,
            [check @ b'0'..=b'9'] => sum % 10 == u32::from(check & 0x0f),
            _ => false,
        }
}

/// A Turkish identity number: no leading 0, two check digits (NVI).
pub(crate) fn tr_national_id(digits11: &[u8]) -> bool {
    let Some(d) = digits::<11>(digits11) else {
        return false;
    };
    // The even places are taken off, mod 10: nine times them is added.
    d[0] != 0
        && weighted(&d, &[7, 9, 7, 9, 7, 9, 7, 9, 7]) % 10 == d[9]
        && weighted(&d, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) % 10 == d[10]
}

/// A Swedish personal number, or coordination number, of which the day has 60 more: date of birth,
/// with its century or without, three digits, Luhn over the last ten digits (Skatteverket).
pub(crate) fn se_personnummer(digits10_or_12: &[u8]) -> bool {
    let (century, last) = match digits10_or_12.len() {
        10 => (&[][..], digits10_or_12),
        12 => digits10_or_12.split_at_checked(2).unwrap_or_default(),
        _ => return false,
    };
    let Some(d) = digits::<10>(last) else {
        return false;
    };
    let (year, month, day) = (decimal(&d[..2]), decimal(&d[2..4]), decimal(&d[4..6]));
    let day = day.checked_sub(60).unwrap_or(day);
    let born = match number(century) {
        None => century.is_empty() && real_in_century(year, month, day),
        Some(century @ 18..=20) => real(century.wrapping_mul(100).wrapping_add(year), month, day),
        Some(_) => false,
    };
    born && luhn(last)
}

/// A Finnish personal identity code: date of birth, a sign for the century (since 2023 one of
/// several), 002 to 999, a check character mod 31 (Digi- ja väestötietovirasto).
pub(crate) fn fi_identity(upper11: &[u8]) -> bool {
    let Ok(code) = <&[u8; 11]>::try_from(upper11) else {
        return false;
    };
    let century: u32 = match code[6] {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let (Some(d), Some(n)) = (digits::<6>(&code[..6]), digits::<3>(&code[7..10])) else {
        return false;
    };
    let (born, serial) = (decimal(&d), decimal(&n));
    let rest = born.wrapping_mul(1000).wrapping_add(serial) % 31;
    serial >= 2
        && real(
            century.wrapping_add(decimal(&d[4..])),
            decimal(&d[2..4]),
            decimal(&d[..2]),
        )
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(rest as usize) == Some(&code[10])
}

fn spanish_letter(number: u32) -> Option<&'static u8> {
    b"TRWAGMYFPDXBNJZSQVHLCKE".get((number % 23) as usize)
}

/// The letters that stand for the digits 0 to 9 where two codes would be the same.
const OMOCODIA: &[u8; 10] = b"LMNPQRSTUV";

/// The check letter: in the first, third and every other place a character counts as the table
/// says, in the others as its own value.
fn italian_letter(body: &[u8]) -> Option<u8> {
    let mut sum: u32 = 0;
    for (place, &byte) in body.iter().enumerate() {
        let value = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            _ => byte & 0x0f,
        };
        let value = if place % 2 == 0 {
            *ITALIAN_ODD.get(usize::from(value))?
        } else {
            value
        };
        sum = sum.wrapping_add(value.into());
    }
    Some((sum % 26) as u8).map(|rest| rest.wrapping_add(b'A'))
}

/// What 0 to 9, or A to Z, count in odd places.
const ITALIAN_ODD: &[u8; 26] = &[
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];
