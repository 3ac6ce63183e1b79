//! Finds entities in a text, and says from where on it cannot tell yet.
//!
//! A vectorised filter finds anchors ([`class`]); around each, a window of decoded characters
//! ([`text`]) is shown to the families of detectors. What they propose is arbitrated here.

mod address;
mod class;
mod context;
mod custom;
mod net;
mod number;
mod phone;
mod secret;
mod text;
mod token;

use crate::entity::{Entity, Kind};
use crate::profile::Profile;

pub(crate) use secret::Swallow;
use text::{END, LETTER, OTHER, WIDE, Window};

/// One entity found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// What is known of a text beside itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hints<'a> {
    /// The name of the JSON member that holds it.
    pub(crate) key: &'a [u8],
    /// It is one field of a table: a number that is all there is of it needs no context words.
    pub(crate) bare: bool,
}

/// One entity, final.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    /// It goes on in the text that follows; this tells how far.
    pub(crate) goes_on: Option<Swallow>,
}

/// What a family of detectors proposes, in characters of the window.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    start: usize,
    end: usize,
    kind: Kind,
    strength: Strength,
    goes_on: Option<Swallow>,
}

/// How hard it is to be such a match by chance: about the binary digits that had to be right.
type Strength = u8;

/// What the detectors see of one anchor, and where they put what they find.
struct Sight<'a, 'b> {
    profile: &'a Profile,
    hints: Hints<'a>,
    raw: &'b [u8],
    /// Before this nothing may be replaced any more.
    floor: usize,
    text: &'a mut Window<'b>,
    /// The words before the place that was asked for last.
    left: context::Left,
    /// Where a number begins that is glued to the word before it.
    glued_at: usize,
    found: [Option<Candidate>; FOUND],
}

/// A match that a later anchor may still extend.
#[derive(Clone, Copy, Debug)]
struct Pending {
    found: Match,
    strength: Strength,
    /// The length that it won by, before it was joined with others.
    length: usize,
}

/// Lists what is in `text`, which is whole, in order. `bare` tells that the text is one field of a
/// table: then a number that is all there is of it needs no context words.
pub fn find(profile: &Profile, text: &[u8], bare: bool) -> Vec<Span> {
    let mut spans = Vec::new();
    let hints = Hints { key: b"", bare };
    scan(profile, hints, text, 0, true, &mut |found| {
        let Match {
            start, end, kind, ..
        } = found;
        spans.push(Span { start, end, kind });
    });
    spans
}

/// Finds what is in `raw` from `from` on; what stands before has left, or is known to be nothing.
/// Gives the matches to `sink`, in order, and returns where the text begins that may still become
/// one. Where the text `ends`, that is nowhere.
///
/// However a text is cut, the same matches come out: a verdict counts only if it looked at nothing
/// that is not there yet, and looks back no further than what a [`crate::stream::Scanner`] keeps.
pub(crate) fn scan(
    profile: &Profile,
    hints: Hints<'_>,
    raw: &[u8],
    from: usize,
    ends: bool,
    sink: &mut dyn FnMut(Match),
) -> usize {
    let mut pending: Option<Pending> = None;
    let (mut at, mut floor) = (from, from);
    let mut window = Window::new(raw, ends);
    while let Some(anchor) = next_anchor(profile, raw, at) {
        if let Some(after) = boring(profile, raw, anchor) {
            at = after;
            continue;
        }
        let start = window_start(raw, anchor);
        if let Some(last) = pending
            && start >= last.found.end
        {
            floor = last.found.end;
            sink(last.found);
            pending = None;
        }
        window.begin_at(start);
        let mut sight = Sight {
            profile,
            hints,
            raw,
            floor: pending.map_or(floor, |last| last.found.start),
            text: &mut window,
            left: context::Left::NOWHERE,
            glued_at: 0,
            found: [None; FOUND],
        };
        let next = sight.look(anchor);
        if sight.text.undecided {
            let hold = start.max(floor);
            return match pending {
                Some(last) if last.found.end > hold => last.found.start,
                Some(last) => {
                    sink(last.found);
                    hold
                }
                None => hold,
            };
        }
        let next = next.max(anchor.saturating_add(1));
        sight
            .found
            .sort_unstable_by_key(|slot| slot.map_or(usize::MAX, |found| found.start));
        for candidate in sight.found.iter().flatten() {
            let mut found = Pending::new(candidate, sight.text);
            if let Some(last) = pending
                && !last.takes(&found)
            {
                floor = last.found.end;
                sink(last.found);
                pending = None;
                // What is left of it is masked by itself.
                found.found.start = found.found.start.max(floor);
            }
            if found.found.start < found.found.end {
                pending = Some(pending.map_or(found, |last| last.join(&found, profile)));
            }
        }
        at = next;
        if let Some(Pending { found, .. }) = pending
            && let Some(swallow) = found.goes_on
        {
            let (end, over) = swallow.pass(raw, found.end, ends);
            let goes_on = (!over).then_some(swallow);
            sink(Match {
                end,
                goes_on,
                ..found
            });
            pending = None;
            floor = end;
            at = end;
            if !over {
                return end;
            }
        }
    }
    if ends {
        pending.into_iter().for_each(|last| sink(last.found));
        return raw.len();
    }
    let word = last_word(raw).max(floor);
    match pending {
        Some(last) if last.found.end > word => last.found.start,
        Some(last) => {
            sink(last.found);
            word.max(last.found.end)
        }
        None => word,
    }
}

