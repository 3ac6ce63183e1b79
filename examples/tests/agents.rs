//! Agents and users without a proxy between them.

use std::time::Duration;

use breakglass_examples::agent::{Agent, AgentConfig, Ending, Failure, Rate, Writes};
use breakglass_examples::http;
use breakglass_examples::load::{End, Plan, Shape, Update, users};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_stream_arrives_whole_however_it_is_written() {
    for writes in [Writes::Event, Writes::Token, Writes::Byte] {
        let agent = start(AgentConfig { writes, ..quick() }).await;
        let mut plan = Plan::new(agent.addr(), users(4));
        plan.shape = Shape::Stream { tokens: 30 };
        for record in plan.run().await {
            assert_eq!(
                (record.end, record.tokens.len()),
                (End::Done, 30),
                "{writes:?}"
            );
            assert_eq!(record.version.as_deref(), Some("prompt-v42"), "{writes:?}");
        }
        assert!(
            agent
                .seen()
                .iter()
                .all(|seen| seen.stream && seen.ending == Ending::Written)
        );
    }
}

#[tokio::test]
async fn an_agent_fails_as_often_as_it_is_told_to() {
    let agent = start(AgentConfig {
        error_rate: Rate::percent(25.0).unwrap(),
        ..quick()
    })
    .await;
    let records = Plan::new(agent.addr(), users(100)).run().await;
    let failed = records
        .iter()
        .filter(|record| record.status == Some(500))
        .count();
    assert_eq!((failed, records.len()), (25, 100));

    agent.reconfigure(quick());
    let records = Plan::new(agent.addr(), users(100)).run().await;
    assert!(records.iter().all(|record| record.is_good()));
}

#[tokio::test]
async fn an_agent_fails_in_the_way_it_is_told_to() {
    for (failure, stream, json) in [
        (Failure::Status, "status", "status"),
        (Failure::ErrorEvent, "event", "status"),
        (Failure::BreakOff, "reset", "reset"),
    ] {
        let agent = start(AgentConfig {
            error_rate: Rate::ALWAYS,
            failure,
            ..quick()
        })
        .await;
        for (shape, expected) in [(Shape::Stream { tokens: 8 }, stream), (Shape::Json, json)] {
            let mut plan = Plan::new(agent.addr(), users(1));
            plan.shape = shape;
            let record = plan.run().await.remove(0);
            let way = match (record.status, &record.end) {
                (Some(500), End::Whole) => "status",
                (Some(200), End::Error { .. }) => "event",
                (Some(200), End::Reset(_)) => "reset",
                _ => "no failure",
            };
            assert_eq!(way, expected, "{failure:?}: {record:?}");
        }
    }
}

#[tokio::test]
async fn an_agent_says_what_reached_it() {
    let agent = start(quick()).await;
    let mut plan = Plan::new(agent.addr(), vec!["alice".to_owned()]);
    plan.headers = vec![("x-breakglass-generation".to_owned(), "7".to_owned())];
    plan.shape = Shape::Body(serde_json::json!({"prompt": {"version": "42"}}));
    let records = plan.run().await;
    assert_eq!(records[0].generation(), Some(7));
    assert_eq!(records[0].received["prompt_version"], "42");

    let seen = http::get(agent.addr(), "/_seen")
        .await
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(
        (&seen["total"], &seen["requests"][0]["unit"]),
        (&1.into(), &"alice".into())
    );
}

#[tokio::test]
async fn an_agent_says_back_a_whole_request_where_it_is_asked_to() {
    let agent = start(quick()).await;
    let answer = http::post(agent.addr(), "/any/echo?a=b", "text/x", "one\ntwo").await;
    let echo = answer.unwrap().json().unwrap();
    let headers = echo["headers"].as_array().unwrap();
    assert!(
        headers.contains(&serde_json::json!(["content-type", "text/x"])),
        "{echo}"
    );
    assert_eq!(
        (&echo["method"], &echo["path"], &echo["body"]),
        (&"POST".into(), &"/any/echo?a=b".into(), &"one\ntwo".into())
    );
}

#[tokio::test]
async fn an_agent_notices_that_its_reader_left() {
    let config = AgentConfig {
        token_delay: Duration::from_millis(1),
        ..quick()
    };
    let agent = start(config).await;
    let mut plan = Plan::new(agent.addr(), users(1));
    plan.shape = Shape::Stream { tokens: 100_000 };
    let (updates, mut news) = mpsc::unbounded_channel();
    let load = plan.start(updates);
    assert!(matches!(news.recv().await, Some(Update::Streaming { .. })));
    drop(load);
    while agent.seen()[0].ending == Ending::Open {
        tokio::task::yield_now().await;
    }
    assert_eq!(agent.seen()[0].ending, Ending::Dropped);
}

#[tokio::test]
async fn a_stream_can_be_watched_event_by_event() {
    let agent = start(quick()).await;
    let ask = serde_json::json!({"stream": true, "max_tokens": 3});
    for (path, before, after) in [("/v1/chat/completions", 1, 2), ("/v1/messages", 3, 3)] {
        let headers = [("x-user-id", "alice")];
        let events = http::events(agent.addr(), path, &headers, &ask).await;
        let (mut events, mut read) = (events.unwrap(), Vec::new());
        while let Some(event) = events.next().await.unwrap() {
            read.push(event);
        }
        assert_eq!((events.status, read.len()), (200, before + 3 + after));
        let done: Vec<usize> = (0..read.len()).filter(|&at| read[at].is_done()).collect();
        assert_eq!(done, [read.len() - 1], "{path}");
        assert_eq!(agent.seen().last().unwrap().unit.as_deref(), Some("alice"));
    }
}

async fn start(config: AgentConfig) -> Agent {
    Agent::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap()
}

fn quick() -> AgentConfig {
    let none = Duration::ZERO;
    AgentConfig {
        latency: none,
        token_delay: none,
        ..AgentConfig::new("prompt-v42")
    }
}
