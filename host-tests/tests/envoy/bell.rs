//! The counter that tells a worker of changes in shared data, where Envoy's statistics do not keep it.

use breakglass_examples::stack::{InFlight, Kill};
use hyper::Request;

use crate::client::{PROTOCOLS, ask, empty};
use crate::edge::{Edge, options};
use crate::policy::{ROLLOUT, STABLE, policy, ramp};

/// An operator may leave the filter's metrics out of Envoy's: they are zero then, for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_needs_no_metrics() {
    let mut options = options(policy(ramp(1, 100)));
    let left_out = "{stats_matcher: {exclusion_list: {patterns: [{contains: breakglass_}]}}}";
    options.arguments = vec![
        "--config-yaml".to_owned(),
        format!("stats_config: {left_out}"),
    ];
    let edge = Edge::start_with(options).await;
    kill_and_look(&edge, 2).await;
    let told = edge.counters().await;
    assert!(told.is_empty(), "the metrics were to be left out: {told:?}");
    edge.finish().await;
}

/// `POST /reset_counters` of Envoy's admin endpoint puts the counter back to zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_outlasts_counters_that_are_reset() {
    let edge = Edge::start(policy(ramp(1, 100))).await;
    for generation in [10, 20] {
        edge.push(&policy(ramp(generation, 100))).await;
        let request = Request::post("/reset_counters").body(empty());
        let answer = ask(
            edge.admin().addr(),
            PROTOCOLS[0],
            request.expect("a request"),
        );
        assert_eq!(answer.await.status, 200);
        kill_and_look(&edge, generation + 1).await;
    }
    edge.finish().await;
}

/// Kills the canary; from the answer on nobody may be on it.
async fn kill_and_look(edge: &Edge, generation: u64) {
    let on_canary = edge.ask_as("before", PROTOCOLS[0]).await;
    assert_ne!(crate::client::version_in(&on_canary), STABLE);
    let killed = edge
        .operator()
        .kill(ROLLOUT, generation, Kill::Rollback, InFlight::Drain);
    assert_eq!(killed.await.expect("an answer").status, 200);
    for n in 0..100 {
        let answer = edge.ask_as(&format!("u{n}"), PROTOCOLS[n % 2]).await;
        assert_eq!(crate::client::version_in(&answer), STABLE, "request {n}");
    }
}
