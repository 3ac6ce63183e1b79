//! Simulated traffic: requests that are answered at once, second by second.

use std::f64::consts::TAU;

use breakglass_policy::Percent;
use clap::ValueEnum;

/// How load and bad answers of both arms change with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pattern {
    /// They do not
    Constant,
    /// Load and the rate of bad answers rise and fall over a day; a trial begins at any hour
    Diurnal,
    /// Now and then half a minute of three times the load and twenty times the bad answers
    Bursty,
}

/// The share of the canary from a time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) percent: Percent,
    pub(crate) second: u64,
}

/// What both arms get and do.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) pattern: Pattern,
    pub(crate) ramp: Vec<Step>,
    /// The part of the stable arm's answers that is bad.
    pub(crate) bad: f64,
}

/// One run of it.
pub(crate) struct Run<'a> {
    traffic: &'a Traffic,
    dice: Dice,
    /// How many times as many of the canary's answers are bad.
    times: f64,
    phase: f64,
    burst: bool,
}

/// What one second brings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Second {
    pub(crate) share: Percent,
    pub(crate) requests: u64,
    bad: f64,
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed everywhere.
struct Dice(u64);

// === impl Traffic ===

impl Traffic {
    pub(crate) fn run(&self, seed: u64, number: u64, times: f64) -> Run<'_> {
        // Trials that are begun with neighbouring numbers must not be alike.
        let mut dice = Dice(Dice(seed).next() ^ Dice(number).next());
        let phase = dice.roll();
        Run {
            traffic: self,
            dice,
            times,
            phase,
            burst: false,
        }
    }
}

// === impl Run ===

impl Run<'_> {
    /// What comes in this second.
    pub(crate) fn second(&mut self, second: u64) -> Second {
        let (load, bad) = match self.traffic.pattern {
            Pattern::Constant => (1.0, 1.0),
            Pattern::Diurnal => {
                let tide = (TAU * (self.phase + second as f64 / DAY)).sin();
                (1.0 + 0.6 * tide, 1.0 + 0.5 * tide)
            }
            Pattern::Bursty => {
                let turns = if self.burst { 1.0 / 30.0 } else { 1.0 / 570.0 };
                self.burst ^= self.dice.roll() < turns;
                if self.burst { (3.0, 20.0) } else { (1.0, 1.0) }
            }
        };
        let begun = |step: &&Step| step.second <= second;
        let step = self.traffic.ramp.iter().rev().find(begun);
        Second {
            share: step.map_or(Percent::ZERO, |step| step.percent),
            requests: (load * self.traffic.rate + self.dice.roll()).floor() as u64,
            bad: (bad * self.traffic.bad).min(0.5),
        }
    }

    /// One request: whether it goes to the canary, and whether its answer is bad.
    pub(crate) fn request(&mut self, second: &Second) -> (bool, bool) {
        let share = f64::from(second.share.ppm()) / f64::from(Percent::ALL.ppm());
        let canary = self.dice.roll() < share;
        let times = if canary { self.times } else { 1.0 };
        (canary, self.dice.roll() < second.bad * times)
    }
}

// === impl Dice ===

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn roll(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const DAY: f64 = 86_400.0;