/// The next place where something may be.
fn next_anchor(profile: &Profile, raw: &[u8], at: usize) -> Option<usize> {
    match &profile.starts {
        None => class::find(raw, at),
        Some(starts) => class::find_with(raw, at, starts),
    }
}

/// Passes over short numbers and short names with digits in them, which most anchors are: returns
/// where to go on. Says nothing unless it sees enough to be sure.
fn boring(profile: &Profile, raw: &[u8], anchor: usize) -> Option<usize> {
    if profile.starts.is_some() || !raw.get(anchor)?.is_ascii_digit() {
        return None;
    }
    let at = |place: usize| raw.get(place).copied();
    let back = raw.get(anchor.saturating_sub(SHORT)..anchor)?;
    let letters = back
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let mut start = anchor.saturating_sub(letters);
    // The letter of an escape is none of the name: `\n3`.
    let escaped = letters > 0 && start.checked_sub(1).and_then(at) == Some(b'\\');
    start = start.saturating_add(usize::from(escaped));
    let run = raw
        .get(start..)?
        .iter()
        .take(SHORT)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let middle = is_in_the_middle(raw, start, letters);
    if middle && run < SHORT {
        return Some(start.saturating_add(run));
    }
    if run >= SHORT {
        return None;
    }
    if letters == 0 && is_in_a_table(raw, start, run) {
        return Some(start.saturating_add(run));
    }
    let before = |steps: usize| start.checked_sub(steps).and_then(at);
    let end = start.saturating_add(run);
    let (next, after) = (at(end)?, at(end.saturating_add(1))?);
    match before(1) {
        _ if escaped => {}
        // What two capitals, or the crosses of a masked number, may have begun is looked at.
        Some(b' ')
            if before(2)
                .is_none_or(|byte| byte.is_ascii_uppercase() || matches!(byte, b'x' | b'*')) =>
        {
            return None;
        }
        Some(b'(') if next == b')' && matches!(after, b',' | b';' | b')' | b'"' | b'?') => {}
        None
        | Some(
            b' ' | b'"' | b',' | b'=' | b'[' | b'>' | b'<' | b'{' | b';' | b'|' | b'\'' | b'\n'
            | b'\t',
        ) => {}
        Some(_) => return None,
    }
    let name = letters > 0 && !before_digits(raw, anchor).is_ascii_hexdigit();
    let over = match next {
        b' ' => match after {
            b'0'..=b'9' | b'(' | b'+' | b'-' | 0x80.. => false,
            b'A'..=b'Z' | b'a'..=b'z' => {
                (letters == 0 || run != 4) && (run != 2 || !after.is_ascii_hexdigit())
            }
            _ => true,
        },
        b'.' if after.is_ascii_digit() && letters == 0 => is_decimal(raw, end)?,
        b'.' => !after.is_ascii_alphanumeric() && after < 0x80,
        b':' => name && (after == b':' || after == b' '),
        b'\\' => matches!(after, b'n' | b'r' | b't' | b'"'),
        b'-' | b'/' | b'@' | b'_' | b'%' | b'+' | b'&' | b'#' | 0x80.. => false,
        b')' => before(1) == Some(b'(') || !matches!(after, b' ' | b'-' | b'.'),
        _ => true,
    };
    over.then_some(end)
}

