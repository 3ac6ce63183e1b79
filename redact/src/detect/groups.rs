//! Digits in groups, with what people put between them: read once for numbers of every kind.

use super::Sight;

/// Digits in groups, as far as they may be one number.
#[derive(Debug)]
pub(super) struct Groups {
    digits: [u8; DIGITS],
    groups: [Group; GROUPS],
    count: usize,
    /// How many of them a number may have, with one character between two; and a telephone number.
    pub(super) in_number: usize,
    pub(super) in_call: usize,
    start: usize,
}

/// One group of digits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Digits of this group and all before it.
    pub(super) digits: u8,
    /// The character after its last digit, in a window, which has fewer than 256.
    pub(super) end: u8,
    pub(super) size: u8,
    /// The first and the last character between it and the group before.
    pub(super) separators: [u8; 2],
}

/// The first groups of a number, as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) digits: &'a [u8],
    pub(super) groups: &'a [Group],
    pub(super) layout: Layout,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The sizes of groups, each in four bits: `0x324` is `078-05-1120`.
pub(super) type Layout = u32;
/// The layout of a number in one piece, whatever its size.
pub(super) const ONE: Layout = 0;

// === impl Groups ===

impl Groups {
    /// Reads the groups from the digit at `start` on. Once there are two, `may_be` tells whether a
    /// number and a telephone number may begin with them; where none does, that is all.
    pub(super) fn read(
        sight: &mut Sight<'_>,
        start: usize,
        may_be: impl FnOnce(&mut Sight<'_>, &Self) -> (bool, bool),
    ) -> Self {
        let mut read = Self {
            digits: [0; DIGITS],
            groups: [Group::default(); GROUPS],
            count: 0,
            in_number: 0,
            in_call: 0,
            start,
        };
        let mut may_be = Some(may_be);
        let (mut index, mut len) = (start, 0_usize);
        let (mut gap, mut separators) = (0, [0; 2]);
        while read.may_be_number() || read.may_be_call() {
            let from = len;
            let most = if read.may_be_number() {
                DIGITS
            } else {
                CALL_DIGITS
            };
            let mut char = sight.text.get(index);
            while char.is_ascii_digit() {
                // A longer number is none of ours, nor is its beginning.
                let Some(digit) = read.digits.get_mut(..most).and_then(|all| all.get_mut(len))
                else {
                    return read;
                };
                *digit = char;
                len = len.saturating_add(1);
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            let end = index;
            // An extension may follow at once: 555-0132x22.
            let extended = char == b'x' && sight.text.get(end.saturating_add(1)).is_ascii_digit();
            if len == from || (char.is_ascii_alphanumeric() && !extended) {
                break;
            }
            let group = Group {
                digits: byte(len),
                end: byte(end),
                size: byte(len.saturating_sub(from)),
                separators,
            };
            read.push(group, gap, extended);
            if read.count == 2
                && let Some(may_be) = may_be.take()
            {
                let (number, call) = may_be(sight, &read);
                read.in_number = if number { read.in_number } else { 0 };
                read.in_call = if call { read.in_call } else { 0 };
            }
            let first = char;
            while read.may_separate(first, char, index.saturating_sub(end)) {
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            if index == end || !char.is_ascii_digit() {
                break;
            }
            gap = index.saturating_sub(end);
            separators = [first, sight.text.before(index)];
        }
        read
    }

    /// Whether another group may still belong to a number.
    fn may_be_number(&self) -> bool {
        self.in_number == self.count && self.count < NUMBER_GROUPS
    }

    /// Whether another group may still belong to a telephone number.
    fn may_be_call(&self) -> bool {
        self.in_call == self.count && self.count < GROUPS
    }

    /// Whether this character may stand between two groups behind so many others, of which this is the
    /// first.
    fn may_separate(&self, first: u8, char: u8, before: usize) -> bool {
        let number = before == 0 && self.may_be_number();
        let call = before < MOST_BETWEEN && first != b':' && self.may_be_call();
        match char {
            b' ' | b'-' | b'.' | b'/' => number || call,
            b'(' | b')' => call,
            b':' => number,
            _ => false,
        }
    }

    /// Adds a group behind so many characters.
    fn push(&mut self, group: Group, gap: usize, extended: bool) {
        let count = self.count;
        let Some(slot) = self.groups.get_mut(count) else {
            return;
        };
        *slot = group;
        self.count = count.saturating_add(1);
        let parted = gap > 1 || matches!(group.separators, [b'(' | b')', _]);
        if self.in_number == count && count < NUMBER_GROUPS && !parted && !extended {
            self.in_number = self.count;
        }
        let short = usize::from(group.digits) <= CALL_DIGITS;
        if self.in_call == count && short && !matches!(group.separators, [b':', _]) {
            self.in_call = self.count;
        }
    }

    /// The first so many groups, of which there is at least one.
    pub(super) fn part(&self, count: usize) -> Option<Part<'_>> {
        let groups = self.groups.get(..count)?;
        let last = groups.last()?;
        let layout = match groups {
            [_] => ONE,
            groups => groups.iter().fold(0, |layout: Layout, group| {
                layout.wrapping_shl(4) | Layout::from(group.size.min(15))
            }),
        };
        Some(Part {
            digits: self.digits.get(..usize::from(last.digits))?,
            groups,
            layout,
            start: self.start,
            end: usize::from(last.end),
        })
    }

    /// What stands first behind so many groups, if another one of `all` follows.
    pub(super) fn separator_behind(&self, count: usize, all: usize) -> Option<u8> {
        let next = self.groups.get(..all)?.get(count)?;
        next.separators.first().copied()
    }

    /// The sizes of the first two groups, and the first digit.
    pub(super) fn begins_with(&self) -> (u8, u8, u8) {
        let ([first, second, ..], [digit, ..]) = (&self.groups, &self.digits);
        (first.size, second.size, *digit)
    }
}

// === impl Part ===

impl Part<'_> {
    /// The one character between all groups, 0 for a number in one piece; nothing if they differ.
    pub(super) fn separator(&self) -> Option<u8> {
        let first = |group: &Group| group.separators.first().copied().unwrap_or(0);
        let mut separators = self.groups.iter().skip(1).map(first);
        let first = separators.next().unwrap_or(0);
        separators
            .all(|separator| separator == first)
            .then_some(first)
    }
}

/// A place in a window, which has fewer than 256.
fn byte(place: usize) -> u8 {
    u8::try_from(place).unwrap_or(u8::MAX)
}

/// Digits of the longest number, and one more tells that it is longer.
const DIGITS: usize = 24;
/// Groups of the telephone number with the most of them.
const GROUPS: usize = 8;
/// Groups of the number with the most of them, and one that may follow.
const NUMBER_GROUPS: usize = 6;
/// Digits of the longest telephone number (ITU-T E.164 has 15), with a trunk prefix.
pub(super) const CALL_DIGITS: usize = 17;
/// Characters between two groups of a telephone number.
const MOST_BETWEEN: usize = 3;
