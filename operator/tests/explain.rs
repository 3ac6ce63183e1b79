//! `breakglass explain` against the published test vectors, and for every reason.

mod run;

use run::breakglass;
use serde_json::{Value, json};

fn explain(policy: &Value, unit: &str, more: &[&str]) -> Value {
    let arguments = [
        &["explain", "--json", "--policy", "-", "--unit", unit],
        more,
    ]
    .concat();
    let run = breakglass(&arguments, &policy.to_string());
    assert_eq!(run.status, Some(0), "{unit:?}: {}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

fn policy(salt: &Value, control: &Value) -> Value {
    json!({
        "policy": "support",
        "rollouts": [{
            "name": "agent",
            "unit": [{"header": "x-user-id"}],
            "salt": salt,
            "pins": {"canary": ["qa-1"], "stable": ["vip-7"]},
            "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
            "control": control,
        }]
    })
}

#[test]
fn buckets_and_arms_are_those_of_the_vectors() {
    let vectors = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../policy/vectors/decisions.json"
    ))
    .unwrap();
    let vectors: Value = serde_json::from_str(&vectors).unwrap();
    let mut checked = 0;
    for split in vectors["splits"].as_array().unwrap() {
        // A unit of bytes that no argument can hold is left to the tests of the policy.
        let units = split["units"].as_array().unwrap().iter();
        let units = units.filter(|unit| {
            unit["unit"]
                .as_str()
                .is_some_and(|unit| !unit.contains('\0'))
        });
        for unit in units.step_by(4) {
            for (percent, arm) in unit["arms"].as_object().unwrap().iter().step_by(3) {
                let share: Value = serde_json::from_str(percent).unwrap();
                let control = json!({"generation": 1, "ramp": {"percent": share}});
                let answer = explain(
                    &policy(&split["salt"], &control),
                    unit["unit"].as_str().unwrap(),
                    &[],
                );
                for member in ["bucket", "bucket_hex"] {
                    assert_eq!(answer[member], unit[member], "{unit}");
                }
                assert_eq!(&answer["arm"], arm, "{percent} of {unit}");
                let ppm = (answer["enters_at_percent"].as_f64().unwrap() * 10_000.0).round();
                assert_eq!(json!(ppm as u64), unit["enters_at_ppm"], "{unit}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn every_reason_has_its_word() {
    let ramp = json!([{"percent": 1, "at": "2026-11-23T20:00:00Z"}, {"percent": 100, "at": "2026-11-23T21:00:00Z"}]);
    let control = |more: Value| {
        let mut control = json!({"generation": 7, "ramp": ramp});
        control
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        control
    };
    let lease = |on_lapse| json!({"not_after": "2026-11-23T20:30:00Z", "on_lapse": on_lapse});
    let (early, late) = ("2026-11-23T20:10:00Z", "2026-11-23T21:10:00Z");
    let cases = [
        (json!({}), "user-1", early, json!("stable"), "stable"),
        (json!({}), "user-1", late, json!("canary"), "ramp"),
        (json!({}), "qa-1", early, json!("canary"), "pin"),
        (json!({}), "vip-7", late, json!("stable"), "pin"),
        (lease("stable"), "user-1", late, json!("stable"), "lapse"),
        (lease("hold"), "user-1", late, json!("stable"), "stable"),
        (
            json!({"kill": {"mode": "rollback"}}),
            "qa-1",
            late,
            json!("stable"),
            "kill",
        ),
        (
            json!({"kill": {"mode": "block"}}),
            "qa-1",
            late,
            Value::Null,
            "kill",
        ),
    ];
    for (more, unit, at, arm, reason) in cases {
        let answer = explain(
            &policy(&json!("salt"), &control(more.clone())),
            unit,
            &["--at", at],
        );
        assert_eq!(
            (&answer["arm"], &answer["reason"]),
            (&arm, &json!(reason)),
            "{more} {unit} {at}"
        );
        assert_eq!(
            (&answer["at"], &answer["generation"]),
            (&json!(at), &json!(7))
        );
    }
}

#[test]
fn people_read_bucket_arm_and_reason() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/policies/ramp-10.json"
    );
    let run = breakglass(&["explain", "--policy", file, "--unit", "user-17"], "");
    assert_eq!(run.status, Some(0));
    for part in [
        "11399734325391610699",
        "9e33fdf876cb534b",
        "stable (prompt-v41)",
        "from 61.7981 % on",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[test]
fn what_cannot_be_explained_is_status_2() {
    let document = policy(&json!("salt"), &json!({"generation": 1})).to_string();
    let long = "x".repeat(1025);
    let cases: [&[&str]; 4] = [
        &["--unit", ""],
        &["--unit", &long],
        &["--unit", "a", "--at", "tomorrow"],
        &["--unit", "a", "--rollout", "none"],
    ];
    for options in cases {
        let run = breakglass(
            &[&["explain", "--policy", "-"], options].concat(),
            &document,
        );
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{options:?}"
        );
    }
}
