//! Indian tokens that are written in groups: vehicles, driving licences, masked Aadhaar numbers.

use crate::check;
use crate::detect::Sight;
use crate::detect::text::LETTER;
use crate::entity::Entity;

use super::{Upper, ends};

/// What begins with the code of a state, or with a year.
pub(super) fn plate(sight: &mut Sight<'_>, start: usize) {
    let first = sight.text.get(start);
    if !first.is_ascii_alphabetic() {
        return vehicle(sight, start);
    }
    let second = sight.text.get(start.saturating_add(1));
    if check::in_state([first, second].map(|letter| letter.to_ascii_uppercase())) {
        vehicle(sight, start);
        licence(sight, start);
    }
}

/// `KA-01-AB-1234`, `KA 01 AB 1234`, `KA01AB1234`, `22 BH 1234 AA`.
fn vehicle(sight: &mut Sight<'_>, start: usize) {
    if !sight.profile.wants(Entity::InVehicleRegistration) {
        return;
    }
    // A group is a run of letters or of digits, behind at most one separator.
    let series = |byte: u8| (byte.is_ascii_alphabetic(), byte.is_ascii_digit());
    let kind = series(sight.text.get(start));
    let mut char = |place: usize| sight.text.get(start.saturating_add(place));
    if series(char(1)) != kind || series(char(2)) == kind {
        return;
    }
    let second = match char(2) {
        b' ' | b'-' => char(3),
        char => char,
    };
    if kind.1 && !matches!(second, b'B' | b'b') {
        return;
    }
    let mut token = Upper::new();
    let mut at = start;
    let mut groups = 0_usize;
    let mut last = start;
    while groups < 4 && token.len < 11 {
        let kind = series(sight.text.get(at));
        if kind == (false, false) {
            break;
        }
        let group = at;
        while series(sight.text.get(at)) == kind && at.saturating_sub(group) < 5 {
            at = at.saturating_add(1);
        }
        token.gather(sight, group, at);
        // The state or the year, then the district or the letters BH.
        let fits = match (groups, token.text()) {
            (0, text) => text.len() == 2,
            (1, [b'0'..=b'9', _, series @ ..]) => series == b"BH",
            (1, text) => text.len() <= 4 && text.last().is_some_and(u8::is_ascii_digit),
            _ => true,
        };
        if !fits {
            return;
        }
        groups = groups.saturating_add(1);
        last = at;
        if matches!(sight.text.get(at), b' ' | b'-')
            && series(sight.text.get(at.saturating_add(1))) != (false, false)
        {
            at = at.saturating_add(1);
        }
    }
    let text = token.text();
    if groups < 3 || !check::in_vehicle(text) || !ends(sight, last) {
        return;
    }
    let hex = text.iter().all(u8::is_ascii_hexdigit);
    let full = groups == 4 && text.len() >= 8 && !token.small && !hex;
    if full || sight.supported(Entity::InVehicleRegistration, start, last) {
        sight.propose(Entity::InVehicleRegistration, start, last, 6);
    }
}

/// `KA01 20110012345`, `KA-01-2011-0012345`, in one piece too.
fn licence(sight: &mut Sight<'_>, start: usize) {
    if !sight.profile.wants(Entity::InDrivingLicence) {
        return;
    }
    let mut token = Upper::new();
    let mut at = start;
    while token.len < 15 {
        let char = sight.text.get(at);
        if matches!(char, b' ' | b'-') && matches!(token.len, 2 | 4 | 8) {
            at = at.saturating_add(1);
            continue;
        }
        let expected = if token.len < 2 {
            char.is_ascii_alphabetic()
        } else {
            char.is_ascii_digit()
        };
        if !expected {
            return;
        }
        token.gather(sight, at, at.saturating_add(1));
        at = at.saturating_add(1);
    }
    if check::in_driving_licence(token.text())
        && ends(sight, at)
        && (!token.small || sight.supported(Entity::InDrivingLicence, start, at))
    {
        sight.propose(Entity::InDrivingLicence, start, at, 10);
    }
}

/// `XXXX XXXX 1234`, `XXXXXXXX1234`, `**** **** 1234`.
pub(super) fn masked_aadhaar(sight: &mut Sight<'_>, start: usize, end: usize) {
    if !sight.profile.wants(Entity::InAadhaarMasked) {
        return;
    }
    // Backwards from the four digits at the end.
    let mut at = end;
    for _ in 0..4 {
        if !sight.text.before(at).is_ascii_digit() || at == 0 {
            return;
        }
        at = at.saturating_sub(1);
    }
    let mut crosses = 0_usize;
    let mut first = at;
    while crosses < 8 && first > 0 {
        let char = sight.text.before(first);
        let separator = matches!(char, b' ' | b'-') && matches!(crosses, 0 | 4);
        if !separator && !matches!(char, b'X' | b'x' | b'*') {
            return;
        }
        crosses = crosses.saturating_add(usize::from(!separator));
        first = first.saturating_sub(1);
        if separator && matches!(sight.text.before(first), b' ' | b'-') {
            return;
        }
    }
    let left = sight.left_of(first);
    let free = !left.is_ascii_alphanumeric() && !matches!(left, b'*' | b'-' | b'_' | LETTER);
    // A card shows its last four digits too, behind twelve crosses.
    let second = sight.second_left_of(first);
    let card = left == b' ' && matches!(second, b'X' | b'x' | b'*');
    if crosses == 8 && free && !card && start <= end && ends(sight, end) {
        sight.propose(Entity::InAadhaarMasked, first, end, 8);
    }
}

/// Whether a branch code is of a large bank.
pub(super) fn is_large_bank(code: &[u8]) -> bool {
    BANKS
        .binary_search(&code.get(..4).unwrap_or_default())
        .is_ok()
}

/// The first four letters of the branch codes of large Indian banks.
const BANKS: [&[u8]; 40] = [
    b"AIRP", b"ALLA", b"ANDB", b"AUBL", b"BARB", b"BDBL", b"BKID", b"CBIN", b"CITI", b"CNRB",
    b"CORP", b"CSBK", b"DBSS", b"DCBL", b"DLXB", b"ESFB", b"FDRL", b"HDFC", b"HSBC", b"IBKL",
    b"ICIC", b"IDFB", b"IDIB", b"INDB", b"IOBA", b"JAKA", b"KARB", b"KKBK", b"KVBL", b"MAHB",
    b"PSIB", b"PUNB", b"PYTM", b"RATN", b"SBIN", b"SCBL", b"SIBL", b"UBIN", b"UTIB", b"YESB",
];
