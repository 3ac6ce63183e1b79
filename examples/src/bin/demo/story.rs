//! Who and what is in the demo.

use std::time::Duration;

use breakglass_examples::load::users;
use serde_json::{Value, json};

/// One of the two versions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) version: &'static str,
    pub(crate) cluster: &'static str,
    pub(crate) prompt: &'static str,
}

pub(crate) const STABLE: Version = Version {
    version: "prompt-v41",
    cluster: "agent-v41",
    prompt: "41",
};
pub(crate) const CANARY: Version = Version {
    version: "prompt-v42",
    cluster: "agent-v42",
    prompt: "42",
};

/// The old version leaks in so many of a hundred answers, the new one in none.
pub(crate) const LEAKY_PERCENT: f64 = 8.0;

pub(crate) const ROLLOUT: &str = "support-agent";
pub(crate) const SALT: &str = "chg-2026-0117";

/// The default ramp of an emergency change.
pub(crate) const STEPS: [u32; 4] = [1, 10, 50, 100];

/// Users over HTTP/1.1, over HTTP/2, and those who lie about their arm. Enough that one percent of
/// them are some people, few enough that all are seen within a second.
pub(crate) const HTTP1_USERS: usize = 1200;
pub(crate) const HTTP2_USERS: usize = 900;
pub(crate) const LYING_USERS: usize = 400;

/// Streams that are open when the kill comes: with users of the new version, and with users whom
/// the policy pins to the old one.
pub(crate) const CANARY_STREAMS: usize = 40;
pub(crate) const PINNED_STREAMS: usize = 10;

/// Users who read short streams, of so many words, in the shapes of two providers.
pub(crate) const READERS: usize = 200;
pub(crate) const READER_WORDS: usize = 12;
pub(crate) const READER_PATHS: [&str; 2] = [
    "/v1/agents/support/chat/completions",
    "/v1/agents/support/messages",
];

/// Another agent in another rollout, where leaks are only counted until somebody orders otherwise.
pub(crate) const COUNTED: &str = "billing-agent";
pub(crate) const COUNTED_PATH: &str = "/v1/agents/billing/chat/completions";

/// Words of a stream, and the time between two of them: a stream flows for five seconds.
pub(crate) const STREAM_WORDS: usize = 200;
pub(crate) const WORD_EVERY: Duration = Duration::from_millis(25);

/// Everybody who sends plain requests.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) http1: Vec<String>,
    pub(crate) http2: Vec<String>,
    pub(crate) lying: Vec<String>,
    /// All of them.
    pub(crate) all: Vec<String>,
}

// === impl People ===

impl People {
    pub(crate) fn new() -> Self {
        let all = users(HTTP1_USERS + HTTP2_USERS + LYING_USERS);
        let (http1, rest) = all.split_at(HTTP1_USERS);
        let (http2, lying) = rest.split_at(HTTP2_USERS);
        Self {
            http1: http1.to_vec(),
            http2: http2.to_vec(),
            lying: lying.to_vec(),
            all: all.clone(),
        }
    }
}

/// Users who watch a stream on the new version.
pub(crate) fn watchers() -> Vec<String> {
    (1..=CANARY_STREAMS)
        .map(|number| format!("watcher-{number}"))
        .collect()
}

/// Users who are pinned to the old version.
pub(crate) fn vips() -> Vec<String> {
    (1..=PINNED_STREAMS)
        .map(|number| format!("vip-{number}"))
        .collect()
}

/// Users who read short streams.
pub(crate) fn readers() -> Vec<String> {
    (1..=READERS)
        .map(|number| format!("reader-{number}"))
        .collect()
}

/// What a liar sends to get the new version.
pub(crate) fn lies() -> Vec<(String, String)> {
    [
        ("x-breakglass-arm", "canary"),
        ("x-breakglass-cluster", CANARY.cluster),
        ("x-breakglass-version", CANARY.version),
        ("x-breakglass-rollout", "my-own"),
        ("x-breakglass-generation", "999999"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The policy; `percent` may be nonsense.
pub(crate) fn policy(generation: u64, percent: impl Into<Value>) -> Value {
    json!({
        "policy": "support",
        "rollouts": [{
            "name": ROLLOUT,
            "match": {"path_prefix": "/v1/agents/support"},
            "unit": [{"header": breakglass_examples::UNIT_HEADER}],
            "salt": SALT,
            "pins": {"stable": vips()},
            "arms": {"stable": arm(STABLE), "canary": arm(CANARY)},
            "control": {"generation": generation, "ramp": {"percent": percent.into()}, "kill": null},
            "redaction": {"response": {"*": "mask"}},
        }],
    })
}

/// The same, and the rollout where leaks are only counted.
pub(crate) fn policy_that_counts(generation: u64, percent: u32) -> Value {
    let mut policy = policy(generation, percent);
    let counted = json!({
        "name": COUNTED,
        "match": {"path_prefix": "/v1/agents/billing"},
        "unit": [{"header": breakglass_examples::UNIT_HEADER}],
        "salt": "chg-2026-0118",
        "arms": {"stable": arm(STABLE), "canary": arm(CANARY)},
        "control": {"generation": 1, "ramp": {"percent": 0}, "kill": null},
        "redaction": {"response": {"*": "count"}},
    });
    if let Some(rollouts) = policy["rollouts"].as_array_mut() {
        rollouts.push(counted);
    }
    policy
}

fn arm(arm: Version) -> Value {
    json!({
        "version": arm.version,
        "cluster": arm.cluster,
        "request_headers": {"x-prompt-version": arm.prompt},
    })
}
