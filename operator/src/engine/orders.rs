//! The orders of a ramp: a share with its lease, its end, and the way back.

use anyhow::{Context, Result};
use breakglass_policy::{
    InFlight, Judge, Kill, KillMode, Name, Order, Percent, Ramp, Timestamp, WarrantReference,
};
use serde_json::json;

use crate::change::Change;
use crate::fleet::Terms;
use crate::project::Project;

/// Gives the canary the share of a step, until the lease ends.
pub(crate) fn share(change: &Change, step: usize, not_after: Option<Timestamp>) -> Result<Terms> {
    let approval = change.approval.as_ref().context("nobody has approved it")?;
    let percent = change.ramp.percent(step).context("there is no such step")?;
    let ramp = ramp(&approval.warrant.ramp, percent)?;
    let envelope = Box::new(approval.envelope.clone());
    let order = Order {
        ramp: Some(ramp),
        not_after: Some(not_after),
        // The drill has left the kill-switch on. Later steps say nothing about it: what was killed
        // meanwhile stays so.
        kill: (step == 0).then_some(None),
        warrant: Some(WarrantReference::Carried(envelope)),
        policy: Some(approval.warrant.policy.clone()),
        ..Terms::blank(change.declared.rollout.clone())
    };
    Ok(Terms::of(order, None))
}

/// Renews the lease of the share that is in force: the same order, and nothing about the kill-switch.
pub(crate) fn renewal(change: &Change, step: usize, not_after: Timestamp) -> Result<Terms> {
    let terms = share(change, step, Some(not_after))?;
    let order = Order {
        kill: None,
        ..terms.order().clone()
    };
    Ok(Terms::of(order, None))
}

/// Takes everybody back.
pub(crate) fn back(rollout: &Name, in_flight: InFlight) -> Terms {
    kill(rollout, KillMode::Rollback, in_flight)
}

/// Pulls the kill-switch.
pub(crate) fn kill(rollout: &Name, mode: KillMode, in_flight: InFlight) -> Terms {
    let order = Order {
        kill: Some(Some(Kill { mode, in_flight })),
        ..Terms::blank(rollout.clone())
    };
    Terms::of(order, None)
}

/// A ramp of one share, from when the approvers let it begin: with any earlier time it would ask for
/// more than they permit.
fn ramp(ceiling: &Ramp, percent: Percent) -> Result<Ramp> {
    let step = ceiling.steps().iter().find(|step| step.percent >= percent);
    let at = step.context("the approvers permit no such share")?.at;
    Ok(serde_json::from_value(
        json!([{"percent": percent, "at": at}]),
    )?)
}

/// How the arms are compared: as the project says, else as the rollout's policy does in the files that
/// the proxies start from, else in the usual way.
pub(crate) fn judge(project: &Project, rollout: &Name) -> Judge {
    if let Some(judge) = &project.config.ramp.judge {
        return judge.clone();
    }
    let files = project.config.proxies.durable.iter();
    let mut policies = files.filter_map(|file| crate::durable::policy(&project.file(file)).ok());
    let named = policies.find_map(|policy| {
        let mut rollouts = policy.rollouts.iter();
        rollouts.find(|known| known.name == *rollout)?.judge.clone()
    });
    named.unwrap_or_else(usual)
}

/// One false alarm in a thousand ramps; twice as bad counts.
fn usual() -> Judge {
    let usual = json!({
        "alpha": 0.001,
        "signals": [
            {"error_rate": {}},
            {"redactions": {"entity": "*", "two_sided": true}},
            {"unscanned": {}},
            {"sample_ratio": {}},
        ],
    });
    serde_json::from_value(usual).unwrap_or_else(|error| unreachable!("the usual judge: {error}"))
}
