//! What is signed, and what is not.

use breakglass_policy::{Envelope, Order, PayloadType};
use serde_json::{Value, json};

use crate::people::{ANNA, BOB, order, path, policy, private_file, warrant, write};
use crate::run::breakglass;

fn envelope(json: &str) -> Envelope {
    Envelope::from_json(json.as_bytes()).unwrap()
}

#[test]
fn the_bytes_of_a_document_are_signed_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let key = ANNA.key_file(&directory);
    let trust = serde_json::from_value(policy()["trust"].clone()).unwrap();
    let msgpack = |document: &Value| rmp_serde::to_vec_named(document).unwrap();
    let (order, warrant) = (order(), warrant());
    let cases = [
        (
            serde_json::to_vec_pretty(&order).unwrap(),
            PayloadType::OrderJson,
        ),
        (msgpack(&order), PayloadType::OrderMsgPack),
        (
            serde_json::to_vec_pretty(&warrant).unwrap(),
            PayloadType::WarrantJson,
        ),
        (msgpack(&warrant), PayloadType::WarrantMsgPack),
    ];
    for (bytes, kind) in cases {
        let document = write(&directory, "document", &bytes);
        let signed = breakglass(&["sign", "--key", &key, &document], "");
        assert_eq!(signed.status, Some(0), "{kind:?}: {}", signed.stderr);
        let envelope = envelope(&signed.stdout);
        assert_eq!(
            (envelope.payload_type(), envelope.payload()),
            (kind, &bytes[..])
        );
        let signers = envelope.signers(&trust).unwrap();
        assert_eq!(signers[0].id.as_str(), "anna");
    }
}

#[test]
fn what_binds_an_order_is_filled_in() {
    let directory = tempfile::tempdir().unwrap();
    let key = ANNA.key_file(&directory);
    let given = json!({"rollout": "agent", "generation": 8, "kill": null});
    let msgpack = rmp_serde::to_vec_named(&given).unwrap();
    for bytes in [given.to_string().into_bytes(), msgpack] {
        let document = write(&directory, "order", &bytes);
        let refused = breakglass(&["sign", "--key", &key, &document], "");
        assert_eq!(refused.status, Some(2));
        let message = "is refused: policy: missing; a signed order names its policy";
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("--policy-name NAME"),
            "{}",
            refused.stderr
        );

        let signed = breakglass(
            &["sign", "--key", &key, "--policy-name", "support", &document],
            "",
        );
        assert_eq!(signed.status, Some(0), "{}", signed.stderr);
        assert!(
            signed.stderr.contains("`issued_at` is missing, 20"),
            "{}",
            signed.stderr
        );
        let order = envelope(&signed.stdout).order().unwrap();
        assert_eq!(order.policy.as_ref().unwrap().as_str(), "support");
        let bare = Order {
            policy: None,
            issued_at: None,
            ..order
        };
        assert_eq!(serde_json::to_value(bare).unwrap(), given);
    }
}

