//! Rules of declaring: category, harms, bypasses, the plan.

use std::time::Duration;

use breakglass_policy::Name;

use crate::change::record::{
    self, Bypass, Bypassed, Category, Communication, Compensation, Declaration, Ground,
};
use crate::change::rules::{Case, Denial};
use crate::project::plan::Plan;

/// Exactly one category with its evidence.
pub(super) fn evidence(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    let category = declared.category;
    let expected = || {
        let terms = category.evidence().iter();
        let terms: Vec<_> = terms
            .map(|(term, ask)| format!("`{term}` ({ask})"))
            .collect();
        format!("give the evidence of `{category}`: {}", terms.join(", "))
    };
    for (term, _) in category.evidence() {
        let Some(text) = declared.evidence.get(*term) else {
            return Err(Denial::new(
                format!("the evidence `{term}` is missing"),
                expected(),
            ));
        };
        if *term != DEADLINE && !is_specific(text) {
            return Err(Denial::new(
                vague(&format!("the evidence `{term}`"), text),
                expected(),
            ));
        }
    }
    let known = |term: &str| category.evidence().iter().any(|(name, _)| *name == term);
    if let Some(term) = declared.evidence.keys().find(|term| !known(term)) {
        return Err(Denial::new(
            format!("`{category}` asks for no evidence `{term}`"),
            format!(
                "{}; a change that fits two categories is declared in the one that decides",
                expected()
            ),
        ));
    }
    match category {
        Category::Regulatory => deadline(case, declared),
        _ => Ok(()),
    }
}

/// A deadline is a time, ahead of us, and near: one in a month is a plan.
fn deadline(case: &Case<'_>, declared: &Declaration) -> Result<(), Denial> {
    let text = declared.evidence.get(DEADLINE).map_or("", String::as_str);
    let Some(deadline) = record::time(text) else {
        return Err(Denial::new(
            format!("the deadline `{text}` is no time"),
            "write it as 2026-11-27T18:00:00Z",
        ));
    };
    if deadline <= case.now {
        return Err(Denial::new(
            format!("the deadline {deadline} is over"),
            "what can no longer be met is no reason to hurry; talk to the authority, and plan the change",
        ));
    }
    let left = deadline.since(case.now);
    if left > NEAR {
        return Err(Denial::new(
            format!(
                "the deadline {deadline} is {} days away",
                left.as_secs() / 86_400
            ),
            "that is time for the usual gates: plan it as a routine change",
        ));
    }
    Ok(())
}

/// Both harms, in words that mean this change.
pub(super) fn harms(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    for (what, text) in [
        ("the harm of waiting", &declared.harm_of_waiting),
        ("the harm of bypassing", &declared.harm_of_bypassing),
    ] {
        if !is_specific(text) {
            return Err(Denial::new(
                vague(what, text),
                "say who is harmed, how, and how many or how much",
            ));
        }
    }
    if declared.harm_of_waiting.trim() == declared.harm_of_bypassing.trim() {
        return Err(Denial::new(
            "both harms are the same words",
            "say what happens if the change waits, and what may go wrong because gates are skipped",
        ));
    }
    Ok(())
}

