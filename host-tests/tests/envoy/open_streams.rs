//! Answers that are open when the kill comes: streams of events end in good form, others are reset,
//! and whoever is not killed reads on.

use std::time::{Duration, Instant};

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::agent::{Ending, Writes};
use breakglass_examples::load::Protocol;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::client::{Client, PROTOCOLS, full};
use crate::edge::{Edge, eventually, options};
use crate::policy::{CANARY, PATH, ROLLOUT, STABLE, killed, policy_with, ramp};
use crate::transcript::{self, Watch};

/// Words of a stream that is cut, and of one that must come to its end.
const LONG: usize = 20_000;
const SHORT: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_an_error_event_when_the_upstream_writes_events() {
    cut(Writes::Event, Duration::ZERO, false).await;
    cut(Writes::Event, Duration::ZERO, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_an_error_event_when_the_upstream_writes_tokens() {
    cut(Writes::Token, Duration::from_millis(2), false).await;
    cut(Writes::Token, Duration::from_millis(2), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_with_an_error_event_when_the_upstream_writes_single_bytes() {
    cut(Writes::Byte, Duration::from_millis(1), false).await;
    cut(Writes::Byte, Duration::from_millis(1), true).await;
}

/// Opens streams on both arms over both protocols, kills, and reads what came.
async fn cut(writes: Writes, write_delay: Duration, by_push: bool) {
    let edge = start(writes, write_delay).await;
    let streams = open_some(&edge, "qa-1", CANARY, 5, LONG).await;
    let others = open_some(&edge, "vip-7", STABLE, 1, SHORT).await;
    let ordered = Instant::now();
    kill(&edge, "rollback", "cut", by_push).await;
    let (count, mut broken) = (streams.len(), 0);
    for stream in streams {
        let of = format!("{writes:?}, by push: {by_push}, {}", stream.user);
        let transcript = stream.end().await;
        broken += usize::from(transcript.assert_cut(&of));
        let after = transcript
            .last
            .map(|last| last.saturating_duration_since(ordered));
        println!(
            "{of}: [DONE] {after:?} after the order, then {:?}",
            transcript.reset
        );
    }
    println!("{writes:?}: {broken} of {count} streams have a broken event before the error event");
    if writes == Writes::Event {
        assert_eq!(broken, 0, "events that were written whole are whole");
    }
    for stream in others {
        let user = stream.user.clone();
        stream.end().await.assert_whole(SHORT, &user);
    }
    assert_eq!(
        killed_streams(&edge).await,
        count as u64,
        "counted as killed"
    );
    assert_upstream_closed(&edge, count).await;
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_cuts_the_streams_of_both_arms() {
    let edge = start(Writes::Event, Duration::ZERO).await;
    let mut streams = open_some(&edge, "qa-1", CANARY, 2, LONG).await;
    streams.extend(open_some(&edge, "vip-7", STABLE, 2, LONG).await);
    kill(&edge, "block", "cut", false).await;
    for stream in streams {
        let of = format!("{} of {}", stream.user, stream.version);
        stream.end().await.assert_cut(&of);
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_open_streams_finish() {
    for mode in ["rollback", "block"] {
        let edge = start(Writes::Event, Duration::ZERO).await;
        let mut streams = open_some(&edge, "qa-1", CANARY, 2, SHORT).await;
        streams.extend(open_some(&edge, "vip-7", STABLE, 1, SHORT).await);
        kill(&edge, mode, "drain", false).await;
        for stream in streams {
            let of = format!("{mode}: {}", stream.user);
            stream.end().await.assert_whole(SHORT, &of);
        }
        assert_eq!(killed_streams(&edge).await, 0, "{mode}: counted as killed");
        edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_answer_that_is_no_stream_of_events_is_reset() {
    for by_push in [false, true] {
        let edge = start(Writes::Byte, Duration::from_millis(5)).await;
        let mut clients = Vec::new();
        for protocol in [PROTOCOLS, PROTOCOLS].concat() {
            let mut client = Client::connect(edge.traffic(), protocol).await.unwrap();
            let request = Request::post(PATH)
                .header("content-type", "application/json")
                .header(UNIT_HEADER, "qa-1")
                .body(full(json!({"max_tokens": LONG}).to_string()));
            let response = client.send(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), 200, "{protocol:?}");
            let mut body = response.into_body();
            let first = body.frame().await;
            assert!(matches!(first, Some(Ok(_))), "{protocol:?}: {first:?}");
            clients.push((protocol, client, body));
        }
        let count = clients.len();
        kill(&edge, "rollback", "cut", by_push).await;
        for (protocol, _client, body) in clients {
            let (bytes, error) = rest(body).await;
            println!("{protocol:?}, by push: {by_push}: {bytes} more bytes, then {error:?}");
            assert!(
                error.is_some(),
                "{protocol:?}: the answer seems whole after {bytes} more bytes"
            );
        }
        assert_eq!(
            killed_streams(&edge).await,
            count as u64,
            "counted as killed"
        );
        assert_upstream_closed(&edge, count).await;
        edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_stream_ends_at_its_next_event_or_stays_but_never_hangs_the_worker() {
    // One event in ten minutes: the first word is the last that comes during the test.
    let mut options = options(policy_with(ramp(1, 100), pins()));
    options.canary.token_delay = Duration::from_secs(600);
    let edge = Edge::start_with(options).await;
    let mut client = Client::connect(edge.traffic(), Protocol::Http1)
        .await
        .unwrap();
    let request = transcript::stream_request("qa-1", LONG);
    let response = client.send(request).await.unwrap();
    let mut body = response.into_body();
    assert!(matches!(body.frame().await, Some(Ok(_))), "no first event");
    kill(&edge, "rollback", "cut", false).await;
    // Nobody writes, so nothing can be replaced; the worker serves on.
    for _ in 0..20 {
        let answer = edge.ask_as("somebody", Protocol::Http1).await;
        assert_eq!(answer.json().unwrap()["version"], STABLE);
    }
    drop((client, body));
    edge.finish().await;
}

async fn start(writes: Writes, write_delay: Duration) -> Edge {
    let mut options = options(policy_with(ramp(1, 50), pins()));
    for agent in [&mut options.stable, &mut options.canary] {
        (agent.writes, agent.write_delay) = (writes, write_delay);
        agent.token_delay = Duration::from_millis(10);
    }
    // Left alone, a stream in single bytes would take minutes to come to its end.
    options.stable.writes = Writes::Event;
    Edge::start_with(options).await
}

fn pins() -> Value {
    json!({"pins": {"canary": ["qa-1"], "stable": ["vip-7"]}})
}

async fn open_some(
    edge: &Edge,
    user: &str,
    version: &str,
    each: usize,
    words: usize,
) -> Vec<Watch> {
    let mut streams = Vec::new();
    for protocol in PROTOCOLS {
        for _ in 0..each {
            let stream = transcript::open(edge.traffic(), protocol, user, words).await;
            assert_eq!(stream.version, version, "{user} over {protocol:?}");
            streams.push(stream);
        }
    }
    streams
}

async fn kill(edge: &Edge, mode: &str, in_flight: &str, by_push: bool) {
    let control = killed(2, mode, in_flight);
    if by_push {
        edge.push(&policy_with(control, pins())).await;
        return;
    }
    let order = json!({"rollout": ROLLOUT, "generation": 2, "kill": control["kill"]});
    let answer = edge.operator().order(&order).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn killed_streams(edge: &Edge) -> u64 {
    edge.count("breakglass_killed_streams_total", &[("rollout", ROLLOUT)])
        .await
}

/// Waits until the new version's agent saw the other side leave in each of these answers: it must
/// not go on working for nobody.
async fn assert_upstream_closed(edge: &Edge, answers: usize) {
    let count = |ending| {
        let seen = edge.agents().canary.seen();
        seen.iter().filter(|seen| seen.ending == ending).count()
    };
    eventually("no answer is open at the agent", || {
        count(Ending::Open) == 0
    })
    .await;
    assert_eq!(
        count(Ending::Dropped),
        answers,
        "answers that were broken off at the agent"
    );
}

/// How much more comes, and what ends it.
async fn rest(mut body: Incoming) -> (usize, Option<String>) {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, |data| data.len()),
            Err(error) => return (bytes, Some(error.to_string())),
        }
    }
    (bytes, None)
}
