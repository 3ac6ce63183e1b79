//! Finds entities in a text, and says from where on it cannot tell yet.
//!
//! A vectorised filter finds anchors ([`class`]); around each, a window of decoded characters
//! ([`text`]) is shown to the families of detectors. What they propose is arbitrated here.

mod address;
mod boring;
mod class;
mod context;
mod custom;
mod net;
mod number;
mod phone;
mod secret;
mod text;
mod token;
mod word;

use crate::entity::{Entity, Kind};
use crate::profile::Profile;

use boring::boring;
use class::Anchors;
pub(crate) use secret::Swallow;
use text::{END, LETTER, OTHER, WIDE, Window};
use word::{Known, escape_start, is_delimiter, last_word, window_start, word_start};

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

/// What the detectors see of an anchor, and where they put what they find.
struct Sight<'a> {
    profile: &'a Profile,
    hints: Hints<'a>,
    raw: &'a [u8],
    /// Before this nothing may be replaced any more.
    floor: usize,
    text: Window<'a>,
    /// The words before and behind the places that were asked for last, and what the name of the
    /// member said.
    left: context::Left,
    right: context::Right,
    key: context::Key<'a>,
    /// Where a number begins that is glued to the word before it.
    glued_at: usize,
    /// What was found, and how much of it.
    found: [Option<Candidate>; FOUND],
    count: usize,
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
    // Most pieces of text have nothing to look at.
    let mut sight: Option<Sight<'_>> = None;
    let mut anchors = Anchors::NONE;
    let mut key = context::Key::new(hints.key);
    let mut word = Known::default();
    while let Some(anchor) = next_anchor(profile, raw, at, &mut anchors) {
        if let Some(after) = boring(profile, &mut key, raw, anchor) {
            at = after;
            continue;
        }
        let start = window_start(raw, anchor, &mut word);
        if let Some(last) = pending
            && start >= last.found.end
        {
            floor = last.found.end;
            sink(last.found);
            pending = None;
        }
        let sight = sight.get_or_insert_with(|| Sight::new(profile, hints, raw, ends));
        sight.begin_at(start, pending.map_or(floor, |last| last.found.start));
        let next = sight.look(anchor);
        if sight.text.undecided {
            // A word is held as a whole: an `@` may still come behind it.
            let hold = escape_start(raw, start.min(last_word(raw))).max(floor);
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
        sight.sort();
        for candidate in sight.found.iter().take(sight.count).flatten() {
            let mut found = Pending::new(candidate, &sight.text);
            // What is swallowed may go on behind a match that was certain before.
            if let Some(swallow) = found.found.goes_on
                && found.found.end <= floor
            {
                let (end, _) = swallow.pass(raw, found.found.end, ends);
                (found.found.start, found.found.end) = (floor, end);
            }
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
fn next_anchor(profile: &Profile, raw: &[u8], at: usize, anchors: &mut Anchors) -> Option<usize> {
    match &profile.starts {
        None => anchors.next(raw, at),
        Some(starts) => class::find_with(raw, at, starts),
    }
}

// === impl Sight ===

impl<'a> Sight<'a> {
    /// Of this text, and nothing of it yet.
    fn new(profile: &'a Profile, hints: Hints<'a>, raw: &'a [u8], ends: bool) -> Self {
        Self {
            profile,
            hints,
            raw,
            floor: 0,
            text: Window::new(raw, ends),
            left: context::Left::NOWHERE,
            right: context::Right::NOWHERE,
            key: context::Key::new(hints.key),
            glued_at: 0,
            found: [None; FOUND],
            count: 0,
        }
    }

    /// Begins anew with a window at the raw position `start`.
    fn begin_at(&mut self, start: usize, floor: usize) {
        self.text.begin_at(start);
        self.right.forget();
        (self.floor, self.glued_at, self.count) = (floor, 0, 0);
    }

    /// Puts what was found in order.
    fn sort(&mut self) {
        let found = self.found.get_mut(..self.count).unwrap_or_default();
        if found.len() > 1 {
            found.sort_unstable_by_key(|slot| slot.map_or(usize::MAX, |found| found.start));
        }
    }

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
        let mut digits = index;
        while self.text.get(digits).is_ascii_digit() {
            digits = digits.saturating_add(1);
        }
        let mut end = digits;
        while self.text.get(end).is_ascii_alphanumeric() {
            end = end.saturating_add(1);
        }
        let first = self.is_first_digit_since(start, index);
        if first {
            // What follows digits at once is no number, but the extension of one.
            let may_be_number = digits == end || self.text.get(digits) == b'x';
            if start == index && may_be_number {
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
        start < index
            && GLUE.iter().any(|word| {
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
        if candidate.end <= candidate.start && candidate.goes_on.is_none() {
            return;
        }
        if let Some(slot) = self.found.get_mut(self.count) {
            *slot = Some(candidate);
            self.count = self.count.saturating_add(1);
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
            goes_on: self.found.goes_on.max(other.found.goes_on),
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
#[cfg(test)]
pub(crate) mod tests;
