//! Telephone numbers: international ones by their plan, national ones by how people write them.

use crate::check;
use crate::entity::Entity;

use super::Sight;
use super::context::Words;
use super::number::{may_begin, may_end};

/// Digits in groups with what people put between them.
#[derive(Debug, Default)]
struct Call {
    digits: [u8; DIGITS],
    groups: [Group; GROUPS],
    count: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Digits of this group and all before it, and the character after its last digit.
    digits: u8,
    end: u8,
    size: u8,
    /// The first and the last character between it and the group before.
    separators: [u8; 2],
}

/// What the text says before a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// `My number is …`
    Number,
    Phone,
}

/// Looks for a telephone number that begins with the group at `start`.
pub(super) fn look(sight: &mut Sight<'_>, start: usize) {
    if !sight.profile.wants(Entity::PhoneNumber) {
        return;
    }
    let left = sight.left_of(start);
    if left == b'+' && start > 0 {
        let call = Call::read(sight, start);
        return international(sight, &call, start);
    }
    if !may_begin(sight, start) {
        return;
    }
    let call = Call::read(sight, start);
    let open = left == b'(' && start > 0;
    let begin = if open { start.saturating_sub(1) } else { start };
    if call.digits_in(call.count) < 7 {
        return;
    }
    // What a word says is asked only where it matters.
    let mut said = None;
    for count in (1..=call.count).rev() {
        let Some((digits, groups)) = call.first(count) else {
            continue;
        };
        let Some(end) = groups.last().map(|group| usize::from(group.end)) else {
            continue;
        };
        if !(7..=15).contains(&digits.len()) {
            continue;
        }
        // No plan has more groups; where a word speaks for it, people write any number of them.
        if count > MOST_GROUPS && Said::once(&mut said, sight, begin) == Said::Nothing {
            continue;
        }
        let national = is_national(digits, groups, open);
        let likely = !national && is_like_one(sight, digits, groups, open, begin);
        if !(national || likely) || !call.may_end(sight, count) {
            continue;
        }
        let strength = if national {
            10
        } else if Said::once(&mut said, sight, begin).speaks_for(digits, groups) {
            4
        } else {
            continue;
        };
        sight.propose(Entity::PhoneNumber, begin, end, strength);
        return;
    }
}

fn international(sight: &mut Sight<'_>, call: &Call, start: usize) {
    let plus = start.saturating_sub(1);
    let left = sight.left_of(plus);
    if left.is_ascii_alphanumeric() || left == b'+' {
        return;
    }
    for count in (1..=call.count).rev() {
        let Some((digits, groups)) = call.first(count) else {
            continue;
        };
        if !call.may_end(sight, count) {
            continue;
        }
        // The trunk prefix that one leaves out from abroad: +44 (0)20 …
        let mut dialled = [0; DIGITS];
        let mut len: usize = 0;
        let mut from = 0;
        for (place, group) in groups.iter().enumerate() {
            let to = usize::from(group.digits);
            let part = digits.get(from..to).unwrap_or_default();
            from = to;
            let trunk = place > 0 && part == b"0" && group.separators.contains(&b'(');
            for (digit, slot) in part.iter().zip(dialled.iter_mut().skip(len)) {
                *slot = if trunk { 0 } else { *digit };
            }
            len = len.saturating_add(if trunk { 0 } else { part.len() });
        }
        let Some(end) = groups.last().map(|group| usize::from(group.end)) else {
            continue;
        };
        if check::e164(dialled.get(..len).unwrap_or_default()) {
            // `(+44) 20 …`
            let closes = groups
                .iter()
                .skip(1)
                .any(|group| group.separators.first() == Some(&b')'));
            let opens = groups
                .iter()
                .skip(1)
                .any(|group| group.separators.contains(&b'('));
            let begin = if closes && !opens && left == b'(' && plus > 0 {
                plus.saturating_sub(1)
            } else {
                plus
            };
            sight.propose(Entity::PhoneNumber, begin, end, 14);
            return;
        }
    }
}

/// Whether these groups are a number of a national plan, as people write it.
fn is_national(digits: &[u8], groups: &[Group], open: bool) -> bool {
    let mut sizes = [0_u8; GROUPS];
    for (size, group) in sizes.iter_mut().zip(groups) {
        *size = group.size;
    }
    let sizes = sizes.get(..groups.len()).unwrap_or_default();
    let mut seps = groups
        .iter()
        .skip(if open { 2 } else { 1 })
        .map(|group| group.separators);
    let first = seps.next();
    let plain = |seps: &[u8; 2]| matches!(seps, [b' ' | b'-' | b'.', last] if last == seps.first().unwrap_or(&0));
    let uniform = first.is_none_or(|first| plain(&first) && seps.all(|sep| sep == first));
    if open != closes(groups) || !uniform {
        return false;
    }
    match (sizes, digits) {
        ([3, 3, 4], _) if check::nanp(digits) => true,
        ([1, 3, 3, 4], [b'1', rest @ ..]) => check::nanp(rest),
        ([2, 3, 3, 4], [b'9', b'1', rest @ ..]) => check::nanp(rest) || check::in_mobile(rest),
        ([5, 5], _) => check::in_mobile(digits) && first.is_some_and(|sep| sep != *b".."),
        ([2, 5, 5] | [2, 10], [b'9', b'1', rest @ ..]) => check::in_mobile(rest),
        ([3..=5, _, ..], [b'0', ..]) => {
            check::gb_national(digits) && sizes.iter().skip(1).all(|size| (3..=8).contains(size))
        }
        _ => false,
    }
}

