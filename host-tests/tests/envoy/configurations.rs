//! The shipped configurations, as Envoy reads them.

use breakglass_examples::load::Protocol;
use breakglass_examples::stack::{Config, InFlight, Kill, validate};

use crate::edge::{Edge, options};
use crate::policy::{CANARY, ROLLOUT, STABLE, policy, ramp};

#[test]
fn envoy_takes_the_bootstrap() {
    validate(Config::Bootstrap).unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn envoy_takes_the_minimal_configuration() {
    validate(Config::Minimal).unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_minimal_configuration_routes_and_kills() {
    let mut options = options(policy(ramp(1, 100)));
    options.config = Config::Minimal;
    let edge = Edge::start_with(options).await;
    let version = async || {
        edge.ask_as("somebody", Protocol::Http1)
            .await
            .json()
            .unwrap()["version"]
            .clone()
    };
    assert_eq!(version().await, CANARY);
    let answer = edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    for _ in 0..8 {
        assert_eq!(version().await, STABLE, "after the kill");
    }
    edge.finish().await;
}
