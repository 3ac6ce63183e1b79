//! Whatever comes in whatever order: what is in force is the join of what was seen, as `policy` computes it.

use std::time::Duration;

use breakglass_host_tests::Staged;
use breakglass_policy::{Control, Gate, Name, Order, Policy, State, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{ROLLOUT, VM_ID, World, controlled, stamped};

const WORKERS: usize = 3;
/// 2026-11-23T20:00:00Z, the clock's start.
const START: u64 = 1_795_464_000_000;

#[derive(Clone, Debug)]
enum Happening {
    /// A policy with this control reaches the main thread; no worker has taken it.
    Push(Value),
    /// A worker takes the policy that was pushed last.
    Switch(usize),
    Order(usize, Value),
    Request(usize, String),
    Tick,
    /// A worker's VM dies; the others live on for longer than the back-off of a reload.
    Crash(usize),
}

/// What the proxy must be doing, by the rules alone.
struct Model {
    in_force: Option<Control>,
    pushed: Control,
    /// The control in each worker's configuration; main's is `pushed`.
    workers: [Control; WORKERS],
    alive: [bool; WORKERS],
}

fn kills() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!({"mode": "rollback", "in_flight": "drain"})),
        1 => Just(json!({"mode": "rollback", "in_flight": "cut"})),
        1 => Just(json!({"mode": "block", "in_flight": "drain"})),
    ]
}

fn ramps() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!([])),
        Just(json!({"percent": 100})),
        Just(json!({"percent": 30})),
        Just(json!([{"percent": 10}, {"percent": 60, "at": "2026-11-23T20:00:01.000Z"}])),
        Just(
            json!([{"percent": 20, "at": "2026-11-23T20:00:00.500Z"}, {"percent": 50, "at": "2026-11-23T20:00:02Z"}])
        ),
    ]
}

fn leases() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!("2026-11-23T20:00:01Z")),
        1 => Just(json!("2026-11-23T21:00:00Z")),
        1 => Just(json!("2026-11-23T19:00:00Z")),
    ]
}

fn controls() -> impl Strategy<Value = Value> {
    (0..5u64, ramps(), leases(), any::<bool>(), kills()).prop_map(|(generation, ramp, lease, hold, kill)| {
        let on_lapse = if hold { "hold" } else { "stable" };
        json!({"generation": generation, "ramp": ramp, "not_after": lease, "on_lapse": on_lapse, "kill": kill})
    })
}

fn orders() -> impl Strategy<Value = Value> {
    (
        0..6u64,
        prop::option::of(ramps()),
        prop::option::of(leases()),
        prop::option::of(kills()),
    )
        .prop_map(|(generation, ramp, lease, kill)| {
            let mut order = json!({"rollout": ROLLOUT, "generation": generation});
            for (name, value) in [("ramp", ramp), ("not_after", lease), ("kill", kill)] {
                if let Some(value) = value {
                    order[name] = value;
                }
            }
            order
        })
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let worker = 0..WORKERS;
    let happening = prop_oneof![
        3 => controls().prop_map(Happening::Push),
        4 => worker.clone().prop_map(Happening::Switch),
        4 => (worker.clone(), orders()).prop_map(|(worker, order)| Happening::Order(worker, order)),
        6 => (worker.clone(), "u[0-9]{1,2}").prop_map(|(worker, unit)| Happening::Request(worker, unit)),
        2 => Just(Happening::Tick),
        1 => worker.prop_map(Happening::Crash),
    ];
    prop::collection::vec(happening, 1..30)
}

fn native(control: &Value) -> Control {
    let policy = controlled(control.clone()).to_string();
    let policy = Policy::from_json(policy.as_bytes()).expect("it is a policy");
    policy.rollouts[0].control.clone()
}

// === impl Model ===

impl Model {
    fn publish(&mut self, control: Control) {
        self.in_force = Some(match &self.in_force {
            Some(known) => known.join(&control),
            None => control,
        });
    }

    /// Main and all living workers show a sign of life.
    fn tick(&mut self) {
        self.publish(self.pushed.clone());
        for worker in 0..WORKERS {
            if self.alive[worker] {
                self.publish(self.workers[worker].clone());
            }
        }
    }

    /// The status that an order gets, as soon as it is written.
    fn order(&mut self, order: &Value) -> u32 {
        let order = Order::from_json(order.to_string().as_bytes()).expect("it is an order");
        let Some(known) = &self.in_force else {
            return 404;
        };
        match order.lower(known) {
            Ok(control) => {
                self.in_force = Some(known.join(&control));
                200
            }
            Err(breakglass_policy::OrderRefused::Stale { .. }) => 409,
            Err(breakglass_policy::OrderRefused::Raises(_)) => 403,
            Err(breakglass_policy::OrderRefused::Empty) => 400,
            Err(other) => panic!("{other}: without trusted keys"),
        }
    }
}

