//! What is skipped, in which steps, and how it shows that the harm has stopped.

use anyhow::Result;

use super::super::questions::{one_of, parsed, some_of, text};
use super::{Interview, entity};
use crate::change::record::{
    Bypass, Bypassed, Category, Compensation, Ground, Harm, Impact, Maximum, Measure, Scope,
};
use crate::project::plan::{Plan, Step};
use crate::project::span::Span;
use crate::typed;

impl Interview<'_> {
    /// Scope, impact, what is skipped and the steps.
    pub(super) fn skipped(&mut self) -> Result<()> {
        self.draft.cause = parsed(
            "What does it come from, in a word (prompt, model, data, tool)?",
            "prompt",
            typed::name,
        )?;
        self.draft.scope = one_of(
            "How far does it reach?",
            &[
                ("the prompt of one agent".to_owned(), Scope::Prompt),
                (
                    "the platform: a model, several agents, the gateway".to_owned(),
                    Scope::Platform,
                ),
            ],
        )?;
        self.draft.impact = one_of(
            "How many customers, how much of the business does it touch?",
            &[
                ("a limited part".to_owned(), Impact::Limited),
                ("a broad part".to_owned(), Impact::Broad),
            ],
        )?;
        let choices = Bypassed::ALL.map(|what| (what.as_str().to_owned(), what));
        let skipped = some_of(
            "What is skipped? (space marks, enter goes on; what is not marked stays in force)",
            &choices,
        )?;
        for what in skipped {
            let place = self.draft.bypass.len();
            self.until(&["bypass", "record"], |interview| {
                let before = interview
                    .draft
                    .bypass
                    .get(place)
                    .map(|bypass| bypass.reason.clone());
                let bypass = interview.bypass(what, &before.unwrap_or_default())?;
                // Whose approval stands in for it is asked for it.
                let is_senior = bypass.compensation == Compensation::SeniorApproval;
                if let Some(who) = bypass.who.as_ref().filter(|_| is_senior)
                    && !interview.draft.approvers.contains(who)
                {
                    interview.draft.approvers.push(who.clone());
                }
                interview.draft.bypass.truncate(place);
                interview.draft.bypass.push(bypass);
                Ok(())
            })?;
        }
        if self.draft.bypasses(Bypassed::Canary).is_none() {
            return Ok(());
        }
        self.until(&["canary-plan", "maximum-compression"], |interview| {
            let compressed = &interview.deciding.project.config.canary.compressed;
            let plan = parsed("Steps", &compressed.to_text(), plan)?;
            interview.draft.maximum = match plan.is_at_once() {
                true => Some(interview.maximum()?),
                false => None,
            };
            interview.draft.plan = (plan != *compressed).then_some(plan);
            Ok(())
        })
    }

    fn bypass(&self, what: Bypassed, reason: &str) -> Result<Bypass> {
        let reason = text(&format!("Why can it not wait for {what}?"), reason)?;
        let offered = what.compensations().iter();
        let offered: Vec<_> = offered
            .map(|with| (with.as_str().to_owned(), *with))
            .collect();
        let compensation = match &offered[..] {
            [(_, only)] => *only,
            several => one_of(&format!("What stands in for {what}?"), several)?,
        };
        let question = format!("{}: who?", compensation.as_str());
        let who = match compensation {
            // Nobody approves their own change.
            Compensation::SeniorApproval => Some(one_of(&question, &self.others())?),
            named if named.names_somebody() => Some(self.somebody(&question)?),
            _ => None,
        };
        let usual = match what {
            Bypassed::EvalGate => "24h",
            _ => "3d",
        };
        Ok(Bypass {
            what,
            reason,
            compensation,
            who,
            owner: self.somebody(&format!("Who owes {what} afterwards?"))?,
            due: parsed(
                &format!("Within how long is {what} made up for?"),
                usual,
                Span::parse,
            )?,
        })
    }

    /// What permits everybody at once.
    fn maximum(&self) -> Result<Maximum> {
        let grounds = match self.draft.category {
            Category::Regulatory => [Ground::ImmediateDeadline, Ground::ActiveExfiltration],
            _ => [Ground::ActiveExfiltration, Ground::ImmediateDeadline],
        };
        let grounds = grounds.map(|ground| (ground.as_str().to_owned(), ground));
        Ok(Maximum {
            ground: one_of("100 % at once, on which ground?", &grounds)?,
            decision_maker: self.somebody("Who decides on the rollback?")?,
            rollback_staff: some_of(
                "Who is there to carry it out? (space marks)",
                &self.everybody(),
            )?,
        })
    }
}

/// How the counts show it.
pub(super) fn harm() -> Result<Harm> {
    let measure = one_of(
        "How does the harm show in the answers?",
        &[
            ("personal data is found in them".to_owned(), None),
            ("they are errors".to_owned(), Some(Measure::Errors)),
            ("they are slow".to_owned(), Some(Measure::Slow)),
        ],
    )?;
    let measure = match measure {
        Some(measure) => measure,
        None => Measure::Redactions(parsed(
            "Which entity (IN_AADHAAR, EMAIL_ADDRESS, …; * for any)?",
            "*",
            entity,
        )?),
    };
    let number = |text: &str| text.parse::<f64>().map_err(|error| error.to_string());
    let count = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(Harm {
        measure,
        at_most_per_1000: parsed(
            "Of a thousand answers of the new version, how many at most when it has stopped?",
            "1",
            number,
        )?,
        answers: parsed("Over how many answers at least?", "100", count)?,
    })
}

/// `1 % 5m, 10 % 10m, 100 % 10m`.
fn plan(text: &str) -> Result<Plan, String> {
    let expected = "expected steps such as 1 % 5m, 10 % 10m, 100 % 10m";
    let steps = text.split(',').map(|step| {
        let (percent, hold) = step.split_once('%').ok_or(expected)?;
        Ok(Step {
            percent: typed::percent(percent.trim())?,
            hold: Span::parse(hold.trim())?,
        })
    });
    Plan::try_from(steps.collect::<Result<Vec<_>, String>>()?)
}
