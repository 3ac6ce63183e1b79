//! `breakglass drill`: tries the rollback out before anybody needs it.

use std::path::PathBuf;

use anyhow::Result;
use breakglass_policy::{
    Envelope, InFlight, Kill, KillMode, Order, PayloadType, Percent, Timestamp,
};
use clap::Args;
use serde_json::{Value, json};

use crate::change::Change;
use crate::change::event::{Drill, DrillReceipt, Event};
use crate::change::rules::{Denial, QUIET_DRILL, Refusal, When};
use crate::clock;
use crate::commands::in_force::{self, InForce};
use crate::fleet::{Delivered, Terms};
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{ChangeArgument, Deciding, JsonArgument, Session};
use crate::words::one_line;

/// Tries the rollback out, on every proxy and in every file that they start from.
///
/// It gives the same order as a real rollback on the same way, and takes the time proxy by proxy. It has
/// passed when every worker of every proxy is back on stable and every file says so; anything less has
/// failed, and is written down as well. The receipt is signed, is bound to the versions and the split,
/// and proves something only as long as `ramp.drill_lifetime` says.
///
/// The kill-switch stays on until the ramp starts. Nobody is on the canary then, so nobody notices: while
/// somebody is, there is no drill.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    change: ChangeArgument,
    /// The policy that the proxies have [default: the files of proxies.durable]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

/// How long the proxies took, in milliseconds.
struct Times {
    p50: u64,
    p99: u64,
    max: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let id = arguments.change.id(&session)?;
    let change = session.ledger()?.change(&id)?.clone();
    let actor = session.actor()?.clone();
    // Whoever has to type a passphrase does it now.
    let signer = session.project.signer(&actor)?;
    let declared = &change.declared;
    let in_force = in_force::look(
        &session.project,
        &declared.rollout,
        arguments.policy.as_deref(),
    )?;
    session.decide(|deciding| {
        let change = deciding.ledger.change(&id)?;
        check(deciding, change, &in_force)?;
        Ok(Vec::new())
    })?;
    let described = in_force.described()?;

    // As `breakglass kill` would. A milder kill than the one in force would be a raise.
    let mode = in_force.kill_mode().unwrap_or(KillMode::Rollback);
    let kill = Kill {
        mode,
        in_flight: InFlight::Cut,
    };
    let order = Order {
        policy: Some(described.policy.clone()),
        kill: Some(Some(kill)),
        ..Terms::blank(declared.rollout.clone())
    };
    let mut output = Output::new();
    let mut told = Ok(());
    let fleet = session.project.fleet()?;
    let delivered = fleet.order(&Terms::of(order, None), Some(&signer), &mut |what| {
        // Whoever reads us may be gone: the drill goes on, and is written down.
        if !arguments.json.json && told.is_ok() {
            told = output.line(&what.to_text()).and_then(|()| output.flush());
        }
    });
    let passed = delivered.everywhere();
    let at = clock::now();
    let receipt = DrillReceipt {
        change: id.clone(),
        rollout: declared.rollout.clone(),
        stable: described.subject.stable.as_str().into(),
        canary: described.subject.canary.as_str().into(),
        salt: described.subject.salt.as_str().into(),
        at,
        not_after: later(at, session.project.config.ramp.drill_lifetime.millis()),
        delivered,
    };
    let mut envelope = Envelope::new(PayloadType::DrillJson, serde_json::to_vec(&receipt)?);
    signer.sign(&mut envelope)?;
    let digest = envelope.digest();
    let drill = Drill {
        passed,
        receipt: envelope,
    };
    session.record(&id, Event::Drilled(Box::new(drill)))?;
    told?;

    let times = Times::of(&receipt.delivered);
    if arguments.json.json {
        output.json(&told_json(
            &change,
            &receipt,
            passed,
            &times,
            &digest.to_string(),
        ))?;
    } else {
        for line in told_text(&session, &change, &receipt, passed, &times) {
            output.line(&line)?;
        }
    }
    output.finish()?;
    Ok(match (passed, receipt.delivered.nowhere()) {
        (true, _) => Outcome::Fine,
        (false, false) => Outcome::Partial,
        (false, true) => Outcome::Found,
    })
}

