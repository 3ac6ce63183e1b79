//! Headers that nobody sends by mistake: no trap, a status that makes sense, and traffic goes on.

use std::time::Instant;

use breakglass_examples::share::{Percent, Salt};
use serde_json::{Value, json};

use crate::client::{raw, version_in};
use crate::edge::{Edge, options};
use crate::listeners;
use crate::policy::{CANARY, ECHO_PATH, SALT, STABLE, policy_with, ramp};

/// Policy that reads every kind of header there is: host, conditions, cookie, token, random cookie.
pub(crate) fn curious(generation: u64) -> Value {
    let members = json!({
        "match": {"path_prefix": "/v1/agents/support", "headers": {"x-agent": "support"}},
        "unit": [{"header": "x-user-id"}, {"cookie": "session"}, {"jwt_claim": "sub"},
                 {"random_cookie": {"name": "bg-unit", "max_age": "1h"}}],
        "expose": true,
    });
    policy_with(ramp(generation, 50), members)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_header_values_do_not_trap() {
    let edge = Edge::start(curious(1)).await;
    let values: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"\xff".to_vec(),
        b"\xc3\x28\xa0\xa1\xe2\x28\xa1\xf0\x28\x8c\x28".to_vec(),
        b"\xed\xa0\x80\xf4\x90\x80\x80".to_vec(),
        b"\t\x80\t".to_vec(),
        b"=;=;;==; ;".to_vec(),
        b"session".to_vec(),
        b"session=".to_vec(),
        b"session=\xff; bg-unit=\xfe".to_vec(),
        b"Bearer \xff.\xff.\xff".to_vec(),
        b"Bearer ".to_vec(),
        b"bearer a..b".to_vec(),
        b"Bearer e30.bnVsbA.e30".to_vec(),
        b"\"\\\"; DROP TABLE".to_vec(),
        vec![b'x'; 30_000],
        vec![b'x'; 50 << 10],
        [b"session=".to_vec(), vec![b'y'; 50 << 10]].concat(),
    ];
    let names = [
        "x-user-id",
        "cookie",
        "authorization",
        "x-agent",
        "content-type",
        "content-encoding",
        "accept",
        "x-other",
    ];
    let (mut sent, mut answers) = (0, std::collections::BTreeMap::<u16, usize>::new());
    for name in names {
        for value in &values {
            for twice in [false, true] {
                let mut lines = vec![b"x-agent: support".to_vec()];
                for _ in 0..=usize::from(twice) {
                    lines.push([name.as_bytes(), b": ", value].concat());
                }
                let request = get(ECHO_PATH, &lines);
                let answer = raw(edge.traffic(), &request).await.unwrap();
                let status = answer.as_ref().map_or(0, |answer| answer.status);
                let of = format!(
                    "{name}: {:.80?}, twice: {twice}",
                    String::from_utf8_lossy(value)
                );
                // Two long ones are beyond Envoy's 60 KiB of headers.
                let expected: &[u16] = if twice && value.len() >= 30_000 {
                    &[200, 431]
                } else {
                    &[200]
                };
                assert!(
                    expected.contains(&status),
                    "{of}: status {status}: {:?}",
                    answer.map(|answer| answer.text())
                );
                *answers.entry(status).or_default() += 1;
                sent += 1;
            }
        }
    }
    println!("{sent} requests: {answers:?}");
    assert_serves(&edge).await;
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_and_bytes_that_are_no_text_are_a_unit_like_any_other() {
    let edge = Edge::start(curious(1)).await;
    let salt = Salt::new(SALT);
    for number in 0..30 {
        // Several lines of one header are one value (RFC 9110, section 5.3).
        let lines = [
            format!("x-user-id: a-{number}"),
            "x-user-id: b".to_owned(),
            "x-agent: support".to_owned(),
        ];
        let lines = lines.map(String::into_bytes);
        let version = if salt.takes(&format!("a-{number},b"), Percent::whole(50)) {
            CANARY
        } else {
            STABLE
        };
        assert_eq!(version_of(&edge, &lines).await, version, "a-{number},b");

        let bytes = [
            b"x-user-id: \xff\xfe".as_slice(),
            number.to_string().as_bytes(),
        ]
        .concat();
        let lines = [bytes, b"x-agent: support".to_vec()];
        let first = version_of(&edge, &lines).await;
        for _ in 0..3 {
            assert_eq!(
                version_of(&edge, &lines).await,
                first,
                "unit {number} that is no text does not stick"
            );
        }
    }
    edge.finish().await;
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_headers_do_not_trap() {
    let mut options = options(curious(1));
    options.listeners.push(listeners::tcp(
        "wide",
        &[
            "max_request_headers_kb: 8192",
            "common_http_protocol_options: {max_headers_count: 40000}",
        ],
        &[],
    ));
    let edge = Edge::start_with(options).await;
    let wide = edge.listener("wide").expect("the listener");
    let filler =
        |count: usize| (0..count).map(|number| format!("x-filler-{number}: {number}").into_bytes());
    let with = |lines: Vec<Vec<u8>>| {
        [
            vec![b"x-agent: support".to_vec(), b"x-user-id: u".to_vec()],
            lines,
        ]
        .concat()
    };

    // As many as Envoy and the agent take (both stop at a hundred, with those that are added on the
    // way), and more than that.
    for (count, expected) in [(80, 200), (150, 431)] {
        let answer = raw(
            edge.traffic(),
            &get(ECHO_PATH, &with(filler(count).collect())),
        )
        .await
        .unwrap();
        assert_eq!(
            answer.map(|answer| answer.status),
            Some(expected),
            "{count} headers"
        );
    }
    let same = |count: usize, line: &str| vec![line.as_bytes().to_vec(); count];
    let forged =
        |count: usize| (0..count).map(|number| format!("x-breakglass-{number}: 1").into_bytes());
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("10,000 headers", filler(10_000).collect()),
        ("10,000 users", same(10_000, "x-user-id: somebody")),
        ("10,000 cookies", same(10_000, "cookie: session=x")),
        ("10,000 tokens", same(10_000, "authorization: Bearer a.b.c")),
        (
            "10,000 forged arms",
            same(10_000, "x-breakglass-arm: canary"),
        ),
        (FORGED, forged(10_000).collect()),
        (
            "a cookie of 1 MiB",
            vec![[b"cookie: session=".to_vec(), vec![b'x'; 1 << 20]].concat()],
        ),
        (
            "a million cookies in one",
            vec![[b"cookie: ".to_vec(), b"a=b; ".repeat(1_000_000)].concat()],
        ),
        (
            "a token of 4 MiB",
            vec![
                [
                    b"authorization: Bearer e30.".to_vec(),
                    vec![b'A'; 4 << 20],
                    b".x".to_vec(),
                ]
                .concat(),
            ],
        ),
    ];
    for (name, lines) in cases {
        for path in [NOWHERE, ECHO_PATH] {
            let started = Instant::now();
            let answer = raw(wide, &get(path, &with(lines.clone()))).await.unwrap();
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            println!(
                "{name} to {path}: status {status} after {:?}",
                started.elapsed()
            );
            let expected: &[u16] = match (name, path) {
                // More than any policy sets: the filter refuses to take them away one by one.
                (FORGED, _) => &[431],
                // The agent has limits of its own, and so has Envoy on the way to it.
                (_, ECHO_PATH) => &[200, 400, 431, 502, 503],
                _ => &[200],
            };
            assert!(
                expected.contains(&status),
                "{name} to {path}: status {status}: {:?}",
                answer.map(|answer| answer.text())
            );
        }
    }
    assert_serves(&edge).await;
    edge.finish().await;
}
/// The case that the filter refuses by itself.
const FORGED: &str = "10,000 forged headers";

/// A path of the rollout that Envoy answers itself, behind the filter.
const NOWHERE: &str = "/v1/agents/support/nowhere";

/// A request of these lines on a connection of its own.
pub(crate) fn get(path: &str, lines: &[Vec<u8>]) -> Vec<u8> {
    let mut request =
        format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n").into_bytes();
    for line in lines {
        request.extend(line);
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    request
}

/// The version that answers such a request.
pub(crate) async fn version_of(edge: &Edge, lines: &[Vec<u8>]) -> String {
    let answer = raw(edge.traffic(), &get(ECHO_PATH, lines))
        .await
        .unwrap()
        .expect("an answer");
    version_in(&answer)
}

/// Decisions are right as ever.
pub(crate) async fn assert_serves(edge: &Edge) {
    let salt = Salt::new(SALT);
    for number in 0..40 {
        let lines = [
            format!("x-user-id: after-{number}").into_bytes(),
            b"x-agent: support".to_vec(),
        ];
        let version = if salt.takes(&format!("after-{number}"), Percent::whole(50)) {
            CANARY
        } else {
            STABLE
        };
        assert_eq!(version_of(edge, &lines).await, version, "after-{number}");
    }
}
