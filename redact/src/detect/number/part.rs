//! The first groups of a number, and what they may be.

use crate::check::{self, Issuer};
use crate::detect::{Sight, Strength};
use crate::entity::Entity;

use super::{Group, Number};

/// The first groups of a number.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) number: &'a Number,
    pub(super) groups: &'a [Group],
    pub(super) digits: &'a [u8],
    pub(super) start: usize,
    pub(super) end: usize,
    /// The separator between all groups; `None` if they differ.
    pub(super) separator: Option<u8>,
}

// === impl Part ===

impl Part<'_> {
    /// Whether the groups have these sizes, with one of these separators between all of them.
    pub(super) fn is(&self, sizes: &[u8], separators: &[u8]) -> bool {
        let separated = self
            .separator
            .is_some_and(|separator| separators.contains(&separator));
        separated
            && self
                .groups
                .iter()
                .map(|group| group.size)
                .eq(sizes.iter().copied())
    }

    /// Whether the groups have one of these layouts, with spaces or dashes.
    pub(super) fn is_any(&self, layouts: &[&[u8]]) -> bool {
        layouts
            .iter()
            .any(|sizes| self.is(sizes, if sizes.len() == 1 { &[0] } else { b" -" }))
    }

    /// Whether any number is written in such groups: see what `judge` asks of each.
    pub(super) fn is_written(&self) -> bool {
        if self.groups.len() == 1 {
            return matches!(self.digits.len(), 8..=19);
        }
        if !matches!(self.separator, Some(b' ' | b'-' | b':' | b'.')) || self.digits.len() < 8 {
            return false;
        }
        let sizes = self.groups.iter().fold(0_u32, |sizes, group| {
            sizes.wrapping_shl(4) | u32::from(group.size.min(15))
        });
        if self.separator == Some(b'.') {
            return sizes == 0x324;
        }
        matches!(
            sizes,
            0x332
                | 0x324
                | 0x333
                | 0x441
                | 0x64
                | 0x334
                | 0x433
                | 0x451
                | 0x2333
                | 0x4511
                | 0x84
                | 0x444
                | 0x67
                | 0x643
                | 0x6421
                | 0x14521
                | 0x2444
                | 0x4444
        ) || self.is_like_card()
    }

    /// Whether people write card numbers in such groups.
    fn is_like_card(&self) -> bool {
        (3..=5).contains(&self.groups.len())
            && matches!(self.digits.len(), 12..=19)
            && matches!(self.separator, Some(b' ' | b'-'))
            && self.groups.first().is_some_and(|group| group.size == 4)
            && self
                .groups
                .iter()
                .all(|group| (1..=6).contains(&group.size))
    }

    /// Whether groups of the same size go on before or behind: a table, a dump, a list of years. Only
    /// the digits of a card may be followed by four more, when it expires.
    pub(super) fn is_in_a_row(&self, sight: &mut Sight<'_>) -> bool {
        let (Some(separator), Some(first), Some(last)) = (
            self.separator.filter(|separator| *separator != 0),
            self.groups.first(),
            self.groups.last(),
        ) else {
            return false;
        };
        let before = sight.group_before(self.start, separator);
        let behind = sight.group_behind(self.end, separator);
        let card = self.digits.len() >= 14 && behind.is_some_and(|(_, letters)| !letters);
        before.is_some_and(|(size, _)| size == usize::from(first.size))
            || (!card && behind.is_some_and(|(size, _)| size == usize::from(last.size)))
    }

    pub(super) fn supported(&self, sight: &mut Sight<'_>, entity: Entity) -> bool {
        sight.profile.wants(entity) && sight.supported(entity, self.start, self.end)
    }

    pub(super) fn propose(&self, sight: &mut Sight<'_>, entity: Entity, strength: Strength) {
        sight.propose(entity, self.start, self.end, strength);
    }

    /// An entity that needs a layout, its check and a word that speaks for it.
    pub(super) fn if_supported(
        &self,
        sight: &mut Sight<'_>,
        entity: Entity,
        layouts: &[&[u8]],
        check: fn(&[u8]) -> bool,
        strength: Strength,
    ) {
        if self.is_any(layouts) && check(self.digits) && self.supported(sight, entity) {
            self.propose(sight, entity, strength);
        }
    }

    pub(super) fn tax_file(&self, sight: &mut Sight<'_>) {
        self.if_supported(
            sight,
            Entity::AuTfn,
            &[&[8], &[9], &[3, 3, 2], &[3, 3, 3]],
            check::au_tfn,
            4,
        );
    }

    pub(super) fn social_security(&self, sight: &mut Sight<'_>) {
        let grouped = self.is(&[3, 2, 4], b" -");
        let one = || self.is_any(&[&[9]]);
        // Versions are written with dots too.
        let dotted = || self.is(&[3, 2, 4], b".");
        for (entity, check) in [
            (Entity::UsSsn, check::us_ssn as fn(&[u8]) -> bool),
            (Entity::UsItin, check::us_itin),
        ] {
            if check(self.digits)
                && (grouped
                    || (one() && sight.has_context(entity, self.start, self.end))
                    || (dotted() && self.supported(sight, entity)))
            {
                self.propose(sight, entity, 6);
            }
        }
    }

    pub(super) fn korean(&self, sight: &mut Sight<'_>) {
        if check::kr_rrn(self.digits)
            && (self.is(&[6, 7], b"-")
                || (self.is_any(&[&[13]]) && self.supported(sight, Entity::KrRrn)))
        {
            let strength = if check::kr_rrn_checked(self.digits) {
                11
            } else {
                7
            };
            self.propose(sight, Entity::KrRrn, strength);
        }
    }

    pub(super) fn card(&self, sight: &mut Sight<'_>) {
        let single = self.groups.len() == 1;
        let grouped = self.is_like_card();
        if !(single || grouped) || !sight.profile.wants(Entity::CreditCard) {
            return;
        }
        let Some(issuer) = check::card(self.digits) else {
            return;
        };
        // Sixteen digits of a network that everybody uses, or the shorter ones of Amex and Diners:
        // enough. Long numbers are more often ids, and short ones anything.
        let known = issuer == Issuer::Known
            && match (self.digits, self.digits.len()) {
                ([b'5', b'0' | b'6'..=b'9', ..] | [b'6', b'1'..=b'4' | b'6'..=b'9', ..], 16) => {
                    grouped
                }
                (_, 16) => true,
                ([b'3', b'4' | b'7', ..], 15) | ([b'3', b'0' | b'6' | b'8' | b'9', ..], 14) => true,
                _ => false,
            };
        let known = known && (grouped || !self.is_named_id(sight));
        // A time in milliseconds has thirteen digits and begins with 1.
        let time = issuer == Issuer::Unknown && self.digits.starts_with(b"1");
        if known || (!time && self.supported(sight, Entity::CreditCard)) {
            let strength = if issuer == Issuer::Known { 10 } else { 5 };
            self.propose(sight, Entity::CreditCard, strength);
        }
    }

    /// Whether the word before says that the number counts or names something of a machine.
    fn is_named_id(&self, sight: &mut Sight<'_>) -> bool {
        let key_end = sight.hints.key;
        let text = sight.left_text(self.start).trim_ascii_end();
        let end = text
            .iter()
            .rposition(u8::is_ascii_alphanumeric)
            .map_or(0, |last| last.saturating_add(1));
        let word = text.get(..end).unwrap_or_default();
        IDS.iter()
            .any(|id| word.ends_with(id) || key_end.ends_with(id))
    }
}

impl std::ops::Deref for Part<'_> {
    type Target = Number;

    fn deref(&self) -> &Number {
        self.number
    }
}

/// What is called so is no card.
const IDS: [&[u8]; 12] = [
    b"id",
    b"ids",
    b"trace",
    b"span",
    b"seq",
    b"offset",
    b"nonce",
    b"timestamp",
    b"time",
    b"epoch",
    b"hash",
    b"build",
];
