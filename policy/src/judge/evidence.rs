//! The evidence of one signal: what a gambler would own who bets on the canary being worse.
//!
//! He begins with 1 and stakes it on the next bad answers, at odds that are fair (or worse for him)
//! as long as the arms do not differ. Then his fortune is a non-negative supermartingale, so the
//! chance that it *ever* reaches `1 / alpha` is at most `alpha`, however often somebody looks (Ville).
//! The bets are those of Lindon and Malek, "Anytime-valid inference for multinomial count data"
//! (2022): a likelihood ratio mixed over several sizes of the difference.

use serde::Serialize;

use super::{Factor, Side};
use crate::document::read_struct;

/// The fortune of one gambler.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Evidence {
    /// What is not staked yet. It is staked little by little, so that a canary that gets worse late
    /// is found in about the time it takes to find one that was bad from the start: bets that are
    /// years old have lost nearly everything by then.
    cash: f64,
    /// On a small difference.
    small: f64,
    /// On a larger one.
    middle: f64,
    /// On a very large one.
    large: f64,
    /// How many bad answers were bet on.
    events: f64,
}

/// What bets are for: the logarithms of the differences, as factors on the odds that a bad answer is
/// the canary's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stakes([f64; BETS]);

/// Bad answers among the answers of a short time, both arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// Answers of the stable arm.
    pub(super) stable: f64,
    /// Answers of the canary.
    pub(super) canary: f64,
    /// Bad answers of both.
    pub(super) bad: f64,
    /// Bad answers of the canary.
    pub(super) bad_canary: f64,
    /// How many times larger the canary's share of the bad answers may be than that of the answers,
    /// as odds, before that is evidence; see [`Pace`](super::block::Pace). Below 1 on the other side.
    pub(super) tilt: f64,
}

// === impl Evidence ===

read_struct!(Evidence {
    cash: required "cash",
    small: required "small",
    middle: required "middle",
    large: required "large",
    events: required "events",
});

impl Evidence {
    /// Before the first bet.
    pub(super) fn new() -> Self {
        let [small, middle, large] = WEIGHTS.map(|weight| weight * (1.0 - CASH));
        Self {
            cash: CASH,
            small,
            middle,
            large,
            events: 0.0,
        }
    }

    /// How many times its beginning the fortune is.
    pub(super) fn value(&self) -> f64 {
        (self.cash + self.small + self.middle + self.large).min(LARGEST)
    }

    /// Bets on a draw, and sees it.
    pub(super) fn draw(&mut self, draw: &Draw, stakes: Stakes) {
        if draw.bad > 0.0 && draw.stable > 0.0 && draw.canary > 0.0 {
            self.bet(draw.bad, stakes.0.map(|stake| draw.ln_ratio(stake)));
        }
    }

    /// Stakes some of the cash, as much as `events` are worth, and multiplies every bet by what it won.
    /// Neither may depend on what makes one arm's event different from the other's.
    pub(super) fn bet(&mut self, events: f64, ln_won: [f64; BETS]) {
        let before = PATIENCE_EVENTS + self.events;
        self.events += events;
        let kept = self.cash * (before / (before + events)).sqrt();
        let staked = self.cash - kept;
        self.cash = kept;
        let bets = [&mut self.small, &mut self.middle, &mut self.large];
        for ((bet, weight), ln_won) in bets.into_iter().zip(WEIGHTS).zip(ln_won) {
            let won = ln_won.clamp(-LN_LARGEST, LN_LARGEST).exp();
            *bet = ((*bet + staked * weight) * won).clamp(SMALLEST, LARGEST);
        }
    }
}

// === impl Stakes ===

impl Stakes {
    /// Bets against a canary that is worse by a factor. Only differences are bet on with which the
    /// gambler loses in the long run unless the true factor is larger than `worse_by`; so a
    /// significant trifle does not roll back.
    pub(super) fn new(worse_by: Factor, side: Side) -> Self {
        let floor = worse_by.get().min(LARGEST_FACTOR);
        let (edge, sign) = match side {
            Side::More => (more(floor), 1.0),
            Side::Fewer => (fewer(floor), -1.0),
        };
        Self(STEPS.map(|step| sign * (edge + step)))
    }
}

