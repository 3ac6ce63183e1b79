//! Whether the harm has stopped, by the counts of the proxies. What is missing is never a pass.

use std::collections::BTreeMap;

use breakglass_policy::{ArmTally, Entity, Percent, Tallies};
use serde::Serialize;

use crate::change::event::HarmStopped;
use crate::change::record::{Harm, Measure};
use crate::change::state::Change;
use crate::engine::memory::{Last, Memory};
use crate::engine::signals;
use crate::fleet::Observed;

/// What the counts say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "harm", rename_all = "snake_case")]
pub(crate) enum Verdict {
    Stopped(HarmStopped),
    /// The new version harms more than was declared, or not everybody is on it.
    GoesOn {
        why: String,
    },
    /// Not enough is known to tell.
    Unknown {
        missing: Vec<String>,
    },
}

/// What was counted since the ramp began.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) tallies: Tallies,
    /// What keeps it from being all of it.
    pub(crate) missing: Vec<String>,
}

/// Looks whether the harm of this change has stopped.
pub(crate) fn look(change: &Change, memory: Option<&Memory>, observed: &Observed) -> Verdict {
    if change.ramp.started.is_none() {
        let missing =
            vec!["the ramp has not been started: the new version has answered nobody".into()];
        return Verdict::Unknown { missing };
    }
    if let Some(end) = change.ramp.end_of().filter(|_| !change.ramp.is_completed()) {
        let why = format!(
            "the change is {}: everybody is on the old version",
            end.to_text()
        );
        return Verdict::GoesOn { why };
    }
    let last = change
        .ramp
        .observations
        .last()
        .map(|(_, seen)| &seen.tallies);
    let known = match memory {
        Some(memory) => Some((&memory.totals, memory.last.clone())),
        // Since then nobody knows what came: that much is certain.
        None => last.map(|tallies| (tallies, BTreeMap::new())),
    };
    let Some((totals, then)) = known else {
        let missing =
            vec!["nothing was counted since the ramp began: no engine has watched it".into()];
        return Verdict::Unknown { missing };
    };
    if let Some(why) = exposed(observed) {
        return Verdict::GoesOn { why };
    }
    let counted = counted(totals, &then, observed);
    judge(&change.declared.harm, &counted)
}

/// Why the harm goes on at some proxy, whatever the new version does.
fn exposed(observed: &Observed) -> Option<String> {
    let mut seen = observed.seen();
    seen.find_map(|(name, seen)| match seen.percent {
        _ if seen.killed => Some(format!("at {name} the kill-switch is on")),
        _ if seen.closed.is_some() => {
            let why = seen.closed.as_deref().unwrap_or_default();
            Some(format!("at {name} nobody is on the new version: {why}"))
        }
        Some(percent) if percent < Percent::ALL => Some(format!(
            "at {name} the new version has {percent}: the rest is on the old one"
        )),
        _ => None,
    })
}

/// Adds what came to the proxies since the engine asked them last, `then`.
fn counted(totals: &Tallies, then: &BTreeMap<String, Last>, observed: &Observed) -> Counted {
    let mut counted = Counted {
        tallies: totals.clone(),
        missing: Vec::new(),
    };
    for proxy in &observed.proxies {
        let name = &proxy.name;
        let seen = match &proxy.seen {
            Ok(seen) => seen,
            Err(failed) => {
                counted
                    .missing
                    .push(format!("{name}: {}", failed.to_text()));
                continue;
            }
        };
        if seen.percent.is_none() {
            counted.missing.push(format!("{name}: tells no share"));
        }
        let (Some(stable), Some(canary)) =
            (signals::tally(&seen.stable), signals::tally(&seen.canary))
        else {
            counted.missing.push(format!("{name}: counts no answers"));
            continue;
        };
        let now = Tallies { stable, canary };
        match then.get(name) {
            Some(Last { boot, tallies }) if *boot == seen.boot => {
                counted.tallies.add(&now.since(tallies))
            }
            // It has restarted since: what it counts is new.
            Some(_) => counted.tallies.add(&now),
            // Where it stood when the ramp began is not known: what it counts may be another version's.
            None => {}
        }
    }
    counted
}

fn judge(harm: &Harm, counted: &Counted) -> Verdict {
    let Counted { tallies, missing } = counted;
    let answers = tallies.canary.answers;
    let after = per_1000(&harm.measure, &tallies.canary);
    // What is too much is too much, whatever else is missing.
    if let Some(after) =
        after.filter(|after| *after > harm.at_most_per_1000 && answers >= harm.answers)
    {
        let why = format!(
            "{}: {after:.1} of 1000 over {answers} answers of the new version, expected at most {}",
            harm.measure, harm.at_most_per_1000
        );
        return Verdict::GoesOn { why };
    }
    let mut missing = missing.clone();
    let lacking = harm.answers.saturating_sub(answers);
    if lacking > 0 {
        missing.push(format!(
            "{lacking} more answers of the new version: it has given {answers}, expected at least {}",
            harm.answers
        ));
    }
    match after {
        Some(after) if missing.is_empty() => Verdict::Stopped(HarmStopped {
            measure: harm.measure.to_string(),
            before_per_1000: per_1000(&harm.measure, &tallies.stable),
            after_per_1000: after,
            answers,
        }),
        _ => Verdict::Unknown { missing },
    }
}

/// How many of a thousand answers show the harm; `None` where there are none. Of any entity, an answer
/// with two of them counts twice: rather too much than too little.
pub(crate) fn per_1000(measure: &Measure, tally: &ArmTally) -> Option<f64> {
    let count = match measure {
        Measure::Redactions(entity) if entity.as_str() == ANY => tally
            .redactions
            .iter()
            .map(|(_, found)| found.answers)
            .sum(),
        Measure::Redactions(entity) => answers_with(tally, entity),
        Measure::Errors => tally.errors,
        Measure::Slow => tally.slow,
    };
    (tally.answers > 0).then(|| count as f64 * 1000.0 / tally.answers as f64)
}

fn answers_with(tally: &ArmTally, entity: &Entity) -> u64 {
    tally
        .redactions
        .get(entity)
        .map_or(0, |found| found.answers)
}

const ANY: &str = "*";

#[cfg(test)]
mod tests;
