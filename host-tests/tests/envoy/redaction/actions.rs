//! What each action does to an answer and to a request.

use breakglass_examples::UNIT_HEADER;
use breakglass_redact::Format;
use serde_json::{Value, json};

use super::visible::text_of;
use super::{CHAT_END, ON_CANARY, ON_STABLE, Scene, chat_event, head};
use crate::policy::PATH;
use crate::wire::{End, Wire};

/// What must not be seen where it is masked or withheld.
pub(super) const MAIL: &str = "jane.roe@example.com";
/// What a stream says before it.
pub(super) const BEFORE: &str = "Well, card 4111 1111 1111 1111. ";

/// A stream of [`BEFORE`] and `ask `, as far as it is told, that ends with an error in good form.
pub(super) fn assert_withheld(text: &str) {
    let told = text_of(text);
    let before = "Well, card [CREDIT_CARD]. ask ";
    assert!(
        before.starts_with(&told) && told.starts_with("Well, card "),
        "{text}"
    );
    let last = text.split_inclusive("\n\n").collect::<Vec<_>>();
    let [.., error, done] = last.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(*done, "data: [DONE]\n\n", "{text}");
    let error = error.strip_prefix("event: error\ndata: ").expect(text);
    let error: Value = serde_json::from_str(error).expect("JSON");
    assert_eq!(error["error"]["code"], "breakglass_withheld");
}

