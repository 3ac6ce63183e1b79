//! The judge: a sequential test of the canary against the stable arm that runs beside it.
//!
//! This file is the judge as the policy sets it up: which signals, and how many false alarms. A
//! [`Trial`] is the judge at work: it takes what the arms did since the last look ([`Increment`]),
//! may look as often as it likes, and comes to a [`Verdict`] when the canary is worse by more than
//! chance explains. `docs/judge.md` says what it tests and why that is sound.

mod block;
mod evidence;
mod process;
mod split;
mod tally;
mod trial;
mod verdict;

use std::fmt;

use serde::Serialize;

use crate::document::{DocumentError, FromTree, Members, Tree, checked, read_by_serde};
use crate::entity::Entity;
use crate::percent::Percent;
use crate::time::Millis;

pub use tally::{ArmTally, Increment, Redactions, Tallies};
pub use trial::Trial;
pub use verdict::{Count, Side, SignalName, SignalReport, Verdict};

/// The sequential test of the canary against the concurrent stable arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Judge {
    /// The chance of a false alarm over the whole life of the rollout, all signals together.
    pub alpha: Alpha,
    /// What it watches. Each kind once; redactions once for each entity.
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
    /// Answers that are errors: by their status, by an error event in a stream, or cut off by the
    /// agent.
    #[serde(rename_all = "snake_case")]
    ErrorRate {
        /// By which factor.
        #[serde(default)]
        worse_by: Factor,
        /// The statuses that are errors.
        #[serde(default = "Status::server_errors")]
        statuses: Vec<Status>,
    },
    /// Answers that take longer than they may.
    Latency(Latency),
    /// Answers in which PII was found.
    #[serde(rename_all = "snake_case")]
    Redactions {
        /// Of which entity; `*` for each that is found, but those of other `redactions` signals.
        entity: Entity,
        /// Whether fewer of them are a sign too: a redactor that fell silent.
        #[serde(default)]
        two_sided: bool,
        /// By which factor.
        #[serde(default)]
        worse_by: Factor,
    },
    /// Entities of which one on the canary is one too many.
    ZeroTolerance(Vec<Entity>),
    /// Answers that were not scanned, or not as a whole.
    #[serde(rename_all = "snake_case")]
    Unscanned {
        /// By which factor.
        #[serde(default)]
        worse_by: Factor,
    },
    /// A canary that gets another share of the requests than the ramp says.
    #[serde(rename_all = "snake_case")]
    SampleRatio {
        /// The share of all requests that one unit may send without being taken for a broken split.
        #[serde(default = "heaviest_unit")]
        heaviest_unit: Percent,
        /// How many requests an ordinary unit sends in the life of the rollout, at most.
        #[serde(default = "requests_per_unit")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        requests_per_unit: u64,
    },
}

/// How long an answer may take. At least one bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("anyOf" = [{"required": ["first_byte"]}, {"required": ["answer"]}])))]
pub struct Latency {
    /// Up to its first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Millis>,
    /// Up to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Millis>,
    /// By which factor more answers must exceed a bound.
    #[serde(default)]
    pub worse_by: Factor,
}

/// Statuses of HTTP: one, such as `429`, or a class, such as `5xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    first: u16,
    last: u16,
}

// === impl Judge ===

impl Judge {
    /// Whether an answer with this status counts as an error.
    pub fn is_error(&self, status: u16) -> bool {
        let statuses = self.signals.iter().find_map(|signal| match signal {
            Signal::ErrorRate { statuses, .. } => Some(statuses),
            _ => None,
        });
        match statuses {
            Some(statuses) => statuses.iter().any(|these| these.contains(status)),
            None => Status::SERVER_ERRORS.contains(status),
        }
    }

    /// How long answers may take, where the judge watches it.
    pub fn latency(&self) -> Option<&Latency> {
        self.signals.iter().find_map(|signal| match signal {
            Signal::Latency(latency) => Some(latency),
            _ => None,
        })
    }
}

impl FromTree for Judge {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["alpha", "signals"])?;
        let signals: Vec<Signal> = members.or_default("signals")?;
        for (place, signal) in signals.iter().enumerate() {
            // An answer is counted once: two bounds or two sets of statuses would need two counts.
            let mut before = signals.iter().take(place);
            if before.any(|other| other.watches_the_same(signal)) {
                let error = DocumentError::whole(format_args!(
                    "the judge watches this already, expected each signal once"
                ));
                return Err(error.under_index(place).under_key("signals"));
            }
        }
        Ok(Self {
            alpha: members.required("alpha")?,
            signals,
        })
    }
}

read_by_serde!(Judge);

// === impl Signal ===