fn play(happenings: &[Happening]) {
    let first = json!({"generation": 1, "ramp": {"percent": 50}});
    let world = World::cold(
        breakglass_host_tests::Proxy::builder(breakglass_host_tests::module()).workers(WORKERS),
        &controlled(first.clone()),
    );
    let first = native(&first);
    let mut model = Model {
        in_force: None,
        pushed: first.clone(),
        workers: [first.clone(), first.clone(), first],
        alive: [true; WORKERS],
    };
    let mut staged: Option<Staged> = None;
    let mut calls = Vec::new();
    for happening in happenings {
        let before = in_force(&world);
        match happening {
            Happening::Push(control) => {
                staged = world
                    .traffic
                    .stage(controlled(control.clone()).to_string())
                    .ok();
                assert!(staged.is_some(), "{control} was refused");
                model.pushed = native(control);
            }
            Happening::Switch(worker) => {
                if let Some(staged) = &mut staged {
                    staged.switch(*worker);
                    model.workers[*worker] = model.pushed.clone();
                    model.alive[*worker] = true;
                }
            }
            Happening::Order(worker, order) => {
                let call = world.post(*worker, order);
                let expected = model.order(order);
                match expected {
                    200 => calls.push((*worker, call)),
                    refused => assert_eq!(call.client().status(), refused, "{order}"),
                }
            }
            Happening::Request(worker, unit) => {
                model.publish(model.workers[*worker].clone());
                model.alive[*worker] = true;
                assert_decided(&world, &model, *worker, unit);
            }
            Happening::Tick => {
                world.tick();
                model.tick();
            }
            Happening::Crash(worker) => {
                world.worker(*worker).crash();
                // They are lost with it; their orders are not.
                calls.retain(|(on, _)| on != worker);
                model.alive[*worker] = false;
                world.advance(Duration::from_millis(1_100));
                model.tick();
            }
        }
        let after = in_force(&world);
        assert_eq!(after, model.in_force, "after {happening:?}");
        // What was killed stays killed but for a newer generation.
        if let (Some(before), Some(after)) = (before, after) {
            let undone = before.kill.is_some() && after.kill.is_none();
            assert!(!undone || after.generation > before.generation);
        }
    }
    world.tick();
    model.tick();
    for worker in 0..WORKERS {
        model.publish(model.workers[worker].clone());
        assert_decided(&world, &model, worker, "u7");
    }
    let seen: Control = serde_json::from_value(world.control()).expect("it is a control");
    assert_eq!(Some(seen), model.in_force, "what the operator sees");
    world.advance(Duration::from_millis(1_100));
    for (_, call) in calls {
        assert!(call.is_over(), "an order was never answered");
    }
}

/// What the workers share.
fn in_force(world: &World) -> Option<Control> {
    let (bytes, _) = world
        .shared_data()
        .get(VM_ID, "breakglass/support/control")?;
    let state = State::decode(&bytes).expect("it is a state");
    let name = Name::new(ROLLOUT).expect("it is a name");
    state.get(&name).map(|entry| entry.control.clone())
}

fn assert_decided(world: &World, model: &Model, worker: usize, unit: &str) {
    let control = model.in_force.as_ref().expect("a request publishes");
    let millis = world
        .now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after it")
        .as_millis();
    let now = breakglass_policy::Timestamp::from_millis(millis.try_into().expect("it fits"));
    assert!(now.millis() >= START);
    let split = native_split();
    let decision = Gate::new(control).decide(&split, Some(unit.as_bytes()), now);
    let stream = world.get(worker, unit);
    let told = format!("worker {worker}, unit {unit}, {control:?}");
    match decision.verdict() {
        Verdict::Route(arm) => {
            assert_eq!(
                stamped(&stream, "arm").as_deref(),
                Some(arm.as_str()),
                "{told}"
            );
            let generation = control.generation.to_string();
            assert_eq!(stamped(&stream, "generation"), Some(generation), "{told}");
        }
        Verdict::Block => {
            assert_eq!(stream.upstream(), None, "{told}");
            assert_eq!(stream.client().status(), 503, "{told}");
        }
    }
}

fn native_split() -> breakglass_policy::Bucketing {
    let policy = controlled(json!({"generation": 0})).to_string();
    let policy = Policy::from_json(policy.as_bytes()).expect("it is a policy");
    policy.rollouts[0].bucketing()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_in_force_is_the_join_of_all_that_was_seen(happenings in happenings()) {
        play(&happenings);
    }
}

/// Every order in which two pushes, a stale push and a kill can meet on two workers.
#[test]
fn every_order_of_pushes_and_a_kill_ends_in_the_same_control() {
    let parts = [
        Happening::Push(json!({"generation": 2, "ramp": {"percent": 100}})),
        Happening::Push(json!({"generation": 1, "ramp": {"percent": 100}})),
        Happening::Push(
            json!({"generation": 3, "ramp": {"percent": 10}, "kill": {"mode": "rollback"}}),
        ),
        Happening::Push(
            json!({"generation": 3, "ramp": {"percent": 100}, "not_after": "2026-11-23T21:00:00Z"}),
        ),
    ];
    let mut ends = Vec::new();
    for order in permutations(parts.len()) {
        let mut all = Vec::new();
        for part in order {
            all.push(parts[part].clone());
            all.push(Happening::Tick);
            all.push(Happening::Switch(part % WORKERS));
            all.push(Happening::Request(part % WORKERS, "u1".to_owned()));
        }
        play(&all);
        ends.push(all.len());
    }
    assert_eq!(ends.len(), 24);
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    shorter
        .iter()
        .flat_map(|rest| {
            (0..count).map(move |place| {
                let mut order = rest.clone();
                order.insert(place, count - 1);
                order
            })
        })
        .collect()
}
