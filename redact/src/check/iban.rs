//! Bank accounts.

use super::sum::mod97_over;
use super::text::{number, takes};

/// How long an IBAN of this country is, if the country has them.
pub(crate) fn iban_length(country: [u8; 2]) -> Option<usize> {
    let bban: usize = Runs(structure(country)?).map(|(count, _)| count).sum();
    Some(bban.wrapping_add(HEAD))
}

/// An IBAN (ISO 13616): country, check digits, the country's own structure, mod 97.
pub(crate) fn iban(upper: &[u8]) -> bool {
    let Some((head, bban)) = upper.split_at_checked(HEAD) else {
        return false;
    };
    is_whole(upper) && iban_prefix(upper) && mod97_over(bban.iter().chain(head))
}

/// Whether an IBAN may begin so. Nothing and a whole IBAN may.
pub(crate) fn iban_prefix(upper: &[u8]) -> bool {
    let [first, rest @ ..] = upper else {
        return true;
    };
    let [second, rest @ ..] = rest else {
        return COUNTRIES.iter().any(|(country, _)| country[0] == *first);
    };
    let Some(structure) = structure([*first, *second]) else {
        return false;
    };
    let (check, bban) = rest.split_at_checked(2).unwrap_or((rest, &[]));
    may_check(check) && may_follow(structure, bban)
}

/// The country code and the check digits.
const HEAD: usize = 4;

fn is_whole(upper: &[u8]) -> bool {
    let country = upper.first_chunk().copied();
    country.and_then(iban_length) == Some(upper.len())
}

/// Mod 97 gives 02 to 98.
fn may_check(check: &[u8]) -> bool {
    check.iter().all(u8::is_ascii_digit)
        && (check.len() < 2 || number(check).is_some_and(|check| (2..=98).contains(&check)))
}

/// Whether `bban` is as the structure has it, as far as it goes.
fn may_follow(structure: &'static [u8], bban: &[u8]) -> bool {
    let mut left = bban;
    for (count, class) in Runs(structure) {
        let (run, rest) = left.split_at_checked(count).unwrap_or((left, &[]));
        if !run.iter().all(|&byte| takes(class, byte)) {
            return false;
        }
        left = rest;
    }
    left.is_empty()
}

fn structure(country: [u8; 2]) -> Option<&'static [u8]> {
    let at = COUNTRIES
        .binary_search_by_key(&country, |(country, _)| *country)
        .ok()?;
    COUNTRIES.get(at).map(|(_, structure)| *structure)
}

/// The runs of a structure: `4a6n` is four letters, six digits.
struct Runs(&'static [u8]);

impl Iterator for Runs {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let class = self.0.iter().position(u8::is_ascii_lowercase)?;
        let (run, rest) = self.0.split_at_checked(class.wrapping_add(1))?;
        self.0 = rest;
        let (&class, count) = run.split_last()?;
        Some((usize::try_from(number(count)?).ok()?, class))
    }
}

