//! `breakglass rules`: the table of the discipline's rules, and how a change stands under them.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::change::record::ChangeId;
use crate::change::rules::{Case, Denial, RULES, Rule, When};
use crate::change::{Change, Ledger};
use crate::clock;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{JsonArgument, Session};
use crate::typed;

/// Lists the rules: what each asks, when, and in which paragraph of the discipline it stands.
///
/// With a change: which let it through now, and the way out of those that do not. Nothing is written
/// down.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The change to look at
    #[arg(value_name = "CHANGE", value_parser = typed::name)]
    change: Option<ChangeId>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let Some(id) = &arguments.change else {
        return table(arguments.json.json);
    };
    let session = Session::open(&arguments.project, arguments.json)?;
    let ledger = session.ledger()?;
    let change = ledger.change(id)?;
    let ahead = ahead(change);
    let rules = RULES
        .iter()
        .filter(|rule| rule.when.iter().any(|when| ahead.contains(when)));
    let looked: Vec<(&Rule, Option<Denial>)> = rules
        .map(|rule| (rule, look(rule, &session, &ledger, change)))
        .collect();
    let mut output = Output::new();
    if arguments.json.json {
        let rules = looked.iter().map(|(rule, denial)| {
            json!({
                "rule": rule.name, "paragraph": rule.paragraph, "when": rule.when, "asks": rule.asks,
                "passes": denial.is_none(), "denial": denial,
            })
        });
        output.json(&json!({"change": id, "rules": rules.collect::<Vec<_>>()}))?;
    } else {
        output.line(&format!("{id}: {}", change.stage()))?;
        for (rule, denial) in &looked {
            let word = if denial.is_none() {
                "passes"
            } else {
                "not yet"
            };
            output.line(&format!("{word:<8} {:<20} {}", rule.name, moments(rule)))?;
            if let Some(denial) = denial {
                output.line(&format!("         {}", denial.why))?;
                output.line(&format!("         → {}", denial.way_out))?;
            }
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// What is still ahead of a change. Whoever approves is looked at when they do.
fn ahead(change: &Change) -> &'static [When] {
    let ramp = &change.ramp;
    match (ramp.is_running(), ramp.is_completed()) {
        (true, _) => &[When::Step, When::Close],
        (false, true) => &[When::Close],
        (false, false) => &[When::Start, When::Close],
    }
}

fn table(json: bool) -> Result<Outcome> {
    let mut output = Output::new();
    if json {
        let rules = RULES.iter().map(|rule| {
            json!({"rule": rule.name, "paragraph": rule.paragraph, "when": rule.when, "asks": rule.asks})
        });
        output.json(&rules.collect::<Vec<_>>())?;
    } else {
        for rule in RULES {
            let (name, moments) = (rule.name, moments(rule));
            output.line(&format!(
                "{name:<20} §{:<2} {moments:<35} {}",
                rule.paragraph, rule.asks
            ))?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// `approve, start`
fn moments(rule: &Rule) -> String {
    let moments = rule
        .when
        .iter()
        .map(|when| format!("{when:?}").to_lowercase());
    moments.collect::<Vec<_>>().join(", ")
}

/// What a rule would say now, whoever asks.
pub(crate) fn look(
    rule: &Rule,
    session: &Session,
    ledger: &Ledger,
    change: &Change,
) -> Option<Denial> {
    let config = &session.project.config;
    // No rule but that of approving minds who asks.
    let actor = config.people.first()?;
    let case = Case {
        config,
        ledger,
        now: clock::now(),
        actor,
        declared: Some(&change.declared),
        change: Some(change),
        rollout: &change.declared.rollout,
    };
    rule.check(&case).err()
}

const EXAMPLES: &str = "\
Examples:
  breakglass rules
  breakglass rules chg-2026-0117
  breakglass rules --json";
