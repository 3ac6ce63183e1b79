//! The traffic role: one policy, compiled, and the streams that are open under it.

mod exchange;
mod open;
mod plan;

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
}

// === impl Traffic ===

impl Traffic {
    pub(crate) fn new(root: u32, policy: Policy, digest: String) -> Self {
        let rollouts = policy.rollouts.iter();
        let set_by_arms = rollouts.clone().flat_map(|rollout| rollout.headers_set());
        Self {
            root,
            router: Router::new(&policy),
            own_headers: OwnHeaders::new(set_by_arms.map(HeaderName::as_str)),
            plans: rollouts.map(RolloutPlan::new).collect(),
            live: Live::new(policy, digest),
            open: RefCell::default(),
        }
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
