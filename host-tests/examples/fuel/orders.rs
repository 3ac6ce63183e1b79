//! What an order costs the worker that it reaches.

use breakglass_bench::check::Case;
use breakglass_bench::{DifferBy, policy_json};
use breakglass_examples::people::{self, Person};
use breakglass_host_tests::{Last, More};
use serde_json::{Value, json};

use crate::Outcome;
use crate::scene::{Scene, spent};

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let lead = Person::new("security-lead-1", "security_lead");
    let platform = Person::new("platform-lead-1", "platform_lead");
    let mut policy = policy_json(1, DifferBy::Path);
    let name = policy["policy"].clone();
    let rollout = policy["rollouts"][0].clone();
    policy["trust"] = people::trust(
        1,
        &[&lead, &platform],
        &[&["security_lead", "platform_lead"]],
    );
    let scene = Scene::new(&policy)?;
    let operator = scene.operator(&policy)?;

    let warrant = json!({
        "change": "chg-1", "policy": name, "rollout": rollout["name"],
        "subject": {
            "stable": rollout["arms"]["stable"]["version"],
            "canary": rollout["arms"]["canary"]["version"],
            "salt": rollout["salt"],
        },
        "ramp": {"percent": 100}, "after": 0,
        "not_before": "1970-01-01T00:00:00Z", "not_after": "2100-01-01T00:00:00Z",
        "drill": {"receipt": people::digest(&json!({"payload": ""})), "at": "1970-01-01T00:00:00Z"},
        "author": "engineer-1", "approvers": [lead.approver(), platform.approver()],
    });
    let warrant = people::sign(people::WARRANT, &warrant, &[&lead, &platform]);
    let issued_at = humantime::format_rfc3339_millis(scene.proxy.now()).to_string();
    let order = |generation: u64, further: Value| {
        let mut order = json!({
            "policy": name, "rollout": rollout["name"],
            "generation": generation, "issued_at": issued_at,
        });
        for (name, term) in further.as_object().into_iter().flatten() {
            order[name] = term.clone();
        }
        people::sign(people::ORDER, &order, &[&lead])
    };
    let raise = json!({"ramp": {"percent": 10}, "warrant": warrant});
    let kill = json!({"kill": {"mode": "rollback", "in_flight": "cut"}});
    let mut forged = order(9_002, kill.clone());
    forged["payload"] = order(9_003, kill.clone())["payload"].clone();

    let orders = [
        (
            "order: a raise",
            "all callbacks of the call: 3 signatures",
            order(9_000, raise),
        ),
        (
            "order: a kill",
            "all callbacks of the call: 1 signature",
            order(9_001, kill),
        ),
        (
            "order: a forged kill",
            "all callbacks of the call: 1 bad signature",
            forged,
        ),
    ];
    let cases = orders.map(|(name, counts, envelope)| {
        let mut stream = scene.proxy.worker(0).open(&operator);
        let head = [
            (":method", "POST"),
            (":path", "/v1/orders"),
            (":authority", "operator"),
            ("content-type", people::ENVELOPE),
        ];
        stream.request(head, More);
        stream.request_body(envelope.to_string().as_bytes(), Last);
        Case::new(name, counts, spent(&stream.finish(), |_| true))
    });
    let effects = scene.answered(&crate::scene::user(1, 0));
    let generation = effects
        .upstream
        .and_then(|upstream| upstream.headers.text("x-breakglass-generation"));
    match generation.as_deref() {
        Some("9001") => Ok(cases.into()),
        other => {
            Err(format!("generation {other:?} is in force, expected that of the kill, 9001").into())
        }
    }
}
