//! A share of traffic, exact to one part per million.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

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

struct PercentVisitor;

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

    fn from_f64(percent: f64) -> Option<Self> {
        if !(0.0..=100.0).contains(&percent) {
            return None;
        }
        let ppm = (percent * PPM_PER_PERCENT).round() as u32;
        let exact = f64::from(ppm) / PPM_PER_PERCENT == percent;
        exact.then_some(Self { ppm })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.ppm) / PPM_PER_PERCENT)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let percent = f64::from(self.ppm) / PPM_PER_PERCENT;
        if percent.fract() == 0.0 {
            serializer.serialize_u32(percent as u32)
        } else {
            serializer.serialize_f64(percent)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

// === impl PercentVisitor ===

impl Visitor<'_> for PercentVisitor {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a percentage from 0 to 100 with at most four decimal places, such as 10 or 0.25",
        )
    }

    fn visit_u64<E: de::Error>(self, percent: u64) -> Result<Percent, E> {
        u32::try_from(percent)
            .ok()
            .and_then(|percent| percent.checked_mul(PPM_PER_PERCENT as u32))
            .and_then(Percent::from_ppm)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(percent), &self))
    }

    fn visit_f64<E: de::Error>(self, percent: f64) -> Result<Percent, E> {
        Percent::from_f64(percent)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Float(percent), &self))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Share of the units, in percent, with at most four decimal places. Anything finer is refused, never rounded.",
            "type": "number",
            "minimum": 0,
            "maximum": 100,
            "multipleOf": 0.0001
        })
    }
}

const PPM_ALL: u32 = 1_000_000;
const PPM_PER_PERCENT: f64 = 10_000.0;

#[cfg(test)]
mod tests;
