//! One proxy.

use std::collections::BTreeSet;

use breakglass_policy::{Name, Percent, Policy};
use serde_json::Value;

use crate::answer::{RolloutState, StateAnswer, Workers, clean};
use crate::clock::now;
use crate::commands::doctor::people::needed;
use crate::commands::doctor::proxies::Seen;
use crate::commands::doctor::report::Check;
use crate::project::Project;
use crate::project::config::Config;
use crate::proxy::{Answer, Failure, FailureKind};

/// What there is to say of it, in a line where all is well, and one by one.
pub(super) fn look(project: &Project, policies: &[Policy], seen: &Seen) -> (String, Vec<Check>) {
    let state = match &seen.state {
        Ok(state) => &state.read,
        Err(failure) => return (String::new(), vec![unreached(failure)]),
    };
    let mut checks = vec![
        version(state),
        policy(state, policies),
        trust(&project.config, state, policies),
        clock(project, seen.ahead_ms),
        orders(seen.probed.as_ref()),
    ];
    let mut summary = format!(
        "filter {} ({}), policy {}",
        clean(&state.filter.version),
        clean(&state.filter.commit),
        clean(&state.policy)
    );
    for agent in &project.config.agents {
        let rollout = &agent.rollout;
        let Some(found) = state.rollout(rollout) else {
            checks.push(Check::fail(
                "rollout",
                state.lacks(rollout),
                "push a policy with it, or mend `agents` in breakglass.toml",
            ));
            continue;
        };
        let workers = Workers::of_state(&state.workers, found.since_epoch);
        summary.push_str(&format!("; {rollout} {}", in_force(found, &workers)));
        checks.push(control(rollout, found));
        checks.push(in_workers(rollout, &workers));
        checks.push(counts(rollout, found));
    }
    if let Some((_, keys)) = state.trusted() {
        summary.push_str(&format!("; trusts {} keys", keys.len()));
    }
    if let Some(ahead) = seen.ahead_ms {
        summary.push_str(&format!("; clock {ahead:+} ms"));
    }
    summary.push_str(&format!("; answered in {} ms", seen.elapsed_ms));
    (summary, checks)
}

fn unreached(failure: &Failure) -> Check {
    let way_out = match failure.kind() {
        FailureKind::Unreachable => {
            "is it up, is its operator listener there, and can it be reached from here (proxies.ca, cert, cert_key)?"
        }
        FailureKind::Unreadable => {
            "proxies.targets names operator listeners, with {\"role\": \"operator\"}, not the traffic's"
        }
        _ => "see its log",
    };
    Check::fail("reached", failure.why(), way_out)
}

fn version(state: &StateAnswer) -> Check {
    let (theirs, ours) = (clean(&state.filter.version), env!("CARGO_PKG_VERSION"));
    match theirs == ours {
        true => Check::ok(
            "filter",
            format!("{theirs} ({})", clean(&state.filter.commit)),
        ),
        false => Check::warning(
            "filter",
            format!("its version is {theirs}, this command's {ours}"),
            "try the night's commands against it before the night: `breakglass drill`",
        ),
    }
}

fn policy(state: &StateAnswer, policies: &[Policy]) -> Check {
    let name = clean(&state.policy);
    let known = policies
        .iter()
        .any(|policy| policy.name.as_str() == state.policy);
    match known || policies.is_empty() {
        true => Check::ok("policy", name),
        false => Check::warning(
            "policy",
            format!("its policy is `{name}`, which no durable file holds"),
            "does proxies.durable name what this proxy starts from?",
        ),
    }
}

/// Whether it believes the people of the project.
fn trust(config: &Config, state: &StateAnswer, policies: &[Policy]) -> Check {
    let Some((generation, keys)) = state.trusted() else {
        return Check::fail(
            "trust",
            "it trusts no keys: anybody can lower exposure, nobody can raise it by an order",
            "put `trust` into the policy, with the keys of `people`, and push it",
        );
    };
    let knows = |id: &Name| keys.contains(id);
    let lacking = config.people.iter().filter(|person| !knows(&person.id));
    let (needed, others): (Vec<_>, Vec<_>) = lacking.partition(|person| needed(config, person));
    let ids = |people: &[&crate::project::config::Person]| {
        let ids: Vec<_> = people.iter().map(|person| person.id.as_str()).collect();
        ids.join(", ")
    };
    let push = "push a policy with their keys in `trust.keys` and a higher trust.generation";
    if !needed.is_empty() {
        return Check::fail(
            "trust",
            format!(
                "it does not trust the keys of {}, who approve",
                ids(&needed)
            ),
            push,
        );
    }
    let in_files = policies.iter().filter_map(|policy| policy.trust.as_ref());
    let in_files = in_files.map(|trust| trust.generation).max();
    if let Some(durable) = in_files.filter(|durable| *durable != generation) {
        return Check::warning(
            "trust",
            format!("its trust is of generation {generation}, the durable file's of {durable}"),
            "push the newer one",
        );
    }
    if !others.is_empty() {
        return Check::warning(
            "trust",
            format!(
                "it does not trust the keys of {}: their kill would be refused",
                ids(&others)
            ),
            push,
        );
    }
    let known: BTreeSet<&Name> = config.people.iter().map(|person| &person.id).collect();
    let strangers: Vec<_> = keys
        .iter()
        .filter(|id| !known.contains(id))
        .map(Name::as_str)
        .collect();
    match strangers.is_empty() {
        true => Check::ok(
            "trust",
            format!("generation {generation}, {} keys", keys.len()),
        ),
        false => Check::warning(
            "trust",
            format!("it trusts keys of nobody here: {}", strangers.join(", ")),
            "add them to `people`, or revoke them with a higher trust.generation",
        ),
    }
}

