//! What reached an agent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Datum, SEEN_LIMIT};

/// One request as the agent saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When its headers arrived.
    pub at: Instant,
    pub path: String,
    /// The user: the value of [`UNIT_HEADER`](crate::UNIT_HEADER).
    pub unit: Option<String>,
    pub rollout: Option<String>,
    pub arm: Option<String>,
    pub generation: Option<u64>,
    /// Whether the answer is a stream.
    pub stream: bool,
    pub ending: Ending,
}

/// How the answer ended, as far as the agent can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Still on its way.
    Open,
    /// Written to the end.
    Written,
    /// The other side went away before the end.
    Dropped,
}

/// The requests of one agent, oldest first, bounded.
#[derive(Debug)]
pub(super) struct Log {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Seen>,
    /// Requests before the first entry: forgotten because of the limit or on demand.
    forgotten: u64,
    /// Where the count of [`Log::total`] starts.
    counted_from: u64,
    /// Personal data in what was answered, by entity.
    leaked: BTreeMap<&'static str, u64>,
}

/// The number of a request in its agent's log.
pub(super) type Number = u64;

// === impl Log ===

impl Default for Log {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            inner: Mutex::default(),
        }
    }
}

impl Log {
    pub(super) fn add(&self, seen: Seen) -> Number {
        let mut inner = self.lock();
        if inner.entries.len() >= SEEN_LIMIT {
            inner.entries.pop_front();
            inner.forgotten += 1;
        }
        inner.entries.push_back(seen);
        inner.forgotten + inner.entries.len() as u64 - 1
    }

    pub(super) fn update(&self, number: Number, change: impl FnOnce(&mut Seen)) {
        let mut inner = self.lock();
        let Some(index) = number.checked_sub(inner.forgotten) else {
            return;
        };
        if let Some(seen) = inner.entries.get_mut(index as usize) {
            change(seen);
        }
    }

    pub(super) fn entries(&self) -> Vec<Seen> {
        self.lock().entries.iter().cloned().collect()
    }

    pub(super) fn total(&self) -> u64 {
        let inner = self.lock();
        inner.forgotten + inner.entries.len() as u64 - inner.counted_from
    }

    pub(super) fn leak(&self, data: &[Datum]) {
        let mut inner = self.lock();
        for datum in data {
            *inner.leaked.entry(datum.entity).or_default() += 1;
        }
    }

    pub(super) fn leaked(&self) -> BTreeMap<&'static str, u64> {
        self.lock().leaked.clone()
    }

    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.forgotten += inner.entries.len() as u64;
        inner.counted_from = inner.forgotten;
        inner.entries.clear();
        inner.leaked.clear();
    }

    /// For `GET /_seen`.
    pub(super) fn json(&self) -> Value {
        let entries = self.entries();
        let rows: Vec<Value> = entries.iter().map(|seen| seen.json(self.started)).collect();
        json!({"total": self.total(), "requests": rows})
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is a single step: a panic elsewhere leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    fn json(&self, started: Instant) -> Value {
        json!({
            "at_ms": self.at.duration_since(started).as_millis() as u64,
            "path": self.path,
            "unit": self.unit,
            "rollout": self.rollout,
            "arm": self.arm,
            "generation": self.generation,
            "stream": self.stream,
            "ending": match self.ending {
                Ending::Open => "open",
                Ending::Written => "written",
                Ending::Dropped => "dropped",
            },
        })
    }
}
