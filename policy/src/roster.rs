//! The roster: which virtual machines of a proxy live, and what each has in force.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::document::{self, DocumentError, FromTree, Tree, checked, read_by_serde, read_struct};
use crate::limits;
use crate::state::{Epoch, StateError};
use crate::time::Timestamp;

/// Every virtual machine that takes part in a policy. Encoded as MessagePack in shared data.
///
/// A proxy runs one for each worker thread, and most run one more on their main thread, which
/// never sees a request but acknowledges like the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Roster {
    workers: Vec<Worker>,
}

/// A virtual machine's random number, drawn at its start; written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u64);

/// What one virtual machine said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Worker {
    id: WorkerId,
    seen_at: Timestamp,
    acknowledged: Vec<Acknowledgement>,
}

/// From `at` on, every decision of a worker rested on `epoch` or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Acknowledgement {
    /// The epoch.
    pub epoch: Epoch,
    /// The worker's time when it took the epoch over.
    pub at: Timestamp,
}

// === impl Roster ===

read_struct!(Roster {
    workers: required "workers",
});

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
        document::from_msgpack(bytes, usize::MAX).map_err(StateError)
    }

    /// Writes the roster for shared data.
    ///
    /// # Errors
    /// Never for a roster; the encoder's type says it could.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        document::to_msgpack(self).map_err(StateError)
    }

    /// Notes that `worker` lives at `now` and has `epoch` in force.
    pub fn report(&mut self, worker: WorkerId, epoch: Epoch, now: Timestamp) {
        let known = self.workers.iter_mut().find(|known| known.id == worker);
        let entry = match known {
            Some(entry) => entry,
            None => self.workers.push_mut(Worker {
                id: worker,
                seen_at: now,
                acknowledged: Vec::new(),
            }),
        };
        entry.seen_at = now;
        let last = entry.acknowledged.last();
        if last.is_none_or(|last| last.epoch < epoch) {
            entry.acknowledged.push(Acknowledgement { epoch, at: now });
        }
        if entry.acknowledged.len() > limits::ACKNOWLEDGEMENTS {
            entry.acknowledged.remove(0);
        }
        self.drop_silent(worker, now);
    }

    /// Notes that `worker` has ended; tells whether that was news.
    pub fn leave(&mut self, worker: WorkerId) -> bool {
        let known = self.workers.len();
        self.workers.retain(|other| other.id != worker);
        self.workers.len() < known
    }

    /// The living workers and what each acknowledged last.
    pub fn living(&self, now: Timestamp) -> impl Iterator<Item = (WorkerId, Acknowledgement)> {
        let living = self.living_workers(now);
        living.filter_map(|worker| Some((worker.id, *worker.acknowledged.last()?)))
    }

    /// Since when each living worker has had `epoch` in force; `None` for one that has not yet.
    pub fn in_force(
        &self,
        epoch: Epoch,
        now: Timestamp,
    ) -> impl Iterator<Item = (WorkerId, Option<Timestamp>)> {
        self.living_workers(now).map(move |worker| {
            let mut acknowledged = worker.acknowledged.iter();
            let first = acknowledged.find(|acknowledged| acknowledged.epoch >= epoch);
            (worker.id, first.map(|acknowledged| acknowledged.at))
        })
    }

    fn living_workers(&self, now: Timestamp) -> impl Iterator<Item = &Worker> {
        let lives = move |worker: &&Worker| now.since(worker.seen_at) <= Self::LIVING;
        self.workers.iter().filter(lives)
    }

    /// Restarted virtual machines come back under a new number; the old ones must not pile up.
    fn drop_silent(&mut self, reporting: WorkerId, now: Timestamp) {
        let fresh = |worker: &Worker| now.since(worker.seen_at) <= FORGET_AFTER;
        self.workers.retain(fresh);
        while self.workers.len() > limits::WORKERS {
            let others = self.workers.iter().filter(|worker| worker.id != reporting);
            let Some(silent) = others.min_by_key(|worker| worker.seen_at).map(|w| w.id) else {
                return;
            };
            self.workers.retain(|worker| worker.id != silent);
        }
    }
}

// === impl Worker ===

read_struct!(Worker {
    id: required "id",
    seen_at: required "seen_at",
    acknowledged: required "acknowledged",
});

// === impl Acknowledgement ===

read_struct!(Acknowledgement {
    epoch: required "epoch",
    at: required "at",
});

// === impl WorkerId ===

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for WorkerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromTree for WorkerId {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let number = |text: &str| u64::from_str_radix(text, 16).ok().map(Self);
        checked(tree, number, &"a number in hexadecimal")
    }
}

read_by_serde!(WorkerId);

const FORGET_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
