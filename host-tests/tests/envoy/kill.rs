//! The kill, across workers and under load: after the order's answer, no request goes to the killed
//! version.

use std::time::{Duration, Instant};

use breakglass_examples::http::Answer;
use breakglass_examples::load::{End, Load, Plan, Protocol, Record, Update, users};
use breakglass_examples::stack::{InFlight, Kill};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::client::PROTOCOLS;
use crate::edge::{Edge, eventually, options};
use crate::policy::{CANARY, ROLLOUT, STABLE, killed, policy, policy_with, ramp};

const ROUNDS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_a_kill_no_request_goes_to_the_canary() {
    let edge = Edge::start(policy(ramp(1, 100))).await;
    for round in 0..ROUNDS {
        let (armed, kill) = (10 * round + 2, 10 * round + 3);
        let in_flight = if round % 2 == 0 {
            InFlight::Cut
        } else {
            InFlight::Drain
        };
        edge.push(&policy(ramp(armed, 100))).await;
        let (loads, mut news) = load(&edge);
        let mut records = until_served(&mut news, 300, |_| true).await;

        let ordered = Instant::now();
        let answer = edge
            .operator()
            .kill(ROLLOUT, kill, Kill::Rollback, in_flight)
            .await
            .unwrap();
        let confirmed = Instant::now();
        assert_all_workers(&answer, kill);
        let last_before = edge.agents().canary.seen_total();
        records.extend(until_served(&mut news, 150, |record| record.started > confirmed).await);
        for load in loads {
            load.stop().await;
        }
        while let Some(update) = news.recv().await {
            records.extend(finished(update));
        }

        let new: Vec<&Record> = records
            .iter()
            .filter(|record| record.started > confirmed)
            .collect();
        for record in &new {
            let found = (record.version.as_deref(), record.generation());
            assert_eq!(
                found,
                (Some(STABLE), Some(kill)),
                "sent after the answer: {record:?}"
            );
        }
        // Decided before the answer, still on the wire when it came.
        let seen = edge.agents().canary.seen();
        let late: Vec<_> = seen.iter().filter(|seen| seen.at > confirmed).collect();
        for seen in &late {
            assert_eq!(
                seen.generation,
                Some(armed),
                "decided after the kill: {seen:?}"
            );
        }
        for record in records.iter().filter(|record| record.started <= confirmed) {
            assert_before(record, armed, kill, in_flight);
        }
        println!(
            "round {round}, {in_flight:?}: answered after {:?}; {} requests before, {} after; \
             {} on the wire at the answer, {} seen in all",
            confirmed - ordered,
            records.len() - new.len(),
            new.len(),
            late.len(),
            last_before,
        );

        // With nothing on the wire any more: not one.
        edge.agents().canary.forget();
        for protocol in PROTOCOLS {
            let mut plan = Plan::new(edge.traffic(), users(200));
            plan.protocol = protocol;
            let wrong = plan
                .run()
                .await
                .into_iter()
                .find(|record| record.version.as_deref() != Some(STABLE));
            assert!(wrong.is_none(), "{wrong:?}");
        }
        assert_eq!(
            edge.agents().canary.seen_total(),
            0,
            "requests at the killed version"
        );
    }
    assert_both_workers_served(&edge).await;
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_request_is_told_to_ask_again() {
    for by_push in [false, true] {
        let mut options = options(policy(ramp(1, 100)));
        options.canary.latency = Duration::from_secs(3600);
        let edge = Edge::start_with(options).await;
        let (updates, mut news) = mpsc::unbounded_channel();
        for protocol in PROTOCOLS {
            let mut plan = Plan::new(edge.traffic(), users(6));
            (plan.protocol, plan.concurrency) = (protocol, 6);
            // Runs on; over when its twelve requests are.
            tokio::spawn(hold(plan.start(updates.clone()), updates.clone()));
        }
        drop(updates);
        eventually("every request waits at the agent", || {
            edge.agents().canary.seen_total() == 12
        })
        .await;
        let ordered = Instant::now();
        kill(&edge, 2, "rollback", "cut", by_push).await;
        for _ in 0..12 {
            let record = loop {
                if let Some(record) = news.recv().await.and_then(finished) {
                    break record;
                }
            };
            let found = (record.status, record.retry_after.as_deref(), &record.end);
            assert_eq!(found, (Some(503), Some("0"), &End::Whole), "{record:?}");
            println!(
                "told after {:?}",
                record.finished.saturating_duration_since(ordered)
            );
        }
        assert_eq!(
            edge.count("breakglass_killed_streams_total", &[]).await,
            12,
            "counted as killed"
        );
        edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_waiting_requests_finish() {
    let mut options = options(policy(ramp(1, 100)));
    options.canary.latency = Duration::from_millis(700);
    let edge = Edge::start_with(options).await;
    let (updates, mut news) = mpsc::unbounded_channel();
    let mut plan = Plan::new(edge.traffic(), users(6));
    plan.concurrency = 6;
    let _load = plan.start(updates);
    eventually("every request waits at the agent", || {
        edge.agents().canary.seen_total() == 6
    })
    .await;
    kill(&edge, 2, "rollback", "drain", false).await;
    while let Some(update) = news.recv().await {
        if let Some(record) = finished(update) {
            assert_eq!(
                (record.status, record.version.as_deref()),
                (Some(200), Some(CANARY)),
                "{record:?}"
            );
        }
    }
    let answer = edge.ask_as("somebody", Protocol::Http1).await;
    assert_eq!(answer.json().unwrap()["version"], STABLE, "a new request");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_answers_nobody_on_either_arm() {
    for by_push in [false, true] {
        let pins = json!({"pins": {"stable": ["vip-7"], "canary": ["qa-1"]}});
        let edge = Edge::start(policy_with(ramp(1, 50), pins.clone())).await;
        match by_push {
            true => {
                edge.push(&policy_with(killed(2, "block", "drain"), pins))
                    .await
            }
            false => kill(&edge, 2, "block", "drain", false).await,
        }
        let seen =
            |edge: &Edge| edge.agents().stable.seen_total() + edge.agents().canary.seen_total();
        let before = seen(&edge);
        let mut blocked = 0;
        for protocol in PROTOCOLS {
            for user in users(20)
                .iter()
                .map(String::as_str)
                .chain(["vip-7", "qa-1", ""])
            {
                let answer = edge.ask_as(user, protocol).await;
                let found = (answer.status, answer.header("content-type"));
                assert_eq!(
                    found,
                    (503, Some("application/problem+json")),
                    "{user}: {}",
                    answer.text()
                );
                assert_eq!(
                    answer.json().unwrap()["type"],
                    "urn:breakglass:blocked",
                    "{user}"
                );
                blocked += 1;
            }
        }
        assert_eq!(seen(&edge), before, "requests at the agents");
        assert_eq!(
            edge.count("breakglass_blocked_total", &[]).await,
            blocked,
            "counted as blocked"
        );
        // What no rollout matches is another agent's business.
        let echo = edge.echo(Protocol::Http1, "/elsewhere/echo", &[]).await;
        assert_eq!(echo["version"], STABLE);
        edge.finish().await;
    }
}

/// Requests without an end over many connections, so that both workers have some.
fn load(edge: &Edge) -> (Vec<Load>, UnboundedReceiver<Update>) {
    let (updates, news) = mpsc::unbounded_channel();
    let loads = PROTOCOLS.map(|protocol| {
        let mut plan = Plan::new(edge.traffic(), users(500));
        (plan.protocol, plan.concurrency, plan.passes) = (protocol, 24, None);
        plan.start(updates.clone())
    });
    (loads.into(), news)
}

/// The records of the next requests, as soon as so many of them count.
pub(crate) async fn until_served(
    news: &mut UnboundedReceiver<Update>,
    requests: usize,
    counts: impl Fn(&Record) -> bool,
) -> Vec<Record> {
    let mut records = Vec::new();
    let mut counted = 0;
    while counted < requests {
        let update = news.recv().await.expect("the load goes on");
        if let Some(record) = finished(update) {
            counted += usize::from(counts(&record));
            records.push(record);
        }
    }
    records
}

pub(crate) fn finished(update: Update) -> Option<Record> {
    match update {
        Update::Finished(record) => Some(*record),
        Update::Streaming { .. } => None,
    }
}

/// Keeps a load until nobody wants to hear of it.
async fn hold(load: Load, updates: mpsc::UnboundedSender<Update>) {
    updates.closed().await;
    drop(load);
}

/// Kills by order or by policy, and waits until the kill is in force.
async fn kill(edge: &Edge, generation: u64, mode: &str, in_flight: &str, by_push: bool) {
    let control = killed(generation, mode, in_flight);
    if by_push {
        edge.push(&policy(control)).await;
        return;
    }
    let order = json!({"rollout": ROLLOUT, "generation": generation, "kill": control["kill"]});
    assert_all_workers(&edge.operator().order(&order).await.unwrap(), generation);
}

/// Fails unless the order is in force on every worker.
pub(crate) fn assert_all_workers(answer: &Answer, generation: u64) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let receipt = answer.json().unwrap();
    assert_eq!(receipt["generation"], generation, "{receipt}");
    let workers = &receipt["workers"];
    assert!(workers["total"].as_u64() >= Some(2), "{receipt}");
    assert_eq!(
        (&workers["in_force"], &workers["stragglers"]),
        (&workers["total"], &json!([])),
        "{receipt}"
    );
}

/// A request that was sent before the answer came: decided by the old or by the new generation;
/// with `cut` it may also have been told to ask again, or broken off while its answer came.
fn assert_before(record: &Record, armed: u64, kill: u64, in_flight: InFlight) {
    let decided = match (record.version.as_deref(), record.generation()) {
        (Some(CANARY), Some(generation)) => generation == armed,
        (Some(STABLE), Some(generation)) => generation == kill,
        _ => false,
    };
    let told = record.status == Some(503) && record.retry_after.as_deref() == Some("0");
    let reset = matches!(record.end, End::Reset(_) | End::None(_));
    let cut = in_flight == InFlight::Cut && (told || reset);
    assert!(
        (decided && record.is_good()) || cut,
        "{in_flight:?}: {record:?}"
    );
}

pub(crate) async fn assert_both_workers_served(edge: &Edge) {
    let stats = edge.stats().await;
    for worker in ["0", "1"] {
        let connections = stats.sum(
            "envoy_listener_worker_downstream_cx_total",
            &[("envoy_worker_id", worker)],
        );
        let named: Vec<_> = stats
            .named("envoy_listener")
            .filter(|sample| sample.name.contains("worker"))
            .collect();
        assert!(
            connections > 0.0,
            "worker {worker} had no connection: {named:?}"
        );
    }
}
