//! Telephone numbers: international ones by their plan, national ones by how people write them.

use crate::check;
use crate::entity::Entity;

use super::Sight;
use super::context::Words;
use super::groups::{CALL_DIGITS, Group, Groups, Part};
use super::number::may_end;

/// What the text says before a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// `My number is …`
    Number,
    Phone,
}

/// Whether a national number may begin with the first two groups: where no word says that it is one,
/// only in those sizes in which people write them.
pub(super) fn may_begin_with(sight: &mut Sight<'_>, groups: &Groups) -> bool {
    let written = match groups.begins_with() {
        (1..=3, 3, _) | (2 | 5, 5, _) | (2, 10, _) => true,
        (3..=5, 4..=8, digit) | (4 | 5, 3, digit) => digit == b'0',
        _ => false,
    };
    let begin = begin(sight, groups.start);
    sight.profile.wants(Entity::PhoneNumber) && (written || !sight.is_quiet(begin))
}

/// Looks for a national number in these groups, of which the first begins at `start`.
pub(super) fn look(sight: &mut Sight<'_>, call: &Groups, start: usize) {
    if !sight.profile.wants(Entity::PhoneNumber) {
        return;
    }
    let begin = begin(sight, start);
    let open = begin < start;
    // What a word says is asked only where it matters.
    let mut said = sight.is_quiet(begin).then_some(Said::Nothing);
    // No plan has more groups; where a word speaks for it, people write any number of them.
    let most = match said {
        Some(_) => MOST_GROUPS,
        None => call.in_call,
    };
    for count in (1..=call.in_call.min(most)).rev() {
        let Some(part) = call.part(count) else {
            continue;
        };
        let size = part.digits.len();
        if size < 7 {
            return;
        }
        if size > 15 {
            continue;
        }
        if count > MOST_GROUPS && Said::once(&mut said, sight, begin) == Said::Nothing {
            continue;
        }
        let national = is_national(&part, open);
        let likely =
            !national && said != Some(Said::Nothing) && is_like_one(sight, &part, open, begin);
        if !(national || likely) || !may_end_behind(sight, call, &part) {
            continue;
        }
        let strength = if national {
            10
        } else if Said::once(&mut said, sight, begin).speaks_for(&part) {
            4
        } else {
            continue;
        };
        sight.propose(Entity::PhoneNumber, begin, part.end, strength);
        return;
    }
}

/// Where a number begins whose first group begins at `start`: with the parenthesis that it is in.
fn begin(sight: &mut Sight<'_>, start: usize) -> usize {
    match start.checked_sub(1) {
        Some(before) if sight.left_of(start) == b'(' => before,
        _ => start,
    }
}

/// Looks for an international number in these groups, of which the first stands behind a plus sign.
pub(super) fn look_behind_plus(sight: &mut Sight<'_>, call: &Groups, start: usize) {
    let plus = start.saturating_sub(1);
    let left = sight.left_of(plus);
    if left.is_ascii_alphanumeric() || left == b'+' {
        return;
    }
    for count in (1..=call.in_call).rev() {
        let Some(part) = call.part(count) else {
            continue;
        };
        if !may_end_behind(sight, call, &part) {
            continue;
        }
        let Part { digits, groups, .. } = part;
        // The trunk prefix that one leaves out from abroad: +44 (0)20 …
        let mut dialled = [0; CALL_DIGITS];
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
            sight.propose(Entity::PhoneNumber, begin, part.end, 14);
            return;
        }
    }
}

/// Whether these groups are a number of a national plan, as people write it.
fn is_national(part: &Part<'_>, open: bool) -> bool {
    let Part { digits, groups, .. } = *part;
    let mut seps = groups
        .iter()
        .skip(if open { 2 } else { 1 })
        .map(|group| group.separators);
    let first = seps.next();
    let plain = |seps: &[u8; 2]| matches!(seps, [b' ' | b'-' | b'.', last] if last == seps.first().unwrap_or(&0));
    let mut uniform = || first.is_none_or(|first| plain(&first) && seps.all(|sep| sep == first));
    let written = match (part.layout, digits) {
        (0x334, _) if check::nanp(digits) => true,
        (0x1334, [b'1', rest @ ..]) => check::nanp(rest),
        (0x2334, [b'9', b'1', rest @ ..]) => check::nanp(rest) || check::in_mobile(rest),
        (0x55, _) => check::in_mobile(digits) && first.is_some_and(|sep| sep != *b".."),
        (0x255 | 0x2A, [b'9', b'1', rest @ ..]) => check::in_mobile(rest),
        (_, [b'0', ..]) => {
            let mut sizes = groups.iter().map(|group| group.size);
            groups.len() > 1
                && sizes.next().is_some_and(|size| (3..=5).contains(&size))
                && sizes.all(|size| (3..=8).contains(&size))
                && check::gb_national(digits)
        }
        _ => false,
    };
    written && open == closes(groups) && uniform()
}

/// Whether people write numbers so where a word says that this is one.
fn is_like_one(sight: &mut Sight<'_>, part: &Part<'_>, open: bool, begin: usize) -> bool {
    let Part { digits, groups, .. } = *part;
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

/// Whether a telephone number may end with this part of the groups.
fn may_end_behind(sight: &mut Sight<'_>, call: &Groups, part: &Part<'_>) -> bool {
    match call.separator_behind(part.groups.len(), call.in_call) {
        Some(separator) => separator == b' ',
        None => sight.text.get(part.end) == b'x' || may_end(sight, part.end),
    }
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
    fn speaks_for(self, part: &Part<'_>) -> bool {
        let Part { digits, groups, .. } = *part;
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
