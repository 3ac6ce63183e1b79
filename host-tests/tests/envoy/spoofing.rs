//! Nobody chooses an arm from outside: what a client sends under the filter's names goes nowhere.

use breakglass_examples::share::{Percent, Salt};
use serde_json::Value;

use crate::client::{PROTOCOLS, raw};
use crate::edge::Edge;
use crate::policy::{ECHO_PATH, SALT, policy, ramp};

/// What a client may try: every header that routes, names or numbers, twice where twice could help.
const FORGED: [(&str, &str); 10] = [
    ("x-breakglass-arm", "canary"),
    ("x-breakglass-arm", "stable"),
    ("x-breakglass-cluster", "agent-v42"),
    ("x-breakglass-cluster", "agent-v41"),
    ("x-breakglass-rollout", "support-agent"),
    ("x-breakglass-version", "prompt-v42"),
    ("x-breakglass-generation", "999"),
    ("x-breakglass-", ""),
    ("x-breakglass-of-a-later-version", "1"),
    ("x-prompt-version", "666"),
];

/// A path that no rollout matches.
const ELSEWHERE: &str = "/elsewhere/echo";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_headers_choose_no_arm_and_do_not_reach_the_agent() {
    let edge = Edge::start(policy(ramp(7, 50))).await;
    let salt = Salt::new(SALT);
    for number in 0..40 {
        let user = format!("user-{number}");
        let canary = salt.takes(&user, Percent::whole(50));
        let headers = [&FORGED[..], &[("x-user-id", user.as_str())]].concat();
        for protocol in PROTOCOLS {
            let echo = edge.echo(protocol, ECHO_PATH, &headers).await;
            assert_own_stamps(&echo, canary, &format!("{user} over {protocol:?}"));
        }
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_headers_are_removed_where_no_rollout_matches_too() {
    let edge = Edge::start(policy(ramp(7, 100))).await;
    for protocol in PROTOCOLS {
        let echo = edge.echo(protocol, ELSEWHERE, &FORGED).await;
        assert_eq!(echo["version"], "prompt-v41", "the arm over {protocol:?}");
        assert_eq!(own(&echo), Vec::<(String, String)>::new(), "{protocol:?}");
    }
    assert_eq!(
        edge.agents().canary.seen_total(),
        0,
        "requests of the new version"
    );
    assert_eq!(
        edge.count("breakglass_requests_total", &[]).await,
        0,
        "counted per arm"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_headers_in_any_spelling_are_removed() {
    let edge = Edge::start(policy(ramp(7, 0))).await;
    let spellings: [&[&str]; 6] = [
        &[
            "X-Breakglass-Arm: canary",
            "X-BREAKGLASS-CLUSTER: agent-v42",
        ],
        &[
            "X-bReAkGlAsS-cLuStEr: agent-v42",
            "x-breakglass-cluster: agent-v42",
            "X-Prompt-Version: 42",
        ],
        &[
            "x-breakglass-cluster:agent-v42",
            "x-breakglass-cluster:\t agent-v42 \t",
        ],
        // Named as hop by hop, so that what stands behind might remove what the filter set.
        &[
            "connection: x-breakglass-cluster, x-breakglass-arm",
            "x-breakglass-cluster: agent-v42",
        ],
        &["x-breakglass-cluster: ", "x-breakglass-arm:"],
        &[
            "x-breakglass-cluster: agent-v42\u{e9}",
            "x-prompt-version: \u{ff}",
        ],
    ];
    for path in [ECHO_PATH, ELSEWHERE] {
        for headers in spellings {
            let of = format!("{path} {headers:?}");
            let head = headers.join("\r\n");
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: a\r\nx-user-id: u\r\n{head}\r\nconnection: close\r\n\r\n"
            );
            // One byte for each character: not UTF-8 where the character is not ASCII.
            let bytes: Vec<u8> = request.chars().map(|c| u8::try_from(c).unwrap()).collect();
            let answer = raw(edge.traffic(), &bytes).await.unwrap().expect(&of);
            assert_eq!(answer.status, 200, "{of}: {}", answer.text());
            let echo = answer.json().unwrap();
            match path {
                ECHO_PATH => assert_own_stamps(&echo, false, &of),
                _ => assert_eq!(
                    (own(&echo).len(), &echo["version"]),
                    (0, &"prompt-v41".into()),
                    "{of}: {echo}"
                ),
            }
        }
    }
    assert_eq!(
        edge.agents().canary.seen_total(),
        0,
        "requests of the new version"
    );
    edge.finish().await;
}

/// Fails unless the agent got the filter's headers of this arm, each once, and no other ones.
fn assert_own_stamps(echo: &Value, canary: bool, of: &str) {
    let (arm, number) = if canary {
        ("canary", "42")
    } else {
        ("stable", "41")
    };
    let (version, cluster) = (format!("prompt-v{number}"), format!("agent-v{number}"));
    let expected = [
        ("x-breakglass-arm", arm),
        ("x-breakglass-cluster", &cluster),
        ("x-breakglass-generation", "7"),
        ("x-breakglass-rollout", "support-agent"),
        ("x-breakglass-version", &version),
        ("x-prompt-version", number),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(own(echo), expected, "{of}");
    assert_eq!(echo["version"], *version, "who answered: {of}");
}

/// The headers under the filter's names that reached the agent, sorted.
fn own(echo: &Value) -> Vec<(String, String)> {
    let headers = echo["headers"].as_array().expect("headers");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = headers.iter().map(|pair| (text(&pair[0]), text(&pair[1])));
    let mut own: Vec<_> = pairs
        .filter(|(name, _)| name.starts_with("x-breakglass") || name == "x-prompt-version")
        .collect();
    own.sort();
    own
}
