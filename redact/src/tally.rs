//! What was found, counted; never what it said.

use crate::entity::Kind;
use crate::profile::Action;

/// Counts by kind and action, since the last [`Tally::take`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<(Kind, Action, u32)>,
    blocked: Option<Kind>,
    unscanned: u32,
}

// === impl Tally ===

impl Tally {
    /// What was counted, in the order of its first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Action, u32)> {
        self.counts.iter().copied()
    }

    /// How many of one kind were found, whatever happened to them.
    pub fn of(&self, kind: impl Into<Kind>) -> u32 {
        let kind = kind.into();
        let counts = self.iter().filter(|(of, _, _)| *of == kind);
        counts.fold(0, |sum, (_, _, count)| sum.saturating_add(count))
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.unscanned == 0
    }

    /// The entity that withholds the rest of the message, if one did. Nothing leaves after it.
    pub fn blocked(&self) -> Option<Kind> {
        self.blocked
    }

    /// Events that were too long to be put together: redacted string by string, not across events.
    pub fn oversized_events(&self) -> u32 {
        self.unscanned
    }

    /// What was counted, which is then zero again. A block stays.
    pub fn take(&mut self) -> Self {
        let taken = std::mem::take(self);
        self.blocked = taken.blocked;
        taken
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (kind, action, count) in other.iter() {
            self.count_times(kind, action, count);
        }
        self.blocked = self.blocked.or(other.blocked);
        self.unscanned = self.unscanned.saturating_add(other.unscanned);
    }

    pub(crate) fn count(&mut self, kind: Kind, action: Action) {
        self.count_times(kind, action, 1);
        if action == Action::Block {
            self.blocked.get_or_insert(kind);
        }
    }

    pub(crate) fn count_oversized_event(&mut self) {
        self.unscanned = self.unscanned.saturating_add(1);
    }

    fn count_times(&mut self, kind: Kind, action: Action, times: u32) {
        let known = self
            .counts
            .iter_mut()
            .find(|(of, by, _)| (*of, *by) == (kind, action));
        match known {
            Some((_, _, count)) => *count = count.saturating_add(times),
            None => self.counts.push((kind, action, times)),
        }
    }
}