/// What the record names exists.
pub(super) fn known(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    if case.config.agent(&declared.rollout).is_none() {
        return Err(Denial::new(
            format!(
                "breakglass.toml knows no agent with the rollout `{}`",
                declared.rollout
            ),
            format!("name one of: {}", case.config.rollouts()),
        ));
    }
    if declared.versions.stable == declared.versions.canary {
        return Err(Denial::new(
            format!("both versions are `{}`", declared.versions.stable),
            "name the version that is in force, and the one that is to replace it",
        ));
    }
    if declared.title.trim().is_empty() {
        return Err(Denial::new(
            "it has no title",
            "say in a line what it changes",
        ));
    }
    let named = [Some(&declared.watcher)].into_iter().flatten();
    let named = named.chain(&declared.approvers);
    let named = named.chain(declared.bypass.iter().flat_map(|bypass| {
        [Some(&bypass.owner), bypass.who.as_ref()]
            .into_iter()
            .flatten()
    }));
    let maximum = declared.maximum.iter();
    let named = named.chain(maximum.flat_map(|maximum| {
        maximum
            .rollback_staff
            .iter()
            .chain([&maximum.decision_maker])
    }));
    for name in named {
        somebody(case, name)?;
    }
    if let Some(id) = declared
        .repeats
        .as_ref()
        .filter(|id| case.ledger.get(id).is_none())
    {
        return Err(Denial::new(
            format!("it is said to repeat `{id}`, which the journal does not know"),
            "name a change of `breakglass report`, or leave it out",
        ));
    }
    if let Communication::NotNeeded(why) = &declared.message
        && !is_specific(why)
    {
        return Err(Denial::new(
            vague("why customers are told nothing", why),
            "say why nobody outside needs to know, or declare the message as needed",
        ));
    }
    let most = declared.harm.at_most_per_1000;
    if !(0.0..=1000.0).contains(&most) {
        return Err(Denial::new(
            format!("harm.at_most_per_1000 is {most}"),
            "give a number from 0 to 1000: of so many of a thousand answers the harm counts as stopped",
        ));
    }
    Ok(())
}

fn somebody(case: &Case<'_>, name: &Name) -> Result<(), Denial> {
    match case.config.person(name.as_str()) {
        Some(_) => Ok(()),
        None => Err(Denial::new(
            format!("breakglass.toml knows no `{name}`"),
            format!("name one of: {}", case.config.ids()),
        )),
    }
}

/// Each bypass is complete.
pub(super) fn bypasses(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    for (index, bypass) in declared.bypass.iter().enumerate() {
        let what = bypass.what;
        let mut others = declared.bypass.iter().take(index);
        if others.any(|other| other.what == what) {
            return Err(Denial::new(
                format!("`{what}` is bypassed twice"),
                "one bypass with all its reasons",
            ));
        }
        if !is_specific(&bypass.reason) {
            return Err(Denial::new(
                vague(&format!("the reason to bypass `{what}`"), &bypass.reason),
                "say what it would cost to keep it, in this case",
            ));
        }
        let mut others = declared.bypass.iter().take(index);
        if others.any(|other| other.reason.trim() == bypass.reason.trim()) {
            return Err(Denial::new(
                format!("`{what}` is bypassed for the same words as another"),
                "each bypass has a reason of its own",
            ));
        }
        compensation(declared, bypass)?;
        if bypass.due.duration() > LONGEST_DUE {
            return Err(Denial::new(
                format!("what `{what}` owes is due in {}", bypass.due),
                "make it due within 14 days; later is never",
            ));
        }
    }
    Ok(())
}

fn compensation(declared: &Declaration, bypass: &Bypass) -> Result<(), Denial> {
    let (what, with) = (bypass.what, bypass.compensation);
    let offered = what.compensations();
    if !offered.contains(&with) {
        let offered: Vec<_> = offered.iter().map(|offered| offered.as_str()).collect();
        return Err(Denial::new(
            format!("`{}` does not stand in for `{what}`", with.as_str()),
            format!("choose one of: {}", offered.join(", ")),
        ));
    }
    if !with.names_somebody() {
        return Ok(());
    }
    let Some(who) = &bypass.who else {
        return Err(Denial::new(
            format!("`{}` for `{what}` names nobody", with.as_str()),
            "say who it is, in `who`",
        ));
    };
    if with == Compensation::SeniorApproval && !declared.approvers.contains(who) {
        return Err(Denial::new(
            format!("`{who}` shall approve that `{what}` is bypassed, but is not asked to"),
            "name them in `approvers` too: their signature is the approval",
        ));
    }
    Ok(())
}

/// The steps that a change takes.
pub(crate) fn plan_of<'a>(case: &Case<'a>, declared: &'a Declaration) -> &'a Plan {
    let canary = &case.config.canary;
    match declared.bypasses(Bypassed::Canary) {
        None => &canary.standard,
        Some(_) => declared.plan.as_ref().unwrap_or(&canary.compressed),
    }
}

