//! Signed orders, warrants and trusted keys.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use breakglass_examples::load::{Load, Plan, Protocol, Update, users};
use breakglass_examples::people::{Person, RAISE, Subject, Team, at};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::client::PROTOCOLS;
use crate::client::version_in;
use crate::edge::Edge;
use crate::policy::{CANARY, ROLLOUT, SALT, STABLE, policy};

mod durability;
mod flood;
mod hot_restart;
mod kills;
mod lease;
mod mortal;
mod permission;
mod rotation;
mod two_operators;

/// Those whose keys the policy names: an engineer, who gives orders, and two who approve.
struct People(Team);

/// How long something took, many times.
#[derive(Default)]
struct Durations(Vec<Duration>);

// === impl People ===

impl People {
    fn new() -> Self {
        Self(Team::new(Subject {
            policy: "support",
            rollout: ROLLOUT,
            stable: STABLE,
            canary: CANARY,
            salt: SALT,
        }))
    }

    /// The policy that trusts their keys, with this control.
    fn policy(&self, control: Value) -> Value {
        let mut policy = policy(control);
        policy["trust"] = self.trust(1);
        policy
    }
}

impl Deref for People {
    type Target = Team;

    fn deref(&self) -> &Team {
        &self.0
    }
}

impl DerefMut for People {
    fn deref_mut(&mut self) -> &mut Team {
        &mut self.0
    }
}

/// An order of anybody with these terms.
fn order_by(person: &Person, generation: u64, terms: Value) -> Value {
    People::new().order_by(person, generation, terms)
}

/// A control with this share, and the warrant that permits it.
fn permitted(generation: u64, percent: u64, warrant: &Value) -> Value {
    json!({"generation": generation, "ramp": {"percent": percent}, "kill": null, "warrant": warrant})
}

/// How often to do something: what the environment says, or else `usual`.
fn times(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}: {text}")),
        Err(_) => usual,
    }
}

/// Requests without an end over both protocols and many connections, with a pause between them, so
/// that they do not take the machine from Envoy.
fn load(edge: &Edge) -> (Vec<Load>, UnboundedReceiver<Update>) {
    let (updates, news) = mpsc::unbounded_channel();
    let loads = PROTOCOLS.map(|protocol| {
        let mut plan = Plan::new(edge.traffic(), users(500));
        (plan.protocol, plan.concurrency, plan.passes) = (protocol, 24, None);
        plan.pause = Duration::from_millis(10);
        plan.start(updates.clone())
    });
    (loads.into(), news)
}

/// Who answers, over connections that go to both workers.
async fn versions(edge: &Edge) -> Vec<String> {
    let mut versions = Vec::new();
    for number in 0..EIGHT {
        let protocol = PROTOCOLS[number % PROTOCOLS.len()];
        versions.push(version(edge, &format!("user-{number}"), protocol).await);
    }
    versions
}

async fn version(edge: &Edge, user: &str, protocol: Protocol) -> String {
    let answer = edge.ask_as(user, protocol).await;
    version_in(&answer)
}

/// The one rollout as the operator sees it.
async fn rollout(edge: &Edge) -> Value {
    edge.state().await["rollouts"][0].clone()
}

/// What the gauges say: the generation, the canary's share in ppm, whether it is killed.
async fn gauges(edge: &Edge) -> [Option<f64>; 3] {
    let stats = edge.stats().await;
    ["generation", "canary_ppm", "killed"]
        .map(|name| stats.value(&format!("breakglass_{name}"), &[("rollout", ROLLOUT)]))
}

/// Fails unless the answer is a problem of this status and kind, and returns it.
fn assert_refused(answer: &breakglass_examples::http::Answer, status: u16, kind: &str) -> Value {
    let problem = assert_problem(answer);
    let found = (answer.status, problem["type"].as_str().unwrap_or_default());
    let kind = format!("urn:breakglass:{kind}");
    assert_eq!(found, (status, kind.as_str()), "{problem}");
    problem
}

/// Fails unless the answer is a problem document that says what is wrong.
fn assert_problem(answer: &breakglass_examples::http::Answer) -> Value {
    let shown = || format!("{}: {}", answer.status, answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{}",
        shown()
    );
    let problem = answer.json().unwrap();
    assert_eq!(problem["status"], answer.status, "{problem}");
    for field in ["type", "title", "detail"] {
        let text = problem[field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "no {field}: {}", shown());
    }
    problem
}

// === impl Durations ===

impl fmt::Display for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        // The nearest rank: the least that so many percent do not exceed.
        let percentile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied()
        };
        let ms = |duration: Option<Duration>| duration.unwrap_or_default().as_secs_f64() * 1e3;
        let (p50, p99, max) = (percentile(50), percentile(99), percentile(100));
        let count = sorted.len();
        let [p50, p99, max] = [ms(p50), ms(p99), ms(max)];
        write!(
            f,
            "p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms of {count}"
        )
    }
}

const EIGHT: usize = 8;

const HOUR: Duration = Duration::from_secs(3_600);
