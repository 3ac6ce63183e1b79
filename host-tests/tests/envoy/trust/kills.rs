//! Signed kills and raises in turn, under load on both workers.

use std::time::Instant;

use breakglass_examples::load::Record;
use serde_json::json;

use super::{Durations, People, load, times};
use crate::edge::Edge;
use crate::kill::{assert_all_workers, assert_both_workers_served, finished, until_served};
use crate::policy::{CANARY, STABLE};

/// One kill.
struct Kill {
    /// The generation before it.
    armed: u64,
    ordered: Instant,
    /// When its receipt came.
    confirmed: Instant,
    /// When the last request reached the new version's agent.
    last_seen: Option<Instant>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_receipt_of_a_signed_kill_no_request_goes_to_the_canary() {
    let people = People::new();
    let edge = Edge::start(people.policy(json!({"generation": 1, "ramp": []}))).await;
    let (loads, mut news) = load(&edge);
    let (started, mut generation) = (Instant::now(), 1);
    let (mut kills, mut records, mut raised) = (Vec::new(), Vec::new(), Durations::default());
    for _ in 0..times("BREAKGLASS_KILLS", 40) {
        let armed = generation + 1;
        // Approved after the kill before.
        let raise = people.raise(armed, 100, generation);
        edge.agents().canary.forget();
        let ordered = Instant::now();
        assert_all_workers(&edge.operator().signed(&raise).await.unwrap(), armed);
        raised.0.push(ordered.elapsed());
        let on_canary = |record: &Record| record.generation() == Some(armed);
        records.extend(until_served(&mut news, SOME, on_canary).await);

        generation = armed + 1;
        let kill = people.kill(generation, "drain");
        let ordered = Instant::now();
        let answer = edge.operator().signed(&kill).await.unwrap();
        let confirmed = Instant::now();
        assert_all_workers(&answer, generation);
        let after = |record: &Record| record.started > confirmed;
        records.extend(until_served(&mut news, SOME, after).await);
        let seen = edge.agents().canary.seen();
        let last_seen = seen.iter().map(|seen| seen.at).max();
        kills.push(Kill {
            armed,
            ordered,
            confirmed,
            last_seen,
        });
    }
    let took = started.elapsed();
    for load in loads {
        load.stop().await;
    }
    while let Some(update) = news.recv().await {
        records.extend(finished(update));
    }

    let (mut last_begun, mut last_seen, mut receipt) = (
        Durations::default(),
        Durations::default(),
        Durations::default(),
    );
    for kill in &kills {
        let on_canary = records
            .iter()
            .filter(|record| record.generation() == Some(kill.armed));
        let last = on_canary.map(|record| record.started).max();
        let since = |moment: Option<Instant>| {
            let moment = moment.expect("requests on the canary");
            moment.saturating_duration_since(kill.ordered)
        };
        last_begun.0.push(since(last));
        last_seen.0.push(since(kill.last_seen));
        receipt.0.push(kill.confirmed - kill.ordered);
    }
    let rate = records.len() as f64 / took.as_secs_f64();
    println!("{} requests, {rate:.0} a second", records.len());
    println!("kill ordered -> last request begun that the canary answered: {last_begun}");
    println!("kill ordered -> last request at the canary's agent: {last_seen}");
    println!("kill ordered -> receipt: {receipt}");
    println!("raise ordered -> receipt: {raised}");

    for record in &records {
        assert!(record.is_good(), "{record:?}");
        let kill = kills
            .iter()
            .find(|kill| Some(kill.armed) == record.generation());
        let decided = if kill.is_some() { CANARY } else { STABLE };
        assert_eq!(record.version.as_deref(), Some(decided), "{record:?}");
        let late = kill.is_some_and(|kill| record.started > kill.confirmed);
        assert!(!late, "begun after the receipt: {record:?}");
    }
    assert_both_workers_served(&edge).await;
    edge.finish().await;
}

/// Requests before and after each order: a few on every connection.
const SOME: usize = 100;
