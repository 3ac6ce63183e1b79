//! Many trials on the same traffic, and what came of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breakglass_policy::{ArmTally, Entity, Increment, Judge, SignalName, Timestamp, Trial};

use super::rules::{Rule, Sums};
use super::traffic::Traffic;

/// What is tried.
#[derive(Debug)]
pub(crate) struct Experiment {
    pub(crate) judge: Judge,
    pub(crate) traffic: Traffic,
    pub(crate) signal: SignalName,
    /// What a redaction is of.
    pub(crate) entity: Entity,
    pub(crate) seconds: u64,
    pub(crate) trials: u64,
    pub(crate) seed: u64,
    /// The rules of others, by name.
    pub(crate) others: Vec<(String, Rule)>,
}

/// When a rule rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delay {
    /// So many requests had gone to the canary.
    pub(crate) canary: u64,
    pub(crate) seconds: u64,
}

// === impl Experiment ===

impl Experiment {
    /// The names of the rules, in the order of their delays.
    pub(crate) fn rules(&self) -> Vec<String> {
        let others = self.others.iter().map(|(name, _)| name.clone());
        std::iter::once("judge".to_owned()).chain(others).collect()
    }

    /// Every trial with a canary that has `times` as many bad answers: the delays of each rule, `None`
    /// where it did not roll back. Counts trials in `done`.
    pub(crate) fn run(&self, times: f64, done: &AtomicU64) -> Vec<Vec<Option<Delay>>> {
        let workers = thread::available_parallelism().map_or(1, usize::from) as u64;
        let trials = thread::scope(|scope| {
            let worker = |first: u64| {
                let mine = (first..self.trials).step_by(workers as usize);
                mine.map(|number| {
                    let delays = self.trial(number, times);
                    done.fetch_add(1, Ordering::Relaxed);
                    delays
                })
                .collect::<Vec<_>>()
            };
            let workers: Vec<_> = (0..workers)
                .map(|first| scope.spawn(move || worker(first)))
                .collect();
            let joined = workers.into_iter().flat_map(|worker| worker.join());
            joined.flatten().collect::<Vec<_>>()
        });
        let rules = 0..=self.others.len();
        rules
            .map(|rule| trials.iter().map(|delays| delays[rule]).collect())
            .collect()
    }

    fn trial(&self, number: u64, times: f64) -> Vec<Option<Delay>> {
        let mut run = self.traffic.run(self.seed, number, times);
        let mut trial = Trial::new(&self.judge);
        let mut others = self.others.clone();
        let mut delays = vec![None; 1 + others.len()];
        let (mut canaries, mut minute) = (0, Sums::default());
        for seconds in 0..self.seconds {
            let second = run.second(seconds);
            for request in 0..second.requests {
                let (canary, bad) = run.request(&second);
                canaries += u64::from(canary);
                minute.count(canary, bad);
                if delays[0].is_some() {
                    continue;
                }
                let millis = seconds * 1_000 + request * 1_000 / second.requests;
                let (mine, other) = (self.tally(bad), ArmTally::default());
                let (stable, canary) = if canary { (other, mine) } else { (mine, other) };
                let increment = Increment {
                    at: Timestamp::from_millis(millis),
                    stable,
                    canary,
                    share: second.share,
                };
                if trial.observe(&increment).is_some() {
                    delays[0] = Some(Delay {
                        canary: canaries,
                        seconds: seconds + 1,
                    });
                }
            }
            if (seconds + 1).is_multiple_of(60) {
                let minute = std::mem::take(&mut minute);
                for (delay, (_, rule)) in delays.iter_mut().skip(1).zip(&mut others) {
                    if delay.is_none() && rule.minute(&minute) {
                        *delay = Some(Delay {
                            canary: canaries,
                            seconds: seconds + 1,
                        });
                    }
                }
            }
            if delays.iter().all(Option::is_some) {
                break;
            }
        }
        delays
    }

    fn tally(&self, bad: bool) -> ArmTally {
        let mut tally = ArmTally {
            requests: 1,
            answers: 1,
            ..ArmTally::default()
        };
        if !bad {
            return tally;
        }
        match self.signal {
            SignalName::SlowFirstByte => tally.slow_first_byte = 1,
            SignalName::Slow => tally.slow = 1,
            SignalName::Unscanned => tally.unscanned = 1,
            SignalName::Redactions => tally.redacted(&self.entity, 1),
            _ => tally.errors = 1,
        }
        tally
    }
}
