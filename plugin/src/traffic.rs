//! The traffic role: one policy, compiled, and the streams that are open under it.

mod body;
mod exchange;
mod open;
mod plan;
mod redaction;

use std::cell::RefCell;

use breakglass_policy::{HeaderName, Policy, Router};

use crate::headers::OwnHeaders;
use crate::host;
use crate::live::Live;

pub(crate) use exchange::Exchange;
use open::OpenStreams;
use plan::RolloutPlan;

/// One configuration of a traffic listener on one worker.
#[derive(Debug)]
pub(crate) struct Traffic {
    root: u32,
    router: Router,
    own_headers: OwnHeaders,
    plans: Box<[RolloutPlan]>,
    live: Live,
    open: RefCell<OpenStreams>,
    /// What leaves in the place of the chunk in hand; one for all streams, which take turns.
    scratch: RefCell<Vec<u8>>,
}

// === impl Traffic ===

impl Traffic {
    /// Compiles a policy; the error says where in it and what is wrong.
    pub(crate) fn new(root: u32, policy: Policy, digest: String) -> Result<Self, String> {
        let rollouts = policy.rollouts.iter();
        let set_by_arms = rollouts.clone().flat_map(|rollout| rollout.headers_set());
        let mut plans = Vec::with_capacity(policy.rollouts.len());
        for (place, rollout) in rollouts.enumerate() {
            let plan = RolloutPlan::new(rollout);
            plans.push(plan.map_err(|error| format!("rollouts[{place}].{error}"))?);
        }
        Ok(Self {
            root,
            router: Router::new(&policy),
            own_headers: OwnHeaders::new(set_by_arms.map(HeaderName::as_str)),
            plans: plans.into(),
            live: Live::new(policy, digest),
            open: RefCell::default(),
            scratch: RefCell::default(),
        })
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Reaches what waits: requests without an answer, answers without a next chunk.
    pub(crate) fn tick(&self) {
        let in_force = self.live.refresh();
        self.live.heartbeat(host::now());
        let due = self.open.borrow_mut().due(&in_force);
        // The registry is not borrowed while a stream ends: a proxy may call back at once.
        for (stream, end) in due {
            if host::set_effective_context(stream).is_ok() {
                end.carry_out();
            }
            if let Some(plan) = self.plans.get(end.rollout.index()) {
                end.count(plan);
            }
        }
        let _ = host::set_effective_context(self.root);
    }
}
