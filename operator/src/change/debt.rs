//! Debts: what was skipped and is owed, by whom and until when.

use breakglass_policy::{Name, Timestamp};

use crate::change::record::{Bypass, Bypassed};
use crate::change::state::Change;
use crate::project::config::Config;

/// One thing owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Debt {
    /// `eval_gate`, `canary`, …, or `postmortem`.
    pub(crate) id: Name,
    pub(crate) owner: Name,
    pub(crate) due: Timestamp,
    pub(crate) owed: &'static str,
    pub(crate) paid: Option<Paid>,
}

/// How it was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) at: Timestamp,
    pub(crate) by: Name,
    pub(crate) how: String,
}

// === impl Debt ===

impl Debt {
    pub(crate) fn is_open(&self) -> bool {
        self.paid.is_none()
    }

    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        self.is_open() && self.due < now
    }
}

/// What a change owes. One that never began owes nothing: nothing was skipped.
pub(crate) fn of(change: &Change, config: &Config) -> Vec<Debt> {
    if change.ramp.started.is_none() {
        return Vec::new();
    }
    let mut debts: Vec<Debt> = Vec::new();
    // Where there are no gates, none was skipped.
    let owes = |bypass: &&Bypass| bypass.what != Bypassed::EvalGate || !config.gates.is_empty();
    for bypass in change.declared.bypass.iter().filter(owes) {
        debts.extend(name(bypass.what.as_str()).map(|id| Debt {
            paid: paid(change, &id, bypass.what, config),
            id,
            owner: bypass.owner.clone(),
            due: later(change.at, bypass.due.millis()),
            owed: bypass.what.owed(),
        }));
    }
    if let (Some((ended, _)), Some(id)) = (&change.ramp.last_end, name(POSTMORTEM)) {
        debts.push(Debt {
            paid: change.postmortem.as_ref().map(|written| Paid {
                at: written.at,
                by: written.by.clone(),
                how: written.digest.clone(),
            }),
            id,
            owner: change.author.clone(),
            due: later(*ended, POSTMORTEM_MILLIS),
            owed: "write the postmortem, with actions for the cause and for the discipline",
        });
    }
    debts
}

fn paid(change: &Change, id: &Name, what: Bypassed, config: &Config) -> Option<Paid> {
    let noted = change.paid.get(id).cloned();
    match what {
        // A result and, if it is a regression, a decision: a word alone does not do.
        Bypassed::EvalGate => change.late_gates_paid(config),
        _ => noted,
    }
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(millis))
}

fn name(text: &str) -> Option<Name> {
    Name::new(text)
}

pub(crate) const POSTMORTEM: &str = "postmortem";
/// Five days: while people still remember.
const POSTMORTEM_MILLIS: u64 = 5 * 24 * 3600 * 1000;
