//! Pushing a policy as a control plane or a person would: a new file, renamed over the old one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::{Config, Discovery, POLL, Stack};

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Envoy and the filter took it. Workers switch within moments, not in the same instant: what
    /// must be exact goes by the generation that each decision names.
    Accepted { took: Duration },
    /// Refused, and the policy before stays; the filter's own words, or else Envoy's.
    Refused { reason: String, took: Duration },
}

// === impl Stack ===

impl Stack {
    /// Pushes a policy and waits until it is accepted or refused.
    pub async fn push_policy(&self, policy: &Value) -> Result<Pushed> {
        self.push_text(&serde_json::to_string_pretty(policy)?).await
    }

    /// Pushes a policy together with another build of the filter, as an upgrade does: the workers
    /// leave their virtual machines for new ones. The operator's listener keeps the old build.
    pub async fn push_module(&mut self, module: &Path, policy: &Value) -> Result<Pushed> {
        self.options.module = Some(module.to_owned());
        self.push_policy(policy).await
    }

    /// Pushes any text as a policy.
    pub async fn push_text(&self, policy: &str) -> Result<Pushed> {
        let file = self.options.ecds(policy)?;
        let before = self.admin().discovery().await?;
        let read = self.log().len();

        // Envoy watches for renames, so it never sees half a file. Its watch is on the directory:
        // the new file has to come from there too.
        let beside = self.files.ecds().with_extension("new");
        std::fs::write(&beside, file)?;
        let pushed = Instant::now();
        std::fs::rename(&beside, self.files.ecds())?;

        let deadline = pushed + PUSH_LIMIT;
        while Instant::now() < deadline {
            let now = self.admin().discovery().await?;
            let took = pushed.elapsed();
            if now.accepted > before.accepted {
                return Ok(Pushed::Accepted { took });
            }
            if now.refused() > before.refused() {
                return Ok(Pushed::Refused {
                    reason: self.reason(read).await,
                    took,
                });
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("Envoy did not look at the pushed policy within {PUSH_LIMIT:?}")
    }

    /// Waits until this generation of a rollout, or a later one, is in force on every worker, and
    /// returns the operator's view of it. A pushed policy gets there some milliseconds after it was
    /// accepted, with the workers' next tick.
    pub async fn in_force(&self, rollout: &str, generation: u64) -> Result<Value> {
        let deadline = Instant::now() + PUSH_LIMIT;
        loop {
            let state = self.operator().state().await?;
            if is_in_force(&state, rollout, generation) {
                return Ok(state);
            }
            if Instant::now() > deadline {
                bail!("{rollout}: generation {generation} is not in force: {state}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Fails if Envoy came up without the policy.
    pub(super) async fn ensure_policy(&self) -> Result<()> {
        if self.options.config != Config::Bootstrap {
            // A policy in the configuration itself keeps Envoy from starting.
            return Ok(());
        }
        let discovery = self.admin().discovery().await?;
        if discovery.accepted == 0 {
            let start = self.log().rfind(STARTING).unwrap_or_default();
            bail!("the first policy was refused: {}", self.reason(start).await);
        }
        Ok(())
    }

    /// Why Envoy refused, from its log after the first `read` bytes.
    async fn reason(&self, read: usize) -> String {
        let deadline = Instant::now() + LOG_LIMIT;
        loop {
            let log = self.log();
            let new = log.get(read..).unwrap_or_default();
            // Envoy's verdict comes last: the filter's reason is before it.
            let lines: Vec<&str> = new.lines().collect();
            let verdict = lines.iter().position(|line| line.contains(VERDICT));
            if let Some(verdict) = verdict {
                let own = lines[..verdict]
                    .iter()
                    .rev()
                    .find_map(|line| filter_complaint(line));
                let envoys = lines[verdict].split_once(VERDICT).map(|(_, text)| text);
                return own.or(envoys).unwrap_or_default().trim().to_owned();
            }
            if Instant::now() > deadline {
                return "no reason in Envoy's log".to_owned();
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Whether the operator's view says so of a rollout and of every worker.
fn is_in_force(state: &Value, rollout: &str, generation: u64) -> bool {
    let items = |name: &str| state[name].as_array().cloned().unwrap_or_default();
    let found = items("rollouts")
        .into_iter()
        .find(|item| item["name"] == rollout);
    let current = found.and_then(|item| item["control"]["generation"].as_u64());
    let epoch = state["epoch"].as_u64();
    let workers = items("workers");
    current >= Some(generation)
        && !workers.is_empty()
        && workers
            .iter()
            .all(|worker| worker["epoch"].as_u64() >= epoch)
}

/// What the filter says in a line that it logged as an error. (Its warnings are about other things,
/// such as a policy that changes nothing.)
fn filter_complaint(line: &str) -> Option<&str> {
    let level = line.split(['[', ']']).nth(5)?;
    let (_, message) = line.split_once("] wasm log ")?;
    let (_, text) = message.split_once(": ")?;
    ["error", "critical"].contains(&level).then_some(text)
}

// === impl Discovery ===

impl Discovery {
    /// Refused by the filter or by Envoy.
    pub fn refused(self) -> u64 {
        self.rejected + self.failed
    }
}

// === impl Pushed ===

impl Pushed {
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

/// Envoy's first words, which are at the beginning of each run in the log.
const STARTING: &str = "initializing epoch";

/// What Envoy logs about a file that it or the filter refused.
const VERDICT: &str = "Filesystem config update ";

/// Envoy looks within milliseconds; compiling the filter anew may take a second.
const PUSH_LIMIT: Duration = Duration::from_secs(15);

/// The log is written at the same time as the counters.
const LOG_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_own_words_are_found() {
        let line = "[2026-11-23 10:51:00.371][61][error][wasm] [source/context.cc:1157] \
                    wasm log breakglass: rollouts[0].control: bad";
        assert_eq!(filter_complaint(line), Some("rollouts[0].control: bad"));
        assert_eq!(
            filter_complaint(&line.replace("[error]", "[warning]")),
            None
        );
        assert_eq!(filter_complaint("something else"), None);
    }
}
