//! Requests that are odd in their first line, their host or their end: no trap, a status that makes
//! sense, and traffic goes on.

use breakglass_examples::load::Protocol;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Client, raw};
use crate::edge::Edge;
use crate::hostile::{assert_serves, curious};
use crate::transcript;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_do_not_trap() {
    let edge = Edge::start(curious(1)).await;
    let long = format!("/v1/agents/support/{}", "a/".repeat(20_000));
    let odd: Vec<(&str, Vec<u8>, &[u16])> = vec![
        (
            "double slashes",
            line("GET //v1//agents/support//echo HTTP/1.1"),
            &[200],
        ),
        (
            "dot segments",
            line("GET /v1/x/../agents/./support/echo HTTP/1.1"),
            &[200],
        ),
        (
            "escaped slashes",
            line("GET /v1/agents%2Fsupport/echo HTTP/1.1"),
            &[307],
        ),
        (
            "escaped dots",
            line("GET /v1/agents/support/%2e%2e/echo HTTP/1.1"),
            &[200, 404],
        ),
        (
            "escaped zero",
            line("GET /v1/agents/support/%00/echo HTTP/1.1"),
            &[200, 400],
        ),
        (
            "half an escape",
            line("GET /v1/agents/support/%z/%/echo HTTP/1.1"),
            &[200, 400],
        ),
        (
            "a question",
            line("GET /v1/agents/support/echo?a=%ff&x-breakglass-arm=canary HTTP/1.1"),
            &[200],
        ),
        (
            "a fragment",
            line("GET /v1/agents/support/echo#x HTTP/1.1"),
            &[200, 400],
        ),
        (
            "upper case",
            line("GET /V1/AGENTS/SUPPORT/echo HTTP/1.1"),
            &[200],
        ),
        (
            "a path like it",
            line("GET /v1/agents/supportive/echo HTTP/1.1"),
            &[200],
        ),
        (
            "the whole address",
            line("GET http://agents.example.com/v1/agents/support/echo HTTP/1.1"),
            &[200],
        ),
        (
            "no slash",
            line("GET v1/agents/support HTTP/1.1"),
            &[400, 404],
        ),
        ("a star", line("OPTIONS * HTTP/1.1"), &[200, 400, 404]),
        (
            "a path of bytes",
            b"GET /v1/agents/support/\xff\xfe/echo HTTP/1.1".to_vec(),
            &[200, 400],
        ),
        ("a long path", line(&format!("GET {long} HTTP/1.1")), &[404]),
        (
            "a method of its own",
            line("BREAK /v1/agents/support/echo HTTP/1.1"),
            &[200, 400],
        ),
        (
            "CONNECT",
            line("CONNECT agents.example.com:443 HTTP/1.1"),
            &[400, 403, 404],
        ),
        (
            "TRACE",
            line("TRACE /v1/agents/support/echo HTTP/1.1"),
            &[200, 400],
        ),
        (
            "HTTP/1.0",
            line("GET /v1/agents/support/echo HTTP/1.0"),
            &[426],
        ),
        (
            "HTTP/9",
            line("GET /v1/agents/support/echo HTTP/9.9"),
            &[400, 426, 505],
        ),
        (
            "an upgrade",
            line(
                "GET /v1/agents/support/echo HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade",
            ),
            &[403],
        ),
        (
            "a zero in a value",
            b"GET /v1/agents/support/echo HTTP/1.1\r\nx-user-id: a\0b".to_vec(),
            &[400],
        ),
        (
            "a zero in a name",
            b"GET /v1/agents/support/echo HTTP/1.1\r\nx-us\0er: a".to_vec(),
            &[400],
        ),
        (
            "a folded line",
            line("GET /v1/agents/support/echo HTTP/1.1\r\nx-user-id: a\r\n b"),
            &[200, 400],
        ),
        (
            "two lengths",
            line("POST /v1/agents/support/echo HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2"),
            &[400],
        ),
        (
            "a length that is none",
            line("POST /v1/agents/support/echo HTTP/1.1\r\ncontent-length: -1"),
            &[400],
        ),
        (
            "length and chunks",
            line(
                "POST /v1/agents/support/echo HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked",
            ),
            &[400],
        ),
        (
            "another host",
            line("GET /v1/agents/support/echo HTTP/1.1\r\nhost: b"),
            &[200, 400],
        ),
    ];
    for (name, head, expected) in &odd {
        let request = [
            head.as_slice(),
            b"\r\nhost: a\r\nx-agent: support\r\nx-user-id: u\r\nconnection: close\r\n\r\n",
        ]
        .concat();
        let answer = raw(edge.traffic(), &request).await.unwrap();
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        println!("{name}: {status}");
        assert!(
            expected.contains(&status),
            "{name}: status {status}: {:?}",
            answer.map(|answer| answer.text())
        );
    }
    for host in [
        "",
        "[::1]:80",
        "a:b:c",
        "..",
        "A.EXAMPLE.COM:99999",
        "xn--\u{fc}",
        "\u{ff}",
        "a b",
        "@",
        "a/b",
    ] {
        let bytes: Vec<u8> = host.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let request = [b"GET /v1/agents/support/echo HTTP/1.1\r\nx-agent: support\r\nconnection: close\r\nhost: ", bytes.as_slice(), b"\r\n\r\n"].concat();
        let answer = raw(edge.traffic(), &request).await.unwrap();
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        assert!(
            [200, 400].contains(&status),
            "host {host:?}: status {status}"
        );
    }
    assert_serves(&edge).await;
    edge.finish().await;
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_leave_at_any_moment_do_not_trap() {
    let edge = Edge::start(curious(1)).await;
    let body = json!({"stream": true, "max_tokens": 50}).to_string();
    let head = format!(
        "POST /v1/agents/support HTTP/1.1\r\nhost: a\r\nx-agent: support\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let whole = [head.as_bytes(), body.as_bytes()].concat();
    for length in (0..=whole.len()).step_by(3) {
        let mut stream = TcpStream::connect(edge.traffic()).await.unwrap();
        stream.write_all(&whole[..length]).await.unwrap();
    }
    for _ in 0..40 {
        // Over HTTP/2: a stream that is reset while its answer comes.
        let mut client = Client::connect(edge.traffic(), Protocol::Http2)
            .await
            .unwrap();
        let mut request = transcript::stream_request("u", 50);
        request
            .headers_mut()
            .insert("x-agent", "support".parse().unwrap());
        let response = client.send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        drop(response);
    }
    assert_serves(&edge).await;
    edge.finish().await;
}

/// The lines of a request, one byte a character, without the last line feed.
fn line(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}
