//! `breakglass receipts`: which workers have a generation in force.

use anyhow::Result;
use breakglass_policy::{Generation, Name};
use clap::Args;

use crate::answer::{ReceiptsAnswer, clean};
use crate::ask::ask;
use crate::outcome::{EXIT_STATUSES, Outcome, Tally};
use crate::proxy::{Answer, Failure, Proxy};
use crate::targets::TargetArguments;
use crate::typed::{generation, name};

/// Tells which workers of which proxies have a generation in force, and how long that took.
///
/// Writes a line for each rollout that has come so far: `workers 3/3`, after how long the workers had it
/// (half of them, 99 of 100, the last), and who is missing.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// The generation; rollouts that have a higher one count too
    #[arg(value_name = "GENERATION", value_parser = generation, allow_negative_numbers = true)]
    generation: Generation,
    #[command(flatten)]
    targets: TargetArguments,
    /// Only this rollout
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Options")]
    rollout: Option<Name>,
    /// Write one JSON value: each target's answer
    #[arg(long, help_heading = "Options")]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let proxies = arguments.targets.read()?.proxies();
    let path = format!("/v1/receipts/{}", arguments.generation);
    let mut tally = Tally::default();
    let told = |proxy: &Proxy, answer: &Result<_, _>| arguments.told(proxy, answer, &mut tally);
    ask(&proxies, &path, arguments.json, told)?;
    Ok(tally.outcome())
}

// === impl Arguments ===

impl Arguments {
    /// The lines about one proxy; counts it.
    fn told(
        &self,
        proxy: &Proxy,
        answer: &Result<Answer<ReceiptsAnswer>, Failure>,
        tally: &mut Tally,
    ) -> String {
        let name = proxy.name();
        let answer = match answer {
            Ok(answer) => &answer.read,
            Err(failure) => {
                tally.fail(failure.kind());
                return format!("{name}  {}\n", failure.to_text());
            }
        };
        let mut lines = String::new();
        let mut all = true;
        for receipt in &answer.rollouts {
            let wanted = self.rollout.as_ref();
            if wanted.is_some_and(|wanted| wanted.as_str() != receipt.rollout) {
                continue;
            }
            all &= receipt.workers.all();
            let since = receipt.accepted_at.as_ref();
            let since = since.map_or(String::new(), |time| format!(" since {}", clean(time)));
            lines.push_str(&format!(
                "{name}  {}  generation {}{since}  {}\n",
                clean(&receipt.rollout),
                receipt.generation,
                receipt.workers.to_text()
            ));
        }
        match (lines.is_empty(), all) {
            (true, _) => {
                tally.refused += 1;
                let rollout = self.rollout.as_ref().map_or("no rollout", Name::as_str);
                let not = match self.rollout {
                    Some(_) => " not",
                    None => "",
                };
                lines = format!(
                    "{name}  {rollout} has{not} reached generation {}\n",
                    self.generation
                );
            }
            (false, true) => tally.done += 1,
            (false, false) => tally.partly += 1,
        }
        lines
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass receipts --targets 127.0.0.1:10001 8
  breakglass receipts --targets dns:envoy-operator.prod.svc:10001 --rollout support-agent 8
  breakglass receipts --targets @proxies.txt --ca ca.pem --cert me.pem --cert-key me.key --json 8";
