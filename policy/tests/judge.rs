//! The judge on simulated traffic, looked at after every request: false alarms and delays.

use breakglass_policy::{
    ArmTally, Entity, Increment, Judge, Percent, SignalName, Timestamp, Trial,
};

/// SplitMix64: fast, and the same everywhere.
struct Dice(u64);

/// What both arms do at one moment.
#[derive(Clone, Copy)]
struct Moment {
    share: Percent,
    errors: f64,
    entities: [f64; 2],
}

/// Requests that are answered at once, one at a time.
struct Traffic {
    dice: Dice,
    entities: [Entity; 2],
    /// What the canary's errors are multiplied by.
    worse: f64,
    requests: u64,
}

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Traffic {
    fn new(run: u64, worse: f64) -> Self {
        Self {
            dice: Dice(run << 32),
            entities: ["EMAIL_ADDRESS", "IN_PAN"].map(|name| Entity::new(name).unwrap()),
            worse,
            requests: 0,
        }
    }

    fn next(&mut self, moment: &Moment) -> Increment {
        self.requests += 1;
        let mut tally = ArmTally {
            requests: 1,
            answers: 1,
            ..ArmTally::default()
        };
        let share = f64::from(moment.share.ppm()) / 1e6;
        let canary = self.dice.roll() < share;
        let errors = if canary { self.worse } else { 1.0 } * moment.errors;
        // One roll decides what is wrong with an answer: at most one thing.
        let mut roll = self.dice.roll() - errors;
        tally.errors = u64::from(roll < 0.0);
        for (entity, chance) in self.entities.iter().zip(moment.entities) {
            if (0.0..chance).contains(&roll) {
                tally.redacted(entity, 2);
            }
            roll -= chance;
        }
        let (mine, other) = (tally, ArmTally::default());
        let (stable, canary) = if canary { (other, mine) } else { (mine, other) };
        Increment {
            at: Timestamp::from_millis(self.requests * 100),
            stable,
            canary,
            share: moment.share,
        }
    }
}

fn judge(alpha: f64, signals: &str) -> Judge {
    serde_json::from_str(&format!(r#"{{"alpha": {alpha}, "signals": {signals}}}"#)).unwrap()
}

fn share(percent: f64) -> Percent {
    Percent::from_ppm((percent * 1e4) as u32).unwrap()
}

/// Two thousand trials in all, a quarter of them here, in which the arms do not differ.
#[track_caller]
fn assert_few_false_alarms(moment: impl Fn(u64) -> Moment) {
    let judge = judge(ALPHA, EVERYTHING);
    let alarmed = |run: &u64| {
        let mut traffic = Traffic::new(*run, 1.0);
        let mut trial = Trial::new(&judge);
        (0..REQUESTS).any(|number| {
            let increment = traffic.next(&moment(number));
            trial.observe(&increment).is_some()
        })
    };
    let alarms = (0..RUNS).filter(alarmed).count();
    let expected = ALPHA * RUNS as f64;
    let bound = expected + 3.0 * (expected * (1.0 - ALPHA)).sqrt();
    assert!(
        (alarms as f64) < bound,
        "{alarms} of {RUNS}, at most {bound}"
    );
    // The test would see nothing if nothing could alarm.
    assert!(alarms > 0);
}

/// Every share of a unit is its own here: one request each.
const EVERYTHING: &str = r#"[{"error_rate": {}}, {"redactions": {"entity": "*", "two_sided": true}}, {"sample_ratio": {"requests_per_unit": 1, "heaviest_unit": 0.01}}]"#;
const USUAL: &str = r#"[{"error_rate": {"worse_by": 2.0}}, {"redactions": {"entity": "*", "two_sided": true}}, {"zero_tolerance": ["IN_AADHAAR"]}]"#;
const RUNS: u64 = 500;
const REQUESTS: u64 = 50_000;
/// Large, so that a test that is wrong by half would be seen.
const ALPHA: f64 = 0.05;

fn even() -> Moment {
    Moment {
        share: share(10.0),
        errors: 0.01,
        entities: [0.02, 0.002],
    }
}

#[test]
fn constant_traffic_gives_no_more_false_alarms_than_alpha() {
    let moment = even();
    assert_few_false_alarms(|_| moment);
}

#[test]
fn diurnal_load_gives_no_more_false_alarms_than_alpha() {
    assert_few_false_alarms(|number| {
        let tide = 1.0 + 0.9 * (number as f64 / 8_000.0).sin();
        Moment {
            share: share(50.0),
            errors: 0.02 * tide,
            entities: [0.04 * tide, 0.0],
        }
    });
}

#[test]
fn outages_of_both_arms_give_no_more_false_alarms_than_alpha() {
    assert_few_false_alarms(|number| {
        let outage = number % 5_000 > 4_800;
        Moment {
            share: share(5.0),
            errors: if outage { 0.7 } else { 0.002 },
            entities: if outage { [0.0; 2] } else { even().entities },
        }
    });
}

#[test]
fn a_growing_share_gives_no_more_false_alarms_than_alpha() {
    assert_few_false_alarms(|number| Moment {
        share: share(match number {
            0..5_000 => 1.0,
            5_000..10_000 => 5.0,
            10_000..20_000 => 25.0,
            _ => 50.0 + (number - 20_000) as f64 / 700.0,
        }),
        ..even()
    });
}

/// Requests of the canary up to the trip, the median of some hundred trials.
fn median_delay(signals: &str, percent: f64) -> u64 {
    let judge = judge(0.001, signals);
    let moment = Moment {
        share: share(percent),
        entities: [0.0; 2],
        ..even()
    };
    let delay = |run: u64| {
        let mut traffic = Traffic::new(run, 10.0);
        let mut trial = Trial::new(&judge);
        let mut canary = 0;
        loop {
            let increment = traffic.next(&moment);
            canary += increment.canary.requests;
            if let Some(verdict) = trial.observe(&increment) {
                assert_eq!(verdict.0.signal, SignalName::ErrorRate);
                return canary;
            }
        }
    };
    let mut delays: Vec<u64> = (0..1_001).map(delay).collect();
    delays.sort_unstable();
    delays[delays.len() / 2]
}

#[test]
fn ten_times_the_errors_trip_within_sixty_requests_of_a_small_canary() {
    for (signals, percent, most) in [
        (r#"[{"error_rate": {}}]"#, 1.0, 60),
        (USUAL, 1.0, 60),
        (EVERYTHING, 1.0, 60),
        // A larger canary leaves fewer answers to learn from what is usual: docs/judge.md.
        (USUAL, 10.0, 85),
        (USUAL, 50.0, 210),
    ] {
        let median = median_delay(signals, percent);
        assert!(median <= most, "{median} at {percent} % with {signals}");
    }
}
