//! Who is measured: no filter, ours, and its peers.

pub(crate) mod ext_proc;

use std::path::Path;

use anyhow::{Context, Result};
use breakglass_bench::{DifferBy, policy_json};
use breakglass_examples::stack::repository;
use serde_json::{Value, json};

use crate::config;

/// One of those that are compared: filters in front of a route.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    /// As tables call it.
    pub(crate) name: String,
    pub(crate) filters: Vec<Value>,
    /// What it is to do: checked before anything is measured.
    pub(crate) does: Does,
    /// How a request finds its upstream.
    pub(crate) chooses: Chooses,
    /// Rollouts in its policy; the request is for the last one.
    pub(crate) rollouts: usize,
    pub(crate) ours: bool,
    /// Whether its work is done by the `ext_proc` server.
    pub(crate) asks_a_server: bool,
}

/// What a contestant does to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Nothing: no header is added, everything goes to the old version.
    Nothing,
    /// Half of the users go to each version; one header.
    Split,
    /// The same, and all five headers of the decision.
    Decide,
}

/// How a route takes the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chooses {
    /// There is only one.
    Nothing,
    /// From the header that a filter set.
    Header,
    /// Envoy's own weighted clusters, by a hash of the user.
    Weights,
}

/// The old and the new version, as clusters and as the policies of [`policy_json`] name them.
pub(crate) const CLUSTERS: [&str; 2] = ["agent-v41", "agent-v42"];

// === impl Contestant ===

impl Contestant {
    /// The same Envoy without a filter: everybody is compared with it.
    pub(crate) fn bare() -> Self {
        Self::new("no filter", vec![], Does::Nothing, Chooses::Nothing)
    }

    /// Once more: how far two that are equal come out apart.
    pub(crate) fn bare_again() -> Self {
        Self::new("no filter, again", vec![], Does::Nothing, Chooses::Nothing)
    }

    /// A filter on the proxy-wasm SDK that does nothing.
    ///
    /// # Errors
    ///
    /// If it is not built.
    pub(crate) fn noop() -> Result<Self> {
        let module = noop_module()?;
        let filter = config::wasm("noop", &module, None);
        Ok(Self::new(
            "Wasm that does nothing",
            vec![filter],
            Does::Nothing,
            Chooses::Nothing,
        ))
    }

    /// Ours, with a policy of so many rollouts. `name` tells builds apart.
    pub(crate) fn routing(name: &str, module: &Path, rollouts: usize) -> Self {
        Self::named(name, module, policy_json(rollouts, DifferBy::Path))
    }

    /// Ours, telling nobody more than routes need.
    pub(crate) fn lean(name: &str, module: &Path) -> Self {
        let mut policy = policy_json(1, DifferBy::Path);
        let rollout = &mut policy["rollouts"][0];
        (rollout["stamp"], rollout["access_log"]) = (json!("route"), json!("nothing"));
        let mut contestant = Self::named(&format!("{name}, lean"), module, policy);
        contestant.does = Does::Split;
        contestant
    }

    /// Ours, with a judge that watches everything that it can.
    pub(crate) fn judged(name: &str, module: &Path) -> Self {
        let mut policy = policy_json(1, DifferBy::Path);
        policy["rollouts"][0]["judge"] = json!({"alpha": 0.001, "signals": [
            {"error_rate": {}}, {"latency": {"first_byte": "800ms", "answer": "20s"}},
            {"redactions": {"entity": "*", "two_sided": true}}, {"unscanned": {}},
            {"zero_tolerance": ["IN_AADHAAR"]}, {"sample_ratio": {}},
        ]});
        Self::named(&format!("{name}, judged"), module, policy)
    }

