//! The published vectors, as a user of the crate would check them.

use breakglass_policy::{
    Arm, Bucket, Bucketing, Control, Gate, Percent, Pins, Ramp, Salt, Threshold, Timestamp,
};
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/decisions.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    let found = value[field].as_str();
    found.unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    let found = value[field].as_array().filter(|list| !list.is_empty());
    found.unwrap_or_else(|| panic!("no list `{field}`, or an empty one"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn percent(decimal: &str) -> Percent {
    serde_json::from_str(decimal).unwrap()
}

fn ppm(ppm: u64) -> Percent {
    Percent::from_ppm(u32::try_from(ppm).unwrap()).unwrap()
}

fn gate(percent: Percent) -> Gate {
    let control: Control = serde_json::from_str(r#"{"generation": 1}"#).unwrap();
    Gate::new(&Control {
        ramp: Ramp::flat(percent),
        ..control
    })
}

/// Every unit of the vectors with its split and its unit's bytes.
fn for_each_unit(check: impl Fn(&Bucketing, &[u8], &Value)) {
    let vectors = vectors();
    let mut checked = 0;
    for split in list(&vectors, "splits") {
        let salt = Salt::new(text(split, "salt")).unwrap();
        let bucketing = Bucketing::new(&salt, &Pins::default());
        for unit in list(split, "units") {
            check(&bucketing, &bytes(text(unit, "unit_hex")), unit);
            checked += 1;
        }
    }
    assert_eq!(checked, 132);
}

#[test]
fn keys_are_as_published() {
    for split in list(&vectors(), "splits") {
        let salt = Salt::new(text(split, "salt")).unwrap();
        assert_eq!(salt.key().to_vec(), bytes(text(split, "key_hex")), "{salt}");
    }
}

#[test]
fn buckets_are_as_published() {
    for_each_unit(|bucketing, bytes, unit| {
        let Bucket(bucket) = bucketing.bucket(bytes);
        assert_eq!(bucket.to_string(), text(unit, "bucket"), "{unit}");
        assert_eq!(format!("{bucket:016x}"), text(unit, "bucket_hex"), "{unit}");
        if let Some(text) = unit["unit"].as_str() {
            assert_eq!(text.as_bytes(), bytes, "{unit}");
        }
    });
}

#[test]
fn units_enter_at_the_published_shares() {
    for_each_unit(|bucketing, bytes, unit| {
        let enters = unit["enters_at_ppm"].as_u64().unwrap();
        let bucket = bucketing.bucket(bytes);
        assert!(Threshold::of(ppm(enters)).contains(bucket), "{unit}");
        assert!(!Threshold::of(ppm(enters - 1)).contains(bucket), "{unit}");
        assert_eq!(percent(text(unit, "enters_at_percent")), ppm(enters));
    });
}

#[test]
fn arms_are_as_published() {
    for_each_unit(|bucketing, bytes, unit| {
        let arms = unit["arms"].as_object().unwrap();
        assert_eq!(arms.len(), 10, "{unit}");
        for (share, arm) in arms {
            let gate = gate(percent(share));
            let decision = gate.decide(bucketing, Some(bytes), Timestamp::EPOCH);
            assert_eq!(
                decision.arm().map(Arm::as_str),
                arm.as_str(),
                "{share} % of {unit}"
            );
        }
    });
}

#[test]
fn thresholds_are_as_published() {
    for threshold in list(&vectors(), "thresholds") {
        let share = percent(text(threshold, "percent"));
        assert_eq!(u64::from(share.ppm()), threshold["ppm"].as_u64().unwrap());
        let first_out: u128 = text(threshold, "threshold").parse().unwrap();
        let contains = |bucket: u128| {
            let bucket = u64::try_from(bucket).ok()?;
            Some(Threshold::of(share).contains(Bucket(bucket)))
        };
        // 2^64 is no bucket, so 100 % has no first one outside.
        assert_ne!(contains(first_out), Some(true), "{threshold}");
        let last_in = first_out.checked_sub(1).and_then(contains);
        assert_ne!(last_in, Some(false), "{threshold}");
    }
}
