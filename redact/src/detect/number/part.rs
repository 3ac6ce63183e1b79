//! The first groups of a number, and what they may be.

use crate::check::{self, Issuer};
use crate::detect::{Sight, Strength};
use crate::entity::Entity;

use crate::detect::groups::{Layout, ONE, Part};

/// The first groups of a number, all with the same separator, 0 for a number in one piece.
#[derive(Clone, Copy)]
pub(super) struct Number<'a> {
    pub(super) part: Part<'a>,
    pub(super) separator: u8,
}

// === impl Number ===

impl Number<'_> {
    /// Whether the groups have these sizes, with one of these separators between all of them.
    pub(super) fn is(&self, layout: Layout, separators: &[u8]) -> bool {
        self.layout == layout && separators.contains(&self.separator)
    }

    /// Whether the groups have one of these layouts, with spaces or dashes.
    pub(super) fn is_any(&self, layouts: &[Layout]) -> bool {
        layouts.contains(&self.layout) && matches!(self.separator, 0 | b' ' | b'-')
    }

    /// Whether any number is written in such groups: see what `judge` asks of each.
    pub(super) fn is_written(&self) -> bool {
        if self.layout == ONE {
            return matches!(self.digits.len(), 8..=19);
        }
        if self.separator == b'.' {
            return self.layout == 0x324;
        }
        let written = matches!(
            self.layout,
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
        ) && matches!(self.separator, b' ' | b'-' | b':');
        written || self.is_like_card()
    }

    /// Whether people write card numbers in such groups.
    fn is_like_card(&self) -> bool {
        (3..=5).contains(&self.groups.len())
            && matches!(self.digits.len(), 12..=19)
            && matches!(self.separator, b' ' | b'-')
            && self.groups.first().is_some_and(|group| group.size == 4)
            && self
                .groups
                .iter()
                .all(|group| (1..=6).contains(&group.size))
    }

    /// Whether groups of the same size go on before or behind: a table, a dump, a list of years. Only
    /// the digits of a card may be followed by four more, when it expires.
    pub(super) fn is_in_a_row(&self, sight: &mut Sight<'_>) -> bool {
        let [first, .., last] = self.groups else {
            return false;
        };
        let before = sight.group_before(self.start, self.separator);
        let behind = sight.group_behind(self.end, self.separator);
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

    /// An entity that needs a layout, its check and a word that speaks for it. Not inlined: it is
    /// called often, and the module has to stay small.
    #[inline(never)]
    pub(super) fn if_supported(
        &self,
        sight: &mut Sight<'_>,
        entity: Entity,
        layouts: &[Layout],
        check: fn(&[u8]) -> bool,
        strength: Strength,
    ) {
        if self.is_any(layouts) && check(self.digits) && self.supported(sight, entity) {
            self.propose(sight, entity, strength);
        }
    }

    pub(super) fn tax_file(&self, sight: &mut Sight<'_>) {
        self.if_supported(sight, Entity::AuTfn, &[ONE, 0x332, 0x333], check::au_tfn, 4);
    }

    pub(super) fn social_security(&self, sight: &mut Sight<'_>) {
        let grouped = self.is(0x324, b" -");
        let one = || self.layout == ONE;
        // Versions are written with dots too.
        let dotted = || self.is(0x324, b".");
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
            && (self.is(0x67, b"-") || (self.layout == ONE && self.supported(sight, Entity::KrRrn)))
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
        let single = self.layout == ONE;
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

impl<'a> std::ops::Deref for Number<'a> {
    type Target = Part<'a>;

    fn deref(&self) -> &Part<'a> {
        &self.part
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
