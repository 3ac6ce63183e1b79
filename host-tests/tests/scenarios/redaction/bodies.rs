//! Which bodies are scanned and as what; what happens to those that cannot be; the headers that go with it.

use breakglass_host_tests::{Last, More, Reset, Stream};
use serde_json::{Value, json};

use crate::{
    redaction::{JSON, MAIL, MASKED, TEXT, begin, found, masking, post, redacting, unscanned},
    world::{Answer, World, of_unit},
};

/// Headers of a body, and why it cannot be scanned.
const UNSCANNABLE: [(&[(&str, &str)], &str); 9] = [
    (
        &[("content-type", TEXT), ("content-encoding", "gzip")],
        "compressed",
    ),
    (
        &[("content-type", JSON), ("content-encoding", "BR")],
        "compressed",
    ),
    (
        &[
            ("content-type", "text/event-stream"),
            ("content-encoding", "zstd"),
        ],
        "compressed",
    ),
    (
        &[
            ("content-type", TEXT),
            ("content-encoding", "identity, gzip"),
        ],
        "compressed",
    ),
    (
        &[("content-type", "image/png"), ("content-encoding", "gzip")],
        "compressed",
    ),
    (&[("content-type", "image/png")], "binary"),
    (&[("content-type", "application/octet-stream")], "binary"),
    (
        &[("content-type", "multipart/form-data; boundary=text/plain")],
        "binary",
    ),
    (&[("content-type", "application/grpc")], "binary"),
];

fn respond(world: &World, head: &[(&str, &str)]) -> Stream {
    let mut stream = world.get(0, "u");
    stream.response(
        [(":status", "200")].into_iter().chain(head.iter().copied()),
        More,
    );
    stream
}

fn request(world: &World, head: &[(&str, &str)]) -> Stream {
    world.send(
        0,
        of_unit("u").into_iter().chain(head.iter().copied()),
        More,
    )
}

fn assert_problem(stream: &Stream, status: u32, reason: &str) {
    let answer = Answer::of(stream);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (status, "application/problem+json"),
        "{reason}"
    );
    assert_eq!(
        answer.body["type"], "urn:breakglass:unscannable",
        "{reason}"
    );
    assert!(
        answer.body["detail"].to_string().contains(reason),
        "{answer:?}"
    );
}

/// What happens to a body that cannot be scanned, in both directions, where the policy says this of it.
fn assert_unscannable(policy: Value, withheld: impl Fn(&str) -> bool) {
    for (head, reason) in UNSCANNABLE {
        let mut redaction = json!({"response": {"*": "mask"}, "request": {"*": "mask"}});
        redaction["unscannable"] = policy.clone();
        let world = World::new(&redacting(redaction));
        let mut answered = respond(&world, head);
        let mut asked = request(&world, head);
        if withheld(reason) {
            assert_problem(&answered, 502, reason);
            assert_problem(&asked, 415, reason);
            assert_eq!(asked.upstream(), None, "{head:?}: not even headers");
            assert_eq!(answered.response_body(MAIL, Last), b"", "{head:?}");
            assert_eq!(asked.request_body(MAIL, Last), b"", "{head:?}");
        } else {
            assert_eq!(
                answered.response_body(MAIL, Last),
                MAIL.as_bytes(),
                "{head:?}"
            );
            assert_eq!(asked.request_body(MAIL, Last), MAIL.as_bytes(), "{head:?}");
        }
        assert_eq!(
            unscanned(&world, reason),
            2,
            "{head:?}: counted in any case"
        );
        let other = if reason == "binary" {
            "compressed"
        } else {
            "binary"
        };
        assert_eq!(unscanned(&world, other), 0, "{head:?}");
    }
}

#[test]
fn by_default_compressed_text_is_withheld_and_binary_passes() {
    assert_unscannable(json!({}), |reason| reason == "compressed");
}

#[test]
fn a_policy_may_let_everything_pass() {
    assert_unscannable(json!({"compressed": "pass", "binary": "pass"}), |_| false);
}

#[test]
fn a_policy_may_withhold_everything() {
    assert_unscannable(json!({"compressed": "block", "binary": "block"}), |_| true);
}

#[test]
fn without_a_body_there_is_nothing_that_cannot_be_scanned() {
    let world = World::new(&masking());
    for (head, reason) in UNSCANNABLE {
        let headers = of_unit("u").into_iter().chain(head.iter().copied());
        let mut stream = world.send(0, headers, Last);
        stream.response(
            [(":status", "304")].into_iter().chain(head.iter().copied()),
            Last,
        );
        assert_eq!(stream.finish().client.status(), 304, "{head:?}");
        assert_eq!(unscanned(&world, reason), 0, "{head:?}");
    }
}

#[test]
fn where_nothing_is_looked_for_nothing_is_unscannable() {
    let world = World::new(&redacting(json!({"request": {"*": "mask"}})));
    for (head, reason) in UNSCANNABLE {
        assert_eq!(
            respond(&world, head).response_body(MAIL, Last),
            MAIL.as_bytes()
        );
        assert_eq!(unscanned(&world, reason), 0, "{head:?}");
    }
}

