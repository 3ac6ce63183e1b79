//! Finds entities in a text, and says from where on it cannot tell yet.
//!
//! A vectorised filter finds anchors ([`class`]); around each, a window of decoded characters
//! ([`text`]) is shown to the families of detectors. What they propose is arbitrated here.

mod address;
mod boring;
mod class;
mod context;
mod custom;
mod groups;
mod net;
mod number;
mod pending;
mod phone;
mod secret;
mod sight;
mod text;
mod token;
mod word;

use crate::entity::Kind;
use crate::profile::Profile;

use boring::boring;
use class::Anchors;
pub(crate) use class::{BLOCK, Like, find_byte};
use pending::Pending;
pub(crate) use secret::Swallow;
use sight::{Candidate, Sight, Strength};
use word::{Known, escape_start, last_word, window_start};

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
    // A chain of matches that is cut is looked at twice in part.
    let mut left = from;
    let mut emit = |found: Match| {
        if found.end > left {
            let start = found.start.max(left);
            left = found.end;
            sink(Match { start, ..found });
        }
    };
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
            emit(last.found);
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
                    emit(last.found);
                    hold
                }
                None => hold,
            };
        }
        let mut next = next.max(anchor.saturating_add(1));
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
                && last.overlaps(&found)
                && last.is_too_long_with(&found)
            {
                // The chain is cut, and what is left of this one is a match by itself. The text is
                // looked at again from its beginning on, as it would be if it had been cut there.
                emit(last.found);
                pending = None;
                (next, floor) = (found.found.start, found.found.start);
                break;
            }
            if let Some(last) = pending
                && !last.overlaps(&found)
            {
                floor = last.found.end;
                emit(last.found);
                pending = None;
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
            emit(Match {
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
        pending.into_iter().for_each(|last| emit(last.found));
        return raw.len();
    }
    let word = last_word(raw).max(floor);
    match pending {
        Some(last) if last.found.end > word => last.found.start,
        Some(last) => {
            emit(last.found);
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

#[cfg(test)]
pub(crate) mod tests;
