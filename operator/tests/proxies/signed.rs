//! Signed orders, and warrants with them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use breakglass_policy::Envelope;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Endpoint, now, policy};
use crate::run::{Run, breakglass};

/// A key that signs, and its line in a policy.
fn key(directory: &TempDir, id: &str, role: &str) -> (String, Value) {
    let file = directory.path().join(id).to_str().unwrap().to_owned();
    let arguments = [
        "keygen",
        "--no-passphrase",
        "--json",
        "--out",
        &file,
        "--id",
        id,
        "--role",
        role,
    ];
    let made = breakglass(&arguments, "");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    (file, made["trust_key"].clone())
}

fn trusting(generation: u64, keys: &[&Value]) -> Value {
    let mut policy = policy(generation, 0);
    policy["trust"] = json!({"generation": 1, "keys": keys, "raise": [["lead"]]});
    policy
}

fn order(proxies: &[&Endpoint], more: &[&str]) -> Run {
    let targets: Vec<String> = proxies.iter().map(|proxy| proxy.target()).collect();
    let targets = format!("--targets={}", targets.join(","));
    breakglass(
        &[&["order", &targets, "--rollout", "agent"], more].concat(),
        "",
    )
}

#[test]
fn a_signed_order_names_the_policy_that_the_proxies_name() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(&directory, "anna", "lead");
    let proxies = [7, 9].map(|generation| Endpoint::filter(&trusting(generation, &[&line])));
    let unsigned = order(&proxies.each_ref(), &["--kill", "block"]);
    assert_eq!(unsigned.status, Some(1), "{}", unsigned.stdout);
    let run = order(&proxies.each_ref(), &["--kill", "block", "--key", &file]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let sent = proxies
        .each_ref()
        .map(|proxy| proxy.orders().pop().unwrap());
    assert_eq!(sent[0], sent[1], "signed once");
    let envelope = Envelope::from_json(sent[0].to_string().as_bytes()).unwrap();
    let ordered = envelope.order().unwrap();
    assert_eq!(ordered.policy.unwrap().as_str(), "support");
    assert!(now().since(ordered.issued_at.unwrap()).as_secs() < 60);
}

#[test]
fn a_warrant_permits_to_raise() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(&directory, "anna", "lead");
    let proxy = Endpoint::filter(&trusting(7, &[&line]));
    let later =
        |seconds: u64| breakglass_policy::Timestamp::from_millis(now().millis() + seconds * 1000);
    let warrant = json!({
        "change": "chg-17", "policy": "support", "rollout": "agent",
        "subject": {"stable": "v1", "canary": "v2", "salt": "chg-17"},
        "ramp": {"percent": 5}, "after": 7,
        "not_before": "2020-01-01T00:00:00Z", "not_after": later(3600),
        "drill": {"receipt": format!("sha256:{}", "0".repeat(64)), "at": "2020-01-01T00:00:00Z"},
        "author": "bob", "approvers": [{"id": "anna", "role": "lead"}],
    });
    let document = directory.path().join("warrant.json");
    std::fs::write(&document, warrant.to_string()).unwrap();
    let envelope = directory
        .path()
        .join("warrant.dsse")
        .to_str()
        .unwrap()
        .to_owned();
    let signed = breakglass(
        &[
            "sign",
            "--key",
            &file,
            "-o",
            &envelope,
            document.to_str().unwrap(),
        ],
        "",
    );
    assert_eq!(signed.status, Some(0), "{}", signed.stderr);

    let durable = directory.path().join("policy.json");
    std::fs::write(&durable, trusting(7, &[&line]).to_string()).unwrap();
    let durable = durable.to_str().unwrap();
    let raise = |percent, more: &[&str]| {
        order(
            &[&proxy],
            &[
                &["--percent", percent, "--key", &file, "--durable", durable],
                more,
            ]
            .concat(),
        )
    };
    let bare = raise("5", &[]);
    assert_eq!(bare.status, Some(1), "{}", bare.stdout);
    let beyond = raise("6", &["--warrant", &envelope]);
    assert!(
        beyond
            .stdout
            .contains("asks for more than the warrant permits"),
        "{}",
        beyond.stdout
    );
    let within = raise("4", &["--warrant", &envelope]);
    assert_eq!(within.status, Some(0), "{}{}", within.stdout, within.stderr);
    // The next time the proxy holds it.
    let digest = Envelope::from_json(&std::fs::read(&envelope).unwrap())
        .unwrap()
        .digest();
    let again = raise("5", &["--warrant", digest.as_str()]);
    assert_eq!(again.status, Some(0), "{}{}", again.stdout, again.stderr);
    // A proxy that restarts needs the warrant, so the file has it.
    let held: Value = serde_json::from_str(&std::fs::read_to_string(durable).unwrap()).unwrap();
    let restarted = Endpoint::filter(&held);
    let state = breakglass(&["state", "--targets", &restarted.target()], "");
    assert!(
        state.stdout.contains("generation 9  canary 5 %"),
        "{}",
        state.stdout
    );
    assert!(!state.stdout.contains("closed"), "{}", state.stdout);
}

