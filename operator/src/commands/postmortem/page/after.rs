//! What came after, what is still owed, and what follows from all of it.

use std::time::Duration;

use super::{Markdown, Page, safe};
use crate::change::debt::POSTMORTEM;
use crate::change::event::{Action, Decision, Event, GateResult};
use crate::change::ramp::End;

// === impl Page ===

impl Page<'_> {
    pub(super) fn gates(&self, page: &mut Markdown) {
        page.title("Gates and decisions");
        if self.config.gates.is_empty() {
            page.line("The project has none.");
            return;
        }
        page.table(&["Gate", "Result", "When", "By", "Decision", "Detail"]);
        for gate in &self.config.gates {
            let Some((at, by, run)) = self.change.gates.get(&gate.name) else {
                page.row(&[gate.name.as_str(), "**no result**", "", "", "", ""]);
                continue;
            };
            let late = if run.late { ", after the start" } else { "" };
            let decision = self
                .change
                .entries
                .iter()
                .rev()
                .find_map(|entry| match &entry.event {
                    Event::RegressionDecided {
                        gate,
                        decision,
                        note,
                    } if *gate == run.gate => {
                        Some(format!("{} ({}): {note}", decision.as_str(), entry.by))
                    }
                    _ => None,
                });
            let decided = self.change.decisions.contains_key(&gate.name);
            let decision = match (run.result, decision.filter(|_| decided)) {
                (_, Some(decision)) => decision,
                (GateResult::Regression, None) => "**undecided**".into(),
                (GateResult::Pass, None) => String::new(),
            };
            page.row(&[
                gate.name.as_str(),
                &format!("{}{late}", run.result.as_str()),
                &self.moment(*at),
                by.as_str(),
                &decision,
                &run.detail,
            ]);
        }
    }

    pub(super) fn messages(&self, page: &mut Markdown) {
        page.title("What customers were told");
        let message = &self.change.message;
        if let crate::change::record::Communication::NotNeeded(why) = &self.change.declared.message
        {
            page.line(&format!("Nothing: {}", safe(why)));
            return;
        }
        match &message.text {
            Some(text) => text
                .lines()
                .for_each(|line| page.line(&format!("> {}", safe(line)))),
            None => page.line("No message was drafted."),
        }
        match (message.queued, message.sent) {
            (_, Some(at)) => page.line(&format!("\nSent: {}", self.moment(at))),
            (Some(at), None) => page.line(&format!("\nQueued: {}. **Not sent.**", self.moment(at))),
            (None, None) => page.line("\n**Neither queued nor sent.**"),
        }
    }

    pub(super) fn refused(&self, page: &mut Markdown) {
        page.title("What was tried and refused");
        let refused = self
            .change
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Refused {
                    rule,
                    why,
                    attempted,
                } => Some((entry, rule, why, attempted)),
                _ => None,
            });
        let refused: Vec<_> = refused.collect();
        if refused.is_empty() {
            page.line("Nothing.");
            return;
        }
        page.table(&["When", "Who", "Tried to", "Rule", "Why not"]);
        for (entry, rule, why, attempted) in refused {
            page.row(&[
                &self.moment(entry.at),
                entry.by.as_str(),
                attempted,
                rule,
                why,
            ]);
        }
    }

    pub(super) fn duties(&self, page: &mut Markdown) {
        page.title("Open duties");
        let debts = self.change.debts(self.config);
        // The one that is just being written is none.
        let open = debts.iter().filter(|debt| {
            debt.is_open() && (self.actions.is_none() || debt.id.as_str() != POSTMORTEM)
        });
        let open: Vec<_> = open.collect();
        let mut none = open.is_empty();
        for debt in open {
            let late = if debt.is_overdue(self.now) {
                " **OVERDUE**"
            } else {
                ""
            };
            page.line(&format!(
                "- {} owes `{}` until {}{late}: {}",
                debt.owner,
                debt.id,
                self.moment(debt.due),
                debt.owed
            ));
        }
        if self.change.needs_message() && self.change.message.sent.is_none() {
            page.line("- the message to customers has not been sent");
            none = false;
        }
        if self.change.harm_stopped.is_none() {
            page.line("- the counts do not show yet that the harm has stopped");
            none = false;
        }
        if none {
            page.line("None.");
        }
    }

    /// What the facts ask; the answers are people's.
    pub(super) fn questions(&self, page: &mut Markdown) {
        page.title("Questions for the discipline");
        let (change, declared) = (self.change, &self.change.declared);
        let mut ask = |question: String| page.line(&format!("- {question}"));
        for bypass in &declared.bypass {
            ask(format!(
                "What would have to be different so that `{}` need not be bypassed the next time?",
                bypass.what
            ));
        }
        let tried = change
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Refused { rule, .. } => Some(rule.as_str()),
                _ => None,
            });
        let mut tried: Vec<_> = tried.collect();
        tried.sort_unstable();
        tried.dedup();
        for rule in tried {
            ask(format!(
                "`{rule}` stood in the way: was it not known, or is it in the wrong place?"
            ));
        }
        for (gate, (_, _, decision)) in &change.decisions {
            ask(match decision {
                Decision::Real => format!(
                    "The regression of {gate} is real: would a shorter form of it have shown that before the start?"
                ),
                Decision::Intended => format!(
                    "The eval set of {gate} was out of date: who keeps it, and when is it looked at?"
                ),
            });
        }
        match change.ramp.last_end.as_ref().map(|(_, end)| end) {
            Some(End::RolledBack { .. }) => {
                ask("What did the canary show that could have been known before?".into())
            }
            Some(End::Killed { .. }) => {
                ask("What did the person see who pulled the kill-switch, and no signal?".into())
            }
            Some(End::Lapsed { .. }) => ask("Who watched, and why did the lease lapse?".into()),
            Some(End::Completed) | None => {}
        }
        if self.harm_lasted().is_some_and(|lasted| lasted > LONG) {
            ask("The harm went on for more than two hours after the declaration: where did the time go?".into());
        }
        if let Some(repeats) = &declared.repeats {
            ask(format!(
                "This repeats {repeats}: which of its actions was not done, or did not help?"
            ));
        }
        if change.reclassified.is_some() {
            ask("It was declared as another kind of thing than it was: how would that have been seen earlier?".into());
        }
        let month = |at| self.config.windows.month(at);
        let this = month(change.at);
        let in_month = self
            .ledger
            .changes()
            .filter(|other| month(other.at) == this)
            .count();
        if in_month > 1 {
            ask(format!(
                "There were {in_month} emergencies in {this}: is the bar too low, or is something upstream creating false urgency?"
            ));
        }
        ask("Was it an emergency, seen from now?".into());
    }

    pub(super) fn actions(&self, page: &mut Markdown) {
        page.title("Actions");
        let written = self.change.postmortem.as_ref();
        let (cause, discipline): (&[Action], &[Action]) = match (self.actions, written) {
            (Some(actions), _) => (&actions.cause, &actions.discipline),
            (None, Some(written)) => (&written.cause_actions, &written.discipline_actions),
            (None, None) => (&[], &[]),
        };
        for (title, actions) in [
            ("For the original cause", cause),
            ("For the gaps in discipline", discipline),
        ] {
            page.line(&format!("### {title}"));
            if actions.is_empty() {
                page.line("\n*None yet.*\n");
                continue;
            }
            page.table(&["What", "Owner", "Due"]);
            for action in actions {
                page.row(&[&action.what, action.owner.as_str(), &action.due]);
            }
            page.line("");
        }
    }
}

/// What the story of this tool takes at most.
const LONG: Duration = Duration::from_secs(2 * 3600);