#[test]
fn text_is_known_by_its_type_in_whatever_letters_and_with_parameters() {
    let text = format!("a {MAIL} b");
    let json = format!("{{\"{MAIL}\": \"{text}\"}}");
    let events = format!("data: {text}\n\n");
    let cases = [
        (Some(TEXT), &text),
        (Some("TEXT/Plain ; charset=utf-8"), &text),
        (Some("text/html;charset=iso-8859-1"), &text),
        (Some("text/markdown"), &text),
        (Some(""), &text),
        (None, &text),
        (Some("application/xml"), &text),
        (Some("application/x-www-form-urlencoded"), &text),
        (Some("image/svg+xml"), &text),
        (Some("Application/JSON; charset=utf-8"), &json),
        (Some("application/vnd.api+json"), &json),
        (Some("application/json;"), &json),
        (Some("Text/Event-Stream; charset=utf-8"), &events),
        (Some("application/x-ndjson"), &json),
        (Some("application/jsonl; x=y"), &json),
    ];
    for identity in [None, Some("identity"), Some("Identity"), Some("")] {
        for (kind, body) in cases {
            let world = World::new(&masking());
            let mut head = vec![("x-filler", "")];
            head.extend(kind.map(|kind| ("content-type", kind)));
            head.extend(identity.map(|coding| ("content-encoding", coding)));
            let mut stream = respond(&world, &head);
            stream.response_body(body, Last);
            let got = stream.finish().client.text();
            // What follows a value may come in an event of its own.
            assert!(got.contains(&format!("a {MASKED}")), "{head:?}: {got}");
            let mut stream = request(&world, &head);
            stream.request_body(body, Last);
            let got = stream.upstream().expect("routed").text();
            assert!(got.contains(&format!("a {MASKED}")), "{head:?}: {got}");
            for reason in ["binary", "compressed"] {
                assert_eq!(unscanned(&world, reason), 0, "{head:?}");
            }
        }
    }
}

#[test]
fn the_length_goes_where_it_may_change_and_stays_elsewhere() {
    let length = [("content-length", "14")];
    let both = |action: &str| json!({"response": {"*": action}, "request": {"*": action}});
    let cases = [
        (both("mask"), TEXT, false),
        (both("block"), JSON, false),
        (both("mask"), "text/event-stream", false),
        (both("mask"), "image/png", true),
        (both("count"), JSON, true),
        (json!({}), TEXT, true),
    ];
    for (redaction, kind, stays) in cases {
        let world = World::new(&redacting(redaction.clone()));
        let client = begin(&world, "u", kind, &length).client();
        assert_eq!(
            client.headers.has("content-length"),
            stays,
            "{redaction} {kind}"
        );
        let upstream = post(&world, "u", kind, &length).upstream().expect("routed");
        assert_eq!(
            upstream.headers.has("content-length"),
            stays,
            "{redaction} {kind}"
        );
        let mut head = world.get(0, "u");
        let headers = [(":status", "200"), ("content-type", kind), length[0]];
        head.response(headers, Last);
        let client = head.finish().client;
        assert!(
            client.headers.has("content-length"),
            "{redaction} {kind}: an answer to HEAD"
        );
    }
}

#[test]
fn compression_is_not_asked_for_where_answers_are_scanned() {
    let cases = [
        (json!({"response": {"*": "count"}}), [false, false]),
        (json!({"request": {"*": "mask"}}), [true, true]),
        (json!({}), [true, true]),
        (
            json!({"arms": {"canary": {"response": {"US_SSN": "mask"}}}}),
            [false, true],
        ),
    ];
    for (redaction, expected) in cases {
        let world = World::new(&redacting(redaction.clone()));
        for (unit, expected) in ["u", "vip"].into_iter().zip(expected) {
            let accept = [("accept-encoding", "gzip, br"), ("accept-encoding", "zstd")];
            let stream = world.send(0, of_unit(unit).into_iter().chain(accept), Last);
            let headers = stream.upstream().expect("routed").headers;
            assert_eq!(
                headers.has("accept-encoding"),
                expected,
                "{redaction} {unit}"
            );
        }
    }
}

#[test]
fn an_event_beyond_all_measure_is_redacted_in_parts_and_counted() {
    let filler = "plain words ".repeat(3_000);
    let event = format!(
        "data: {{\"text\": \"{filler} {MAIL} {filler}\"}}\n\ndata: {{\"text\": \"{MAIL}\"}}\n\n"
    );
    let expected = event.replace(MAIL, MASKED);
    for (policy, passes) in [("pass", true), ("block", false)] {
        let mut redaction = json!({"response": {"*": "mask"}});
        redaction["unscannable"] = json!({"oversized": policy});
        let world = World::new(&redacting(redaction));
        let mut stream = begin(&world, "u", "text/event-stream", &[]);
        for chunk in event.as_bytes().chunks(4_000) {
            stream.response_body(chunk, More);
        }
        stream.response_body("", Last);
        let effects = stream.finish();
        let got = effects.client.text();
        assert!(!got.contains(MAIL), "{policy}");
        assert_eq!(unscanned(&world, "oversized"), 1, "{policy}");
        if passes {
            assert!(got == expected, "{policy}");
            assert_eq!(
                found(&world, "canary", "EMAIL_ADDRESS", "response", "mask"),
                2
            );
        } else {
            assert!(!got.contains(MASKED), "{policy}: ends before");
            let ends_well =
                got.ends_with("data: [DONE]\n\n") || effects.reset == Some(Reset::Filter);
            assert!(ends_well, "{policy}: {:?}", effects.reset);
        }
    }
}
