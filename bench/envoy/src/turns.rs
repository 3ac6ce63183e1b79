//! Turns: all contestants in one Envoy, one after the other, again and again, so that whatever else
//! the machine does hits all of them alike.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::contestants::Contestant;
use crate::cpu;
use crate::envoy::Envoy;
use crate::load::{Answers, Load};
use crate::report::{Facts, Spread, quantile};

/// One that takes turns.
#[derive(Debug)]
pub(crate) struct Lane {
    name: String,
    ours: bool,
    load: Load,
    /// A process that works for it beside Envoy.
    helper: Option<u32>,
}

/// How many turns, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) turn: Duration,
}

/// One turn of one lane.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// Envoy's CPU time a request, µs.
    cpu: f64,
    /// The helper's.
    helper: f64,
    /// Requests a second.
    rate: f64,
    p50: f64,
    p99: f64,
    requests: usize,
}

/// What a lane came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) ours: bool,
    /// Envoy's CPU time a request, µs.
    pub(crate) cpu: Spread,
    /// What that is more than the first lane's in the same round, µs.
    pub(crate) added: Spread,
    /// How many times the first lane's in the same round: what slows down a round hardly moves it.
    pub(crate) ratio: Spread,
    /// The helper's CPU time a request, µs.
    pub(crate) helper: Option<Spread>,
    /// What both together are more than the first lane's, µs.
    pub(crate) in_all: Spread,
    /// Requests a second.
    pub(crate) rate: Spread,
    /// Latencies, µs.
    pub(crate) p50: Spread,
    pub(crate) p99: Spread,
    pub(crate) requests: usize,
    turns: Vec<Turn>,
}

// === impl Plan ===

impl Plan {
    /// Puts this program on its core, and tells what the run rests on.
    pub(crate) fn begin(self, modules: &[(String, PathBuf)]) -> Facts {
        let mut facts = Facts::collect();
        facts.add("pinned", cpu::settle());
        for (name, file) in modules {
            facts.module(name, file);
        }
        facts.add(
            "rounds",
            format!("{} of {:?} turns", self.rounds, self.turn),
        );
        facts
    }
}

// === impl Plan ===

impl Plan {
    /// Has all lanes take their turns. Every round has another order, and the first one is thrown
    /// away: caches and the just-in-time compilers are cold.
    ///
    /// # Errors
    ///
    /// If a request fails.
    pub(crate) async fn run(self, envoy: &Envoy, lanes: &mut [Lane]) -> Result<Vec<Outcome>> {
        let count = lanes.len();
        let mut turns = vec![Vec::new(); count];
        for round in 0..=self.rounds {
            for place in order(round, count) {
                let turn = lanes[place].turn(envoy, self.turn).await?;
                if round > 0 {
                    turns[place].push(turn);
                }
            }
        }
        let first = turns.first().cloned().unwrap_or_default();
        let outcomes = lanes.iter().zip(turns);
        let outcomes = outcomes.map(|(lane, turns)| Outcome::new(lane, turns, &first));
        let outcomes: Option<Vec<_>> = outcomes.collect();
        ensure!(outcomes.is_some(), "no round was measured");
        Ok(outcomes.unwrap_or_default())
    }
}

/// The order of a round: rotated by one each time, and every other round backwards, so that nobody
/// always follows the same one.
fn order(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count)
        .map(|place| (place + round / 2) % count)
        .collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

// === impl Lane ===

impl Lane {
    pub(crate) fn new(contestant: &Contestant, load: Load, helper: Option<u32>) -> Self {
        Self {
            name: contestant.name.clone(),
            ours: contestant.ours,
            load,
            helper,
        }
    }

    async fn turn(&mut self, envoy: &Envoy, length: Duration) -> Result<Turn> {
        let helped = |pid: Option<u32>| pid.map_or(Ok(Duration::ZERO), cpu::spent);
        let (before, helped_before) = (envoy.spent()?, helped(self.helper)?);
        let answers = self.load.turn(length).await?;
        let cpu = envoy.spent()?.saturating_sub(before);
        let helper = helped(self.helper)?.saturating_sub(helped_before);
        Ok(Turn::new(&answers, cpu, helper))
    }
}

// === impl Turn ===

impl Turn {
    fn new(answers: &Answers, cpu: Duration, helper: Duration) -> Self {
        let requests = answers.latencies.len().max(1);
        let mut latencies: Vec<f64> = answers.latencies.iter().map(|&took| micros(took)).collect();
        latencies.sort_by(f64::total_cmp);
        Self {
            cpu: micros(cpu) / requests as f64,
            helper: micros(helper) / requests as f64,
            rate: requests as f64 / answers.took.as_secs_f64(),
            p50: quantile(&latencies, 0.5),
            p99: quantile(&latencies, 0.99),
            requests,
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

// === impl Outcome ===

impl Outcome {
    fn new(lane: &Lane, turns: Vec<Turn>, first: &[Turn]) -> Option<Self> {
        let of = |value: fn(&Turn) -> f64| Spread::of(turns.iter().map(value));
        let beside = || turns.iter().zip(first);
        let added = beside().map(|(own, first)| own.cpu - first.cpu);
        let ratio = beside().map(|(own, first)| own.cpu / first.cpu);
        let in_all = beside().map(|(own, first)| own.cpu + own.helper - first.cpu);
        Some(Self {
            name: lane.name.clone(),
            ours: lane.ours,
            cpu: of(|turn| turn.cpu)?,
            added: Spread::of(added)?,
            ratio: Spread::of(ratio)?,
            in_all: Spread::of(in_all)?,
            helper: lane.helper.and_then(|_| of(|turn| turn.helper)),
            rate: of(|turn| turn.rate)?,
            p50: of(|turn| turn.p50)?,
            p99: of(|turn| turn.p99)?,
            requests: turns.iter().map(|turn| turn.requests).sum(),
            turns,
        })
    }

    /// What it costs more than `other` in the same round, µs.
    pub(crate) fn over(&self, other: &Self) -> Option<Spread> {
        let pairs = self.turns.iter().zip(&other.turns);
        Spread::of(pairs.map(|(own, other)| own.cpu - other.cpu))
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "cpu_us_per_request": self.cpu.json(),
            "added_us_per_request": self.added.json(),
            "times_no_filter": self.ratio.json(),
            "helper_cpu_us_per_request": self.helper.map(|helper| helper.json()),
            "added_in_all_us_per_request": self.in_all.json(),
            "requests_per_second": self.rate.json(),
            "p50_us": self.p50.json(),
            "p99_us": self.p99.json(),
            "requests": self.requests,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_turn_a_round_and_nobody_always_the_same_place() {
        for count in [1, 2, 5, 8] {
            let mut first = std::collections::BTreeSet::new();
            for round in 0..2 * count {
                let mut order = order(round, count);
                first.insert(order[0]);
                order.sort_unstable();
                assert_eq!(order, (0..count).collect::<Vec<_>>());
            }
            assert_eq!(first.len(), count, "of {count}");
        }
    }
}
