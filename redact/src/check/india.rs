//! India.

use super::sum::verhoeff;
use super::text::{base36, decimal, digits, fits, number};

/// How much of an Indian tax number holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gstin {
    /// Not even the shape.
    No,
    /// The shape and the state, but not the check character or not the PAN's class of holder.
    Shape,
    /// All of it.
    Checked,
}

/// An Aadhaar number: twelve digits, the first 2 to 9, Verhoeff, not the same read backwards
/// (UIDAI).
pub(crate) fn aadhaar(digits12: &[u8]) -> bool {
    digits12.len() == 12 && issued(digits12) && !digits12.iter().eq(digits12.iter().rev())
}

/// An Aadhaar virtual id: sixteen digits, the first 2 to 9, Verhoeff (UIDAI).
pub(crate) fn vid(digits16: &[u8]) -> bool {
    digits16.len() == 16 && issued(digits16)
}

/// A goods and services tax number: state, PAN, the holder's count of numbers there, Z, check
/// character mod 36 (GSTN). States are 01 to 38 (25 and 28 are history, but still in use), 97 and
/// 99.
pub(crate) fn gstin(upper15: &[u8]) -> Gstin {
    if !fits(upper15, b"nnaaaaannnnacZc") || upper15.get(12) == Some(&b'0') {
        return Gstin::No;
    }
    let state = upper15.get(..2).and_then(number);
    if !matches!(state, Some(1..=38 | 97 | 99)) {
        return Gstin::No;
    }
    let mut sum: u32 = 0;
    for (place, &byte) in upper15.iter().enumerate() {
        let value = base36(byte).unwrap_or(0);
        let value = if place % 2 == 1 {
            value.wrapping_mul(2)
        } else {
            value
        };
        sum = sum.wrapping_add(value / 36).wrapping_add(value % 36);
    }
    if sum.is_multiple_of(36) && upper15.get(2..12).is_some_and(pan) {
        Gstin::Checked
    } else {
        Gstin::Shape
    }
}

/// An income tax account number: five letters of which the fourth is a class of holder, 0001 to
/// 9999, a letter (Income Tax Department). Its check letter is not public.
pub(crate) fn pan(upper10: &[u8]) -> bool {
    fits(upper10, b"aaaaannnna")
        && upper10
            .get(3)
            .is_some_and(|class| b"ABCFGHJLPT".contains(class))
        && upper10.get(5..9) != Some(b"0000")
}

/// A bank branch: four letters, 0, six characters (RBI).
pub(crate) fn ifsc(upper11: &[u8]) -> bool {
    fits(upper11, b"aaaa0cccccc")
}

/// A voter's card: three letters, seven digits (ECI; the cards before 2000 wrote them otherwise).
pub(crate) fn voter(upper10: &[u8]) -> bool {
    fits(upper10, b"aaannnnnnn") && !upper10.ends_with(b"0000000")
}

/// A passport: a letter, seven digits, as ICAO 9303 has it in nine places. No letter is left out:
/// the Passport Seva names none, and the series that lists found elsewhere leave out are being
/// issued.
pub(crate) fn in_passport(upper8: &[u8]) -> bool {
    fits(upper8, b"annnnnnn") && !upper8.ends_with(b"0000000")
}

/// A vehicle: state, district of one or two digits, one to three letters without I and O, a number
/// of one to four digits; or, as old plates have it, no letters, but then all of two and four
/// digits; or the BH series: year, BH, four digits, one or two letters (CMVR 1989, rules 47 and
/// 50).
pub(crate) fn in_vehicle(upper: &[u8]) -> bool {
    let [first, second, rest @ ..] = upper else {
        return false;
    };
    if first.is_ascii_digit() {
        return is_bharat(upper);
    }
    let (district, rest) = run(rest, u8::is_ascii_digit);
    if rest.is_empty() {
        return in_state([*first, *second])
            && district
                .split_at_checked(2)
                .is_some_and(|(district, plate)| {
                    plate.len() == 4 && positive(district) && positive(plate)
                });
    }
    let (series, plate) = run(rest, is_series);
    in_state([*first, *second])
        && district.len() <= 2
        && positive(district)
        && (1..=3).contains(&series.len())
        && plate.len() <= 4
        && positive(plate)
}

/// A driving licence in the form that all states share: state, office, year 1950 to 2049, seven
/// digits (Sarathi).
pub(crate) fn in_driving_licence(upper: &[u8]) -> bool {
    let [first, second, rest @ ..] = upper else {
        return false;
    };
    let Some(d) = digits::<13>(rest) else {
        return false;
    };
    let year = decimal(&d[2..6]);
    in_state([*first, *second])
        && d[..2] != [0, 0]
        && (1950..=2049).contains(&year)
        && d[6..] != [0; 7]
}

