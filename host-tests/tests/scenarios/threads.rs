//! Workers on real threads: creation races and concurrent writers lose nothing.

use std::sync::{
    Barrier,
    atomic::{AtomicBool, Ordering},
};

use breakglass_host_tests::{Last, More, Proxy, module};
use breakglass_policy::{Roster, Timestamp};
use serde_json::{Value, json};

use crate::world::{
    Answer, VM_ID, World, all_canary, kill, of_unit, policy, rollout, stamped, with,
};

const WORKERS: usize = 4;

/// A policy document of the same name with a rollout of its own.
fn part(n: usize) -> Value {
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    policy([with(rollout(control), json!({"name": format!("r{n}")}))])
}

#[test]
fn writers_that_race_to_create_the_state_lose_nothing() {
    for round in 0..60 {
        let world = World::cold(
            Proxy::builder(module()).workers(WORKERS).seed(round),
            &part(0),
        );
        // Listeners of one policy with different parts: what each worker creates the keys with differs.
        let listeners: Vec<_> = (0..WORKERS)
            .map(|n| {
                let plugin = world.proxy.plugin(&format!("part-{n}")).vm_id(VM_ID);
                plugin.configure(part(n).to_string()).expect("it is taken")
            })
            .collect();
        let barrier = Barrier::new(WORKERS);
        std::thread::scope(|scope| {
            for (worker, listener) in listeners.iter().enumerate() {
                let (world, barrier) = (&world, &barrier);
                scope.spawn(move || {
                    let mut stream = world.worker(worker).open(listener);
                    barrier.wait();
                    // The first sign of life publishes.
                    stream.request(of_unit("u"), Last);
                    let kill = json!({"mode": "block"});
                    let order =
                        json!({"rollout": format!("r{worker}"), "generation": 2, "kill": kill});
                    let call = world.post(worker, &order);
                    assert!(!call.is_over(), "round {round}: {:?}", Answer::of(&call));
                });
            }
        });
        let roster = world
            .shared()
            .into_iter()
            .find(|(key, _)| key.ends_with("/workers"));
        let roster = Roster::decode(&roster.expect("it is there").1).expect("it is a roster");
        let seen = roster.living(Timestamp::EPOCH).count();
        assert_eq!(seen, WORKERS, "round {round}: a report was lost");
        let state = world.read("/v1/state").body;
        for n in 0..WORKERS {
            let control = &state["rollouts"][n]["control"];
            assert_eq!(
                control["kill"]["mode"], "block",
                "round {round}, rollout {n}"
            );
        }
        assert_eq!(
            state["epoch"],
            2 * WORKERS,
            "each part and each order is a change"
        );
    }
}

#[test]
fn of_many_concurrent_orders_the_highest_generation_wins_and_no_request_follows_it() {
    const ORDERS: u64 = 60;
    let world = World::with_workers(WORKERS, &all_canary());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let world = &world;
            scope.spawn(move || {
                for n in 0..ORDERS {
                    let generation = 2 + n * WORKERS as u64 + worker as u64;
                    let call = world.post(worker, &kill(generation, "rollback", "drain"));
                    // Taken, or stale because another worker was faster, or too many at once.
                    let taken = !call.is_over();
                    assert!(taken || [409, 429].contains(&call.client().status()));
                    assert_ne!(world.arm(worker, "u").as_deref(), taken.then_some("canary"));
                }
            });
        }
    });
    let last = 1 + ORDERS * WORKERS as u64;
    assert_eq!(world.control()["generation"], last);
    for worker in 0..WORKERS {
        assert_eq!(world.arm(worker, "u").as_deref(), Some("stable"));
    }
}

#[test]
fn counters_of_parallel_workers_add_up() {
    const REQUESTS: u64 = 500;
    let world = World::with_workers(WORKERS, &all_canary());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let world = &world;
            scope
                .spawn(move || (0..REQUESTS).for_each(|n| drop(world.get(worker, &n.to_string()))));
        }
    });
    assert_eq!(world.requests("canary"), REQUESTS * WORKERS as u64);
}

#[test]
fn a_kill_amid_parallel_traffic_and_ticks_stops_every_worker() {
    let world = World::with_workers(WORKERS, &all_canary());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for worker in 1..WORKERS {
            let (world, over) = (&world, &over);
            scope.spawn(move || {
                let mut killed = false;
                for n in 0.. {
                    let last = over.load(Ordering::SeqCst);
                    let mut stream = world.events(worker, &n.to_string());
                    stream.response_body("data: x\n\n", More);
                    let on_stable = stamped(&stream, "arm").as_deref() == Some("stable");
                    assert!(on_stable || !killed, "back on the canary after the kill");
                    killed |= on_stable;
                    if last {
                        break;
                    }
                }
                assert!(killed, "the kill never came");
            });
        }
        let (world, over) = (&world, &over);
        scope.spawn(move || {
            // Whatever fails here, the workers must come to an end.
            let _over = Over(over);
            assert_eq!(world.order(&kill(2, "rollback", "cut")).status, 200);
            let canary = world.requests("canary");
            (0..100).for_each(|_| world.tick());
            let later = world.requests("canary");
            assert_eq!(later, canary, "a canary request after the answer");
        });
    });
}

/// Says so when it goes out of scope.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
