//! What a policy says happens: count, mask, block, by direction, arm and entity.

use breakglass_host_tests::{Last, More, Reset, Stream};
use serde_json::{Value, json};

use crate::{
    redaction::{
        EVENTS, JSON, MAIL, MASKED, TEXT, answer, ask, begin, content, delta, found, masking, post,
        redacting,
    },
    sse,
    world::{Answer, World, of_unit, stamped, with},
};

/// Bodies that hold [`MAIL`] once, as each content type has it.
fn bodies() -> [(&'static str, String); 4] {
    [
        (TEXT, format!("write to {MAIL} now")),
        (JSON, format!("{{\"text\": \"write to {MAIL} now\"}}")),
        (
            EVENTS,
            format!("{}data: [DONE]\n\n", delta(&format!("write to {MAIL} now"))),
        ),
        (
            "application/x-ndjson",
            format!("{{\"response\":\"write to {MAIL} now\"}}\n"),
        ),
    ]
}

fn assert_withheld(stream: &Stream, entity: &str) {
    let answer = Answer::of(stream);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (403, "application/problem+json")
    );
    assert_eq!(answer.body["type"], "urn:breakglass:withheld");
    let detail = answer.body["detail"].to_string();
    assert!(
        detail.contains(entity) && !detail.contains(MAIL),
        "{detail}"
    );
}

#[test]
fn a_count_changes_no_byte_in_either_direction() {
    for (kind, body) in bodies() {
        let world = World::new(&redacting(
            json!({"response": {"*": "count"}, "request": {"EMAIL_ADDRESS": "count"}}),
        ));
        for at in [1, body.len() / 2, body.len() - 1] {
            let chunks = [&body[..at], &body[at..]];
            assert_eq!(answer(&world, kind, &chunks).client.text(), body, "{kind}");
            let upstream = ask(&world, kind, &chunks).upstream().expect("routed");
            assert_eq!(upstream.text(), body, "{kind}");
        }
        for direction in ["request", "response"] {
            let count = found(&world, "canary", "EMAIL_ADDRESS", direction, "count");
            assert_eq!(count, 3, "{kind} {direction}");
        }
    }
}

#[test]
fn a_count_holds_nothing_back() {
    let world = World::new(&redacting(json!({"response": {"*": "count"}})));
    let mut stream = begin(&world, "u", TEXT, &[]);
    for chunk in ["write to jo", "@example", ".com"] {
        assert_eq!(stream.response_body(chunk, More), chunk.as_bytes());
    }
    stream.response_body(" now", Last);
    assert_eq!(
        found(&world, "canary", "EMAIL_ADDRESS", "response", "count"),
        1
    );
    assert_eq!(world.count("held_bytes_total", ""), 0);
}

#[test]
fn a_mask_replaces_in_either_direction() {
    for (kind, body) in bodies() {
        let world = World::new(&masking());
        let upstream = ask(&world, kind, &[&body]).upstream().expect("routed");
        for got in [
            answer(&world, kind, &[&body]).client.text(),
            upstream.text(),
        ] {
            match kind {
                // A text may come in more events than it was sent in.
                EVENTS => assert_eq!(content(&got), format!("write to {MASKED} now")),
                _ => assert_eq!(got, body.replace(MAIL, MASKED), "{kind}"),
            }
        }
        for direction in ["request", "response"] {
            let count = found(&world, "canary", "EMAIL_ADDRESS", direction, "mask");
            assert_eq!(count, 1, "{kind} {direction}");
        }
    }
}

#[test]
fn a_direction_that_is_not_named_is_left_alone() {
    let (kind, body) = &bodies()[1];
    let world = World::new(&redacting(json!({"response": {"*": "mask"}})));
    let upstream = ask(&world, kind, &[body]).upstream().expect("routed");
    assert_eq!(upstream.text(), *body);
    let world = World::new(&redacting(json!({"request": {"*": "mask"}})));
    assert_eq!(answer(&world, kind, &[body]).client.text(), *body);
}

#[test]
fn a_block_ends_events_in_good_form_and_swallows_the_rest() {
    let world = World::new(&redacting(
        json!({"response": {"EMAIL_ADDRESS": "block", "*": "mask"}}),
    ));
    let mut stream = begin(&world, "u", EVENTS, &[]);
    stream.response_body(delta("hello "), More);
    stream.response_body(delta(&format!("write to {MAIL} now ")), More);
    stream.response_body(delta("and more"), More);
    let text = stream.client().text();
    let (events, between) = sse::read(text.as_bytes());
    assert!(between, "{text}");
    let [.., error, done] = events.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(
        (error.kind.as_str(), done.data.as_str()),
        ("error", "[DONE]")
    );
    let error: Value = serde_json::from_str(&error.data).expect("the error is JSON");
    assert_eq!(error["error"]["code"], "breakglass_withheld");
    assert!(text.starts_with(&delta("hello ")), "{text}");
    assert!(!text.contains("jo") && !text.contains("and more"), "{text}");
    assert_eq!(
        stream.effects().reset,
        None,
        "a slow client gets a second to read"
    );
    for _ in 0..60 {
        world.tick();
    }
    assert_eq!(
        stream.effects().reset,
        Some(Reset::Filter),
        "the upstream is closed"
    );
    assert_eq!(
        found(&world, "canary", "EMAIL_ADDRESS", "response", "block"),
        1
    );
    assert_eq!(world.killed_streams(), 0, "a block is no kill");
}