impl Signal {
    fn read(name: &str, content: &Tree) -> Result<Self, DocumentError> {
        match name {
            ERROR_RATE => {
                let members = Members::of(content, &["worse_by", "statuses"])?;
                Ok(Self::ErrorRate {
                    worse_by: members.or_default("worse_by")?,
                    statuses: members
                        .given("statuses")?
                        .unwrap_or_else(Status::server_errors),
                })
            }
            LATENCY => Latency::from_tree(content).map(Self::Latency),
            REDACTIONS => {
                let members = Members::of(content, &["entity", "two_sided", "worse_by"])?;
                Ok(Self::Redactions {
                    entity: members.required("entity")?,
                    two_sided: members.or_default("two_sided")?,
                    worse_by: members.or_default("worse_by")?,
                })
            }
            UNSCANNED => {
                let members = Members::of(content, &["worse_by"])?;
                Ok(Self::Unscanned {
                    worse_by: members.or_default("worse_by")?,
                })
            }
            SAMPLE_RATIO => {
                let members = Members::of(content, &["heaviest_unit", "requests_per_unit"])?;
                let heaviest_unit = members.given("heaviest_unit")?;
                let requests_per_unit = members.given("requests_per_unit")?;
                if requests_per_unit == Some(0) {
                    let message = "invalid value: integer `0`, expected at least 1 request";
                    return Err(DocumentError::whole(message).under_key("requests_per_unit"));
                }
                Ok(Self::SampleRatio {
                    heaviest_unit: heaviest_unit.unwrap_or_else(self::heaviest_unit),
                    requests_per_unit: requests_per_unit.unwrap_or_else(self::requests_per_unit),
                })
            }
            // ZERO_TOLERANCE: `alternative` lets no other name through.
            _ => Vec::from_tree(content).map(Self::ZeroTolerance),
        }
    }

    fn watches_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Redactions { entity: one, .. }, Self::Redactions { entity: other, .. }) => {
                one == other
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
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

fn heaviest_unit() -> Percent {
    Percent::from_ppm(HEAVIEST_UNIT_PPM).unwrap_or(Percent::ALL)
}

fn requests_per_unit() -> u64 {
    REQUESTS_PER_UNIT
}

const ERROR_RATE: &str = "error_rate";
const LATENCY: &str = "latency";
const REDACTIONS: &str = "redactions";
const ZERO_TOLERANCE: &str = "zero_tolerance";
const UNSCANNED: &str = "unscanned";
const SAMPLE_RATIO: &str = "sample_ratio";
const SIGNALS: [&str; 6] = [
    ERROR_RATE,
    LATENCY,
    REDACTIONS,
    ZERO_TOLERANCE,
    UNSCANNED,
    SAMPLE_RATIO,
];

/// A fifth: a tenant with more is not one of many, and its rollout should not be judged by the split.
const HEAVIEST_UNIT_PPM: u32 = 200_000;
/// A person who talks to an agent all day sends fewer.
const REQUESTS_PER_UNIT: u64 = 100;

// === impl Latency ===

impl FromTree for Latency {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["first_byte", "answer", "worse_by"])?;
        let latency = Self {
            first_byte: members.given("first_byte")?,
            answer: members.given("answer")?,
            worse_by: members.or_default("worse_by")?,
        };
        if latency.first_byte.is_none() && latency.answer.is_none() {
            let message = "no bound, expected `first_byte` or `answer`, such as \"20s\"";
            return Err(DocumentError::whole(message));
        }
        Ok(latency)
    }
}

read_by_serde!(Latency);

// === impl Status ===

impl Status {
    /// Every status that says the server failed.
    pub const SERVER_ERRORS: Self = Self {
        first: 500,
        last: 599,
    };

    /// Whether `status` is one of them.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }

    fn server_errors() -> Vec<Self> {
        vec![Self::SERVER_ERRORS]
    }

    fn parse(text: &str) -> Option<Self> {
        let class = text.strip_suffix("xx");
        let (digits, width) = class.map_or((text, 1), |class| (class, 100));
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = digits.parse().ok().filter(|_| plain)?;
        let first = number.checked_mul(width)?;
        let last = first.checked_add(width)?.checked_sub(1)?;
        (100..=599).contains(&first).then_some(Self { first, last })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}xx", self.first / 100),
        }
    }
}

impl Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromTree for Status {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected = "a status or a class of them, such as \"429\" or \"5xx\"";
        checked(tree, Self::parse, &expected)
    }
}

read_by_serde!(Status);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Status {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A status of HTTP or a class of them: 429, 5xx.",
            "type": "string",
            "pattern": "^[1-5]([0-9][0-9]|xx)$"
        })
    }
}

// === impl Alpha ===

impl Alpha {
    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The probability `number`; `None` if it is not above 0 and at most 0.5.
    pub fn new(number: f64) -> Option<Self> {
        (number > 0.0 && number <= 0.5).then_some(Self(number))
    }
}

impl FromTree for Alpha {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match Self::new(f64::from_tree(tree)?) {
            Some(alpha) => Ok(alpha),
            None => DocumentError::invalid(
                tree,
                &"a probability above 0 and at most 0.5, such as 0.001",
            ),
        }
    }
}

read_by_serde!(Alpha);

// === impl Factor ===

impl Factor {
    /// The factor.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The factor `number`; `None` if it is not above 1.
    pub fn new(number: f64) -> Option<Self> {
        (number > 1.0 && number.is_finite()).then_some(Self(number))
    }
}

impl Default for Factor {
    /// Twice: what an operator would call worse, and not a matter of taste.
    fn default() -> Self {
        Self(2.0)
    }
}

impl FromTree for Factor {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match Self::new(f64::from_tree(tree)?) {
            Some(factor) => Ok(factor),
            None => DocumentError::invalid(tree, &"a factor above 1, such as 2.0"),
        }
    }
}

read_by_serde!(Factor);

#[cfg(test)]
mod tests;
