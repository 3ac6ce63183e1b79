//! The judge at work.

use serde::Serialize;

use super::block::{Block, Pace, Shares};
use super::process::{Budget, EVERY, Process};
use super::split::{Lumps, Split};
use super::{
    ArmTally, Count, Increment, Judge, Side, Signal, SignalName, SignalReport, Tallies, Verdict,
};
use crate::document::{self, DocumentError, read_struct};
use crate::entity::Entity;
use crate::limits;
use crate::percent::Percent;

/// A running sequential test: it is fed what the arms do and may be asked after every request.
///
/// It belongs to one rollout and one canary. Begin a new one when the canary's version or the judge
/// changes, and when somebody re-arms a rollout that it rolled back: each trial spends `alpha`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    judge: Judge,
    /// Answers of which the verdicts speak.
    compared: Tallies,
    block: Block,
    pace: Pace,
    shares: Shares,
    processes: Vec<Process>,
    split: Option<Split>,
    trip: Option<Verdict>,
}

// === impl Trial ===

read_struct!(Trial {
    judge: required "judge",
    compared: required "compared",
    block: required "block",
    pace: required "pace",
    shares: required "shares",
    processes: required "processes",
    split: required "split",
    trip: required "trip",
});

impl Trial {
    /// A trial that has seen nothing.
    pub fn new(judge: &Judge) -> Self {
        let budget = Budget::new(judge);
        let signals = judge.signals.iter();
        let splits = |signal: &Signal| matches!(signal, Signal::SampleRatio { .. });
        Self {
            compared: Tallies::default(),
            block: Block::default(),
            pace: Pace::default(),
            shares: Shares::default(),
            processes: signals
                .flat_map(|signal| Process::of(signal, budget))
                .collect(),
            split: judge.signals.iter().any(splits).then(Split::new),
            trip: None,
            judge: judge.clone(),
        }
    }

    /// Takes what the arms did since the last look. Returns the verdict when this makes it trip, once;
    /// [`trip`](Self::trip) keeps it.
    pub fn observe(&mut self, increment: &Increment) -> Option<Verdict> {
        self.shares.note(increment.share, increment.at);
        // One event is enough: its answer need not wait for others to be compared with.
        let untolerated = self.zero_tolerance(&increment.canary);
        let worse = match self.block.add(increment) {
            Some(block) => self.compare(&block),
            None => None,
        };
        self.observe_split(increment);
        if self.trip.is_some() {
            return None;
        }
        let untolerated = untolerated.map(|entity| self.zero_report(&entity));
        let report = untolerated
            .or(worse)
            .or_else(|| self.split_reports().find(SignalReport::tripped));
        self.trip = report.map(Verdict);
        self.trip.clone()
    }

    /// The verdict, once there is one.
    pub fn trip(&self) -> Option<&Verdict> {
        self.trip.as_ref()
    }

    /// The judge that this is a trial of.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The answers of both arms that were compared. While the canary has none here the trial knows
    /// nothing: no data is not a pass.
    pub fn seen(&self) -> &Tallies {
        &self.compared
    }

    /// Where every signal stands, those of which one event is enough first.
    pub fn report(&self) -> Vec<SignalReport> {
        let zero = self.untolerated().map(|entity| self.zero_report(entity));
        let compared = self
            .processes
            .iter()
            .map(|process| process.report(&self.compared));
        zero.chain(compared).chain(self.split_reports()).collect()
    }

