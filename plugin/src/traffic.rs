//! The traffic role: one policy, compiled, and the streams that are open under it.

mod body;
mod course;
mod exchange;
mod judge;
mod media;
mod open;
mod plan;
mod redaction;
mod tally;

use std::cell::{Cell, RefCell};

use breakglass_policy::{HeaderName, Policy, Router, Timestamp};

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
    /// The places of the rollouts of which something was counted that is not shared yet.
    dirty: RefCell<Vec<usize>>,
    /// Whether a rollout bounds how long answers may take.
    bounds_time: bool,
    has_ticks: Cell<bool>,
    /// The place of the rollout whose trial is to begin next.
    unbegun: Cell<usize>,
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
            bounds_time: plans
                .iter()
                .any(|plan: &RolloutPlan| plan.latency().is_some()),
            dirty: RefCell::default(),
            has_ticks: Cell::new(true),
            unbegun: Cell::new(0),
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

    /// Notes that the proxy has no ticks.
    pub(crate) fn do_without_ticks(&self) {
        self.has_ticks.set(false);
    }

    /// What this configuration has counted is shared before it is gone.
    pub(crate) fn end(&self) {
        self.fold(host::now());
        // Streams may outlive it.
        self.do_without_ticks();
    }

    /// Reaches what waits: requests without an answer, answers without a next chunk.
    pub(crate) fn tick(&self) {
        let in_force = self.live.reread();
        let now = host::now();
        self.live.heartbeat(now);
        if self.bounds_time {
            self.find_slow(now);
        }
        self.begin_trials();
        self.fold(now);
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

    /// Counts the open answers that are late by now.
    fn find_slow(&self, now: Timestamp) {
        let late = self.open.borrow_mut().late(&self.plans, now);
        for (rollout, arm, news) in late {
            self.count(rollout, arm, |tally| tally.add(&news));
        }
    }
}
