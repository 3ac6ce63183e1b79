//! What is around one anchor, shown to the families of detectors, and what they propose.

use std::ops::Range;

use crate::entity::{Entity, Kind};
use crate::profile::Profile;

use super::text::{END, LETTER, OTHER, WIDE, Window};
use super::word::{is_delimiter, word_start};
use super::{Hints, Swallow, address, context, custom, net, number, secret, token};

/// What a family of detectors proposes, in characters of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    pub(super) strength: Strength,
    pub(super) goes_on: Option<Swallow>,
}

/// How hard it is to be such a match by chance: about the binary digits that had to be right.
pub(super) type Strength = u8;

/// What the detectors see of an anchor, and where they put what they find.
pub(super) struct Sight<'a> {
    pub(super) profile: &'a Profile,
    pub(super) hints: Hints<'a>,
    pub(super) raw: &'a [u8],
    /// Before this nothing may be replaced any more.
    pub(super) floor: usize,
    pub(super) text: Window<'a>,
    /// The words before and behind the places that were asked for last, and what the name of the
    /// member said.
    pub(super) left: context::Left,
    pub(super) right: context::Right,
    pub(super) key: context::Key<'a>,
    /// Where in the raw text there is nothing that could be a word.
    quiet: Range<usize>,
    /// Where a number begins that is glued to the word before it.
    pub(super) glued_at: usize,
    /// What was found, and how much of it.
    pub(super) found: [Option<Candidate>; FOUND],
    pub(super) count: usize,
}

// === impl Sight ===

impl<'a> Sight<'a> {
    /// Of this text, and nothing of it yet.
    pub(super) fn new(profile: &'a Profile, hints: Hints<'a>, raw: &'a [u8], ends: bool) -> Self {
        Self {
            profile,
            hints,
            raw,
            floor: 0,
            text: Window::new(raw, ends),
            left: context::Left::NOWHERE,
            right: context::Right::NOWHERE,
            key: context::Key::new(hints.key),
            quiet: 0..0,
            glued_at: 0,
            found: [None; FOUND],
            count: 0,
        }
    }

    /// Begins anew with a window at the raw position `start`.
    pub(super) fn begin_at(&mut self, start: usize, floor: usize) {
        self.text.begin_at(start);
        self.right.forget();
        (self.floor, self.glued_at, self.count) = (floor, 0, 0);
    }

    /// Puts what was found in order.
    pub(super) fn sort(&mut self) {
        let found = self.found.get_mut(..self.count).unwrap_or_default();
        if found.len() > 1 {
            found.sort_unstable_by_key(|slot| slot.map_or(usize::MAX, |found| found.start));
        }
    }

    /// Shows what is around an anchor to the families; returns where to go on.
    pub(super) fn look(&mut self, anchor: usize) -> usize {
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
    pub(super) fn look_at_run(&mut self, index: usize) -> usize {
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
            token::look(self, start, end, start == index && digits == end);
            secret::look(self, start, index);
            net::look(self, index);
            if self.is_glued(start, index) {
                self.glued_at = index;
                number::look(self, index);
                token::look(self, index, end, digits == end);
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
    pub(super) fn is_glued(&mut self, start: usize, index: usize) -> bool {
        start < index
            && GLUE.iter().any(|word| {
                word.len() == index.saturating_sub(start)
                    && word
                        .iter()
                        .zip(start..)
                        .all(|(byte, at)| self.text.get(at) == *byte)
            })
    }

    pub(super) fn is_first_digit_since(&mut self, start: usize, index: usize) -> bool {
        (start..index).all(|at| !self.text.get(at).is_ascii_digit())
    }

    /// Proposes a match, if anybody wants it.
    #[inline(never)]
    pub(super) fn propose(&mut self, entity: Entity, start: usize, end: usize, strength: Strength) {
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

    pub(super) fn put(&mut self, candidate: Candidate) {
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

    /// Whether there is neither a word before `start` nor a name of the member that could say what the
    /// number is that begins there.
    pub(super) fn is_quiet(&mut self, start: usize) -> bool {
        if !self.hints.key.is_empty() {
            return false;
        }
        let end = self.raw_begin(start);
        let from = end.saturating_sub(context::LEFT_BYTES);
        let known = if self.quiet.start <= from && from <= self.quiet.end {
            self.quiet.end.min(end)
        } else {
            from
        };
        let rest = self.raw.get(known..end).unwrap_or_default();
        let speaks = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
        let quiet = !rest.iter().fold(false, |any, byte| any | speaks(byte));
        if quiet {
            let begin = if known > from { self.quiet.start } else { from };
            self.quiet = begin..end;
        }
        quiet
    }

    /// The raw position of a character.
    pub(super) fn raw_begin(&self, index: usize) -> usize {
        self.text.begin(index)
    }

    /// Whether the character before `start` lets a word or number begin there.
    pub(super) fn begins_word(&mut self, start: usize) -> bool {
        let before = self.left_of(start);
        !(before.is_ascii_alphanumeric() || matches!(before, b'_' | LETTER))
    }

    /// Whether the character at `end` lets a word or number end before it.
    pub(super) fn ends_word(&mut self, end: usize) -> bool {
        let next = self.text.get(end);
        !(next.is_ascii_alphanumeric() || matches!(next, b'_' | LETTER))
    }

    /// The size of the group of hexadecimal digits before `start`, if `separator` is between, and
    /// whether it has letters. A group of letters alone is a word.
    pub(super) fn group_before(&self, start: usize, separator: u8) -> Option<(usize, bool)> {
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
    pub(super) fn group_behind(&mut self, end: usize, separator: u8) -> Option<(usize, bool)> {
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
    pub(super) fn left_of(&mut self, start: usize) -> u8 {
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
    pub(super) fn second_left_of(&mut self, start: usize) -> u8 {
        match start.checked_sub(1) {
            Some(one) => self.left_of(one),
            None => {
                let at = self.text.begin(0).checked_sub(2);
                at.and_then(|at| self.raw.get(at)).copied().unwrap_or(END)
            }
        }
    }
}

/// Proposals that one anchor can make; further ones push out the weakest.
const FOUND: usize = 8;
/// Words that stand before numbers.
const GLUE: [&[u8]; 4] = [b"is", b"no", b"number", b"to"];
/// Letters and digits in a row that are too few for any match without a separator.
const SHORT: usize = 7;
