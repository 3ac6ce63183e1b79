//! What the judge says: where every signal stands, and which one tripped.

use std::fmt;

use serde::Serialize;

use crate::document::{FromTree, read_by_serde, read_struct, read_words};
use crate::entity::Entity;
use crate::percent::Percent;

/// What a verdict rests on, in one word; a label of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalName {
    /// Answers that are errors.
    ErrorRate,
    /// Answers whose first byte came too late.
    SlowFirstByte,
    /// Answers that ended too late.
    Slow,
    /// Answers in which an entity was found.
    Redactions,
    /// An entity that must not be found at all.
    ZeroTolerance,
    /// Answers that were not scanned.
    Unscanned,
    /// The split itself.
    SampleRatio,
}

/// In which direction the canary differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It has more of them than the stable arm.
    More,
    /// It has fewer.
    Fewer,
}

/// So many of so many answers (of requests, where it is the split that is judged).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many were bad.
    pub bad: u64,
    /// Of how many.
    pub of: u64,
}

/// Where one signal stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalReport {
    /// What is counted.
    pub signal: SignalName,
    /// Of which entity, where it is about redactions.
    pub entity: Option<Entity>,
    /// Which difference is looked for.
    pub side: Side,
    /// What the stable arm did beside the canary.
    pub stable: Count,
    /// What the canary did.
    pub canary: Count,
    /// The share that the canary had of what was counted; of the split, the share that it was to have.
    pub share: Percent,
    /// The evidence that the canary differs: how many times its look at the data has multiplied what
    /// was staked against it.
    pub e_value: f64,
    /// It trips from here on: `1 / alpha`; 0 where one event is enough.
    pub threshold: f64,
    /// The part of the judge's alpha that this signal may spend; 0 where nothing is left to chance.
    pub alpha: f64,
}

/// The canary is worse: one signal and its numbers when it tripped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Verdict(pub SignalReport);

// === impl SignalName ===

read_words!(SignalName {
    "error_rate" => ErrorRate,
    "slow_first_byte" => SlowFirstByte,
    "slow" => Slow,
    "redactions" => Redactions,
    "zero_tolerance" => ZeroTolerance,
    "unscanned" => Unscanned,
    "sample_ratio" => SampleRatio,
});

impl SignalName {
    /// The word for it in labels and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::SlowFirstByte => "slow_first_byte",
            Self::Slow => "slow",
            Self::Redactions => "redactions",
            Self::ZeroTolerance => "zero_tolerance",
            Self::Unscanned => "unscanned",
            Self::SampleRatio => "sample_ratio",
        }
    }
}

// === impl Side ===

read_words!(Side { "more" => More, "fewer" => Fewer });

// === impl Count ===

read_struct!(Count {
    bad: required "bad",
    of: required "of",
});

// === impl SignalReport ===

read_struct!(SignalReport {
    signal: required "signal",
    entity: or_default "entity",
    side: required "side",
    stable: required "stable",
    canary: required "canary",
    share: required "share",
    e_value: required "e_value",
    threshold: required "threshold",
    alpha: required "alpha",
});

impl SignalReport {
    /// Whether this signal has seen enough to roll back.
    pub fn tripped(&self) -> bool {
        match self.signal {
            SignalName::ZeroTolerance => self.canary.bad > 0,
            _ => self.e_value >= self.threshold,
        }
    }
}

impl fmt::Display for SignalReport {
    /// All the numbers, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stable, canary, .. } = self;
        f.write_str(self.signal.as_str())?;
        if let Some(entity) = &self.entity {
            write!(f, " of {entity}")?;
        }
        match self.signal {
            SignalName::ZeroTolerance => {
                return write!(
                    f,
                    ": in {} of {} answers of the canary, none is tolerated (stable: {} of {})",
                    canary.bad, canary.of, stable.bad, stable.of
                );
            }
            SignalName::SampleRatio => write!(
                f,
                ": the canary got {canary} of the requests, it was to get {}",
                self.share
            )?,
            _ => write!(
                f,
                ": canary {canary}, stable {stable}; the canary had {} of these answers",
                rounded(self.share)
            )?,
        }
        let looked_for = match self.side {
            Side::More => "more",
            Side::Fewer => "fewer",
        };
        write!(
            f,
            "; evidence for {looked_for}: {}, rolls back from {} on",
            self.e_value as u64, self.threshold as u64
        )
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = rounded(Percent::of(self.bad, self.of));
        write!(f, "{} of {} ({share})", self.bad, self.of)
    }
}

/// To two decimal places: more would only look exact.
fn rounded(share: Percent) -> Percent {
    let hundredths = share.ppm().saturating_add(PPM_PER_HUNDREDTH / 2) / PPM_PER_HUNDREDTH;
    let ppm = hundredths.saturating_mul(PPM_PER_HUNDREDTH);
    Percent::from_ppm(ppm).unwrap_or(share)
}

// === impl Verdict ===

impl FromTree for Verdict {
    fn from_tree(tree: &crate::document::Tree) -> Result<Self, crate::document::DocumentError> {
        SignalReport::from_tree(tree).map(Self)
    }
}

read_by_serde!(Verdict);

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A hundredth of a percent.
const PPM_PER_HUNDREDTH: u32 = 100;
