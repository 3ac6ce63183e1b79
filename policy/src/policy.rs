//! The policy document: what an operator delivers as the filter's configuration.

use std::ops::Deref;

use serde::Serialize;

use crate::arm::Arm;
use crate::bucket::{Bucketing, Salt};
use crate::control::Control;
use crate::document::{
    self, DocumentError, FromTree, Map, Tree, read_by_serde, read_struct, read_words,
};
use crate::edit::JsonEdits;
use crate::header::{HeaderEdits, HeaderMatches, HeaderName, HeaderText};
use crate::judge::Judge;
use crate::limits;
use crate::name::{Name, checked_text};
use crate::pins::Pins;
use crate::redaction::Redaction;
use crate::trust::Trust;
use crate::unit::{UnitSource, UnitSources};

/// Everything a filter needs to know: rollouts, redaction, trust and each rollout's last control.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// The policy's name: the namespace of its shared state.
    #[serde(rename = "policy")]
    pub name: Name,
    /// What the filter that loads this policy does.
    #[serde(default)]
    pub role: Role,
    /// The rollouts; a request belongs to the first one that matches it.
    #[serde(default)]
    pub rollouts: Rollouts,
    /// Whose signatures count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
}

/// What the filter does on its listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Role {
    /// Routes requests by the rollouts.
    #[default]
    Traffic,
    /// Answers the operator endpoint.
    Operator,
}

/// The rollouts of a policy, in the order in which they are tried; names differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxItems" = limits::ROLLOUTS)))]
pub struct Rollouts(Vec<Rollout>);

/// The traffic side of one change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rollout {
    /// The rollout's name: a metric label, and what orders call it by.
    pub name: Name,
    /// Which requests it takes; left out, all of them.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// Where the sticky key of a request is found; the first source that has one is used.
    #[serde(default)]
    pub unit: UnitSources,
    /// The key of the split.
    pub salt: Salt,
    /// Units whose arm is chosen by hand.
    #[serde(default)]
    pub pins: Pins,
    /// The two versions.
    pub arms: Arms,
    /// The last known control; the effective one is its join with all that the proxy has seen.
    pub control: Control,
    /// Whether clients see `x-breakglass-version` on responses.
    #[serde(default)]
    pub expose: bool,
    /// Which headers tell the upstream what was decided.
    #[serde(default)]
    pub stamp: Stamp,
    /// What the access log is told of each request.
    #[serde(default)]
    pub access_log: AccessLog,
    /// What happens to PII.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    /// The sequential test of the canary against stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Judge>,
}

/// Which headers tell the upstream what was decided. Each costs every request a call into the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Stamp {
    /// `x-breakglass-rollout`, `-arm`, `-version` and `-generation`, and `-cluster` where the arm names one.
    #[default]
    All,
    /// What routes go by, and no more: `x-breakglass-cluster`, or `x-breakglass-arm` where the arm names
    /// no cluster.
    Route,
}

/// What the access log is told of each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AccessLog {
    /// The decision, and how much was redacted: `%FILTER_STATE(wasm.breakglass:PLAIN)%`.
    #[default]
    Decision,
    /// Nothing: for proxies whose access log does not ask.
    Nothing,
}

/// Which requests a rollout takes: those that meet every condition given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Match {
    /// The host asked for, without its port, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostPattern>,
    /// The path's first segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<PathPrefix>,
    /// Headers and the exact value of each.
    #[serde(default, skip_serializing_if = "HeaderMatches::is_empty")]
    pub headers: HeaderMatches,
}

/// The two versions of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Arms {
    /// The old version.
    pub stable: ArmSpec,
    /// The new version.
    pub canary: ArmSpec,
}

/// One version, and how a request is made to reach it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArmSpec {
    /// The version's label, sent as `x-breakglass-version`.
    pub version: HeaderText,
    /// The upstream cluster, sent as `x-breakglass-cluster` for routes with `cluster_header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Name>,
    /// Headers that the request gets.
    #[serde(default, skip_serializing_if = "HeaderEdits::is_empty")]
    pub request_headers: HeaderEdits,
    /// Values that a JSON request body gets, by JSON pointer.
    #[serde(default, skip_serializing_if = "JsonEdits::is_empty")]
    pub json: JsonEdits,
}

/// A host, or `*.` and a domain for every host below it; in lower case, without a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(Box<str>);

/// The first segments of a path: `/v1/a` takes `/v1/a` and `/v1/a/b`, not `/v1/ab`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPrefix(Box<str>);

// === impl Policy ===

read_struct!(Policy {
    name: required "policy",
    role: or_default "role",
    rollouts: or_default "rollouts",
    trust: or_default "trust",
});

impl Policy {
    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        document::from_json(json, limits::POLICY_BYTES)
    }

    /// Reads a policy from MessagePack: maps with the same field names as the JSON form.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::from_msgpack(bytes, limits::POLICY_BYTES)
    }
}

// === impl Role ===

read_words!(Role { "traffic" => Traffic, "operator" => Operator });

// === impl Rollouts ===

