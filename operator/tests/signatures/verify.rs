//! Who signed, and whether that is enough.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::people::{ANNA, BOB, Person, STRANGER, order, policy, warrant, write};
use crate::run::{Run, breakglass};

/// What these people sign, in the order in which they do.
fn signed(directory: &TempDir, document: &Value, people: &[Person]) -> String {
    let mut bytes = document.to_string();
    for person in people {
        let run = breakglass(
            &[
                "sign",
                "--key",
                &person.key_file(directory),
                "--id",
                person.id,
                "-",
            ],
            &bytes,
        );
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        bytes = run.stdout;
    }
    bytes
}

fn verify(directory: &TempDir, policy: &Value, at: &str, envelope: &str) -> Run {
    let policy = write(directory, "policy.json", policy.to_string());
    breakglass(&["verify", "--policy", &policy, "--at", at, "-"], envelope)
}

const IN_WINDOW: &str = "2026-11-23T20:05:00Z";

#[test]
fn a_warrant_of_all_who_must_sign_is_good() {
    let directory = tempfile::tempdir().unwrap();
    let envelope = signed(&directory, &warrant(), &[STRANGER, ANNA, BOB]);
    let good = verify(&directory, &policy(), IN_WINDOW, &envelope);
    assert_eq!(good.status, Some(0), "{}{}", good.stdout, good.stderr);
    for part in [
        "type        application/vnd.breakglass.warrant+json",
        "digest      sha256:",
        "signed by   anna as security_lead (SHA256:",
        "signed by   bob as platform_lead (SHA256:",
        "not trusted `stranger`",
        "permits     up to 1 %, up to 25 % from 2026-11-23T21:00:00Z, to take mask_all back",
        "window      2026-11-23T20:00:00Z to 2026-11-24T20:00:00Z",
        "verdict     good: permits raising at 2026-11-23T20:05:00Z",
    ] {
        assert!(good.stdout.contains(part), "{part:?}:\n{}", good.stdout);
    }
}

#[test]
fn what_a_warrant_lacks_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let both = signed(&directory, &warrant(), &[ANNA, BOB]);
    let one = signed(&directory, &warrant(), &[ANNA]);
    let none = signed(&directory, &warrant(), &[STRANGER]);
    let mut alone = warrant();
    alone["approvers"] = json!([{"id": "anna", "role": "security_lead"}]);
    let alone = signed(&directory, &alone, &[ANNA]);
    let mut tampered: Value = serde_json::from_str(&both).unwrap();
    let other: Value = serde_json::from_str(&one).unwrap();
    tampered["payload"] = json!(format!(
        "{}IA==",
        other["payload"].as_str().unwrap().trim_end_matches('=')
    ));
    let mut rebuilt = policy();
    rebuilt["rollouts"][0]["arms"]["canary"]["version"] = json!("v3");
    let mut renamed = policy();
    renamed["policy"] = json!("sales");
    renamed["rollouts"][0]["name"] = json!("other");
    let cases: &[(&str, &Value, &str, &str)] = &[
        (
            &one,
            &policy(),
            IN_WINDOW,
            "the warrant names the approver `bob` as platform_lead, who has not signed it",
        ),
        (
            &none,
            &policy(),
            IN_WINDOW,
            "the first signature names `stranger`",
        ),
        (
            &alone,
            &policy(),
            IN_WINDOW,
            "missing the approval of platform_lead",
        ),
        (
            &both,
            &policy(),
            "2026-11-23T19:59:59Z",
            "cannot be used before 2026-11-23T20:00:00Z",
        ),
        (
            &both,
            &policy(),
            "2026-11-24T20:00:01Z",
            "could be used until 2026-11-24T20:00:00Z",
        ),
        (
            &both,
            &rebuilt,
            IN_WINDOW,
            "the warrant was given for canary `v2`, the policy in force has `v3`",
        ),
        (
            &both,
            &renamed,
            IN_WINDOW,
            "the warrant is for the policy `support`",
        ),
        (
            &both,
            &renamed,
            IN_WINDOW,
            "the policy has no rollout `agent`",
        ),
    ];
    for (envelope, policy, at, message) in cases {
        let bad = verify(&directory, policy, at, envelope);
        assert_eq!(bad.status, Some(1), "{message}: {}", bad.stderr);
        assert!(bad.stdout.contains(message), "{message}:\n{}", bad.stdout);
        assert!(
            bad.stdout.contains("verdict     not good at"),
            "{}",
            bad.stdout
        );
    }
}

