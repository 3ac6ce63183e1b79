//! What was found and may still grow: matches that overlap become one.

use crate::profile::Profile;

use super::text::Window;
use super::{Candidate, Match, Strength};

/// A match that a later anchor may still extend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) found: Match,
    pub(super) strength: Strength,
    /// The length that it won by, before it was joined with others.
    pub(super) length: usize,
}

// === impl Pending ===

impl Pending {
    pub(super) fn new(candidate: &Candidate, text: &Window<'_>) -> Self {
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

    /// Whether both begin to be one match: they overlap.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        other.found.start < self.found.end
    }

    /// Whether both together are longer than what may be held back.
    pub(super) fn is_too_long_with(&self, other: &Self) -> bool {
        let size = other.found.end.saturating_sub(self.found.start);
        other.found.start > self.found.start && size > JOINED_BYTES
    }

    /// One match of two that overlap: it covers both, so that looking for one entity never
    /// uncovers another, and is called by the one with the stricter action, then by the longer,
    /// the stronger, the earlier.
    pub(super) fn join(self, other: &Self, profile: &Profile) -> Self {
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

/// Bytes of matches that overlap and are joined to one; of a longer chain of them, several are made.
const JOINED_BYTES: usize = 256;
