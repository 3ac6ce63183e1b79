//! A proxy with traffic: what it counts grows each time that it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, Request};

/// A proxy whose traffic and health a test has in its hand.
#[derive(Clone)]
pub(super) struct Proxy {
    filter: Arc<Filter>,
    hand: Arc<(Mutex<Hand>, Condvar)>,
}

struct Hand {
    traffic: Traffic,
    counts: [Counts; 2],
    /// What a test has made of it.
    health: Health,
    trip: Option<Value>,
    /// How many orders came, and how many may be carried out.
    orders: usize,
    gate: Option<usize>,
}

/// What each look at the counts finds more of.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    pub(super) requests: f64,
    /// Of a thousand answers, for stable and canary.
    pub(super) errors: [f64; 2],
    pub(super) redactions: [BTreeMap<&'static str, f64>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    /// Answers nothing of use.
    Gone,
    /// Counts nothing that can be judged.
    Uncounted,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    requests: f64,
    errors: f64,
    redactions: BTreeMap<&'static str, f64>,
}

// === impl Proxy ===

impl Proxy {
    pub(super) fn new(policy: &Value) -> Self {
        let hand = Hand {
            traffic: Traffic::usual(),
            counts: Default::default(),
            health: Health::Well,
            trip: None,
            orders: 0,
            gate: None,
        };
        Self {
            filter: Arc::new(Filter::new(policy)),
            hand: Arc::new((Mutex::new(hand), Condvar::new())),
        }
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        let proxy = self.clone();
        Endpoint::of(move |request| proxy.answer(request))
    }

    pub(super) fn traffic(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.hand.0.lock().unwrap().traffic);
    }

    pub(super) fn health(&self, health: Health) {
        self.hand.0.lock().unwrap().health = health;
    }

    /// Its own judge takes everybody back.
    pub(super) fn trip(&self, evidence: Value) {
        self.hand.0.lock().unwrap().trip = Some(evidence);
    }

    /// From now on orders wait before they are carried out.
    pub(super) fn close_gate(&self) {
        let mut hand = self.hand.0.lock().unwrap();
        hand.gate = Some(hand.orders);
    }

    /// Waits until an order waits.
    pub(super) fn await_order(&self) {
        let (hand, changed) = &*self.hand;
        let waits = |hand: &mut Hand| hand.gate.is_none_or(|gate| hand.orders <= gate);
        drop(changed.wait_while(hand.lock().unwrap(), waits).unwrap());
    }

    /// Lets the orders through that wait, and all that come.
    pub(super) fn open_gate(&self) {
        let (hand, changed) = &*self.hand;
        hand.lock().unwrap().gate = None;
        changed.notify_all();
    }

    /// What is in force: the share in percent, and whether it is killed.
    pub(super) fn in_force(&self) -> (f64, bool) {
        let rollout = self.rollout();
        let share = rollout["percent"].as_f64().unwrap();
        (share, !rollout["control"]["kill"].is_null())
    }

    /// The ramp in force.
    pub(super) fn ramp(&self) -> Value {
        self.rollout()["control"]["ramp"].take()
    }

    /// When the lease ends, as it is written.
    pub(super) fn lease(&self) -> String {
        let rollout = self.rollout();
        rollout["control"]["not_after"].as_str().unwrap().to_owned()
    }

    /// The rollout as the filter tells it, without any traffic passing.
    fn rollout(&self) -> Value {
        let ask = Request {
            line: "GET /v1/state".into(),
            content_type: String::new(),
            body: Vec::new(),
        };
        let mut state: Value = serde_json::from_slice(&self.filter.answer(&ask).body).unwrap();
        state["rollouts"][0].take()
    }

    fn answer(&self, request: &Request) -> Reply {
        let (hand, changed) = &*self.hand;
        if hand.lock().unwrap().health == Health::Gone {
            return Reply::of(503, "upstream connect error");
        }
        match request.line.as_str() {
            "GET /v1/state" => self.state(request),
            "POST /v1/orders" => {
                let mut waiting = hand.lock().unwrap();
                waiting.orders += 1;
                let own = waiting.orders;
                changed.notify_all();
                let closed = |hand: &mut Hand| hand.gate.is_some_and(|gate| own > gate);
                drop(changed.wait_while(waiting, closed).unwrap());
                self.filter.answer(request)
            }
            _ => self.filter.answer(request),
        }
    }

    fn state(&self, request: &Request) -> Reply {
        let mut reply = self.filter.answer(request);
        let mut state: Value = serde_json::from_slice(&reply.body).unwrap();
        let rollout = &mut state["rollouts"][0];
        let mut hand = self.hand.0.lock().unwrap();
        if hand.health == Health::Uncounted {
            return reply;
        }
        hand.pass(rollout["percent"].as_f64().unwrap() / 100.0);
        let [stable, canary] = hand.counts.each_ref().map(Counts::report);
        rollout["arms"] = json!({"stable": stable, "canary": canary});
        rollout["judge"] = json!({"trip": hand.trip, "signals": []});
        reply.body = state.to_string().into();
        reply
    }
}

// === impl Hand ===

impl Hand {
    fn pass(&mut self, share: f64) {
        let traffic = &self.traffic;
        let shares = [1.0 - share, share];
        for (arm, counts) in self.counts.iter_mut().enumerate() {
            let requests = traffic.requests * shares[arm];
            counts.requests += requests;
            counts.errors += requests * traffic.errors[arm] / 1000.0;
            for (entity, per_1000) in &traffic.redactions[arm] {
                *counts.redactions.entry(entity).or_default() += requests * per_1000 / 1000.0;
            }
        }
    }
}

// === impl Traffic ===

impl Traffic {
    /// A thousand requests between two looks, five errors and twenty e-mail addresses among them on both
    /// arms alike.
    fn usual() -> Self {
        let redactions = BTreeMap::from([("EMAIL_ADDRESS", 20.0)]);
        Self {
            requests: 1000.0,
            errors: [5.0; 2],
            redactions: [redactions.clone(), redactions],
        }
    }
}

// === impl Counts ===

impl Counts {
    fn report(&self) -> Value {
        let redactions = self.redactions.iter().map(|(entity, count)| {
            let count = count.floor() as u64;
            (
                (*entity).to_owned(),
                json!({"answers": count, "found": count}),
            )
        });
        let redactions: serde_json::Map<_, _> = redactions.collect();
        let requests = self.requests.floor() as u64;
        json!({
            "requests": requests,
            "responses": {"2xx": requests},
            "answers": {
                "drawn": requests, "ended": requests, "errors": self.errors.floor() as u64, "slow_first_byte": 0, "slow": 0,
                "unscanned": 0, "redactions": redactions,
            },
        })
    }
}
