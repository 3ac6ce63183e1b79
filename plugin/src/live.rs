//! The controls in force, as one configuration sees them: its own, joined with all that the proxy
//! has seen.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use breakglass_policy::{
    Closed, Control, Epoch, Gate, Generation, InFlight, Kill, KillMode, LiveRedaction, Percent,
    Policy, Published, Rollout, RolloutId, State, Subject, Timestamp,
};

use crate::host::{self, Level};
use crate::metrics::RolloutMetrics;
use crate::store::{Store, StoreError};
use crate::vm;

/// The live side of one configuration.
#[derive(Debug)]
pub(crate) struct Live {
    policy: Policy,
    /// What a warrant must have been given for, rollout by rollout.
    subjects: Box<[Subject]>,
    digest: String,
    store: Store,
    /// Whether the policy's own controls are part of the shared state already.
    published: Cell<bool>,
    /// Whether that failed in a way that may pass.
    retry_publishing: Cell<bool>,
    /// What was said last about shared data that cannot be read or written.
    complaint: RefCell<String>,
    epoch: Cell<Option<Epoch>>,
    /// Whether the policy alone says what is in force, for want of shared data.
    alone: Cell<bool>,
    in_force: RefCell<Rc<[InForce]>>,
    /// When the next lease lapses.
    lapses_at: Cell<Option<Timestamp>>,
    gauges_at: Cell<Timestamp>,
}

/// What the judge has to know of a control in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) generation: Generation,
    pub(crate) killed: bool,
    /// The share that the canary is to have at this moment.
    pub(crate) share: Percent,
}

/// One rollout's control in force, ready for requests.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) gate: Gate,
    /// The generation as a header's value.
    pub(crate) generation: String,
    control: Control,
    closed: Option<Closed>,
}

// === impl Live ===

