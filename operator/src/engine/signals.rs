//! What is of concern: what the proxies count, what they have in force, and what they do not tell.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use breakglass_policy::judge::Verdict;
use breakglass_policy::{ArmTally, Entity, Generation, Increment, Percent, SignalName, Tallies};
use serde_json::{Value, json};

use crate::change::ramp::Phase;
use crate::engine::memory::{Last, Memory};
use crate::fleet::{ArmSeen, Observed, RolloutSeen};

/// What everybody is taken back for.
#[derive(Clone, Debug)]
pub(crate) enum Concern {
    /// The canary is worse than the stable arm.
    Verdict(Verdict),
    /// The filter of a proxy has found it worse, and has taken everybody there back.
    Tripped { proxy: String, evidence: Value },
    /// Somebody has pulled the kill-switch of a proxy.
    Killed { proxy: String },
    /// A proxy's lease is over.
    Lapsed { proxy: String },
    /// A proxy has closed the rollout.
    Closed { proxy: String, why: String },
    /// A proxy has a larger share than it was told.
    Risen { proxy: String, share: Percent },
    /// Somebody has given a proxy a smaller share: the ramp must not raise it again.
    Lowered { proxy: String, share: Percent },
    /// For so long a proxy has not told, or does not have, what it should.
    Missing {
        proxy: String,
        why: String,
        since: Duration,
    },
}

/// Watches what is of concern.
#[derive(Debug)]
pub(crate) struct Signals {
    /// How long a proxy may lack something.
    patience: Duration,
    missing: BTreeMap<String, Instant>,
}

// === impl Signals ===

impl Signals {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            missing: BTreeMap::new(),
        }
    }

    /// Takes what the proxies tell; returns the first thing that is of concern. Before the first share
    /// nothing is: then only the counts are noted, to begin from.
    pub(crate) fn take(
        &mut self,
        observed: &Observed,
        phase: &Phase,
        share: Percent,
        memory: &mut Memory,
    ) -> Option<Concern> {
        let settled = matches!(phase, Phase::InForce { .. });
        let exposed = settled || matches!(phase, Phase::Begun { .. }) && share > Percent::ZERO;
        let mut concerns = Vec::new();
        for proxy in &observed.proxies {
            let name = &proxy.name;
            let lacks = match &proxy.seen {
                Ok(seen) => {
                    if settled {
                        concerns.extend(forced(name, seen, share, memory.generation));
                    }
                    let lacks = lacks(seen, share, settled);
                    if let Some(tallies) = tallies(seen) {
                        let verdict = judge(name, seen, tallies, share, exposed, observed, memory);
                        concerns.extend(verdict.map(Concern::Verdict));
                    }
                    lacks
                }
                Err(failed) => Some(failed.to_text()),
            };
            concerns.extend(self.patience(name, lacks.filter(|_| exposed)));
        }
        concerns.into_iter().next()
    }

    /// Counts how long a proxy lacks something.
    fn patience(&mut self, name: &str, lacks: Option<String>) -> Option<Concern> {
        let Some(why) = lacks else {
            self.missing.remove(name);
            return None;
        };
        let since = self
            .missing
            .entry(name.to_owned())
            .or_insert_with(Instant::now);
        let since = since.elapsed();
        (since >= self.patience).then(|| Concern::Missing {
            proxy: name.to_owned(),
            why,
            since,
        })
    }
}

/// What a proxy has in force that nobody told it to.
fn forced(name: &str, seen: &RolloutSeen, share: Percent, ordered: Generation) -> Option<Concern> {
    let proxy = name.to_owned();
    let is_news = |trip: &&Value| {
        // One from before this ramp is told until the filter's next trial begins.
        let generation = trip.get("generation").and_then(Value::as_u64);
        generation.is_none_or(|generation| generation >= ordered.get())
    };
    if let Some(evidence) = seen.judge_trip.as_ref().filter(is_news).cloned() {
        return Some(Concern::Tripped { proxy, evidence });
    }
    if seen.killed {
        return Some(Concern::Killed { proxy });
    }
    match (seen.closed.as_deref(), seen.percent) {
        (Some("lapse"), _) => Some(Concern::Lapsed { proxy }),
        (Some(why), _) => Some(Concern::Closed {
            proxy,
            why: why.to_owned(),
        }),
        (None, Some(found)) if found > share => Some(Concern::Risen {
            proxy,
            share: found,
        }),
        (None, Some(found)) if found < share && seen.generation > ordered => {
            Some(Concern::Lowered {
                proxy,
                share: found,
            })
        }
        _ => None,
    }
}

/// What a proxy lacks.
fn lacks(seen: &RolloutSeen, share: Percent, settled: bool) -> Option<String> {
    if tallies(seen).is_none() {
        return Some("its filter counts nothing that could be judged".into());
    }
    if settled && seen.percent.is_none_or(|found| found < share) {
        let found = seen.percent.unwrap_or_default();
        return Some(format!("it has {found} in force, not {share}"));
    }
    if settled && !seen.workers.all() {
        return Some(format!(
            "not all of it has the share: {}",
            seen.workers.to_text()
        ));
    }
    None
}

