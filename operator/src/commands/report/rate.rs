//! The rate of emergencies: what is counted, and of what.

use std::collections::BTreeMap;
use std::fmt;

use breakglass_policy::{Name, Timestamp};
use jiff::civil::Date;
use serde::Serialize;

use crate::change::ledger::RefusedAttempt;
use crate::change::record::ChangeId;
use crate::change::{Change, Ledger};
use crate::project::config::Config;
use crate::project::windows::Windows;

/// How often each.
pub(super) type Counts = BTreeMap<String, u64>;

/// Which days, both included, as `2026-11-26`; or months.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Period {
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

/// What there was in it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Rate {
    pub(super) period: Period,
    pub(super) emergencies: u64,
    pub(super) routine: u64,
    /// Of emergencies among all changes; none of none.
    pub(super) share_percent: Option<f64>,
    pub(super) months: Vec<Month>,
    pub(super) by_category: Counts,
    pub(super) by_team: Counts,
    pub(super) by_cause: Counts,
    pub(super) repeats: Vec<Repeat>,
    pub(super) reclassified: Vec<Reclassified>,
    /// The mistakes that the discipline makes hard, and how often each was tried.
    pub(super) mistakes: Counts,
    pub(super) refused: Counts,
    pub(super) attempts: Vec<Attempt>,
    pub(super) debts: Debts,
    pub(super) question: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Month {
    pub(super) month: String,
    pub(super) emergencies: u64,
    pub(super) routine: u64,
    pub(super) share_percent: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Repeat {
    pub(super) change: ChangeId,
    pub(super) repeats: ChangeId,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Reclassified {
    pub(super) change: ChangeId,
    pub(super) category: Name,
    pub(super) why: String,
}

/// One that a rule did not let through.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Attempt {
    pub(super) at: Timestamp,
    pub(super) by: Name,
    pub(super) change: Option<ChangeId>,
    pub(super) attempted: String,
    pub(super) rule: String,
}

/// Of the changes in the period.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Debts {
    pub(super) open: u64,
    pub(super) overdue: u64,
    pub(super) paid: u64,
}

/// Reads a month, `2026-11`.
pub(super) fn month(text: &str) -> Result<String, String> {
    let expected = |_| format!("`{text}` is no month, expected one such as 2026-11");
    let first: Date = format!("{text}-01").parse().map_err(expected)?;
    Ok(first.strftime("%Y-%m").to_string())
}

/// Reads a day, `2026-11-26`.
pub(super) fn day(text: &str) -> Result<String, String> {
    let expected = |_| format!("`{text}` is no day, expected one such as 2026-11-26");
    let day: Date = text.parse().map_err(expected)?;
    Ok(day.to_string())
}

// === impl Rate ===

impl Rate {
    pub(super) fn of(ledger: &Ledger, config: &Config, period: &Period, now: Timestamp) -> Self {
        let windows = &config.windows;
        let inside = |at: Timestamp| period.holds(windows, at);
        let changes: Vec<&Change> = ledger
            .changes()
            .filter(|change| inside(change.at))
            .collect();
        let routine: Vec<_> = ledger
            .routine
            .iter()
            .filter(|(at, _)| inside(*at))
            .collect();
        let attempts = ledger.refused.iter().filter(|attempt| inside(attempt.at));
        let attempts: Vec<_> = attempts.map(Attempt::of).collect();
        let refused: Vec<_> = attempts
            .iter()
            .map(|attempt| attempt.rule.clone())
            .collect();
        let (emergencies, promoted) = (changes.len() as u64, routine.len() as u64);
        let months = months(&changes, routine.iter().map(|(at, _)| *at), windows);
        let team = |change: &&Change| match config.agent(&change.declared.rollout) {
            Some(agent) => agent.team.to_string(),
            None => format!(
                "of {}, which breakglass.toml no longer names",
                change.declared.rollout
            ),
        };
        let debts = changes.iter().flat_map(|change| change.debts(config));
        let debts = debts.fold(Debts::default(), |debts, debt| Debts {
            open: debts.open + u64::from(debt.is_open()),
            overdue: debts.overdue + u64::from(debt.is_overdue(now)),
            paid: debts.paid + u64::from(!debt.is_open()),
        });
        let repeats = changes.iter().filter_map(|change| {
            let repeats = change.declared.repeats.clone()?;
            Some(Repeat {
                change: change.id.clone(),
                repeats,
            })
        });
        let reclassified = changes.iter().filter_map(|change| {
            let (category, why) = change.reclassified.clone()?;
            let change = change.id.clone();
            Some(Reclassified {
                change,
                category,
                why,
            })
        });
        Self {
            period: period.clone(),
            emergencies,
            routine: promoted,
            share_percent: share(emergencies, promoted),
            question: question(&months),
            months,
            by_category: count(
                changes
                    .iter()
                    .map(|change| change.declared.category.to_string()),
            ),
            by_team: count(changes.iter().map(team)),
            by_cause: count(
                changes
                    .iter()
                    .map(|change| change.declared.cause.to_string()),
            ),
            repeats: repeats.collect(),
            reclassified: reclassified.collect(),
            mistakes: mistakes(&refused),
            refused: count(refused.into_iter()),
            attempts,
            debts,
        }
    }
}

