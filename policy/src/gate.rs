//! The gate: a control made ready to decide requests.

use serde::Serialize;

use crate::arm::Arm;
use crate::bucket::{Bucketing, Threshold};
use crate::control::{Control, Generation, Kill, KillMode, LiveRedaction, OnLapse};
use crate::time::Timestamp;

/// A [`Control`] compiled for the hot path: kill > closed or lapsed > pin > ramp > stable.
#[derive(Clone, Debug)]
pub struct Gate {
    generation: Generation,
    kill: Option<Kill>,
    closed: Option<Closed>,
    lease: Option<(Timestamp, OnLapse)>,
    masks_all: bool,
    steps: Box<[(Timestamp, Threshold)]>,
}

/// Why nobody is on the canary, whatever the control says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// The lease has lapsed once; no clock revives it.
    Lapse,
    /// Keys are trusted, and no warrant permits the exposure.
    NoWarrant,
}

/// Where one request goes and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    verdict: Verdict,
    reason: Reason,
}

/// Where one request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To this arm.
    Route(Arm),
    /// Nowhere: the agent answers nobody.
    Block,
}

/// Why a request goes where it goes, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The kill-switch is on.
    Kill,
    /// The lease has lapsed.
    Lapse,
    /// No warrant permits the canary.
    NoWarrant,
    /// The request has no unit.
    Keyless,
    /// The unit is pinned.
    Pin,
    /// The unit's bucket is below the ramp's threshold.
    Ramp,
    /// Nothing put the request on the canary.
    Stable,
}

// === impl Reason ===

impl Reason {
    /// Whether the split decided: whoever is pinned, or has no unit, says nothing about its shares.
    pub fn is_drawn(self) -> bool {
        matches!(self, Self::Ramp | Self::Stable)
    }
}

// === impl Gate ===

impl Gate {
    /// Compiles a control.
    pub fn new(control: &Control) -> Self {
        let steps = control.ramp.steps().iter();
        Self {
            generation: control.generation,
            kill: control.kill,
            closed: None,
            lease: control.not_after.map(|end| (end, control.on_lapse)),
            masks_all: control.redaction == Some(LiveRedaction::MaskAll),
            steps: steps
                .map(|step| (step.at, Threshold::of(step.percent)))
                .collect(),
        }
    }

    /// The same gate, closed for this reason.
    pub fn closed(self, closed: Option<Closed>) -> Self {
        Self { closed, ..self }
    }

    /// The generation of the control in force.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the decision depends on the time, so that the caller need not ask for it otherwise.
    pub fn needs_clock(&self) -> bool {
        self.kill.is_none()
            && self.closed.is_none()
            && (self.lease.is_some() || self.steps.iter().any(|(at, _)| *at > Timestamp::EPOCH))
    }

    /// Whether requests already under way on `arm` are to be cut.
    pub fn cuts(&self, arm: Arm) -> bool {
        self.kill
            .is_some_and(|kill| kill.cuts() && (kill.mode == KillMode::Block || arm == Arm::Canary))
    }

    /// Whether every entity is masked at least, in both directions and on both arms, requests already
    /// under way included. A lapsed lease changes nothing about it: only routing falls to stable.
    pub fn masks_all(&self) -> bool {
        self.masks_all
    }

    /// Decides one request of the unit `unit` at `now`.
    pub fn decide(&self, split: &Bucketing, unit: Option<&[u8]>, now: Timestamp) -> Decision {
        let mut ramp_time = now;
        if let Some(kill) = self.kill {
            return Decision::killed(kill);
        }
        if let Some(closed) = self.closed {
            return Decision::route(Arm::Stable, closed.reason());
        }
        match self.lease {
            Some((end, OnLapse::Stable)) if now > end => {
                return Decision::route(Arm::Stable, Reason::Lapse);
            }
            Some((end, OnLapse::Hold)) => ramp_time = now.min(end),
            _ => {}
        }
        let Some(unit) = unit else {
            return Decision::route(Arm::Stable, Reason::Keyless);
        };
        if let Some(arm) = split.pin(unit) {
            return Decision::route(arm, Reason::Pin);
        }
        match self.threshold_at(ramp_time) {
            Some(threshold) if threshold.contains(split.bucket(unit)) => {
                Decision::route(Arm::Canary, Reason::Ramp)
            }
            _ => Decision::route(Arm::Stable, Reason::Stable),
        }
    }

    fn threshold_at(&self, now: Timestamp) -> Option<Threshold> {
        let in_force = self.steps.iter().rev().find(|(at, _)| *at <= now);
        in_force.map(|(_, threshold)| *threshold)
    }
}

// === impl Decision ===

impl Decision {
    /// Where the request goes.
    pub fn verdict(self) -> Verdict {
        self.verdict
    }

    /// The arm it goes to; `None` if it goes nowhere.
    pub fn arm(self) -> Option<Arm> {
        match self.verdict {
            Verdict::Route(arm) => Some(arm),
            Verdict::Block => None,
        }
    }

    /// Why.
    pub fn reason(self) -> Reason {
        self.reason
    }

    fn route(arm: Arm, reason: Reason) -> Self {
        let verdict = Verdict::Route(arm);
        Self { verdict, reason }
    }

    fn killed(kill: Kill) -> Self {
        let verdict = match kill.mode {
            KillMode::Rollback => Verdict::Route(Arm::Stable),
            KillMode::Block => Verdict::Block,
        };
        let reason = Reason::Kill;
        Self { verdict, reason }
    }
}

// === impl Closed ===

impl Closed {
    fn reason(self) -> Reason {
        match self {
            Self::Lapse => Reason::Lapse,
            Self::NoWarrant => Reason::NoWarrant,
        }
    }
}

// === impl Reason ===

impl Reason {
    /// The word for it in logs and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Lapse => "lapse",
            Self::NoWarrant => "no_warrant",
            Self::Keyless => "keyless",
            Self::Pin => "pin",
            Self::Ramp => "ramp",
            Self::Stable => "stable",
        }
    }
}

#[cfg(test)]
mod tests;
