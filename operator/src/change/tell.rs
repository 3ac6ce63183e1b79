//! What happened, in a line: for timelines, reports and postmortems.

use crate::change::event::{
    Decision, Drill, DrillReceipt, Event, GateResult, GateRun, HarmStopped,
};
use crate::words::one_line;

// === impl Event ===

impl Event {
    /// What happened, in one line that is fit for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let text = match self {
            Self::Begun { version } => format!("journal begun with breakglass {version}"),
            Self::Refused {
                rule,
                why,
                attempted,
            } => format!("REFUSED to {attempted}, {rule}: {why}"),
            Self::Declared(declared) => {
                format!("declared ({}): {}", declared.category, declared.title)
            }
            Self::Drilled(drill) => drill.to_text(),
            Self::ApprovalAsked { .. } => "approval asked for".into(),
            Self::Approved { approver, role, .. } => format!("approved by {approver} as {role}"),
            Self::Declined { why } => format!("approval declined: {why}"),
            Self::MessageDrafted { text } => format!("message drafted: {text}"),
            Self::MessageQueued { channel } => format!("message queued: {channel}"),
            Self::MessageSent { channel } => format!("message sent: {channel}"),
            Self::GateRun(run) => run.to_text(),
            Self::RegressionDecided {
                gate,
                decision,
                note,
            } => format!(
                "regression of gate {gate} decided as {}: {note}",
                decision.as_str()
            ),
            Self::RampStarted { plan, .. } => format!("ramp taken up: {}", plan.to_text()),
            Self::StepBegun { step, percent, .. } => {
                format!("step {}: {percent} on its way", step + 1)
            }
            Self::StepInForce {
                step, delivered, ..
            } => format!("step {} in force: {}", step + 1, delivered.summary()),
            Self::Confirmed { step } => format!("step {} confirmed", step + 1),
            Self::Held { why } => format!("held: {why}"),
            Self::Resumed => "resumed".into(),
            Self::Watching => "watches".into(),
            Self::WatchEnded { why } => format!("watches no longer: {why}"),
            Self::Observed(seen) => format!(
                "at {}: canary {} answers, stable {}",
                seen.percent, seen.tallies.canary.answers, seen.tallies.stable.answers
            ),
            Self::Signal {
                signal, verdict, ..
            } => format!("signal {signal}: {verdict}"),
            Self::RolledBack { why, delivered } => {
                format!("ROLLED BACK: {why}; {}", delivered.summary())
            }
            Self::Killed { why, delivered } => format!("KILLED: {why}; {}", delivered.summary()),
            Self::Lapsed { why } => format!("LEASE LAPSED: {why}"),
            Self::Completed => "ramp complete".into(),
            Self::Rearmed { why } => format!("rearmed: {why}"),
            Self::HarmStopped(stopped) => stopped.to_text(),
            Self::DebtPaid { debt, how } => format!("debt {debt} paid: {how}"),
            Self::PostmortemWritten { digest, .. } => format!("postmortem written, {digest}"),
            Self::Reclassified { category, why } => format!("reclassified as {category}: {why}"),
            Self::Withdrawn { why } => format!("withdrawn: {why}"),
            Self::Closed => "closed".into(),
            Self::Noted { text } => format!("note: {text}"),
            Self::RoutinePromoted { rollout, version } => {
                format!("routine promotion of {rollout} to {version}")
            }
        };
        one_line(&text)
    }

    /// Whether it is there to be counted or measured rather than to be read.
    pub(crate) fn is_noise(&self) -> bool {
        matches!(self, Self::Observed(_) | Self::StepBegun { .. })
    }
}

// === impl Drill ===

impl Drill {
    fn to_text(&self) -> String {
        let word = if self.passed { "passed" } else { "FAILED" };
        match serde_json::from_slice::<DrillReceipt>(self.receipt.payload()) {
            Ok(receipt) => format!("rollback drill {word}: {}", receipt.delivered.summary()),
            Err(_) => format!("rollback drill {word}"),
        }
    }
}

// === impl GateRun, GateResult, Decision ===

impl GateRun {
    fn to_text(&self) -> String {
        let late = if self.late { ", late" } else { "" };
        // Its last line is what says most.
        let last = self
            .detail
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        format!(
            "gate {}: {}{late}: {}",
            self.gate,
            self.result.as_str(),
            last.unwrap_or("")
        )
    }
}

impl GateResult {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Regression => "REGRESSION",
        }
    }
}

impl Decision {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Intended => "intended",
        }
    }
}

// === impl HarmStopped ===

impl HarmStopped {
    /// `harm stopped: answers with IN_AADHAAR: 0.3 of 1000 over 1200 answers, before 41.0`
    pub(crate) fn to_text(&self) -> String {
        let before = match self.before_per_1000 {
            Some(before) => format!("{before:.1}"),
            None => "not counted".into(),
        };
        format!(
            "harm stopped: {}: {:.1} of 1000 over {} answers, before {before}",
            self.measure, self.after_per_1000, self.answers
        )
    }
}
