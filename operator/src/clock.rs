//! The clock of this machine.

use std::time::SystemTime;

use breakglass_policy::Timestamp;

/// The time now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
