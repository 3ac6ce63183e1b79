//! The ramp: which share of the units the canary takes, and from when on.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::document::{DocumentError, FromTree, Tree, read_by_serde, read_struct};
use crate::limits;
use crate::percent::Percent;
use crate::time::Timestamp;

/// One step of a ramp: from `at` on the canary takes `percent` of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The share from this step on.
    pub percent: Percent,
    /// When the step is taken; only the first step may leave it out, and is then in force at once.
    #[serde(default, skip_serializing_if = "is_at_once")]
    #[cfg_attr(feature = "schema", schemars(with = "Timestamp"))]
    pub at: Timestamp,
}

/// A share that grows step by step; before its first step it is zero.
///
/// Written as a list of steps, or as one step: `{"percent": 10}`. Held in one form only (times and
/// percentages strictly grow, no step to zero), so that equal ramps are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ramp {
    steps: Vec<Step>,
}

/// Why a list of steps is no ramp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RampError {
    TooLong(usize),
    NotLater { step: usize },
    Shrinks { step: usize, percent: Percent },
}

// === impl Step ===

read_struct!(Step {
    percent: required "percent",
    at: or_default "at",
});

// === impl Ramp ===

impl Ramp {
    /// A ramp that stands at `percent` from the start.
    pub fn flat(percent: Percent) -> Self {
        Self::canonical(vec![Step {
            percent,
            at: Timestamp::EPOCH,
        }])
    }

    /// The steps, earliest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether it never takes anybody.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The share in force at `now`.
    pub fn percent_at(&self, now: Timestamp) -> Percent {
        self.steps
            .iter()
            .rev()
            .find(|step| step.at <= now)
            .map_or(Percent::ZERO, |step| step.percent)
    }

    /// The ramp that at every moment has the smaller share of the two.
    pub fn min(&self, other: &Self) -> Self {
        let mut times: Vec<Timestamp> = Vec::new();
        for Step { at, .. } in self.steps.iter().chain(&other.steps) {
            if let Err(place) = times.binary_search(at) {
                times.insert(place, *at);
            }
        }
        let smaller = |at| Step {
            percent: self.percent_at(at).min(other.percent_at(at)),
            at,
        };
        Self::canonical(times.into_iter().map(smaller).collect())
    }

    /// Keeps the first `steps` steps: the same share up to the last of them, no more afterwards.
    pub(crate) fn truncate(&mut self, steps: usize) {
        self.steps.truncate(steps);
    }

    pub(crate) fn from_steps(steps: Vec<Step>) -> Result<Self, RampError> {
        if steps.len() > limits::RAMP_STEPS {
            return Err(RampError::TooLong(steps.len()));
        }
        for (step, pair) in (1..).zip(steps.windows(2)) {
            let [before, after] = pair else { continue };
            if after.at <= before.at {
                return Err(RampError::NotLater { step });
            }
            if after.percent < before.percent {
                let percent = after.percent;
                return Err(RampError::Shrinks { step, percent });
            }
        }
        Ok(Self::canonical(steps))
    }

    /// Drops the steps that change nothing; `steps` are in order and never shrink.
    fn canonical(mut steps: Vec<Step>) -> Self {
        let mut share = Percent::ZERO;
        steps.retain(|step| {
            let grows = step.percent > share;
            share = step.percent;
            grows
        });
        Self { steps }
    }
}

impl Serialize for Ramp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.steps.serialize(serializer)
    }
}

impl FromTree for Ramp {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let steps = match tree {
            Tree::Object(_) => vec![Step::from_tree(tree)?],
            Tree::List(_) => Vec::from_tree(tree)?,
            other => {
                return other.mismatch(&"a list of steps, or one step such as {\"percent\": 10}");
            }
        };
        Self::from_steps(steps).map_err(DocumentError::whole)
    }
}

read_by_serde!(Ramp);

fn is_at_once(at: &Timestamp) -> bool {
    *at == Timestamp::EPOCH
}

// === impl RampError ===

impl fmt::Display for RampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(steps) => {
                write!(f, "{steps} steps, expected at most {}", limits::RAMP_STEPS)
            }
            Self::NotLater { step } => write!(
                f,
                "step {step} (counted from 0) is not later than the one before; expected `at` of every step but the first, in order"
            ),
            Self::Shrinks { step, percent } => write!(
                f,
                "step {step} (counted from 0) goes down to {percent}; a ramp only grows, to lower it push a new generation"
            ),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Ramp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ramp".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let step = generator.subschema_for::<Step>();
        schemars::json_schema!({
            "description": "Steps whose times and percentages grow, or one step. Before its first step the share is zero.",
            "anyOf": [step, {"type": "array", "items": step, "maxItems": limits::RAMP_STEPS}]
        })
    }
}

#[cfg(test)]
mod tests;