/// Whether what begins at `start` is the middle of a chain whose beginning has been looked at:
/// `1.2`, `10:30`, `2024-11`, `550e8400-e29b`.
fn is_in_the_middle(raw: &[u8], start: usize, letters: usize) -> bool {
    match raw.get(start.saturating_sub(2)..start) {
        Some([b'0'..=b'9', b'-']) => true,
        Some([b'0'..=b'9', b'.' | b':' | b'/']) => letters == 0,
        _ => false,
    }
}

/// Whether a group of digits and the next one are none that a number is written in, and no word
/// stands near that could say otherwise.
fn is_in_a_table(raw: &[u8], start: usize, size: usize) -> bool {
    let end = start.saturating_add(size);
    let Some(([b' ', first, ..], left)) = raw
        .get(end..)
        .zip(raw.get(start.saturating_sub(context::LEFT_BYTES)..start))
    else {
        return false;
    };
    if !first.is_ascii_digit() || left.last() != Some(&b' ') {
        return false;
    }
    let next = raw.get(end.saturating_add(1)..).unwrap_or_default();
    let next_size = next
        .iter()
        .take(11)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if next_size == next.len() {
        return false;
    }
    let zero = raw.get(start) == Some(&b'0');
    let written = match size {
        1 => matches!(next_size, 3 | 4),
        2 => matches!(next_size, 3 | 4 | 5 | 10),
        3 => matches!(next_size, 2 | 3) || zero,
        5 => next_size == 5 || zero,
        6 => next_size == 4,
        _ => true,
    };
    let word = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'*' | 0x80..);
    !written && !left.iter().any(word)
}

/// The character before the first digit of a name.
fn before_digits(raw: &[u8], anchor: usize) -> u8 {
    let before = anchor.checked_sub(1).and_then(|at| raw.get(at));
    before.copied().unwrap_or(b' ')
}

/// Whether a number with a point at `point` is over after a few decimals.
fn is_decimal(raw: &[u8], point: usize) -> Option<bool> {
    let decimals = raw.get(point.saturating_add(1)..)?;
    let size = decimals
        .iter()
        .take(SHORT)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (next, after) = (*decimals.get(size)?, *decimals.get(size.saturating_add(1))?);
    let goes_on = match next {
        b' ' => !after.is_ascii_alphabetic(),
        b',' | b'"' | b';' | b')' | b'}' | b']' | b'<' => false,
        _ => true,
    };
    Some(size < SHORT && !goes_on)
}

/// Where the window for an anchor begins: with the word that it stands in, and with what may belong
/// to it before that: two capitals, the masked part of a number, an opening parenthesis.
fn window_start(raw: &[u8], anchor: usize) -> usize {
    match raw.get(anchor) {
        // An address has one `@`, so what is before another one is none of it.
        Some(b'@') => word_start(raw, anchor, WORD_BYTES, true),
        _ => with_what_belongs(raw, word_start(raw, anchor, NUMBER_BYTES, true)),
    }
}

fn with_what_belongs(raw: &[u8], mut start: usize) -> usize {
    let before = |at: usize, size: usize| raw.get(at.saturating_sub(size)..at).unwrap_or_default();
    for _ in 0..2 {
        if let [a, b, c, d, b' '] = before(start, 5)
            && [a, b, c, d]
                .into_iter()
                .all(|byte| matches!(byte, b'X' | b'x' | b'*'))
        {
            start = start.saturating_sub(5);
        }
    }
    match before(start, 3) {
        [a, b, b' '] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => start.saturating_sub(3),
        [.., b'('] => start.saturating_sub(1),
        _ => start,
    }
}