#[test]
fn a_block_in_the_last_chunk_of_events_ends_them_cleanly() {
    let world = World::new(&redacting(json!({"response": {"*": "block"}})));
    let (kind, body) = &bodies()[2];
    let effects = answer(&world, kind, &[body]);
    let text = effects.client.text();
    assert!(
        effects.client.ended && effects.reset.is_none(),
        "{effects:?}"
    );
    assert!(
        text.ends_with("data: [DONE]\n\n") && !text.contains("jo"),
        "{text}"
    );
    assert_eq!(text.matches("[DONE]").count(), 1, "{text}");
}

#[test]
fn a_block_resets_every_other_answer_before_the_value() {
    for (kind, body) in bodies().into_iter().filter(|(kind, _)| *kind != EVENTS) {
        for last in [More, Last] {
            let world = World::new(&redacting(json!({"response": {"*": "block"}})));
            let mut stream = begin(&world, "u", kind, &[]);
            let at = body.find('@').expect("it is there");
            stream.response_body(&body[..at], More);
            stream.response_body(&body[at..], last);
            stream.response_body("late", Last);
            let effects = stream.finish();
            assert_eq!(effects.reset, Some(Reset::Filter), "{kind}");
            let text = effects.client.text();
            assert!(
                !text.contains("jo") && !effects.client.ended,
                "{kind}: {text}"
            );
            assert_eq!(
                found(&world, "canary", "EMAIL_ADDRESS", "response", "block"),
                1
            );
        }
    }
}

#[test]
fn a_block_refuses_a_request_and_its_value_reaches_nobody() {
    for (kind, body) in bodies() {
        let world = World::new(&redacting(json!({"request": {"*": "block"}})));
        let mut stream = post(&world, "u", kind, &[]);
        let at = body.find('@').expect("it is there");
        stream.request_body(&body[..at], More);
        stream.request_body(&body[at..], More);
        assert_withheld(&stream, "EMAIL_ADDRESS");
        assert_eq!(stream.request_body("late", Last), b"");
        let upstream = stream.upstream().unwrap_or_default();
        assert!(
            !upstream.text().contains("jo") && !upstream.ended,
            "{kind}: {upstream:?}"
        );
        assert_eq!(
            found(&world, "canary", "EMAIL_ADDRESS", "request", "block"),
            1
        );
    }
}

#[test]
fn an_arm_may_do_otherwise_entity_by_entity() {
    let world = World::new(&redacting(json!({
        "response": {"EMAIL_ADDRESS": "count", "CREDIT_CARD": "mask"},
        "arms": {
            "canary": {"response": {"EMAIL_ADDRESS": "mask"}},
            "stable": {"response": {"*": "mask", "CREDIT_CARD": "block"}, "request": {"*": "block"}}
        }
    })));
    let body = format!("{MAIL}, card 4111111111111111, MAC 00:1A:2B:3C:4D:5E.");
    let canary = answer(&world, TEXT, &[&body]).client.text();
    assert_eq!(
        canary,
        "[EMAIL_ADDRESS], card [CREDIT_CARD], MAC 00:1A:2B:3C:4D:5E."
    );
    let mut stable = begin(&world, "vip", TEXT, &[]);
    assert_eq!(stamped(&stable, "arm").as_deref(), Some("stable"));
    stable.response_body(&body, Last);
    assert_eq!(stable.finish().reset, Some(Reset::Filter));
    let mut stable = begin(&world, "vip", TEXT, &[]);
    stable.response_body(format!("{MAIL}, MAC 00:1A:2B:3C:4D:5E."), Last);
    assert_eq!(
        stable.client().text(),
        format!("{MAIL}, MAC [MAC_ADDRESS].")
    );
    assert_eq!(
        found(&world, "canary", "EMAIL_ADDRESS", "response", "mask"),
        1
    );
    assert_eq!(
        found(&world, "stable", "EMAIL_ADDRESS", "response", "count"),
        2
    );
    assert_eq!(
        found(&world, "stable", "CREDIT_CARD", "response", "block"),
        1
    );
    let mut asked = post(&world, "vip", TEXT, &[]);
    asked.request_body(MAIL, Last);
    assert_withheld(&asked, "EMAIL_ADDRESS");
    let upstream = ask(&world, TEXT, &[MAIL]).upstream().expect("routed");
    assert_eq!(upstream.text(), MAIL, "nothing is looked for on the canary");
}

