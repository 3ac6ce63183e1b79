//! The record as an approver reads it: everything that a signature is about.

use breakglass_policy::{Name, Timestamp, Warrant};

use crate::answer::clean;
use crate::change::Change;
use crate::change::approval::Approval;
use crate::change::event::{DrillReceipt, GateResult};
use crate::change::record::{Bypass, Bypassed, ChangeId, Communication, Declaration};
use crate::project::config::Config;
use crate::project::plan::Plan;
use crate::words::one_line;

/// What is shown.
pub(super) struct Record<'a> {
    pub(super) change: &'a ChangeId,
    pub(super) author: &'a Name,
    pub(super) at: Timestamp,
    pub(super) declared: &'a Declaration,
    pub(super) drill: &'a DrillReceipt,
    pub(super) warrant: &'a Warrant,
    pub(super) plan: &'a Plan,
    /// What is known beyond the declaration, where there is a journal.
    pub(super) message: &'static str,
    pub(super) signed: Vec<&'a Name>,
    /// Results of gates, and those who said no.
    pub(super) more: Vec<(&'static str, String)>,
    /// How times are written.
    pub(super) date: &'a dyn Fn(Timestamp) -> String,
}

/// Lines in two columns.
#[derive(Default)]
struct Lines(Vec<String>);

/// The record of a change, in the zone of the project.
pub(super) fn record(config: &Config, change: &Change, approval: &Approval) -> Vec<String> {
    let windows = &config.windows;
    let date = |time| format!("{} {}", windows.date(time), windows.time_zone);
    let compressed = change
        .declared
        .plan
        .as_ref()
        .unwrap_or(&config.canary.compressed);
    let Some(drill) = &change.drill else {
        return Vec::new();
    };
    Record {
        change: &change.id,
        author: &change.author,
        at: change.at,
        declared: &change.declared,
        drill: &drill.receipt,
        warrant: &approval.warrant,
        plan: match change.is_compressed() {
            true => compressed,
            false => &config.canary.standard,
        },
        message: match &change.message {
            message if message.sent.is_some() => "sent",
            message if message.queued.is_some() => "queued",
            message if message.text.is_some() => "drafted, not queued",
            _ => "not drafted",
        },
        signed: approval.signed.iter().map(|signed| &signed.by).collect(),
        more: more(change),
        date: &date,
    }
    .lines()
}

fn more(change: &Change) -> Vec<(&'static str, String)> {
    let gates = change.gates.iter().map(|(gate, (_, _, run))| {
        let result = match run.result {
            GateResult::Pass => "has passed",
            GateResult::Regression => "has shown a REGRESSION",
        };
        ("gate", format!("{gate} {result}: {}", run.detail))
    });
    let declined = change.declined.iter();
    let declined = declined.map(|(by, why)| ("declined", format!("by {by}: {why}")));
    gates.chain(declined).collect()
}

// === impl Record ===