/// Whether plates and licences of a state or union territory begin with these capital letters.
pub(crate) fn in_state(code: [u8; 2]) -> bool {
    let [first, second] = code.map(|letter| letter.wrapping_sub(b'A'));
    let seconds = SECONDS.get(usize::from(first)).copied().unwrap_or(0);
    second < 26 && seconds.wrapping_shr(u32::from(second)) & 1 == 1
}

/// Whether NPCI lists this UPI handle, the part after the `@`, for a bank or an app.
pub(crate) fn upi_handle(lower: &[u8]) -> bool {
    UPI_HANDLES
        .binary_search_by(|handle| handle.as_bytes().cmp(lower))
        .is_ok()
}

/// What Aadhaar numbers and virtual ids share.
fn issued(digits: &[u8]) -> bool {
    matches!(digits, [b'2'..=b'9', ..]) && verhoeff(digits)
}

fn is_bharat(upper: &[u8]) -> bool {
    let (body, letters) = upper.split_at_checked(8).unwrap_or((upper, &[]));
    fits(body, b"nnBHnnnn")
        && body.get(..2).and_then(number) >= Some(21)
        && body.get(4..).is_some_and(positive)
        && (1..=2).contains(&letters.len())
        && letters.iter().all(is_series)
}

fn is_series(byte: &u8) -> bool {
    byte.is_ascii_uppercase() && !b"IO".contains(byte)
}

fn positive(digits: &[u8]) -> bool {
    number(digits).is_some_and(|number| number > 0)
}

/// Parts `text` where the first byte stands that `takes` refuses.
fn run(text: &[u8], takes: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !takes(byte));
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, &[]))
}

/// The states' and union territories' codes on plates and licences, with those that were renamed
/// (DD, DN, OR, TS, UA).
const STATES: &[u8] =
    b"ANAPARASBRCGCHDDDLDNGAGJHPHRJHJKKAKLLALDMHMLMNMPMZNLODORPBPYRJSKTGTNTRTSUAUKUPWB";

/// The second letters of those codes, a bit for each, by the first letter.
static SECONDS: [u32; 26] = {
    let mut seconds = [0; 26];
    let (mut rest, _) = STATES.as_chunks::<2>();
    while let [[first, second], others @ ..] = rest {
        if let Some((_, [slot, ..])) = seconds.split_at_mut_checked((*first - b'A') as usize) {
            *slot |= 1 << (*second - b'A');
        }
        rest = others;
    }
    seconds
};

/// The handles of banks and apps (NPCI, UPI live members and third-party apps), in order. They
/// change: one that has gone still stands in old records, so it stays.
#[rustfmt::skip]
pub(super) const UPI_HANDLES: &[&str] = &[
    "abcdicici", "abfspay", "airtel", "albk", "allbank", "andb", "apl", "aubank", "ausfb", "axisb",
    "axisbank", "axisgo", "axl", "bandhan", "barodampay", "boi", "bpunity", "cbin", "cboi",
    "centralbank", "citibank", "cmsidfc", "cnrb", "cosb", "csbpay", "cub", "dbs", "dcb",
    "denabank", "dlb", "eazypay", "equitas", "esaf", "ezeepay", "fam", "fbl", "fbpe", "federal",
    "fifederal", "finobank", "fkaxis", "freecharge", "freoicici", "goaxb", "hdfcbank",
    "hdfcbankjd", "hsbc", "hsbcbank", "ibl", "icici", "idbi", "idfcbank", "idfcfirst", "ikwik",
    "indianbank", "indianbk", "indie", "indus", "inhdfc", "iob", "jarunity", "jio", "jkb", "jsbp",
    "jupiteraxis", "karb", "kaypay", "kbaxis", "kbl", "kmb", "kmbl", "kotak", "kphdfc", "kvb",
    "kvbank", "lvb", "mahb", "mairtel", "mbk", "mvhdfc", "myicici", "naviaxis", "niyoicici",
    "nsdl", "obc", "okaxis", "okbizaxis", "okhdfcbank", "okicici", "okpayaxis", "oksbi", "oneyes",
    "paytm", "payzapp", "pingpay", "pnb", "pockets", "postbank", "psb", "ptaxis", "pthdfc",
    "ptsbi", "ptyes", "rajgovhdfcbank", "rapl", "rbl", "rmhdfcbank", "rmrbl", "sbi", "scb",
    "seyes", "shriramhdfcbank", "sib", "slc", "slice", "sliceaxis", "srcb", "superyes", "synd",
    "tapicici", "timecosmos", "tjsb", "tmb", "ubi", "uboi", "uco", "unionbank", "unionbankofindia",
    "upi", "utbi", "vijb", "waaxis", "wahdfcbank", "waicici", "wasbi", "yapl", "ybl", "yesbank",
    "yesbankltd", "yescred", "yescurie", "yesfam", "yesg", "yespay", "yespop", "yestp",
];
