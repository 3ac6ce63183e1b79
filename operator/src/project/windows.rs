//! When routine changes may be made: windows of the week in one time zone, and freezes.

use std::fmt;

use anyhow::{Context, Result, bail};
use breakglass_policy::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The windows in which changes may be made. None named: at any time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Windows {
    /// The zone of every time here, by its IANA name.
    #[serde(default)]
    pub(crate) time_zone: Zone,
    /// When changes may be made.
    #[serde(default)]
    pub(crate) change: Vec<Window>,
    /// When they may not, whatever the window says.
    #[serde(default)]
    pub(crate) freezes: Vec<Freeze>,
}

/// Hours of some days of the week.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    /// `mon` to `sun`.
    pub(crate) days: Vec<Day>,
    pub(crate) from: Hour,
    /// Where it is not later than `from` the window ends on the next day.
    pub(crate) to: Hour,
}

/// A time in which nothing is changed: a sale, a holiday, an audit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freeze {
    pub(crate) name: String,
    /// A local time: `2026-12-24T00:00`.
    pub(crate) from: DateTime,
    pub(crate) to: DateTime,
}

/// A time zone of the IANA database.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

/// A time of the day, `09:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hour(Time);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

// === impl Windows ===

impl Windows {
    /// Whether changes may be made at this time by the windows alone.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        let local = self.local(now);
        self.change.is_empty() || self.change.iter().any(|window| window.holds(local))
    }

    /// The freeze that is on.
    pub(crate) fn freeze(&self, now: Timestamp) -> Option<&Freeze> {
        let local = self.local(now);
        let mut freezes = self.freezes.iter();
        freezes.find(|freeze| freeze.from <= local && local < freeze.to)
    }

    /// The freeze that begins next.
    pub(crate) fn next_freeze(&self, now: Timestamp) -> Option<&Freeze> {
        let local = self.local(now);
        let later = self.freezes.iter().filter(|freeze| local < freeze.from);
        later.min_by_key(|freeze| freeze.from)
    }

    /// When changes may be made next, freezes aside, to the minute; now where they may be.
    pub(crate) fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_open(now) {
            return Some(now);
        }
        let minute = now.millis() / MINUTE_MILLIS + 1;
        let minutes = (minute..minute + WEEK_MINUTES).map(|minute| minute * MINUTE_MILLIS);
        let mut times = minutes.map(Timestamp::from_millis);
        times.find(|time| self.is_open(*time))
    }

    /// `Thu 22:05 Asia/Kolkata`.
    pub(crate) fn describe(&self, now: Timestamp) -> String {
        format!(
            "{} {}",
            self.local(now).strftime("%a %H:%M"),
            self.time_zone
        )
    }

    /// `22:05:09`, in the zone.
    pub(crate) fn time_of_day(&self, time: Timestamp) -> String {
        self.local(time).strftime("%H:%M:%S").to_string()
    }

    /// `2026-11-26 22:05`, in the zone.
    pub(crate) fn date(&self, time: Timestamp) -> String {
        self.local(time).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2026-11-26 22:05:07 +05:30`, in the zone.
    pub(crate) fn moment(&self, time: Timestamp) -> String {
        let (ahead, sign) = match self.offset_minutes(time) {
            minutes if minutes < 0 => (minutes.unsigned_abs(), '-'),
            minutes => (minutes.unsigned_abs(), '+'),
        };
        let local = self.local(time).strftime("%Y-%m-%d %H:%M:%S").to_string();
        format!("{local} {sign}{:02}:{:02}", ahead / 60, ahead % 60)
    }

    /// How far the zone's clock is ahead of UTC at this time.
    pub(crate) fn offset_minutes(&self, time: Timestamp) -> i32 {
        self.time_zone.0.to_offset(instant(time)).seconds() / 60
    }

    /// `2026-11`, in the zone.
    pub(crate) fn month(&self, time: Timestamp) -> String {
        self.local(time).strftime("%Y-%m").to_string()
    }

    /// The year in the zone.
    pub(crate) fn year(&self, time: Timestamp) -> i16 {
        self.local(time).year()
    }

    /// Checks what each term alone cannot know.
    pub(crate) fn check(&self) -> Result<()> {
        for (index, freeze) in self.freezes.iter().enumerate() {
            if freeze.to <= freeze.from {
                bail!(
                    "windows.freezes[{index}].to: not later than `from`, {}",
                    freeze.from
                );
            }
        }
        for (index, window) in self.change.iter().enumerate() {
            if window.days.is_empty() {
                bail!(
                    "windows.change[{index}].days: no day; expected some of mon, tue, wed, thu, fri, sat, sun"
                );
            }
        }
        Ok(())
    }

    fn local(&self, now: Timestamp) -> DateTime {
        self.time_zone.0.to_datetime(instant(now))
    }
}

fn instant(time: Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(time.millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

// === impl Window ===

impl Window {
    fn holds(&self, local: DateTime) -> bool {
        let time = local.time();
        let on = |weekday: Weekday| self.days.iter().any(|day| day.weekday() == weekday);
        let today = local.weekday();
        if self.from.0 < self.to.0 {
            return on(today) && self.from.0 <= time && time < self.to.0;
        }
        (on(today) && self.from.0 <= time) || (on(today.previous()) && time < self.to.0)
    }

    pub(crate) fn to_text(&self) -> String {
        let days = self
            .days
            .iter()
            .map(|day| format!("{day:?}").to_lowercase());
        format!(
            "{} {}–{}",
            days.collect::<Vec<_>>().join(" "),
            self.from,
            self.to
        )
    }
}

// === impl Zone, Hour, Day ===

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let zone = TimeZone::get(name);
        zone.map(Self).with_context(|| {
            format!("`{name}` is no time zone, expected an IANA name such as Asia/Kolkata or UTC")
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(|error| serde::de::Error::custom(format!("{error:#}")))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.strftime("%H:%M").fmt(f)
    }
}

impl Serialize for Hour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = Time::strptime("%H:%M", &text);
        time.map(Self).map_err(|_| {
            serde::de::Error::custom(format!(
                "`{text}` is no time of the day, expected one such as 09:30"
            ))
        })
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

const MINUTE_MILLIS: u64 = 60_000;
/// And a day, for zones that change their clocks.
const WEEK_MINUTES: u64 = 8 * 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn windows() -> Windows {
        toml::from_str(
            r#"
            time_zone = "Asia/Kolkata"
            change = [{days = ["mon", "tue"], from = "09:00", to = "17:00"}, {days = ["fri"], from = "22:00", to = "02:00"}]
            freezes = [{name = "sale", from = "2026-11-24T10:00:00", to = "2026-11-25T00:00:00"}]
            "#,
        )
        .unwrap()
    }

    /// A time in UTC.
    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    #[test]
    fn a_window_is_open_by_the_clock_of_its_zone() {
        // 2026-11-23 is a Monday; Kolkata is 5:30 ahead.
        let windows = windows();
        assert!(!windows.is_open(at("2026-11-23T03:29:59Z")));
        assert!(windows.is_open(at("2026-11-23T03:30:00Z")));
        assert!(!windows.is_open(at("2026-11-23T11:30:00Z")));
    }

    #[test]
    fn a_window_may_end_on_the_next_day() {
        let windows = windows();
        // Friday 22:00 to Saturday 02:00 in Kolkata.
        assert!(windows.is_open(at("2026-11-27T16:30:00Z")));
        assert!(windows.is_open(at("2026-11-27T20:29:00Z")));
        assert!(!windows.is_open(at("2026-11-27T20:30:00Z")));
    }

    #[test]
    fn the_next_window_begins_to_the_minute() {
        let windows = windows();
        let next = |time| windows.next_open(at(time)).unwrap();
        // Monday 16:59 is inside; Tuesday 17:00 waits for Friday 22:00, in Kolkata.
        assert_eq!(next("2026-11-23T11:29:07Z"), at("2026-11-23T11:29:07Z"));
        assert_eq!(next("2026-11-24T11:30:00Z"), at("2026-11-27T16:30:00Z"));
        let never: Windows =
            toml::from_str(r#"change = [{days = ["mon"], from = "09:00", to = "09:00"}]"#).unwrap();
        assert!(
            never.next_open(at("2026-11-24T11:30:00Z")).is_some(),
            "a whole day"
        );
    }

    #[test]
    fn the_next_freeze_is_the_one_that_begins_first() {
        let windows = windows();
        assert_eq!(
            windows
                .next_freeze(at("2026-11-23T00:00:00Z"))
                .unwrap()
                .name,
            "sale"
        );
        assert!(windows.next_freeze(at("2026-11-24T12:00:00Z")).is_none());
    }

    #[test]
    fn a_freeze_has_a_name_and_an_end() {
        let windows = windows();
        assert_eq!(
            windows.freeze(at("2026-11-24T04:30:00Z")).unwrap().name,
            "sale"
        );
        assert!(windows.freeze(at("2026-11-24T18:30:00Z")).is_none());
    }

    #[test]
    fn unknown_zones_and_hours_are_refused() {
        for (text, expected) in [
            (r#"time_zone = "Bangalore""#, "is no time zone"),
            (
                r#"change = [{days = ["mon"], from = "9 am", to = "17:00"}]"#,
                "no time of the day",
            ),
            (
                r#"change = [{days = ["monday"], from = "09:00", to = "17:00"}]"#,
                "unknown variant",
            ),
        ] {
            let error = toml::from_str::<Windows>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
