//! Pushing policies: what is refused changes nothing, what is accepted breaks nothing, and no push
//! undoes a kill but a newer one.

use std::collections::BTreeMap;

use breakglass_examples::load::{Plan, Protocol, Record, Update, users};
use breakglass_examples::share::{Percent, Salt};
use breakglass_examples::stack::{InFlight, Kill};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::PROTOCOLS;
use crate::client::version_in;
use crate::edge::{Edge, options};
use crate::policy::{CANARY, ROLLOUT, SALT, STABLE, killed, policy, policy_with, ramp};
use crate::transcript;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_policy_leaves_counters_traffic_and_state_as_they_were() {
    let edge = Edge::start(policy(ramp(5, 50))).await;
    let people = users(150);
    let before = decisions(&edge, &people).await;
    let mut streams = Vec::new();
    for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
        streams.push(
            transcript::open(
                edge.traffic(),
                protocol,
                &format!("user-{number}"),
                STREAM_WORDS,
            )
            .await,
        );
    }
    settled(&edge, people.len()).await;
    for (named, text) in refused() {
        let (state, counters) = (fixed(edge.state().await), quiet(edge.counters().await));
        let rejected = edge.count("breakglass_config_rejected_total", &[]).await;
        let reason = edge.offer_refused(&text).await;
        assert!(reason.contains(named), "`{named}` is not named: {reason}");
        assert_eq!(
            fixed(edge.state().await),
            state,
            "the state after {text:.80}"
        );
        assert_eq!(
            quiet(edge.counters().await),
            counters,
            "the counters after {text:.80}"
        );
        let counted = edge.count("breakglass_config_rejected_total", &[]).await;
        assert!(
            counted > rejected,
            "{counted} refusals counted, {rejected} before"
        );
    }
    assert_eq!(decisions(&edge, &people).await, before, "who gets what");
    for stream in streams {
        let user = stream.user.clone();
        stream.end().await.assert_whole(STREAM_WORDS, &user);
    }
    edge.finish().await;
}

