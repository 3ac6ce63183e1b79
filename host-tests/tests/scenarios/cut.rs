//! A kill that cuts: what the client of an open answer gets, wherever the cut falls.

use breakglass_host_tests::{Last, More, Reset, Stream};
use serde_json::Value;

use crate::{
    sse::{self, Event},
    world::{Seeded, World, all_canary, kill},
};

const EVENTS: &str = ": hi\n\ndata: a\n\nevent: delta\nid: 7\ndata: {\"t\":\"b c\"}\ndata: more\n\n\n\nretry: 5\n\ndata: [D\n\n";

fn assert_ends_well(client: &[u8], sent: &[u8], passed: usize, killed_by: usize, told: &str) {
    let (all, _) = sse::read(sent);
    let (got, between) = sse::read(client);
    assert!(between, "{told}: an event is left open");
    assert!(
        client.starts_with(&sent[..passed]),
        "{told}: what was sent has changed"
    );
    let whole = all.iter().take_while(|event| event.end <= passed).count();
    let open_completed = all.get(whole).is_some_and(|event| event.end <= killed_by);
    let [events @ .., error, done] = got.as_slice() else {
        panic!("{told}: no error event and no [DONE]: {got:?}");
    };
    assert_eq!(
        (done.kind.as_str(), done.data.as_str()),
        ("", "[DONE]"),
        "{told}"
    );
    assert_eq!(error.kind, "error", "{told}");
    let error: Value = serde_json::from_str(&error.data).expect("the error is JSON");
    assert_eq!(error["type"], "error", "{told}");
    assert_eq!(error["error"]["code"], "breakglass_killed", "{told}");
    let same = |a: &Event, b: &Event| a.kind == b.kind && a.data == b.data;
    let as_sent = events
        .iter()
        .zip(&all)
        .take_while(|(a, b)| same(a, b))
        .count();
    assert!(as_sent >= whole, "{told}: {got:?}");
    match &events[as_sent..] {
        [] => {}
        // The rest of it was never to come: what the client had of it is closed.
        [broken] => {
            assert!(
                !open_completed,
                "{told}: broken off although its end was there"
            );
            assert!(
                all[as_sent]
                    .data
                    .starts_with(broken.data.trim_end_matches('\u{fffd}')),
                "{told}: {broken:?}"
            );
        }
        more => panic!("{told}: {more:?}"),
    }
    assert!(
        as_sent <= whole + 1,
        "{told}: went on after the kill: {got:?}"
    );
}

/// Passes `sent[..at]` on, split somehow.
fn feed(stream: &mut Stream, bytes: &[u8], how: usize, seeded: &mut Seeded) {
    match how {
        0 => drop(stream.response_body(bytes, More)),
        1 => bytes
            .chunks(1)
            .for_each(|byte| drop(stream.response_body(byte, More))),
        _ => {
            let mut rest = bytes;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(1 + seeded.below(rest.len()));
                stream.response_body(now, More);
                rest = later;
            }
        }
    }
}

fn cut_everywhere(sent: &[u8]) {
    let world = World::new(&all_canary());
    let mut seeded = Seeded(5);
    let mut streams = Vec::new();
    for at in 0..=sent.len() {
        for next in at..=sent.len() {
            let mut stream = world.events(0, "u");
            feed(&mut stream, &sent[..at], next % 3, &mut seeded);
            assert_eq!(
                stream.client().body(),
                &sent[..at],
                "held back before the kill"
            );
            streams.push((stream, at, next));
        }
    }
    drop(world.post(1, &kill(2, "rollback", "cut")));
    let count = streams.len() as u64;
    for (stream, at, next) in &mut streams {
        let told = format!(
            "{} | {}",
            sent[..*at].escape_ascii(),
            sent[*at..*next].escape_ascii()
        );
        stream.response_body(&sent[*at..*next], More);
        let client = stream.client().body();
        assert_ends_well(&client, sent, *at, *next, &told);
        stream.response_body(&sent[*next..], More);
        stream.response_body("data: late\n\n", if *next % 2 == 0 { Last } else { More });
        assert_eq!(
            stream.client().body(),
            client,
            "{told}: later chunks are swallowed"
        );
    }
    assert_eq!(world.killed_streams(), count);
    let still_open = streams
        .iter()
        .filter(|(stream, ..)| stream.effects().reset.is_none());
    assert_eq!(
        still_open.count() as u64,
        count,
        "slow clients get a second to read"
    );
    for _ in 0..60 {
        world.tick();
    }
    for (stream, _, next) in &streams {
        let effects = stream.effects();
        let reset = (*next % 2 == 1).then_some(Reset::Filter);
        assert_eq!(
            effects.reset, reset,
            "the upstream is closed, and only if it was open"
        );
    }
    drop(streams);
    assert_eq!(world.killed_streams(), count, "counted once");
    assert_eq!(world.worker(0).vms()[0].streams, 0);
}