/// Signed orders, warrants and leases carry times.
fn clock(project: &Project, ahead_ms: Option<i64>) -> Check {
    let Some(ahead) = ahead_ms else {
        return Check::warning(
            "clock",
            "it does not tell its time",
            "load this command's filter",
        );
    };
    let (apart, lease) = (ahead.unsigned_abs(), project.config.ramp.lease.millis());
    let way_out = "set both clocks by NTP";
    let word = if ahead < 0 { "behind" } else { "ahead of" };
    let found = format!("its clock is {apart} ms {word} ours");
    if apart >= SKEW_MILLIS.min(lease / 2) {
        let found = format!(
            "{found}: signed orders would be refused, or leases of {} lapse",
            project.config.ramp.lease
        );
        return Check::fail("clock", found, way_out);
    }
    match apart < NOTABLE_MILLIS.min(lease / 5) {
        true => Check::ok("clock", found),
        false => Check::warning("clock", found, way_out),
    }
}

/// An order that is none must come back as the filter's problem.
fn orders(probed: Option<&Result<Answer<Value>, Failure>>) -> Check {
    let listener = "is allow_on_headers_stop_iteration set on the operator listener? Istio and Envoy Gateway cannot: kill there by a push";
    match probed {
        Some(Err(Failure::Problem(problem))) if matches!(problem.status, 400 | 401 | 403 | 409) => {
            Check::ok(
                "orders",
                format!(
                    "an order that is none was refused: {}",
                    clean(&problem.kind)
                ),
            )
        }
        Some(Err(Failure::Problem(problem))) => {
            Check::fail("orders", problem.to_text(), "see its log")
        }
        Some(Err(failure)) => Check::fail(
            "orders",
            // It was none: nothing is left open by an answer that did not come.
            format!(
                "no order gets an answer: {}",
                failure.why().split(';').next().unwrap_or_default()
            ),
            listener,
        ),
        Some(Ok(_)) => Check::fail(
            "orders",
            "an order that is none was taken",
            "this is not the filter: what listens there?",
        ),
        None => Check::fail("orders", "it was not tried", "see above"),
    }
}

fn control(rollout: &Name, found: &RolloutState) -> Check {
    if found.term("kill").is_some() {
        return Check::warning(
            "rollout",
            format!("{rollout}: its kill-switch is on"),
            "nothing, if that is meant; `breakglass rearm` turns it off once approved",
        );
    }
    // At rest too there may be testers for whom a warrant lacks.
    let exposes = found
        .control()
        .is_none_or(|control| control.share_at(now()) > Percent::ZERO);
    match &found.closed {
        Some(why) if exposes => Check::warning(
            "rollout",
            format!("{rollout}: everybody is on stable, {}", clean(why)),
            "push a policy whose control has its warrant, or none that exposes anybody",
        ),
        _ => Check::ok("rollout", format!("{rollout}: {}", share(found))),
    }
}

fn in_workers(rollout: &Name, workers: &Workers) -> Check {
    let found = format!("{rollout}: {}", workers.to_text());
    match (workers.total, workers.all()) {
        (0, _) => Check::fail(
            "workers",
            format!("{rollout}: no worker has told anything"),
            "is the filter on the traffic's listener too, with the same vm_id and policy?",
        ),
        (_, true) => Check::ok("workers", found),
        _ => Check::fail(
            "workers",
            found,
            "look again in five seconds: a worker that trapped counts for so long; one that stays is blocked",
        ),
    }
}

/// What the judge compares.
fn counts(rollout: &Name, found: &RolloutState) -> Check {
    let counted = |arm| {
        found
            .arm(arm)
            .is_some_and(|arm| arm.get("answers").is_some())
    };
    match counted("stable") && counted("canary") {
        true => Check::ok("counts", format!("{rollout}: answers are counted by arm")),
        false => Check::fail(
            "counts",
            format!(
                "{rollout}: its filter does not count answers, so that no ramp could be judged"
            ),
            "load this command's filter",
        ),
    }
}

fn share(found: &RolloutState) -> String {
    let generation = found
        .generation()
        .map_or("?".into(), |number| number.to_string());
    let share = found.share().map_or("?".into(), |share| share.to_string());
    format!("generation {generation}, canary {share}")
}

fn in_force(found: &RolloutState, workers: &Workers) -> String {
    format!("{}, {}", share(found), workers.to_text())
}

/// So much is forgiven to whoever signs an order ahead of time.
const SKEW_MILLIS: u64 = 60_000;
/// What NTP keeps without effort, many times over.
const NOTABLE_MILLIS: u64 = 2_000;
