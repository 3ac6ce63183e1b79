//! Tokens of letters and digits, in one piece or in groups: tax, identity, bank and vehicle numbers.

mod india;

use crate::check::{self, Gstin};
use crate::entity::Entity;

use super::text::{END, LETTER};
use super::{Sight, Strength};

/// Letters and digits in capitals, gathered from one or several groups.
#[derive(Debug)]
struct Upper {
    chars: [u8; LONGEST],
    len: usize,
    /// Whether small letters were among them, and large ones.
    small: bool,
    large: bool,
}

/// One group of letters and digits.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
}

/// Looks at the run of letters and digits from `start` to `end`, and at groups that begin with it
/// or with two capitals or crosses before it. Digits alone are no token but before a dash.
pub(super) fn look(sight: &mut Sight<'_>, start: usize, end: usize, digits_alone: bool) {
    let size = end.saturating_sub(start);
    let named = sight.text.get(start).is_ascii_alphabetic();
    let dash = matches!(sight.text.get(end), b'-' | b'+');
    let is_one = size >= 8 || (named && size == 4);
    if (dash || (is_one && !digits_alone)) && begins(sight, start) {
        whole(sight, start, end);
        if named {
            grouped_iban(sight, start, end);
        }
        if dash {
            dashed(sight, start, end);
        }
    }
    let first = first_of_pair(sight, start).unwrap_or(start);
    // All of these begin with letters, but for vehicles of the BH series.
    let named = named || first < start;
    if (named || sight.text.get(start.saturating_add(1)).is_ascii_digit()) && begins(sight, first) {
        if named {
            national_insurance(sight, first);
        }
        india::plate(sight, first);
    }
    india::masked_aadhaar(sight, start, end);
}

