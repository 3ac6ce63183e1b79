//! The agents behind the Envoy that is measured: one more Envoy, which answers at once. For a check
//! it tells in its answer's headers what reached it.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::{Value, json};

use crate::config;
use crate::contestants::CLUSTERS;
use crate::envoy::{Envoy, Placement};

/// The old and the new version.
#[derive(Debug)]
pub(crate) struct Upstream {
    _envoy: Envoy,
    addrs: Vec<SocketAddr>,
}

/// A body that the agents answer with, where the path has this end.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) text: String,
}

// === impl Upstream ===

impl Upstream {
    /// Starts it: every path is answered with `ok`, these with their bodies.
    ///
    /// # Errors
    ///
    /// If Envoy does not start.
    pub(crate) async fn start(bodies: &[Body]) -> Result<Self> {
        let listeners: Vec<_> = CLUSTERS.iter().map(|name| agent(name, bodies)).collect();
        let resources = json!({"listeners": listeners});
        let envoy = Envoy::start(resources, Placement::UPSTREAM).await?;
        let addrs: Result<_> = CLUSTERS.iter().map(|name| envoy.listener(name)).collect();
        Ok(Self {
            addrs: addrs?,
            _envoy: envoy,
        })
    }

    /// Both as clusters.
    pub(crate) fn clusters(&self) -> Vec<Value> {
        let named = CLUSTERS.iter().zip(&self.addrs);
        named
            .map(|(name, &addr)| config::cluster(name, addr))
            .collect()
    }
}

fn agent(name: &str, bodies: &[Body]) -> Value {
    let mut routes = Vec::new();
    let ok = || json!({"inline_string": "ok"});
    let mut telling = config::direct(
        json!({"prefix": "/", "headers": [{"name": CHECK, "present_match": true}]}),
        ok(),
    );
    let seen = SEEN
        .iter()
        .map(|header| config::header(&format!("seen-{header}"), &format!("%REQ({header})%")));
    let by = config::header(ANSWERED_BY, name);
    telling["response_headers_to_add"] = seen.chain([by]).collect();
    routes.push(telling);
    for body in bodies {
        let suffix = format!("/v1/agents/.*/{}", body.name);
        let mut route = config::direct(
            json!({"safe_regex": {"regex": suffix}}),
            json!({"inline_string": body.text}),
        );
        route["response_headers_to_add"] =
            json!([config::header("content-type", body.content_type)]);
        routes.push(route);
    }
    routes.push(config::direct(json!({"prefix": "/"}), ok()));
    config::listener(name, &[], &routes)
}

/// A request with this header is answered with what reached the agent.
pub(crate) const CHECK: &str = "x-bench-check";

/// In such an answer: the cluster.
pub(crate) const ANSWERED_BY: &str = "answered-by";

/// The headers of a decision; in such an answer, they have `seen-` before their names.
pub(crate) const SEEN: [&str; 5] = [
    "x-breakglass-rollout",
    "x-breakglass-arm",
    "x-breakglass-version",
    "x-breakglass-generation",
    "x-breakglass-cluster",
];
