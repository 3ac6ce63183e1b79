//! Time, moved only by the test.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The time of one proxy. Nothing in the host reads the machine's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    nanos: AtomicU64,
}

// === impl Clock ===

impl Clock {
    pub(crate) fn starting_at(time: SystemTime) -> Self {
        let nanos = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            nanos: AtomicU64::new(nanos_of(nanos)),
        }
    }

    /// Nanoseconds since the Unix epoch.
    pub(crate) fn nanos(&self) -> u64 {
        self.nanos.load(Ordering::SeqCst)
    }

    pub(crate) fn set_nanos(&self, nanos: u64) {
        self.nanos.store(nanos, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.nanos())
    }
}

/// A duration in nanoseconds; half a millennium is enough for a test.
pub(crate) fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
