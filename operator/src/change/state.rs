//! What is known of one change: a fold over its events.

use std::collections::BTreeMap;

use anyhow::Result;
use breakglass_policy::{Digest, Envelope, Name, Timestamp};

use crate::change::approval::{Approval, Signed};
use crate::change::debt::{self, Debt, Paid};
use crate::change::event::{
    Action, Decision, Drill, DrillReceipt, Entry, Event, GateResult, GateRun, HarmStopped,
};
use crate::change::ramp::Ramp;
use crate::change::record::{Bypassed, ChangeId, Communication, Declaration};
use crate::project::config::Config;

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: ChangeId,
    pub(crate) author: Name,
    pub(crate) at: Timestamp,
    pub(crate) declared: Declaration,
    pub(crate) drill: Option<Drilled>,
    pub(crate) approval: Option<Approval>,
    pub(crate) declined: Vec<(Name, String)>,
    pub(crate) message: Message,
    /// The last run of each gate.
    pub(crate) gates: BTreeMap<Name, (Timestamp, Name, GateRun)>,
    pub(crate) decisions: BTreeMap<Name, (Timestamp, Name, Decision)>,
    pub(crate) ramp: Ramp,
    pub(crate) paid: BTreeMap<Name, Paid>,
    pub(crate) harm_stopped: Option<(Timestamp, HarmStopped)>,
    pub(crate) postmortem: Option<Postmortem>,
    pub(crate) reclassified: Option<(Name, String)>,
    pub(crate) withdrawn: Option<String>,
    pub(crate) closed: Option<Timestamp>,
    /// Everything that happened, oldest first.
    pub(crate) entries: Vec<Entry>,
}

/// A drill with what its receipt says.
#[derive(Clone, Debug)]
pub(crate) struct Drilled {
    pub(crate) passed: bool,
    pub(crate) receipt: DrillReceipt,
    pub(crate) digest: Digest,
}

/// How far the message to customers is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) text: Option<String>,
    pub(crate) queued: Option<Timestamp>,
    pub(crate) sent: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct Postmortem {
    pub(crate) at: Timestamp,
    pub(crate) by: Name,
    pub(crate) digest: String,
    pub(crate) cause_actions: Vec<Action>,
    pub(crate) discipline_actions: Vec<Action>,
}

// === impl Change ===

impl Change {
    pub(crate) fn new(id: ChangeId, entry: &Entry, declared: Declaration) -> Self {
        Self {
            id,
            author: entry.by.clone(),
            at: entry.at,
            declared,
            drill: None,
            approval: None,
            declined: Vec::new(),
            message: Message::default(),
            gates: BTreeMap::new(),
            decisions: BTreeMap::new(),
            ramp: Ramp::default(),
            paid: BTreeMap::new(),
            harm_stopped: None,
            postmortem: None,
            reclassified: None,
            withdrawn: None,
            closed: None,
            entries: vec![entry.clone()],
        }
    }

