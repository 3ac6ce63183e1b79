//! `breakglass state`: what is in force at every proxy.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::answer::{RolloutState, StateAnswer, Workers, clean};
use crate::ask::ask;
use crate::fleet::ArmSeen;
use crate::outcome::{EXIT_STATUSES, Outcome, Tally};
use crate::proxy::{Answer, Failure, Proxy};
use crate::targets::TargetArguments;

/// Tells what is in force at every proxy: policy, filter, and each rollout's control.
///
/// For each rollout a line: generation, the canary's share at this moment, kill-switch, redaction, the
/// end of its lease, why it is closed if it is, and how many workers have it so. Below it, for each arm,
/// what came since the proxy started: requests, answers, errors, and answers by what was found in them.
/// `boot` changes when a proxy restarts.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,
    /// Write one JSON value: each target's answer
    #[arg(long, help_heading = "Options")]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let proxies = arguments.targets.read()?.proxies();
    let mut tally = Tally::default();
    let told = |proxy: &Proxy, answer: &Result<Answer<StateAnswer>, Failure>| {
        let text = match answer {
            Ok(answer) => {
                tally.done += 1;
                answer.read.to_text()
            }
            Err(failure) => {
                tally.fail(failure.kind());
                format!("{}\n", failure.to_text())
            }
        };
        format!("{}  {text}", proxy.name())
    };
    ask(&proxies, "/v1/state", arguments.json, told)?;
    Ok(tally.outcome())
}

// === impl StateAnswer ===

impl StateAnswer {
    fn to_text(&self) -> String {
        let digest = self.digest.as_deref().unwrap_or("unknown");
        let mut text = format!(
            "policy {} ({})  filter {} ({})  boot {}\n",
            clean(&self.policy),
            // Enough to tell two apart; --json has all of it.
            clean(digest).chars().take(SHOWN_DIGEST).collect::<String>(),
            clean(&self.filter.version),
            clean(&self.filter.commit),
            clean(&self.boot),
        );
        for rollout in &self.rollouts {
            let workers = Workers::of_state(&self.workers, rollout.since_epoch);
            text.push_str(&format!("  {}  {}\n", rollout.to_text(), workers.to_text()));
            for arm in ["stable", "canary"] {
                text.extend(rollout.arm_text(arm));
            }
        }
        text
    }
}

// === impl RolloutState ===

impl RolloutState {
    /// What came to an arm since the proxy started; nothing of a filter that does not count it.
    fn arm_text(&self, name: &str) -> Option<String> {
        let arm = ArmSeen::of(self.arm(name));
        let answers = arm.answers.as_ref()?;
        let mut text = format!(
            "    {name}  {} requests, {} answers, {} errors",
            arm.requests, answers.ended, answers.errors
        );
        for (entity, found) in &answers.redactions {
            text.push_str(&format!(", {} {}", clean(entity), found.answers));
        }
        text.push('\n');
        Some(text)
    }

    fn to_text(&self) -> String {
        let mut parts = vec![clean(&self.name)];
        parts.extend(
            self.generation()
                .map(|number| format!("generation {number}")),
        );
        parts.extend(
            self.percent
                .as_ref()
                .map(|share| format!("canary {share} %")),
        );
        if let Some(kill) = self.term("kill") {
            let word = |member| kill.get(member).and_then(Value::as_str).unwrap_or("?");
            parts.push(format!("KILLED {}, {}", word("mode"), word("in_flight")));
        }
        let text = |term: &str| self.term(term).and_then(Value::as_str);
        parts.extend(text("redaction").map(|word| format!("redaction {word}")));
        parts.extend(text("not_after").map(|time| format!("lease until {time}")));
        parts.extend(self.closed.as_ref().map(|why| format!("closed: {why}")));
        parts[1..].iter_mut().for_each(|part| *part = clean(part));
        parts.join("  ")
    }
}

const SHOWN_DIGEST: usize = "sha256:0123456789ab".len();

const EXAMPLES: &str = "\
Examples:
  breakglass state --targets 127.0.0.1:10001
  breakglass state --targets https://envoy-1:10001,https://envoy-2:10001 --ca ca.pem --json";
