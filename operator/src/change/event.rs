//! What can happen to a change: everything that the journal knows.

use breakglass_policy::{Envelope, Generation, Name, Percent, Tallies, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::record::{ChangeId, Declaration};
use crate::fleet::Delivered;
use crate::project::plan::Plan;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The journal begins.
    Begun {
        version: String,
    },
    /// Something was tried that a rule does not let through.
    Refused {
        rule: String,
        why: String,
        attempted: String,
    },
    /// A change was declared; its author is who did it.
    Declared(Box<Declaration>),
    /// The rollback was tried out.
    Drilled(Box<Drill>),
    /// What the approvers are asked to sign: the warrant, byte for byte.
    ApprovalAsked {
        payload: String,
    },
    /// Somebody signed.
    Approved {
        approver: Name,
        role: Name,
        warrant: Envelope,
    },
    /// Somebody will not.
    Declined {
        why: String,
    },
    /// What customers will be told.
    MessageDrafted {
        text: String,
    },
    MessageQueued {
        channel: String,
    },
    MessageSent {
        channel: String,
    },
    /// A gate has run.
    GateRun(GateRun),
    /// What a late regression turned out to be.
    RegressionDecided {
        gate: Name,
        decision: Decision,
        note: String,
    },
    /// An engine has taken the ramp up, for the first time or again.
    RampStarted {
        engine: String,
        plan: Plan,
    },
    /// A share is about to be pushed.
    StepBegun {
        engine: String,
        step: usize,
        percent: Percent,
    },
    /// It is in force.
    StepInForce {
        engine: String,
        step: usize,
        generation: Generation,
        delivered: Delivered,
    },
    /// The watcher lets the ramp go on after this step.
    Confirmed {
        step: usize,
    },
    /// The ramp stands still until somebody resumes it.
    Held {
        why: String,
    },
    Resumed,
    /// Somebody watches, or no longer.
    Watching,
    WatchEnded {
        why: String,
    },
    /// What the proxies have counted.
    Observed(Box<Observation>),
    /// A signal is of concern.
    Signal {
        signal: String,
        verdict: String,
        detail: serde_json::Value,
    },
    /// Everybody was taken back without a person.
    RolledBack {
        why: String,
        delivered: Delivered,
    },
    /// Somebody pulled the kill-switch.
    Killed {
        why: String,
        delivered: Delivered,
    },
    /// The lease is over: the proxies have fallen back by themselves.
    Lapsed {
        why: String,
    },
    /// The last step has stood as long as it had to.
    Completed,
    /// Approval is asked for anew, after a kill.
    Rearmed {
        why: String,
    },
    /// The counts show that the harm has stopped.
    HarmStopped(Box<HarmStopped>),
    /// What was owed is done.
    DebtPaid {
        debt: Name,
        how: String,
    },
    /// The postmortem exists.
    PostmortemWritten {
        digest: String,
        cause_actions: Vec<Action>,
        discipline_actions: Vec<Action>,
    },
    /// It was another kind of thing after all.
    Reclassified {
        category: Name,
        why: String,
    },
    /// It will not be started.
    Withdrawn {
        why: String,
    },
    Closed,
    Noted {
        text: String,
    },
    /// A routine promotion, for the rate.
    RoutinePromoted {
        rollout: Name,
        version: String,
    },
}

/// A drill of the rollback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Drill {
    /// Whether every proxy was back on stable.
    pub(crate) passed: bool,
    /// What it proves, signed by who made it; the payload is a [`DrillReceipt`].
    pub(crate) receipt: Envelope,
}

/// What a drill proves, for as long as it says. Its digest stands in the warrant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DrillReceipt {
    pub(crate) change: ChangeId,
    pub(crate) rollout: Name,
    pub(crate) stable: String,
    pub(crate) canary: String,
    pub(crate) salt: String,
    pub(crate) at: Timestamp,
    pub(crate) not_after: Timestamp,
    /// How each proxy took it, and after how many milliseconds.
    pub(crate) delivered: Delivered,
}

/// What a gate said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GateRun {
    pub(crate) gate: Name,
    pub(crate) result: GateResult,
    /// Where the whole result is, or what it says.
    pub(crate) detail: String,
    /// Whether it ran only after the change had begun.
    pub(crate) late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GateResult {
    Pass,
    Regression,
}

/// What a regression in a late gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// A side effect: the change is refined by a follow-up.
    Real,
    /// What was meant: the eval set is out of date and is updated.
    Intended,
}

/// The counts of both arms over all proxies, since the ramp began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observation {
    /// The share in force.
    pub(crate) percent: Percent,
    pub(crate) tallies: Tallies,
}

/// Why the harm counts as stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HarmStopped {
    pub(crate) measure: String,
    /// Of a thousand answers of the old version, while the ramp grew; `None` where it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before_per_1000: Option<f64>,
    pub(crate) after_per_1000: f64,
    /// Answers of the new version that were looked at.
    pub(crate) answers: u64,
}

/// A thing to be done, by whom and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    pub(crate) what: String,
    pub(crate) owner: Name,
    pub(crate) due: String,
}

/// An entry of the journal: an event with when, by whom and of which change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) by: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<ChangeId>,
    /// Whether it was written down only later, since the journal could not be written then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) late: bool,
    /// The hash of the entry before.
    pub(crate) prev: String,
    pub(crate) event: Event,
}