#[test]
fn proxies_of_several_policies_are_not_ordered_by_guess() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(&directory, "anna", "lead");
    let mut other = trusting(7, &[&line]);
    other["policy"] = json!("sales");
    let proxies = [
        Endpoint::filter(&trusting(7, &[&line])),
        Endpoint::filter(&other),
    ];
    let run = order(&proxies.each_ref(), &["--rearm", "--key", &file]);
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("there are several (sales, support); say which with --policy-name"),
        "{}",
        run.stdout
    );
    assert!(proxies.iter().all(|proxy| proxy.orders().is_empty()));
    let named = order(
        &proxies.each_ref(),
        &["--mask-all", "--key", &file, "--policy-name", "sales"],
    );
    assert_eq!(named.status, Some(3), "{}", named.stdout);
    assert!(
        named.stdout.contains("the order is for the policy `sales`"),
        "{}",
        named.stdout
    );
}

#[test]
fn an_order_that_was_signed_before_is_sent_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(&directory, "anna", "lead");
    let proxy = Endpoint::filter(&trusting(7, &[&line]));
    let document = json!({"policy": "support", "rollout": "agent", "generation": 8, "kill": {"mode": "block"}});
    let signed = breakglass(&["sign", "--key", &file, "-"], &document.to_string());
    let envelope = directory.path().join("order.dsse");
    std::fs::write(&envelope, &signed.stdout).unwrap();
    let envelope = envelope.to_str().unwrap();
    let targets = format!("--targets={}", proxy.target());
    let send = |more: &[&str]| {
        breakglass(
            &[&["order", &targets, "--file", envelope], more].concat(),
            "",
        )
    };
    for (more, message) in [
        (
            &["--generation", "9"][..],
            "--generation says something else, and a signed order cannot be changed",
        ),
        (&["--key", &file], "the order is signed already"),
    ] {
        let refused = send(more);
        assert_eq!(refused.status, Some(2));
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
    let run = send(&[]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let sent: Value = serde_json::from_str(&signed.stdout).unwrap();
    assert_eq!(proxy.orders(), [sent]);
}

#[test]
fn a_key_that_cannot_be_used_orders_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(&directory, "anna", "lead");
    let proxy = Endpoint::filter(&trusting(7, &[&line]));
    std::fs::set_permissions(Path::new(&file), PermissionsExt::from_mode(0o644)).unwrap();
    let run = order(&[&proxy], &["--kill", "block", "--key", &file]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("others may read this private key"),
        "{}",
        run.stderr
    );
    assert_eq!(proxy.requests().len(), 0);
}

#[test]
fn who_cannot_be_reached_is_not_said_to_lack_a_policy() {
    let directory = tempfile::tempdir().unwrap();
    let (file, _) = key(&directory, "anna", "lead");
    let targets = format!("--targets={}", crate::fake::nobody());
    let arguments = [
        "order",
        &targets,
        "--rollout",
        "agent",
        "--kill",
        "block",
        "--key",
        &file,
    ];
    let run = breakglass(&arguments, "");
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    assert!(run.stdout.contains("unreachable  "), "{}", run.stdout);
    // It knows neither the policy nor its keys, and is tried all the same.
    let told = [
        &arguments[..],
        &["--generation", "8", "--policy-name", "support"],
    ]
    .concat();
    let run = breakglass(&told, "");
    assert!(run.stdout.contains("unreachable  "), "{}", run.stdout);
}