/// Where the text begins that a word still to come may join.
fn last_word(raw: &[u8]) -> usize {
    // A character that the end cuts off may turn out to be one that joins.
    let cut = raw
        .iter()
        .rev()
        .take(3)
        .take_while(|byte| matches!(byte, 0x80..=0xBF))
        .count();
    let lead = raw.len().saturating_sub(cut).saturating_sub(1);
    let whole: usize = match raw.get(lead) {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 0,
    };
    let end = if whole > cut.saturating_add(1) {
        lead
    } else {
        raw.len()
    };
    with_what_belongs(raw, word_start(raw, end, WORD_BYTES, false))
}

/// Where the word begins that ends before `at`, at most so many bytes back.
fn word_start(raw: &[u8], at: usize, most: usize, sign_ends: bool) -> usize {
    let mut start = at;
    let least = at.saturating_sub(most);
    while start > least {
        let before = start.saturating_sub(1);
        let Some(byte) = raw.get(before) else { break };
        match byte {
            0x80..=0xBF => {
                // Inside a character; its first byte, at most three before, tells what it is.
                let lead = (before.saturating_sub(3)..before)
                    .rev()
                    .find(|at| raw.get(*at).is_some_and(|byte| *byte >= 0xC0));
                let char = lead
                    .and_then(|lead| raw.get(lead..start))
                    .unwrap_or_default();
                if !joins(char) {
                    return start;
                }
                start = start.saturating_sub(char.len());
            }
            0xC0.. => return start,
            b'@' if sign_ends => return start,
            byte if is_delimiter(*byte) => return start,
            _ => start = before,
        }
    }
    escape_start(raw, start)
}

/// Where the escape begins that `at` stands in the middle of, or `at`. What is held back begins with
/// whole characters: of an event that ends in half an escape no client can make anything.
fn escape_start(raw: &[u8], at: usize) -> usize {
    let is_slash = |place: usize| raw.get(place) == Some(&b'\\');
    let Some(slash) = (1..=5)
        .filter_map(|back| at.checked_sub(back))
        .find(|place| is_slash(*place))
    else {
        return at;
    };
    let size = if raw.get(slash.saturating_add(1)) == Some(&b'u') {
        6
    } else {
        2
    };
    if slash.saturating_add(size) <= at {
        return at;
    }
    let run = (0..=slash)
        .rev()
        .take(text::BACKSLASHES)
        .take_while(|place| is_slash(*place))
        .count();
    let start = slash.saturating_add(1).saturating_sub(run);
    // The second half of a pair stays with the first.
    let low = raw.get(slash.saturating_add(2)..slash.saturating_add(4));
    let pair = size == 6 && matches!(low, Some([b'd' | b'D', b'c'..=b'f' | b'C'..=b'F']));
    let first = start.saturating_sub(run.saturating_add(5));
    if pair && first < start && is_slash(first) {
        first
    } else {
        start
    }
}

/// Whether a character outside ASCII may stand within a word that matters.
fn joins(char: &[u8]) -> bool {
    match char {
        [0xC2, 0xA0] => false,
        [0xC2..=0xDF, _] => true,
        [0xE0, 0xA5, 0xA6..=0xAF] | [0xEF, 0xBC, 0x90..=0x99 | 0xA0 | 0x8E | 0x8B] => true,
        [0xE2, 0x80, 0x8B..=0x95]
        | [0xE2, 0x81, 0xA0..=0xA4]
        | [0xEF, 0xBB, 0xBF]
        | [0xE2, 0x88, 0x92] => true,
        _ => false,
    }
}

fn is_delimiter(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_' | b'-' | b'+' | b'@' | b'%' | b'&' | b'#' | b'\\' | b':' | b'*'
        ))
}

// === impl Sight ===