    fn named(name: &str, module: &Path, mut policy: Value) -> Self {
        // Builds in one Envoy share nothing: state belongs to the policy's name.
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        };
        policy["policy"] = name.chars().map(letter).collect::<String>().into();
        Self::breakglass(name, module, &policy)
    }

    /// Ours, with this policy.
    pub(crate) fn breakglass(name: &str, module: &Path, policy: &Value) -> Self {
        let filter = config::wasm(name, module, Some(policy));
        let rollouts = policy["rollouts"].as_array().map_or(0, Vec::len);
        let mut contestant = Self::new(name, vec![filter], Does::Decide, Chooses::Header);
        (contestant.ours, contestant.rollouts) = (true, rollouts);
        contestant
    }

    /// Lua that decides the same and sets the same headers.
    pub(crate) fn lua() -> Self {
        let filter = config::lua("decide", include_str!("contestants/decide.lua"));
        Self::new(
            "Lua, same decision",
            vec![filter],
            Does::Decide,
            Chooses::Header,
        )
    }

    /// Lua that only hashes and sets one header.
    pub(crate) fn small_lua() -> Self {
        let filter = config::lua("hash", include_str!("contestants/hash.lua"));
        Self::new(
            "Lua, hash and one header",
            vec![filter],
            Does::Split,
            Chooses::Header,
        )
    }

    /// Envoy's own way, without a filter: each cluster of the route has a weight, and sets the
    /// headers.
    pub(crate) fn weights() -> Self {
        Self::new("weighted_clusters", vec![], Does::Decide, Chooses::Weights)
    }

    /// A server beside Envoy that decides the same: external processing.
    pub(crate) fn ext_proc() -> Self {
        let grpc = json!({"envoy_grpc": {"cluster_name": ext_proc::CLUSTER}, "timeout": "5s"});
        let config = json!({
            "grpc_service": grpc,
            "message_timeout": "5s",
            "processing_mode": {"request_header_mode": "SEND", "response_header_mode": "SKIP"},
        });
        let filter = config::filter("ext_proc", "ext_proc.v3.ExternalProcessor", config);
        let mut contestant = Self::new("ext_proc", vec![filter], Does::Decide, Chooses::Header);
        contestant.asks_a_server = true;
        contestant
    }

    fn new(name: &str, filters: Vec<Value>, does: Does, chooses: Chooses) -> Self {
        Self {
            name: name.to_owned(),
            filters,
            does,
            chooses,
            rollouts: 1,
            ours: false,
            asks_a_server: false,
        }
    }

    /// Whether its filter is a WebAssembly module.
    pub(crate) fn is_wasm(&self) -> bool {
        let modules = self
            .filters
            .iter()
            .filter(|filter| filter["typed_config"]["config"].is_object());
        modules.count() > 0
    }

    /// Its listener, where Envoy answers itself.
    pub(crate) fn direct(&self, name: &str) -> Value {
        let route = config::direct(json!({"prefix": "/"}), json!({"inline_string": "ok"}));
        config::listener(name, &self.filters, &[route])
    }

    /// Its listener, where the agents behind Envoy answer.
    pub(crate) fn proxied(&self, name: &str) -> Value {
        let all = json!({"prefix": "/"});
        let old = json!({"match": all, "route": {"cluster": CLUSTERS[0], "timeout": "0s"}});
        let routes = match self.chooses {
            Chooses::Nothing => vec![old],
            Chooses::Weights => vec![json!({"match": all, "route": weighted()})],
            Chooses::Header => {
                let named = json!([{"name": CLUSTER_HEADER, "present_match": true}]);
                let chosen = json!({"cluster_header": CLUSTER_HEADER, "timeout": "0s"});
                vec![
                    json!({"match": {"prefix": "/", "headers": named}, "route": chosen}),
                    old,
                ]
            }
        };
        config::listener(name, &self.filters, &routes)
    }
}

// === impl Chooses ===

impl Chooses {
    /// Whether the agents see the header that names the cluster.
    pub(crate) fn by_header(self) -> bool {
        self == Self::Header
    }
}

/// Half of the users to each version, with the headers of the decision.
fn weighted() -> Value {
    let arm = |number: usize| {
        let headers = [
            ("x-breakglass-rollout", "agent-0000"),
            ("x-breakglass-arm", ["stable", "canary"][number]),
            ("x-breakglass-version", ["prompt-v41", "prompt-v42"][number]),
            ("x-breakglass-generation", "1"),
            (CLUSTER_HEADER, CLUSTERS[number]),
        ];
        json!({
            "name": CLUSTERS[number],
            "weight": 50,
            "request_headers_to_add": headers.map(|(name, value)| config::header(name, value)),
        })
    };
    json!({
        "weighted_clusters": {"clusters": [arm(0), arm(1)], "use_hash_policy": true},
        "hash_policy": [{"header": {"header_name": "x-user-id"}}],
        "timeout": "0s",
    })
}

/// Built by `make bench-envoy`; see `bench/noop`.
fn noop_module() -> Result<std::path::PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let module = repository().join(target).join(NOOP);
    let found = module.is_file().then_some(&module);
    found.with_context(|| {
        format!(
            "the filter that does nothing is not built ({}); run `cargo build --release \
             -p breakglass-bench-noop --target wasm32-wasip1`",
            module.display()
        )
    })?;
    Ok(module)
}

/// In the folder of builds.
const NOOP: &str = "wasm32-wasip1/release/breakglass_bench_noop.wasm";

/// By this header a filter names the cluster.
const CLUSTER_HEADER: &str = "x-breakglass-cluster";
