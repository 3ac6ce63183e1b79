//! The judge, as the policy sets it up: which signals, and how many false alarms.

use std::collections::BTreeSet;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::redaction::Entity;

/// The sequential test of the canary against the concurrent stable arm.
#[derive(Clone, Debug, PartialEq, DeriveDeserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Judge {
    /// The chance of a false alarm over the whole life of the rollout, all signals together.
    pub alpha: Alpha,
    /// What it watches.
    #[serde(default)]
    pub signals: Vec<Signal>,
}

/// A probability of a false alarm: above 0, at most 0.5.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alpha(f64);

/// How many times worse the canary must be before a difference counts: a number above 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Factor(f64);

/// One thing that the judge watches.
#[derive(Clone, Debug, PartialEq, DeriveDeserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Signal {
    /// Answers that are errors.
    #[serde(rename_all = "snake_case")]
    ErrorRate {
        /// By which factor.
        worse_by: Factor,
    },
    /// Redactions per answer.
    #[serde(rename_all = "snake_case")]
    Redactions {
        /// Of which entity; `*` for all together.
        entity: Entity,
        /// Whether fewer of them are a sign too: a redactor that fell silent.
        #[serde(default)]
        two_sided: bool,
    },
    /// Entities of which one on the canary is one too many.
    ZeroTolerance(BTreeSet<Entity>),
}

// === impl Alpha ===

impl Alpha {
    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Alpha {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let alpha = f64::deserialize(deserializer)?;
        if alpha > 0.0 && alpha <= 0.5 {
            return Ok(Self(alpha));
        }
        let expected = "a probability above 0 and at most 0.5, such as 0.001";
        Err(de::Error::invalid_value(
            de::Unexpected::Float(alpha),
            &expected,
        ))
    }
}

// === impl Factor ===

impl Factor {
    /// The factor.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let factor = f64::deserialize(deserializer)?;
        if factor > 1.0 && factor.is_finite() {
            return Ok(Self(factor));
        }
        let expected = "a factor above 1, such as 2.0";
        Err(de::Error::invalid_value(
            de::Unexpected::Float(factor),
            &expected,
        ))
    }
}
