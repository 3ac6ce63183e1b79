//! `breakglass status`: where a change stands, and what comes next, on one screen.

mod next;
mod screen;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::change::debt::Debt;
use crate::change::{Change, Ledger};
use crate::clock;
use crate::journal::chain;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, JsonArgument, Session};
use crate::words::from_now;

/// Tells where a change stands and what the next step is, with the command for it.
///
/// Without CHANGE: the only open one; if there are none or several, a line for each. What is overdue
/// stands first, whichever change it belongs to. Nobody is asked: it is what the journal knows.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let session = Session::open(&arguments.project, arguments.json)?;
    let ledger = session.ledger()?;
    let change = match arguments.change.is_named() {
        true => Some(arguments.change.of(&ledger)?),
        false => ledger.only_open().ok(),
    };
    let overdue = overdue(&session, &ledger);
    let mut output = Output::new();
    if arguments.json.json {
        output.json(&to_json(&session, &ledger, change, &overdue)?)?;
        output.finish()?;
        return Ok(Outcome::Fine);
    }
    let windows = &session.project.config.windows;
    let now = clock::now();
    let shown = if overdue.len() > OVERDUE_LINES {
        OVERDUE_LINES - 1
    } else {
        overdue.len()
    };
    for (change, debt) in overdue.iter().take(shown) {
        let since = windows.date(debt.due);
        let late = from_now(debt.due, now);
        let text = format!(
            "{} of {}, {}, since {since} ({late})",
            debt.id, change.id, debt.owner
        );
        output.line(&screen::row("OVERDUE", &text))?;
    }
    if overdue.len() > shown {
        let more = overdue.len() - shown;
        output.line(&screen::row(
            "OVERDUE",
            &format!("{more} more: breakglass debt list --overdue"),
        ))?;
    }
    let lines = match change {
        Some(change) => screen::of(&session, &ledger, change),
        None => all(&session, &ledger),
    };
    for line in lines {
        output.line(&line)?;
    }
    for line in journal(&session)? {
        output.line(&line)?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Everything overdue, the oldest first.
fn overdue<'l>(session: &Session, ledger: &'l Ledger) -> Vec<(&'l Change, Debt)> {
    let (config, now) = (&session.project.config, clock::now());
    let changes = ledger.changes().filter(|change| change.closed.is_none());
    let debts = changes.flat_map(|change| {
        let debts = change.debts(config).into_iter();
        debts.map(move |debt| (change, debt))
    });
    let mut overdue: Vec<_> = debts.filter(|(_, debt)| debt.is_overdue(now)).collect();
    overdue.sort_by_key(|(_, debt)| debt.due);
    overdue
}

/// A line for each open change.
fn all(session: &Session, ledger: &Ledger) -> Vec<String> {
    let open: Vec<_> = ledger.changes().filter(|change| change.is_open()).collect();
    if open.is_empty() {
        return vec!["no change is open".into()];
    }
    let lines = open.iter().flat_map(|change| {
        [
            screen::row(
                change.id.as_str(),
                &format!("{}, on {}", change.stage(), change.declared.rollout),
            ),
            format!("  next     {}", next::of(session, ledger, change).text),
        ]
    });
    lines.collect()
}

/// The lines about the journal itself.
fn journal(session: &Session) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let waiting = session.journal.waiting();
    if waiting > 0 {
        lines.push(screen::row(
            "waiting",
            &format!("{waiting} events wait for the journal; whoever writes next takes them in"),
        ));
    }
    let (entries, head) = head(session)?;
    lines.push(screen::row(
        "journal",
        &format!("{entries} entries, head {head}"),
    ));
    Ok(lines)
}

fn head(session: &Session) -> Result<(usize, String)> {
    let lines = session.journal.lines()?;
    let head = lines
        .last()
        .map_or_else(|| chain::BEGIN.to_owned(), |(_, hash)| hash.clone());
    Ok((lines.len(), head))
}

fn to_json(
    session: &Session,
    ledger: &Ledger,
    change: Option<&Change>,
    overdue: &[(&Change, Debt)],
) -> Result<Value> {
    let now = clock::now();
    let open: Vec<&Change> = match change {
        Some(change) => vec![change],
        None => ledger.changes().filter(|change| change.is_open()).collect(),
    };
    let open = open
        .iter()
        .map(|change| screen::to_json(session, ledger, change));
    let overdue = overdue
        .iter()
        .map(|(change, debt)| debt.to_json(change, now));
    let (entries, head) = head(session)?;
    Ok(json!({
        "at": now,
        "overdue": overdue.collect::<Vec<_>>(),
        "changes": open.collect::<Vec<_>>(),
        "journal": {"entries": entries, "head": head, "waiting": session.journal.waiting()},
    }))
}

/// The rest is a command away.
const OVERDUE_LINES: usize = 2;

const EXAMPLES: &str = "\
Examples:
  breakglass status
  breakglass status chg-2026-0117 --json";
