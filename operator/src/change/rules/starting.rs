//! Rules of starting and going on: drill, approvals, window, freeze, gates, message.

use breakglass_policy::Warrant;

use crate::change::approval;
use crate::change::event::GateResult;
use crate::change::record::Bypassed;
use crate::change::rules::{Case, Denial};

/// Nobody is on the canary.
pub(super) fn quiet(case: &Case<'_>) -> Result<(), Denial> {
    let mut changes = case.ledger.changes();
    let active =
        changes.find(|other| other.declared.rollout == *case.rollout && other.ramp.is_running());
    match active {
        None => Ok(()),
        Some(other) => Err(Denial::new(
            format!(
                "no drill under a running ramp: `{}` is {}",
                other.id,
                other.stage()
            ),
            format!("let it end, or kill it: `breakglass kill {}`", other.id),
        )),
    }
}

/// The rollback was tried out.
pub(super) fn drill(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let again = format!("try the rollback out: `breakglass drill {}`", change.id);
    let Some(drill) = &change.drill else {
        return Err(Denial::new("the rollback was not tried out", again));
    };
    if !drill.passed {
        return Err(Denial::new(
            "the last drill failed: not every proxy was back on stable",
            format!("mend what the drill names, then {again}"),
        ));
    }
    let (receipt, versions) = (&drill.receipt, &change.declared.versions);
    if (&receipt.stable, &receipt.canary) != (&versions.stable, &versions.canary) {
        return Err(Denial::new("the last drill was for other versions", again));
    }
    if receipt.not_after < case.now {
        return Err(Denial::new(
            format!(
                "the last drill proved the rollback until {}",
                receipt.not_after
            ),
            again,
        ));
    }
    Ok(())
}

/// Everybody has signed.
pub(super) fn approved(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let ask = format!("`breakglass approve {}`", change.id);
    let Some(approval) = &change.approval else {
        return Err(Denial::new(
            "nobody has approved it",
            format!("have each approver run {ask}"),
        ));
    };
    let missing = approval.missing();
    if !missing.is_empty() {
        return Err(Denial::new(
            format!("not approved yet by {}", missing.join(", ")),
            format!("have each of them run {ask}"),
        ));
    }
    if let Some(drill) = &change.drill
        && approval.warrant.drill.receipt != drill.digest
    {
        return Err(Denial::new(
            "the approvers signed for an earlier drill than the last",
            format!("have each approver run {ask} again"),
        ));
    }
    if approval.warrant.not_after < case.now {
        return Err(Denial::new(
            format!(
                "the approvals could be used until {}",
                approval.warrant.not_after
            ),
            format!("have each approver run {ask} again"),
        ));
    }
    // As a proxy would look at it: with these people's keys, byte for byte.
    let trust = approval::trust(case.config);
    let trust = trust.map_err(|error| Denial::new(format!("{error:#}"), "mend `people`"))?;
    let mut trust = trust;
    trust.raise = vec![
        approval
            .warrant
            .approvers
            .iter()
            .map(|a| a.role.clone())
            .collect(),
    ];
    match Warrant::open(&approval.envelope, &trust) {
        Ok(_) => Ok(()),
        Err(refused) => Err(Denial::new(
            format!("the signatures in the journal do not hold: {refused}"),
            format!(
                "have each approver run {ask} again; `breakglass journal verify` says whether the journal was changed"
            ),
        )),
    }
}

/// Inside a change window.
pub(super) fn window(case: &Case<'_>) -> Result<(), Denial> {
    let windows = &case.config.windows;
    if bypasses(case, Bypassed::ChangeWindow) || windows.is_open(case.now) {
        return Ok(());
    }
    let open: Vec<_> = windows
        .change
        .iter()
        .map(|window| window.to_text())
        .collect();
    Err(Denial::new(
        format!(
            "{} is outside every change window",
            windows.describe(case.now)
        ),
        format!(
            "wait for one ({}), or bypass `change_window` with a reason",
            open.join("; ")
        ),
    ))
}

/// Outside every freeze.
pub(super) fn freeze(case: &Case<'_>) -> Result<(), Denial> {
    let windows = &case.config.windows;
    let freeze = match bypasses(case, Bypassed::FreezePeriod) {
        true => None,
        false => windows.freeze(case.now),
    };
    match freeze {
        None => Ok(()),
        Some(freeze) => Err(Denial::new(
            format!("the freeze `{}` is on until {}", freeze.name, freeze.to),
            "wait for its end, or bypass `freeze_period` with a reason",
        )),
    }
}

/// Every gate has passed.
pub(super) fn gates(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let bypassed = bypasses(case, Bypassed::EvalGate);
    for gate in &case.config.gates {
        let name = &gate.name;
        match change.gates.get(name).map(|(_, _, run)| run.result) {
            Some(GateResult::Pass) => {}
            Some(GateResult::Regression) => {
                return Err(Denial::new(
                    format!("the gate `{name}` has shown a regression"),
                    "refine the version, and declare that one: a bypass covers a result that is not there, not a bad one",
                ));
            }
            None if bypassed => {}
            None => {
                return Err(Denial::new(
                    format!("the gate `{name}` has no result for this change"),
                    format!(
                        "run it: `breakglass gate run {} {name}`; or bypass `eval_gate` with a reason",
                        change.id
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Nothing else is active on the agent.
pub(super) fn alone(case: &Case<'_>) -> Result<(), Denial> {
    if bypasses(case, Bypassed::MultiChange) {
        return Ok(());
    }
    let own = case.change.map(|change| &change.id);
    let mut active = case.ledger.changes().filter(|other| {
        Some(&other.id) != own && other.declared.rollout == *case.rollout && other.ramp.is_running()
    });
    match active.next() {
        None => Ok(()),
        Some(other) => Err(Denial::new(
            format!(
                "`{}` is active on `{}`: {}",
                other.id,
                case.rollout,
                other.stage()
            ),
            format!(
                "let it end, kill it (`breakglass kill {}`), or bypass `multi_change` with a reason",
                other.id
            ),
        )),
    }
}

/// Customers are told.
pub(super) fn message(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    if !change.needs_message() || change.message.queued.is_some() || change.message.sent.is_some() {
        return Ok(());
    }
    let id = &change.id;
    Err(match change.message.text {
        None => Denial::new(
            "the message to customers is not drafted",
            format!("`breakglass message draft {id}`, then `breakglass message queue {id}`"),
        ),
        Some(_) => Denial::new(
            "the message to customers is drafted but not queued",
            format!("`breakglass message queue {id}`"),
        ),
    })
}

/// What was taken back stays so.
pub(super) fn not_ended(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    if !change.is_open() {
        return Err(Denial::new(
            format!("it is {}", change.stage()),
            "declare a new change",
        ));
    }
    match change.ramp.end_of() {
        None => Ok(()),
        Some(end) => Err(Denial::new(
            format!("it is {}", end.to_text()),
            match change.ramp.is_completed() {
                true => "nothing is left to start".to_owned(),
                false => format!(
                    "`breakglass rearm {}` asks for drill and approvals anew",
                    change.id
                ),
            },
        )),
    }
}

/// Nobody holds it.
pub(super) fn not_held(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    match &change.ramp.held {
        None => Ok(()),
        Some(why) => Err(Denial::new(
            format!("it is held: {why}"),
            format!("`breakglass resume {}`", change.id),
        )),
    }
}

fn bypasses(case: &Case<'_>, what: Bypassed) -> bool {
    let declared = case.declared;
    declared.is_some_and(|declared| declared.bypasses(what).is_some())
}