#[test]
fn a_stream_with_lf_ends_well_wherever_it_is_cut() {
    cut_everywhere(EVENTS.as_bytes());
}

#[test]
fn a_stream_with_crlf_ends_well_wherever_it_is_cut() {
    cut_everywhere(EVENTS.replace('\n', "\r\n").as_bytes());
}

#[test]
fn a_stream_with_cr_ends_well_wherever_it_is_cut() {
    cut_everywhere(EVENTS.replace('\n', "\r").as_bytes());
}

#[test]
fn a_stream_with_mixed_line_ends_ends_well_wherever_it_is_cut() {
    cut_everywhere(b"\xef\xbb\xbfdata: a\r\n\ndata: b\r\r\ndata: \xc3\xa9\n\r\ndata: d\n\r");
}

#[test]
fn an_event_that_the_chunk_completes_arrives_whole() {
    let world = World::new(&all_canary());
    let mut stream = world.events(0, "u");
    stream.response_body("data: {\"hel", More);
    drop(world.post(1, &kill(2, "rollback", "cut")));
    stream.response_body("lo\": 1}\n\ndata: {\"next\": 2}\n\ndata: {\"th", More);
    let (events, _) = sse::read(&stream.client().body());
    let data: Vec<_> = events.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(data.len(), 3, "{data:?}");
    assert_eq!((data[0], data[2]), ("{\"hello\": 1}", "[DONE]"));
}

#[test]
fn a_cut_in_the_last_chunk_ends_the_stream_cleanly() {
    let world = World::new(&all_canary());
    let mut stream = world.events(0, "u");
    stream.response_body("data: a\n\n", More);
    drop(world.post(1, &kill(2, "rollback", "cut")));
    stream.response_body("data: b\n\ndata: [DONE]\n\n", Last);
    let effects = stream.finish();
    assert!(effects.client.ended);
    assert_eq!(effects.reset, None);
    assert!(!effects.client.text().contains("data: b"));
    assert!(effects.client.text().ends_with("data: [DONE]\n\n"));
    assert!(!effects.client.headers.has("content-length"));
}

#[test]
fn a_stream_with_a_length_or_trailers_is_cut_like_any_other() {
    let world = World::new(&all_canary());
    let mut stream = world.get(0, "u");
    let head = [
        (":status", "200"),
        ("content-type", "TEXT/Event-Stream; charset=utf-8"),
        ("content-length", "100"),
    ];
    stream.response(head, More);
    assert!(
        !stream.client().headers.has("content-length"),
        "a cut would break it"
    );
    drop(world.post(1, &kill(2, "rollback", "cut")));
    stream.response_body("data: b\n\n", More);
    stream.response_trailers([("x-t", "1")]);
    let client = stream.finish().client;
    assert!(
        client.ended && client.text().starts_with("event: error\n"),
        "{client:?}"
    );
}

#[test]
fn compressed_events_and_plain_bodies_are_reset() {
    let gzip = [
        ("content-type", "text/event-stream"),
        ("content-encoding", "gzip"),
    ];
    let json = [("content-type", "application/json"), ("x", "y")];
    let bare = [("x", "y"), ("z", "y")];
    for head in [gzip, json, bare] {
        for by_tick in [false, true] {
            let world = World::new(&all_canary());
            let mut stream = world.get(0, "u");
            stream.response([(":status", "200")].into_iter().chain(head), More);
            stream.response_body("first", More);
            drop(world.post(1, &kill(2, "rollback", "cut")));
            match by_tick {
                true => world.tick(),
                false => drop(stream.response_body("second", More)),
            }
            let effects = stream.finish();
            assert_eq!(
                effects.reset,
                Some(Reset::Filter),
                "{head:?} by tick: {by_tick}"
            );
            assert_eq!(
                effects.client.text(),
                "first",
                "{head:?} by tick: {by_tick}"
            );
            assert_eq!(world.killed_streams(), 1, "{head:?} by tick: {by_tick}");
        }
    }
}
