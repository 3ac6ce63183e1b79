//! What to do with a request of a rollout, worked out when the policy is loaded.

use std::rc::Rc;

use breakglass_policy::edit::JsonEdits;
use breakglass_policy::{
    AccessLog, Arm, ArmSpec, Bucketing, Entity, Latency, Rollout, Signal, Stamp, Status,
};
use breakglass_redact::ProfileError;

use crate::headers::name;
use crate::host::{self, Map};
use crate::metrics::RolloutMetrics;
use crate::traffic::judge::JudgePlan;
use crate::traffic::redaction::RedactionPlan;
use crate::traffic::tally::Pending;

/// One rollout, ready for requests.
#[derive(Debug)]
pub(crate) struct RolloutPlan {
    pub(crate) split: Bucketing,
    pub(crate) expose: bool,
    /// Whether the access log is told.
    pub(crate) logs: bool,
    pub(crate) metrics: Rc<RolloutMetrics>,
    pub(crate) redaction: RedactionPlan,
    pub(crate) pending: Pending,
    pub(crate) judge: Option<JudgePlan>,
    stable: ArmPlan,
    canary: ArmPlan,
}

/// One arm, ready for requests.
#[derive(Debug)]
pub(crate) struct ArmPlan {
    pub(crate) version: String,
    pub(crate) json: JsonEdits,
    /// Every header of this arm but the generation, which changes.
    stamps: Vec<(String, String)>,
    stamps_generation: bool,
    /// The part of the access log's field that does not change.
    log_prefix: String,
}

// === impl RolloutPlan ===

impl RolloutPlan {
    pub(crate) fn new(rollout: &Rollout) -> Result<Self, ProfileError> {
        Ok(Self {
            split: rollout.bucketing(),
            expose: rollout.expose,
            logs: rollout.access_log == AccessLog::Decision,
            metrics: RolloutMetrics::of(&rollout.name),
            redaction: RedactionPlan::new(rollout)?,
            pending: Pending::default(),
            judge: JudgePlan::new(rollout),
            stable: ArmPlan::new(rollout, Arm::Stable),
            canary: ArmPlan::new(rollout, Arm::Canary),
        })
    }

    pub(crate) fn arm(&self, arm: Arm) -> &ArmPlan {
        match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        }
    }

    /// How long answers may take, where somebody asks.
    pub(crate) fn latency(&self) -> Option<&Latency> {
        self.judge.as_ref()?.latency()
    }

    /// Whether an answer with this status counts as an error.
    pub(crate) fn is_error(&self, status: &[u8]) -> bool {
        let status = std::str::from_utf8(status).ok();
        let status = status.and_then(|text| text.parse().ok());
        status.is_some_and(|status| match &self.judge {
            Some(judge) => judge.is_error(status),
            None => Status::SERVER_ERRORS.contains(status),
        })
    }

    /// Whether error events are looked for in streams: where the policy watches errors, for it is work
    /// on every byte.
    pub(crate) fn finds_error_events(&self) -> bool {
        let mut signals = self.judge.iter().flat_map(|judge| &judge.signals);
        signals.any(|signal| matches!(signal, Signal::ErrorRate { .. }))
    }

    /// Whether one finding of this entity is one too many.
    pub(crate) fn is_zero_tolerance(&self, entity: &str) -> bool {
        let mut entities = self.zero_tolerance();
        entities.any(|it| it.as_str() == entity || it.as_str() == "*")
    }

    /// Whether there are such entities.
    pub(crate) fn has_zero_tolerance(&self) -> bool {
        self.zero_tolerance().next().is_some()
    }

    fn zero_tolerance(&self) -> impl Iterator<Item = &Entity> {
        let signals = self.judge.iter().flat_map(|judge| &judge.signals);
        signals.flat_map(|signal| match signal {
            Signal::ZeroTolerance(entities) => entities.as_slice(),
            _ => &[],
        })
    }
}

// === impl ArmPlan ===

impl ArmPlan {
    /// Stamps the request: nobody but the filter sets these headers.
    pub(crate) fn stamp(&self, generation: &str) {
        let generation = (name::GENERATION, generation);
        let generation = self.stamps_generation.then_some(generation);
        let stamps = self
            .stamps
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in stamps.chain(generation) {
            // A proxy that refuses a header routes to stable by its default route.
            let _ = host::replace_header(Map::Request, name.as_bytes(), value.as_bytes());
        }
    }

    /// The access log's field for a request of this arm.
    pub(crate) fn log_field(&self, generation: &str, reason: &str) -> String {
        // By hand: formatting costs more instructions than the decision.
        [
            &self.log_prefix,
            " generation=",
            generation,
            " reason=",
            reason,
        ]
        .concat()
    }

    fn new(rollout: &Rollout, arm: Arm) -> Self {
        let ArmSpec {
            version,
            cluster,
            request_headers,
            json,
        } = rollout.arms.get(arm);
        let cluster = cluster.as_ref();
        let cluster = cluster.map(|cluster| (name::CLUSTER, cluster.as_str()));
        let to_arm = [(name::ARM, arm.as_str())];
        let all = [
            (name::ROLLOUT, rollout.name.as_str()),
            (name::ARM, arm.as_str()),
            (name::VERSION, version.as_str()),
        ];
        let told = match rollout.stamp {
            Stamp::All => &all[..],
            Stamp::Route if cluster.is_some() => &[],
            Stamp::Route => &to_arm[..],
        };
        let own = request_headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let stamps = told.iter().copied().chain(cluster).chain(own);
        Self {
            version: version.to_string(),
            json: json.clone(),
            stamps: stamps
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            stamps_generation: rollout.stamp == Stamp::All,
            log_prefix: format!(
                "rollout={} arm={} version={version}",
                rollout.name,
                arm.as_str()
            ),
        }
    }
}