/// Whether a drill would hurt nobody and prove something.
fn check(deciding: &Deciding<'_>, change: &Change, in_force: &InForce) -> Result<()> {
    let denied = match deciding.check(When::Drill, "drill", change) {
        Ok(()) => None,
        Err(error) => Some(error.downcast::<Refusal>()?),
    };
    let mut more = Vec::new();
    let quiet = denied
        .iter()
        .flat_map(|refusal| &refusal.denied)
        .all(|denied| denied.rule != QUIET_DRILL);
    if quiet && in_force.share() > Percent::ZERO {
        more.push((QUIET_DRILL, Denial::new(
            format!("the proxies have {} of the units on the canary, whom a drill would take back", in_force.share()),
            "have the policy pushed with a share of 0 first; where the rollout must be taken back, kill it",
        )));
    }
    if let Err(denial) = in_force.check(&change.declared.versions) {
        more.push(("record", denial));
    }
    let refusal = more.into_iter().fold(denied, |refusal, (rule, denial)| {
        Some(match refusal {
            None => Refusal::one("drill", Some(&change.id), rule, denial),
            Some(refusal) => refusal.and(rule, denial),
        })
    });
    match refusal {
        None => Ok(()),
        Some(refusal) => Err(refusal.into()),
    }
}

fn told_text(
    session: &Session,
    change: &Change,
    receipt: &DrillReceipt,
    passed: bool,
    times: &Times,
) -> Vec<String> {
    let Times { p50, p99, max } = times;
    let (id, delivered) = (&change.id, &receipt.delivered);
    let windows = &session.project.config.windows;
    if !passed {
        let missing = delivered
            .missing()
            .into_iter()
            .map(one_line)
            .collect::<Vec<_>>();
        note(&format!("without it: {}", missing.join(", ")));
        return vec![
            format!("FAILED: {}", delivered.summary()),
            format!("next: mend that, then breakglass drill {id}"),
        ];
    }
    vec![
        format!("times        p50 {p50} ms  p99 {p99} ms  max {max} ms, proxy by proxy, from here"),
        format!(
            "PASSED: back on stable everywhere; proves the rollback until {} {}",
            windows.date(receipt.not_after),
            windows.time_zone
        ),
        format!(
            "the kill-switch of {} stays on until the ramp starts",
            receipt.rollout
        ),
        format!("next: breakglass approve {id}, by each approver"),
    ]
}

fn told_json(
    change: &Change,
    receipt: &DrillReceipt,
    passed: bool,
    times: &Times,
    digest: &str,
) -> Value {
    json!({
        "change": change.id,
        "passed": passed,
        "receipt": digest,
        "not_after": receipt.not_after,
        "p50_ms": times.p50,
        "p99_ms": times.p99,
        "max_ms": times.max,
        "missing": receipt.delivered.missing(),
        "delivered": receipt.delivered,
    })
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(millis))
}

// === impl Times ===

impl Times {
    /// Of all proxies, those that failed too.
    fn of(delivered: &Delivered) -> Self {
        let proxies = delivered.proxies.iter();
        Self::of_all(proxies.map(|proxy| proxy.elapsed_ms).collect())
    }

    fn of_all(mut millis: Vec<u64>) -> Self {
        millis.sort_unstable();
        // The least that so many of a hundred do not exceed.
        let of = |percent: usize| {
            let rank = (millis.len() * percent).div_ceil(100).saturating_sub(1);
            millis.get(rank).copied().unwrap_or_default()
        };
        Self {
            p50: of(50),
            p99: of(99),
            max: of(100),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass drill chg-2026-0117
  breakglass drill --json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_proxies_that_were_there() {
        for (millis, expected) in [
            (vec![], [0, 0, 0]),
            (vec![7], [7, 7, 7]),
            (vec![9, 1], [1, 9, 9]),
            ((1..=200).rev().collect(), [100, 198, 200]),
        ] {
            let Times { p50, p99, max } = Times::of_all(millis);
            assert_eq!([p50, p99, max], expected);
        }
    }
}