    /// Takes an event of this change in.
    ///
    /// # Errors
    /// A document in the event that cannot be read.
    pub(crate) fn apply(&mut self, entry: Entry) -> Result<()> {
        let (at, by) = (entry.at, entry.by.clone());
        match &entry.event {
            Event::Drilled(drill) => self.drill = Some(Drilled::of(drill)?),
            Event::ApprovalAsked { payload } => {
                self.approval = Some(Approval::asked(payload, at)?);
            }
            Event::Approved {
                approver,
                role,
                warrant,
            } => {
                let (by, role) = (approver.clone(), role.clone());
                if let Some(approval) = &mut self.approval {
                    approval.sign(Signed { by, role, at }, warrant);
                }
            }
            Event::Declined { why } => self.declined.push((by, why.clone())),
            Event::MessageDrafted { text } => {
                self.message = Message {
                    text: Some(text.clone()),
                    ..Message::default()
                };
            }
            Event::MessageQueued { .. } => self.message.queued = Some(at),
            Event::MessageSent { .. } => self.message.sent = Some(at),
            Event::GateRun(run) => {
                // Another result is another question.
                self.decisions.remove(&run.gate);
                self.gates.insert(run.gate.clone(), (at, by, run.clone()));
            }
            Event::RegressionDecided { gate, decision, .. } => {
                self.decisions.insert(gate.clone(), (at, by, *decision));
            }
            Event::Rearmed { .. } => {
                self.approval = None;
                self.drill = None;
                self.declined.clear();
                self.harm_stopped = None;
            }
            // Everybody is back on the version that harms.
            Event::Killed { .. } | Event::RolledBack { .. } | Event::Lapsed { .. } => {
                self.harm_stopped = None;
            }
            Event::HarmStopped(stopped) => {
                self.harm_stopped = Some((at, (**stopped).clone()));
            }
            Event::DebtPaid { debt, how } => {
                let how = how.clone();
                self.paid.insert(debt.clone(), Paid { at, by, how });
            }
            Event::PostmortemWritten {
                digest,
                cause_actions,
                discipline_actions,
            } => {
                self.postmortem = Some(Postmortem {
                    at,
                    by,
                    digest: digest.clone(),
                    cause_actions: cause_actions.clone(),
                    discipline_actions: discipline_actions.clone(),
                });
            }
            Event::Reclassified { category, why } => {
                self.reclassified = Some((category.clone(), why.clone()));
            }
            Event::Withdrawn { why } => self.withdrawn = Some(why.clone()),
            Event::Closed => self.closed = Some(at),
            _ => {}
        }
        self.ramp.apply(&entry);
        self.entries.push(entry);
        Ok(())
    }

    /// Whether there is still something to be done about it.
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none() && self.withdrawn.is_none()
    }

    /// The signed receipt of the last drill.
    pub(crate) fn last_drill(&self) -> Option<&Envelope> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|entry| match &entry.event {
            Event::Drilled(drill) => Some(&drill.receipt),
            _ => None,
        })
    }

    pub(crate) fn debts(&self, config: &Config) -> Vec<Debt> {
        debt::of(self, config)
    }

    pub(crate) fn needs_message(&self) -> bool {
        self.declared.message == Communication::Needed
    }

    /// How the gates settle what was owed: each of the project's has a result, and each regression a
    /// decision.
    pub(crate) fn late_gates_paid(&self, config: &Config) -> Option<Paid> {
        let mut last = None;
        for gate in &config.gates {
            let (at, by, run) = self.gates.get(&gate.name)?;
            let decided = self.decisions.get(&gate.name);
            let (at, by) = match (run.result, decided) {
                (GateResult::Pass, _) => (at, by),
                (GateResult::Regression, Some((at, by, _))) => (at, by),
                (GateResult::Regression, None) => return None,
            };
            last = last.max(Some((*at, by)));
        }
        let (at, by) = last?;
        Some(Paid {
            at,
            by: by.clone(),
            how: "the gates have run".into(),
        })
    }

    /// Whether the canary was, or is, bypassed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.declared.bypasses(Bypassed::Canary).is_some()
    }

    /// In a word, for lists.
    pub(crate) fn stage(&self) -> String {
        if self.withdrawn.is_some() {
            return "withdrawn".into();
        }
        if self.closed.is_some() {
            return "closed".into();
        }
        if let Some(end) = self.ramp.end_of() {
            return end.to_text();
        }
        if let Some(why) = self.ramp.held.as_ref().filter(|_| self.ramp.is_running()) {
            return format!("held at {}: {why}", self.ramp.share());
        }
        if self.ramp.is_running() {
            return format!("ramping, {}", self.ramp.share());
        }
        let ready = match (&self.drill, &self.approval) {
            (_, Some(approval)) if approval.missing().is_empty() => "approved".into(),
            (_, Some(approval)) => format!("waits for {}", approval.missing().join(", ")),
            (Some(_), None) => "drilled".into(),
            (None, None) => "declared".into(),
        };
        match &self.ramp.last_end {
            Some((_, end)) => format!("rearmed and {ready}; was {}", end.to_text()),
            None => ready,
        }
    }
}

// === impl Drilled ===

impl Drilled {
    fn of(drill: &Drill) -> Result<Self> {
        Ok(Self {
            passed: drill.passed,
            receipt: serde_json::from_slice(drill.receipt.payload())?,
            digest: drill.receipt.digest(),
        })
    }
}
