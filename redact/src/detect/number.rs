//! Numbers: digits in groups, told apart by length, layout, check digits and context.

mod part;

use crate::check;
use crate::entity::Entity;

use super::text::LETTER;
use super::{Sight, phone};
use part::Part;

/// Digits in groups, each group but the first behind one separator.
#[derive(Debug)]
pub(super) struct Number {
    digits: [u8; DIGITS],
    len: usize,
    groups: [Group; GROUPS],
    count: usize,
    start: usize,
}

/// One group of digits.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Digits of this group and all before it.
    digits: u8,
    /// The character after its last digit, in a window, which has fewer than 256.
    end: u8,
    /// What stands before it.
    separator: u8,
    size: u8,
}

/// Looks for numbers that begin with the group at `start`.
pub(super) fn look(sight: &mut Sight<'_>, start: usize) {
    phone::look(sight, start);
    let number = Number::read(sight, start);
    if number.len < 8 || !may_begin(sight, start) {
        return;
    }
    for count in 1..=number.count.min(LAYOUT_GROUPS) {
        let Some(part) = number.part(count) else {
            continue;
        };
        // With more groups they differ all the more.
        if part.separator.is_none() {
            break;
        }
        if part.is_written() && number.may_end(sight, count) && !part.is_in_a_row(sight) {
            judge(sight, part);
        }
    }
}

