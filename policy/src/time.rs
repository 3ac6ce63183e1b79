//! Points in time and durations as the documents write them.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::document::{DocumentError, FromTree, Tree, checked, read_by_serde};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    millis: u64,
}

/// A duration in whole seconds, written with units: `30d`, `12h`, `90s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

/// A duration in whole milliseconds, written with units: `800ms`, `20s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(u64);

// === impl Timestamp ===

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self { millis: 0 };

    /// The time `millis` milliseconds after the epoch.
    pub fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The time `nanos` nanoseconds after the epoch, as proxies tell it, cut to milliseconds.
    pub fn from_nanos(nanos: u64) -> Self {
        Self::from_millis(nanos / NANOS_PER_MILLI)
    }

    /// Milliseconds after the epoch.
    pub fn millis(self) -> u64 {
        self.millis
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis.saturating_sub(earlier.millis))
    }

    fn parse(text: &str) -> Option<Self> {
        let since_epoch = humantime::parse_rfc3339(text)
            .ok()?
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        let millis = u64::try_from(since_epoch.as_millis()).ok()?;
        // What is finer than a millisecond is refused: a document must read back as it was written.
        let exact = Duration::from_millis(millis) == since_epoch;
        exact.then_some(Self { millis })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond year 9999 RFC 3339 has no form; a proxy's clock that says so is broken anyway.
        let time = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.millis.min(MILLIS_MAX)))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        if self.millis.is_multiple_of(MILLIS_PER_SECOND) {
            humantime::format_rfc3339_seconds(time).fmt(f)
        } else {
            humantime::format_rfc3339_millis(time).fmt(f)
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromTree for Timestamp {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected = "a time in UTC to the second or millisecond, such as 2026-11-23T20:00:00Z";
        checked(tree, Self::parse, &expected)
    }
}

read_by_serde!(Timestamp);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A time in UTC (RFC 3339, ending in Z), to the second or millisecond.",
            "type": "string",
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3}0*)?Z$"
        })
    }
}

// === impl Seconds ===

impl Seconds {
    /// The number of seconds.
    pub fn get(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let duration = humantime::parse_duration(text).ok()?;
        let whole = duration.subsec_nanos() == 0 && duration.as_secs() > 0;
        whole.then_some(Self(duration.as_secs()))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(Duration::from_secs(self.0)))
    }
}

impl FromTree for Seconds {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected = "a duration of whole seconds with its unit, such as 30d, 12h or 90s";
        checked(tree, Self::parse, &expected)
    }
}

read_by_serde!(Seconds);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Seconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration of whole seconds with its unit: 30d, 12h, 90s.",
            "type": "string",
            "pattern": "^[0-9]+ ?[A-Za-z]",
            "examples": ["30d", "12h", "90s"]
        })
    }
}

// === impl Millis ===

impl Millis {
    /// The number of milliseconds.
    pub fn get(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let duration = humantime::parse_duration(text).ok()?;
        let millis = u64::try_from(duration.as_millis()).ok()?;
        let exact = Duration::from_millis(millis) == duration && millis > 0;
        exact.then_some(Self(millis))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(Duration::from_millis(self.0)))
    }
}

impl FromTree for Millis {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected = "a duration of whole milliseconds with its unit, such as 800ms or 20s";
        checked(tree, Self::parse, &expected)
    }
}

read_by_serde!(Millis);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Millis {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Millis".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration of whole milliseconds with its unit: 800ms, 20s.",
            "type": "string",
            "pattern": "^[0-9]+ ?[A-Za-z]",
            "examples": ["800ms", "20s"]
        })
    }
}

const NANOS_PER_MILLI: u64 = 1_000_000;
const MILLIS_PER_SECOND: u64 = 1_000;
/// 9999-12-31T23:59:59.999Z.
const MILLIS_MAX: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_as_they_were_written() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2026-11-23T20:00:00Z",
            "2026-11-23T20:00:00.125Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(
                Timestamp::parse(text)
                    .map(|time| time.to_string())
                    .as_deref(),
                Some(text)
            );
        }
        assert_eq!(
            Timestamp::parse("2026-11-23T20:00:00Z").map(Timestamp::millis),
            Some(1_795_464_000_000)
        );
    }

    #[test]
    fn refuses_local_times_and_what_it_would_have_to_round() {
        for text in [
            "",
            "now",
            "2026-11-23",
            "2026-11-23T20:00:00",
            "2026-11-23T20:00:00+05:30",
            "2026-11-23T20:00:00.0001Z",
            "2026-13-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_beyond_all_calendars_prints() {
        assert_eq!(
            Timestamp::from_millis(u64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn durations_have_units_and_whole_seconds() {
        assert_eq!(Seconds::parse("30d").map(Seconds::get), Some(2_592_000));
        for text in ["30", "0s", "500ms", "-1h", "soon"] {
            assert_eq!(Seconds::parse(text), None, "{text}");
        }
        assert_eq!(Millis::parse("1s 250ms").map(Millis::get), Some(1_250));
        for text in ["30", "0ms", "1us", "-1s", "soon"] {
            assert_eq!(Millis::parse(text), None, "{text}");
        }
    }
}