impl Rollouts {
    pub(crate) fn new(rollouts: Vec<Rollout>) -> Result<Self, String> {
        if rollouts.len() > limits::ROLLOUTS {
            let given = rollouts.len();
            return Err(format!(
                "{given} rollouts, expected at most {}",
                limits::ROLLOUTS
            ));
        }
        let mut names = Map::default();
        let set = rollouts.iter().flat_map(Rollout::headers_set);
        let set: Map<_, _> = set.map(|header| (header.as_str(), ())).collect();
        for rollout in &rollouts {
            let name = &rollout.name;
            if names.insert(name, ()).is_some() {
                return Err(format!("two rollouts are named `{name}`"));
            }
            // The filter removes what clients send in a header that it sets, so such a header can
            // neither match nor identify anybody.
            if let Some(header) = rollout
                .headers_read()
                .find(|header| set.get(header).is_some())
            {
                return Err(format!(
                    "rollout `{name}` reads header `{header}`, which an arm sets; read and set different headers"
                ));
            }
        }
        Ok(Self(rollouts))
    }
}

impl Deref for Rollouts {
    type Target = [Rollout];

    fn deref(&self) -> &[Rollout] {
        &self.0
    }
}

impl FromTree for Rollouts {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        Self::new(Vec::from_tree(tree)?).map_err(DocumentError::whole)
    }
}

read_by_serde!(Rollouts);

// === impl Rollout ===

read_struct!(Rollout {
    name: required "name",
    matches: or_default "match",
    unit: or_default "unit",
    salt: required "salt",
    pins: or_default "pins",
    arms: required "arms",
    control: required "control",
    expose: or_default "expose",
    stamp: or_default "stamp",
    access_log: or_default "access_log",
    redaction: or_default "redaction",
    judge: or_default "judge",
});

impl Rollout {
    /// The split of this rollout, ready for the hot path.
    pub fn bucketing(&self) -> Bucketing {
        Bucketing::new(&self.salt, &self.pins)
    }

    /// Every header that an arm of this rollout sets.
    pub fn headers_set(&self) -> impl Iterator<Item = &HeaderName> {
        let arms = [&self.arms.stable, &self.arms.canary];
        arms.into_iter().flat_map(|arm| arm.request_headers.names())
    }

    /// Every header that this rollout matches or identifies requests by.
    fn headers_read(&self) -> impl Iterator<Item = &str> {
        let matched = self.matches.headers.names().map(HeaderName::as_str);
        matched.chain(self.unit.iter().map(UnitSource::header_name))
    }
}

// === impl Stamp ===

read_words!(Stamp { "all" => All, "route" => Route });

// === impl AccessLog ===

read_words!(AccessLog { "decision" => Decision, "nothing" => Nothing });

// === impl Match ===

read_struct!(Match {
    host: or_default "host",
    path_prefix: or_default "path_prefix",
    headers: or_default "headers",
});

// === impl Arms ===

read_struct!(Arms {
    stable: required "stable",
    canary: required "canary",
});

impl Arms {
    /// The version on this arm.
    pub fn get(&self, arm: Arm) -> &ArmSpec {
        match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        }
    }
}

// === impl ArmSpec ===

read_struct!(ArmSpec {
    version: required "version",
    cluster: or_default "cluster",
    request_headers: or_default "request_headers",
    json: or_default "json",
});

// === impl HostPattern ===

impl HostPattern {
    /// The domain below which every host matches, if this is such a pattern.
    pub fn below(&self) -> Option<&str> {
        self.0.strip_prefix("*.")
    }

    fn parse(text: &str) -> Option<Self> {
        // The root's dot is taken off requests as well.
        let text = text.strip_suffix('.').unwrap_or(text);
        let domain = text.strip_prefix("*.").unwrap_or(text);
        let sized = (1..=MAX_HOST_BYTES).contains(&domain.len());
        let labels = |host: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            host.split('.')
                .all(|label| !label.is_empty() && label.bytes().all(legal))
        };
        // A colon belongs to an IPv6 address in brackets; elsewhere it would begin a port.
        let address = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let legal = match address {
            // An address has at least two colons; whether it is a good one, requests will tell.
            Some(address) => {
                let colons = address.bytes().filter(|byte| *byte == b':').count();
                let legal = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
                colons >= 2 && address.bytes().all(legal)
            }
            None => labels(domain),
        };
        (sized && legal).then(|| Self(text.to_ascii_lowercase().into()))
    }
}

checked_text!(
    HostPattern,
    "a host without its port, such as api.example.com or *.example.com",
    "pattern": r"^(\[[0-9A-Fa-f:.]+\]|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)\.?$"
);

// === impl PathPrefix ===

impl PathPrefix {
    fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
        let sized = text.len() <= limits::TEXT_BYTES;
        let prefix = text.strip_suffix('/').unwrap_or(text);
        (sized && text.starts_with('/') && text.bytes().all(legal)).then(|| Self(prefix.into()))
    }
}

checked_text!(
    PathPrefix,
    "the beginning of a path in whole segments, such as /v1/agents, without query",
    "pattern": r#"^/[!"$->@-~]*$"#,
    "maxLength": limits::TEXT_BYTES
);

/// RFC 1035, section 2.3.4.
const MAX_HOST_BYTES: usize = 255;

#[cfg(test)]
mod tests;
