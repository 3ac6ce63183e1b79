//! What runs for every request, apart from any proxy: the same work for native code and for engines of
//! WebAssembly (`bench/wasm-decision/`).

use std::hint::black_box;

use breakglass_policy::{
    Arm, Bucketing, Decision, Gate, Increment, Policy, Rollout, Router, Timestamp, Trial, Unit,
};

use crate::{DifferBy, Request, judging, policy, request_headers};

/// A piece of work that is done over and over.
#[derive(Debug)]
pub enum Kernel {
    /// Which rollout, which unit, which arm.
    Decision(Box<Decisions>),
    /// The bucket of a unit alone.
    Bucket(Box<Bucketing>),
    /// One look of a judge.
    Look(Box<Trial>, Increment),
}

/// Requests and what decides about them.
#[derive(Debug)]
pub struct Decisions {
    policy: Policy,
    router: Router,
    gates: Vec<Gate>,
    splits: Vec<Bucketing>,
    requests: Vec<Request>,
}

// === impl Kernel ===

impl Kernel {
    /// What tables call them, by number.
    pub const NAMES: [&str; 7] = [
        "decision, 1 rollout by path",
        "decision, 1,000 rollouts by path",
        "decision, 1 rollout by header",
        "decision, 1,000 rollouts by header",
        "bucket of a 13-byte unit",
        "a judge's look at one good answer",
        "a judge's look at a hundred answers",
    ];

    /// The kernel of this number; `None` if there is none.
    pub fn new(number: usize) -> Option<Self> {
        let decisions = |rollouts, differ_by| {
            let decisions = Decisions::new(rollouts, differ_by);
            Self::Decision(Box::new(decisions))
        };
        let look = |increment| Self::Look(Box::new(judging::trial()), increment);
        match number {
            0 => Some(decisions(1, DifferBy::Path)),
            1 => Some(decisions(1_000, DifferBy::Path)),
            2 => Some(decisions(1, DifferBy::Header)),
            3 => Some(decisions(1_000, DifferBy::Header)),
            4 => {
                let rollout = policy(1, DifferBy::Path).rollouts[0].bucketing();
                Some(Self::Bucket(Box::new(rollout)))
            }
            5 => Some(look(judging::increment([1, 0], [0, 0]))),
            6 => Some(look(judging::hundred_answers())),
            _ => None,
        }
    }

    /// Does the work so many times; returns how many units came to the canary, or below the half, or how
    /// many looks tripped the judge.
    pub fn run(&mut self, times: usize) -> usize {
        match self {
            Self::Decision(decisions) => decisions.run(times),
            Self::Bucket(split) => {
                let mut below = 0;
                for _ in 0..times {
                    let bucket = split.bucket(black_box(b"user-20240117"));
                    below += usize::from(black_box(bucket).0 < u64::MAX / 2);
                }
                below
            }
            Self::Look(trial, increment) => {
                let looks = (0..times).map(|_| trial.observe(black_box(increment)).is_some());
                looks.map(usize::from).sum()
            }
        }
    }
}

// === impl Decisions ===

impl Decisions {
    /// Requests of [`REQUESTS`] users for rollouts from the first to the last of a policy.
    pub fn new(rollouts: usize, differ_by: DifferBy) -> Self {
        let policy = policy(rollouts, differ_by);
        let router = Router::new(&policy);
        let request = |number: usize| {
            let rollout = number * rollouts / REQUESTS;
            let mut headers = request_headers(rollout + 1);
            for (name, value) in &mut headers {
                if *name == "x-user-id" {
                    *value = format!("user-{:08}", 20_240_117 + number);
                }
            }
            Request::new(&router, &headers)
        };
        Self {
            requests: (0..REQUESTS).map(request).collect(),
            gates: each(&policy, |rollout| Gate::new(&rollout.control)),
            splits: each(&policy, |rollout| rollout.bucketing()),
            router,
            policy,
        }
    }

    /// Whether the request of every user is decided, some for either arm.
    pub fn are_sound(&self) -> bool {
        let arms: Vec<_> = self
            .requests
            .iter()
            .map(|request| self.decide(request).and_then(|decision| decision.arm()))
            .collect();
        let canary = self.run(REQUESTS);
        arms.iter().all(Option::is_some) && (1..REQUESTS).contains(&canary)
    }

    /// The rollouts that requests are decided for.
    pub fn rollouts(&self) -> usize {
        self.policy.rollouts.len()
    }

    fn run(&self, times: usize) -> usize {
        let mut canary = 0;
        for number in 0..times {
            let request = &self.requests[number % REQUESTS];
            let decision = black_box(self.decide(black_box(request)));
            let arm = decision.and_then(|decision| decision.arm());
            canary += usize::from(arm == Some(Arm::Canary));
        }
        canary
    }

    fn decide(&self, request: &Request) -> Option<Decision> {
        let rollout = self.router.find(request)?;
        let unit = match self.router.unit(rollout, request) {
            Unit::Known(unit) => Some(unit),
            Unit::Mint(_) | Unit::Missing => None,
        };
        let (gate, split) = (&self.gates[rollout.index()], &self.splits[rollout.index()]);
        Some(gate.decide(split, unit.as_deref(), Timestamp::EPOCH))
    }
}

fn each<T>(policy: &Policy, of: impl Fn(&Rollout) -> T) -> Vec<T> {
    policy.rollouts.iter().map(of).collect()
}

/// Different requests, in turn: more than a processor's branch predictor knows by heart, few enough for
/// its first-level cache.
pub const REQUESTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_kernel_that_decides_for_both_arms() {
        for (number, name) in Kernel::NAMES.iter().enumerate() {
            match Kernel::new(number).expect(name) {
                Kernel::Decision(decisions) => assert!(decisions.are_sound(), "{name}"),
                mut other => assert!([0, 10].contains(&other.run(10)), "{name}"),
            }
        }
        assert!(Kernel::new(Kernel::NAMES.len()).is_none());
    }
}
