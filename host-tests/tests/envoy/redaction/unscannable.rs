//! Bodies that cannot be scanned: withheld or passed, as the policy says, and counted.

use serde_json::{Value, json};

use super::{ON_CANARY, Scene};
use crate::edge::Edge;
use crate::wire::End;

/// `jane@example.com`, compressed by gzip.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x4a, 0xcc, 0x4b, 0x75, 0x48,
    0xad, 0x48, 0xcc, 0x2d, 0xc8, 0x49, 0xd5, 0x4b, 0xce, 0xcf, 0x05, 0x00, 0xb4, 0x19, 0x08, 0x63,
    0x10, 0x00, 0x00, 0x00,
];

const GZIPPED: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("content-encoding", "gzip"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_is_asked_for_what_can_be_scanned() {
    let accepts = "accept-encoding: gzip, br\r\n";
    for (redaction, left) in [
        (json!({"response": {"*": "count"}}), None),
        (
            json!({"arms": {"canary": {"response": {"SECRET": "mask"}}}}),
            None,
        ),
        (json!({"request": {"*": "mask"}}), Some("gzip, br")),
        (json!({}), Some("gzip, br")),
    ] {
        let scene = Scene::start(redaction.clone()).await;
        let mut wire = scene.ask_with(ON_CANARY, accepts, b"{}");
        let mut call = scene.upstream.next();
        assert_eq!(call.header("accept-encoding"), left, "{redaction}");
        call.answer(200, &GZIPPED, GZIP);
        wire.end();
        scene.edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_answer_is_withheld_unless_the_policy_lets_it_pass() {
    for (unscannable, status) in [
        (json!({}), 502),
        (json!({"compressed": "block"}), 502),
        (json!({"compressed": "pass"}), 200),
    ] {
        let redaction = json!({"response": {"*": "mask"}, "unscannable": unscannable});
        let scene = Scene::start(redaction).await;
        let (mut wire, mut call) = scene.ask();
        call.answer(200, &GZIPPED, GZIP);
        assert_eq!(wire.status(), status, "{unscannable}");
        assert_eq!(wire.end(), End::Whole, "{unscannable}");
        if status == 200 {
            let length = GZIP.len().to_string();
            assert_eq!(wire.header("content-length"), Some(length));
            assert_eq!(wire.header("content-encoding").as_deref(), Some("gzip"));
            assert!(wire.news() == GZIP, "the very bytes");
        } else {
            assert_problem(&wire.text(), "compressed");
        }
        assert_eq!(unscanned(&scene.edge, "compressed").await, 1);
        scene.edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binary_answer_passes_unless_the_policy_withholds_it() {
    let body = b"\x89PNG jane@example.com\x00\xff";
    for (unscannable, status) in [(json!({}), 200), (json!({"binary": "block"}), 502)] {
        let redaction = json!({"response": {"*": "mask"}, "unscannable": unscannable});
        let scene = Scene::start(redaction).await;
        let (mut wire, mut call) = scene.ask();
        call.answer(200, &[("content-type", "image/png")], body);
        assert_eq!(wire.status(), status, "{unscannable}");
        assert_eq!(wire.end(), End::Whole);
        if status == 200 {
            assert!(wire.news() == body, "the very bytes");
            assert_eq!(wire.header("content-length"), Some(body.len().to_string()));
        } else {
            assert_problem(&wire.text(), "binary");
        }
        assert_eq!(unscanned(&scene.edge, "binary").await, 1);
        // What was not scanned was not redacted either.
        assert_eq!(
            scene.edge.count("breakglass_redactions_total", &[]).await,
            0
        );
        scene.edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_request_is_refused_unless_the_policy_lets_it_pass() {
    let lines = "content-encoding: gzip\r\n";
    for (unscannable, status) in [(json!({}), 415), (json!({"compressed": "pass"}), 200)] {
        let redaction = json!({"request": {"*": "mask"}, "unscannable": unscannable});
        let scene = Scene::start(redaction).await;
        let mut wire = scene.ask_with(ON_CANARY, lines, GZIP);
        if status == 200 {
            let mut call = scene.upstream.next();
            assert!(call.body == GZIP, "the very bytes");
            assert_eq!(call.header("content-length"), Some("36"));
            call.answer(200, &[], b"ok");
        }
        assert_eq!(wire.status(), status, "{unscannable}");
        assert_eq!(unscanned(&scene.edge, "compressed").await, 1);
        scene.edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_too_long_is_counted_and_redacted_all_the_same() {
    let long = format!(
        "data: {{\"text\":\"{}\",\"more\":\"ask jane@example.com\"}}\n\n",
        "word ".repeat(8_000)
    );
    for (unscannable, passes) in [(json!({}), true), (json!({"oversized": "block"}), false)] {
        let redaction = json!({"response": {"*": "mask"}, "unscannable": unscannable});
        let mut scene = Scene::start(redaction).await;
        let (mut wire, mut call) = scene.open(breakglass_redact::Format::Sse);
        call.write(b"data: {}\n\n");
        for piece in long.as_bytes().chunks(1_000) {
            call.write(piece);
        }
        if passes {
            call.end();
            assert_eq!(wire.end(), End::Whole);
            let expected = long.replace("jane@example.com", "[EMAIL_ADDRESS]");
            assert_eq!(wire.text(), format!("data: {{}}\n\n{expected}"));
        } else {
            assert_eq!(wire.end(), End::Broken);
            let text = wire.text();
            assert!(text.starts_with("data: {}\n\n"), "{text:.200}");
            assert!(text.contains("breakglass_withheld"), "{text:.200}");
            assert!(text.ends_with("data: [DONE]\n\n"), "{text:.200}");
        }
        assert!(!wire.shown().contains("jane"), "in clear");
        assert_eq!(unscanned(&scene.edge, "oversized").await, 1);
        scene.edge.finish().await;
    }
}

async fn unscanned(edge: &Edge, reason: &str) -> u64 {
    edge.count("breakglass_unscanned_total", &[("reason", reason)])
        .await
}

fn assert_problem(text: &str, reason: &str) {
    let problem: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(problem["type"], "urn:breakglass:unscannable");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(reason), "{detail}");
}
