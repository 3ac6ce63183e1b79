//! The edit of a JSON request body: exact, within its limit, and never let through undone.

use breakglass_host_tests::{End, Last, More, Proxy, Received, Stream, module};
use breakglass_policy::Policy;
use serde_json::{Value, json};

use crate::world::{Answer, World, policy, rollout, with};

const LIMIT: usize = breakglass_policy::limits::EDITED_BODY_BYTES;

fn document() -> Value {
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let arms = json!({"arms": {"canary": {"json": {"/prompt/version": "42", "/added~1slash/0x": [1, null]}}}});
    policy([with(rollout(control), arms)])
}

fn world() -> World {
    // The filter's own limit is to be seen, not the proxy's.
    let world = World::cold(
        Proxy::builder(module()).buffer_limit(16 * LIMIT),
        &document(),
    );
    world.tick();
    world
}

/// A request with a body to come; its length is declared, as most clients do.
fn post(world: &World, content_type: Option<&str>, length: Option<&str>, unit: &str) -> Stream {
    let mut headers = vec![
        (":method", "POST"),
        (":path", "/"),
        (":authority", "a"),
        ("x-user-id", unit),
    ];
    headers.extend(content_type.map(|kind| ("content-type", kind)));
    headers.extend(length.map(|length| ("content-length", length)));
    world.send(0, headers, More)
}

fn send(world: &World, content_type: Option<&str>, chunks: &[&[u8]]) -> Stream {
    let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut stream = post(world, content_type, Some(&length.to_string()), "u");
    for (n, chunk) in chunks.iter().enumerate() {
        stream.request_body(chunk, End::from(n + 1 == chunks.len()));
    }
    stream
}

fn upstream(stream: &Stream) -> Received {
    stream.upstream().expect("routed")
}

/// The edit as the native rules make it.
fn edited(body: &[u8]) -> Vec<u8> {
    let native = Policy::from_json(document().to_string().as_bytes()).expect("it is a policy");
    let edits = &native.rollouts[0].arms.canary.json;
    edits.apply(body).expect("it can be edited")
}

fn assert_refused(stream: &Stream, status: u32, kind: &str, told: &str) {
    let answer = Answer::of(stream);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (status, "application/problem+json"),
        "{told}"
    );
    assert_eq!(answer.body["type"], kind, "{told}");
    if let Some(upstream) = stream.upstream() {
        assert_eq!(
            (upstream.body().len(), upstream.ended),
            (0, false),
            "{told}: reached the upstream"
        );
    }
}

#[test]
fn every_split_of_a_body_is_edited_to_the_same_bytes() {
    let world = world();
    let body = br#"{"prompt": {"version":"41", "t": 1.0e2},"n":12345678901234567890.10}"#;
    let expected = edited(body);
    assert_ne!(expected, body);
    for first in 0..=body.len() {
        for second in (first..=body.len()).step_by(7) {
            let chunks = [&body[..first], &body[first..second], &body[second..]];
            let got = upstream(&send(&world, Some("application/json"), &chunks));
            assert!(
                got.body() == expected && got.ended,
                "split at {first} and {second}: {got:?}"
            );
            assert!(
                !got.headers.has("content-length"),
                "the length is another now"
            );
        }
    }
    let bytes: Vec<_> = body.chunks(1).collect();
    let got = upstream(&send(&world, Some("application/json"), &bytes));
    assert_eq!(got.body(), expected);
    let then_nothing: [&[u8]; 3] = [b"", body, b""];
    let got = upstream(&send(&world, Some("application/json"), &then_nothing));
    assert_eq!(got.body(), expected, "the end in an empty chunk");
}

#[test]
fn only_json_bodies_are_edited() {
    let world = world();
    let body = br#"{"prompt":{"version":"41"}}"#;
    let cases = [
        (Some("application/json"), true),
        (Some("Application/JSON; charset=utf-8"), true),
        (Some("application/vnd.api+json"), true),
        (Some("application/json;"), true),
        (Some("text/plain"), false),
        (Some("application/jsonl"), false),
        (Some("application/x-ndjson"), false),
        (Some("text/json+x"), false),
        (
            Some("multipart/form-data; boundary=application/json"),
            false,
        ),
        (Some(""), false),
        (None, false),
    ];
    for (kind, is_edited) in cases {
        let got = upstream(&send(&world, kind, &[&body[..5], &body[5..]]));
        let expected = if is_edited {
            edited(body)
        } else {
            body.to_vec()
        };
        assert_eq!(got.body(), expected, "{kind:?}");
        let chunks = got.chunks.len();
        assert_eq!(
            chunks,
            if is_edited { 1 } else { 2 },
            "{kind:?}: held or not"
        );
        assert_eq!(got.headers.has("content-length"), !is_edited, "{kind:?}");
    }
}

