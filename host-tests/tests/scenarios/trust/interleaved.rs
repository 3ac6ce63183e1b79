//! Pushes, orders of two operators, crashes and restarts in any interleaving: the state that the built
//! filter shares is the one that `policy` computes from the same happenings.

mod happenings;
mod model;

use std::time::Duration;

use breakglass_examples::people::{self, ORDER};
use breakglass_host_tests::{Proxy, ProxyBuilder, Staged, Stream, module};
use breakglass_policy::{Closed, Control, Posted, Timestamp, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CAST, approved, at, detail, post, shared_state, told};
use crate::world::{Answer, World, stamped};
use happenings::{Given, Happening, WORKERS, happenings};
use model::{Model, Root};

struct Run {
    world: World,
    model: Model,
    staged: Option<Staged>,
    calls: Vec<(usize, Stream)>,
}

/// What lies between two ticks of the filter. Everything else happens at a tick, so that all roots tick
/// at the same moments.
const TICK: Duration = Duration::from_millis(20);
const WAIT: u32 = 5;
/// After a crash: longer than the back-off of a reload.
const RELOAD: u32 = 55;

// === impl Run ===

impl Run {
    fn new(policy: &Value) -> Self {
        Self {
            world: World::cold(proxy(), policy),
            model: Model::new(policy),
            staged: None,
            calls: Vec::new(),
        }
    }

    fn happens(&mut self, happening: &Happening) {
        match happening {
            Happening::Push(document) => {
                let policy = self.model.policy(document, self.now());
                let staged = self.world.traffic.stage(policy.to_string());
                self.staged = Some(staged.expect("it is a policy"));
                self.model.push(policy);
            }
            Happening::Switch(worker) => {
                // A worker that has it already keeps it, dead or alive.
                let has = self.model.has_pushed(*worker);
                if let Some(staged) = self.staged.as_mut().filter(|_| !has) {
                    staged.switch(*worker);
                    self.model.workers[*worker] = Root::new(&self.model.pushed);
                }
            }
            Happening::Order(worker, given) => self.order(*worker, given),
            Happening::Request(worker, unit) => self.request(*worker, unit),
            Happening::Wait => self.wait(WAIT),
            Happening::Crash(worker) => {
                self.world.worker(*worker).crash();
                // They are lost with it; their orders are not.
                self.calls.retain(|(on, _)| on != worker);
                self.model.workers[*worker].alive = false;
                self.wait(RELOAD);
            }
            Happening::Restart => {
                self.calls.clear();
                self.staged = None;
                let now = self.world.now();
                self.world = World::cold(proxy().start_time(now), &self.model.pushed);
                self.model.restart();
            }
        }
    }

    fn wait(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.world.advance(TICK);
            self.model.tick(self.now());
        }
    }

    fn order(&mut self, worker: usize, given: &Given) {
        let now = self.now();
        let order = self.model.order(given, now);
        let person = match given.by_colleague {
            true => &CAST.colleague,
            false => &CAST.engineer,
        };
        let envelope = people::sign(ORDER, &order, &[person]);
        let posted = Posted::from_envelope(envelope.to_string().as_bytes());
        let call = post(&self.world, worker, &envelope);
        let posted = posted.expect("it is an order");
        match self.model.state.obey(&posted, &self.model.name, now) {
            Ok(_) => {
                assert!(!call.is_over(), "{order}: {:?}", Answer::of(&call));
                self.calls.push((worker, call));
            }
            Err(refused) => {
                assert!(call.is_over(), "{order}: accepted, not {refused}");
                assert_eq!(detail(&Answer::of(&call)), refused.to_string(), "{order}");
            }
        }
    }

    fn request(&mut self, worker: usize, unit: &str) {
        let decision = self.model.decides(worker, unit, self.now());
        let arm = match decision.verdict() {
            Verdict::Route(arm) => Some(arm.as_str()),
            Verdict::Block => None,
        };
        let stream = self.world.get(worker, unit);
        let told = format!("unit {unit} on worker {worker}");
        assert_eq!(stamped(&stream, "arm").as_deref(), arm, "{told}");
        assert!(
            super::reason(&stream).starts_with(decision.reason().as_str()),
            "{told}"
        );
    }

    fn now(&self) -> Timestamp {
        let time = json!(at(self.world.now()));
        serde_json::from_value(time).expect("it is a time")
    }

    fn assert_same(&self, after: &Happening) {
        let Model { state, rollout, .. } = &self.model;
        assert_eq!(&shared_state(&self.world), state, "after {after:?}");
        let Some(entry) = state.get(rollout) else {
            return;
        };
        let found = told(&self.world);
        let control: Control = serde_json::from_value(found.control).expect("it is a control");
        assert_eq!(control, entry.control, "after {after:?}");
        let closed = state.closed(rollout, None).map(|closed| match closed {
            Closed::Lapse => "lapse",
            Closed::NoWarrant => "no_warrant",
        });
        assert_eq!(found.closed.as_str(), closed, "after {after:?}");
        let floor = state.trust().map(|_| entry.floor().get());
        assert_eq!(found.warrants_after.as_u64(), floor, "after {after:?}");
    }
}

fn proxy() -> ProxyBuilder {
    Proxy::builder(module()).workers(WORKERS)
}

fn play(happenings: &[Happening]) {
    let mut run = Run::new(&approved(100));
    run.wait(WAIT);
    for happening in happenings {
        run.happens(happening);
        run.assert_same(happening);
    }
    run.wait(RELOAD);
    run.assert_same(&Happening::Wait);
    for (_, call) in run.calls {
        assert!(call.is_over(), "an order was never answered");
    }
}

fn cases() -> u32 {
    let cases = std::env::var("BREAKGLASS_INTERLEAVINGS");
    cases.map_or(150, |cases| cases.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_shared_state_is_what_the_rules_make_of_the_same_happenings(happenings in happenings()) {
        play(&happenings);
    }
}