/// A line for each mistake, tried or not: that nobody tried is worth knowing too.
fn mistakes(refused: &[String]) -> Counts {
    let tried = |rules: &[&str]| {
        refused
            .iter()
            .filter(|rule| rules.contains(&rule.as_str()))
            .count()
    };
    let counts = MISTAKES
        .iter()
        .map(|(what, rules)| ((*what).to_owned(), tried(rules) as u64));
    counts.collect()
}

fn months(
    changes: &[&Change],
    routine: impl Iterator<Item = Timestamp>,
    windows: &Windows,
) -> Vec<Month> {
    let mut months: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for change in changes {
        months.entry(windows.month(change.at)).or_default().0 += 1;
    }
    for at in routine {
        months.entry(windows.month(at)).or_default().1 += 1;
    }
    let months = months
        .into_iter()
        .map(|(month, (emergencies, routine))| Month {
            month,
            emergencies,
            routine,
            share_percent: share(emergencies, routine).unwrap_or(0.0),
        });
    months.collect()
}

/// The question of the discipline, where there was more than one in a month.
fn question(months: &[Month]) -> Option<String> {
    let many = months
        .iter()
        .filter(|month| month.emergencies > USUAL_PER_MONTH);
    let many: Vec<_> = many
        .map(|month| format!("{} in {}", month.emergencies, month.month))
        .collect();
    (!many.is_empty()).then(|| {
        format!(
            "{}: is the bar too low, or is something upstream creating false urgency?",
            many.join(", ")
        )
    })
}

fn share(emergencies: u64, routine: u64) -> Option<f64> {
    let all = emergencies + routine;
    (all > 0).then(|| emergencies as f64 * 100.0 / all as f64)
}

fn count(words: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

// === impl Attempt ===

impl Attempt {
    fn of(attempt: &RefusedAttempt) -> Self {
        Self {
            at: attempt.at,
            by: attempt.by.clone(),
            change: attempt.change.clone(),
            attempted: attempt.attempted.clone(),
            rule: attempt.rule.clone(),
        }
    }
}

// === impl Period ===

impl Period {
    /// Whether it holds this time, by the project's clock. Days and months compare as they are written.
    fn holds(&self, windows: &Windows, at: Timestamp) -> bool {
        let local = windows.date(at);
        let since = self
            .since
            .as_ref()
            .is_none_or(|since| local.as_str() >= since.as_str());
        let until = self.until.as_ref();
        since
            && until.is_none_or(|until| {
                local
                    .get(..until.len())
                    .is_some_and(|day| day <= until.as_str())
            })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.since, &self.until) {
            (None, None) => Ok(()),
            (Some(since), Some(until)) if since == until => write!(f, " in {since}"),
            (since, until) => {
                if let Some(since) = since {
                    write!(f, " since {since}")?;
                }
                if let Some(until) = until {
                    write!(f, " until {until}")?;
                }
                Ok(())
            }
        }
    }
}

/// The mistakes that the discipline makes hard, each with the rules that stand in its way.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "routine work framed as an emergency",
        &["emergency", "harms", "bypass"],
    ),
    ("acting alone", &["not-alone", "authority", "approved"]),
    ("100 % at once", &["maximum-compression", "canary-plan"]),
    ("no rollback ready", &["drill-first"]),
    (
        "nothing done afterwards",
        &[
            "overdue-debt",
            "harm-stopped",
            "gates-run",
            "debts-paid",
            "message-sent",
            "postmortem",
        ],
    ),
];
const USUAL_PER_MONTH: u64 = 1;
