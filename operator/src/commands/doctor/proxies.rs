//! The proxies, one by one and together, and the files that they start from.

mod files;
mod one;

use std::collections::BTreeMap;

use anyhow::Result;
use breakglass_policy::{Generation, Name, Policy};
use serde_json::Value;

use crate::answer::StateAnswer;
use crate::clock;
use crate::commands::doctor::report::Report;
use crate::project::Project;
use crate::proxy::{Answer, Failure, Proxy};

/// What one proxy said.
struct Seen {
    state: Result<Answer<StateAnswer>, Failure>,
    elapsed_ms: u64,
    /// How far its clock is ahead of ours.
    ahead_ms: Option<i64>,
    /// What it made of an order that is none.
    probed: Option<Result<Answer<Value>, Failure>>,
}

pub(super) fn look(project: &Project, policies: &[Policy], report: &mut Report) -> Result<()> {
    let fleet = match project.fleet() {
        Ok(fleet) => fleet,
        Err(error) => {
            return report.fail(
                "proxies",
                format!("{error:#}"),
                "mend `proxies` in breakglass.toml",
            );
        }
    };
    let seen = fleet.each(Seen::of);
    for (name, seen) in &seen {
        let (summary, checks) = one::look(project, policies, seen);
        report.proxy(name, &summary, checks)?;
    }
    let states = seen.iter();
    let states =
        states.filter_map(|(name, seen)| Some((name.as_str(), &seen.state.as_ref().ok()?.read)));
    let states: Vec<_> = states.collect();
    together(
        &project
            .config
            .agents
            .iter()
            .map(|agent| &agent.rollout)
            .collect::<Vec<_>>(),
        &states,
        report,
    )?;
    judge(project, policies, &states, report)?;
    files::look(project, &states, report)
}

/// Whether they have the same in force.
fn together(
    rollouts: &[&Name],
    states: &[(&str, &StateAnswer)],
    report: &mut Report,
) -> Result<()> {
    if states.len() < 2 {
        return Ok(());
    }
    let mut is_well = true;
    for rollout in rollouts {
        let generation = |state: &StateAnswer| {
            let generation = state.rollout(rollout)?.generation();
            generation.map(|generation| generation.to_string())
        };
        if let Some(found) = differing(states, generation) {
            is_well = false;
            report.fail(
                "proxies",
                format!("{rollout}: not of the same generation: {found}"),
                "give the last order again, such as a kill; or push the same policy to all",
            )?;
        }
    }
    let digest = |state: &StateAnswer| state.digest.clone();
    if let Some(found) = differing(states, digest) {
        is_well = false;
        report.warning(
            "proxies",
            format!("not of the same policy: {found}"),
            "push the same policy to all",
        )?;
    }
    let version = |state: &StateAnswer| {
        Some(format!(
            "{} ({})",
            state.filter.version, state.filter.commit
        ))
    };
    if let Some(found) = differing(states, version) {
        is_well = false;
        report.warning(
            "proxies",
            format!("not of the same filter: {found}"),
            "load the same filter everywhere",
        )?;
    }
    match is_well {
        true => report.ok(
            "proxies",
            format!(
                "{} have the same filter, policy and generations",
                states.len()
            ),
        ),
        false => Ok(()),
    }
}

/// `7 at 10.0.0.1:10001; 9 at 10.0.0.2:10001, 10.0.0.3:10001`, where they differ.
fn differing(
    states: &[(&str, &StateAnswer)],
    of: impl Fn(&StateAnswer) -> Option<String>,
) -> Option<String> {
    let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, state) in states {
        by_value.entry(of(state)?).or_default().push(name);
    }
    if by_value.len() < 2 {
        return None;
    }
    let places = |names: &[&str]| match names {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more", rest.len())
        }
        names => names.join(", "),
    };
    let parts = by_value
        .iter()
        .map(|(value, names)| format!("{value} at {}", places(names)));
    Some(parts.collect::<Vec<_>>().join("; "))
}

/// Who compares the arms.
fn judge(
    project: &Project,
    policies: &[Policy],
    states: &[(&str, &StateAnswer)],
    report: &mut Report,
) -> Result<()> {
    for agent in &project.config.agents {
        let rollout = &agent.rollout;
        let mut named = policies.iter().flat_map(|policy| policy.rollouts.iter());
        let in_file = named.any(|known| known.name == *rollout && known.judge.is_some());
        let at_proxies = states.iter().filter(|(_, state)| {
            let rollout = state.rollout(rollout);
            rollout.is_some_and(|rollout| rollout.has_judge())
        });
        let at_proxies = at_proxies.count();
        let whose = match (&project.config.ramp.judge, in_file) {
            (Some(_), _) => "the project's judge",
            (None, true) => "the policy's judge",
            (None, false) => "the usual judge",
        };
        if at_proxies > 0 && at_proxies == states.len() {
            report.ok("judge", format!("{rollout}: {whose} compares the arms over all proxies, and each proxy's own at home"))?;
        } else {
            report.warning(
                "judge",
                format!("{rollout}: {whose} compares the arms over all proxies, as long as `breakglass start` runs; {at_proxies} of {} proxies have one of their own", states.len()),
                "put `judge` into the policy's rollout: the proxies then take everybody back by themselves",
            )?;
        }
    }
    Ok(())
}

/// The highest generation of a rollout at any proxy.
fn highest(states: &[(&str, &StateAnswer)], rollout: &Name) -> Option<Generation> {
    let generations = states
        .iter()
        .filter_map(|(_, state)| state.rollout(rollout)?.generation());
    generations.max()
}

// === impl Seen ===

impl Seen {
    fn of(proxy: &Proxy) -> Self {
        let asked = clock::now().millis();
        let state = proxy.get::<StateAnswer>("/v1/state");
        let answered = clock::now().millis();
        let elapsed_ms = answered.saturating_sub(asked);
        let at = state.as_ref().ok().and_then(|state| state.read.at());
        let ahead_ms = at.map(|at| {
            let (theirs, ours) = (i128::from(at.millis()), i128::from(asked + elapsed_ms / 2));
            i64::try_from(theirs - ours).unwrap_or(i64::MAX)
        });
        let probed = state
            .is_ok()
            .then(|| proxy.post("/v1/orders", ORDER, PROBE));
        Self {
            state,
            elapsed_ms,
            ahead_ms,
            probed,
        }
    }
}

const ORDER: &str = "application/vnd.breakglass.order+json";
/// It names no rollout and orders nothing: no filter can take it for an order.
const PROBE: &[u8] = br#"{"probe": "breakglass doctor"}"#;