impl Live {
    /// Touches nothing that is shared: a configuration may still be refused by others.
    pub(crate) fn new(policy: Policy, digest: String) -> Self {
        Self {
            subjects: policy.rollouts.iter().map(Subject::of).collect(),
            digest,
            store: Store::new(&policy.name),
            published: Cell::new(false),
            retry_publishing: Cell::new(false),
            complaint: RefCell::default(),
            epoch: Cell::new(None),
            alone: Cell::new(false),
            in_force: RefCell::new(Rc::new([])),
            lapses_at: Cell::new(None),
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

    /// Whether the policy names a rollout so.
    pub(crate) fn names(&self, rollout: &[u8]) -> bool {
        let mut rollouts = self.policy.rollouts.iter();
        rollouts.any(|other| other.name.as_str().as_bytes() == rollout)
    }

    /// The controls in force at this moment, in the policy's order. One look at a number, unless
    /// something changed.
    pub(crate) fn refresh(&self) -> Rc<[InForce]> {
        self.publish_once();
        match self.store.is_unchanged() {
            true => self.in_force.borrow().clone(),
            false => self.read(),
        }
    }

    /// The controls in force at this moment, from shared data in any case.
    pub(crate) fn reread(&self) -> Rc<[InForce]> {
        self.publish_once();
        self.read()
    }

    fn publish_once(&self) {
        if !self.published.get() {
            self.publish();
        }
    }

    fn read(&self) -> Rc<[InForce]> {
        let epoch = self.store.epoch();
        match epoch {
            Ok(epoch) if self.epoch.get() == Some(epoch) => {}
            Ok(_) => self.reload(),
            Err(_) if self.epoch.get().is_none() && !self.alone.replace(true) => {
                self.adopt(State::default());
            }
            Err(_) => {}
        }
        self.in_force.borrow().clone()
    }

    /// What a tick does besides: lets leases lapse for good, tells the roster that this worker lives,
    /// and keeps the gauges.
    pub(crate) fn heartbeat(&self, now: Timestamp) {
        if self.lapses_at.get().is_some_and(|end| now > end) {
            self.lapse(now);
        }
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

    /// Whether this policy is the one that was published last.
    pub(crate) fn is_newest(&self) -> bool {
        let published = self.store.digest();
        published.map_or(self.alone.get(), |digest| {
            digest.is_some_and(|it| it == self.digest)
        })
    }

    /// Sends everyone of a rollout to stable, because the judge says so; returns the generation of the
    /// kill.
    pub(crate) fn roll_back(
        &self,
        place: usize,
        in_flight: InFlight,
    ) -> Result<Generation, StoreError> {
        let rollout = self.policy.rollouts.get(place);
        let now = host::now();
        let mut killed = None;
        let written = self.store.change_state(|state: &mut State| {
            let epoch = state.epoch();
            killed = rollout.and_then(|rollout| state.roll_back(&rollout.name, in_flight, now));
            Ok::<_, StoreError>(state.epoch() != epoch)
        });
        match written {
            Ok(_) => {
                self.refresh();
            }
            // Without shared data each worker rolls back for itself.
            Err(StoreError::Host(_)) if self.alone.get() => {
                killed = self.roll_back_alone(place, in_flight);
            }
            Err(error) => return Err(error),
        }
        // A state that has lost the rollout has nobody on its canary either.
        Ok(killed.unwrap_or_default())
    }

    fn roll_back_alone(&self, place: usize, in_flight: InFlight) -> Option<Generation> {
        let kill = Kill {
            mode: KillMode::Rollback,
            in_flight,
        };
        let mut generation = None;
        let in_force = self.in_force.borrow().clone();
        let rollouts = in_force.iter().enumerate().map(|(other, in_force)| {
            let mut control = in_force.control.clone();
            if other == place {
                control.kill = Some(control.kill.unwrap_or(kill));
                generation = Some(control.generation);
            }
            InForce::new(control, in_force.closed)
        });
        let rollouts = rollouts.collect();
        self.put_in_force(rollouts);
        generation
    }

    /// Joins the policy's controls into the shared state, at the first sign of life of this
    /// configuration: a proxy also runs `on_configure` for configurations that it then refuses.
    fn publish(&self) {
        self.published.set(true);
        let now = host::now();
        let mut said = None;
        let published = self.store.change_state(|state: &mut State| {
            let published = state.publish(&self.policy, now);
            Ok::<_, StoreError>(said.insert(published).changed)
        });
        match published {
            Ok(state) => {
                // Of all workers the first to publish a policy says what came of it.
                let news = match self.policy.rollouts.is_empty() {
                    true => false,
                    false => self.store.set_digest(&self.digest).unwrap_or(true),
                };
                if let Some(published) = said.filter(|_| news) {
                    self.tell_what_was_kept(&state, &published);
                    self.tell_what_is_not_permitted(published);
                }
            }
            Err(StoreError::Host(status)) => {
                let what = "orders cannot reach this proxy, push the policy instead";
                self.complain(Level::Warn, format!("no shared data ({status}): {what}"));
            }
            Err(error) => {
                self.retry_publishing.set(true);
                self.complain(Level::Error, error.to_string());
            }
        }
    }

    /// Lets every lease that is over lapse for all workers and for good, whatever their clocks say
    /// later.
    fn lapse(&self, now: Timestamp) {
        let in_force = self.in_force.borrow().clone();
        let due = |(_, in_force): &(&Rollout, &InForce)| {
            in_force.lapses_at().is_some_and(|end| now > end)
        };
        let due = self.policy.rollouts.iter().zip(in_force.iter()).filter(due);
        let due: Vec<_> = due
            .map(|(rollout, in_force)| (&rollout.name, in_force.control.generation))
            .collect();
        let mut news = Vec::new();
        let written = self.store.change_state(|state: &mut State| {
            news.clear();
            news.extend(
                due.iter()
                    .filter(|(name, generation)| state.lapse(name, *generation)),
            );
            Ok::<_, StoreError>(!news.is_empty())
        });
        for (name, generation) in news {
            let message = format!(
                "rollout {name}: the lease of generation {generation} has lapsed, everyone is on stable; to go on order a later `not_after` with a higher generation"
            );
            host::log(Level::Warn, &message);
        }
        match written {
            Ok(_) => {
                self.refresh();
            }
            // Without shared data each worker remembers for itself; otherwise with the next tick.
            Err(_) if self.alone.get() => {
                let rollouts = in_force.iter().map(|in_force| match in_force.lapses_at() {
                    Some(end) if now > end => {
                        InForce::new(in_force.control.clone(), Some(Closed::Lapse))
                    }
                    _ => InForce::new(in_force.control.clone(), in_force.closed),
                });
                self.put_in_force(rollouts.collect());
            }
            Err(_) => {}
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
    fn tell_what_was_kept(&self, state: &State, published: &Published) {
        for Rollout { name, control, .. } in self.policy.rollouts.iter() {
            if published.refused.iter().any(|(refused, _)| refused == name) {
                continue;
            }
            let Some(entry) = state.get(name) else {
                continue;
            };
            let (kept, offered) = (&entry.control, control);
            let same = kept.generation == offered.generation
                && kept.exposes_no_more_than(offered)
                && offered.exposes_no_more_than(kept);
            if !same {
                let message = format!(
                    "rollout {name}: the policy's generation {} is not newer than {}, which is in force; the newer, and of equals the stricter, stays. To change it push a higher generation",
                    control.generation, entry.control.generation
                );
                host::log(Level::Warn, &message);
            }
        }
    }

    /// Says which rollouts are on stable for want of a warrant, and which trust is in force instead of
    /// the policy's.
    fn tell_what_is_not_permitted(&self, published: Published) {
        for (name, refused) in published.refused {
            let message = format!(
                "rollout {name}: the policy's control may not be in force, everyone is on stable: {refused}"
            );
            host::log(Level::Error, &message);
        }
        if let Some(generation) = published.trust_kept {
            let message = format!(
                "policy {}: `trust` of generation {generation} stays in force, the policy's is not newer; to change it push a higher `trust.generation`",
                self.policy.name
            );
            host::log(Level::Warn, &message);
        }
    }

    fn reload(&self) {
        match self.store.state() {
            Ok(state) => {
                self.epoch.set(Some(state.epoch()));
                self.adopt(state);
            }
            Err(error) => {
                // What was killed can no longer be read: nobody goes to a canary.
                let message = format!("{error}; every rollout falls to stable");
                self.complain(Level::Error, message);
                self.epoch.set(self.store.epoch().ok());
                let rollouts = self.policy.rollouts.iter();
                let in_force = rollouts.map(|rollout| InForce::new(closed(&rollout.control), None));
                self.put_in_force(in_force.collect());
            }
        };
        if let Some(epoch) = self.epoch.get() {
            let _ = vm::report(&self.policy.name, &self.store, epoch, host::now());
        }
    }

    /// Puts a state in force. What could not be published is judged here and now, by this worker
    /// alone; what could be is not judged again, or workers would come to differ.
    fn adopt(&self, mut state: State) {
        if self.alone.get() || self.retry_publishing.get() {
            state.publish(&self.policy, host::now());
        } else if state.rollouts().next().is_none() {
            // What was shared is lost: the next request or tick publishes again.
            self.published.set(false);
        }
        let rollouts = self.policy.rollouts.iter().zip(&self.subjects);
        let in_force =
            rollouts.map(
                |(Rollout { name, control, .. }, subject)| match state.get(name) {
                    Some(entry) => {
                        InForce::new(entry.control.clone(), state.closed(name, Some(subject)))
                    }
                    None => InForce::new(closed(control), None),
                },
            );
        self.put_in_force(in_force.collect());
    }

    fn put_in_force(&self, in_force: Rc<[InForce]>) {
        self.lapses_at
            .set(in_force.iter().filter_map(InForce::lapses_at).min());
        self.in_force.replace(in_force);
        self.record_gauges(host::now());
    }

    fn record_gauges(&self, now: Timestamp) {
        self.gauges_at.set(now);
        let in_force = self.in_force.borrow();
        for (rollout, in_force) in self.policy.rollouts.iter().zip(in_force.iter()) {
            let InForce {
                control, closed, ..
            } = in_force;
            let metrics = RolloutMetrics::of(&rollout.name);
            metrics.generation.record(control.generation.get());
            let share = closed.map_or_else(|| control.share_at(now), |_| Percent::ZERO);
            metrics.canary_ppm.record(share.ppm().into());
            metrics.killed.record(control.kill.is_some().into());
        }
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
    fn new(control: Control, closed: Option<Closed>) -> Self {
        Self {
            gate: Gate::new(&control).closed(closed),
            generation: control.generation.to_string(),
            control,
            closed,
        }
    }

    /// What the judge has to know of it.
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let share = self
            .closed
            .map_or_else(|| self.control.share_at(now), |_| Percent::ZERO);
        Standing {
            generation: self.control.generation,
            killed: self.control.kill.is_some(),
            share,
        }
    }

    /// When the lease lapses, if that changes anything.
    fn lapses_at(&self) -> Option<Timestamp> {
        let open = self.closed.is_none() && self.control.falls_back();
        self.control.not_after.filter(|_| open)
    }
}
