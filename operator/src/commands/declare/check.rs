//! What is looked at before something is declared.

use anyhow::Result;

use crate::change::record::{Declaration, NoEmergency};
use crate::change::rules::{self, Denial, Refusal, When, chosen};
use crate::commands::in_force::{self, InForce};
use crate::outcome::Outcome;
use crate::session::{Deciding, Session};

/// Every rule of declaring at once, and whether the proxies bear the record out.
pub(super) fn all(
    deciding: &Deciding<'_>,
    declared: &Declaration,
    in_force: Option<&InForce>,
) -> Result<(), Refusal> {
    let ruled = rules::check(When::Declare, ATTEMPTED, &deciding.case_of(declared));
    let approvers = chosen(&deciding.project.config, declared, &deciding.actor.id);
    // Where there are none a rule says so.
    let more = match (in_force, approvers) {
        (Some(in_force), Ok(approvers)) => in_force::denials(in_force, declared, &approvers),
        _ => Vec::new(),
    };
    more.into_iter().fold(ruled, |ruled, (rule, denial)| {
        Err(match ruled {
            Ok(()) => Refusal::one(ATTEMPTED, None, rule, denial),
            Err(refusal) => refusal.and(rule, denial),
        })
    })
}

/// What is no emergency, by its name.
pub(super) fn refusal(kind: NoEmergency) -> Refusal {
    let why = format!("`{}` ({}) is no emergency", kind.as_str(), kind.meaning());
    Refusal::one(
        ATTEMPTED,
        None,
        "emergency",
        Denial::new(why, kind.instead()),
    )
}

/// Refuses what is no emergency; that it was tried is kept.
pub(super) fn no_emergency(session: &mut Session, kind: NoEmergency) -> Result<Outcome> {
    session.decide(|_| Err(refusal(kind).into()))?;
    Ok(Outcome::Found)
}

const ATTEMPTED: &str = "declare";
