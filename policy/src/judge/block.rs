//! What is compared with what: answers of both arms from the same short time.

use std::time::Duration;

use serde::Serialize;

use super::{Increment, Side, Tallies};
use crate::document::read_struct;
use crate::percent::Percent;
use crate::time::Timestamp;

/// The answers since the last comparison.
///
/// Whether a block is over must depend on how many answers the arms gave, never on whether they were
/// good: then, if the arms do not differ, a bad one is as likely to be any of them, whatever the share
/// of the canary was meant to be, whoever was pinned, and whoever sends a third of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Block {
    opened: Timestamp,
    tallies: Tallies,
    /// Answers of the stable arm before the canary's first.
    before: u64,
}

/// Whether the answers that end are those of the requests that come.
///
/// When the canary's share grows, its first answers to end are the quick ones, and of these more are
/// errors than of all. So the share of the answers is too small a measure of the canary's part in the
/// traffic, for a moment. The same happens the other way round when it shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Pace {
    /// Requests and answers of late; what is old fades.
    stable_requests: f64,
    canary_requests: f64,
    stable_answers: f64,
    canary_answers: f64,
}

/// The shares that the canary was to have of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Shares {
    turned: Timestamp,
    least: Percent,
    most: Percent,
    least_before: Percent,
    most_before: Percent,
    now: Percent,
}

// === impl Block ===

read_struct!(Block {
    opened: required "opened",
    tallies: required "tallies",
    before: required "before",
});

impl Block {
    /// Takes an increment; returns the block's tallies if it is over with this one.
    pub(super) fn add(&mut self, increment: &Increment) -> Option<Tallies> {
        let Increment {
            at, stable, canary, ..
        } = increment;
        let empty = self.tallies.stable.answers == 0 && self.tallies.canary.answers == 0;
        if empty {
            self.opened = *at;
        } else if at.since(self.opened) > LONGEST_BLOCK {
            // Nobody knows whether these answers had the same conditions as the next ones.
            *self = Self {
                opened: *at,
                ..Self::default()
            };
        }
        let first = self.tallies.canary.answers == 0 && canary.answers > 0;
        if first && !empty {
            self.before = self.tallies.stable.answers;
        }
        self.tallies.stable.add(stable);
        self.tallies.canary.add(canary);
        if !self.is_over() {
            return None;
        }
        Some(std::mem::take(self).tallies)
    }

    /// What waits to be compared.
    pub(super) fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// The canary's answers stand in the middle of the stable arm's, so that a rate which rises for
    /// both in the middle of a block speaks neither for nor against it.
    fn is_over(&self) -> bool {
        let stable = self.tallies.stable.answers;
        let after = stable.saturating_sub(self.before);
        self.tallies.canary.answers > 0 && stable > 0 && after >= self.before
    }
}

// === impl Pace ===

read_struct!(Pace {
    stable_requests: required "stable_requests",
    canary_requests: required "canary_requests",
    stable_answers: required "stable_answers",
    canary_answers: required "canary_answers",
});

impl Pace {
    /// Adds a block; what was before fades with every answer of the canary.
    pub(super) fn add(&mut self, block: &Tallies) {
        let canary = block.canary.answers as f64;
        let kept = MEMORY_ANSWERS / (MEMORY_ANSWERS + canary);
        for (mine, more) in [
            (&mut self.stable_requests, block.stable.requests),
            (&mut self.canary_requests, block.canary.requests),
            (&mut self.stable_answers, block.stable.answers),
            (&mut self.canary_answers, block.canary.answers),
        ] {
            *mine = *mine * kept + more as f64;
        }
    }

    /// How much larger the canary's part in the traffic may be than its share of the answers, as a
    /// factor on the odds; on the other side, how much smaller.
    pub(super) fn tilt(&self, side: Side, shares: &Shares) -> f64 {
        let requests = self.canary_requests * self.stable_answers;
        let answers = self.canary_answers * self.stable_requests;
        // Without requests there is nothing to compare with.
        let lag = if requests > 0.0 && answers > 0.0 {
            requests / answers
        } else {
            1.0
        };
        match side {
            Side::More => lag.max(shares.fallen()).clamp(1.0, LARGEST_TILT),
            Side::Fewer => lag.min(shares.risen()).clamp(0.0, 1.0),
        }
    }
}

// === impl Shares ===

read_struct!(Shares {
    turned: required "turned",
    least: required "least",
    most: required "most",
    least_before: required "least_before",
    most_before: required "most_before",
    now: required "now",
});

impl Shares {
    /// Notes the share at a time.
    pub(super) fn note(&mut self, share: Percent, at: Timestamp) {
        if at.since(self.turned) >= LONGEST_ANSWER {
            self.turned = at;
            (self.least_before, self.most_before) = (self.least, self.most);
            (self.least, self.most) = (share, share);
        }
        self.least = self.least.min(share);
        self.most = self.most.max(share);
        self.now = share;
    }

    /// By which factor on the odds the share is smaller than it was when the answers that end now
    /// began; 1 if it is not.
    fn fallen(&self) -> f64 {
        let most = self.most.max(self.most_before);
        if most == self.now {
            return 1.0;
        }
        odds(most) / odds(self.now)
    }

    /// By which factor on the odds it was smaller then than it is now, at most 1.
    fn risen(&self) -> f64 {
        let least = self.least.min(self.least_before);
        if least == self.now {
            return 1.0;
        }
        odds(least) / odds(self.now)
    }
}

fn odds(share: Percent) -> f64 {
    let (all, some) = (f64::from(Percent::ALL.ppm()), f64::from(share.ppm()));
    some / (all - some)
}

/// Longer ago, the load was another; and a canary that gets one answer in this time is too small.
const LONGEST_BLOCK: Duration = Duration::from_secs(10 * 60);
/// So long an answer may take, and twice as long as it happens. Silence says nothing before.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);
/// How many of the canary's answers the pace is measured over.
const MEMORY_ANSWERS: f64 = 32.0;
/// So large, nothing counts as evidence any more.
const LARGEST_TILT: f64 = 1e12;
