//! `breakglass report`: how often there were emergencies, where they came from, and what was tried.

mod rate;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::clock;
use crate::commands::report::rate::{Counts, Period, Rate};
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::project::windows::Windows;
use crate::session::{JsonArgument, Session};
use crate::words::one_line;

/// Counts the emergencies: by month, as a share of all changes, by category, team and cause, with
/// repeats and reclassifications; which rules were tried, and what is owed.
///
/// Changes count in the month of their declaration, by the clock of the project. Withdrawn ones count:
/// they were declared. The routine promotions that they are a share of come from
/// `breakglass routine record`.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// Only this month: 2026-11
    #[arg(long, value_name = "MONTH", value_parser = rate::month, conflicts_with_all = ["since", "until"])]
    month: Option<String>,
    /// From this day on: 2026-11-01
    #[arg(long, value_name = "DAY", value_parser = rate::day)]
    since: Option<String>,
    /// Up to this day, all of it
    #[arg(long, value_name = "DAY", value_parser = rate::day)]
    until: Option<String>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let session = Session::open(&arguments.project, arguments.json)?;
    let ledger = session.ledger()?;
    let period = Period {
        since: arguments.month.clone().or_else(|| arguments.since.clone()),
        until: arguments.month.clone().or_else(|| arguments.until.clone()),
    };
    let rate = Rate::of(&ledger, &session.project.config, &period, clock::now());
    let mut output = Output::new();
    match arguments.json.json {
        true => output.json(&rate)?,
        false => {
            for line in rate.to_lines(&session.project.config.windows) {
                output.line(&line)?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

// === impl Rate ===

impl Rate {
    fn to_lines(&self, windows: &Windows) -> Vec<String> {
        let mut lines = vec![format!("emergencies{}, {}", self.period, windows.time_zone)];
        if self.emergencies == 0 && self.routine == 0 {
            lines.push("  none, and no routine promotion".into());
        } else {
            lines.push(format!(
                "  emergencies {}, routine promotions {}: {:.1} % of all changes",
                self.emergencies,
                self.routine,
                self.share_percent.unwrap_or_default()
            ));
        }
        for month in &self.months {
            lines.push(format!(
                "  {}  emergencies {:>3}  routine {:>4}  {:>5.1} %",
                month.month, month.emergencies, month.routine, month.share_percent
            ));
        }
        section(&mut lines, "by category", &self.by_category);
        section(&mut lines, "by team", &self.by_team);
        section(&mut lines, "by cause", &self.by_cause);
        section(&mut lines, "how often it was tried", &self.mistakes);
        section(&mut lines, "refused, by rule", &self.refused);
        lines.extend(list("repeats", &self.repeats, |repeat| {
            format!("{} repeats {}", repeat.change, repeat.repeats)
        }));
        lines.extend(list("reclassified", &self.reclassified, |change| {
            format!(
                "{} as {}: {}",
                change.change,
                change.category,
                one_line(&change.why)
            )
        }));
        lines.push(format!(
            "debts: {} open, {} overdue, {} paid",
            self.debts.open, self.debts.overdue, self.debts.paid
        ));
        if let Some(question) = &self.question {
            lines.push(question.clone());
        }
        lines
    }
}

fn section(lines: &mut Vec<String>, title: &str, counts: &Counts) {
    if counts.is_empty() {
        return;
    }
    lines.push(format!("{title}:"));
    lines.extend(
        counts
            .iter()
            .map(|(what, count)| format!("  {count:>4}  {what}")),
    );
}

fn list<T: Serialize>(title: &str, items: &[T], text: impl Fn(&T) -> String) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let lines = items.iter().map(|item| format!("  {}", text(item)));
    [format!("{title}: {}", items.len())]
        .into_iter()
        .chain(lines)
        .collect()
}

const EXAMPLES: &str = "\
Examples:
  breakglass report
  breakglass report --month 2026-11
  breakglass report --since 2026-10-01 --until 2026-12-31 --json";
