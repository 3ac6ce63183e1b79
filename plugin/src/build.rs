//! Which build this is.

use std::fmt;

/// Version, commit and features of this module.
pub(crate) struct Build;

// === impl Build ===

impl Build {
    pub(crate) const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    pub(crate) const COMMIT: &'static str = env!("BREAKGLASS_COMMIT");
    const FEATURES: &'static str = if cfg!(target_feature = "simd128") {
        "simd128"
    } else {
        "no simd"
    };
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "breakglass {} (commit {}, {})",
            Self::VERSION,
            Self::COMMIT,
            Self::FEATURES
        )
    }
}