impl Sight<'_, '_> {
    /// Shows what is around an anchor to the families; returns where to go on.
    fn look(&mut self, anchor: usize) -> usize {
        let index = self.text.index_of(anchor);
        if self.profile.starts.is_some() {
            custom::look(self, index);
        }
        match self.text.get(index) {
            b'@' => {
                address::look(self, index);
                self.text.end(index.saturating_add(1))
            }
            b':' => {
                net::look(self, index);
                self.text.end(index.saturating_add(1))
            }
            b'-' => {
                net::look(self, index);
                secret::look_for_pem(self, index);
                anchor.saturating_add(
                    self.raw
                        .get(anchor..)
                        .unwrap_or_default()
                        .iter()
                        .take_while(|byte| **byte == b'-')
                        .count(),
                )
            }
            b'0'..=b'9' => self.look_at_run(index),
            _ => self.text.end(index.saturating_add(1)),
        }
    }

    /// A run of letters and digits, of which this is the first digit.
    fn look_at_run(&mut self, index: usize) -> usize {
        let mut start = index;
        while self.text.before(start).is_ascii_alphanumeric() && start > 0 {
            start = start.saturating_sub(1);
        }
        let mut end = index;
        while self.text.get(end).is_ascii_alphanumeric() {
            end = end.saturating_add(1);
        }
        let first = self.is_first_digit_since(start, index);
        if first {
            if start == index {
                number::look(self, start);
            }
            token::look(self, start, end);
            secret::look(self, start, index);
            net::look(self, index);
            if self.is_glued(start, index) {
                self.glued_at = index;
                number::look(self, index);
                token::look(self, index, end);
            }
        }
        let next = self.text.end(end);
        // The rest of a run that is longer than any match.
        let rest = self.raw.get(next..).unwrap_or_default();
        next.saturating_add(
            rest.iter()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count(),
        )
    }

    /// Whether the letters before a number are a word that lost its space: `my number is98765…`.
    fn is_glued(&mut self, start: usize, index: usize) -> bool {
        GLUE.iter().any(|word| {
            word.len() == index.saturating_sub(start)
                && word
                    .iter()
                    .zip(start..)
                    .all(|(byte, at)| self.text.get(at) == *byte)
        })
    }

    fn is_first_digit_since(&mut self, start: usize, index: usize) -> bool {
        (start..index).all(|at| !self.text.get(at).is_ascii_digit())
    }

    /// Proposes a match, if anybody wants it.
    fn propose(&mut self, entity: Entity, start: usize, end: usize, strength: Strength) {
        if self.profile.wants(entity) {
            self.put(Candidate {
                start,
                end,
                kind: entity.into(),
                strength,
                goes_on: None,
            });
        }
    }

    fn put(&mut self, candidate: Candidate) {
        let mut candidate = candidate;
        // A match has ended in the middle of this one: what is left of it is still one.
        while candidate.start < candidate.end && self.text.begin(candidate.start) < self.floor {
            candidate.start = candidate.start.saturating_add(1);
        }
        if candidate.end <= candidate.start {
            return;
        }
        let weakest = self
            .found
            .iter_mut()
            .min_by_key(|slot| slot.map_or(0, |known| known.strength.saturating_add(1)));
        if let Some(slot) = weakest {
            *slot = Some(candidate);
        }
    }

    /// The raw position of a character.
    fn raw_begin(&self, index: usize) -> usize {
        self.text.begin(index)
    }

    /// Whether the character before `start` lets a word or number begin there.
    fn begins_word(&mut self, start: usize) -> bool {
        let before = self.left_of(start);
        !(before.is_ascii_alphanumeric() || matches!(before, b'_' | LETTER))
    }

    /// Whether the character at `end` lets a word or number end before it.
    fn ends_word(&mut self, end: usize) -> bool {
        let next = self.text.get(end);
        !(next.is_ascii_alphanumeric() || matches!(next, b'_' | LETTER))
    }

    /// The size of the group of hexadecimal digits before `start`, if `separator` is between, and
    /// whether it has letters. A group of letters alone is a word.
    fn group_before(&self, start: usize, separator: u8) -> Option<(usize, bool)> {
        let at = self.text.begin(start);
        let (last, rest) = self.raw.get(..at)?.split_last()?;
        let group = rest
            .iter()
            .rev()
            .take(SHORT)
            .take_while(|byte| byte.is_ascii_hexdigit());
        let size = group.clone().count();
        let letters = group.filter(|byte| byte.is_ascii_alphabetic()).count();
        (*last == separator && letters < size).then_some((size, letters > 0))
    }

