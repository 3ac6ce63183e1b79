//! What Envoy tells of how an answer ended: the agent broke it off, or its reader left.

use std::time::Duration;

use breakglass_examples::agent::{Failure, Rate};
use breakglass_examples::load::{Plan, Protocol, Shape, Update, users};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::PROTOCOLS;
use crate::edge::{Edge, options};
use crate::policy::{policy_with, ramp};

async fn answers(edge: &Edge, ended: u64) -> Value {
    // Every worker shares what it counted with its next tick.
    for _ in 0..500 {
        let answers = edge.state().await["rollouts"][0]["arms"]["canary"]["answers"].clone();
        if answers["ended"].as_u64() >= Some(ended) {
            return answers;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {ended} answers: {}", edge.state().await);
}

fn plan(edge: &Edge, protocol: Protocol, count: usize, tokens: usize) -> Plan {
    let mut plan = Plan::new(edge.traffic(), users(count));
    plan.protocol = protocol;
    plan.shape = Shape::Stream { tokens };
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_breaks_off_has_failed_and_a_reader_who_leaves_has_not() {
    let judge = json!({"judge": {"alpha": 0.001, "signals": [{"error_rate": {}}]}});
    let edge = Edge::start_with(options(policy_with(ramp(1, 100), judge))).await;
    let whole = (*edge.agents().canary.config()).clone();
    let mut ended = 0;
    let mut errors = 0;
    for protocol in PROTOCOLS {
        plan(&edge, protocol, 6, 3).run().await;
        ended += 6;
        let told = answers(&edge, ended).await;
        assert_eq!(
            (&told["ended"], &told["errors"]),
            (&json!(ended), &json!(errors))
        );

        for failure in [Failure::Status, Failure::ErrorEvent, Failure::BreakOff] {
            let mut failing = whole.clone();
            (failing.error_rate, failing.failure) = (Rate::ALWAYS, failure);
            edge.agents().canary.reconfigure(failing);
            plan(&edge, protocol, 6, 8).run().await;
            (ended, errors) = (ended + 6, errors + 6);
            let told = answers(&edge, ended).await;
            let found = (&told["ended"], &told["errors"]);
            assert_eq!(
                found,
                (&json!(ended), &json!(errors)),
                "{failure:?} over {protocol:?}"
            );
        }

        edge.agents().canary.reconfigure(whole.clone());
        let (updates, mut news) = mpsc::unbounded_channel();
        let load = plan(&edge, protocol, 6, 100_000).start(updates);
        let mut streaming = 0;
        while streaming < 6 {
            if let Some(Update::Streaming { .. }) = news.recv().await {
                streaming += 1;
            }
        }
        drop(load);
        ended += 6;
        let told = answers(&edge, ended).await;
        let found = (&told["ended"], &told["errors"]);
        assert_eq!(
            found,
            (&json!(ended), &json!(errors)),
            "readers left, over {protocol:?}"
        );
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_begins_at_zero() {
    let mut edge = Edge::start_with(options(policy_with(ramp(1, 100), json!({})))).await;
    plan(&edge, Protocol::Http1, 6, 3).run().await;
    answers(&edge, 6).await;
    let boot = edge.state().await["boot"].clone();
    edge.restart().await.expect("it comes back");
    edge.wait_for(1).await;
    assert_ne!(edge.state().await["boot"], boot);
    assert_eq!(answers(&edge, 0).await["ended"], 0);
    plan(&edge, Protocol::Http1, 4, 3).run().await;
    assert_eq!(answers(&edge, 4).await["ended"], 4);
    edge.finish().await;
}
