//! The JSON edit of the request body: the named member changes, every other byte stays.

use breakglass_examples::http::Answer;
use breakglass_examples::load::Protocol;
use breakglass_examples::share::{Percent, Salt};
use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::client::{Body, PROTOCOLS, ask, full, raw};
use crate::edge::Edge;
use crate::policy::{ECHO_PATH, SALT, policy_with, ramp};

/// Bodies with a hole where the edited value stands. What is around it must arrive as it is.
const AROUND: [(&str, &str); 7] = [
    (r#"{"prompt":{"version":"#, "}}"),
    (
        "{ \"prompt\" : {\t\"version\" :\r\n ",
        ", \"t\": 1.0e5, \"n\": 12345678901234567890.000 } }",
    ),
    (
        r#"{"messages":[{"content":"é \u00e9 \" } ,"}],"prompt":{"name":"a/b","version":"#,
        r#"},"x":[1,2,[]]}"#,
    ),
    (
        r#"{"version":"1","prompt":{"nested":{"version":"2"},"version":"#,
        "}}\n",
    ),
    (
        r#"{"prompt\/x":{"version":3},"prompt":{"version":"#,
        r#", "Version": 4}}"#,
    ),
    (r#"{"\u0070rompt":{"version":"#, r#"},"last":-0.0}"#),
    (
        r#"{"a":"prompt","prompt":{"version":"#,
        r#","version2":null}}   "#,
    ),
];

/// What may stand in the hole.
const BEFORE: [&str; 5] = [
    r#""41""#,
    "7",
    r#"{"deep":[1,{"version":"x"}]}"#,
    "null",
    r#""\"}""#,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_named_member_changes_and_every_other_byte_stays() {
    let edge = start().await;
    let mut edited = 0;
    for (index, (head, tail)) in AROUND.iter().enumerate() {
        for before in BEFORE {
            let user = format!("user-{index}-{}", before.len());
            let expected = format!("{head}\"{}\"{tail}", prompt(&user));
            for protocol in PROTOCOLS {
                for chunk in [usize::MAX, 7] {
                    let body = pieces(&format!("{head}{before}{tail}"), chunk, None);
                    let answer = post(&edge, protocol, &user, "application/json", body).await;
                    assert_eq!(
                        said(&answer)["body"],
                        expected,
                        "{protocol:?}, pieces of {chunk}"
                    );
                    edited += 1;
                }
            }
        }
    }
    println!("{edited} bodies edited");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_is_missing_is_added() {
    let edge = start().await;
    for (body, expected) in [
        ("{}", r#"{"prompt":{"version":"§"}}"#),
        (
            r#"{"messages": []}"#,
            r#"{"prompt":{"version":"§"},"messages": []}"#,
        ),
        (
            r#"{"prompt": {"name": "a"}}"#,
            r#"{"prompt": {"version":"§","name": "a"}}"#,
        ),
    ] {
        for (user, protocol) in [
            ("user-1", PROTOCOLS[0]),
            ("user-2", PROTOCOLS[1]),
            ("user-3", PROTOCOLS[0]),
        ] {
            let answer = post(
                &edge,
                protocol,
                user,
                "application/json; charset=utf-8",
                full(body),
            )
            .await;
            assert_eq!(
                said(&answer)["body"],
                expected.replace('§', prompt(user)),
                "{body} by {user}"
            );
        }
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_json_or_has_no_body_passes_untouched() {
    let edge = start().await;
    let body = r#"{"prompt":{"version":"41x"}}"#;
    for content_type in [
        "text/plain",
        "application/x-ndjson",
        "multipart/form-data; boundary=json",
    ] {
        for protocol in PROTOCOLS {
            let answer = post(
                &edge,
                protocol,
                "user-1",
                content_type,
                pieces(body, 5, None),
            )
            .await;
            assert_eq!(
                said(&answer)["body"],
                body,
                "{content_type} over {protocol:?}"
            );
        }
    }
    for protocol in PROTOCOLS {
        let headers = [
            ("x-user-id", "user-1"),
            ("content-type", "application/json"),
        ];
        let echo = edge.echo(protocol, ECHO_PATH, &headers).await;
        assert_eq!(echo["body"], "", "GET over {protocol:?}");
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_edited_is_refused_and_does_not_arrive() {
    let edge = start().await;
    let malformed: [&[u8]; 9] = [
        b"{",
        b"{\"prompt\":{\"version\":\"41\"}} x",
        b"nothing",
        b"[]",
        b"{\"prompt\":\"41\"}",
        b"{\"prompt\":{\"version\":\"1\",\"version\":\"2\"}}",
        b"{\"prompt\":{\"version\":\"\xff\"}}",
        b"{\"prompt\":{\"version\":\"41\"}}{}",
        b"\xef\xbb\xbf{}",
    ];
    for (number, body) in malformed.iter().enumerate() {
        for protocol in PROTOCOLS {
            let user = format!("user-{number}");
            let answer = post(
                &edge,
                protocol,
                &user,
                "application/json",
                full(body.to_vec()),
            )
            .await;
            let of = format!("{:?} over {protocol:?}", String::from_utf8_lossy(body));
            assert_problem(&answer, 400, "urn:breakglass:body-not-editable", &of);
        }
    }
    let deep = "[".repeat(200_000);
    let answer = post(
        &edge,
        Protocol::Http1,
        "user-1",
        "application/json",
        full(deep),
    )
    .await;
    assert_problem(
        &answer,
        400,
        "urn:breakglass:body-not-editable",
        "200,000 open brackets",
    );
    assert_nothing_arrived(&edge);
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_beyond_the_limit_is_refused_with_413() {
    let edge = start().await;
    for (size, status) in [
        (LIMIT - 1_000, 200),
        (LIMIT, 200),
        (LIMIT + 1, 413),
        (3 * LIMIT, 413),
    ] {
        let (head, tail) = (r#"{"prompt":{"version":"41"},"filler":""#, r#""}"#);
        let body = format!("{head}{}{tail}", "x".repeat(size - head.len() - tail.len()));
        for protocol in PROTOCOLS {
            for chunk in [usize::MAX, 60_000] {
                let of = format!("{size} bytes over {protocol:?}, pieces of {chunk}");
                let answer = post(
                    &edge,
                    protocol,
                    "user-1",
                    "application/json",
                    pieces(&body, chunk, None),
                )
                .await;
                assert_eq!(answer.status, status, "{of}: {:.200}", answer.text());
                if status == 200 {
                    let arrived = said(&answer)["body"].as_str().map(str::len);
                    assert_eq!(arrived, Some(size), "{of}");
                }
            }
        }
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_never_carry_an_unedited_body_past_the_filter() {
    let edge = start().await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "1".parse().unwrap());
    let body = r#"{"prompt":{"version":"41x"}}"#;

    // Over HTTP/2 the body is out of the filter's reach when the trailers come: refused.
    let sent = pieces(body, 10, Some(trailers));
    let answer = post(&edge, Protocol::Http2, "user-1", "application/json", sent).await;
    assert_problem(
        &answer,
        400,
        "urn:breakglass:body-not-editable",
        "trailers over HTTP/2",
    );
    assert_nothing_arrived(&edge);

    // Over HTTP/1.1 Envoy drops trailers unless told otherwise, and the body is edited as ever.
    let request = format!(
        "POST {ECHO_PATH} HTTP/1.1\r\nhost: a\r\nx-user-id: user-1\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{body}\r\n0\r\nx-checksum: 1\r\n\r\n",
        body.len()
    );
    let answer = raw(edge.traffic(), request.as_bytes())
        .await
        .unwrap()
        .expect("an answer");
    let expected = body.replace("41x", prompt("user-1"));
    assert_eq!(said(&answer)["body"], expected, "trailers over HTTP/1.1");
    edge.finish().await;
}

async fn start() -> Edge {
    let arm = |number: &str| json!({"version": format!("prompt-v{number}"), "cluster": format!("agent-v{number}"), "json": {"/prompt/version": number}});
    let arms = json!({"arms": {"stable": arm("41"), "canary": arm("42")}});
    Edge::start(policy_with(ramp(1, 50), arms)).await
}

async fn post(
    edge: &Edge,
    protocol: Protocol,
    user: &str,
    content_type: &str,
    body: Body,
) -> Answer {
    let request = Request::post(ECHO_PATH)
        .header("x-user-id", user)
        .header("content-type", content_type);
    ask(edge.traffic(), protocol, request.body(body).unwrap()).await
}

/// The prompt version of this user's arm at 50 %.
fn prompt(user: &str) -> &'static str {
    if Salt::new(SALT).takes(user, Percent::whole(50)) {
        "42"
    } else {
        "41"
    }
}

/// A body in pieces of this size, without a length, or in one with it; perhaps with trailers.
fn pieces(text: &str, size: usize, trailers: Option<HeaderMap>) -> Body {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    if size >= bytes.len() && trailers.is_none() {
        return Full::new(bytes).boxed_unsync();
    }
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for piece in bytes.chunks(size) {
            // An error: the other side has answered and wants no more.
            if sender
                .send_data(Bytes::copy_from_slice(piece))
                .await
                .is_err()
            {
                return;
            }
        }
        if let Some(trailers) = trailers {
            let _ = sender.send_trailers(trailers).await;
        }
    });
    body.boxed_unsync()
}

fn said(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{:.300}", answer.text());
    answer.json().unwrap()
}

fn assert_problem(answer: &Answer, status: u16, kind: &str, of: &str) {
    let found = (answer.status, answer.header("content-type"));
    assert_eq!(
        found,
        (status, Some("application/problem+json")),
        "{of}: {:.300}",
        answer.text()
    );
    let problem = answer.json().unwrap();
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&kind.into(), &status.into()),
        "{of}"
    );
}

/// An agent may see the headers of such a request, because they went ahead of the body; never a
/// whole request.
fn assert_nothing_arrived(edge: &Edge) {
    let agents = edge.agents();
    let whole = [&agents.stable, &agents.canary].map(|agent| {
        let seen = agent.seen();
        seen.iter()
            .filter(|seen| seen.ending == breakglass_examples::agent::Ending::Written)
            .count()
    });
    assert_eq!(whole, [0, 0], "whole requests at the agents");
}

/// The filter's limit for a body that is edited, as the README states it.
const LIMIT: usize = 1 << 20;
