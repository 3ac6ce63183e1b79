//! What a trial does for each signal: the same bets on different counts.

use serde::Serialize;

use super::block::{Pace, Shares};
use super::evidence::{Draw, Evidence, Stakes};
use super::{ArmTally, Count, Factor, Judge, Side, Signal, SignalName, SignalReport, Tallies};
use crate::document::read_struct;
use crate::entity::Entity;
use crate::percent::Percent;

/// One comparison of the arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Process {
    pub(super) signal: SignalName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entity: Option<Entity>,
    side: Side,
    worse_by: Factor,
    /// The part of the judge's alpha that it may spend.
    alpha: f64,
    evidence: Evidence,
}

/// How the judge's alpha is shared out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// The part of alpha that one unit of weight has.
    unit: f64,
}

// === impl Process ===

read_struct!(Process {
    signal: required "signal",
    entity: or_default "entity",
    side: required "side",
    worse_by: required "worse_by",
    alpha: required "alpha",
    evidence: required "evidence",
});

impl Process {
    /// The comparisons that a signal needs from the start.
    pub(super) fn of(signal: &Signal, budget: Budget) -> Vec<Self> {
        let alpha = budget.of(signal);
        let more = |signal, worse_by, alpha| Self::new(signal, None, Side::More, worse_by, alpha);
        match signal {
            Signal::ErrorRate { worse_by, .. } => {
                vec![more(SignalName::ErrorRate, *worse_by, alpha)]
            }
            Signal::Unscanned { worse_by } => vec![more(SignalName::Unscanned, *worse_by, alpha)],
            Signal::Latency(latency) => {
                let bounds = [
                    (SignalName::SlowFirstByte, latency.first_byte),
                    (SignalName::Slow, latency.answer),
                ];
                let bounds = bounds.iter().filter(|(_, bound)| bound.is_some());
                let alpha = alpha / bounds.clone().count() as f64;
                let each = bounds.map(|(name, _)| more(*name, latency.worse_by, alpha));
                each.collect()
            }
            Signal::Redactions {
                entity,
                two_sided,
                worse_by,
            } if entity.as_str() != EVERY => Self::redactions(entity, *two_sided, *worse_by, alpha),
            Signal::Redactions { .. } | Signal::ZeroTolerance(_) | Signal::SampleRatio { .. } => {
                Vec::new()
            }
        }
    }

    /// The comparisons of one entity.
    pub(super) fn redactions(
        entity: &Entity,
        two_sided: bool,
        worse_by: Factor,
        alpha: f64,
    ) -> Vec<Self> {
        let sides: &[Side] = match two_sided {
            true => &[Side::More, Side::Fewer],
            false => &[Side::More],
        };
        let alpha = alpha / sides.len() as f64;
        let of_side = |side: &Side| {
            let entity = Some(entity.clone());
            Self::new(SignalName::Redactions, entity, *side, worse_by, alpha)
        };
        sides.iter().map(of_side).collect()
    }

    fn new(
        signal: SignalName,
        entity: Option<Entity>,
        side: Side,
        worse_by: Factor,
        alpha: f64,
    ) -> Self {
        Self {
            signal,
            entity,
            side,
            worse_by,
            alpha,
            evidence: Evidence::new(),
        }
    }

    /// Takes the answers of a block.
    pub(super) fn observe(&mut self, block: &Tallies, pace: &Pace, shares: &Shares) {
        let (stable, canary) = (self.count(&block.stable), self.count(&block.canary));
        if stable.bad == 0 && canary.bad == 0 {
            return;
        }
        let draw = Draw {
            stable: stable.of as f64,
            canary: canary.of as f64,
            bad: stable.bad as f64 + canary.bad as f64,
            bad_canary: canary.bad as f64,
            tilt: pace.tilt(self.side, shares),
        };
        self.evidence
            .draw(&draw, Stakes::new(self.worse_by, self.side));
    }

    /// Where it stands, when these answers have been compared.
    pub(super) fn report(&self, compared: &Tallies) -> SignalReport {
        let stable = self.count(&compared.stable);
        let canary = self.count(&compared.canary);
        SignalReport {
            signal: self.signal,
            entity: self.entity.clone(),
            side: self.side,
            stable,
            canary,
            share: Percent::of(canary.of, canary.of.saturating_add(stable.of)),
            e_value: self.evidence.value(),
            threshold: 1.0 / self.alpha,
            alpha: self.alpha,
        }
    }

    pub(super) fn side(&self) -> Side {
        self.side
    }

    pub(super) fn tripped(&self) -> bool {
        self.evidence.value() >= 1.0 / self.alpha
    }

    fn count(&self, tally: &ArmTally) -> Count {
        let bad = match (self.signal, &self.entity) {
            (SignalName::ErrorRate, _) => tally.errors,
            (SignalName::SlowFirstByte, _) => tally.slow_first_byte,
            (SignalName::Slow, _) => tally.slow,
            (SignalName::Unscanned, _) => tally.unscanned,
            (_, Some(entity)) => tally.answers_with(entity),
            (_, None) => 0,
        };
        // The counts of a proxy are not read all at the same moment.
        let of = tally.answers.max(bad);
        Count { bad, of }
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(judge: &Judge) -> Self {
        let weights: f64 = judge.signals.iter().map(weight).sum();
        Self {
            unit: judge.alpha.get() / weights,
        }
    }

    /// The part of alpha that a signal has.
    pub(super) fn of(self, signal: &Signal) -> f64 {
        self.unit * weight(signal)
    }

    /// The part of it that the entity has which is found as the `rank`th, counted from 0: a half, a
    /// sixth, a twelfth … which is 1 together, however many there will be.
    ///
    /// The order in which entities are found may decide this, because it does not depend on which arm
    /// has them.
    pub(super) fn of_entity(self, signal: &Signal, rank: usize) -> f64 {
        let rank = rank as f64;
        self.of(signal) / ((rank + 1.0) * (rank + 2.0))
    }
}

/// Alpha is not shared equally: what most rollouts fail by is found a little faster for it. Zero
/// tolerance leaves nothing to chance and needs none.
fn weight(signal: &Signal) -> f64 {
    match signal {
        Signal::ErrorRate { .. } => 8.0,
        Signal::Redactions { .. } => 4.0,
        Signal::Latency(_) => 2.0,
        Signal::Unscanned { .. } | Signal::SampleRatio { .. } => 1.0,
        Signal::ZeroTolerance(_) => 0.0,
    }
}

/// The entity that stands for every one.
pub(super) const EVERY: &str = "*";
