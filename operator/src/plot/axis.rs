//! Scales: where a value stands, and which values are worth a line.

use std::time::{Duration, SystemTime};

use super::{Millis, TimeAxis};

/// A scale of values from 0.
pub(super) struct Scale {
    /// From 0, each as far from the next.
    pub(super) ticks: Vec<f64>,
    highest: f64,
}

// === impl TimeAxis ===

impl TimeAxis {
    /// How far along the axis a moment is, from 0 to 1.
    pub(super) fn along(&self, at: Millis) -> f64 {
        let span = self.end.saturating_sub(self.start).max(1);
        at.saturating_sub(self.start) as f64 / span as f64
    }

    pub(super) fn holds(&self, at: Millis) -> bool {
        (self.start..=self.end).contains(&at)
    }

    /// Moments that are round on the reader's clock, with what that clock says.
    pub(super) fn ticks(&self) -> Vec<(Millis, String)> {
        let span = self.end.saturating_sub(self.start);
        let fits = |step: &&u64| span / **step < MOST_TICKS;
        let step = *STEPS.iter().find(fits).unwrap_or(&(span / MOST_TICKS + 1));
        let first = self.local(self.start).div_ceil(step) * step;
        let ticks =
            (0..=MOST_TICKS).map(|number| first.saturating_add(step.saturating_mul(number)));
        let utc = |local: u64| local.saturating_add_signed(-self.offset());
        let ticks = ticks.filter(|local| self.holds(utc(*local)));
        ticks.map(|local| (utc(local), tick(local, step))).collect()
    }

    /// From when to when, with the date and the clock.
    pub(super) fn range(&self) -> String {
        let (start, end) = (stamp(self.local(self.start)), stamp(self.local(self.end)));
        let (day, last_day) = (&start[..DATE], &end[..DATE]);
        let (from, to) = (&start[TIME..SECONDS], &end[TIME..SECONDS]);
        let zone = self.zone();
        match day == last_day {
            true => format!("{day}, {from} to {to} {zone}"),
            false => format!("{day}, {from} to {last_day}, {to} {zone}"),
        }
    }

    /// The time of day, to the second.
    pub(super) fn clock(&self, at: Millis) -> String {
        stamp(self.local(at))[TIME..SECONDS].to_owned()
    }

    fn zone(&self) -> String {
        let (sign, minutes) = match self.offset_minutes {
            0 => return "UTC".into(),
            minutes if minutes < 0 => ('-', minutes.unsigned_abs()),
            minutes => ('+', minutes.unsigned_abs()),
        };
        format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    fn local(&self, at: Millis) -> u64 {
        // Later years cannot be written.
        at.saturating_add_signed(self.offset()).min(LATEST)
    }

    fn offset(&self) -> i64 {
        i64::from(self.offset_minutes) * 60_000
    }
}

// === impl Scale ===

impl Scale {
    /// Up to the first round value that is not below the highest.
    pub(super) fn up_to(highest: f64) -> Self {
        let highest = if highest > LEAST { highest } else { 1.0 };
        let rough = highest / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
        // Divisions of numbers such as 0.3 are not exact.
        let fits = |step: &f64| *step >= rough * (1.0 - 1e-9);
        let step = steps.into_iter().find(fits).unwrap_or(rough);
        let count = (highest / step * (1.0 - 1e-9)).ceil();
        let ticks = (0..=count as u32).map(|number| f64::from(number) * step);
        Self {
            ticks: ticks.collect(),
            highest: count * step,
        }
    }

    /// Shares as such, where most of the scale would be used.
    pub(super) fn of_percent(highest: f64) -> Self {
        match highest > 25.0 {
            true => Self {
                ticks: vec![0.0, 25.0, 50.0, 75.0, 100.0],
                highest: 100.0,
            },
            false => Self::up_to(highest),
        }
    }

    /// How far up the scale a value is, from 0 to 1.
    pub(super) fn up(&self, value: f64) -> f64 {
        (value / self.highest).clamp(0.0, 1.0)
    }
}

/// What the clock says, or the day where one begins.
fn tick(local: u64, step: u64) -> String {
    let stamp = stamp(local);
    match local % DAY {
        0 => {
            let month: usize = stamp[5..7].parse().unwrap_or(1);
            format!(
                "{} {}",
                stamp[8..DATE].trim_start_matches('0'),
                MONTHS[month.saturating_sub(1) % 12]
            )
        }
        _ if step.is_multiple_of(60_000) => stamp[TIME..MINUTES].to_owned(),
        _ if step.is_multiple_of(1_000) => stamp[TIME..SECONDS].to_owned(),
        _ => stamp[TIME..MILLIS].to_owned(),
    }
}

/// "2026-11-23T20:10:00.000Z", of which the constants below are places.
fn stamp(local: u64) -> String {
    let millis = Duration::from_millis(local.min(LATEST));
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + millis).to_string()
}

const DATE: usize = 10;
const TIME: usize = 11;
const MINUTES: usize = 16;
const SECONDS: usize = 19;
const MILLIS: usize = 23;
/// The end of the year 9999.
const LATEST: u64 = 253_402_300_799_000;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// On a clock these are round.
const STEPS: [u64; 22] = [
    100,
    200,
    500,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];
/// Less than this is nothing.
const LEAST: f64 = 1e-6;
/// More would not be read.
const MOST_TICKS: u64 = 10;
/// About as many on a scale of values.
const TICKS: f64 = 4.0;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
