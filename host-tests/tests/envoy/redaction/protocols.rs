//! Streams that are redacted over HTTP/2 and HTTP/3: masked as over HTTP/1.1, and withheld in good form.

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::load::Protocol;
use breakglass_redact::Format;
use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::Request;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::actions::{BEFORE, MAIL, assert_hides, assert_withheld};
use super::visible::text_of;
use super::{CHAT_END, ON_CANARY, ON_STABLE, Scene, chat_event, redacted};
use crate::client::{Client, full};
use crate::http3;
use crate::policy::PATH;
use crate::upstream::Call;

/// What came of an answer, and whether it was broken off.
type Received = (String, bool);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_over_http2_is_redacted_event_by_event() {
    let mut scene = Scene::start(masking()).await;
    let asked = over_http2(connect(&scene).await, ON_CANARY);
    assert_masked(&mut scene, asked).await;
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_over_http3_is_redacted_event_by_event() {
    let (mut scene, quic) = Scene::start_quic(masking()).await;
    let asked = over_http3(quic.connect().await, ON_CANARY);
    assert_masked(&mut scene, asked).await;
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_over_http2_ends_one_stream_and_not_the_connection() {
    let scene = Scene::start(blocking()).await;
    for events in leaks() {
        let client = connect(&scene).await;
        // Another stream on the same connection is open meanwhile.
        let other = over_http2(client.beside().unwrap(), ON_STABLE);
        let other_call = begin(&scene);
        let blocked = over_http2(client.beside().unwrap(), ON_CANARY);
        assert_blocked(&scene, blocked, &events).await;
        assert_whole(other, other_call).await;
        assert_whole(over_http2(client, ON_STABLE), begin(&scene)).await;
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_over_http3_ends_one_stream_and_not_the_connection() {
    let (scene, quic) = Scene::start_quic(blocking()).await;
    for events in leaks() {
        let client = quic.connect().await;
        let other = over_http3(client.clone(), ON_STABLE);
        let other_call = begin(&scene);
        let blocked = over_http3(client.clone(), ON_CANARY);
        assert_blocked(&scene, blocked, &events).await;
        assert_whole(other, other_call).await;
        assert_whole(over_http3(client, ON_STABLE), begin(&scene)).await;
    }
    scene.edge.finish().await;
}

fn masking() -> Value {
    json!({"response": {"*": "mask"}})
}

fn blocking() -> Value {
    json!({"response": {"*": "mask", "EMAIL_ADDRESS": "block"}})
}

/// The value in one event, and over events.
fn leaks() -> [Vec<String>; 2] {
    [
        vec![chat_event(&format!("ask {MAIL} or "))],
        ["ask jane", ".roe@", "example", ".com", " or "]
            .map(chat_event)
            .into(),
    ]
}

async fn assert_masked(scene: &mut Scene, asked: JoinHandle<Received>) {
    let mut call = begin(scene);
    let events = ["ask ", "jane", "@exam", "ple.com", " or ", "me"].map(chat_event);
    for event in &events {
        call.write(event.as_bytes());
        scene.barrier.wait();
    }
    call.write(CHAT_END.as_bytes());
    call.end();
    let (text, broken) = asked.await.unwrap();
    assert!(!broken, "{text}");
    let whole = events.concat() + CHAT_END;
    let expected = redacted(&scene.profile, Format::Sse, whole.as_bytes());
    assert_eq!(text, String::from_utf8(expected).unwrap());
    assert_eq!(text_of(&text), "ask [EMAIL_ADDRESS] or me");
}

async fn assert_blocked(scene: &Scene, asked: JoinHandle<Received>, events: &[String]) {
    let mut call = begin(scene);
    call.write(chat_event(BEFORE).as_bytes());
    for event in events {
        call.write(event.as_bytes());
    }
    call.write(CHAT_END.as_bytes());
    let (text, broken) = asked.await.unwrap();
    assert!(broken, "the rest is reset, not ended: {text}");
    assert_withheld(&text);
    assert_hides(&text);
    call.assert_dropped();
}

async fn assert_whole(asked: JoinHandle<Received>, mut call: Call) {
    call.write(chat_event("all is well ").as_bytes());
    call.write(CHAT_END.as_bytes());
    call.end();
    let (text, broken) = asked.await.unwrap();
    assert!(!broken, "{text}");
    assert_eq!(text_of(&text), "all is well ");
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
}

/// The next call upstream, of which the answer has begun.
fn begin(scene: &Scene) -> Call {
    let mut call = scene.upstream.next();
    call.begin(200, &[("content-type", "text/event-stream; charset=utf-8")]);
    call
}

async fn connect(scene: &Scene) -> Client {
    let client = Client::connect(scene.edge.traffic(), Protocol::Http2).await;
    client.unwrap()
}

fn over_http2(mut client: Client, user: &'static str) -> JoinHandle<Received> {
    let request = Request::post(PATH)
        .header(UNIT_HEADER, user)
        .body(full("{}"));
    tokio::spawn(async move {
        let mut body = client.send(request.unwrap()).await.unwrap().into_body();
        let mut text = BytesMut::new();
        let broken = loop {
            match body.frame().await {
                Some(Ok(frame)) => text.extend(frame.into_data()),
                Some(Err(_)) => break true,
                None => break false,
            }
        };
        (String::from_utf8(text.into()).unwrap(), broken)
    })
}

fn over_http3(mut client: http3::Client, user: &'static str) -> JoinHandle<Received> {
    tokio::spawn(async move {
        let mut stream = client.send(PATH, &[(UNIT_HEADER, user)], "{}").await;
        stream.recv_response().await.unwrap();
        let mut text = BytesMut::new();
        let broken = loop {
            match stream.recv_data().await {
                Ok(Some(mut data)) => text.extend(data.copy_to_bytes(data.remaining())),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        (String::from_utf8(text.into()).unwrap(), broken)
    })
}
