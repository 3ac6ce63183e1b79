//! What comes before the ramp, and what the clock does to it: pins, requests without a unit, timed
//! steps, leases.

use std::time::{Duration, SystemTime};

use breakglass_examples::load::Protocol;
use breakglass_examples::share::{Percent, Salt};
use serde_json::{Value, json};

use crate::client::{PROTOCOLS, ask, full};
use crate::edge::Edge;
use crate::policy::{CANARY, PATH, SALT, STABLE, policy, policy_with, ramp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_beats_the_ramp_but_not_the_kill() {
    let pins = json!({"pins": {"canary": ["qa-1", "qa-2"], "stable": ["vip-7"]}});
    let edge = Edge::start(policy_with(ramp(1, 0), pins.clone())).await;
    for (generation, percent) in [(2, 0), (3, 50), (4, 100)] {
        edge.push(&policy_with(ramp(generation, percent), pins.clone()))
            .await;
        for (user, version) in [("qa-1", CANARY), ("qa-2", CANARY), ("vip-7", STABLE)] {
            for protocol in PROTOCOLS {
                let found = version_for(&edge, user, protocol).await;
                assert_eq!(found, version, "{user} at {percent} % over {protocol:?}");
            }
        }
    }
    let mut control = ramp(5, 100);
    control["kill"] = json!({"mode": "rollback"});
    edge.push(&policy_with(control, pins)).await;
    for user in ["qa-1", "qa-2", "vip-7"] {
        let found = version_for(&edge, user, Protocol::Http1).await;
        assert_eq!(found, STABLE, "{user} after a kill");
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_a_unit_go_to_stable_and_are_counted() {
    let edge = Edge::start(policy(ramp(1, 100))).await;
    // None, an empty one, and one that is longer than any unit.
    let long = "x".repeat(1_025);
    let keyless: [&[(&str, &str)]; 3] = [&[], &[("x-user-id", "")], &[("x-user-id", &long)]];
    let mut sent = 0;
    for protocol in PROTOCOLS {
        for headers in keyless {
            for _ in 0..5 {
                let mut request =
                    hyper::Request::post(PATH).header("content-type", "application/json");
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                let answer = ask(edge.traffic(), protocol, request.body(full("{}")).unwrap()).await;
                let version = answer.json().unwrap()["version"].clone();
                assert_eq!(version, STABLE, "{protocol:?} {:?}", headers.len());
                sent += 1;
            }
        }
    }
    assert_eq!(
        version_for(&edge, "somebody", Protocol::Http1).await,
        CANARY
    );
    let labels = [("rollout", "support-agent")];
    assert_eq!(
        edge.count("breakglass_keyless_total", &labels).await,
        sent,
        "counted as keyless"
    );
    assert_eq!(
        edge.count("breakglass_requests_total", &[("arm", "stable")])
            .await,
        sent,
        "counted for stable"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timed_step_is_taken_at_its_moment_and_not_before() {
    let salt = Salt::new(SALT);
    let user = newcomer(salt, Percent::whole(1), Percent::whole(100));
    let early = newcomer(salt, Percent::whole(0), Percent::whole(1));
    let edge = Edge::start(policy(ramp(1, 0))).await;

    let at = in_a_moment();
    let steps = json!([
        {"percent": 1, "at": "2020-01-01T00:00:00Z"},
        {"percent": 100, "at": text(at)},
        {"percent": 100, "at": "2999-01-01T00:00:00Z"},
    ]);
    edge.push(&policy(
        json!({"generation": 2, "ramp": steps, "kill": null}),
    ))
    .await;
    assert_eq!(
        version_for(&edge, &early, Protocol::Http1).await,
        CANARY,
        "the step of the past"
    );
    let before = until(&edge, &user, CANARY, at).await;
    println!("{before} requests before the step, all on the old version");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapsed_lease_falls_back_to_stable_by_itself() {
    let edge = Edge::start(policy(ramp(1, 0))).await;
    let at = in_a_moment();
    let mut control = ramp(2, 100);
    control["not_after"] = text(at).into();
    edge.push(&policy(control)).await;
    // The lease is good up to and including its last moment.
    let before = until(&edge, "somebody", STABLE, at).await;
    println!("{before} requests before the lease lapsed, all on the new version");
    for user in ["a", "b", "c"] {
        assert_eq!(
            version_for(&edge, user, Protocol::Http2).await,
            STABLE,
            "{user} after the lapse"
        );
    }

    let mut hold = ramp(3, 100);
    hold["not_after"] = "2020-01-01T00:00:00Z".into();
    hold["on_lapse"] = "hold".into();
    edge.push(&policy(hold)).await;
    assert_eq!(
        version_for(&edge, "somebody", Protocol::Http1).await,
        CANARY,
        "a lapse that holds"
    );

    let mut lapsed = ramp(4, 100);
    lapsed["not_after"] = "2020-01-01T00:00:00Z".into();
    edge.push(&policy(lapsed)).await;
    assert_eq!(
        version_for(&edge, "somebody", Protocol::Http1).await,
        STABLE,
        "lapsed long ago"
    );
    let log = edge.access_log_of(before + 6).await;
    let last = log.last().unwrap()["breakglass"].clone();
    assert!(
        last.as_str()
            .is_some_and(|field| field.contains("reason=lapse")),
        "{last}"
    );
    edge.finish().await;
}

/// Asks as `user` until `version` answers; returns how many asked before. Whoever had an answer
/// before `at` must have had the other one, whoever asked after `at` must have this one, where
/// "after" is to the millisecond: the filter's clock has no finer grain.
async fn until(edge: &Edge, user: &str, version: &str, at: SystemTime) -> usize {
    for before in 0.. {
        let asked = SystemTime::now();
        let found = version_for(edge, user, Protocol::Http1).await;
        if SystemTime::now() < at {
            assert_ne!(
                found,
                version,
                "{user} was early by {:?}",
                at.duration_since(asked)
            );
        } else if asked >= at + Duration::from_millis(1) {
            assert_eq!(
                found,
                version,
                "{user} was late by {:?}",
                asked.duration_since(at)
            );
        }
        if found == version {
            return before;
        }
    }
    unreachable!("the loop has no end")
}

async fn version_for(edge: &Edge, user: &str, protocol: Protocol) -> String {
    let answer = edge.ask_as(user, protocol).await;
    let version: Value = answer.json().unwrap()["version"].clone();
    version
        .as_str()
        .map(str::to_owned)
        .unwrap_or_else(|| panic!("{user}: {}", answer.text()))
}

/// A user whom the canary takes at `to` but not at `from`.
fn newcomer(salt: Salt, from: Percent, to: Percent) -> String {
    let comes = |user: &String| salt.takes(user, to) && !salt.takes(user, from);
    (0..)
        .map(|number| format!("user-{number}"))
        .find(comes)
        .expect("somebody")
}

/// Soon, in whole seconds: late enough that the policy is in force before.
fn in_a_moment() -> SystemTime {
    let soon = SystemTime::now() + Duration::from_secs(8);
    let since = soon
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

fn text(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