/// What follows the check digits, by country, in order: the ISO 13616 registry, its French and
/// Finnish and Crown dependencies' codes, and the countries outside it whose banks use IBANs all
/// the same (Algeria, Angola, Cape Verde, Iran, Madagascar, Morocco, Mozambique, and the central
/// and west African unions). Neighbouring fields of one class are one run.
#[rustfmt::skip]
pub(super) const COUNTRIES: &[([u8; 2], &[u8])] = &[
    (*b"AD", b"8n12c"), (*b"AE", b"19n"), (*b"AL", b"8n16c"), (*b"AO", b"21n"), (*b"AT", b"16n"),
    (*b"AX", b"14n"), (*b"AZ", b"4a20c"), (*b"BA", b"16n"), (*b"BE", b"12n"), (*b"BF", b"2c22n"),
    (*b"BG", b"4a6n8c"), (*b"BH", b"4a14c"), (*b"BI", b"23n"), (*b"BJ", b"2c22n"),
    (*b"BL", b"10n11c2n"), (*b"BR", b"23n1a1c"), (*b"BY", b"4c4n16c"), (*b"CF", b"23n"),
    (*b"CG", b"23n"), (*b"CH", b"5n12c"), (*b"CI", b"2c22n"), (*b"CM", b"23n"), (*b"CR", b"18n"),
    (*b"CV", b"21n"), (*b"CY", b"8n16c"), (*b"CZ", b"20n"), (*b"DE", b"18n"), (*b"DJ", b"23n"),
    (*b"DK", b"14n"), (*b"DO", b"4c20n"), (*b"DZ", b"22n"), (*b"EE", b"16n"), (*b"EG", b"25n"),
    (*b"ES", b"20n"), (*b"FI", b"14n"), (*b"FK", b"2a12n"), (*b"FO", b"14n"),
    (*b"FR", b"10n11c2n"), (*b"GA", b"23n"), (*b"GB", b"4a14n"), (*b"GE", b"2a16n"),
    (*b"GF", b"10n11c2n"), (*b"GG", b"4a14n"), (*b"GI", b"4a15c"), (*b"GL", b"14n"),
    (*b"GP", b"10n11c2n"), (*b"GQ", b"23n"), (*b"GR", b"7n16c"), (*b"GT", b"24c"),
    (*b"GW", b"2c19n"), (*b"HN", b"4a20n"), (*b"HR", b"17n"), (*b"HU", b"24n"), (*b"IE", b"4a14n"),
    (*b"IL", b"19n"), (*b"IM", b"4a14n"), (*b"IQ", b"4a15n"), (*b"IR", b"22n"), (*b"IS", b"22n"),
    (*b"IT", b"1a10n12c"), (*b"JE", b"4a14n"), (*b"JO", b"4a4n18c"), (*b"KM", b"23n"),
    (*b"KW", b"4a22c"), (*b"KZ", b"3n13c"), (*b"LB", b"4n20c"), (*b"LC", b"4a24c"),
    (*b"LI", b"5n12c"), (*b"LT", b"16n"), (*b"LU", b"3n13c"), (*b"LV", b"4a13c"), (*b"LY", b"21n"),
    (*b"MA", b"24n"), (*b"MC", b"10n11c2n"), (*b"MD", b"20c"), (*b"ME", b"18n"),
    (*b"MF", b"10n11c2n"), (*b"MG", b"23n"), (*b"MK", b"3n10c2n"), (*b"ML", b"2c22n"),
    (*b"MN", b"16n"), (*b"MQ", b"10n11c2n"), (*b"MR", b"23n"), (*b"MT", b"4a5n18c"),
    (*b"MU", b"4a19n3a"), (*b"MZ", b"21n"), (*b"NC", b"10n11c2n"), (*b"NE", b"2c22n"),
    (*b"NI", b"4a20n"), (*b"NL", b"4a10n"), (*b"NO", b"11n"), (*b"OM", b"3n16c"),
    (*b"PF", b"10n11c2n"), (*b"PK", b"4a16c"), (*b"PL", b"24n"), (*b"PM", b"10n11c2n"),
    (*b"PS", b"4a21c"), (*b"PT", b"21n"), (*b"QA", b"4a21c"), (*b"RE", b"10n11c2n"),
    (*b"RO", b"4a16c"), (*b"RS", b"18n"), (*b"RU", b"14n15c"), (*b"SA", b"2n18c"),
    (*b"SC", b"4a20n3a"), (*b"SD", b"14n"), (*b"SE", b"20n"), (*b"SI", b"15n"), (*b"SK", b"20n"),
    (*b"SM", b"1a10n12c"), (*b"SN", b"2c22n"), (*b"SO", b"19n"), (*b"ST", b"21n"),
    (*b"SV", b"4a20n"), (*b"TD", b"23n"), (*b"TF", b"10n11c2n"), (*b"TG", b"2c22n"),
    (*b"TL", b"19n"), (*b"TN", b"20n"), (*b"TR", b"6n16c"), (*b"UA", b"6n19c"), (*b"VA", b"18n"),
    (*b"VG", b"4a16n"), (*b"WF", b"10n11c2n"), (*b"XK", b"16n"), (*b"YE", b"4a4n18c"),
    (*b"YT", b"10n11c2n"),
];
