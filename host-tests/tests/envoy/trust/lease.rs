//! Leases that lapse while nobody asks.

use std::time::{Duration, SystemTime};

use breakglass_examples::people;
use serde_json::{Value, json};

use super::{People, assert_refused, at, gauges, permitted, rollout, versions};
use crate::edge::Edge;
use crate::kill::assert_all_workers;
use crate::policy::{CANARY, STABLE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_lapses_without_traffic_and_the_named_warrant_renews_it() {
    let people = People::new();
    let warrant = people.warrant(0, json!({}));
    let lease = Lease::of(UNTIL_STARTED);
    let mut control = permitted(1, 100, &warrant);
    control["not_after"] = lease.text();
    let edge = Edge::start(people.policy(control)).await;
    assert_eq!(versions(&edge).await, [CANARY; 8], "before it lapses");
    assert_eq!(gauges(&edge).await, [Some(1.0), Some(1e6), Some(0.0)]);

    // The first requests after it, before any worker may have ticked.
    lease.lapsed().await;
    assert_eq!(versions(&edge).await, [STABLE; 8], "after it lapsed");
    assert_lapsed(&edge, 1, &lease).await;

    // A later end alone is a raise; the warrant that the proxy holds permits it.
    let lease = Lease::of(UNTIL_RENEWED);
    let mut terms = json!({"not_after": lease.text()});
    let answer = edge
        .operator()
        .signed(&people.order(2, terms.clone()))
        .await;
    assert_refused(&answer.unwrap(), 403, "warrant-missing");
    terms["warrant"] = people::digest(&people.warrant(0, json!({"ramp": {"percent": 99}}))).into();
    let answer = edge
        .operator()
        .signed(&people.order(2, terms.clone()))
        .await;
    assert_refused(&answer.unwrap(), 403, "warrant-not-held");
    assert_eq!(versions(&edge).await, [STABLE; 8], "after what was refused");
    terms["warrant"] = people::digest(&warrant).into();
    let answer = edge
        .operator()
        .signed(&people.order(2, terms))
        .await
        .unwrap();
    assert_all_workers(&answer, 2);
    assert_eq!(versions(&edge).await, [CANARY; 8], "renewed");
    assert_eq!(gauges(&edge).await, [Some(2.0), Some(1e6), Some(0.0)]);

    // And again, without a single request until the gauges say so.
    lease.lapsed().await;
    assert_lapsed(&edge, 2, &lease).await;
    assert_eq!(versions(&edge).await, [STABLE; 8], "after it lapsed");
    edge.finish().await;
}

/// Waits until everything says that nobody is on the canary any more.
async fn assert_lapsed(edge: &Edge, generation: u64, lease: &Lease) {
    let expected = [Some(generation as f64), Some(0.0), Some(0.0)];
    let mut looks = 1;
    while gauges(edge).await != expected {
        assert!(looks < LOOKS, "the gauges: {:?}", gauges(edge).await);
        looks += 1;
        tokio::time::sleep(LOOK).await;
    }
    println!(
        "the gauges say 0 at most {:?} after the end of the lease",
        lease.end.elapsed().unwrap_or_default()
    );
    let rollout = rollout(edge).await;
    assert_eq!(rollout["closed"], "lapse", "{rollout}");
    assert_eq!(rollout["percent"], 0, "{rollout}");
    let said = format!("the lease of generation {generation} has lapsed");
    let log = edge.log();
    let lines = log.lines().filter(|line| line.contains(&said)).count();
    assert_eq!(lines, 1, "said once");
}

/// A lease that ends soon.
struct Lease {
    end: SystemTime,
}

// === impl Lease ===

impl Lease {
    fn of(length: Duration) -> Self {
        Self {
            end: SystemTime::now() + length,
        }
    }

    fn text(&self) -> Value {
        at(self.end).into()
    }

    /// Waits for the moment after its end, and not for anything that Envoy does.
    async fn lapsed(&self) {
        while let Ok(left) = self.end.duration_since(SystemTime::now()) {
            tokio::time::sleep(left + Duration::from_millis(1)).await;
        }
    }
}

/// Long enough for Envoy to start and serve on a busy machine.
const UNTIL_STARTED: Duration = Duration::from_secs(20);

/// Long enough for three orders.
const UNTIL_RENEWED: Duration = Duration::from_secs(6);

const LOOK: Duration = Duration::from_millis(5);

/// A tick is 20 ms; this is far more.
const LOOKS: usize = 2_000;
