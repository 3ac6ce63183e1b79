//! The bell: what tells a worker, for less than a read of shared data, that there is something to read.

use std::cell::Cell;

use crate::host;
use crate::metrics::{self, Counter};

/// Counts the changes of shared state in this process, in a metric that all workers share.
///
/// Reading a metric is one load of a number; reading shared data takes a lock, a lookup by name, and a
/// call back into the module for memory. Whoever changes what is shared rings *after* the change stands,
/// and whoever listens does so *before* it reads: so nobody who has heard the last ring has missed a
/// change. A writer that dies between the two leaves the others to their next tick, which reads in any
/// case.
#[derive(Debug)]
pub(crate) struct Bell {
    changes: Counter,
    /// What was heard before shared data was read last.
    heard: Cell<Option<u64>>,
}

// === impl Bell ===

impl Bell {
    /// The bell of this process, on Envoy. Elsewhere metrics may be each worker's own, and the bell is
    /// one that nobody hears.
    pub(crate) fn new() -> Self {
        let changes = match host::is_envoy() {
            true => metrics::state_changes(),
            false => Counter::NONE,
        };
        Self {
            changes,
            heard: Cell::new(None),
        }
    }

    /// Tells everybody that what is shared has changed.
    pub(crate) fn ring(&self) {
        self.changes.increment();
    }

    /// Whether nobody has changed anything since this was asked last, as far as can be known.
    pub(crate) fn is_quiet(&self) -> bool {
        let rings = self.changes.get();
        // A metric that is left out of Envoy's statistics stays at zero, whatever happens.
        let rings = (rings > 0).then_some(rings);
        let heard = self.heard.replace(rings);
        rings.is_some() && rings == heard
    }
}
