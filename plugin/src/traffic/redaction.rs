//! What happens to PII in the requests and answers of one rollout, worked out when the policy is
//! loaded.

use breakglass_policy::{Arm, Direction, Redaction, Rollout, Unscannable, Unscanned};
use breakglass_redact::{Profile, ProfileError};

/// The profiles of one rollout: by arm, then by direction.
#[derive(Debug)]
pub(crate) struct RedactionPlan {
    stable: Profiles,
    canary: Profiles,
    unscannable: Unscannable,
}

#[derive(Debug)]
struct Profiles {
    request: Scan,
    response: Scan,
}

/// What is looked for in one direction, and the answers that every request asks for.
#[derive(Debug)]
struct Scan {
    profile: Profile,
    is_idle: bool,
    changes_text: bool,
}

/// Why a body is not scanned, or not as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Compressed,
    Binary,
    Oversized,
    /// The end of the text was still held back when trailers came, behind which no body follows.
    Trailers,
}

// === impl RedactionPlan ===

impl RedactionPlan {
    pub(crate) fn new(rollout: &Rollout) -> Result<Self, ProfileError> {
        let none = Redaction::default();
        let redaction = rollout.redaction.as_ref().unwrap_or(&none);
        Ok(Self {
            stable: Profiles::new(redaction, Arm::Stable)?,
            canary: Profiles::new(redaction, Arm::Canary)?,
            unscannable: redaction.unscannable,
        })
    }

    pub(crate) fn profile(&self, arm: Arm, direction: Direction) -> &Profile {
        &self.scan(arm, direction).profile
    }

    fn scan(&self, arm: Arm, direction: Direction) -> &Scan {
        let profiles = match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        };
        match direction {
            Direction::Request => &profiles.request,
            Direction::Response => &profiles.response,
        }
    }

    /// Whether anything is looked for in this direction.
    pub(crate) fn scans(&self, arm: Arm, direction: Direction, masks_all: bool) -> bool {
        masks_all || !self.scan(arm, direction).is_idle
    }

    /// Whether bodies are changed in this direction, and not only looked at.
    pub(crate) fn rewrites(&self, arm: Arm, direction: Direction, masks_all: bool) -> bool {
        masks_all || self.scan(arm, direction).changes_text
    }

    /// Whether a body that cannot be scanned is withheld.
    pub(crate) fn withholds(&self, reason: Reason) -> bool {
        let action = match reason {
            Reason::Compressed => self.unscannable.compressed,
            Reason::Binary => self.unscannable.binary,
            Reason::Oversized => self.unscannable.oversized,
            Reason::Trailers => Unscanned::Block,
        };
        action == Unscanned::Block
    }
}

// === impl Profiles ===

impl Profiles {
    fn new(redaction: &Redaction, arm: Arm) -> Result<Self, ProfileError> {
        Ok(Self {
            request: Scan::new(Profile::of(redaction, arm, Direction::Request)?),
            response: Scan::new(Profile::of(redaction, arm, Direction::Response)?),
        })
    }
}

// === impl Scan ===

impl Scan {
    fn new(profile: Profile) -> Self {
        Self {
            is_idle: profile.is_idle(),
            changes_text: profile.changes_text(),
            profile,
        }
    }
}

// === impl Reason ===

impl Reason {
    /// The word for it in labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Compressed => "compressed",
            Self::Binary => "binary",
            Self::Oversized => "oversized",
            Self::Trailers => "trailers",
        }
    }
}