#[test]
fn a_signature_of_other_bytes_is_bad() {
    let directory = tempfile::tempdir().unwrap();
    let mut envelope: Value = serde_json::from_str(&signed(&directory, &order(), &[ANNA])).unwrap();
    let mut other = order();
    other["generation"] = json!(9);
    let other: Value = serde_json::from_str(&signed(&directory, &other, &[ANNA])).unwrap();
    envelope["payload"] = other["payload"].clone();
    let bad = verify(&directory, &policy(), IN_WINDOW, &envelope.to_string());
    assert_eq!(bad.status, Some(1), "{}", bad.stderr);
    assert!(
        bad.stdout
            .contains("the signature of `anna` is not that key's signature"),
        "{}",
        bad.stdout
    );
}

#[test]
fn an_order_is_good_for_ten_minutes() {
    let directory = tempfile::tempdir().unwrap();
    let envelope = signed(&directory, &order(), &[BOB]);
    for (at, fault) in [
        ("2026-11-23T19:58:59Z", Some("which is in the future")),
        ("2026-11-23T19:59:00Z", None),
        ("2026-11-23T20:10:00Z", None),
        ("2026-11-23T20:10:01Z", Some("at most 600 seconds old")),
    ] {
        let checked = verify(&directory, &policy(), at, &envelope);
        assert_eq!(
            checked.status,
            Some(i32::from(fault.is_some())),
            "{at}: {}",
            checked.stderr
        );
        assert!(
            checked
                .stdout
                .contains(fault.unwrap_or("good: could be obeyed")),
            "{}",
            checked.stdout
        );
        assert!(
            checked
                .stdout
                .contains(r#"kill        {"mode":"rollback","in_flight":"cut"}"#)
                || checked
                    .stdout
                    .contains(r#"kill        {"in_flight":"cut","mode":"rollback"}"#),
            "{}",
            checked.stdout
        );
    }
}

#[test]
fn the_warrant_that_an_order_carries_is_checked_too() {
    let directory = tempfile::tempdir().unwrap();
    let carrying = |people: &[Person]| {
        let warrant: Value = serde_json::from_str(&signed(&directory, &warrant(), people)).unwrap();
        let mut order = order();
        order["kill"] = Value::Null;
        order["warrant"] = warrant;
        signed(&directory, &order, &[ANNA])
    };
    let good = verify(&directory, &policy(), IN_WINDOW, &carrying(&[ANNA, BOB]));
    assert_eq!(good.status, Some(0), "{}", good.stdout);
    let bad = verify(&directory, &policy(), IN_WINDOW, &carrying(&[ANNA]));
    assert_eq!(bad.status, Some(1), "{}", bad.stdout);
    assert!(
        bad.stdout.contains("names the approver `bob`"),
        "{}",
        bad.stdout
    );
}

#[test]
fn programs_read_it_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let policy = write(&directory, "policy.json", policy().to_string());
    let envelope = signed(&directory, &warrant(), &[ANNA]);
    let run = breakglass(
        &[
            "verify", "--json", "--policy", &policy, "--at", IN_WINDOW, "-",
        ],
        &envelope,
    );
    assert_eq!(run.status, Some(1));
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["ok"], json!(false));
    assert_eq!(told["signers"][0]["fingerprint"], json!(ANNA.fingerprint()));
    assert_eq!(
        told["warrant"],
        serde_json::to_value(
            serde_json::from_value::<breakglass_policy::Warrant>(warrant()).unwrap()
        )
        .unwrap()
    );
    assert_eq!(told["faults"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_checked_is_unusable_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut trustless = policy();
    trustless.as_object_mut().unwrap().remove("trust");
    let mut other: Value = serde_json::from_str(&signed(&directory, &order(), &[ANNA])).unwrap();
    other["payloadType"] = json!("application/vnd.in-toto+json");
    let good = signed(&directory, &order(), &[ANNA]);
    let cases = [
        (&trustless, good.as_str(), "names no `trust`"),
        (
            &policy(),
            &other.to_string(),
            "is no envelope: payloadType: ",
        ),
        (&policy(), &order().to_string(), "is no envelope: "),
        (&json!({"policy": 1}), &good, "is refused: policy: "),
    ];
    for (policy, envelope, message) in cases {
        let run = verify(&directory, policy, IN_WINDOW, envelope);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{message}"
        );
        assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
    }
}
