//! How an answer that is redacted is framed, on the way to the client and on the way to the agent.

use breakglass_redact::Format;
use hyper::Request;
use serde_json::json;

use super::{ON_CANARY, Scene};
use crate::client::{Client, PROTOCOLS, full};
use crate::policy::PATH;
use crate::wire::End;

const BODY: &str = "{\"text\":\"ask jane@example.com\"}";
const MASKED: &str = "{\"text\":\"ask [EMAIL_ADDRESS]\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_masked_answer_has_no_length_but_an_end() {
    let scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    let (mut wire, mut call) = scene.ask();
    call.answer(
        200,
        &[("content-type", "application/json")],
        BODY.as_bytes(),
    );
    assert_eq!(wire.end(), End::Whole);
    assert_eq!(wire.text(), MASKED);
    assert_eq!(wire.header("content-length"), None);
    assert_eq!(wire.header("transfer-encoding").as_deref(), Some("chunked"));

    // Both protocols; with a length, in chunks, and with nothing to mask.
    for protocol in PROTOCOLS {
        for body in [BODY, MASKED, "{}", ""] {
            for chunked in [false, true] {
                let mut client = Client::connect(scene.edge.traffic(), protocol)
                    .await
                    .unwrap();
                let request = Request::post(PATH)
                    .header("x-user-id", ON_CANARY)
                    .header("content-type", "application/json")
                    .body(full("{}"));
                let asked = tokio::spawn(async move { client.ask(request.unwrap()).await });
                let mut call = scene.upstream.next();
                let headers = [("content-type", "application/json")];
                if chunked {
                    call.begin(200, &headers);
                    call.write(body.as_bytes());
                    call.end();
                } else {
                    call.answer(200, &headers, body.as_bytes());
                }
                let answer = asked.await.unwrap().unwrap();
                let of = format!("{protocol:?}, {body}, chunked: {chunked}");
                let expected = body.replace("jane@example.com", "[EMAIL_ADDRESS]");
                assert_eq!(answer.text(), expected, "{of}");
                let length = answer.header("content-length");
                // What is empty from the start may say so.
                assert!(length.is_none() || body.is_empty(), "{of}: {length:?}");
            }
        }
    }
    // Answers that never have a body.
    for status in [204, 304] {
        let (mut wire, mut call) = scene.ask();
        call.bare(status, &[("content-type", "application/json")]);
        assert_eq!(wire.status(), status);
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_are_redacted_in_both_directions() {
    let redaction = json!({"response": {"*": "mask"}, "request": {"*": "mask"}});
    let scene = Scene::start(redaction).await;
    let item = |number: usize| json!({"n": number, "text": format!("Dear u{number}@example.com, \"yes\": {}", "so ".repeat(number % 60))});
    let items: Vec<_> = (0..20_000).map(item).collect();
    let body = json!({"items": items}).to_string();
    let expected = super::redacted(&scene.profile, Format::Json, body.as_bytes());
    assert!(
        expected
            .windows(15)
            .filter(|window| window == b"[EMAIL_ADDRESS]")
            .count()
            == 20_000
    );
    for protocol in PROTOCOLS {
        let mut client = Client::connect(scene.edge.traffic(), protocol)
            .await
            .unwrap();
        let request = Request::post(PATH)
            .header("x-user-id", ON_CANARY)
            .header("content-type", "application/json")
            .body(full(body.clone()));
        let asked = tokio::spawn(async move { client.ask(request.unwrap()).await });
        let mut call = scene.upstream.next();
        assert!(
            call.whole && call.body == expected,
            "{protocol:?}: the request"
        );
        call.answer(
            200,
            &[("content-type", "application/json")],
            body.as_bytes(),
        );
        let answer = asked.await.unwrap().unwrap();
        assert!(answer.body == expected, "{protocol:?}: the answer");
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_ends_early_ends_early_for_the_client_too() {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    let (mut wire, mut call) = scene.open(Format::Text);
    scene.step(&mut wire, &mut call, b"ask jane@example");
    // The agent breaks off in the middle: what was held is lost with it, not told.
    drop(call);
    assert_eq!(wire.end(), End::Broken);
    assert_eq!(wire.text(), "ask ");
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_while_text_is_held_leaves_nothing_behind() {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    for format in [Format::Text, Format::Sse, Format::NdJson, Format::Json] {
        let (mut wire, mut call) = scene.open(format);
        scene.step(&mut wire, &mut call, b"data: {\"a\":\"ask jane@example");
        drop(wire);
        call.assert_dropped();
    }
    scene.edge.finish().await;
}
