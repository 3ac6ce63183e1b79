//! The share of a ramp: every single decision is the one that anybody can compute.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_examples::load::{Plan, Record, users};
use breakglass_examples::share::{Percent, Salt};
use serde_json::json;

use crate::client::PROTOCOLS;
use crate::edge::Edge;
use crate::policy::{CANARY, SALT, STABLE, policy, ramp};

/// The steps of the ramp, in millionths of the users, as a policy writes them in percent.
const STEPS: [(u32, &str); 8] = [
    (0, "0"),
    (1, "0.0001"),
    (10_000, "1"),
    (100_000, "10"),
    (333_333, "33.3333"),
    (500_000, "50"),
    (999_999, "99.9999"),
    (1_000_000, "100"),
];

const USERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_is_the_computed_one_and_nobody_moves_back() {
    let salt = Salt::new(SALT);
    let edges = edge_users(salt);
    let mut users = users(USERS);
    users.extend(edges.iter().cloned());
    let edge = Edge::start(policy(ramp(1, 0))).await;

    let mut on_canary = BTreeSet::new();
    let mut expected = BTreeMap::from([(STABLE, 0), (CANARY, 0)]);
    for ((ppm, percent), generation) in STEPS.into_iter().zip(2..) {
        let number: serde_json::Value = serde_json::from_str(percent).unwrap();
        edge.push(&policy(ramp(generation, number))).await;
        let share = Percent::ppm(ppm);
        // The same users over both: a decision does not depend on how the request comes.
        for protocol in PROTOCOLS {
            let mut plan = Plan::new(edge.traffic(), users.clone());
            plan.protocol = protocol;
            let records = plan.run().await;
            assert_eq!(records.len(), users.len());
            for record in &records {
                let version = if salt.takes(&record.unit, share) {
                    CANARY
                } else {
                    STABLE
                };
                let of = format!(
                    "{} at {percent} % over {protocol:?}: {record:?}",
                    record.unit
                );
                assert_eq!(record.version.as_deref(), Some(version), "{of}");
                assert_stamps(record, version, generation, &of);
                *expected.get_mut(version).unwrap() += 1;
            }
            let now: BTreeSet<String> = on(&records, CANARY);
            let left: Vec<_> = on_canary.difference(&now).collect();
            assert!(
                left.is_empty(),
                "went back to the old version at {percent} %: {left:?}"
            );
            println!(
                "{percent:>8} % over {protocol:?}: {} of {} users",
                now.len(),
                users.len()
            );
            on_canary = now;
        }
    }

    for (version, arm) in [(STABLE, "stable"), (CANARY, "canary")] {
        let counted = edge
            .count("breakglass_requests_total", &[("arm", arm)])
            .await;
        assert_eq!(counted, expected[version], "requests counted for {arm}");
    }
    edge.finish().await;
}

/// What the agent was told is what was decided.
fn assert_stamps(record: &Record, version: &str, generation: u64, of: &str) {
    let (arm, prompt, cluster) = match version {
        CANARY => ("canary", "42", "agent-v42"),
        _ => ("stable", "41", "agent-v41"),
    };
    let expected = json!({
        "x-breakglass-rollout": "support-agent",
        "x-breakglass-arm": arm,
        "x-breakglass-version": version,
        "x-breakglass-generation": generation.to_string(),
        "x-breakglass-cluster": cluster,
        "x-prompt-version": prompt,
    });
    assert_eq!(record.received["headers"], expected, "{of}");
}

fn on(records: &[Record], version: &str) -> BTreeSet<String> {
    let of_version = records
        .iter()
        .filter(|record| record.version.as_deref() == Some(version));
    of_version.map(|record| record.unit.clone()).collect()
}

/// Users on both sides of the two edges where one user in a million makes the difference.
fn edge_users(salt: Salt) -> Vec<String> {
    let (first, last) = (Percent::ppm(1), Percent::ppm(999_999));
    let mut found = Vec::new();
    for number in 0..4_000_000_u32 {
        let user = format!("edge-{number}");
        if salt.takes(&user, first) || !salt.takes(&user, last) {
            found.push(user);
        }
    }
    let firsts = found.iter().filter(|user| salt.takes(user, first)).count();
    assert!(
        firsts > 0 && firsts < found.len(),
        "{firsts} of {} take the first step",
        found.len()
    );
    found
}
