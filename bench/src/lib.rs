//! The workloads that the benchmarks share: policies of many rollouts and requests for them, and
//! texts to redact.

pub mod check;
pub mod corpus;
pub mod judging;
pub mod kernel;
pub mod redaction;

use breakglass_policy::{HeaderId, Headers, Policy, Router};
use serde_json::{Value, json};

/// How the rollouts of a policy differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferBy {
    /// By path prefix: one agent, one path.
    Path,
    /// By the value of a header: all agents behind one path.
    Header,
}

/// A request as the filter keeps it: the values that a router asks for, by number.
#[derive(Debug)]
pub struct Request {
    values: Vec<Option<Vec<u8>>>,
}

/// A policy document with this many rollouts, half of the units on each canary.
pub fn policy_json(rollouts: usize, differ_by: DifferBy) -> Value {
    let rollout = |number: usize| {
        let matches = match differ_by {
            DifferBy::Path => json!({
                "host": "api.example.com", "path_prefix": format!("/v1/agents/agent-{number:04}"),
            }),
            DifferBy::Header => json!({
                "host": "api.example.com", "headers": {"x-agent": format!("agent-{number:04}")},
            }),
        };
        json!({
            "name": format!("agent-{number:04}"),
            "match": matches,
            "unit": [{"header": "x-user-id"}],
            "salt": format!("chg-{number}"),
            "arms": {
                "stable": {"version": "prompt-v41", "cluster": "agent-v41"},
                "canary": {"version": "prompt-v42", "cluster": "agent-v42"},
            },
            "control": {"generation": 1, "ramp": {"percent": 50}},
        })
    };
    let rollouts: Vec<_> = (0..rollouts).map(rollout).collect();
    json!({"policy": "bench", "rollouts": rollouts})
}

/// The policy that [`policy_json`] describes.
///
/// # Panics
/// If the document is not one.
pub fn policy(rollouts: usize, differ_by: DifferBy) -> Policy {
    let document = policy_json(rollouts, differ_by).to_string();
    Policy::from_json(document.as_bytes()).expect("a policy")
}

/// The headers of a request for the last of `rollouts` rollouts.
pub fn request_headers(rollouts: usize) -> Vec<(&'static str, String)> {
    let agent = format!("agent-{:04}", rollouts.saturating_sub(1));
    vec![
        (":method", "POST".into()),
        (":scheme", "http".into()),
        (":authority", "api.example.com".into()),
        (":path", format!("/v1/agents/{agent}?stream=true")),
        ("user-agent", "bench/1.0".into()),
        ("accept", "text/event-stream".into()),
        ("content-type", "application/json".into()),
        ("x-agent", agent),
        (
            "x-request-id",
            "6f1c1c1e-7d3e-4c1b-9f55-0c2f6a1b7a11".into(),
        ),
        ("x-user-id", "user-20240117".into()),
    ]
}

// === impl Request ===

impl Request {
    /// The request with these headers as `router` asks for it.
    pub fn new(router: &Router, headers: &[(&str, String)]) -> Self {
        let mut values = vec![None; router.headers()];
        for (name, value) in headers {
            if let Some(id) = router.header_id(name.as_bytes()) {
                values[id.index()] = Some(value.clone().into_bytes());
            }
        }
        Self { values }
    }
}

impl Headers for Request {
    fn get(&self, id: HeaderId) -> Option<&[u8]> {
        self.values.get(id.index())?.as_deref()
    }
}
