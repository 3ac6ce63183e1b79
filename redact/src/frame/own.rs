//! Texts by themselves, and texts that are only counted.

use crate::profile::{Action, Profile};
use crate::stream::Scanner;
use crate::tally::Tally;

/// Counts what is in texts that pass as they are.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// What would have left; kept for its memory only.
    gone: Vec<u8>,
}

/// How often something was found that does not pass as it is.
pub(super) fn masked(tally: &Tally) -> u32 {
    let masked = tally
        .iter()
        .filter(|(_, action, _)| *action > Action::Count);
    masked.fold(0, |sum, (_, _, count)| sum.wrapping_add(count))
}

/// How often something was found.
pub(super) fn counted(tally: &Tally) -> u32 {
    tally
        .iter()
        .fold(0, |sum, (_, _, count)| sum.wrapping_add(count))
}

// === impl Counter ===

impl Counter {
    pub(super) fn push(
        &mut self,
        profile: &Profile,
        text: &mut Scanner,
        name: &[u8],
        piece: &[u8],
        tally: &mut Tally,
    ) {
        let mut found = Tally::default();
        text.push(profile, name, piece, &mut self.gone, &mut found);
        self.count(&found, tally);
    }

    pub(super) fn finish(
        &mut self,
        profile: &Profile,
        text: &mut Scanner,
        name: &[u8],
        tally: &mut Tally,
    ) {
        let mut found = Tally::default();
        text.finish(profile, name, &mut self.gone, &mut found);
        self.count(&found, tally);
    }

    fn count(&mut self, found: &Tally, tally: &mut Tally) {
        self.gone.clear();
        for (kind, action, times) in found.iter() {
            // What cannot be masked is counted; what withholds the message still does.
            let action = if action == Action::Mask {
                Action::Count
            } else {
                action
            };
            for _ in 0..times {
                tally.count(kind, action);
            }
        }
    }
}