/// Nothing of the value is in what was shown.
pub(super) fn assert_hides(shown: &str) {
    for part in ["jane", "roe@", "example"] {
        assert!(!shown.contains(part), "{part}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_changes_no_byte() {
    let mut scene =
        Scene::start(json!({"response": {"*": "count"}, "request": {"*": "count"}})).await;
    let body = format!("{{\"text\":\"ask {MAIL}, or  {MAIL}\"}}");
    // An answer with a length keeps it.
    let mut wire = scene.ask_with(ON_CANARY, "", body.as_bytes());
    let mut call = scene.upstream.next();
    assert_eq!(String::from_utf8_lossy(&call.body), body, "upstream");
    call.answer(
        200,
        &[("content-type", "application/json")],
        body.as_bytes(),
    );
    assert_eq!(wire.end(), End::Whole);
    assert_eq!(wire.text(), body);
    let length = body.len().to_string();
    assert_eq!(wire.header("content-length"), Some(length));
    assert_eq!(wire.header("transfer-encoding"), None);
    // And in a stream each byte passes at once.
    let (mut wire, mut call) = scene.open(Format::Sse);
    for byte in chat_event(&format!("ask {MAIL} ")).bytes() {
        let news = scene.step(&mut wire, &mut call, &[byte]);
        assert_eq!(news.as_bytes(), [byte]);
    }
    call.end();
    assert_eq!(wire.end(), End::Whole);
    let count = |direction: &'static str| {
        let labels = [
            ("entity", "EMAIL_ADDRESS"),
            ("action", "count"),
            ("direction", direction),
        ];
        let edge = &scene.edge;
        async move { edge.count("breakglass_redactions_total", &labels).await }
    };
    assert_eq!((count("response").await, count("request").await), (3, 2));
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_ends_a_stream_of_events_in_good_form() {
    let mut scene =
        Scene::start(json!({"response": {"*": "mask", "EMAIL_ADDRESS": "block"}})).await;
    // The value in one event, over events, and in an event that is written in pieces.
    let whole = [chat_event(&format!("ask {MAIL} or "))];
    let over = ["ask jane", ".roe@", "example", ".com", " or "].map(chat_event);
    let bytes: Vec<String> = whole[0].chars().map(String::from).collect();
    for events in [&whole[..], &over[..], &bytes[..]] {
        let (mut wire, mut call) = scene.open(Format::Sse);
        scene.step(&mut wire, &mut call, chat_event(BEFORE).as_bytes());
        for event in events {
            call.write(event.as_bytes());
        }
        scene.barrier.wait();
        // What comes after it is swallowed, whatever it is.
        call.write(CHAT_END.as_bytes());
        let end = wire.end();
        let text = wire.text();
        assert_eq!(end, End::Broken, "the rest is reset, not ended: {text}");
        assert_withheld(&text);
        assert_hides(&wire.shown());
        call.assert_dropped();
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_in_the_last_chunk_of_a_stream_ends_it_too() {
    let scene = Scene::start(json!({"response": {"EMAIL_ADDRESS": "block"}})).await;
    let body = format!("data: {{\"a\":1}}\n\ndata: {{\"a\":\"{MAIL}\"}}\n\n");
    for body in [body.as_str(), body.trim_end()] {
        let (mut wire, mut call) = scene.ask();
        call.answer(
            200,
            &[("content-type", "text/event-stream")],
            body.as_bytes(),
        );
        assert_eq!(wire.end(), End::Whole, "{}", wire.shown());
        let text = wire.text();
        assert!(
            text.starts_with("data: {\"a\":1}\n\nevent: error\n"),
            "{text}"
        );
        assert!(text.ends_with("\n\ndata: [DONE]\n\n"), "{text}");
        assert!(!text.contains("jane"), "{text}");
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_resets_what_has_no_events() {
    let mut scene = Scene::start(json!({"response": {"EMAIL_ADDRESS": "block"}})).await;
    for (format, before, after) in [
        (Format::Json, "{\"a\":\"well\",\"b\":\"ask ", " or\"}"),
        (Format::Text, "well, ask ", " or else"),
        (Format::NdJson, "{\"a\":\"ask ", " or\"}\n"),
    ] {
        for size in [1, 4, usize::MAX] {
            let (mut wire, mut call) = scene.open(format);
            let body = format!("{before}{MAIL}{after}");
            for piece in body.as_bytes().chunks(size) {
                call.write(piece);
                scene.barrier.wait();
            }
            assert_eq!(wire.end(), End::Broken, "{format:?}: {}", wire.shown());
            let text = wire.text();
            assert!(before.starts_with(&text), "{format:?} by {size}: {text}");
            call.assert_dropped();
        }
        // The same in one piece with its length: not a byte of the value, not an end.
        let (mut wire, mut call) = scene.ask();
        let headers = [("content-type", super::content_type(format))];
        call.answer(200, &headers, format!("{before}{MAIL}{after}").as_bytes());
        assert_eq!(wire.end(), End::Broken, "{format:?}: {}", wire.shown());
        assert!(!wire.shown().contains("jane"), "{}", wire.shown());
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_request_is_refused_by_the_name_of_the_entity() {
    let mut scene = Scene::start(json!({"request": {"EMAIL_ADDRESS": "block", "*": "mask"}})).await;
    for (kind, body) in [
        (
            "application/json",
            format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"I am {MAIL}.\"}}]}}"),
        ),
        ("text/plain", format!("I am {MAIL}.")),
        (
            "application/x-ndjson",
            format!("{{\"a\":1}}\n{{\"content\":\"I am {MAIL}.\"}}\n"),
        ),
    ] {
        for size in [usize::MAX, 5] {
            let lines = format!("content-type: {kind}\r\n");
            let mut wire = Wire::send(
                scene.edge.traffic(),
                &head(ON_CANARY, &lines, body.len()),
                b"",
            );
            for piece in body.as_bytes().chunks(size) {
                wire.write(piece);
                scene.barrier.wait();
            }
            assert_eq!(wire.status(), 403, "{kind}: {}", wire.shown());
            wire.end();
            let problem: Value = serde_json::from_str(&wire.text()).expect("JSON");
            assert_eq!(problem["type"], "urn:breakglass:withheld");
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("EMAIL_ADDRESS"), "{detail}");
            for of in [wire.shown(), scene.upstream.received()] {
                assert!(!of.contains("jane") && !of.contains("roe@"), "{kind}: {of}");
            }
        }
    }
    assert_eq!(
        scene
            .edge
            .count(
                "breakglass_redactions_total",
                &[("direction", "request"), ("action", "block")]
            )
            .await,
        6
    );
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_masked_request_arrives_masked_and_well_formed() {
    let mut scene = Scene::start(json!({"request": {"*": "mask"}})).await;
    let body = format!(
        "{{\"id\":\"q\",\"messages\":[{{\"role\":\"user\",\"content\":\"I am {MAIL}\"}}],\"n\":1}}"
    );
    let masked = body.replace(MAIL, "[EMAIL_ADDRESS]");
    for size in [1, 5, usize::MAX] {
        let mut wire = Wire::send(scene.edge.traffic(), &head(ON_CANARY, "", body.len()), b"");
        for piece in body.as_bytes().chunks(size) {
            wire.write(piece);
            scene.barrier.wait();
        }
        let mut call = scene.upstream.next();
        assert!(call.whole, "pieces of {size}");
        assert_eq!(
            String::from_utf8_lossy(&call.body),
            masked,
            "pieces of {size}"
        );
        assert_eq!(call.header("content-length"), None);
        // What the agent says in its answer is not looked at in this policy.
        call.answer(
            200,
            &[("content-type", "application/json")],
            body.as_bytes(),
        );
        assert_eq!(wire.end(), End::Whole);
        assert_eq!(wire.text(), body);
    }
    // A body in chunks, and one without any.
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\n{UNIT_HEADER}: {ON_CANARY}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
    );
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let mut wire = Wire::send(scene.edge.traffic(), &request, chunks.as_bytes());
    let mut call = scene.upstream.next();
    assert_eq!(String::from_utf8_lossy(&call.body), masked);
    call.answer(200, &[], b"ok");
    assert_eq!(wire.end(), End::Whole);
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arm_may_do_otherwise() {
    let scene = Scene::start(json!({
        "response": {"*": "mask"},
        "request": {"EMAIL_ADDRESS": "count"},
        "arms": {
            "canary": {"response": {"EMAIL_ADDRESS": "count"}},
            "stable": {"request": {"EMAIL_ADDRESS": "block"}},
        },
    }))
    .await;
    let text = format!("ask {MAIL} with 4111 1111 1111 1111 ");
    for (user, expected) in [
        (ON_CANARY, format!("ask {MAIL} with [CREDIT_CARD] ")),
        (
            ON_STABLE,
            "ask [EMAIL_ADDRESS] with [CREDIT_CARD] ".to_owned(),
        ),
    ] {
        let mut wire = scene.ask_with(user, "", b"{}");
        scene
            .upstream
            .next()
            .answer(200, &[("content-type", "text/plain")], text.as_bytes());
        assert_eq!(wire.end(), End::Whole);
        assert_eq!(wire.text(), expected, "{user}");
    }
    let body = format!("{{\"a\":\"{MAIL}\"}}");
    let mut wire = scene.ask_with(ON_STABLE, "", body.as_bytes());
    assert_eq!(wire.status(), 403, "{}", wire.shown());
    let mut wire = scene.ask_with(ON_CANARY, "", body.as_bytes());
    loop {
        // The refused request may have reached the upstream in part.
        let mut call = scene.upstream.next();
        if call.whole {
            assert_eq!(String::from_utf8_lossy(&call.body), body);
            call.answer(200, &[], b"ok");
            break;
        }
    }
    assert_eq!(wire.status(), 200);
    let of = |arm: &'static str, direction: &'static str, action: &'static str| {
        let labels = [
            ("arm", arm),
            ("direction", direction),
            ("action", action),
            ("entity", "EMAIL_ADDRESS"),
        ];
        let edge = &scene.edge;
        async move { edge.count("breakglass_redactions_total", &labels).await }
    };
    assert_eq!(of("canary", "response", "count").await, 1);
    assert_eq!(of("stable", "response", "mask").await, 1);
    assert_eq!(of("stable", "request", "block").await, 1);
    assert_eq!(of("canary", "request", "count").await, 1);
    scene.edge.finish().await;
}
