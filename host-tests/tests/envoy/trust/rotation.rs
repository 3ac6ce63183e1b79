//! Changing whose signatures count, while traffic runs.

use std::time::Instant;

use breakglass_examples::people::{self, ENVELOPE, Person};
use hyper::Request;
use serde_json::{Value, json};

use super::{People, RAISE, assert_refused, load, order_by, permitted, versions};
use crate::client::{Client, full};
use crate::edge::Edge;
use crate::kill::{assert_all_workers, finished};
use crate::policy::{CANARY, STABLE};
use breakglass_examples::http::Answer;
use breakglass_examples::load::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_receipt_of_a_push_a_revoked_key_counts_on_no_worker() {
    let mut people = People::new();
    let old = people.engineer.clone();
    let new = Person::new("engineer-2", "senior_engineer");
    let warrant = people.warrant(0, json!({}));
    let edge = Edge::start(people.policy(permitted(1, 100, &warrant))).await;
    // While nobody else connects.
    let mut workers = on_each_worker(&edge).await;
    let (loads, mut news) = load(&edge);

    // Both keys are good at their time: nothing to see but a lease far away.
    let lease = |year: u64| json!({"not_after": format!("{year}-01-01T00:00:00Z")});
    for (client, generation) in workers.iter_mut().zip(2..) {
        let order = order_by(&old, generation, lease(2900 - generation));
        assert_all_workers(&signed(client, &order).await, generation);
        let order = order_by(&new, generation + 1, lease(2900 - generation));
        assert_refused(&signed(client, &order).await, 401, "unknown-key");
    }

    people.engineer = new.clone();
    // The control as it is in force, and a number more for the receipt.
    let mut control = edge.control().await;
    control["generation"] = 4.into();
    let mut policy = people.policy(control);
    policy["trust"] = people.trust(2);
    let pushed = Instant::now();
    edge.offer(&policy).await;
    receipt(&edge, 4).await;
    println!("in force on every worker after {:?}", pushed.elapsed());
    for (client, generation) in workers.iter_mut().zip(5..) {
        let kill = json!({"kill": {"mode": "rollback"}});
        let order = order_by(&old, generation, kill);
        assert_refused(&signed(client, &order).await, 401, "unknown-key");
        let order = order_by(&new, generation, lease(2800 - generation));
        assert_all_workers(&signed(client, &order).await, generation);
    }
    let trust = edge.state().await["trust"].clone();
    let keys = json!(["engineer-2", "security-lead-1", "platform-lead-1"]);
    assert_eq!((&trust["generation"], &trust["keys"]), (&2.into(), &keys));

    // Yesterday's policy brings no key back.
    let mut stale = policy.clone();
    stale["trust"] = People::new().trust(1);
    edge.offer(&stale).await;
    for client in &mut workers {
        let order = order_by(&old, 7, json!({"kill": {"mode": "rollback"}}));
        assert_refused(&signed(client, &order).await, 401, "unknown-key");
    }

    for load in loads {
        load.stop().await;
    }
    let mut requests = 0;
    while let Some(record) = news.recv().await.map(finished) {
        let record = record.expect("no streams");
        let found = (record.is_good(), record.version.as_deref());
        assert_eq!(found, (true, Some(CANARY)), "{record:?}");
        requests += 1;
    }
    println!("{requests} requests, all to the canary");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_change_of_trust_leaves_the_configuration_serving() {
    let people = People::new();
    let warrant = people.warrant(0, json!({}));
    let policy = people.policy(permitted(1, 100, &warrant));
    let edge = Edge::start(policy.clone()).await;
    let keys = [&people.engineer, &people.security, &people.platform];
    let refused = [
        // Nobody could ever raise again: one of the two leads is missing.
        (
            people::trust(2, &keys[..2], RAISE),
            "which would lock everybody out",
        ),
        (
            people::trust(2, &keys, &[&["security_lead", "security_lead"]]),
            "which would lock everybody out",
        ),
        (
            people::trust(2, &keys, &[]),
            "which would lock everybody out",
        ),
        // Another one of the same number.
        (people::trust(1, &keys[..2], RAISE), "has its generation, 1"),
        (
            people::trust(1, &keys, &[&["senior_engineer"]]),
            "has its generation, 1",
        ),
        // Not a trust at all.
        (people::trust(2, &[], RAISE), "trust.keys"),
        (
            people::trust(2, &[&people.engineer, &people.engineer], RAISE),
            "trust.keys",
        ),
    ];
    for (trust, said) in refused {
        let before = edge.admin().discovery().await.unwrap();
        let (state, counted) = (fixed(edge.state().await), rejected(&edge).await);
        // With it comes a kill, which must not be in force either.
        let mut policy = people.policy(json!({"generation": 9, "kill": {"mode": "rollback"}}));
        policy["trust"] = trust.clone();
        let reason = edge.offer_refused(&policy.to_string()).await;
        assert!(reason.contains(said), "`{said}` is not said: {reason}");
        let after = edge.admin().discovery().await.unwrap();
        assert_eq!(
            (after.rejected, after.accepted),
            (before.rejected + 1, before.accepted),
            "{trust}"
        );
        assert!(rejected(&edge).await > counted, "the filter counts it");
        assert_eq!(fixed(edge.state().await), state, "the state after {trust}");
        assert_eq!(versions(&edge).await, [CANARY; 8], "after {trust}");
    }
    // The keys are those of before.
    let answer = edge
        .operator()
        .signed(&people.kill(2, "drain"))
        .await
        .unwrap();
    assert_all_workers(&answer, 2);
    assert_eq!(versions(&edge).await, [STABLE; 8], "after the kill");
    edge.finish().await;
}

/// A connection to the operator's listener on each of the two workers.
async fn on_each_worker(edge: &Edge) -> [Client; 2] {
    let mut found = [None, None];
    for _ in 0..64 {
        let before = connections(edge).await;
        let mut client = Client::connect(edge.operator().addr(), Protocol::Http1)
            .await
            .unwrap();
        let state = Request::get("/v1/state").body(full("")).unwrap();
        assert_eq!(client.ask(state).await.unwrap().status, 200);
        let after = connections(edge).await;
        for ((slot, after), before) in found.iter_mut().zip(after).zip(before) {
            if after > before && slot.is_none() {
                *slot = Some(client);
                break;
            }
        }
        if let [Some(_), Some(_)] = &found {
            return found.map(|client| client.expect("both"));
        }
    }
    panic!("all connections went to one worker");
}

/// Connections to all listeners so far, by worker: Envoy tells them apart by the port that was asked
/// for, which is 0.
async fn connections(edge: &Edge) -> [f64; 2] {
    let stats = edge.stats().await;
    ["0", "1"].map(|worker| {
        stats.sum(
            "envoy_listener_worker_downstream_cx_total",
            &[("envoy_worker_id", worker)],
        )
    })
}

/// Posts an envelope on this connection.
async fn signed(client: &mut Client, envelope: &Value) -> Answer {
    let request = Request::post("/v1/orders").header("content-type", ENVELOPE);
    let request = request.body(full(envelope.to_string())).unwrap();
    client.ask(request).await.unwrap()
}

/// Waits for the receipt of every worker.
async fn receipt(edge: &Edge, generation: u64) {
    loop {
        let path = format!("/v1/receipts/{generation}");
        let answer = edge.operator().get(&path).await.unwrap();
        if answer.status == 200 {
            let workers = answer.json().unwrap()["rollouts"][0]["workers"].clone();
            if workers["stragglers"] == json!([]) {
                return;
            }
        }
        tokio::task::yield_now().await;
    }
}

async fn rejected(edge: &Edge) -> u64 {
    edge.count("breakglass_config_rejected_total", &[]).await
}

/// The operator's view without what goes on meanwhile: the clock, requests, workers that tick for the
/// first time.
fn fixed(mut state: Value) -> Value {
    state["at"].take();
    state["workers"].take();
    state["rollouts"][0]["arms"].take();
    state
}
