//! The controls in force, as one configuration sees them: its own, joined with all that the proxy
//! has seen.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use breakglass_policy::{
    Control, Epoch, Gate, InFlight, Kill, KillMode, LiveRedaction, Policy, Rollout, RolloutId,
    State, Timestamp,
};

use crate::host::{self, Level};
use crate::metrics::RolloutMetrics;
use crate::store::{Store, StoreError};
use crate::vm;

/// The live side of one configuration.
#[derive(Debug)]
pub(crate) struct Live {
    policy: Policy,
    digest: String,
    store: Store,
    /// Whether the policy's own controls are part of the shared state already.
    published: Cell<bool>,
    /// Whether that failed in a way that may pass.
    retry_publishing: Cell<bool>,
    /// What was said last about shared data that cannot be read or written.
    complaint: RefCell<String>,
    epoch: Cell<Option<Epoch>>,
    in_force: RefCell<Rc<[InForce]>>,
    gauges_at: Cell<Timestamp>,
}

/// One rollout's control in force, ready for requests.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) gate: Gate,
    /// The generation as a header's value.
    pub(crate) generation: String,
    control: Control,
}

// === impl Live ===

impl Live {
    /// Touches nothing that is shared: a configuration may still be refused by others.
    pub(crate) fn new(policy: Policy, digest: String) -> Self {
        let own = policy
            .rollouts
            .iter()
            .map(|rollout| rollout.control.clone());
        Self {
            digest,
            store: Store::new(&policy.name),
            published: Cell::new(false),
            retry_publishing: Cell::new(false),
            complaint: RefCell::default(),
            epoch: Cell::new(None),
            in_force: RefCell::new(own.map(InForce::new).collect()),
            gauges_at: Cell::new(Timestamp::EPOCH),
            policy,
        }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn rollout(&self, id: RolloutId) -> Option<&Rollout> {
        self.policy.rollouts.get(id.index())
    }

    /// The controls in force at this moment, in the policy's order. One small read of shared data,
    /// unless something changed.
    pub(crate) fn refresh(&self) -> Rc<[InForce]> {
        if !self.published.get() {
            self.publish();
        }
        let epoch = self.store.epoch();
        match epoch {
            Ok(epoch) if self.epoch.get() == Some(epoch) => {}
            Ok(_) => self.reload(),
            // No shared data here: the policy alone says what is in force.
            Err(_) => {}
        }
        self.in_force.borrow().clone()
    }

    /// What a tick does besides: tells the roster that this worker lives, and keeps the gauges.
    pub(crate) fn heartbeat(&self, now: Timestamp) {
        if let Some(epoch) = self.epoch.get() {
            // Told again on the next tick.
            let _ = vm::report(&self.policy.name, &self.store, epoch, now);
        }
        if now.since(self.gauges_at.get()) >= breakglass_policy::Roster::HEARTBEAT {
            self.record_gauges(now);
            if self.retry_publishing.take() {
                self.published.set(false);
            }
        }
    }

    /// Joins the policy's controls into the shared state, at the first sign of life of this
    /// configuration: a proxy also runs `on_configure` for configurations that it then refuses.
    fn publish(&self) {
        self.published.set(true);
        let rollouts = &self.policy.rollouts;
        let published = self.store.change_state(|state: &mut State| {
            let trusts = self.policy.trust.is_some() && state.require_signatures();
            Ok::<_, StoreError>(state.join_policy(rollouts) || trusts)
        });
        match published {
            Ok(state) => self.tell_what_was_kept(&state),
            Err(StoreError::Host(status)) => {
                let what = "orders cannot reach this proxy, push the policy instead";
                self.complain(Level::Warn, format!("no shared data ({status}): {what}"));
            }
            Err(error) => {
                self.retry_publishing.set(true);
                self.complain(Level::Error, error.to_string());
            }
        }
        if !self.policy.rollouts.is_empty() {
            let _ = self.store.set_digest(&self.digest);
        }
    }

    /// Says what is wrong with the shared data, once: it may be found wrong for every request.
    fn complain(&self, level: Level, message: String) {
        if *self.complaint.borrow() != message {
            host::log(level, &format!("policy {}: {message}", self.policy.name));
            self.complaint.replace(message);
        }
    }

    /// Says where the policy that was pushed is not what is in force.
    fn tell_what_was_kept(&self, state: &State) {
        for Rollout { name, control, .. } in self.policy.rollouts.iter() {
            let Some(entry) = state.get(name) else {
                continue;
            };
            if entry.control != *control {
                let message = format!(
                    "rollout {name}: the policy's generation {} is not newer than {}, which is in force; the newer, and of equals the stricter, stays. To change it push a higher generation",
                    control.generation, entry.control.generation
                );
                host::log(Level::Warn, &message);
            }
        }
    }

    fn reload(&self) {
        let in_force: Rc<[InForce]> = match self.store.state() {
            Ok(state) => {
                self.epoch.set(Some(state.epoch()));
                let rollouts = self.policy.rollouts.iter();
                rollouts
                    .map(|rollout| InForce::new(joined(rollout, &state)))
                    .collect()
            }
            Err(error) => {
                // What was killed can no longer be read: nobody goes to a canary.
                let message = format!("{error}; every rollout falls to stable");
                self.complain(Level::Error, message);
                self.epoch.set(self.store.epoch().ok());
                let rollouts = self.policy.rollouts.iter();
                rollouts
                    .map(|rollout| InForce::new(closed(&rollout.control)))
                    .collect()
            }
        };
        self.in_force.replace(in_force);
        let now = host::now();
        self.record_gauges(now);
        if let Some(epoch) = self.epoch.get() {
            let _ = vm::report(&self.policy.name, &self.store, epoch, now);
        }
    }

    fn record_gauges(&self, now: Timestamp) {
        self.gauges_at.set(now);
        for (rollout, InForce { control, .. }) in self
            .policy
            .rollouts
            .iter()
            .zip(self.in_force.borrow().iter())
        {
            let metrics = RolloutMetrics::of(&rollout.name);
            metrics.generation.record(control.generation.get());
            metrics
                .canary_ppm
                .record(control.share_at(now).ppm().into());
            metrics.killed.record(control.kill.is_some().into());
        }
    }
}

fn joined(rollout: &Rollout, state: &State) -> Control {
    match state.get(&rollout.name) {
        Some(entry) => rollout.control.join(&entry.control),
        None => rollout.control.clone(),
    }
}

fn closed(control: &Control) -> Control {
    let kill = Kill {
        mode: KillMode::Rollback,
        in_flight: InFlight::Drain,
    };
    // Joined: a kill of the policy's own may be stricter. Whether an order masked everything cannot
    // be read either, and redaction fails closed.
    control.join(&Control {
        kill: Some(kill),
        redaction: Some(LiveRedaction::MaskAll),
        ..control.clone()
    })
}

// === impl InForce ===

impl InForce {
    fn new(control: Control) -> Self {
        Self {
            gate: Gate::new(&control),
            generation: control.generation.to_string(),
            control,
        }
    }
}