    /// The same of the group behind `end`.
    fn group_behind(&mut self, end: usize, separator: u8) -> Option<(usize, bool)> {
        if self.text.get(end) != separator {
            return None;
        }
        let first = end.saturating_add(1);
        let (mut size, mut letters) = (0_usize, 0_usize);
        while size < SHORT {
            let char = self.text.get(first.saturating_add(size));
            if !char.is_ascii_hexdigit() {
                break;
            }
            letters = letters.saturating_add(usize::from(char.is_ascii_alphabetic()));
            size = size.saturating_add(1);
        }
        (letters < size).then_some((size, letters > 0))
    }

    /// The character left of `start`, in the window or before it.
    fn left_of(&mut self, start: usize) -> u8 {
        if start > 0 {
            return if start == self.glued_at {
                b' '
            } else {
                self.text.before(start)
            };
        }
        let begin = self.text.begin(0);
        match begin.checked_sub(1).and_then(|at| self.raw.get(at)) {
            None => END,
            Some(b'@') => b'@',
            // The window begins within a word that is longer than any match.
            Some(byte) if byte.is_ascii() && !is_delimiter(*byte) => LETTER,
            Some(byte) if byte.is_ascii() => *byte,
            Some(_) if word_start(self.raw, begin, 4, false) < begin => LETTER,
            Some(0x80..=0xBF) => WIDE,
            Some(_) => OTHER,
        }
    }

    /// The character two left of `start`.
    fn second_left_of(&mut self, start: usize) -> u8 {
        match start.checked_sub(1) {
            Some(one) => self.left_of(one),
            None => {
                let at = self.text.begin(0).checked_sub(2);
                at.and_then(|at| self.raw.get(at)).copied().unwrap_or(END)
            }
        }
    }
}

// === impl Pending ===

impl Pending {
    fn new(candidate: &Candidate, text: &Window<'_>) -> Self {
        let (start, end) = (text.begin(candidate.start), text.end(candidate.end));
        let found = Match {
            start,
            end,
            kind: candidate.kind,
            goes_on: candidate.goes_on,
        };
        Self {
            found,
            strength: candidate.strength,
            length: end.saturating_sub(start),
        }
    }

    /// Whether `other` overlaps it, and both together are not longer than what may be held back.
    fn takes(&self, other: &Self) -> bool {
        let size = other.found.end.saturating_sub(self.found.start);
        other.found.start < self.found.end && size <= JOINED_BYTES
    }

    /// One match of two that overlap: it covers both, so that looking for one entity never
    /// uncovers another, and is called by the one with the stricter action, then by the longer,
    /// the stronger, the earlier.
    fn join(self, other: &Self, profile: &Profile) -> Self {
        let rank = |of: &Self| {
            (
                profile.action(of.found.kind),
                of.length,
                of.strength,
                std::cmp::Reverse(of.found.start),
            )
        };
        let winner = if rank(other) > rank(&self) {
            *other
        } else {
            self
        };
        let found = Match {
            start: self.found.start.min(other.found.start),
            end: self.found.end.max(other.found.end),
            kind: winner.found.kind,
            goes_on: self.found.goes_on.or(other.found.goes_on),
        };
        Self { found, ..winner }
    }
}

/// Proposals that one anchor can make; further ones push out the weakest.
const FOUND: usize = 8;
/// Bytes of matches that overlap and are joined to one; a chain of them is cut into several.
const JOINED_BYTES: usize = 256;
/// Words that stand before numbers.
const GLUE: [&[u8]; 4] = [b"is", b"no", b"number", b"to"];
/// Letters and digits in a row that are too few for any match without a separator.
const SHORT: usize = 7;
/// Bytes before an anchor that a match may begin in: a local part of 64, and what is written in
/// more bytes than one.
const WORD_BYTES: usize = 80;
/// The same before the first digit of a number, a key or an address of a machine.
const NUMBER_BYTES: usize = 48;

#[cfg(test)]
pub(crate) mod tests;
