//! One Envoy with two agents behind it, and what every test asks of it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::http::Answer;
use breakglass_examples::load::Protocol;
use breakglass_examples::stack::{Options, Pushed, Stack, Stats};
use hyper::Request;
use serde_json::Value;

use crate::client::{ask, empty, full};
use crate::policy::{PATH, ROLLOUT};

/// A [`Stack`] that is asked at the end whether it came through.
pub(crate) struct Edge {
    stack: Stack,
}

/// Two agents that answer at once.
pub(crate) fn options(policy: Value) -> Options {
    let mut options = Options::new(policy);
    for agent in [&mut options.stable, &mut options.canary] {
        agent.latency = Duration::ZERO;
        agent.token_delay = Duration::from_millis(5);
    }
    options
}

/// Waits until something that nobody announces is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + EVENTUALLY;
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "not within {EVENTUALLY:?}: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}

// === impl Edge ===

impl Edge {
    pub(crate) async fn start(policy: Value) -> Self {
        Self::start_with(options(policy)).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let generation = options.policy["rollouts"][0]["control"]["generation"].as_u64();
        let stack = Stack::start(options).await;
        let edge = Self {
            stack: stack.unwrap_or_else(|error| panic!("{error:#}")),
        };
        if let Some(generation) = generation {
            edge.wait_for(generation).await;
        }
        edge
    }

    /// Pushes a policy and waits until its control is in force on every worker.
    pub(crate) async fn push(&self, policy: &Value) {
        self.offer(policy).await;
        let generation = policy["rollouts"][0]["control"]["generation"].as_u64();
        self.wait_for(generation.expect("a generation")).await;
    }

    /// Pushes a policy that must be accepted.
    pub(crate) async fn offer(&self, policy: &Value) {
        let pushed = self.stack.push_policy(policy).await.expect("a push");
        assert!(
            pushed.is_accepted(),
            "the policy is refused: {pushed:?}: {policy}"
        );
    }

    /// Pushes a text that must be refused; returns the filter's words.
    pub(crate) async fn offer_refused(&self, policy: &str) -> String {
        match self.stack.push_text(policy).await.expect("a push") {
            Pushed::Refused { reason, .. } => reason,
            accepted => panic!("{accepted:?} instead of refused: {policy}"),
        }
    }

    /// Waits until this generation or a later one is in force on every worker.
    pub(crate) async fn wait_for(&self, generation: u64) -> Value {
        let state = self.stack.in_force(ROLLOUT, generation).await;
        state.unwrap_or_else(|error| panic!("{error:#}\n{}", self.stack.log()))
    }

    /// The operator's view.
    pub(crate) async fn state(&self) -> Value {
        self.stack.operator().state().await.expect("a state")
    }

    /// The control in force.
    pub(crate) async fn control(&self) -> Value {
        self.state().await["rollouts"][0]["control"].clone()
    }

    /// `POST` of an empty question to the rollout by this user.
    pub(crate) async fn ask_as(&self, user: &str, protocol: Protocol) -> Answer {
        let request = Request::post(PATH)
            .header("content-type", "application/json")
            .header(UNIT_HEADER, user);
        ask(
            self.traffic(),
            protocol,
            request.body(full("{}")).expect("a request"),
        )
        .await
    }

    /// `GET` of a path that says back what reached the agent, with these headers.
    pub(crate) async fn echo(
        &self,
        protocol: Protocol,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Value {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = ask(
            self.traffic(),
            protocol,
            request.body(empty()).expect("a request"),
        )
        .await;
        assert_eq!(
            answer.status,
            200,
            "{protocol:?} {path} {headers:?}: {}",
            answer.text()
        );
        answer.json().expect("an echo")
    }

    pub(crate) async fn stats(&self) -> Stats {
        self.stack.admin().stats().await.expect("stats")
    }

    /// Everything that the filter counts, by series.
    pub(crate) async fn counters(&self) -> BTreeMap<String, u64> {
        let stats = self.stats().await;
        let series = stats.named("breakglass_").map(|sample| {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .filter(|(name, _)| !name.starts_with("envoy_"))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            (
                format!("{}{{{}}}", sample.name, labels.join(",")),
                sample.value as u64,
            )
        });
        series.collect()
    }

    /// A counter of the filter, summed over the labels that are not named.
    pub(crate) async fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.stats().await.sum(name, labels) as u64
    }

    /// The access log, once it tells of this many requests.
    pub(crate) async fn access_log_of(&self, requests: usize) -> Vec<Value> {
        let deadline = Instant::now() + LOG_LIMIT;
        loop {
            let log = self.stack.access_log();
            let whole = log.rfind('\n').map_or("", |end| &log[..end]);
            let lines: Vec<Value> = whole
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            if lines.len() >= requests {
                return lines;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {requests} requests in the access log",
                lines.len()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Fails if a worker's virtual machine died, or Envoy did.
    pub(crate) fn assert_no_trap(&mut self) {
        let log = self.stack.log();
        assert!(self.stack.is_running(), "Envoy is gone: {log}");
        let trap = log
            .lines()
            .position(|line| TRAPS.iter().any(|trap| line.contains(trap)));
        if let Some(line) = trap {
            let shown: Vec<&str> = log.lines().skip(line.saturating_sub(5)).take(20).collect();
            panic!("the filter trapped:\n{}", shown.join("\n"));
        }
    }

    /// The last words of a test: nothing trapped, and Envoy still serves on both workers.
    pub(crate) async fn finish(mut self) {
        for number in 0..8 {
            let answer = self
                .ask_as(&format!("last-{number}"), Protocol::Http1)
                .await;
            assert!(
                [200, 503].contains(&answer.status),
                "{}: {}",
                answer.status,
                answer.text()
            );
        }
        self.assert_no_trap();
    }
}

impl Deref for Edge {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl DerefMut for Edge {
    fn deref_mut(&mut self) -> &mut Stack {
        &mut self.stack
    }
}

/// What Envoy's log says when a virtual machine died or the filter panicked.
const TRAPS: [&str; 4] = [
    "Uncaught RuntimeError",
    "in-VM backtrace",
    "panicked at",
    "unreachable",
];

/// Between two looks at something that Envoy does not announce.
const POLL: Duration = Duration::from_millis(10);

/// Envoy writes the access log every 100 ms here.
const LOG_LIMIT: Duration = Duration::from_secs(10);

/// Whatever a test waits for comes within a second; a loaded machine may need more.
const EVENTUALLY: Duration = Duration::from_secs(30);
