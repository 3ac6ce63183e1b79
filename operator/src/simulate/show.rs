//! The results of the trials, as a table and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::trials::Delay;

/// What one rule made of one canary.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) rule: String,
    pub(crate) times: f64,
    pub(crate) trials: usize,
    /// Of the trials that rolled back, the soonest first.
    pub(crate) delays: Vec<Delay>,
}

// === impl Row ===

impl Row {
    pub(crate) fn new(rule: &str, times: f64, delays: Vec<Option<Delay>>) -> Self {
        let trials = delays.len();
        let mut delays: Vec<_> = delays.into_iter().flatten().collect();
        delays.sort_by_key(|delay| (delay.seconds, delay.canary));
        Self {
            rule: rule.into(),
            times,
            trials,
            delays,
        }
    }

    /// Whether the canary is as good as the stable arm, so that it should not be rolled back.
    pub(crate) fn is_good(&self) -> bool {
        self.times == 1.0
    }

    /// The part of the trials that rolled back.
    pub(crate) fn part(&self) -> f64 {
        self.delays.len() as f64 / self.trials as f64
    }

    /// Up to where the true part may be, with 95 % confidence (Wilson's score interval).
    fn part_at_most(&self) -> f64 {
        let (part, trials) = (self.part(), self.trials as f64);
        let middle = part + Z * Z / (2.0 * trials);
        let spread = (part * (1.0 - part) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
        (middle + Z * spread) / (1.0 + Z * Z / trials)
    }

    /// The delay that this part of all trials does not exceed; `None` if fewer rolled back.
    fn quantile(&self, part: f64, of: fn(&Delay) -> u64) -> Option<u64> {
        let mut delays: Vec<_> = self.delays.iter().map(of).collect();
        delays.sort_unstable();
        let place = (part * self.trials as f64).ceil() as usize;
        delays.get(place.saturating_sub(1)).copied()
    }

    pub(crate) fn to_json(&self) -> Value {
        let quantiles = |of: fn(&Delay) -> u64| {
            json!({
                "median": self.quantile(0.5, of),
                "p90": self.quantile(0.9, of),
            })
        };
        json!({
            "rule": self.rule,
            "times": self.times,
            "trials": self.trials,
            "rolled_back": self.delays.len(),
            "rolled_back_at_most": self.part_at_most(),
            "canary_requests": quantiles(|delay| delay.canary),
            "seconds": quantiles(|delay| delay.seconds),
        })
    }

    fn cells(&self) -> [String; 6] {
        let number = |count: Option<u64>| count.map_or("–".into(), |count| count.to_string());
        let time = |seconds: Option<u64>| {
            seconds.map_or("–".into(), |seconds| {
                let time = humantime::format_duration(Duration::from_secs(seconds));
                time.to_string()
            })
        };
        let rolled_back = match self.is_good() {
            true => format!(
                "{} (true: ≤ {})",
                percent(self.part()),
                percent(self.part_at_most())
            ),
            false => percent(self.part()),
        };
        let canary = match self.is_good() {
            true => "good".into(),
            false => format!("{} ×", self.times),
        };
        [
            canary,
            self.rule.clone(),
            rolled_back,
            number(self.quantile(0.5, |delay| delay.canary)),
            time(self.quantile(0.5, |delay| delay.seconds)),
            time(self.quantile(0.9, |delay| delay.seconds)),
        ]
    }
}

/// Every row, under headings; medians are of all trials, so that one that found half has none.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![HEADINGS.map(String::from)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = lines.iter().map(|cells| cells[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut text = String::new();
    for cells in lines {
        let padded = cells.iter().zip(widths);
        let padded = padded.map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

pub(crate) fn percent(part: f64) -> String {
    format!("{} %", (part * 1e4).round() / 1e2)
}

const HEADINGS: [&str; 6] = [
    "canary",
    "rule",
    "rolled back",
    "canary requests (median)",
    "time (median)",
    "time (9 of 10)",
];
const Z: f64 = 1.96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_all_trials() {
        let delay = |seconds| {
            Some(Delay {
                canary: 2 * seconds,
                seconds,
            })
        };
        let row = Row::new("judge", 10.0, vec![delay(5), None, delay(1), delay(3)]);
        assert_eq!(row.quantile(0.5, |delay| delay.seconds), Some(3));
        assert_eq!(row.quantile(0.75, |delay| delay.canary), Some(10));
        assert_eq!(row.quantile(0.9, |delay| delay.seconds), None);
    }

    #[test]
    fn no_alarm_in_two_hundred_trials_is_no_proof_of_none() {
        let row = Row::new("judge", 1.0, vec![None; 200]);
        assert!(
            (row.part_at_most() - 0.018_85).abs() < 1e-4,
            "{}",
            row.part_at_most()
        );
    }
}
