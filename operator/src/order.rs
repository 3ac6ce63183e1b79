//! `breakglass order`: gives an order to every proxy, and to the files that they start from.

mod compose;
mod deliver;
mod report;
mod survey;
mod terms;

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, bail};
use breakglass_policy::{Control, Generation, Name};
use clap::Args;

use crate::durable::{Durable, Written};
use crate::order::compose::Composer;
use crate::order::deliver::Delivery;
use crate::order::report::Report;
use crate::order::survey::Survey;
use crate::order::terms::{TermArguments, Terms};
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::proxy;
use crate::signer::{Signer, SignerArguments};
use crate::targets::{TargetArguments, Targets};

/// Gives an order: kill, rearm, ramp, lease, redaction; to all proxies at once.
///
/// Asks every proxy for its state first and orders one generation more than the highest; --generation
/// saves that. With --key or --agent the order is signed, without it is not, which only proxies obey
/// that trust no keys. Writes a line for each proxy when it has answered: the generation in force, how
/// many workers have it, and after how many milliseconds half of them, 99 of 100 and the last had it; or
/// what the proxy says against it.
///
/// A kill is in a hurry. It waits 250 ms at the most for slow proxies to tell their state; where
/// somebody else's order was faster it is given again with a higher generation, up to 5 times; and the
/// files of --durable get it at the same time, whether or not a proxy can be reached.
///
/// --durable names what proxies start from when they restart: a policy in JSON, or an Envoy ECDS file
/// with the policy below `value: |`. Once proxies have carried the order out, the rollout's control in
/// it becomes theirs; everything else stays byte for byte, and the file is replaced by a rename, which
/// Envoy watches for. A file of a higher generation is left alone.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,
    #[command(flatten)]
    terms: TermArguments,
    #[command(flatten)]
    signer: SignerArguments,
    /// Write the new control to this file too; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Options")]
    durable: Vec<PathBuf>,
    /// Write one JSON value when all is done
    #[arg(long, help_heading = "Options")]
    json: bool,
}

/// What became of one file.
pub(crate) enum Kept {
    /// As the file's own reader says.
    Written(Written),
    /// Nothing, since no proxy has carried the order out.
    Skipped,
    /// It should have been written, but was not.
    Failed(String),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let terms = arguments.terms.read()?;
    let signer = arguments.signer.signer()?;
    if terms.envelope.is_some() && signer.is_some() {
        bail!("the order is signed already; `breakglass sign` adds signatures");
    }
    let targets = arguments.targets.read()?;
    let mut report = Report::new(&terms, arguments.json);
    let rollout = &terms.order.rollout;
    // What the files say counts for the generation, and is read before it changes.
    let said = arguments.durable.iter().filter_map(|file| {
        let durable = Durable::read(file, rollout).ok()?;
        Some((durable.policy().clone(), durable.control().generation))
    });
    let said: Vec<_> = said.collect();
    thread::scope(|scope| {
        let terms = &terms;
        // Neither channel waits for the other: a proxy that restarts now must find the kill.
        let killers = arguments.durable.iter().map(|file| {
            let kill = move || Durable::kill(file, &terms.order, terms.generation);
            terms.kills().then(|| scope.spawn(kill))
        });
        let killers: Vec<_> = killers.collect();
        let control = deliver(terms, signer.as_ref(), &targets, &said, &mut report);
        for (file, killer) in arguments.durable.iter().zip(killers) {
            let killed = killer.map(|killer| {
                let done = killer.join();
                done.unwrap_or_else(|_| bail!("the writer of the file has failed"))
            });
            report.file(file, keep(file, rollout, control.as_ref(), killed));
        }
    });
    report.finish()
}

/// Sends the order to all proxies; returns what is in force where it was carried out.
fn deliver(
    terms: &Terms,
    signer: Option<&Signer>,
    targets: &Targets,
    said: &[(Name, Generation)],
    report: &mut Report<'_>,
) -> Option<Control> {
    let proxies = targets.proxies();
    let composer = Composer::new(terms, signer);
    let needs_policy = composer.needs_policy();
    let rollout = &terms.order.rollout;
    let survey = Survey::new(rollout, proxies.len(), needs_policy, terms.kills());
    for (policy, generation) in said {
        survey.note(policy, *generation);
    }
    let asks = terms.generation.is_none() || needs_policy;
    let delivery = Delivery {
        terms,
        composer,
        survey: asks.then_some(&survey),
    };
    let mut control: Option<Control> = None;
    proxy::each(
        &proxies,
        |proxy| delivery.to(proxy),
        |proxy, answer| {
            let obeyed = answer
                .as_ref()
                .ok()
                .and_then(|answer| answer.read.control());
            control = match (control.take(), obeyed) {
                (Some(known), Some(obeyed)) => Some(known.join(&obeyed)),
                (known, obeyed) => known.or(obeyed),
            };
            report.proxy(proxy, answer);
        },
    );
    control
}

/// Has a file hold what is in force. `killed` is what became of the kill that was written to it before
/// any proxy had answered.
fn keep(
    file: &Path,
    rollout: &Name,
    control: Option<&Control>,
    killed: Option<Result<Written>>,
) -> Kept {
    let written = match (control, killed) {
        (None, None) => return Kept::Skipped,
        (None, Some(killed)) => killed,
        // Read again: it may have been written meanwhile, by us to begin with.
        (Some(control), killed) => {
            let held = Durable::hold(file, rollout, control);
            match (held, killed) {
                // It has the kill, with a generation of its own.
                (Ok(Written::Newer(generation)), Some(Ok(_))) => Ok(Written::Holds(generation)),
                (held, _) => held,
            }
        }
    };
    match written {
        Ok(written) => Kept::Written(written),
        Err(error) => Kept::Failed(format!("{error:#}")),
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass order --targets 127.0.0.1:10001 --rollout support-agent --kill rollback --in-flight cut
  breakglass order --targets @proxies.txt --durable envoy/ecds/breakglass.yaml --agent \\
    --rollout support-agent --kill block
  breakglass order --targets dns:envoy-operator.prod.svc:10001 --key anna.key --id anna \\
    --rollout support-agent --percent 5 --not-after +30m --warrant warrant.dsse --durable policy.json
  breakglass order --targets 10.0.0.7:10001,10.0.0.8:10001 --file order.json --json";