/// Whether what stands left of `start` lets a token begin there.
fn begins(sight: &mut Sight<'_>, start: usize) -> bool {
    match sight.left_of(start) {
        b'-' | b'.' => !sight.second_left_of(start).is_ascii_alphanumeric(),
        b':' | b'/' => !sight.second_left_of(start).is_ascii_digit(),
        b'_' | b'@' | b'$' | b'\\' | LETTER => false,
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Whether what stands at `end` lets a token end before it.
#[inline(never)]
fn ends(sight: &mut Sight<'_>, end: usize) -> bool {
    match sight.text.get(end) {
        b'-' | b'.' | b':' => !sight
            .text
            .get(end.saturating_add(1))
            .is_ascii_alphanumeric(),
        b'_' | b'@' | b'(' | LETTER => false,
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Tokens in one piece.
fn whole(sight: &mut Sight<'_>, start: usize, end: usize) {
    let size = end.saturating_sub(start);
    if !(8..=LONGEST).contains(&size) || !ends(sight, end) {
        return;
    }
    let token = Upper::read(sight, start, end);
    let (text, small) = (token.text(), token.small);
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    if letters == 0 {
        return;
    }
    let group = Group { start, end };
    if size == 8 && check::in_passport(text) {
        propose(sight, group, Entity::InPassport, false, 3);
    }
    match size {
        8 | 9 if check::es_nif(text) => propose(sight, group, Entity::EsNif, false, 5),
        10 if check::de_id_card(text) => propose(sight, group, Entity::DeIdCard, false, 4),
        _ => {}
    }
    match size {
        9 => {
            if check::uk_nino(text) {
                propose(sight, group, Entity::UkNino, !small, 7);
            }
            if check::sg_nric(text) {
                propose(sight, group, Entity::SgNricFin, !small, 8);
            }
            if check::es_nie(text) {
                propose(sight, group, Entity::EsNie, !small, 8);
            }
            if check::de_id_card(text) {
                propose(sight, group, Entity::DeIdCard, false, 4);
            }
        }
        10 => {
            if check::pan(text) {
                propose(sight, group, Entity::InPan, !small, 9);
            }
            if check::voter(text) {
                propose(sight, group, Entity::InVoter, false, 5);
            }
        }
        11 => {
            if check::ifsc(text) {
                let numeric = text
                    .get(5..)
                    .is_some_and(|branch| branch.iter().all(u8::is_ascii_digit));
                let known = india::is_large_bank(text);
                propose(sight, group, Entity::InIfsc, !small && known && numeric, 7);
            }
            if check::us_mbi(text) {
                propose(sight, group, Entity::UsMbi, !small, 9);
            }
            if check::fi_identity(text) {
                propose(sight, group, Entity::FiPersonalIdentityCode, true, 10);
            }
        }
        15 => match check::gstin(text) {
            Gstin::No => {}
            Gstin::Shape => propose(sight, group, Entity::InGstin, !small, 12),
            Gstin::Checked => propose(sight, group, Entity::InGstin, true, 16),
        },
        16 if check::it_fiscal_code(text) => propose(sight, group, Entity::ItFiscalCode, true, 14),
        _ => {}
    }
    if size >= 15 && !(small && token.large) && check::iban(text) {
        propose(sight, group, Entity::IbanCode, true, 16);
    }
    if sight.profile.wants(Entity::Crypto) {
        crypto(sight, start, end, small);
    }
}

/// Proposes a token that is `free` of need for a word, or that a word speaks for.
#[inline(never)]
fn propose(sight: &mut Sight<'_>, token: Group, entity: Entity, free: bool, strength: Strength) {
    let Group { start, end } = token;
    if sight.profile.wants(entity) && (free || sight.supported(entity, start, end)) {
        sight.propose(entity, start, end, strength);
    }
}

fn crypto(sight: &mut Sight<'_>, start: usize, end: usize, small: bool) {
    let mut chars = [0; LONGEST];
    let size = end.saturating_sub(start);
    for (index, slot) in (start..end).zip(&mut chars) {
        *slot = sight.text.get(index);
    }
    let text = chars.get(..size).unwrap_or_default();
    let found = match text {
        [b'1' | b'3' | b'2' | b'm' | b'n', ..] if (26..=35).contains(&size) => {
            small && check::base58check(text)
        }
        [
            b'b' | b'B' | b't' | b'T',
            b'c' | b'C' | b'b' | b'B',
            b'1',
            ..,
        ] => check::bech32_address(text),
        [b'0', b'x' | b'X', digits @ ..] if digits.len() == 40 => {
            digits.iter().all(u8::is_ascii_hexdigit) && check::eip55(digits)
        }
        _ => false,
    };
    if found {
        sight.propose(Entity::Crypto, start, end, 20);
    }
}

/// `DE89 3704 0044 0532 0130 00`: groups of four, the last one shorter.
fn grouped_iban(sight: &mut Sight<'_>, start: usize, end: usize) {
    if end.saturating_sub(start) != 4 || !sight.profile.wants(Entity::IbanCode) {
        return;
    }
    let separator = sight.text.get(end);
    if !matches!(separator, b' ' | b'-') {
        return;
    }
    let mut token = Upper::read(sight, start, end);
    let country = match token.text() {
        [a, b, ..] => [*a, *b],
        _ => return,
    };
    let Some(length) = check::iban_length(country) else {
        return;
    };
    let mut at = end;
    while token.len < length {
        if sight.text.get(at) != separator || !check::iban_prefix(token.text()) {
            return;
        }
        at = at.saturating_add(1);
        let group = at;
        while sight.text.get(at).is_ascii_alphanumeric() && at.saturating_sub(group) < 5 {
            at = at.saturating_add(1);
        }
        let size = at.saturating_sub(group);
        let missing = length.saturating_sub(token.len);
        // All groups have four; what is left over may be one group or, in Brazil, a group and a digit.
        if size == 0 || size > 4 || (size < 4 && size != missing) || size > missing {
            return;
        }
        token.gather(sight, group, at);
    }
    if !(token.small && token.large)
        && check::iban(token.text())
        && !sight.text.get(at).is_ascii_alphanumeric()
    {
        sight.propose(Entity::IbanCode, start, at, 16);
    }
}

/// Tokens with dashes in their standard places.
fn dashed(sight: &mut Sight<'_>, start: usize, end: usize) {
    let size = end.saturating_sub(start);
    if !matches!(size, 4 | 6..=8) {
        return;
    }
    let (first, second) = (Group { start, end }, next_group(sight, end));
    let mut token = Upper::read(sight, start, end);
    token.gather(sight, second.start, second.end);
    match (size, second.end.saturating_sub(second.start)) {
        (7 | 8, 1) if ends(sight, second.end) => {
            if check::es_nif(token.text())
                && (!token.small || sight.supported(Entity::EsNif, start, second.end))
            {
                sight.propose(Entity::EsNif, first.start, second.end, 7);
            }
            if check::es_nie(token.text()) {
                sight.propose(Entity::EsNie, first.start, second.end, 9);
            }
        }
        (6, 4) if ends(sight, second.end) => {
            // 010594-9032, 010594+9032: the sign tells the century and is checked with the rest.
            let sign = sight.text.get(end);
            let mut chars = [0; 11];
            let parts = token
                .text()
                .get(..6)
                .into_iter()
                .flatten()
                .chain([&sign])
                .chain(token.text().get(6..).into_iter().flatten());
            for (slot, char) in chars.iter_mut().zip(parts) {
                *slot = *char;
            }
            if check::fi_identity(&chars) {
                sight.propose(Entity::FiPersonalIdentityCode, first.start, second.end, 10);
            }
        }
        (4, 3) if sight.text.get(second.end) == b'-' => {
            let third = next_group(sight, second.end);
            token.gather(sight, third.start, third.end);
            if check::us_mbi(token.text()) && ends(sight, third.end) {
                sight.propose(Entity::UsMbi, first.start, third.end, 10);
            }
        }
        _ => {}
    }
}

/// `AA 12 34 56 B`, with spaces.
fn national_insurance(sight: &mut Sight<'_>, start: usize) {
    if !sight.profile.wants(Entity::UkNino) {
        return;
    }
    let mut token = Upper::new();
    let mut at = start;
    for (place, size) in [2, 2, 2, 2, 1].into_iter().enumerate() {
        if at > start {
            if sight.text.get(at) != b' ' {
                return;
            }
            at = at.saturating_add(1);
        }
        for _ in 0..size {
            let char = sight.text.get(at);
            let fits = match place {
                0 | 4 => char.is_ascii_alphabetic(),
                _ => char.is_ascii_digit(),
            };
            if !fits {
                return;
            }
            token.gather(sight, at, at.saturating_add(1));
            at = at.saturating_add(1);
        }
    }
    if token.len == 9 && check::uk_nino(token.text()) && ends(sight, at) {
        sight.propose(Entity::UkNino, start, at, 9);
    }
}

/// Where two letters before the run at `start` begin, if only a space is between.
fn first_of_pair(sight: &mut Sight<'_>, start: usize) -> Option<usize> {
    let first = start.checked_sub(3)?;
    let apart = matches!(sight.text.get(start.saturating_sub(1)), b' ' | b'-');
    let letters =
        (first..start.saturating_sub(1)).all(|at| sight.text.get(at).is_ascii_alphabetic());
    (apart && letters && !sight.left_of(first).is_ascii_alphanumeric()).then_some(first)
}

/// The letters and digits behind the separator at `at`.
fn next_group(sight: &mut Sight<'_>, at: usize) -> Group {
    let start = at.saturating_add(1);
    let mut end = start;
    while sight.text.get(end).is_ascii_alphanumeric() && end.saturating_sub(start) < 12 {
        end = end.saturating_add(1);
    }
    Group { start, end }
}

// === impl Upper ===

impl Upper {
    fn new() -> Self {
        Self {
            chars: [0; LONGEST],
            len: 0,
            small: false,
            large: false,
        }
    }

    fn read(sight: &mut Sight<'_>, start: usize, end: usize) -> Self {
        let mut token = Self::new();
        token.gather(sight, start, end);
        token
    }

    /// Adds the letters and digits from `start` to `end`.
    fn gather(&mut self, sight: &mut Sight<'_>, start: usize, end: usize) {
        for index in start..end {
            let char = sight.text.get(index);
            if char == END || !char.is_ascii_alphanumeric() {
                return;
            }
            self.small |= char.is_ascii_lowercase();
            self.large |= char.is_ascii_uppercase();
            if let Some(slot) = self.chars.get_mut(self.len) {
                *slot = char.to_ascii_uppercase();
                self.len = self.len.saturating_add(1);
            }
        }
    }

    fn text(&self) -> &[u8] {
        self.chars.get(..self.len).unwrap_or_default()
    }
}

/// The longest token: a taproot address has 62 characters.
const LONGEST: usize = 74;
