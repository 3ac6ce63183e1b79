//! `breakglass order`: gives an order to every proxy, and to the files that they start from.

mod report;
mod terms;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::fleet::Fleet;
use crate::order::report::Report;
use crate::order::terms::TermArguments;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::signer::SignerArguments;
use crate::targets::TargetArguments;

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

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let terms = arguments.terms.read()?;
    let signer = arguments.signer.signer()?;
    if terms.envelope().is_some() && signer.is_some() {
        bail!("the order is signed already; `breakglass sign` adds signatures");
    }
    let fleet = Fleet::new(arguments.targets.read()?, arguments.durable.clone());
    let mut report = Report::new(&terms, arguments.json);
    let delivered = fleet.order(&terms, signer.as_ref(), &mut |told| report.tell(told));
    report.finish(&delivered)
}

const EXAMPLES: &str = "\
Examples:
  breakglass order --targets 127.0.0.1:10001 --rollout support-agent --kill rollback --in-flight cut
  breakglass order --targets @proxies.txt --durable envoy/ecds/breakglass.yaml --agent \\
    --rollout support-agent --kill block
  breakglass order --targets dns:envoy-operator.prod.svc:10001 --key anna.key --id anna \\
    --rollout support-agent --percent 5 --not-after +30m --warrant warrant.dsse --durable policy.json
  breakglass order --targets 10.0.0.7:10001,10.0.0.8:10001 --file order.json --json";