/// Has the judge look at what one proxy counted since it was asked last: proxies may differ in what
/// happens to both arms at once, so each is compared with itself.
fn judge(
    name: &str,
    seen: &RolloutSeen,
    tallies: Tallies,
    share: Percent,
    exposed: bool,
    observed: &Observed,
    memory: &mut Memory,
) -> Option<Verdict> {
    let now = Last {
        boot: seen.boot.clone(),
        tallies,
    };
    let before = memory.last.insert(name.to_owned(), now.clone());
    let before = match before {
        Some(before) if before.boot == now.boot => before.tallies,
        // It has restarted: what it counts is new.
        Some(_) => Tallies::default(),
        // What it counted before the ramp is none of ours.
        None => now.tallies.clone(),
    };
    if !exposed {
        return None;
    }
    let mut increment = Increment::between(&before, &now.tallies, share, observed.at);
    memory.totals.stable.add(&increment.stable);
    memory.totals.canary.add(&increment.canary);
    if seen.percent != Some(share) {
        // The share changed in between: these requests tell nothing about the split.
        increment.stable.requests = 0;
        increment.canary.requests = 0;
    }
    memory.trial.observe(&increment)
}

/// The counts of both arms; `None` of a filter that does not count what the judge compares.
fn tallies(seen: &RolloutSeen) -> Option<Tallies> {
    Some(Tallies {
        stable: tally(&seen.stable)?,
        canary: tally(&seen.canary)?,
    })
}

/// The counts of one arm.
pub(crate) fn tally(arm: &ArmSeen) -> Option<ArmTally> {
    let answers = arm.answers.as_ref()?;
    let redactions = answers.redactions.iter();
    let redactions = redactions.filter_map(|(entity, found)| {
        let redactions = breakglass_policy::Redactions {
            answers: found.answers,
            found: found.found,
        };
        Some((Entity::new(entity)?, redactions))
    });
    Some(ArmTally {
        requests: answers.drawn.unwrap_or(arm.requests),
        answers: answers.ended,
        errors: answers.errors,
        slow_first_byte: answers.slow_first_byte,
        slow: answers.slow,
        unscanned: answers.unscanned,
        redactions: redactions.collect(),
    })
}

// === impl Concern ===

impl Concern {
    /// A word for it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.0.signal.as_str(),
            Self::Tripped { .. } => "filter_judge",
            Self::Killed { .. } => "killed_elsewhere",
            Self::Lapsed { .. } => "lease_lapsed",
            Self::Closed { .. } => "closed",
            Self::Risen { .. } => "share_risen",
            Self::Lowered { .. } => "share_lowered",
            Self::Missing { .. } => "missing_data",
        }
    }

    /// Whether answers under way may do harm too, and are cut off.
    pub(crate) fn cuts(&self) -> bool {
        match self {
            Self::Verdict(verdict) => matches!(
                verdict.0.signal,
                SignalName::Redactions | SignalName::ZeroTolerance | SignalName::Unscanned
            ),
            Self::Tripped { .. } | Self::Killed { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn detail(&self) -> Value {
        match self {
            Self::Verdict(verdict) => json!(verdict),
            Self::Tripped { proxy, evidence } => json!({"proxy": proxy, "evidence": evidence}),
            Self::Killed { proxy } | Self::Lapsed { proxy } => json!({"proxy": proxy}),
            Self::Closed { proxy, why } => json!({"proxy": proxy, "why": why}),
            Self::Risen { proxy, share } | Self::Lowered { proxy, share } => {
                json!({"proxy": proxy, "share": share})
            }
            Self::Missing { proxy, why, since } => {
                json!({"proxy": proxy, "why": why, "seconds": since.as_secs()})
            }
        }
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdict(verdict) => verdict.fmt(f),
            Self::Tripped { proxy, evidence } => {
                let verdict = evidence.get("verdict").cloned().unwrap_or_default();
                let verdict = serde_json::from_value::<Verdict>(verdict);
                let verdict = verdict.map(|verdict| verdict.to_string());
                // Another filter may put it otherwise.
                let evidence = verdict.unwrap_or_else(|_| evidence.to_string());
                write!(
                    f,
                    "the filter of {proxy} has taken everybody back: {evidence}"
                )
            }
            Self::Killed { proxy } => write!(f, "somebody has pulled the kill-switch of {proxy}"),
            Self::Lapsed { proxy } => write!(f, "the lease of {proxy} is over"),
            Self::Closed { proxy, why } => write!(f, "{proxy} has closed the rollout: {why}"),
            Self::Risen { proxy, share } => {
                write!(f, "{proxy} has {share} in force, more than it was told")
            }
            Self::Lowered { proxy, share } => {
                write!(f, "somebody has lowered the share of {proxy} to {share}")
            }
            Self::Missing { proxy, why, since } => {
                write!(f, "{proxy} for {} s: {why}", since.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests;
