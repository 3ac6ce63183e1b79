//! The warrant that approvers are asked to sign.

use anyhow::{Context, Result, bail};
use breakglass_policy::{Approver, Drill, Name, Ramp, Timestamp, Warrant, limits};
use serde_json::json;

use crate::change::Change;
use crate::change::rules::{Refusal, chosen, plan_of};
use crate::commands::in_force::InForce;
use crate::project::config::Person;
use crate::project::plan::Plan;
use crate::session::Deciding;

/// Whether the proxies bear the record out, and will take the approvals.
pub(super) fn check(deciding: &Deciding<'_>, change: &Change, in_force: &InForce) -> Result<()> {
    let refuse = |rule, denial| Refusal::one("approve", Some(&change.id), rule, denial);
    in_force
        .check(&change.declared.versions)
        .map_err(|denial| refuse("record", denial))?;
    let approvers = approvers(deciding, change)?;
    in_force
        .check_approvers(&approvers)
        .map_err(|denial| refuse("authority", denial))?;
    Ok(())
}

/// Whether the warrant that was asked for last can still be signed and used.
pub(super) fn holds(deciding: &Deciding<'_>, change: &Change, in_force: &InForce) -> Result<bool> {
    let (Some(approval), Some(drill)) = (&change.approval, &change.drill) else {
        return Ok(false);
    };
    let warrant = &approval.warrant;
    let asked = warrant
        .approvers
        .iter()
        .map(|approver| (&approver.id, &approver.role));
    let approvers = approvers(deciding, change)?;
    let wanted = approvers.iter().map(|(person, role)| (&person.id, role));
    Ok(warrant.drill.receipt == drill.digest
        && warrant.not_after > deciding.now
        && warrant.after >= in_force.floor()
        && warrant
            .subject
            .check(&in_force.described()?.subject)
            .is_ok()
        && warrant.ramp
            == ceiling(
                plan_of(&deciding.case(change), &change.declared),
                warrant.not_before,
            )?
        && asked.eq(wanted))
}

/// A warrant for what is in force now: the steps at their earliest, from now on.
pub(super) fn warrant(
    deciding: &Deciding<'_>,
    change: &Change,
    in_force: &InForce,
) -> Result<Warrant> {
    let described = in_force.described()?;
    let drill = change
        .drill
        .as_ref()
        .context("the rollback was not tried out")?;
    let pins = described.subject.pins.len();
    if pins > limits::APPROVED_PINS {
        bail!(
            "the policy in {} pins more than {} units to the canary, which nobody can approve; expected fewer",
            described.file.display(),
            limits::APPROVED_PINS
        );
    }
    let now = deciding.now;
    let case = deciding.case(change);
    let approvers = approvers(deciding, change)?.into_iter();
    let warrant = Warrant {
        change: change.id.clone(),
        policy: described.policy.clone(),
        rollout: change.declared.rollout.clone(),
        subject: described.subject.clone(),
        ramp: ceiling(plan_of(&case, &change.declared), now)?,
        unmask: false,
        after: in_force.generation(),
        not_before: now,
        not_after: later(now, deciding.project.config.ramp.approval_lifetime.millis()),
        drill: Drill {
            receipt: drill.digest.clone(),
            at: drill.receipt.at,
        },
        author: change.author.clone(),
        approvers: approvers
            .map(|(person, role)| Approver {
                id: person.id.clone(),
                role,
            })
            .collect(),
    };
    // As a proxy will read it: what it would refuse is not signed.
    Warrant::from_json(&serde_json::to_vec(&warrant)?).context("the warrant would be refused")?;
    Ok(warrant)
}

fn approvers<'a>(deciding: &Deciding<'a>, change: &Change) -> Result<Vec<(&'a Person, Name)>> {
    let config = &deciding.project.config;
    let chosen = chosen(config, &change.declared, &change.author);
    Ok(chosen.map_err(|denial| Refusal::one("approve", Some(&change.id), "not-alone", denial))?)
}

/// The highest share at every time: each step as early as the plan lets it be.
fn ceiling(plan: &Plan, begin: Timestamp) -> Result<Ramp> {
    let mut at = begin;
    let steps = plan.steps().iter().map(|step| {
        let begins = at;
        at = later(at, step.hold.millis());
        json!({"percent": step.percent, "at": begins})
    });
    let steps: Vec<_> = steps.collect();
    serde_json::from_value(json!(steps)).context("the steps make no ramp")
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(millis))
}