#[test]
fn others_add_their_signatures_to_an_envelope() {
    let directory = tempfile::tempdir().unwrap();
    let (anna, bob) = (ANNA.key_file(&directory), BOB.key_file(&directory));
    let document = write(&directory, "warrant.json", warrant().to_string());
    let file = path(&directory.path().join("warrant.dsse"));
    let first = breakglass(
        &[
            "sign", "--key", &anna, "--id", "anna", "-o", &file, &document,
        ],
        "",
    );
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    assert!(
        first.stdout.contains("signed by anna, 1 in all"),
        "{}",
        first.stdout
    );
    // Twice is once.
    for _ in 0..2 {
        let second = breakglass(&["sign", "--key", &bob, "-o", &file, "--json", &file], "");
        assert_eq!(second.status, Some(0), "{}", second.stderr);
        let told: Value = serde_json::from_str(&second.stdout).unwrap();
        assert_eq!(
            (&told["signatures"], &told["keyid"]),
            (&json!(2), &json!(BOB.fingerprint()))
        );
    }
    let envelope = envelope(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(envelope.payload(), warrant().to_string().as_bytes());
    let keyids: Vec<&str> = envelope
        .signatures()
        .iter()
        .map(|one| &*one.keyid)
        .collect();
    assert_eq!(keyids, ["anna", &BOB.fingerprint()]);
}

#[test]
fn what_the_filter_would_refuse_is_not_signed() {
    let directory = tempfile::tempdir().unwrap();
    let key = ANNA.key_file(&directory);
    let changed = |document: Value, member: &str, value: Value| {
        let mut document = document;
        document[member] = value;
        document.to_string()
    };
    let bare = json!({"rollout": "agent", "generation": 1, "kill": null});
    let payload = breakglass_policy::Envelope::new(PayloadType::OrderJson, bare.to_string().into());
    let mut unbound = serde_json::to_value(&payload).unwrap();
    let sig = "A".repeat(86) + "==";
    unbound["signatures"] = json!([{"keyid": "x", "sig": sig}]);
    let mut other = unbound.clone();
    other["payloadType"] = json!("text/plain");
    let cases: &[(String, &[&str], &str)] = &[
        (
            changed(order(), "kill", json!({"mode": "stop"})),
            &[],
            "is refused: kill.mode: ",
        ),
        (
            changed(order(), "generation", json!(-1)),
            &[],
            "generation: invalid value",
        ),
        (
            changed(warrant(), "author", json!("anna")),
            &[],
            "approvers: `anna` is the author",
        ),
        (changed(warrant(), "after", Value::Null), &[], "after: "),
        (order().to_string(), &["--type", "warrant"], "is refused: "),
        (
            order().to_string(),
            &["--policy-name", "sales"],
            "the order is for `support`, --policy-name says `sales`",
        ),
        ("hello".into(), &[], "expected value at line 1"),
        ("[]".into(), &[], "is refused: "),
        (unbound.to_string(), &[], "payload: `policy` is missing"),
        (
            unbound.to_string(),
            &["--type", "warrant"],
            "payloadType: `application/vnd.breakglass.order+json` is not that of warrants",
        ),
        (other.to_string(), &[], "payloadType: "),
    ];
    for (document, more, message) in cases {
        let document = write(&directory, "document", document);
        let refused = breakglass(&[&["sign", "--key", &key, &document], *more].concat(), "");
        assert_eq!(
            (refused.status, refused.stdout.as_str()),
            (Some(2), ""),
            "{message}"
        );
        assert!(
            refused.stderr.contains(message),
            "{message}: {}",
            refused.stderr
        );
    }
}

#[test]
fn bad_usage_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    let key = private_file(&directory.path().join("key"), "");
    let cases: &[(&[&str], &str)] = &[
        (&[], "expected --key FILE or --agent"),
        (&["--key", &key, "--agent"], "cannot be used with"),
        (&["--agent-key", "x"], "--agent"),
        (&["--id", "x"], "--key"),
        (&["--key", &key, "--json"], "--output"),
    ];
    for (more, message) in cases {
        let refused = breakglass(&[&["sign", &document], *more].concat(), "");
        assert_eq!(refused.status, Some(2), "{more:?}");
        assert!(
            refused.stderr.contains(message),
            "{more:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn an_order_that_no_proxy_would_obey_any_more_is_signed_with_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let key = ANNA.key_file(&directory);
    for (time, message) in [
        ("2026-01-01T00:00:00Z", "for 600 seconds only"),
        ("2999-01-01T00:00:00Z", "no order from the future"),
    ] {
        let mut order = order();
        order["issued_at"] = json!(time);
        let signed = breakglass(&["sign", "--key", &key, "-"], &order.to_string());
        assert_eq!(signed.status, Some(0));
        assert!(signed.stderr.contains(message), "{}", signed.stderr);
    }
}
