//! The ramp: which share of the units the canary takes, and from when on.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::limits;
use crate::percent::Percent;
use crate::time::Timestamp;

/// One step of a ramp: from `at` on the canary takes `percent` of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// The share from this step on.
    pub percent: Percent,
    /// When the step is taken; only the first step may leave it out, and is then in force at once.
    #[serde(default, skip_serializing_if = "is_at_once")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Timestamp>"))]
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

struct RampVisitor;

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
        let mut times: Vec<_> = self
            .steps
            .iter()
            .chain(&other.steps)
            .map(|step| step.at)
            .collect();
        times.sort_unstable();
        times.dedup();
        let smaller = |at| Step {
            percent: self.percent_at(at).min(other.percent_at(at)),
            at,
        };
        Self::canonical(times.into_iter().map(smaller).collect())
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

impl<'de> Deserialize<'de> for Ramp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RampVisitor)
    }
}

fn is_at_once(at: &Timestamp) -> bool {
    *at == Timestamp::EPOCH
}

// === impl RampVisitor ===

impl<'de> Visitor<'de> for RampVisitor {
    type Value = Ramp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of steps, or one step such as {\"percent\": 10}")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Ramp, A::Error> {
        let step = Step::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ramp::from_steps(vec![step]).map_err(de::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ramp, A::Error> {
        let mut steps = Vec::new();
        while let Some(step) = list.next_element()? {
            steps.push(step);
        }
        Ramp::from_steps(steps).map_err(de::Error::custom)
    }
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
