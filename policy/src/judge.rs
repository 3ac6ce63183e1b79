//! The judge, as the policy sets it up: which signals, and how many false alarms.

use serde::Serialize;

use crate::document::{DocumentError, FromTree, Members, Tree, read_by_serde, read_struct};
use crate::entity::Entity;

/// The sequential test of the canary against the concurrent stable arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
#[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.5)))]
pub struct Alpha(f64);

/// How many times worse the canary must be before a difference counts: a number above 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 1)))]
pub struct Factor(f64);

/// One thing that the judge watches.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    ZeroTolerance(Vec<Entity>),
}

// === impl Judge ===

read_struct!(Judge {
    alpha: required "alpha",
    signals: or_default "signals",
});

// === impl Signal ===

impl Signal {
    fn read(name: &str, content: &Tree) -> Result<Self, DocumentError> {
        match name {
            ERROR_RATE => {
                let members = Members::of(content, &["worse_by"])?;
                Ok(Self::ErrorRate {
                    worse_by: members.required("worse_by")?,
                })
            }
            REDACTIONS => {
                let members = Members::of(content, &["entity", "two_sided"])?;
                Ok(Self::Redactions {
                    entity: members.required("entity")?,
                    two_sided: members.or_default("two_sided")?,
                })
            }
            // ZERO_TOLERANCE: `alternative` lets no other name through.
            _ => Vec::from_tree(content).map(Self::ZeroTolerance),
        }
    }
}

impl FromTree for Signal {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let (name, content) = tree.alternative(&SIGNALS)?;
        Self::read(name, content).map_err(|error| error.under_key(name))
    }
}

read_by_serde!(Signal);

const ERROR_RATE: &str = "error_rate";
const REDACTIONS: &str = "redactions";
const ZERO_TOLERANCE: &str = "zero_tolerance";
const SIGNALS: [&str; 3] = [ERROR_RATE, REDACTIONS, ZERO_TOLERANCE];

// === impl Alpha ===

impl Alpha {
    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromTree for Alpha {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let number = f64::from_tree(tree)?;
        if number > 0.0 && number <= 0.5 {
            return Ok(Self(number));
        }
        DocumentError::invalid(
            tree,
            &"a probability above 0 and at most 0.5, such as 0.001",
        )
    }
}

read_by_serde!(Alpha);

// === impl Factor ===

impl Factor {
    /// The factor.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromTree for Factor {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let number = f64::from_tree(tree)?;
        if number > 1.0 && number.is_finite() {
            return Ok(Self(number));
        }
        DocumentError::invalid(tree, &"a factor above 1, such as 2.0")
    }
}

read_by_serde!(Factor);