    /// Reads a trial from shared data.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::from_msgpack(bytes, limits::POLICY_BYTES)
    }

    /// Writes the trial for shared data.
    ///
    /// # Errors
    /// Never for a trial; the encoder's type says it could.
    pub fn encode(&self) -> Result<Vec<u8>, DocumentError> {
        document::to_msgpack(self)
    }

    /// Compares the answers of a block; tells what trips.
    fn compare(&mut self, block: &Tallies) -> Option<SignalReport> {
        self.compared.add(block);
        self.pace.add(block);
        self.welcome(block);
        for process in &mut self.processes {
            process.observe(block, &self.pace, &self.shares);
        }
        let mut processes = self.processes.iter();
        let tripped = processes.find(|process| process.tripped())?;
        Some(tripped.report(&self.compared))
    }

    /// Begins the comparison of entities that are found for the first time.
    fn welcome(&mut self, block: &Tallies) {
        let every = self.judge.signals.iter().find_map(|signal| match signal {
            Signal::Redactions {
                entity,
                two_sided,
                worse_by,
            } if entity.as_str() == EVERY => Some((signal, *two_sided, *worse_by)),
            _ => None,
        });
        let Some((signal, two_sided, worse_by)) = every else {
            return;
        };
        let budget = Budget::new(&self.judge);
        for entity in (block.stable.redactions.keys()).chain(block.canary.redactions.keys()) {
            let known = |process: &Process| process.entity.as_ref() == Some(entity);
            if self.processes.iter().any(known) {
                continue;
            }
            let rank = self.unnamed();
            if rank >= limits::JUDGED_ENTITIES {
                return;
            }
            let alpha = budget.of_entity(signal, rank);
            let begun = Process::redactions(entity, two_sided, worse_by, alpha);
            self.processes.extend(begun);
        }
    }

    /// How many entities are compared that the policy does not name.
    fn unnamed(&self) -> usize {
        let named = |entity: &Entity| {
            self.judge.signals.iter().any(|signal| {
                matches!(signal, Signal::Redactions { entity: name, .. } if name == entity)
            })
        };
        let compared = self.processes.iter().filter(|process| {
            let entity = process.entity.as_ref();
            process.side() == Side::More && entity.is_some_and(|entity| !named(entity))
        });
        compared.count()
    }

    fn observe_split(&mut self, increment: &Increment) {
        let (Some((_, lumps)), Some(split)) = (lumps(&self.judge), &mut self.split) else {
            return;
        };
        let (stable, canary) = (increment.stable.requests, increment.canary.requests);
        split.observe(stable, canary, increment.share, lumps);
    }

    fn split_reports(&self) -> impl Iterator<Item = SignalReport> {
        let split = self.split.as_ref().zip(lumps(&self.judge));
        let alpha = split.map(|(_, (signal, _))| Budget::new(&self.judge).of(signal) / 2.0);
        split
            .zip(alpha)
            .into_iter()
            .flat_map(|((split, _), alpha)| {
                [Side::More, Side::Fewer].map(|side| split.report(side, alpha))
            })
    }

    /// The entities of which one on the canary is one too many.
    fn untolerated(&self) -> impl Iterator<Item = &Entity> {
        self.judge.signals.iter().flat_map(|signal| match signal {
            Signal::ZeroTolerance(entities) => entities.as_slice(),
            _ => &[],
        })
    }

    /// The first entity that the canary must not have and has.
    fn zero_tolerance(&self, canary: &ArmTally) -> Option<Entity> {
        let mut untolerated = self.untolerated();
        let found = untolerated.find(|entity| canary.answers_with(entity) > 0);
        found.cloned()
    }

    fn zero_report(&self, entity: &Entity) -> SignalReport {
        let count = |arm: fn(&Tallies) -> &ArmTally| {
            let (compared, waiting) = (arm(&self.compared), arm(self.block.tallies()));
            Count {
                bad: compared
                    .answers_with(entity)
                    .saturating_add(waiting.answers_with(entity)),
                of: compared.answers.saturating_add(waiting.answers),
            }
        };
        let stable = count(|tallies| &tallies.stable);
        let canary = count(|tallies| &tallies.canary);
        SignalReport {
            signal: SignalName::ZeroTolerance,
            entity: Some(entity.clone()),
            side: Side::More,
            stable,
            canary,
            share: Percent::of(canary.of, canary.of.saturating_add(stable.of)),
            e_value: 0.0,
            threshold: 0.0,
            alpha: 0.0,
        }
    }
}

fn lumps(judge: &Judge) -> Option<(&Signal, Lumps)> {
    judge.signals.iter().find_map(|signal| match signal {
        Signal::SampleRatio {
            heaviest_unit,
            requests_per_unit,
        } => {
            let lumps = Lumps {
                heaviest_unit: *heaviest_unit,
                requests_per_unit: *requests_per_unit,
            };
            Some((signal, lumps))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
