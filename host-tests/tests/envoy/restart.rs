//! A restart of Envoy, and receipts.

use breakglass_examples::load::Protocol;
use breakglass_examples::stack::{InFlight, Kill};
use serde_json::{Value, json};

use crate::edge::Edge;
use crate::policy::{CANARY, ROLLOUT, STABLE, killed, policy, ramp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_that_the_policy_carries_survives_a_restart() {
    let mut edge = Edge::start(policy(ramp(1, 100))).await;
    let answer = edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What the operator's tool does after every order: write it into the durable policy.
    edge.offer(&policy(killed(2, "rollback", "cut"))).await;
    let boot = edge.state().await["boot"].clone();
    edge.restart().await.unwrap();
    let state = edge.wait_for(2).await;
    assert_ne!(state["boot"], boot, "the boot id after a restart");
    let control = &state["rollouts"][0]["control"];
    assert_eq!(
        control["kill"],
        json!({"mode": "rollback", "in_flight": "cut"}),
        "{control}"
    );
    assert_eq!(versions(&edge).await, [STABLE; 8], "after the restart");

    // An old push, late: still nothing.
    edge.offer(&policy(ramp(1, 100))).await;
    edge.wait_for(2).await;
    assert_eq!(versions(&edge).await, [STABLE; 8], "after an old policy");
    edge.push(&policy(ramp(3, 100))).await;
    assert_eq!(versions(&edge).await, [CANARY; 8], "armed again");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_not_in_the_policy_is_lost_with_a_restart() {
    // Not a promise but a limit, which the README has to tell: shared data live in the process.
    let mut edge = Edge::start(policy(ramp(1, 100))).await;
    let answer = edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(versions(&edge).await, [STABLE; 8], "killed");
    edge.restart().await.unwrap();
    let state = edge.wait_for(1).await;
    let control = &state["rollouts"][0]["control"];
    assert_eq!(
        (&control["generation"], &control["kill"]),
        (&1.into(), &Value::Null),
        "{control}"
    );
    assert_eq!(versions(&edge).await, [CANARY; 8], "the policy alone");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_names_every_worker_and_since_when() {
    let edge = Edge::start(policy(ramp(1, 100))).await;
    for generation in 2..6 {
        match generation % 2 {
            0 => edge.push(&policy(ramp(generation, 100))).await,
            _ => {
                let order =
                    json!({"rollout": ROLLOUT, "generation": generation, "ramp": {"percent": 100}});
                let answer = edge.operator().order(&order).await.unwrap();
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
        let receipts = edge
            .operator()
            .get(&format!("/v1/receipts/{generation}"))
            .await
            .unwrap();
        assert_eq!(receipts.status, 200, "{}", receipts.text());
        let receipts = receipts.json().unwrap();
        let rollout = &receipts["rollouts"][0];
        assert_eq!(
            (&rollout["rollout"], &rollout["generation"]),
            (&ROLLOUT.into(), &generation.into()),
            "{receipts}"
        );
        let workers = &rollout["workers"];
        let ids = |list: &Value| -> Vec<Value> {
            let mut ids: Vec<Value> = list
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| item["id"].clone())
                .collect();
            ids.sort_by_key(Value::to_string);
            ids
        };
        let alive = ids(&edge.state().await["workers"]);
        println!(
            "generation {generation}: {} of {} workers",
            workers["in_force"], workers["total"]
        );
        assert!(alive.len() >= 2, "two workers serve: {alive:?}");
        assert_eq!(
            ids(&workers["receipts"]),
            alive,
            "generation {generation}: {receipts}"
        );
        assert_eq!(workers["stragglers"], json!([]), "{receipts}");
        let since = workers["receipts"].as_array().into_iter().flatten();
        assert!(
            since.clone().all(|receipt| receipt["since"].is_string()),
            "{receipts}"
        );
    }
    let never = edge.operator().get("/v1/receipts/99").await.unwrap();
    assert_eq!(never.status, 404, "{}", never.text());
    edge.finish().await;
}

/// Who answers, over connections that go to both workers.
async fn versions(edge: &Edge) -> Vec<String> {
    let mut versions = Vec::new();
    for number in 0..8 {
        let answer = edge
            .ask_as(&format!("user-{number}"), Protocol::Http1)
            .await;
        let version = answer
            .json()
            .map(|json| json["version"].clone())
            .unwrap_or_default();
        versions.push(version.as_str().unwrap_or_default().to_owned());
    }
    versions
}
