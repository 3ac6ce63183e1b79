//! `breakglass debt`: what was skipped and is owed.

use anyhow::{Result, bail};
use breakglass_policy::{Name, Timestamp};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::change::Change;
use crate::change::debt::{Debt, POSTMORTEM};
use crate::change::event::Event;
use crate::change::record::{Bypassed, ChangeId};
use crate::change::rules::{self, Denial, Refusal};
use crate::clock;
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::project::windows::Windows;
use crate::session::{JsonArgument, Session};
use crate::typed;
use crate::words::from_now;

/// Lists what is owed for what was skipped, and pays it.
///
/// Each bypass becomes a debt when the change starts, with the owner and the due time of its record; the
/// postmortem becomes one when the ramp is over. What is overdue blocks the next routine promotion.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what is owed, the overdue first
    List {
        /// Only what is overdue; status 1 if there is any
        #[arg(long)]
        overdue: bool,
    },
    /// Writes down how what was skipped has been made up for
    ///
    /// `eval_gate` is not paid by words: `breakglass gate run` does it. Nor is `postmortem`:
    /// `breakglass postmortem --actions` does.
    Pay {
        /// The change
        #[arg(value_name = "CHANGE", value_parser = typed::name)]
        change: ChangeId,
        /// What is owed: `canary`, `change_window`, `freeze_period`, `multi_change`
        #[arg(value_name = "DEBT", value_parser = typed::name)]
        debt: Name,
        /// What was done, and what came of it
        #[arg(long, value_name = "TEXT")]
        how: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let json = arguments.json.json;
    match &arguments.command {
        Command::List { overdue } => list(&session, *overdue, json),
        Command::Pay { change, debt, how } => pay(&mut session, change, debt, how, json),
    }
}

fn list(session: &Session, overdue: bool, json: bool) -> Result<Outcome> {
    let (ledger, now) = (session.ledger()?, clock::now());
    let config = &session.project.config;
    let changes = ledger.changes().filter(|change| change.closed.is_none());
    let debts = changes.flat_map(|change| {
        let debts = change.debts(config).into_iter();
        debts.map(move |debt| (change, debt))
    });
    let debts = debts.filter(|(_, debt)| debt.is_open());
    let mut debts: Vec<_> = debts
        .filter(|(_, debt)| !overdue || debt.is_overdue(now))
        .collect();
    debts.sort_by_key(|(_, debt)| debt.due);
    let mut output = Output::new();
    if json {
        let debts = debts.iter().map(|(change, debt)| debt.to_json(change, now));
        output.json(&debts.collect::<Vec<Value>>())?;
    } else if debts.is_empty() {
        output.line(if overdue {
            "nothing is overdue"
        } else {
            "nothing is owed"
        })?;
    } else {
        for (change, debt) in &debts {
            output.line(&format!(
                "{}  {}",
                change.id,
                debt.to_text(&config.windows, now)
            ))?;
        }
    }
    output.finish()?;
    Ok(match overdue && !debts.is_empty() {
        true => Outcome::Found,
        false => Outcome::Fine,
    })
}

fn pay(
    session: &mut Session,
    id: &ChangeId,
    what: &Name,
    how: &str,
    json: bool,
) -> Result<Outcome> {
    session.decide(|deciding| {
        let change = deciding.ledger.change(id)?;
        let debts = change.debts(&deciding.project.config);
        let Some(debt) = debts.iter().find(|debt| debt.id == *what) else {
            let owed: Vec<_> = debts.iter().map(|debt| debt.id.as_str()).collect();
            match owed.is_empty() {
                true => bail!("{id} owes nothing: {}", change.stage()),
                false => bail!("{id} owes no `{what}`, but: {}", owed.join(", ")),
            }
        };
        if let Some(denial) = by_words(id, debt, how) {
            return Err(Refusal::one("pay", Some(id), "debts-paid", denial).into());
        }
        if let Some(paid) = &debt.paid {
            bail!("`{what}` of {id} was paid by {}: {}", paid.by, paid.how);
        }
        let (debt, how) = (what.clone(), how.trim().to_owned());
        Ok(vec![Draft::of(id, Event::DebtPaid { debt, how })])
    })?;
    let ledger = session.ledger()?;
    let debts = ledger.change(id)?.debts(&session.project.config);
    let open = debts
        .iter()
        .filter(|debt| debt.is_open())
        .map(|debt| debt.id.as_str());
    let open: Vec<_> = open.collect();
    let mut output = Output::new();
    match json {
        true => output.json(&json!({"change": id, "paid": what, "open": open}))?,
        false => {
            output.line(&format!("{id}: {what} is paid"))?;
            output.line(&match open.is_empty() {
                true => format!("next: breakglass close {id}"),
                false => format!("still owed: {}", open.join(", ")),
            })?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// Why words do not pay this debt.
fn by_words(id: &ChangeId, debt: &Debt, how: &str) -> Option<Denial> {
    match debt.id.as_str() {
        name if name == Bypassed::EvalGate.as_str() => Some(Denial::new(
            "a gate that was skipped is made up for by running it, not by words",
            format!(
                "`breakglass gate list {id}` says which gates have no result; `breakglass gate run {id} GATE`"
            ),
        )),
        POSTMORTEM => Some(Denial::new(
            "a postmortem is made up for by writing it",
            format!("`breakglass postmortem {id} -o FILE --actions FILE`"),
        )),
        _ if !rules::is_specific(how) => Some(Denial::new(
            format!("`{}` says nothing of what was done", how.trim()),
            format!(
                "owed is: {}; say what was done and what came of it",
                debt.owed
            ),
        )),
        _ => None,
    }
}

// === impl Debt ===

impl Debt {
    /// `canary  priya  due 2026-11-27 22:05 (in 23h 4m)  say what …`
    pub(crate) fn to_text(&self, windows: &Windows, now: Timestamp) -> String {
        let Self { id, owner, .. } = self;
        match &self.paid {
            Some(paid) => format!("{id:<13}  paid by {}: {}", paid.by, paid.how),
            None => {
                let word = if self.is_overdue(now) {
                    "OVERDUE since"
                } else {
                    "due"
                };
                let (due, from_now) = (windows.date(self.due), from_now(self.due, now));
                format!(
                    "{:<13}  {owner}  {word} {due} ({from_now})  {}",
                    id.as_str(),
                    self.owed
                )
            }
        }
    }

    pub(crate) fn to_json(&self, change: &Change, now: Timestamp) -> Value {
        json!({
            "change": change.id,
            "debt": self.id,
            "owner": self.owner,
            "due": self.due,
            "overdue": self.is_overdue(now),
            "owed": self.owed,
            "paid": self.paid.as_ref().map(|paid| json!({"at": paid.at, "by": paid.by, "how": paid.how})),
        })
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass debt list
  breakglass debt list --overdue
  breakglass debt pay chg-2026-0117 canary --how \"Read 200 answers of the first hour; two refusals, in ticket 4711\"";
