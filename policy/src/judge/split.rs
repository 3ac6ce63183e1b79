//! Whether the canary gets the share of requests that it was to get.
//!
//! Units are sticky, so requests come in lumps: whoever sends a tenth of the traffic moves the share
//! by as much, and nothing is wrong. Two things make the test blind to that. The share may be off by
//! what one heavy unit explains. And `requests_per_unit` requests count as one: if no other unit sends
//! more, the test is valid however they are spread (by Jensen's inequality the root of a likelihood
//! ratio is no larger than the ratio of fewer, independent units).

use serde::Serialize;

use super::evidence::Evidence;
use super::{Count, Side, SignalName, SignalReport};
use crate::document::read_struct;
use crate::percent::Percent;

/// The evidence for a broken split, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Split {
    more: Evidence,
    fewer: Evidence,
    /// Requests of each arm that were looked at.
    stable: u64,
    canary: u64,
    /// How many of them the canary was to get.
    expected: f64,
}

/// What the test allows for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lumps {
    pub(super) heaviest_unit: Percent,
    pub(super) requests_per_unit: u64,
}

// === impl Split ===

read_struct!(Split {
    more: required "more",
    fewer: required "fewer",
    stable: required "stable",
    canary: required "canary",
    expected: required "expected",
});

impl Split {
    pub(super) fn new() -> Self {
        Self {
            more: Evidence::new(),
            fewer: Evidence::new(),
            stable: 0,
            canary: 0,
            expected: 0.0,
        }
    }

    /// Takes the requests of a time in which the canary was to get `share` of them.
    pub(super) fn observe(&mut self, stable: u64, canary: u64, share: Percent, lumps: Lumps) {
        let requests = stable as f64 + canary as f64;
        // Where everybody goes one way the canary's requests are those of pinned testers.
        if requests == 0.0 || share == Percent::ZERO || share == Percent::ALL {
            return;
        }
        self.stable = self.stable.saturating_add(stable);
        self.canary = self.canary.saturating_add(canary);
        self.expected += part(share) * requests;
        let units = lumps.requests_per_unit.max(1) as f64;
        for side in [Side::More, Side::Fewer] {
            let null = lumps.bound(share, side);
            let won = SHIFTS.map(|shift| {
                let other = match side {
                    Side::More => null + (1.0 - null) * shift,
                    Side::Fewer => null * (1.0 - shift),
                };
                let ln_ratio = canary as f64 * (other / null).ln()
                    + stable as f64 * ((1.0 - other) / (1.0 - null)).ln();
                ln_ratio / units
            });
            self.side_mut(side).bet(requests / units, won);
        }
    }

    /// Where one side stands.
    pub(super) fn report(&self, side: Side, alpha: f64) -> SignalReport {
        let of = self.stable.saturating_add(self.canary);
        let evidence = match side {
            Side::More => &self.more,
            Side::Fewer => &self.fewer,
        };
        SignalReport {
            signal: SignalName::SampleRatio,
            entity: None,
            side,
            stable: Count {
                bad: self.stable,
                of,
            },
            canary: Count {
                bad: self.canary,
                of,
            },
            share: Percent::of(self.expected.round() as u64, of),
            e_value: evidence.value(),
            threshold: 1.0 / alpha,
            alpha,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Evidence {
        match side {
            Side::More => &mut self.more,
            Side::Fewer => &mut self.fewer,
        }
    }
}

// === impl Lumps ===

impl Lumps {
    /// How far the share may be off: the heaviest unit is on the canary, or it is not.
    fn bound(self, share: Percent, side: Side) -> f64 {
        let (share, heaviest) = (part(share), part(self.heaviest_unit));
        match side {
            Side::More => share + heaviest * (1.0 - share),
            Side::Fewer => share * (1.0 - heaviest),
        }
        // All traffic from one unit explains everything; the bets need room.
        .clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
    }
}

fn part(share: Percent) -> f64 {
    f64::from(share.ppm()) / f64::from(Percent::ALL.ppm())
}

/// How far from what is allowed towards nothing (or everything) the shares lie that are bet on.
const SHIFTS: [f64; 3] = [0.2, 0.6, 0.98];
const SMALLEST_SHARE: f64 = 1e-7;
