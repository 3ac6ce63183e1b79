//! Trailers, behind which no body can follow: text that is held when they come is not sent in clear,
//! and its loss is not silent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{ON_CANARY, Scene, overlay, policy, start_edge};
use crate::client::{Client, PROTOCOLS, full};
use crate::policy::PATH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_held_when_trailers_come_breaks_the_answer_off() {
    let (upstream, mut calls) = serve().await;
    let redaction = json!({"response": {"*": "mask"}});
    let edge = start_edge(policy(1, &redaction), overlay(upstream.port(), true)).await;
    let mut broken = 0;
    for protocol in PROTOCOLS {
        for (kind, body, expected) in [
            (
                "text/plain",
                "ask jane@example.com now. ",
                Some("ask [EMAIL_ADDRESS] now. "),
            ),
            (
                "application/json",
                "{\"a\":\"jane@example.com\"}",
                Some("{\"a\":\"[EMAIL_ADDRESS]\"}"),
            ),
            ("text/plain", "ask jane@example.com", None),
            (
                "text/event-stream",
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ask jane@exam\"}}]}\n\n",
                None,
            ),
            (
                "text/event-stream",
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ask \"}}]}\n\ndata: [DONE]\n\n",
                Some(
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ask \"}}]}\n\ndata: [DONE]\n\n",
                ),
            ),
        ] {
            let of = format!("{protocol:?}, {kind}: {body}");
            let mut client = Client::connect(edge.traffic(), protocol).await.unwrap();
            let request = Request::post(PATH)
                .header("x-user-id", ON_CANARY)
                .header("content-type", "application/json")
                .header("x-kind", kind)
                .body(full("{}"));
            let asked = tokio::spawn(async move {
                let response = client.send(request.unwrap()).await.unwrap();
                collected(response.into_body()).await
            });
            let mut call = calls.recv().await.expect("a request upstream");
            call.send_data(Bytes::from(body)).await.unwrap();
            call.send_trailers(trailers()).await.unwrap();
            drop(call);
            let (text, end) = asked.await.unwrap();
            assert!(!text.contains("jane"), "{of}: {text}");
            match expected {
                Some(expected) => assert_eq!(
                    (text.as_str(), end.is_ok()),
                    (expected, true),
                    "{of}: {end:?}"
                ),
                None => {
                    assert!(end.is_err(), "{of}: seems whole: {text}");
                    broken += 1;
                }
            }
        }
    }
    let labels = [("reason", "trailers")];
    assert_eq!(
        edge.count("breakglass_unscanned_total", &labels).await,
        broken
    );
    let mut edge = edge;
    edge.assert_no_trap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_text_is_held_when_trailers_come_is_refused() {
    let scene = Scene::start(json!({"request": {"*": "mask"}})).await;
    for (body, status) in [
        ("{\"a\":\"ask jane@example.com\"}", 200),
        ("{\"a\":\"ask jane@example", 415),
    ] {
        let mut client = Client::connect(scene.edge.traffic(), PROTOCOLS[1])
            .await
            .unwrap();
        let (mut sender, channel) = Channel::new(1);
        let request = Request::post(PATH)
            .header("x-user-id", ON_CANARY)
            .header("content-type", "application/json")
            .body(channel.boxed_unsync());
        let asked = tokio::spawn(async move { client.ask(request.unwrap()).await });
        sender.send_data(Bytes::from(body)).await.unwrap();
        sender.send_trailers(trailers()).await.unwrap();
        if status == 200 {
            let mut call = scene.upstream.next();
            assert_eq!(
                String::from_utf8_lossy(&call.body),
                "{\"a\":\"ask [EMAIL_ADDRESS]\"}"
            );
            call.answer(200, &[], b"ok");
        }
        let answer = asked.await.unwrap().unwrap();
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(!scene.upstream.received().contains("jane"), "{body}");
    }
    scene.edge.finish().await;
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "1".parse().expect("a value"));
    trailers
}

/// The body, and how it ended.
async fn collected(mut body: Incoming) -> (String, Result<(), String>) {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Err(error) => {
                return (
                    String::from_utf8_lossy(&bytes).into(),
                    Err(error.to_string()),
                );
            }
        }
    }
    (String::from_utf8_lossy(&bytes).into(), Ok(()))
}

/// An upstream over HTTP/2 that leaves its answers to the test: for each request, where to write the
/// body. The media type is the one that the request asks for.
async fn serve() -> (SocketAddr, mpsc::UnboundedReceiver<Sender<Bytes>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (calls, received) = mpsc::unbounded_channel();
    let calls = Arc::new(calls);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let calls = calls.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let kind = request.headers().get("x-kind").cloned();
                let (sender, body) = Channel::<Bytes, Infallible>::new(1);
                let _ = calls.send(sender);
                async move {
                    let mut response = Response::new(body);
                    if let Some(kind) = kind {
                        response.headers_mut().insert("content-type", kind);
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            let connection = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    (addr, received)
}
