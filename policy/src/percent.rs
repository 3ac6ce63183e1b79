//! A share of traffic, exact to one part per million.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::document::{DocumentError, FromTree, Tree, read_by_serde};

/// A percentage from 0 to 100 with at most four decimal places, held as parts per million.
///
/// Written as a JSON number. A finer number is refused, never rounded. JSON numbers are IEEE
/// doubles for every common reader (RFC 8259, section 6), so "four places" means: the double
/// nearest to a decimal with four places.
///
/// ```
/// use breakglass_policy::Percent;
/// assert_eq!(Percent::from_ppm(12_500).unwrap().to_string(), "1.25 %");
/// assert!(serde_json::from_str::<Percent>("0.00001").is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent {
    ppm: u32,
}

// === impl Percent ===

impl Percent {
    /// Nobody.
    pub const ZERO: Self = Self { ppm: 0 };
    /// Everybody.
    pub const ALL: Self = Self { ppm: PPM_ALL };

    /// A share given in parts per million; `None` above 1,000,000.
    pub fn from_ppm(ppm: u32) -> Option<Self> {
        (ppm <= PPM_ALL).then_some(Self { ppm })
    }

    /// The share in parts per million.
    pub fn ppm(self) -> u32 {
        self.ppm
    }

    /// The share that `part` is of `whole`, to the nearest part per million; nobody of nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let part = part.min(whole) as f64 / whole as f64;
        Self {
            ppm: (part * f64::from(PPM_ALL) + 0.5) as u32,
        }
    }

    fn from_whole(percent: u64) -> Option<Self> {
        let ppm = u32::try_from(percent).ok()?.checked_mul(PPM_PER_PERCENT)?;
        Self::from_ppm(ppm)
    }

    fn from_f64(percent: f64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        let ppm = (percent * f64::from(PPM_PER_PERCENT)).round() as u32;
        let exact = f64::from(ppm) / f64::from(PPM_PER_PERCENT) == percent;
        exact.then_some(Self { ppm })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.ppm / PPM_PER_PERCENT, self.ppm % PPM_PER_PERCENT);
        let places = format!(".{places:04}");
        write!(f, "{whole}{} %", places.trim_end_matches(['.', '0']))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.ppm % PPM_PER_PERCENT {
            0 => serializer.serialize_u32(self.ppm / PPM_PER_PERCENT),
            _ => serializer.serialize_f64(f64::from(self.ppm) / f64::from(PPM_PER_PERCENT)),
        }
    }
}

impl FromTree for Percent {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected =
            "a percentage from 0 to 100 with at most four decimal places, such as 10 or 0.25";
        let percent = match tree {
            Tree::Unsigned(percent) => Self::from_whole(*percent),
            Tree::Signed(_) => None,
            Tree::Float(percent) => Self::from_f64(*percent),
            other => return other.mismatch(&expected),
        };
        match percent {
            Some(percent) => Ok(percent),
            None => DocumentError::invalid(tree, &expected),
        }
    }
}

read_by_serde!(Percent);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // Not `multipleOf: 0.0001`: many validators divide in floating point, and of the percentages
        // with four places such a division refuses three in ten, 0.0003 to begin with.
        schemars::json_schema!({
            "description": "Share of the units, in percent, with at most four decimal places. Anything finer is refused, never rounded.",
            "type": "number",
            "minimum": 0,
            "maximum": 100
        })
    }
}

const PPM_ALL: u32 = 1_000_000;
const PPM_PER_PERCENT: u32 = 10_000;

#[cfg(test)]
mod tests;