/// Waits until workers have told and shared all that they counted, which they do with the next tick.
async fn settled(edge: &Edge, ended: usize) {
    let shared = async || {
        let arms = edge.state().await["rollouts"][0]["arms"].take();
        let arms = ["stable", "canary"].map(|arm| arms[arm].clone());
        let answers = arms
            .iter()
            .filter_map(|arm| arm["answers"]["ended"].as_u64());
        answers.sum::<u64>() == ended as u64
            && arms.iter().all(|arm| {
                arm["requests"] == arm["answers"]["drawn"]
                    && arm["requests"] == arm["responses"]["2xx"]
            })
    };
    let wait = async { while !shared().await {} };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
    waited.expect("the workers share what they counted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_pushes_in_a_row_under_load_fail_no_request() {
    let salt = Salt::new(SALT);
    let edge = Edge::start(policy(ramp(1, 1))).await;
    let mut shares = BTreeMap::from([(1, 1)]);
    let (updates, mut news) = mpsc::unbounded_channel();
    let loads = PROTOCOLS.map(|protocol| {
        let mut plan = Plan::new(edge.traffic(), users(300));
        (plan.protocol, plan.concurrency, plan.passes) = (protocol, 8, None);
        plan.start(updates.clone())
    });
    drop(updates);
    for generation in 2..=51 {
        let percent = (generation * 37 % 101) as u32;
        shares.insert(generation, percent);
        edge.offer(&policy(ramp(generation, percent))).await;
    }
    edge.wait_for(51).await;
    for load in loads {
        load.stop().await;
    }

    let mut by_generation: BTreeMap<u64, usize> = BTreeMap::new();
    while let Some(update) = news.recv().await {
        let Update::Finished(record) = update else {
            continue;
        };
        assert!(record.is_good(), "a request failed: {record:?}");
        let generation = record
            .generation()
            .unwrap_or_else(|| panic!("no generation: {record:?}"));
        let share = Percent::whole(shares[&generation]);
        let version = if salt.takes(&record.unit, share) {
            CANARY
        } else {
            STABLE
        };
        assert_eq!(
            record.version.as_deref(),
            Some(version),
            "at {share} %: {record:?}"
        );
        *by_generation.entry(generation).or_default() += 1;
    }
    let requests: usize = by_generation.values().sum();
    println!("{requests} requests by {} generations", by_generation.len());
    assert!(
        by_generation.len() > 1,
        "no request met a pushed policy: {by_generation:?}"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_newer_generation_undoes_a_kill() {
    let edge = Edge::start(policy(ramp(5, 100))).await;
    assert_eq!(version(&edge).await, CANARY);
    let answer = edge
        .operator()
        .kill(ROLLOUT, 9, Kill::Rollback, InFlight::Drain)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    for generation in [4, 8, 9] {
        // Accepted as a policy; its control is not the newest, or of equals not the stricter.
        edge.offer(&policy(ramp(generation, 100))).await;
        let state = edge.wait_for(9).await;
        let control = &state["rollouts"][0]["control"];
        let found = (&control["generation"], &control["kill"]["mode"]);
        assert_eq!(
            found,
            (&9.into(), &"rollback".into()),
            "after a push of generation {generation}"
        );
        for _ in 0..8 {
            assert_eq!(
                version(&edge).await,
                STABLE,
                "after a push of generation {generation}"
            );
        }
    }
    let log = edge.log();
    assert!(
        log.contains("is not newer than 9"),
        "the log does not say why nothing changed"
    );
    edge.push(&policy(ramp(10, 100))).await;
    for _ in 0..8 {
        assert_eq!(
            version(&edge).await,
            CANARY,
            "after a push of generation 10"
        );
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_share_leaves_open_streams_alone() {
    let mut options = options(policy(ramp(1, 100)));
    options.canary.token_delay = std::time::Duration::from_millis(20);
    let edge = Edge::start_with(options).await;
    let mut streams = Vec::new();
    for protocol in PROTOCOLS {
        streams.push(transcript::open(edge.traffic(), protocol, "somebody", 60).await);
    }
    for generation in 2..6 {
        edge.push(&policy(ramp(generation, 0))).await;
        assert_eq!(version(&edge).await, STABLE, "of a new request");
    }
    for stream in streams {
        assert_eq!(stream.version, CANARY, "{}", stream.user);
        stream
            .end()
            .await
            .assert_whole(60, "a stream of the new version");
    }
    edge.finish().await;
}

/// Texts that are no policy, and what the refusal must name.
fn refused() -> Vec<(&'static str, String)> {
    let with = |members: Value| policy_with(ramp(6, 100), members).to_string();
    let control = |control: Value| policy(control).to_string();
    vec![
        ("", "{".to_owned()),
        ("", " ".to_owned()),
        (
            "rollouts",
            r#"{"policy": "support", "rollouts": 1}"#.to_owned(),
        ),
        ("rollouts[0].control.ramp", control(ramp(6, "lots"))),
        ("rollouts[0].control.ramp", control(ramp(6, 12.34567))),
        (
            "rollouts[0].control.generation",
            control(json!({"generation": -1})),
        ),
        (
            "rollouts[0].control",
            control(json!({"generation": 6, "kil": null})),
        ),
        (
            "rollouts[0].control.kill",
            control(killed(6, "explode", "cut")),
        ),
        ("rollouts[0]", with(json!({"weight": 5}))),
        (
            "rollouts[0].unit",
            with(json!({"unit": [{"header": "no such name"}]})),
        ),
        // Good to the last rollout, which is the first one once more.
        ("support-agent", {
            let mut policy = policy(killed(6, "block", "cut"));
            let again = policy["rollouts"][0].clone();
            policy["rollouts"]
                .as_array_mut()
                .expect("rollouts")
                .push(again);
            policy.to_string()
        }),
    ]
}

/// The operator's view without the moments at which it was looked at and workers gave a sign of life.
fn fixed(mut state: Value) -> Value {
    state["at"].take();
    for worker in state["workers"].as_array_mut().into_iter().flatten() {
        worker["since"].take();
    }
    state
}

/// The filter's counters, but for the one that counts refusals.
fn quiet(mut counters: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    counters.retain(|series, _| !series.starts_with("breakglass_config_rejected_total"));
    counters
}

/// Which version, arm and generation each user gets.
async fn decisions(
    edge: &Edge,
    people: &[String],
) -> BTreeMap<String, (Option<String>, Option<u64>)> {
    let records: Vec<Record> = Plan::new(edge.traffic(), people.to_vec()).run().await;
    let decided = |record: Record| {
        let generation = record.generation();
        (record.unit, (record.version, generation))
    };
    records.into_iter().map(decided).collect()
}

async fn version(edge: &Edge) -> String {
    let answer = edge.ask_as("somebody", Protocol::Http1).await;
    version_in(&answer)
}

/// A stream that outlasts the pushes of its test, at 5 ms a word.
const STREAM_WORDS: usize = 1_000;