/// The `x` at which bets on `e^x` break even when the canary has `floor` times as many events as it
/// should, in the limit of a small share: `e^x - 1 = floor · x`.
fn more(floor: f64) -> f64 {
    descend(2.0 * floor.ln() + 1.0, |x| {
        (x.exp() - 1.0 - floor * x) / (x.exp() - floor)
    })
}

/// The same for bets on `e^-x` when it has `floor` times fewer: `1 - e^-x = x / floor`.
fn fewer(floor: f64) -> f64 {
    descend(floor, |x| {
        (1.0 - (-x).exp() - x / floor) / ((-x).exp() - 1.0 / floor)
    })
}

/// Newton's method from the right of a root, where both functions bend so that no step passes it.
fn descend(start: f64, step: impl Fn(f64) -> f64) -> f64 {
    let mut root = start;
    for _ in 0..NEWTON {
        let next = root - step(root);
        if next >= root {
            break;
        }
        root = next;
    }
    root
}

// === impl Draw ===

impl Draw {
    /// The logarithm of the ratio of two chances: that so many of the bad answers are the canary's if
    /// its odds are `e^stake` times what they should be, and if they are what they should be.
    ///
    /// If the arms do not differ, each of the bad answers is as likely to be any of the answers, so the
    /// canary's number is hypergeometric. Such a number is a sum of independent trials (Vatutin and
    /// Mikhailov, 1982): as many as there are bad answers, or answers of the canary, whichever is
    /// less. So a binomial with that number of trials and the same mean bounds what the bet must be
    /// divided by, and is exact for one bad answer, for one answer of the canary, and when all fail.
    fn ln_ratio(&self, stake: f64) -> f64 {
        let exposed = self.canary * self.tilt;
        let trials = self.bad.min(self.canary);
        let mean = (self.bad * exposed / (exposed + self.stable)).min(trials);
        let by_canary = ln_moment(trials, mean, stake);
        // The same, counted on the stable arm: better where that is the smaller one.
        let trials = self.bad.min(self.stable);
        let rest = (self.bad - mean).min(trials);
        let by_stable = self.bad * stake + ln_moment(trials, rest, -stake);
        self.bad_canary * stake - by_canary.min(by_stable)
    }
}

/// The logarithm of `E e^(stake · K)` for a binomial `K`.
fn ln_moment(trials: f64, mean: f64, stake: f64) -> f64 {
    if trials <= 0.0 {
        return 0.0;
    }
    trials * (1.0 + mean / trials * (stake.exp() - 1.0)).ln()
}

/// How many sizes of the difference are bet on.
const BETS: usize = 3;
/// They are a factor 3 apart: between two, a bet loses a twentieth of its speed.
const STEPS: [f64; BETS] = [0.0, LN_3, 2.0 * LN_3];
const LN_3: f64 = 1.098_612_288_668_109_8;
/// Most on the middle one. It stands for a factor of ten where `worse_by` is 2.
const WEIGHTS: [f64; BETS] = [0.15, 0.7, 0.15];
/// What is kept for late. It costs 2 % of the speed at the start.
const CASH: f64 = 0.15;
/// After so many events, and after four times as many, half of the cash is left.
const PATIENCE_EVENTS: f64 = 32.0;
/// Steps of Newton's method at most. Six for a factor of 2, more for one that is nearly 1.
const NEWTON: usize = 60;
/// A factor that no share of bad answers can exceed.
const LARGEST_FACTOR: f64 = 1e6;
/// A fortune is neither lost nor won beyond these, so that every number reads back from JSON.
const LARGEST: f64 = 1e300;
const SMALLEST: f64 = 1e-300;
const LN_LARGEST: f64 = 690.0;

#[cfg(test)]
mod tests;
