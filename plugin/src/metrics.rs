//! The metrics: defined once in each virtual machine, counted by the proxy over all of them.
//!
//! Labels are part of the name (`name;label=value`); the `stats_tags` in `envoy/bootstrap.yaml` cut
//! them out. Every define makes a new entry in Envoy's memory, so a machine remembers what it has.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use breakglass_policy::{Arm, Direction, Map, Name};

use crate::host::{self, MetricId, MetricKind};

thread_local! {
    static CHANGES: Cell<Option<Counter>> = const { Cell::new(None) };
    static ORDERS: RefCell<Vec<(&'static str, Counter)>> = const { RefCell::new(Vec::new()) };
    static ROLLOUTS: RefCell<Map<Name, Rc<RolloutMetrics>>> = RefCell::default();
    /// The rollouts of which something was counted that the proxy does not know yet.
    static UNTOLD: RefCell<Vec<Rc<RolloutMetrics>>> = const { RefCell::new(Vec::new()) };
}

/// A number that only grows; none where the proxy has no metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter(Option<MetricId>);

/// A counter that the proxy is told of on the tick: for what every request counts, a call is dear.
#[derive(Debug)]
pub(crate) struct Batched {
    counter: Counter,
    untold: Cell<u32>,
}

/// A number that stands for a state; none where the proxy has no metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauge(Option<MetricId>);

/// The metrics of one rollout.
#[derive(Debug)]
pub(crate) struct RolloutMetrics {
    arms: [ArmMetrics; 2],
    /// Requests and streams that a kill ended while they were under way.
    pub(crate) killed_streams: Counter,
    /// Requests that a kill of mode `block` turned away at the door.
    pub(crate) blocked: Counter,
    /// Requests without a unit.
    pub(crate) keyless: Counter,
    /// Bytes of text that waited for the next chunk to be certain.
    pub(crate) held_bytes: Counter,
    /// Each defined when it first counts: most entities are never found.
    redactions: RefCell<Vec<(Redacted, Counter)>>,
    unscanned: RefCell<Vec<(&'static str, Counter)>>,
    judge_trips: RefCell<Vec<(&'static str, Counter)>>,
    rollout: Name,
    /// Whether it is among those of which the proxy is to be told.
    is_untold: Cell<bool>,
    pub(crate) generation: Gauge,
    pub(crate) canary_ppm: Gauge,
    pub(crate) killed: Gauge,
}

/// What a counter of redactions counts.
#[derive(Debug)]
struct Redacted {
    arm: Arm,
    entity: Box<str>,
    direction: Direction,
    action: &'static str,
}

/// The metrics of one arm.
#[derive(Debug)]
pub(crate) struct ArmMetrics {
    requests: Batched,
    responses: [Batched; CLASSES.len()],
}

/// Configurations that were refused.
pub(crate) fn config_rejected() -> Counter {
    Counter::new("breakglass_config_rejected_total")
}

/// Changes of the state that all workers share.
pub(crate) fn state_changes() -> Counter {
    CHANGES.with(|known| {
        let changes = known
            .get()
            .unwrap_or_else(|| Counter::new("breakglass_state_changes_total"));
        known.set(Some(changes));
        changes
    })
}

/// Orders that ended in `result`.
pub(crate) fn orders(result: &'static str) -> Counter {
    ORDERS.with_borrow_mut(|known| {
        let define = || {
            let name = format!("breakglass_orders_total;result={result}");
            (result, Counter::new(&name))
        };
        known_or_defined(known, |of| *of == result, define)
    })
}

/// Tells the proxy what was counted.
pub(crate) fn tell() {
    for metrics in UNTOLD.take() {
        metrics.is_untold.set(false);
        for ArmMetrics {
            requests,
            responses,
        } in &metrics.arms
        {
            requests.tell();
            responses.iter().for_each(Batched::tell);
        }
    }
}

/// The counter whose key `is` the one, or the one that `define` makes and that is known from now on.
fn known_or_defined<K>(
    known: &mut Vec<(K, Counter)>,
    is: impl Fn(&K) -> bool,
    define: impl FnOnce() -> (K, Counter),
) -> Counter {
    match known.iter().find(|(key, _)| is(key)) {
        Some((_, counter)) => *counter,
        None => known.push_mut(define()).1,
    }
}

// === impl RolloutMetrics ===

impl RolloutMetrics {
    /// The metrics of the rollout with this name, whichever policy or version of it names it.
    pub(crate) fn of(rollout: &Name) -> Rc<Self> {
        ROLLOUTS.with_borrow_mut(|known| match known.get(rollout) {
            Some(metrics) => metrics.clone(),
            None => {
                let metrics = Rc::new(Self::define(rollout));
                known.insert(rollout.clone(), metrics.clone());
                metrics
            }
        })
    }

    pub(crate) fn arm(&self, arm: Arm) -> &ArmMetrics {
        let [stable, canary] = &self.arms;
        match arm {
            Arm::Stable => stable,
            Arm::Canary => canary,
        }
    }

    /// Counts a request of this arm.
    pub(crate) fn request(self: &Rc<Self>, arm: Arm) {
        self.count(&self.arm(arm).requests);
    }

    /// Counts an answer of this arm, by its status.
    pub(crate) fn response(self: &Rc<Self>, arm: Arm, status: &[u8]) {
        let class = status.first().map(|digit| digit.wrapping_sub(b'1'));
        let responses = &self.arm(arm).responses;
        if let Some(counter) = class.and_then(|class| responses.get(usize::from(class))) {
            self.count(counter);
        }
    }

    fn count(self: &Rc<Self>, counter: &Batched) {
        counter.untold.set(counter.untold.get().saturating_add(1));
        if !self.is_untold.replace(true) {
            UNTOLD.with_borrow_mut(|untold| untold.push(self.clone()));
        }
    }

    /// The counter of entities found.
    pub(crate) fn redactions(
        &self,
        arm: Arm,
        entity: &str,
        direction: Direction,
        action: &'static str,
    ) -> Counter {
        let is = |of: &Redacted| {
            (of.arm, &*of.entity, of.direction, of.action) == (arm, entity, direction, action)
        };
        let define = || {
            let name = format!(
                "breakglass_redactions_total;rollout={};arm={};entity={entity};direction={};action={action}",
                self.rollout,
                arm.as_str(),
                direction.as_str(),
            );
            let redacted = Redacted {
                arm,
                entity: entity.into(),
                direction,
                action,
            };
            (redacted, Counter::new(&name))
        };
        known_or_defined(&mut self.redactions.borrow_mut(), is, define)
    }

    /// The counter of bodies and events that were not scanned, or not as a whole.
    pub(crate) fn unscanned(&self, reason: &'static str) -> Counter {
        let define = || {
            let rollout = &self.rollout;
            let name = format!("breakglass_unscanned_total;rollout={rollout};reason={reason}");
            (reason, Counter::new(&name))
        };
        known_or_defined(&mut self.unscanned.borrow_mut(), |of| *of == reason, define)
    }

    /// The counter of rollbacks by the judge because of this signal.
    pub(crate) fn judge_trips(&self, signal: &'static str) -> Counter {
        let define = || {
            let rollout = &self.rollout;
            let name = format!("breakglass_judge_trips_total;rollout={rollout};signal={signal}");
            (signal, Counter::new(&name))
        };
        known_or_defined(
            &mut self.judge_trips.borrow_mut(),
            |of| *of == signal,
            define,
        )
    }

    fn define(rollout: &Name) -> Self {
        let name = |metric: &str| format!("breakglass_{metric};rollout={rollout}");
        Self {
            arms: Arm::BOTH.map(|arm| ArmMetrics::define(rollout, arm)),
            killed_streams: Counter::new(&name("killed_streams_total")),
            blocked: Counter::new(&name("blocked_total")),
            keyless: Counter::new(&name("keyless_total")),
            held_bytes: Counter::new(&name("held_bytes_total")),
            redactions: RefCell::default(),
            unscanned: RefCell::default(),
            judge_trips: RefCell::default(),
            rollout: rollout.clone(),
            is_untold: Cell::new(false),
            generation: Gauge::new(&name("generation")),
            canary_ppm: Gauge::new(&name("canary_ppm")),
            killed: Gauge::new(&name("killed")),
        }
    }
}

// === impl ArmMetrics ===

impl ArmMetrics {
    /// Requests so far.
    pub(crate) fn request_count(&self) -> u64 {
        self.requests.counter.get()
    }

    /// Responses so far by class: `1xx`, `2xx`, …
    pub(crate) fn response_counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.into_iter().zip(
            self.responses
                .iter()
                .map(|responses| responses.counter.get()),
        )
    }

    fn define(rollout: &Name, arm: Arm) -> Self {
        let arm = arm.as_str();
        let requests = format!("breakglass_requests_total;rollout={rollout};arm={arm}");
        let responses =
            |class| format!("breakglass_responses_total;rollout={rollout};arm={arm};class={class}");
        Self {
            requests: Batched::new(&requests),
            responses: CLASSES.map(|class| Batched::new(&responses(class))),
        }
    }
}

// === impl Batched ===

impl Batched {
    fn new(name: &str) -> Self {
        Self {
            counter: Counter::new(name),
            untold: Cell::new(0),
        }
    }

    fn tell(&self) {
        self.counter.add(self.untold.take());
    }
}

// === impl Counter ===

impl Counter {
    /// One that counts nothing.
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn increment(self) {
        self.add(1);
    }

    pub(crate) fn add(self, times: u32) {
        if let Counter(Some(id)) = self
            && times > 0
        {
            // A count that a proxy does not take has nobody to be told.
            let _ = host::increment_metric(id, times);
        }
    }

    /// The count over all workers.
    pub(crate) fn get(self) -> u64 {
        self.0.and_then(|id| host::metric(id).ok()).unwrap_or(0)
    }

    fn new(name: &str) -> Self {
        Self(host::define_metric(MetricKind::Counter, name).ok())
    }
}

// === impl Gauge ===

impl Gauge {
    pub(crate) fn record(self, value: u64) {
        if let Gauge(Some(id)) = self {
            // As with counters.
            let _ = host::record_metric(id, value);
        }
    }

    fn new(name: &str) -> Self {
        Self(host::define_metric(MetricKind::Gauge, name).ok())
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
