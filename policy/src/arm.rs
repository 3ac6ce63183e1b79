//! The two sides of a rollout.

use serde::Serialize;

use crate::document::read_words;

/// One side of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The old version.
    Stable,
    /// The new version.
    Canary,
}

// === impl Arm ===

read_words!(Arm { "stable" => Stable, "canary" => Canary });

impl Arm {
    /// Both arms.
    pub const BOTH: [Self; 2] = [Self::Stable, Self::Canary];

    /// The word for it in headers, labels and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
        }
    }
}
