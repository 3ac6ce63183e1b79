//! A broken policy is refused whole: nothing that anybody can see has changed.

use breakglass_host_tests::{Error, More, Proxy, module};
use serde_json::{Value, json};

use crate::world::{World, all_canary, kill, policy, rollout, with};

const REJECTED: &str = "breakglass_config_rejected_total";

/// A good rollout that must not be seen, and one with this in it.
fn second(fields: Value) -> String {
    let newer = json!({"generation": 90, "ramp": {"percent": 0}, "kill": {"mode": "block", "in_flight": "cut"}});
    let good = rollout(newer.clone());
    let named = with(rollout(newer), json!({"name": "second"}));
    policy([good, with(named, fields)]).to_string()
}

/// Broken policies, and the path or words that the log names.
fn broken() -> Vec<(String, &'static str)> {
    let whole = |text: &str| text.to_owned();
    let steps: Vec<_> = (0..300)
        .map(|n| json!({"percent": n, "at": "2026-11-23T20:00:00Z"}))
        .collect();
    let sized = |bytes: usize| format!("{{\"policy\": \"support\"}}{}", " ".repeat(bytes));
    vec![
        (whole(""), ""),
        (whole("null"), ""),
        (whole("{"), ""),
        (whole("[]"), ""),
        (whole("\u{0}"), ""),
        (sized(9 << 20), "bytes"),
        ("[".repeat(200_000), ""),
        (whole("{}"), "policy"),
        (whole(r#"{"policy": "support", "rollout": []}"#), "rollout"),
        (whole(r#"{"policy": "a b"}"#), "policy"),
        (
            whole(r#"{"policy": "support", "policy": "support"}"#),
            "policy",
        ),
        (whole(r#"{"policy": "support", "role": "admin"}"#), "role"),
        (
            second(json!({"control": {"ramp": {"percent": 0.00001}}})),
            "rollouts[1].control.ramp",
        ),
        (
            second(json!({"control": {"ramp": {"percent": 100.0001}}})),
            "rollouts[1].control.ramp",
        ),
        (
            second(json!({"control": {"ramp": {"percent": -1}}})),
            "rollouts[1].control.ramp",
        ),
        (
            second(json!({"control": {"ramp": steps}})),
            "rollouts[1].control.ramp",
        ),
        (
            second(
                json!({"control": {"ramp": [{"percent": 9}, {"percent": 1, "at": "2026-11-23T20:00:00Z"}]}}),
            ),
            "rollouts[1].control.ramp",
        ),
        (
            second(json!({"control": {"generation": -1}})),
            "rollouts[1].control.generation",
        ),
        (
            second(json!({"control": {"generation": 9007199254740992u64}})),
            "rollouts[1].control.generation",
        ),
        (
            second(json!({"control": {"kill": {"mode": "maybe"}}})),
            "rollouts[1].control.kill.mode",
        ),
        (
            second(json!({"control": {"kill": {"mode": "block", "in_flight": "cut", "x": 1}}})),
            "rollouts[1].control.kill",
        ),
        (
            second(json!({"control": {"not_after": "tomorrow"}})),
            "rollouts[1].control.not_after",
        ),
        (
            second(json!({"match": {"path_prefix": "v1"}})),
            "rollouts[1].match.path_prefix",
        ),
        (
            second(json!({"match": {"host": "a:80"}})),
            "rollouts[1].match.host",
        ),
        (
            second(
                json!({"unit": [{"random_cookie": {"name": "a", "max_age": "1d"}}, {"header": "a"}]}),
            ),
            "rollouts[1].unit",
        ),
        (
            second(json!({"unit": [{"header": "x y"}]})),
            "rollouts[1].unit[0].header",
        ),
        (second(json!({"salt": ""})), "rollouts[1].salt"),
        (
            second(json!({"pins": {"canary": ["a"], "stable": ["a"]}})),
            "rollouts[1].pins",
        ),
        (
            second(
                json!({"arms": {"canary": {"request_headers": {"x-breakglass-arm": "canary"}}}}),
            ),
            "rollouts[1].arms.canary.request_headers",
        ),
        (
            second(json!({"arms": {"canary": {"request_headers": {":path": "/"}}}})),
            "rollouts[1].arms.canary.request_headers",
        ),
        (
            second(json!({"arms": {"canary": {"request_headers": {"x": "a\r\nb: c"}}}})),
            "rollouts[1].arms.canary.request_headers",
        ),
        (
            second(json!({"arms": {"canary": {"version": "a\nb"}}})),
            "rollouts[1].arms.canary.version",
        ),
        (
            second(json!({"arms": {"canary": {"json": {"no-slash": 1}}}})),
            "rollouts[1].arms.canary.json",
        ),
        (
            second(json!({"arms": {"canary": {"request_headers": {"x-user-id": "1"}}}})),
            "x-user-id",
        ),
        (
            second(json!({"name": "support-agent"})),
            "two rollouts are named",
        ),
        (
            second(json!({"redaction": {"response": {"EMAIL_ADDRESS": "hide"}}})),
            "rollouts[1].redaction.response",
        ),
        (second(json!({"surprise": 1})), "rollouts[1]"),
    ]
}

#[test]
fn a_refused_policy_leaves_shared_data_metrics_and_traffic_as_they_were() {
    let world = World::new(&all_canary());
    let mut open = world.events(0, "u");
    assert_eq!(world.arm(1, "u").as_deref(), Some("canary"));
    assert!(world.counter(REJECTED) == 0);
    let control = world.control();
    let shared = world.shared();
    let mut metrics = world.metrics();
    metrics.retain(|(name, _)| name != REJECTED);
    let vms = world.worker(0).vms();
    for (n, (document, place)) in broken().into_iter().enumerate() {
        let told = &document[..document.len().min(60)];
        let refused = world.traffic.update(&document).expect_err(told);
        let Error::Refused { logs, .. } = &refused else {
            panic!("{told}: {refused}");
        };
        let log: Vec<_> = logs.iter().map(|line| line.message.as_str()).collect();
        assert!(
            log.iter()
                .any(|line| line.contains("refused") && line.contains(place)),
            "{place} in {log:?}"
        );
        assert_eq!(world.counter(REJECTED), n as u64 + 1, "{told}");
        let mut now = world.metrics();
        now.retain(|(name, _)| name != REJECTED);
        assert_eq!(now, metrics, "{told}");
        assert_eq!(world.shared(), shared, "{told}");
        assert_eq!(world.worker(0).vms(), vms, "{told}");
    }
    assert_eq!(world.control(), control);
    assert_eq!(world.arm(1, "u").as_deref(), Some("canary"));
    assert_eq!(open.response_body("data: x\n\n", More), b"data: x\n\n");
    assert_eq!(world.traffic.failures(), []);
    world.tick();
    assert_eq!(
        world.order(&kill(2, "rollback", "drain")).status,
        200,
        "and orders still work"
    );
}

#[test]
fn a_refused_policy_writes_no_secret_of_the_document_but_where_it_is_wrong() {
    let world = World::new(&all_canary());
    let document =
        second(json!({"control": {"generation": "x"}, "pins": {"canary": ["jane@example.com"]}}));
    let refused = world.traffic.update(document).expect_err("it is broken");
    let text = refused.to_string();
    assert!(text.contains("rollouts[1].control.generation"), "{text}");
    assert!(!text.contains("jane@"), "{text}");
}

#[test]
fn a_broken_policy_at_boot_is_a_refusal_not_a_trap() {
    let proxy = Proxy::builder(module()).build();
    for (document, _) in broken() {
        let told = document[document.len().saturating_sub(300)..].to_owned();
        let plugin = proxy.plugin("traffic").vm_id("breakglass");
        let outcome = plugin.configure(document);
        assert!(
            matches!(outcome, Err(Error::Refused { .. })),
            "{told}: {outcome:?}"
        );
    }
    assert_eq!(proxy.traps(), []);
}

#[test]
fn trying_a_good_policy_writes_nothing_to_shared_data_before_it_serves() {
    let world = World::new(&all_canary());
    let shared = world.shared();
    // The throw-away VM takes it; what refuses the listener afterwards is not the filter's to know.
    let newer = crate::world::controlled(json!({"generation": 9, "kill": {"mode": "block"}}));
    let update = world.traffic.stage(newer.to_string()).expect("it is taken");
    assert_eq!(world.shared(), shared, "before a tick of the main thread");
    update.finish();
}
