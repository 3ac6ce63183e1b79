//! The postmortem as Markdown: what the journal says, in the order in which people ask.

mod after;
mod ramp;

use std::fmt::Write;
use std::time::Duration;

use breakglass_policy::Timestamp;

use crate::change::event::Event;
use crate::change::ramp::End;
use crate::change::{Change, Ledger};
use crate::commands::postmortem::actions::Actions;
use crate::project::config::Config;
use crate::words::{one_line, rough};

/// What a postmortem is written from.
pub(super) struct Page<'a> {
    pub(super) change: &'a Change,
    pub(super) ledger: &'a Ledger,
    pub(super) config: &'a Config,
    /// None: it is a draft.
    pub(super) actions: Option<&'a Actions>,
    /// The file with the picture of the ramp, beside the page.
    pub(super) picture: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// Markdown as it grows.
#[derive(Default)]
struct Markdown(String);

// === impl Page ===

impl Page<'_> {
    pub(super) fn to_markdown(&self) -> String {
        let mut page = Markdown::default();
        self.head(&mut page);
        self.summary(&mut page);
        self.timeline(&mut page);
        self.approvals(&mut page);
        self.bypasses(&mut page);
        self.drill(&mut page);
        self.ramp(&mut page);
        self.gates(&mut page);
        self.messages(&mut page);
        self.refused(&mut page);
        self.duties(&mut page);
        self.questions(&mut page);
        self.actions(&mut page);
        page.0
    }

    fn head(&self, page: &mut Markdown) {
        let declared = &self.change.declared;
        page.line(&format!(
            "# Postmortem of {}: {}",
            self.change.id,
            safe(&declared.title)
        ));
        if self.actions.is_none() {
            page.line("");
            page.line("**Draft.** Nobody has said yet what is done about the cause and about the gaps in discipline.");
        }
    }

    fn summary(&self, page: &mut Markdown) {
        let (change, declared) = (self.change, &self.change.declared);
        page.title("Summary");
        page.item(
            "Category",
            &format!("{} ({})", declared.category, declared.category.meaning()),
        );
        for (term, text) in &declared.evidence {
            page.item(&format!("Evidence, {term}"), text);
        }
        page.item("Harm of waiting", &declared.harm_of_waiting);
        page.item("Harm of bypassing", &declared.harm_of_bypassing);
        page.item("Cause", declared.cause.as_str());
        page.item(
            "What",
            &format!(
                "{} of {}: {} → {}; {} impact",
                declared.scope.as_str(),
                declared.rollout,
                declared.versions.stable,
                declared.versions.canary,
                declared.impact.as_str()
            ),
        );
        if let Some(agent) = self.config.agent(&declared.rollout) {
            page.item("Team", agent.team.as_str());
        }
        page.item(
            "Declared",
            &format!("by {}, {}", change.author, self.moment(change.at)),
        );
        page.item("Outcome", &change.stage());
        let since = |at: Timestamp| rough(at.since(change.at));
        if let Some(started) = change.ramp.started {
            page.item("Until the ramp began", &since(started));
        }
        if let (Some(ended), Some(End::Completed)) = (change.ramp.ended_at(), change.ramp.end_of())
        {
            page.item("Until the ramp was complete", &since(ended));
        }
        match &change.harm_stopped {
            Some((at, stopped)) => {
                page.item(
                    "Time to harm stopped",
                    &format!("{}, {}", since(*at), self.moment(*at)),
                );
                page.item("By the counts", &stopped.to_text());
            }
            None => page.item("Time to harm stopped", "not shown by the counts yet"),
        }
        if let Some(repeats) = &declared.repeats {
            page.item("Repeats", repeats.as_str());
        }
        let follow_ups = self.ledger.changes();
        for other in follow_ups.filter(|other| other.declared.repeats.as_ref() == Some(&change.id))
        {
            page.item(
                "Taken on by",
                &format!("{}: {}", other.id, other.declared.title),
            );
        }
        if let Some((category, why)) = &change.reclassified {
            page.item("Reclassified", &format!("as {category}: {why}"));
        }
    }

    fn timeline(&self, page: &mut Markdown) {
        page.title("Timeline");
        page.line(&format!("Times are of {}.", self.config.windows.time_zone));
        page.table(&["When", "Since declared", "Who", "What"]);
        let entries = self.change.entries.iter();
        for entry in entries.filter(|entry| !entry.event.is_noise()) {
            let late = if entry.late { " (written later)" } else { "" };
            page.row(&[
                &self.config.windows.moment(entry.at),
                &rough(entry.at.since(self.change.at)),
                entry.by.as_str(),
                &format!("{}{late}", entry.event.to_text()),
            ]);
        }
    }

    fn approvals(&self, page: &mut Markdown) {
        page.title("Who approved");
        let mut approved = self
            .change
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Approved { approver, role, .. } => Some((entry.at, approver, role)),
                _ => None,
            })
            .peekable();
        if approved.peek().is_none() {
            page.line("Nobody.");
        } else {
            page.table(&["Who", "As", "When"]);
            for (at, who, role) in approved {
                let name = self
                    .config
                    .person(who.as_str())
                    .map_or("", |person| person.name.as_str());
                page.row(&[&format!("{name} ({who})"), role.as_str(), &self.moment(at)]);
            }
        }
        for (who, why) in &self.change.declined {
            page.line(&format!("\n{who} declined: {}", safe(why)));
        }
    }

    fn bypasses(&self, page: &mut Markdown) {
        page.title("What was bypassed");
        let declared = &self.change.declared;
        if declared.bypass.is_empty() {
            page.line("Nothing.");
            return;
        }
        page.table(&[
            "What",
            "Why",
            "What stood in for it",
            "Owner",
            "Due",
            "Paid",
        ]);
        let debts = self.change.debts(self.config);
        for bypass in &declared.bypass {
            let who = bypass
                .who
                .as_ref()
                .map(|who| format!(", {who}"))
                .unwrap_or_default();
            let debt = debts
                .iter()
                .find(|debt| debt.id.as_str() == bypass.what.as_str());
            let due = debt.map(|debt| self.moment(debt.due)).unwrap_or_default();
            let paid = debt.map_or_else(
                || "nothing owed".to_owned(),
                |debt| match &debt.paid {
                    Some(paid) => format!("{} by {}: {}", self.moment(paid.at), paid.by, paid.how),
                    None if debt.is_overdue(self.now) => "**OVERDUE**".into(),
                    None => "open".into(),
                },
            );
            page.row(&[
                bypass.what.as_str(),
                &bypass.reason,
                &format!("{}{who}", bypass.compensation.as_str()),
                bypass.owner.as_str(),
                &due,
                &paid,
            ]);
        }
        if let Some(maximum) = &declared.maximum {
            let staff: Vec<_> = maximum
                .rollback_staff
                .iter()
                .map(|name| name.as_str())
                .collect();
            page.line(&format!(
                "\nEverybody at once was permitted for {}; {} decided on the rollback, {} stood ready to carry it out.",
                maximum.ground.as_str(),
                maximum.decision_maker,
                staff.join(", ")
            ));
        }
    }

    /// With the project's clock.
    fn moment(&self, at: Timestamp) -> String {
        self.config.windows.moment(at)
    }

    /// How long the harm went on after the declaration, as far as is known.
    fn harm_lasted(&self) -> Option<Duration> {
        let (at, _) = self.change.harm_stopped.as_ref()?;
        Some(at.since(self.change.at))
    }
}

// === impl Markdown ===

impl Markdown {
    fn title(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "\n## {text}\n\n");
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    /// `- **label**: text`
    fn item(&mut self, label: &str, text: &str) {
        let _ = writeln!(self.0, "- **{label}**: {}", safe(text));
    }

    /// The head of a table.
    fn table(&mut self, columns: &[&str]) {
        let rule = columns
            .iter()
            .map(|_| "---")
            .collect::<Vec<_>>()
            .join(" | ");
        // One empty line before it.
        let gap = if self.0.ends_with("\n\n") { "" } else { "\n" };
        let _ = write!(self.0, "{gap}| {} |\n| {rule} |\n", columns.join(" | "));
    }

    /// A row of a table; `**` is kept, for what is to be seen first.
    fn row(&mut self, cells: &[&str]) {
        let cells: Vec<_> = cells.iter().map(|cell| safe(cell)).collect();
        let _ = writeln!(self.0, "| {} |", cells.join(" | "));
    }
}

/// Text of anybody's in one line that neither ends a cell nor becomes a tag or a link.
fn safe(text: &str) -> String {
    let text = one_line(text);
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('[', "\\[")
}
