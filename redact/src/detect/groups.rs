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
    pub(super) start: usize,
}

/// One group of digits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Of this group and all before it: their sizes and their digits.
    layout: Layout,
    pub(super) digits: u8,
    /// The character after its last digit, in a window, which has fewer than 256.
    end: u8,
    pub(super) size: u8,
    /// The first and the last character between it and the group before.
    pub(super) separators: [u8; 2],
    /// Whether the same character stands before this group and all before it.
    is_alike: bool,
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
        may_be: fn(&mut Sight<'_>, &Self) -> (bool, bool),
    ) -> Self {
        let mut read = Self {
            digits: [0; DIGITS],
            groups: [Group::default(); GROUPS],
            count: 0,
            in_number: 0,
            in_call: 0,
            start,
        };
        let (mut number, mut call) = (true, true);
        let (mut index, mut len) = (start, 0_usize);
        let mut char = sight.text.get(start);
        let mut last = Group {
            is_alike: true,
            ..Group::default()
        };
        while let Some(slot) = read.groups.get_mut(read.count) {
            let from = len;
            let most = if number { DIGITS } else { CALL_DIGITS };
            while char.is_ascii_digit() {
                // A longer number is none of ours, nor is its beginning.
                let Some(digit) = read.digits.get_mut(len).filter(|_| len < most) else {
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
            let size = byte(len.saturating_sub(from));
            last.layout = last.layout.wrapping_shl(4) | Layout::from(size.min(15));
            (last.digits, last.end, last.size) = (byte(len), byte(end), size);
            *slot = last;
            read.count = read.count.saturating_add(1);
            number &= read.count <= NUMBER_GROUPS && !extended;
            call &= len <= CALL_DIGITS;
            if number {
                read.in_number = read.count;
            }
            if call {
                read.in_call = read.count;
            }
            if read.count == 2 {
                let wanted = may_be(sight, &read);
                (number, call) = (number && wanted.0, call && wanted.1);
                read.in_number = if wanted.0 { read.in_number } else { 0 };
                read.in_call = if wanted.1 { read.in_call } else { 0 };
            }
            number &= read.count < NUMBER_GROUPS;
            call &= read.count < GROUPS;
            let first = char;
            match first {
                b' ' | b'-' | b'.' | b'/' => {}
                b'(' | b')' => number = false,
                b':' => call = false,
                _ => break,
            }
            if !(number || call) {
                break;
            }
            let mut before = char;
            index = index.saturating_add(1);
            char = sight.text.get(index);
            while call
                && matches!(char, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
                && index.saturating_sub(end) < MOST_BETWEEN
            {
                // One character at the most parts the groups of a number.
                number = false;
                before = char;
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            if !char.is_ascii_digit() {
                break;
            }
            let [known, _] = last.separators;
            last.is_alike &= read.count < 2 || first == known;
            last.separators = [first, before];
        }
        read
    }

    /// The first so many groups, of which there is at least one.
    pub(super) fn part(&self, count: usize) -> Option<Part<'_>> {
        let groups = self.groups.get(..count)?;
        let last = groups.last()?;
        let layout = if count == 1 { ONE } else { last.layout };
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
        let last = self.groups.last().filter(|last| last.is_alike)?;
        last.separators.first().copied()
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
