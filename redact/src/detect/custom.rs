//! Entities that a profile defines: literals and simple shapes, as whole words.

use super::text::MORE;
use super::{Candidate, Sight};

/// Looks for patterns that begin at `start`.
pub(super) fn look(sight: &mut Sight<'_>, start: usize) {
    let profile = sight.profile;
    if !sight.begins_word(start) {
        return;
    }
    for pattern in &profile.patterns {
        let mut end = start;
        let fits = pattern.places.iter().all(|place| {
            let char = sight.text.get(end);
            end = end.saturating_add(1);
            char != MORE && place.takes(char)
        });
        if fits && sight.ends_word(end) {
            let strength = u8::try_from(pattern.places.len()).unwrap_or(u8::MAX);
            sight.put(Candidate {
                start,
                end,
                kind: pattern.kind,
                strength,
                goes_on: None,
            });
        }
    }
}
