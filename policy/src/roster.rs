//! The roster: which virtual machines of a proxy live, and what each has in force.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::state::{Epoch, StateError};
use crate::time::Timestamp;

/// Every virtual machine that takes part in a policy. Encoded as MessagePack in shared data.
///
/// A proxy runs one for each worker thread, and most run one more on their main thread, which
/// never sees a request but acknowledges like the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Roster {
    workers: BTreeMap<WorkerId, Worker>,
}

/// A virtual machine's random number, drawn at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WorkerId(pub u64);

/// What one virtual machine said last.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Worker {
    seen_at: Timestamp,
    acknowledged: Vec<Acknowledgement>,
}

/// From `at` on, every decision of a worker rested on `epoch` or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Acknowledgement {
    /// The epoch.
    pub epoch: Epoch,
    /// The worker's time when it took the epoch over.
    pub at: Timestamp,
}

// === impl Roster ===

impl Roster {
    /// How long a worker may be silent before it no longer counts as living.
    pub const LIVING: Duration = Duration::from_secs(5);
    /// How often a worker with nothing new to say reports that it lives.
    pub const HEARTBEAT: Duration = Duration::from_secs(1);

    /// Reads a roster from shared data.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        rmp_serde::from_slice(bytes).map_err(StateError::new)
    }

    /// Writes the roster for shared data.
    ///
    /// # Errors
    /// Never for a roster; the encoder's type says it could.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        rmp_serde::to_vec_named(self).map_err(StateError::new)
    }

    /// Notes that `worker` lives at `now` and has `epoch` in force.
    pub fn report(&mut self, worker: WorkerId, epoch: Epoch, now: Timestamp) {
        self.drop_silent(now);
        let entry = self.workers.entry(worker).or_insert_with(|| Worker {
            seen_at: now,
            acknowledged: Vec::new(),
        });
        entry.seen_at = now;
        if entry
            .acknowledged
            .last()
            .is_none_or(|last| last.epoch < epoch)
        {
            entry.acknowledged.push(Acknowledgement { epoch, at: now });
        }
        if entry.acknowledged.len() > limits::ACKNOWLEDGEMENTS {
            entry.acknowledged.remove(0);
        }
    }

    /// The living workers and what each acknowledged last.
    pub fn living(&self, now: Timestamp) -> impl Iterator<Item = (WorkerId, Acknowledgement)> {
        self.workers.iter().filter_map(move |(id, worker)| {
            let lives = now.since(worker.seen_at) <= Self::LIVING;
            worker
                .acknowledged
                .last()
                .filter(|_| lives)
                .map(|last| (*id, *last))
        })
    }

    /// Since when each living worker has had `epoch` in force; `None` for one that has not yet.
    pub fn in_force(
        &self,
        epoch: Epoch,
        now: Timestamp,
    ) -> impl Iterator<Item = (WorkerId, Option<Timestamp>)> {
        self.living(now).map(move |(id, _)| {
            let acknowledged = self.workers.get(&id).map(|worker| &worker.acknowledged);
            let first = acknowledged.and_then(|all| all.iter().find(|ack| ack.epoch >= epoch));
            (id, first.map(|ack| ack.at))
        })
    }

    /// Restarted virtual machines come back under a new number; the old ones must not pile up.
    fn drop_silent(&mut self, now: Timestamp) {
        self.workers
            .retain(|_, worker| now.since(worker.seen_at) <= FORGET_AFTER);
        while self.workers.len() > limits::WORKERS {
            let silent = self.workers.iter().min_by_key(|(_, worker)| worker.seen_at);
            let Some(id) = silent.map(|(id, _)| *id) else {
                return;
            };
            self.workers.remove(&id);
        }
    }
}

// === impl WorkerId ===

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

const FORGET_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
