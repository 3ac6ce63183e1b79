//! Orders: what is refused says why and leaves the state as it was; what is repeated is harmless; of
//! two at once the stricter wins.

use breakglass_examples::http::{self, Answer};
use breakglass_examples::load::Protocol;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};

use crate::edge::Edge;
use crate::policy::{CANARY, ROLLOUT, STABLE, policy, policy_with, ramp};

const JSON: &str = "application/vnd.breakglass.order+json";
const MSGPACK: &str = "application/vnd.breakglass.order+msgpack";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_order_says_why_and_changes_nothing() {
    let edge = Edge::start(policy(ramp(7, 50))).await;
    let before = edge.state().await;
    let (control, epoch) = (
        before["rollouts"][0]["control"].clone(),
        before["epoch"].clone(),
    );
    for case in refused() {
        let Case {
            name,
            kind,
            body,
            status,
            path,
        } = case;
        let answer = edge.operator().post(kind, body).await.unwrap();
        let problem = assert_problem(&answer, status, name);
        assert_eq!(
            problem.get("path").and_then(Value::as_str),
            path,
            "{name}: {problem}"
        );
        if matches!(status, 403 | 409) {
            assert_eq!(
                problem["control"], control,
                "{name}: the control in force is not told: {problem}"
            );
        }
        let state = edge.state().await;
        let after = &state["rollouts"][0]["control"];
        assert_eq!(*after, control, "{name}: the control after it");
        assert_eq!(state["epoch"], epoch, "{name}: the epoch after it");
    }
    let answer = edge.ask_as("somebody", Protocol::Http1).await;
    assert_eq!(
        answer.json().unwrap()["received"]["headers"]["x-breakglass-generation"],
        "7"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_calls_of_the_operator_endpoint_say_what_is_right() {
    let edge = Edge::start(policy(ramp(7, 50))).await;
    for (method, path, status, allow) in [
        ("GET", "/v1/orders", 405, Some("POST")),
        ("PUT", "/v1/orders", 405, Some("POST")),
        ("POST", "/v1/state", 405, Some("GET")),
        ("DELETE", "/v1/receipts/7", 405, Some("GET")),
        ("GET", "/", 404, None),
        ("GET", "/v1/state/", 404, None),
        ("GET", "/v2/state", 404, None),
        ("GET", "/v1/receipts/", 400, None),
        ("GET", "/v1/receipts/-1", 400, None),
        ("GET", "/v1/receipts/18446744073709551616", 400, None),
        ("GET", "/v1/receipts/8", 404, None),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Full::<Bytes>::default());
        let answer = http::send(edge.operator().addr(), request.unwrap())
            .await
            .unwrap();
        let of = format!("{method} {path}");
        assert_problem(&answer, status, &of);
        assert_eq!(answer.header("allow"), allow, "{of}");
    }
    assert_eq!(
        edge.operator().get("/v1/state?x=y").await.unwrap().status,
        200,
        "a query is no matter"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_keys_are_trusted_an_unsigned_order_is_refused() {
    // The key is nobody's: all that counts is that the policy has `trust`.
    let key = format!(
        "ssh-ed25519 {}",
        "AAAAC3NzaC1lZDI1NTE5AAAAIGJyZWFrZ2xhc3MtdGVzdHMta2V5LW5vYm9keXMtMzIh"
    );
    let trust = json!({"keys": [{"id": "lead", "role": "security_lead", "key": key}], "raise": [["security_lead"]], "lower": "any"});
    let mut trusting = policy(ramp(7, 100));
    trusting["trust"] = trust;
    let edge = Edge::start(trusting).await;
    let order = json!({"rollout": ROLLOUT, "generation": 8, "kill": {"mode": "rollback"}});
    let answer = edge.operator().order(&order).await.unwrap();
    println!(
        "unsigned, the traffic policy has `trust`: {} {}",
        answer.status,
        answer.text()
    );
    assert_problem(&answer, 401, "an unsigned order");
    assert_eq!(edge.control().await["kill"], Value::Null);
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_lower_exposure_is_obeyed_and_may_be_repeated() {
    let edge = Edge::start(policy(ramp(1, 50))).await;
    let orders = [
        json!({"rollout": ROLLOUT, "generation": 2, "ramp": {"percent": 20}}),
        json!({"rollout": ROLLOUT, "generation": 3, "not_after": "2999-01-01T00:00:00Z"}),
        json!({"rollout": ROLLOUT, "generation": 4, "ramp": []}),
        json!({"rollout": ROLLOUT, "generation": 5, "kill": {"mode": "rollback"}}),
        json!({"rollout": ROLLOUT, "generation": 6, "kill": {"mode": "block", "in_flight": "cut"}}),
    ];
    for (number, order) in orders.iter().enumerate() {
        let (kind, body) = match number % 2 {
            0 => (JSON, order.to_string().into_bytes()),
            _ => (MSGPACK, rmp_serde::to_vec_named(order).unwrap()),
        };
        let mut controls = Vec::new();
        for _ in 0..3 {
            let answer = edge.operator().post(kind, body.clone()).await.unwrap();
            assert_eq!(answer.status, 200, "{order}: {}", answer.text());
            let receipt = answer.json().unwrap();
            assert_eq!(receipt["generation"], order["generation"], "{receipt}");
            assert_eq!(receipt["workers"]["stragglers"], json!([]), "{receipt}");
            controls.push(receipt["control"].clone());
        }
        controls.push(edge.control().await);
        assert!(
            controls.windows(2).all(|two| two[0] == two[1]),
            "{order}: repeating it changed something: {controls:?}"
        );
        // An older one that would be good by itself is stale now.
        let stale = json!({"rollout": ROLLOUT, "generation": 1, "kill": {"mode": "rollback"}});
        let problem = assert_problem(
            &edge.operator().order(&stale).await.unwrap(),
            409,
            "an old generation",
        );
        assert_eq!(
            problem["control"], controls[0],
            "the control in force is told"
        );
    }
    let counted = edge
        .count("breakglass_orders_total", &[("result", "accepted")])
        .await;
    assert_eq!(
        counted,
        3 * orders.len() as u64,
        "orders counted as accepted"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_with_one_generation_the_stricter_wins() {
    let pins = json!({"pins": {"canary": ["qa-1"]}});
    let edge = Edge::start(policy_with(ramp(1, 50), pins.clone())).await;
    let order = |generation: u64, members: Value| {
        let mut order = json!({"rollout": ROLLOUT, "generation": generation});
        for (name, value) in members.as_object().expect("members") {
            order[name] = value.clone();
        }
        order
    };
    let pairs = [
        (
            json!({"ramp": {"percent": 5}}),
            json!({"kill": {"mode": "rollback", "in_flight": "drain"}}),
        ),
        (
            json!({"kill": {"mode": "rollback", "in_flight": "drain"}}),
            json!({"kill": {"mode": "rollback", "in_flight": "cut"}}),
        ),
    ];
    for round in 0..10 {
        let (armed, contested) = (10 * round + 2, 10 * round + 3);
        edge.push(&policy_with(ramp(armed, 50), pins.clone())).await;
        for (milder, stricter) in &pairs {
            let orders = [
                order(contested, milder.clone()),
                order(contested, stricter.clone()),
            ];
            let [first, second] = match round % 2 {
                0 => [&orders[0], &orders[1]],
                _ => [&orders[1], &orders[0]],
            };
            // Each comes on a connection of its own: to either worker.
            let operator = edge.operator();
            let answers = tokio::join!(operator.order(first), operator.order(second));
            let statuses = [answers.0.unwrap().status, answers.1.unwrap().status];
            assert!(
                statuses.contains(&200)
                    && statuses.iter().all(|status| [200, 409].contains(status)),
                "{statuses:?}"
            );
            let control = edge.control().await;
            assert_eq!(control["generation"], contested, "{control}");
            assert_eq!(
                control["kill"], stricter["kill"],
                "after {milder} and {stricter}: {control}"
            );
            let answer = edge.ask_as("qa-1", Protocol::Http1).await;
            assert_eq!(
                answer.json().unwrap()["version"],
                STABLE,
                "after the answers"
            );
        }
    }
    edge.push(&policy_with(ramp(200, 0), pins)).await;
    let answer = edge.ask_as("qa-1", Protocol::Http1).await;
    assert_eq!(answer.json().unwrap()["version"], CANARY, "armed again");
    edge.finish().await;
}

/// An order that must be refused.
struct Case {
    name: &'static str,
    kind: &'static str,
    body: Vec<u8>,
    status: u16,
    /// Where in the order the error is.
    path: Option<&'static str>,
}

fn refused() -> Vec<Case> {
    let case = |name, status, path, body: &str| Case {
        name,
        kind: JSON,
        body: body.into(),
        status,
        path,
    };
    let kill = r#"{"rollout": "support-agent", "generation": 8, "kill": {"mode": "rollback"}}"#;
    let huge = format!("{}{kill}", " ".repeat(70_000));
    vec![
        case("no body", 400, None, ""),
        case("not JSON", 400, None, "{"),
        case("two documents", 400, None, &format!("{kill}{kill}")),
        case("no object", 400, None, "[]"),
        case(
            "no rollout",
            400,
            None,
            r#"{"generation": 8, "kill": null}"#,
        ),
        case(
            "a generation of text",
            400,
            Some("generation"),
            r#"{"rollout": "support-agent", "generation": "8"}"#,
        ),
        case(
            "a mode that is none",
            400,
            Some("kill.mode"),
            &kill.replace("rollback", "explode"),
        ),
        case(
            "a field that is none",
            400,
            Some("kil"),
            &kill.replace("\"kill\"", "\"kil\""),
        ),
        case(
            "a percentage that is too fine",
            400,
            Some("ramp.percent"),
            r#"{"rollout": "support-agent", "generation": 8, "ramp": {"percent": 1.23456}}"#,
        ),
        case(
            "nothing to change",
            400,
            None,
            r#"{"rollout": "support-agent", "generation": 8}"#,
        ),
        case(
            "a larger share",
            403,
            None,
            r#"{"rollout": "support-agent", "generation": 8, "ramp": {"percent": 51}}"#,
        ),
        case(
            "a rollout that is none",
            404,
            None,
            &kill.replace("support-agent", "no-agent"),
        ),
        case("an older generation", 409, None, &kill.replace('8', "6")),
        case(
            "a larger share at the same generation",
            409,
            None,
            r#"{"rollout": "support-agent", "generation": 7, "ramp": {"percent": 51}}"#,
        ),
        case("an order beyond the limit", 413, None, &huge),
        Case {
            kind: "application/json",
            ..case("plain JSON", 415, None, kill)
        },
        Case {
            kind: "",
            ..case("no content type", 415, None, kill)
        },
        Case {
            kind: MSGPACK,
            ..case("JSON called MessagePack", 400, None, kill)
        },
        Case {
            kind: MSGPACK,
            body: vec![0x83, 0xa7],
            ..case("torn MessagePack", 400, None, "")
        },
        Case {
            body: b"\xff\xfe{}".to_vec(),
            ..case("not UTF-8", 400, None, "")
        },
        Case {
            body: b"[".repeat(60_000),
            ..case("60,000 open brackets", 400, None, "")
        },
    ]
}

fn assert_problem(answer: &Answer, status: u16, of: &str) -> Value {
    let found = (answer.status, answer.header("content-type"));
    assert_eq!(
        found,
        (status, Some("application/problem+json")),
        "{of}: {}",
        answer.text()
    );
    let problem = answer.json().unwrap();
    assert_eq!(problem["status"], status, "{of}: {problem}");
    for field in ["type", "title", "detail"] {
        assert!(
            problem[field].as_str().is_some_and(|text| !text.is_empty()),
            "{of}: no {field}: {problem}"
        );
    }
    problem
}
