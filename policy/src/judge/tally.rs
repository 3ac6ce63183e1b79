//! What the arms did, in counts that only grow.

use serde::Serialize;

use crate::arm::Arm;
use crate::document::{DocumentError, FromTree, Map, Members, Tree, read_by_serde};
use crate::entity::Entity;
use crate::percent::Percent;
use crate::time::Timestamp;

/// What one arm did since the proxy booted, or between two looks. Answers only; of requests it knows
/// how many there were.
///
/// Tallies add up over workers, proxies and time, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArmTally {
    /// Requests that the split sent to this arm: neither pinned nor without a unit.
    pub requests: u64,
    /// Answers that ended, well or not.
    pub answers: u64,
    /// Of these: errors.
    pub errors: u64,
    /// Of these: those whose first byte came later than the policy's bound.
    pub slow_first_byte: u64,
    /// Of these: those that ended later than the policy's bound.
    pub slow: u64,
    /// Of these: those that were not scanned, or not as a whole.
    pub unscanned: u64,
    /// What was found in them.
    pub redactions: Map<Entity, Redactions>,
}

/// How often one entity was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redactions {
    /// Answers in which it was found at least once.
    pub answers: u64,
    /// How often in all.
    pub found: u64,
}

/// The tallies of both arms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tallies {
    /// Of the old version.
    pub stable: ArmTally,
    /// Of the new version.
    pub canary: ArmTally,
}

/// What came since the last look: one request, or what a thousand proxies did in a second.
///
/// Within one increment both arms must have had the same conditions. So keep it short, a minute at
/// most, and where proxies differ (one region fails, another has a larger canary) observe one
/// increment for each of them instead of their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Increment {
    /// When it ended.
    pub at: Timestamp,
    /// What the old version did in it.
    pub stable: ArmTally,
    /// What the new version did in it.
    pub canary: ArmTally,
    /// The share of requests that the canary was to get.
    pub share: Percent,
}

// === impl ArmTally ===

impl ArmTally {
    /// Adds what another worker, another proxy or another second counted.
    pub fn add(&mut self, other: &Self) {
        self.zip(other, u64::saturating_add);
    }

    /// What came after `earlier`; nothing where the count has gone back, as it does when a proxy
    /// restarts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        later.zip(earlier, u64::saturating_sub);
        later
            .redactions
            .retain(|_, redactions| *redactions != Redactions::default());
        later
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In how many answers an entity was found.
    pub fn answers_with(&self, entity: &Entity) -> u64 {
        let redactions = self.redactions.get(entity);
        redactions.map_or(0, |redactions| redactions.answers)
    }

    /// Counts an answer in which the entity was found so often.
    pub fn redacted(&mut self, entity: &Entity, found: u64) {
        let one = Redactions { answers: 1, found };
        self.zip_redactions(entity, one, u64::saturating_add);
    }

    fn zip(&mut self, other: &Self, with: fn(u64, u64) -> u64) {
        for (mine, other) in [
            (&mut self.requests, other.requests),
            (&mut self.answers, other.answers),
            (&mut self.errors, other.errors),
            (&mut self.slow_first_byte, other.slow_first_byte),
            (&mut self.slow, other.slow),
            (&mut self.unscanned, other.unscanned),
        ] {
            *mine = with(*mine, other);
        }
        for (entity, other) in other.redactions.iter() {
            self.zip_redactions(entity, *other, with);
        }
    }

    fn zip_redactions(&mut self, entity: &Entity, other: Redactions, with: fn(u64, u64) -> u64) {
        let zip = |mine: Redactions| Redactions {
            answers: with(mine.answers, other.answers),
            found: with(mine.found, other.found),
        };
        match self.redactions.get_mut(entity) {
            Some(mine) => *mine = zip(*mine),
            None => {
                let first = zip(Redactions::default());
                self.redactions.insert(entity.clone(), first);
            }
        }
    }
}

impl FromTree for ArmTally {
    /// Reads the tally of a proxy, which may be of a later version and count more.
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::among_others(tree)?;
        Ok(Self {
            requests: members.or_default("requests")?,
            answers: members.or_default("answers")?,
            errors: members.or_default("errors")?,
            slow_first_byte: members.or_default("slow_first_byte")?,
            slow: members.or_default("slow")?,
            unscanned: members.or_default("unscanned")?,
            redactions: members.or_default("redactions")?,
        })
    }
}

read_by_serde!(ArmTally);

// === impl Redactions ===

impl FromTree for Redactions {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::among_others(tree)?;
        Ok(Self {
            answers: members.or_default("answers")?,
            found: members.or_default("found")?,
        })
    }
}

read_by_serde!(Redactions);

// === impl Tallies ===

impl Tallies {
    /// The tally of one arm.
    pub fn arm(&self, arm: Arm) -> &ArmTally {
        match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        }
    }

    /// The tally of one arm, to be added to.
    pub fn arm_mut(&mut self, arm: Arm) -> &mut ArmTally {
        match arm {
            Arm::Stable => &mut self.stable,
            Arm::Canary => &mut self.canary,
        }
    }

    /// Adds what another worker, another proxy or another second counted.
    pub fn add(&mut self, other: &Self) {
        self.stable.add(&other.stable);
        self.canary.add(&other.canary);
    }

    /// What came after `earlier`; nothing where a count has gone back.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            stable: self.stable.since(&earlier.stable),
            canary: self.canary.since(&earlier.canary),
        }
    }
}

impl FromTree for Tallies {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::among_others(tree)?;
        Ok(Self {
            stable: members.or_default("stable")?,
            canary: members.or_default("canary")?,
        })
    }
}

read_by_serde!(Tallies);

// === impl Increment ===

impl Increment {
    /// What came between two sums over all workers.
    pub fn between(earlier: &Tallies, later: &Tallies, share: Percent, at: Timestamp) -> Self {
        let Tallies { stable, canary } = later.since(earlier);
        Self {
            at,
            stable,
            canary,
            share,
        }
    }
}

#[cfg(test)]
mod tests;
