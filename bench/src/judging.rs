//! A judge and what it is shown.

use breakglass_policy::{ArmTally, Entity, Increment, Judge, Percent, Timestamp, Trial};

/// A judge that looks at everything.
const JUDGE: &str = r#"{"alpha": 0.001, "signals": [
    {"error_rate": {}}, {"latency": {"answer": "20s"}}, {"redactions": {"entity": "*", "two_sided": true}},
    {"zero_tolerance": ["IN_AADHAAR"]}, {"unscanned": {}}, {"sample_ratio": {}}
]}"#;

/// A trial before the first look, all signals judged.
///
/// # Panics
/// If the judge is none.
pub fn trial() -> Trial {
    let judge: Judge = serde_json::from_str(JUDGE).expect("a judge");
    Trial::new(&judge)
}

/// What one look shows: answers, and errors among them, of a canary with a tenth of the units.
pub fn increment(stable: [u64; 2], canary: [u64; 2]) -> Increment {
    Increment {
        at: Timestamp::EPOCH,
        stable: tally(stable),
        canary: tally(canary),
        share: Percent::of(1, 10),
    }
}

/// A hundred answers, four of which an error or a redaction makes count.
///
/// # Panics
/// If `EMAIL_ADDRESS` is no entity.
pub fn hundred_answers() -> Increment {
    let email = Entity::new("EMAIL_ADDRESS").expect("an entity");
    let mut increment = increment([90, 1], [10, 0]);
    increment.stable.redacted(&email, 1);
    increment.canary.redacted(&email, 1);
    increment
}

fn tally([answers, errors]: [u64; 2]) -> ArmTally {
    ArmTally {
        requests: answers,
        answers,
        errors,
        ..ArmTally::default()
    }
}