/// Whether what stands left of `start` lets a number begin there that is no part of a longer one.
pub(super) fn may_begin(sight: &mut Sight<'_>, start: usize) -> bool {
    let second = sight.second_left_of(start);
    match sight.left_of(start) {
        b'_' | b'+' | b'$' | b'@' | b'%' | b'&' | LETTER => false,
        b'.' | b',' | b'/' | b':' => !second.is_ascii_digit(),
        b'-' => !second.is_ascii_alphanumeric(),
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Whether what stands at `end` lets a number end before it that is no part of a longer one.
pub(super) fn may_end(sight: &mut Sight<'_>, end: usize) -> bool {
    match sight.text.get(end) {
        b'_' | b'@' | b'%' | LETTER => false,
        b'.' | b':' => !sight.text.get(end.saturating_add(1)).is_ascii_digit(),
        b'-' => !sight
            .text
            .get(end.saturating_add(1))
            .is_ascii_alphanumeric(),
        byte => !byte.is_ascii_alphanumeric(),
    }
}

fn judge(sight: &mut Sight<'_>, part: Part<'_>) {
    let digits = part.digits;
    match digits.len() {
        8 => part.tax_file(sight),
        9 => {
            part.social_security(sight);
            part.if_supported(
                sight,
                Entity::AbaRoutingNumber,
                &[&[9], &[4, 4, 1]],
                check::aba_routing,
                6,
            );
            part.tax_file(sight);
            if check::ca_sin(digits)
                && (part.is(&[3, 3, 3], b"-")
                    || (part.is_any(&[&[9], &[3, 3, 3]]) && part.supported(sight, Entity::CaSin)))
            {
                part.propose(sight, Entity::CaSin, 5);
            }
        }
        10 => {
            part.if_supported(
                sight,
                Entity::UkNhs,
                &[&[10], &[3, 3, 4]],
                check::uk_nhs,
                12,
            );
            part.if_supported(sight, Entity::UsNpi, &[&[10], &[4, 3, 3]], check::us_npi, 6);
            part.if_supported(
                sight,
                Entity::AuMedicare,
                &[&[10], &[4, 5, 1]],
                check::au_medicare,
                7,
            );
            if check::se_personnummer(digits)
                && (part.is(&[6, 4], b"-")
                    || (part.is_any(&[&[10]]) && part.supported(sight, Entity::SePersonnummer)))
            {
                part.propose(sight, Entity::SePersonnummer, 9);
            }
        }
        11 => {
            part.if_supported(sight, Entity::PlPesel, &[&[11]], check::pl_pesel, 9);
            part.if_supported(
                sight,
                Entity::DeTaxId,
                &[&[11], &[2, 3, 3, 3]],
                check::de_tax_id,
                6,
            );
            part.if_supported(
                sight,
                Entity::TrNationalId,
                &[&[11]],
                check::tr_national_id,
                8,
            );
            part.if_supported(
                sight,
                Entity::AuAbn,
                &[&[11], &[2, 3, 3, 3]],
                check::au_abn,
                7,
            );
            part.if_supported(
                sight,
                Entity::AuMedicare,
                &[&[11], &[4, 5, 1, 1]],
                check::au_medicare,
                6,
            );
            if check::de_tax_id_check_only(digits)
                && part.is_any(&[&[11]])
                && sight.has_context(Entity::DeTaxId, part.start, part.end)
            {
                part.propose(sight, Entity::DeTaxId, 4);
            }
        }
        12 => {
            let grouped = part.is(&[4, 4, 4], b" -:");
            if check::aadhaar(digits)
                && (grouped || (part.is_any(&[&[12]]) && part.supported(sight, Entity::InAadhaar)))
            {
                part.propose(sight, Entity::InAadhaar, 8);
            }
            if check::se_personnummer(digits)
                && (part.is(&[8, 4], b"-")
                    || (part.is_any(&[&[12]]) && part.supported(sight, Entity::SePersonnummer)))
            {
                part.propose(sight, Entity::SePersonnummer, 11);
            }
        }
        13 => {
            part.korean(sight);
            part.if_supported(
                sight,
                Entity::ZaIdNumber,
                &[&[13], &[6, 4, 3], &[6, 4, 2, 1]],
                check::za_id,
                10,
            );
            if check::th_tnin(digits)
                && (part.is(&[1, 4, 5, 2, 1], b" -")
                    || (part.is_any(&[&[13]]) && part.supported(sight, Entity::ThTnin)))
            {
                part.propose(sight, Entity::ThTnin, 5);
            }
        }
        14 => {
            let grouped = part.is(&[2, 4, 4, 4], b"-");
            if grouped
                || (part.is_any(&[&[14], &[2, 4, 4, 4]])
                    && sight.has_context(Entity::InAbha, part.start, part.end))
            {
                part.propose(sight, Entity::InAbha, 7);
            }
        }
        16 if check::vid(digits)
            && part.is_any(&[&[16], &[4, 4, 4, 4]])
            && part.supported(sight, Entity::InAadhaar) =>
        {
            part.propose(sight, Entity::InAadhaar, 5);
        }
        _ => {}
    }
    part.card(sight);
    let single = part.groups.len() == 1;
    if single
        && (9..=18).contains(&digits.len())
        && sight.profile.wants(Entity::InBankAccount)
        && sight.has_context(Entity::InBankAccount, part.start, part.end)
    {
        part.propose(sight, Entity::InBankAccount, 3);
    }
}

// === impl Number ===

impl Number {
    fn read(sight: &mut Sight<'_>, start: usize) -> Self {
        let mut number = Self {
            digits: [0; DIGITS],
            len: 0,
            groups: [Group::default(); GROUPS],
            count: 0,
            start,
        };
        let mut index = start;
        let mut separator = 0;
        while let Some(group) = number.groups.get_mut(number.count) {
            let from = number.len;
            let mut len = from;
            let mut char = sight.text.get(index);
            while char.is_ascii_digit() {
                match number.digits.get_mut(len) {
                    Some(digit) => *digit = char,
                    // A longer number is none of ours, nor is its beginning.
                    None => return number,
                }
                len = len.saturating_add(1);
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            if char.is_ascii_alphanumeric() {
                break;
            }
            let byte = |place: usize| u8::try_from(place).unwrap_or(u8::MAX);
            *group = Group {
                digits: byte(len),
                end: byte(index),
                separator,
                size: byte(len.saturating_sub(from)),
            };
            number.len = len;
            number.count = number.count.saturating_add(1);
            let separates = matches!(char, b' ' | b'-' | b'.' | b':' | b'/');
            if !separates || !sight.text.get(index.saturating_add(1)).is_ascii_digit() {
                break;
            }
            separator = char;
            index = index.saturating_add(1);
        }
        number
    }

    fn part(&self, count: usize) -> Option<Part<'_>> {
        let groups = self.groups.get(..count)?;
        let last = groups.last()?;
        let mut separators = groups.iter().skip(1).map(|group| group.separator);
        let first = separators.next().unwrap_or(0);
        Some(Part {
            number: self,
            groups,
            digits: self.digits.get(..usize::from(last.digits))?,
            start: self.start,
            end: usize::from(last.end),
            separator: separators
                .all(|separator| separator == first)
                .then_some(first),
        })
    }

    fn may_end(&self, sight: &mut Sight<'_>, count: usize) -> bool {
        match self.groups.get(count).filter(|_| count < self.count) {
            // More groups follow: only a space lets the number end before them.
            Some(next) => next.separator == b' ',
            None => self
                .part(count)
                .is_some_and(|part| may_end(sight, part.end)),
        }
    }
}

/// Digits of the longest number, and one more tells that it is longer.
const DIGITS: usize = 24;
/// Groups of the number with the most of them, and one that may follow.
const LAYOUT_GROUPS: usize = 5;
const GROUPS: usize = 6;
