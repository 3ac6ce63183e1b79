//! Numbers: digits in groups, told apart by length, layout, check digits and context.

mod part;

use crate::check;
use crate::entity::Entity;

use super::groups::{Groups, ONE, Part};
use super::text::LETTER;
use super::{Sight, phone};
use part::Number;

/// Looks for numbers that begin with the group at `start`.
pub(super) fn look(sight: &mut Sight<'_>, start: usize) {
    if start > 0 && sight.left_of(start) == b'+' {
        if sight.profile.wants(Entity::PhoneNumber) {
            let call = Groups::read(sight, start, |_, _| (false, true));
            phone::look_behind_plus(sight, &call, start);
        }
        return;
    }
    if !may_begin(sight, start) {
        return;
    }
    let groups = Groups::read(sight, start, may_begin_with);
    phone::look(sight, &groups, start);
    let all = groups.in_number;
    if groups.part(all).is_none_or(|all| all.digits.len() < 8) {
        return;
    }
    for count in 1..=all.min(LAYOUT_GROUPS) {
        let Some(part) = groups.part(count) else {
            continue;
        };
        // With more groups they differ all the more.
        let Some(separator) = part.separator() else {
            break;
        };
        let part = Number { part, separator };
        if part.is_written() && may_end_behind(sight, &groups, &part) && !part.is_in_a_row(sight) {
            judge(sight, part);
        }
    }
}

/// Whether a number may begin with the first two groups, see [`Number::is_written`], and a telephone
/// number.
fn may_begin_with(sight: &mut Sight<'_>, groups: &Groups) -> (bool, bool) {
    let number = matches!(
        groups.begins_with(),
        (8..=19, ..) | (3, 2 | 3, _) | (4, 1..=6, _) | (6, 4 | 7, _) | (2, 3 | 4, _) | (1, 4, _)
    );
    (number, phone::may_begin_with(sight, groups))
}

/// Whether a number may end with this part of the groups.
fn may_end_behind(sight: &mut Sight<'_>, groups: &Groups, part: &Part<'_>) -> bool {
    match groups.separator_behind(part.groups.len(), groups.in_number) {
        // More groups follow: only a space lets the number end before them.
        Some(separator) => separator == b' ',
        None => may_end(sight, part.end),
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

fn judge(sight: &mut Sight<'_>, part: Number<'_>) {
    let digits = part.digits;
    match digits.len() {
        8 => part.tax_file(sight),
        9 => {
            part.social_security(sight);
            part.if_supported(
                sight,
                Entity::AbaRoutingNumber,
                &[ONE, 0x441],
                check::aba_routing,
                6,
            );
            part.tax_file(sight);
            if check::ca_sin(digits)
                && (part.is(0x333, b"-")
                    || (part.is_any(&[ONE, 0x333]) && part.supported(sight, Entity::CaSin)))
            {
                part.propose(sight, Entity::CaSin, 5);
            }
        }
        10 => {
            part.if_supported(sight, Entity::UkNhs, &[ONE, 0x334], check::uk_nhs, 12);
            part.if_supported(sight, Entity::UsNpi, &[ONE, 0x433], check::us_npi, 6);
            part.if_supported(
                sight,
                Entity::AuMedicare,
                &[ONE, 0x451],
                check::au_medicare,
                7,
            );
            if check::se_personnummer(digits)
                && (part.is(0x64, b"-")
                    || (part.is_any(&[ONE]) && part.supported(sight, Entity::SePersonnummer)))
            {
                part.propose(sight, Entity::SePersonnummer, 9);
            }
        }
        11 => {
            part.if_supported(sight, Entity::PlPesel, &[ONE], check::pl_pesel, 9);
            part.if_supported(sight, Entity::DeTaxId, &[ONE, 0x2333], check::de_tax_id, 6);
            part.if_supported(
                sight,
                Entity::TrNationalId,
                &[ONE],
                check::tr_national_id,
                8,
            );
            part.if_supported(sight, Entity::AuAbn, &[ONE, 0x2333], check::au_abn, 7);
            part.if_supported(
                sight,
                Entity::AuMedicare,
                &[ONE, 0x4511],
                check::au_medicare,
                6,
            );
            if check::de_tax_id_check_only(digits)
                && part.is_any(&[ONE])
                && sight.has_context(Entity::DeTaxId, part.start, part.end)
            {
                part.propose(sight, Entity::DeTaxId, 4);
            }
        }
        12 => {
            let grouped = part.is(0x444, b" -:");
            if check::aadhaar(digits)
                && (grouped || (part.is_any(&[ONE]) && part.supported(sight, Entity::InAadhaar)))
            {
                part.propose(sight, Entity::InAadhaar, 8);
            }
            if check::se_personnummer(digits)
                && (part.is(0x84, b"-")
                    || (part.is_any(&[ONE]) && part.supported(sight, Entity::SePersonnummer)))
            {
                part.propose(sight, Entity::SePersonnummer, 11);
            }
        }
        13 => {
            part.korean(sight);
            part.if_supported(
                sight,
                Entity::ZaIdNumber,
                &[ONE, 0x643, 0x6421],
                check::za_id,
                10,
            );
            if check::th_tnin(digits)
                && (part.is(0x14521, b" -")
                    || (part.is_any(&[ONE]) && part.supported(sight, Entity::ThTnin)))
            {
                part.propose(sight, Entity::ThTnin, 5);
            }
        }
        14 => {
            let grouped = part.is(0x2444, b"-");
            if grouped
                || (part.is_any(&[ONE, 0x2444])
                    && sight.has_context(Entity::InAbha, part.start, part.end))
            {
                part.propose(sight, Entity::InAbha, 7);
            }
        }
        16 if check::vid(digits)
            && part.is_any(&[ONE, 0x4444])
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

/// Groups of the number with the most of them.
const LAYOUT_GROUPS: usize = 5;