#[test]
fn a_policy_may_define_entities() {
    let world = World::new(&redacting(json!({
        "response": {"EMPLOYEE_ID": "mask", "PROJECT": "count"},
        "request": {"*": "mask"},
        "entities": {
            "EMPLOYEE_ID": {"shapes": ["EMP-######"]},
            "PROJECT": {"literals": ["Project Bluebird"]}
        }
    })));
    let body = "emp-123456 of project bluebird, not EMP-1234567";
    for at in 0..body.len() {
        let chunks = [&body[..at], &body[at..]];
        let masked = "[EMPLOYEE_ID] of project bluebird, not EMP-1234567";
        assert_eq!(answer(&world, TEXT, &chunks).client.text(), masked);
        let upstream = ask(&world, TEXT, &chunks).upstream().expect("routed");
        assert_eq!(
            upstream.text(),
            "[EMPLOYEE_ID] of [PROJECT], not EMP-1234567"
        );
    }
    let times = body.len() as u64;
    assert_eq!(
        found(&world, "canary", "PROJECT", "response", "count"),
        times
    );
    assert_eq!(
        found(&world, "canary", "EMPLOYEE_ID", "request", "mask"),
        times
    );
}

#[test]
fn private_addresses_are_scanned_or_ignored() {
    for (given, expected) in [
        (json!({}), "[IP_ADDRESS] [IP_ADDRESS]"),
        (json!({"private_ips": "scan"}), "[IP_ADDRESS] [IP_ADDRESS]"),
        (json!({"private_ips": "ignore"}), "192.168.0.1 [IP_ADDRESS]"),
    ] {
        let world = World::new(&redacting(with(
            json!({"response": {"*": "mask"}}),
            given.clone(),
        )));
        let got = answer(&world, TEXT, &["192.168.0.1 203.0.113.7"])
            .client
            .text();
        assert_eq!(got, expected, "{given}");
    }
}

#[test]
fn a_body_is_edited_first_and_redacted_then() {
    for action in ["count", "mask", "block"] {
        let redaction = json!({"request": {"EMAIL_ADDRESS": action}});
        let mut document = redacting(redaction);
        document["rollouts"][0]["arms"]["canary"]["json"] =
            json!({"/system": "reply to ed@example.org"});
        let world = World::new(&document);
        let body = format!("{{\"ask\": \"I am {MAIL}\", \"n\": 1.0}}");
        for at in [0, 5, body.len() / 2, body.len()] {
            let stream = ask(&world, JSON, &[&body[..at], &body[at..]]);
            if action == "block" {
                assert_withheld(&stream, "EMAIL_ADDRESS");
                assert_eq!(stream.upstream().unwrap_or_default().body(), b"");
                continue;
            }
            let upstream = stream.upstream().expect("routed");
            assert!(upstream.ended && !upstream.headers.has("content-length"));
            let got: Value = serde_json::from_slice(&upstream.body()).expect("it is JSON");
            let expected = match action {
                "count" => {
                    json!({"ask": format!("I am {MAIL}"), "n": 1.0, "system": "reply to ed@example.org"})
                }
                _ => {
                    json!({"ask": "I am [EMAIL_ADDRESS]", "n": 1.0, "system": "reply to [EMAIL_ADDRESS]"})
                }
            };
            assert_eq!(got, expected, "{action}");
        }
        let expected = if action == "block" { 1 } else { 2 };
        let count = found(&world, "canary", "EMAIL_ADDRESS", "request", action);
        assert!(count >= 4 * expected, "{action}: {count}");
    }
}

#[test]
fn a_body_that_is_edited_to_the_same_length_and_only_counted_is_written() {
    let mut document = redacting(json!({"request": {"EMAIL_ADDRESS": "count"}}));
    document["rollouts"][0]["arms"]["canary"]["json"] = json!({"/version": "42"});
    let world = World::new(&document);
    let stream = ask(&world, JSON, &["{\"version\": \"41\"}"]);
    let upstream = stream.upstream().expect("routed");
    assert_eq!(upstream.body(), b"{\"version\": \"42\"}");
}

#[test]
fn other_rollouts_and_requests_of_nobody_pass_untouched() {
    let mut document = masking();
    document["rollouts"][0]["match"] = json!({"path_prefix": "/v1"});
    let world = World::new(&document);
    let mut stream = world.send(0, [(":path", "/other"), ("content-type", TEXT)], More);
    assert_eq!(stream.request_body(MAIL, Last), MAIL.as_bytes());
    stream.response(
        [
            (":status", "200"),
            ("content-type", TEXT),
            ("content-length", "14"),
        ],
        More,
    );
    assert_eq!(stream.response_body(MAIL, Last), MAIL.as_bytes());
    assert!(stream.client().headers.has("content-length"));
    let stream = world.send(0, of_unit("u"), Last);
    assert!(
        stream.upstream().expect("routed").ended,
        "a request without a body"
    );
}