/// Whether people write numbers so where a word says that this is one.
fn is_like_one(
    sight: &mut Sight<'_>,
    digits: &[u8],
    groups: &[Group],
    open: bool,
    begin: usize,
) -> bool {
    let several = groups.len() > 1;
    let written = |group: &Group| {
        let [first, last] = group.separators;
        (1..=7).contains(&group.size)
            && !matches!(first, b'/')
            && !matches!(last, b'/')
            && (first != b'.' || groups.len() > 2)
    };
    let size = |place: usize| groups.get(place).map_or(0, |group| group.size);
    let date = matches!((size(0), size(1), size(2)), (4, 2, 2) | (2, 2, 4))
        || (size(4) == 4 && (0..4).all(|place| size(place) == 2));
    // In one piece it may be a time in seconds or milliseconds, which now begin with 1, or an amount.
    let time = digits.starts_with(b"1") && matches!(digits.len(), 10 | 13);
    open == closes(groups)
        && sight.left_of(begin) != b'-'
        && if several {
            groups.iter().all(written) && !date
        } else {
            digits.len() >= 8 && !time
        }
}

/// Whether a parenthesis closes behind the first group.
fn closes(groups: &[Group]) -> bool {
    let second = groups.get(1);
    second.is_some_and(|group| group.separators.first() == Some(&b')'))
}

// === impl Said ===

impl Said {
    fn of(sight: &mut Sight<'_>, begin: usize) -> Self {
        if sight.is_announced(Entity::PhoneNumber, begin, NEAR) {
            Self::Phone
        } else if is_called_number(sight, begin) {
            Self::Number
        } else {
            Self::Nothing
        }
    }

    /// The same, asked only the first time.
    fn once(known: &mut Option<Self>, sight: &mut Sight<'_>, begin: usize) -> Self {
        *known.get_or_insert_with(|| Self::of(sight, begin))
    }

    /// Whether that is enough for these groups.
    fn speaks_for(self, digits: &[u8], groups: &[Group]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number => {
                (8..=12).contains(&digits.len()) && (groups.len() > 1 || digits.len() >= 10)
            }
            Self::Phone => true,
        }
    }
}

/// Whether the text says `… number is`, and not of what else it could be the number.
fn is_called_number(sight: &mut Sight<'_>, begin: usize) -> bool {
    let text = sight.left_text(begin).trim_ascii_end();
    let called = [&b"number is"[..], b"number:", b"numbers are", b"one is"]
        .iter()
        .any(|end| text.ends_with(end));
    called && !sight.left_has(begin, usize::MAX, OTHER_NUMBERS)
}

// === impl Call ===

impl Call {
    fn read(sight: &mut Sight<'_>, start: usize) -> Self {
        let mut call = Self::default();
        let mut index = start;
        let mut separators = [0; 2];
        let mut len: usize = 0;
        while let Some(group) = call.groups.get_mut(call.count) {
            let from = len;
            let mut char = sight.text.get(index);
            while char.is_ascii_digit() {
                let Some(digit) = call.digits.get_mut(len) else {
                    return call;
                };
                *digit = char;
                len = len.saturating_add(1);
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            // An extension may follow at once: 555-0132x22.
            let extension =
                char == b'x' && sight.text.get(index.saturating_add(1)).is_ascii_digit();
            if len == from || (char.is_ascii_alphanumeric() && !extension) {
                break;
            }
            *group = Group {
                digits: byte(len),
                end: byte(index),
                size: byte(len.saturating_sub(from)),
                separators,
            };
            call.count = call.count.saturating_add(1);
            let between = index;
            while matches!(char, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
                && index.saturating_sub(between) < 3
            {
                index = index.saturating_add(1);
                char = sight.text.get(index);
            }
            if index == between || !char.is_ascii_digit() {
                break;
            }
            separators = [sight.text.get(between), sight.text.before(index)];
        }
        call
    }

    fn digits_in(&self, count: usize) -> usize {
        self.first(count).map_or(0, |(digits, _)| digits.len())
    }

    fn first(&self, count: usize) -> Option<(&[u8], &[Group])> {
        let groups = self.groups.get(..count)?;
        let digits = self.digits.get(..usize::from(groups.last()?.digits))?;
        Some((digits, groups))
    }

    fn may_end(&self, sight: &mut Sight<'_>, count: usize) -> bool {
        match self.groups.get(count).filter(|_| count < self.count) {
            Some(next) => next.separators.first() == Some(&b' '),
            None => {
                let end = self
                    .first(count)
                    .and_then(|(_, groups)| groups.last())
                    .map_or(0, |last| usize::from(last.end));
                sight.text.get(end) == b'x' || may_end(sight, end)
            }
        }
    }
}

/// A place in a window, which has fewer than 256.
fn byte(place: usize) -> u8 {
    u8::try_from(place).unwrap_or(u8::MAX)
}

/// Digits of the longest number (ITU-T E.164 has 15), with a trunk prefix.
const DIGITS: usize = 17;
const GROUPS: usize = 8;
/// Groups of the number with the most of them in any plan.
const MOST_GROUPS: usize = 4;
/// Bytes between the word that announces a number of no known form and the number.
const NEAR: usize = 28;
/// What else has a number.
const OTHER_NUMBERS: Words = Words::of(&[
    "order",
    "invoice",
    "tracking",
    "ticket",
    "case",
    "account",
    "reference",
    "policy",
    "serial",
    "part",
    "model",
    "flight",
    "card",
    "id",
    "confirmation",
    "booking",
    "social",
    "licence",
]);