#[test]
fn a_request_without_a_body_is_not_touched() {
    let world = world();
    let headers = [
        (":path", "/"),
        ("content-type", "application/json"),
        ("x-user-id", "u"),
    ];
    let got = upstream(&world.send(0, headers, Last));
    assert!(got.ended && got.body().is_empty());
}

#[test]
fn what_cannot_be_edited_is_refused_and_reaches_nobody() {
    let world = world();
    let deep = "[".repeat(100_000);
    let cases: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"nul",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[]",
        b"{\"prompt\": 1}",
        b"{\"prompt\": {\"version\": 1, \"version\": 2}}",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        deep.as_bytes(),
    ];
    let before = world.requests("canary");
    for body in cases {
        let told = body[..body.len().min(40)].escape_ascii().to_string();
        let stream = send(&world, Some("application/json"), &[body]);
        assert_refused(&stream, 400, "urn:breakglass:body-not-editable", &told);
    }
    let requests = world.requests("canary") - before;
    assert_eq!(
        requests,
        cases.len() as u64,
        "each has an arm, counted once"
    );
    assert_eq!(
        world.count("responses_total", ";arm=canary;class=4xx"),
        0,
        "nobody answered"
    );
    assert_eq!(world.killed_streams(), 0);
}

#[test]
fn a_body_with_trailers_is_refused() {
    let world = world();
    let mut stream = post(&world, Some("application/json"), None, "u");
    stream.request_body("{}", More);
    stream.request_trailers([("x-t", "1")]);
    assert_refused(&stream, 400, "urn:breakglass:body-not-editable", "trailers");
    let mut plain = post(&world, Some("text/plain"), None, "u");
    plain.request_body("{}", More);
    plain.request_trailers([("x-t", "1")]);
    assert!(upstream(&plain).trailers.is_some());
}

#[test]
fn a_body_above_the_limit_is_refused_by_its_declared_length() {
    let world = world();
    for length in [LIMIT + 1, 16 * LIMIT] {
        let stream = post(
            &world,
            Some("application/json"),
            Some(&length.to_string()),
            "u",
        );
        assert_refused(&stream, 413, "urn:breakglass:body-too-large", "declared");
        assert_eq!(stream.upstream(), None, "not even headers");
    }
    let plain = post(&world, Some("text/plain"), Some("99999999"), "u");
    assert!(
        plain.upstream().is_some(),
        "bodies that are not edited have no limit"
    );
}

#[test]
fn a_body_above_the_limit_is_refused_by_its_size_whatever_it_declared() {
    let world = world();
    for length in [
        None,
        Some("10"),
        Some("-1"),
        Some("99999999999999999999"),
        Some("\u{e9}"),
    ] {
        let mut stream = post(&world, Some("application/json"), length, "u");
        if stream.is_over() {
            assert_refused(&stream, 413, "urn:breakglass:body-too-large", "declared");
            continue;
        }
        stream.request_body("[\"", More);
        for _ in 0..5 {
            stream.request_body(vec![b'x'; LIMIT / 4], More);
        }
        assert_refused(&stream, 413, "urn:breakglass:body-too-large", "buffered");
    }
}

#[test]
fn a_body_of_exactly_the_limit_is_edited() {
    let world = world();
    let filler = "x".repeat(LIMIT - r#"{"a":""}"#.len());
    let body = format!(r#"{{"a":"{filler}"}}"#);
    assert_eq!(body.len(), LIMIT);
    let (a, b) = body.as_bytes().split_at(LIMIT / 2);
    let got = upstream(&send(&world, Some("application/json"), &[a, b]));
    assert_eq!(got.body(), edited(body.as_bytes()));
}

#[test]
fn the_other_arm_streams_its_body_unheld() {
    let document = with(
        document(),
        json!({"rollouts": [with(document()["rollouts"][0].clone(), json!({"pins": {"stable": ["vip"]}}))]}),
    );
    let world = World::new(&document);
    let mut stream = post(&world, Some("application/json"), Some("6"), "vip");
    assert_eq!(stream.request_body("not", More), b"not");
    assert_eq!(stream.request_body("xyz", Last), b"xyz");
    assert!(upstream(&stream).headers.has("content-length"));
}

/// Linear memory never shrinks: one clever body must not make a worker large for ever.
#[test]
fn a_body_of_many_small_members_costs_bounded_memory() {
    let world = world();
    let members = |member: &str, count: usize| format!("{{{}\"z\":0}}", member.repeat(count));
    let elements = format!("{{\"prompt\":[{}0]}}", "0,".repeat(LIMIT / 2 - 20));
    for body in [members("\"\":0,", LIMIT / 6 - 4), elements] {
        assert!(body.len() <= LIMIT);
        let stream = send(&world, Some("application/json"), &[body.as_bytes()]);
        let upstream = stream.upstream().expect("routed");
        assert!(upstream.ended || stream.is_over());
        let vm = &world.worker(0).vms()[0];
        assert!(
            vm.memory_bytes <= 16 * LIMIT,
            "{} bytes after {:.20}",
            vm.memory_bytes,
            body
        );
    }
}