impl Record<'_> {
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { declared, date, .. } = self;
        let mut lines = Lines::default();
        lines.add(self.change.as_str(), &declared.title);
        lines.add(
            "declared",
            &format!("by {}, {}", self.author, date(self.at)),
        );
        lines.add(
            "rollout",
            &format!(
                "{}: {} → {}",
                declared.rollout, declared.versions.stable, declared.versions.canary
            ),
        );
        let category = declared.category;
        lines.add("category", &format!("{category}: {}", category.meaning()));
        for (term, text) in &declared.evidence {
            lines.add(&format!("  {term}"), text);
        }
        lines.add("if it waits", &declared.harm_of_waiting);
        lines.add("if it goes", &declared.harm_of_bypassing);
        lines.add(
            "cause",
            &format!(
                "{}, scope {}, impact {}",
                declared.cause,
                declared.scope.as_str(),
                declared.impact.as_str()
            ),
        );
        if let Some(earlier) = &declared.repeats {
            lines.add("repeats", earlier.as_str());
        }
        self.bypasses(&mut lines);
        lines.add("steps", &self.plan.to_text());
        if let Some(maximum) = &declared.maximum {
            let staff: Vec<_> = maximum.rollback_staff.iter().map(Name::as_str).collect();
            lines.add(
                "AT ONCE",
                &format!(
                    "{}; {} decides on the rollback, carried out by {}",
                    maximum.ground.as_str(),
                    maximum.decision_maker,
                    staff.join(", ")
                ),
            );
        }
        lines.add("watched by", declared.watcher.as_str());
        lines.add(
            "message",
            &match &declared.message {
                Communication::Needed => format!("needed, {}", self.message),
                Communication::NotNeeded(why) => format!("none: {why}"),
            },
        );
        let harm = &declared.harm;
        lines.add(
            "harm",
            &format!(
                "has stopped at {} of 1000 {}, over {} of the new version",
                harm.at_most_per_1000, harm.measure, harm.answers
            ),
        );
        for (label, text) in &self.more {
            lines.add(label, text);
        }
        self.warranted(&mut lines);
        lines.0
    }

    fn bypasses(&self, lines: &mut Lines) {
        let declared = self.declared;
        for Bypass {
            what,
            reason,
            compensation,
            who,
            owner,
            due,
        } in &declared.bypass
        {
            lines.add("skipped", &format!("{what}: {reason}"));
            let who = who.as_ref().map_or(String::new(), |who| format!(", {who}"));
            lines.add(
                "",
                &format!(
                    "instead: {}{who}; owed by {owner} within {due}",
                    compensation.as_str()
                ),
            );
        }
        let kept = Bypassed::ALL
            .into_iter()
            .filter(|what| declared.bypasses(*what).is_none());
        let kept: Vec<_> = kept.map(Bypassed::as_str).collect();
        if !kept.is_empty() {
            lines.add(
                "not skipped",
                &format!("{}: checked at the start", kept.join(", ")),
            );
        }
    }

    /// What a signature permits, from the warrant itself.
    fn warranted(&self, lines: &mut Lines) {
        let Self {
            warrant,
            drill,
            date,
            ..
        } = self;
        let proxies = &drill.delivered.proxies;
        let slowest = proxies
            .iter()
            .map(|proxy| proxy.elapsed_ms)
            .max()
            .unwrap_or_default();
        lines.add(
            "drill",
            &format!(
                "passed {}: {} proxies, the slowest after {slowest} ms; counts until {}",
                date(drill.at),
                proxies.len(),
                date(drill.not_after)
            ),
        );
        let steps = warrant.ramp.steps().iter();
        let steps: Vec<_> = steps
            .map(|step| format!("{} from {}", step.percent, date(step.at)))
            .collect();
        lines.add("permits", &steps.join(", "));
        lines.add(
            "",
            &format!(
                "last raise {}; a kill after generation {} ends it",
                date(warrant.not_after),
                warrant.after
            ),
        );
        lines.add(
            "",
            &format!("split by the salt {}", warrant.subject.salt.as_str()),
        );
        if !warrant.subject.pins.is_empty() {
            lines.add(
                "",
                &format!("always on the canary: {}", warrant.subject.pins.join(", ")),
            );
        }
        let approvers = warrant.approvers.iter().map(|approver| {
            let signed = if self.signed.contains(&&approver.id) {
                ", signed"
            } else {
                ""
            };
            format!("{} ({}{signed})", approver.id, approver.role)
        });
        lines.add("approvers", &approvers.collect::<Vec<_>>().join(", "));
    }
}

// === impl Lines ===

impl Lines {
    /// Text of whomever, fit for a terminal.
    fn add(&mut self, label: &str, text: &str) {
        let (label, text) = (clean(label), one_line(text));
        // Ids are longer than labels.
        self.0.push(format!("{label:12} {text}"));
    }
}
