//! Redaction on a real Envoy, behind which stands an upstream of which the test decides each write.

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::stack::Options;
use breakglass_policy::{Arm, Direction, Policy};
use breakglass_redact::{Format, Profile, Redactor, Tally};
use serde_json::{Value, json};

use crate::edge::{Edge, options};
use crate::http3::{self, Quic};
use crate::policy::{PATH, policy_with, ramp};
use crate::upstream::{Call, Upstream};
use crate::wire::{Barrier, Wire};

mod actions;
mod counted;
mod framing;
mod live;
mod protocols;
mod splits;
mod trailers;
mod unscannable;
mod visible;

/// An Envoy with one worker and the upstream behind both arms.
pub(crate) struct Scene {
    pub(crate) edge: Edge,
    pub(crate) upstream: Upstream,
    pub(crate) barrier: Barrier,
    /// What the policy's redaction is for the new version.
    pub(crate) profile: Profile,
}

/// The user who is always on the new version, and the one who never is.
pub(crate) const ON_CANARY: &str = "qa-1";
pub(crate) const ON_STABLE: &str = "vip-7";

/// A policy with this redaction, and the one upstream behind both arms.
pub(crate) fn policy(generation: u64, redaction: &Value) -> Value {
    let arm = |number: u32| json!({"version": format!("prompt-v{number}"), "cluster": CLUSTER});
    let members = json!({
        "arms": {"stable": arm(41), "canary": arm(42)},
        "pins": {"canary": [ON_CANARY], "stable": [ON_STABLE]},
        "redaction": redaction,
    });
    policy_with(ramp(generation, 0), members)
}

/// What the scanner by itself makes of a whole body.
pub(crate) fn redacted(profile: &Profile, format: Format, body: &[u8]) -> Vec<u8> {
    let (mut redactor, mut tally) = (Redactor::new(format), Tally::default());
    let mut out = Vec::new();
    redactor.push(profile, body, &mut out, &mut tally);
    redactor.finish(profile, &mut out, &mut tally);
    out
}

pub(crate) fn content_type(format: Format) -> &'static str {
    match format {
        Format::Sse => "text/event-stream",
        Format::Json => "application/json",
        Format::NdJson => "application/x-ndjson",
        Format::Text => "text/plain; charset=utf-8",
    }
}

/// An event of a chat stream with this text, as it is written between quotes.
pub(crate) fn chat_event(text: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1712345678,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// The end of such a stream.
pub(crate) const CHAT_END: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1712345678,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

// === impl Scene ===

impl Scene {
    pub(crate) async fn start(redaction: Value) -> Self {
        Self::start_with(redaction, Upstream::start()).await
    }

    pub(crate) async fn start_with(redaction: Value, upstream: Upstream) -> Self {
        let overlay = overlay(upstream.addr().port(), false);
        let edge = start_edge(policy(1, &redaction), overlay).await;
        Self::of(edge, upstream, &redaction)
    }

    /// With a listener for HTTP/3 as well.
    pub(crate) async fn start_quic(redaction: Value) -> (Self, Quic) {
        let upstream = Upstream::start();
        let overlay = overlay(upstream.addr().port(), false);
        let (edge, quic) = http3::start_with(edge_options(policy(1, &redaction), overlay)).await;
        (Self::of(edge, upstream, &redaction), quic)
    }

    fn of(edge: Edge, upstream: Upstream, redaction: &Value) -> Self {
        let barrier = Barrier::new(edge.listener("barrier").expect("the listener"));
        Self {
            edge,
            upstream,
            barrier,
            profile: profile(redaction),
        }
    }

    /// Asks as this user, with more header lines.
    pub(crate) fn ask_with(&self, user: &str, lines: &str, body: &[u8]) -> Wire {
        Wire::send(self.edge.traffic(), &head(user, lines, body.len()), body)
    }

    /// Asks on the new version, and takes the call upstream.
    pub(crate) fn ask(&self) -> (Wire, Call) {
        let wire = self.ask_with(ON_CANARY, "", b"{}");
        (wire, self.upstream.next())
    }

    /// Asks for an answer of this format, which has begun when this returns.
    pub(crate) fn open(&mut self, format: Format) -> (Wire, Call) {
        let (wire, mut call) = self.ask();
        call.begin(200, &[("content-type", content_type(format))]);
        self.barrier.wait();
        (wire, call)
    }

    /// Writes upstream, and returns what the client sees of it.
    pub(crate) fn step(&mut self, wire: &mut Wire, call: &mut Call, bytes: &[u8]) -> String {
        call.write(bytes);
        self.barrier.wait();
        String::from_utf8_lossy(&wire.news()).into_owned()
    }
}

/// An Envoy with one worker: what the barrier counts on.
pub(crate) async fn start_edge(policy: Value, overlay: Value) -> Edge {
    Edge::start_with(edge_options(policy, overlay)).await
}

fn edge_options(policy: Value, overlay: Value) -> Options {
    let mut options = options(policy);
    options.workers = 1;
    options.arguments = vec!["--config-yaml".into(), overlay.to_string()];
    options
}

/// What is laid over the shipped configuration: the cluster, and a listener that answers by itself.
pub(crate) fn overlay(port: u16, http2: bool) -> Value {
    let address =
        |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let mut cluster = json!({
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}],
        },
    });
    if http2 {
        cluster["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            },
        });
    }
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "barrier",
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }],
            "route_config": {"virtual_hosts": [{
                "name": "barrier",
                "domains": ["*"],
                "routes": [{
                    "match": {"prefix": "/"},
                    "direct_response": {"status": 200, "body": {"inline_string": "."}},
                }],
            }]},
        },
    });
    let listener = json!({
        "name": "barrier",
        "address": address(0),
        "filter_chains": [{"filters": [manager]}],
    });
    json!({"static_resources": {"clusters": [cluster], "listeners": [listener]}})
}

/// The head of a request as this user.
pub(crate) fn head(user: &str, lines: &str, length: usize) -> String {
    let kind = match lines.contains("content-type:") {
        true => "",
        false => "content-type: application/json\r\n",
    };
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\n{UNIT_HEADER}: {user}\r\n{kind}content-length: {length}\r\n{lines}"
    )
}

/// What the policy's redaction comes to for the answers of the new version.
fn profile(redaction: &Value) -> Profile {
    let policy = policy(1, redaction).to_string();
    let policy = Policy::from_json(policy.as_bytes()).expect("a policy");
    let redaction = policy.rollouts[0].redaction.as_ref();
    Profile::of(
        redaction.expect("a redaction"),
        Arm::Canary,
        Direction::Response,
    )
    .expect("a profile")
}

/// The cluster of the upstream that a test scripts.
const CLUSTER: &str = "scripted";
