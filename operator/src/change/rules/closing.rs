//! Rules of what comes after: harm stopped, gates run, debts paid, postmortem written.

use crate::change::event::GateResult;
use crate::change::record::Bypassed;
use crate::change::rules::{Case, Denial};

/// The ramp is over.
pub(super) fn ended(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    match change.ramp.end_of() {
        Some(_) => Ok(()),
        None if change.ramp.started.is_none() => Err(Denial::new(
            "it has never been started",
            format!("start it, or `breakglass withdraw {}`", change.id),
        )),
        // Rearmed, and not begun again.
        None if !change.ramp.is_running() => Ok(()),
        None => Err(Denial::new(
            format!("it is {}", change.stage()),
            "let the ramp end, or kill it",
        )),
    }
}

/// The harm has stopped, by the counts.
pub(super) fn harm(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let takes_on = |other: &&crate::change::Change| {
        other.declared.repeats.as_ref() == Some(&change.id) && other.withdrawn.is_none()
    };
    if change.harm_stopped.is_some() || case.ledger.changes().any(|other| takes_on(&other)) {
        return Ok(());
    }
    let harm = &change.declared.harm;
    Err(Denial::new(
        format!(
            "the counts do not show yet that the harm has stopped: at most {} of a thousand {}, over {} answers of `{}`",
            harm.at_most_per_1000, harm.measure, harm.answers, change.declared.versions.canary
        ),
        format!(
            "`breakglass verify-harm {}` looks; or declare a follow-up that `repeats` this change",
            change.id
        ),
    ))
}

/// Bypassed gates have run.
pub(super) fn gates(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let id = &change.id;
    if change.declared.bypasses(Bypassed::EvalGate).is_none() {
        return Ok(());
    }
    for gate in &case.config.gates {
        let name = &gate.name;
        match change.gates.get(name).map(|(_, _, run)| run.result) {
            None => {
                return Err(Denial::new(
                    format!("the gate `{name}` was bypassed and has not run since"),
                    format!("`breakglass gate run {id} {name}`"),
                ));
            }
            Some(GateResult::Regression) if !change.decisions.contains_key(name) => {
                return Err(Denial::new(
                    format!(
                        "the gate `{name}` has shown a regression, and nobody has decided what it is"
                    ),
                    format!("`breakglass gate decide {id} {name} --real|--intended --note …`"),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What was skipped is made up for. Gates and postmortem have rules of their own.
pub(super) fn debts(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let own = [Bypassed::EvalGate.as_str(), crate::change::debt::POSTMORTEM];
    let debts = change.debts(case.config);
    let mut open = debts
        .iter()
        .filter(|debt| debt.is_open() && !own.contains(&debt.id.as_str()));
    match open.next() {
        None => Ok(()),
        Some(debt) => Err(Denial::new(
            format!("`{}` is owed by {}: {}", debt.id, debt.owner, debt.owed),
            format!("`breakglass debt pay {} {} --how …`", change.id, debt.id),
        )),
    }
}

/// Customers were told.
pub(super) fn message(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    if !change.needs_message() || change.message.sent.is_some() {
        return Ok(());
    }
    Err(Denial::new(
        "the message to customers has not been sent",
        format!("send it, then `breakglass message sent {}`", change.id),
    ))
}

/// The postmortem exists.
pub(super) fn postmortem(case: &Case<'_>) -> Result<(), Denial> {
    let change = case.of_change()?;
    let write = format!(
        "`breakglass postmortem {} --actions FILE`; without --actions it writes a draft",
        change.id
    );
    let Some(written) = &change.postmortem else {
        return Err(Denial::new("there is no postmortem", write));
    };
    for (what, actions) in [
        ("for the cause", &written.cause_actions),
        ("for the gaps in discipline", &written.discipline_actions),
    ] {
        if actions.is_empty() {
            return Err(Denial::new(
                format!("the postmortem has no action {what}"),
                write,
            ));
        }
    }
    Ok(())
}

/// Nothing is overdue, whosever it is.
pub(super) fn debts_in_time(case: &Case<'_>) -> Result<(), Denial> {
    // Of those that were closed everything was paid, whatever gates there are by now.
    let changes = case
        .ledger
        .changes()
        .filter(|change| change.closed.is_none());
    let debts = changes.flat_map(|change| {
        let debts = change.debts(case.config).into_iter();
        debts.map(move |debt| (change, debt))
    });
    let overdue: Vec<_> = debts
        .filter(|(_, debt)| debt.is_overdue(case.now))
        .map(|(change, debt)| {
            format!(
                "{} {} ({}, due {})",
                change.id, debt.id, debt.owner, debt.due
            )
        })
        .collect();
    match overdue.is_empty() {
        true => Ok(()),
        false => Err(Denial::new(
            format!("overdue: {}", overdue.join("; ")),
            "do what is owed first: `breakglass status` says what it is",
        )),
    }
}