/// Without a bypass the standard steps; with one, steps that are still a canary.
pub(super) fn plan(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    match (declared.bypasses(Bypassed::Canary), &declared.plan) {
        (None, Some(plan)) if !plan.is_as_careful_as(&case.config.canary.standard) => {
            Err(Denial::new(
                format!(
                    "the steps {} are faster than the standard ones, {}",
                    plan.to_text(),
                    case.config.canary.standard.to_text()
                ),
                "leave `plan` out, or bypass the `canary` with a reason",
            ))
        }
        _ => Ok(()),
    }
}

/// Everybody at once only on the two grounds, and with everything ready.
pub(super) fn maximum(case: &Case<'_>) -> Result<(), Denial> {
    let declared = case.of_declaration()?;
    if !plan_of(case, declared).is_at_once() {
        return Ok(());
    }
    let Some(maximum) = &declared.maximum else {
        return Err(Denial::new(
            "100 % at once, where thirty minutes of canary would show what is wrong with it",
            "take a compressed canary; or give the ground in `maximum`: active_exfiltration or immediate_deadline, who decides on the rollback and who carries it out",
        ));
    };
    let fits = match maximum.ground {
        Ground::ActiveExfiltration => declared.category == Category::Security,
        Ground::ImmediateDeadline => {
            let text = declared.evidence.get(DEADLINE).map_or("", String::as_str);
            let deadline = record::time(text);
            declared.category == Category::Regulatory
                && deadline.is_some_and(|deadline| deadline.since(case.now) <= IMMEDIATE)
        }
    };
    if !fits {
        return Err(Denial::new(
            format!(
                "`{}` is no ground for 100 % at once here ({})",
                maximum.ground.as_str(),
                declared.category
            ),
            "active_exfiltration needs the category security; immediate_deadline a regulatory deadline within 24 hours; else take a compressed canary",
        ));
    }
    if maximum.rollback_staff.is_empty() {
        return Err(Denial::new(
            "nobody is there to carry the rollback out",
            "name them in `maximum.rollback_staff`",
        ));
    }
    // Drill and message have rules of their own for every change; here the message may not be left out.
    match &declared.message {
        Communication::Needed => Ok(()),
        Communication::NotNeeded(_) => Err(Denial::new(
            "100 % at once without a message to customers",
            "declare the message as needed, draft and queue it",
        )),
    }
}

/// Whether a sentence says anything about this case.
pub(crate) fn is_specific(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| word.chars().count() > 1);
    let saying = words.filter(|word| !VAGUE.contains(&word.to_lowercase().as_str()));
    saying.count() >= SAYING_WORDS
}

fn vague(what: &str, text: &str) -> String {
    match text.trim() {
        "" => format!("{what} is missing"),
        text => format!("{what} says nothing about this case: `{text}`"),
    }
}

const DEADLINE: &str = "deadline";
/// Three words that mean something: fewer are a label, not a reason.
const SAYING_WORDS: usize = 3;
/// What is written where there is nothing to say.
const VAGUE: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "as",
    "asap",
    "be",
    "because",
    "business",
    "critical",
    "do",
    "emergency",
    "fast",
    "fix",
    "for",
    "high",
    "important",
    "is",
    "it",
    "must",
    "na",
    "need",
    "needed",
    "needs",
    "no",
    "none",
    "now",
    "of",
    "on",
    "possible",
    "priority",
    "quick",
    "quickly",
    "reason",
    "reasons",
    "soon",
    "tbd",
    "test",
    "that",
    "the",
    "this",
    "to",
    "todo",
    "urgent",
    "urgently",
    "very",
    "want",
    "we",
];
/// Beyond three days there is time for gates.
const NEAR: Duration = Duration::from_secs(3 * 86_400);
const IMMEDIATE: Duration = Duration::from_secs(86_400);
const LONGEST_DUE: Duration = Duration::from_secs(14 * 86_400);
