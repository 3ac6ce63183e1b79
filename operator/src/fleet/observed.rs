//! What the proxies tell of one rollout.

use std::collections::BTreeMap;

use breakglass_policy::{Control, Generation, Name, Percent, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{StateAnswer, Workers, clean};
use crate::fleet::delivered::Failed;
use crate::proxy::FailureKind;

/// What all proxies tell of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Observed {
    /// When they were asked.
    pub(crate) at: Timestamp,
    /// In the order of the targets.
    pub(crate) proxies: Vec<ProxySeen>,
}

/// What one proxy tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProxySeen {
    pub(crate) name: String,
    pub(crate) seen: Result<RolloutSeen, Failed>,
}

/// A rollout as a proxy has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RolloutSeen {
    pub(crate) policy: String,
    /// Of the policy that was pushed last, as the proxy got it.
    pub(crate) digest: Option<String>,
    /// Changes when the proxy restarts; counts begin anew then.
    pub(crate) boot: String,
    pub(crate) generation: Generation,
    /// The canary's share at this moment.
    pub(crate) percent: Option<Percent>,
    /// Whether its kill-switch is on.
    pub(crate) killed: bool,
    /// Why nobody is on the canary, whatever the control says.
    pub(crate) closed: Option<String>,
    /// `None` where it is of a form that is not known here.
    pub(crate) control: Option<Control>,
    /// What the approvers of the next warrant must have seen at least.
    pub(crate) warrants_after: Option<Generation>,
    pub(crate) stable: ArmSeen,
    pub(crate) canary: ArmSeen,
    /// What made the filter's own judge take everybody back.
    pub(crate) judge_trip: Option<Value>,
    pub(crate) workers: Workers,
}

/// What came to one arm since the proxy started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArmSeen {
    #[serde(default)]
    pub(crate) requests: u64,
    /// By class: `2xx`.
    #[serde(default)]
    pub(crate) responses: BTreeMap<String, u64>,
    /// `None` from a filter that does not count them.
    #[serde(default)]
    pub(crate) answers: Option<Answers>,
}

/// The answers of one arm, counted for whoever compares the arms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answers {
    /// Requests that the split sent there: neither pinned nor without a unit.
    #[serde(default)]
    pub(crate) drawn: Option<u64>,
    /// That ended or were reset.
    pub(crate) ended: u64,
    /// That count as errors.
    pub(crate) errors: u64,
    /// Whose first byte came too late.
    #[serde(default)]
    pub(crate) slow_first_byte: u64,
    /// That took too long as a whole.
    #[serde(default)]
    pub(crate) slow: u64,
    /// That were not scanned, or not as a whole.
    #[serde(default)]
    pub(crate) unscanned: u64,
    /// By entity.
    #[serde(default)]
    pub(crate) redactions: BTreeMap<String, Redactions>,
}

/// How often an entity was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redactions {
    /// Answers in which it was found at least once.
    pub(crate) answers: u64,
    /// In all.
    pub(crate) found: u64,
}

// === impl Observed ===

impl Observed {
    /// Those who told, by name.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (&str, &RolloutSeen)> {
        let proxies = self.proxies.iter();
        proxies.filter_map(|proxy| Some((proxy.name.as_str(), proxy.seen.as_ref().ok()?)))
    }
}

// === impl RolloutSeen ===

impl RolloutSeen {
    /// A rollout of a state.
    pub(super) fn of(state: &StateAnswer, rollout: &Name) -> Result<Self, Failed> {
        let Some(found) = state.rollout(rollout) else {
            return Err(Failed::absent(state.lacks(rollout)));
        };
        let Some(generation) = found.generation() else {
            return Err(Failed {
                kind: FailureKind::Unreadable,
                why: format!("tells no generation of the rollout `{rollout}`"),
                problem: None,
            });
        };
        Ok(Self {
            policy: clean(&state.policy),
            digest: state.digest.as_deref().map(clean),
            boot: clean(&state.boot),
            generation,
            percent: found.share(),
            killed: found.term("kill").is_some(),
            closed: found.closed.as_deref().map(clean),
            control: found.control(),
            warrants_after: found.warrants_after(),
            stable: ArmSeen::of(found.arm("stable")),
            canary: ArmSeen::of(found.arm("canary")),
            judge_trip: found.judge_trip().cloned(),
            workers: Workers::of_state(&state.workers, found.since_epoch),
        })
    }
}

// === impl ArmSeen ===

impl ArmSeen {
    /// Of counts in a form that is not known here, nothing: they are no reason to overlook the rest.
    pub(crate) fn of(arm: Option<&Value>) -> Self {
        let arm = arm.and_then(|arm| Self::deserialize(arm).ok());
        arm.unwrap_or_default()
    }
}
