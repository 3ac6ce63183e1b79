//! Receipts: when an order was accepted, how long each worker took to have it in force, and who has not.

use std::time::Duration;

use breakglass_host_tests::Stream;
use serde_json::{Value, json};

use super::{approved, at, give, killed, order, post, signed};
use crate::world::{Answer, World};

/// What `GET /v1/receipts/<generation>` says of the rollout.
fn receipt(world: &World, generation: u64) -> Value {
    let answer = world.read(&format!("/v1/receipts/{generation}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["rollouts"][0].clone()
}

fn kill(world: &World, worker: usize, generation: u64) -> Stream {
    post(world, worker, &signed(&order(world, generation, killed())))
}

/// How many of how many have it in force.
fn counted(workers: &Value) -> [&Value; 2] {
    [&workers["in_force"], &workers["total"]]
}

/// The median, the 99th percentile and the last.
fn delays(workers: &Value) -> [&Value; 3] {
    [&workers["p50_ms"], &workers["p99_ms"], &workers["max_ms"]]
}

/// Who has it, after how long, in order.
fn after(workers: &Value) -> Vec<u64> {
    let receipts = workers["receipts"].as_array().expect("a list").iter();
    let millis = receipts.map(|it| it["after_ms"].as_u64().expect("a number"));
    let mut after: Vec<_> = millis.collect();
    after.sort_unstable();
    after
}

/// Roots tick 20, 40, 60 ms after the clock's start; a world is 25 ms old.
#[test]
fn each_worker_is_told_with_its_delay() {
    let world = World::with_workers(4, &approved(100));
    let accepted = at(world.now());
    let call = kill(&world, 0, 2);
    world.advance(Duration::from_millis(5));
    world.get(1, "u1");
    world.advance(Duration::from_millis(7));
    world.get(2, "u1");
    assert!(!call.is_over(), "worker 3 and main have yet to tick");
    let pending = &receipt(&world, 2)["workers"];
    assert_eq!(counted(pending), [3, 5]);
    assert_eq!(pending["stragglers"].as_array().map(Vec::len), Some(2));
    assert_eq!(delays(pending), [5, 12, 12]);
    let answer = world.wait(&call);
    let receipt = receipt(&world, 2);
    for workers in [&answer.body["workers"], &receipt["workers"]] {
        assert_eq!(after(workers), [0, 5, 12, 15, 15], "two with the tick");
        assert_eq!(delays(workers), [12, 15, 15]);
        assert_eq!(counted(workers), [5, 5]);
        assert_eq!(workers["stragglers"], json!([]));
    }
    assert_eq!(receipt["accepted_at"], accepted);
    assert_eq!(answer.body["at"], accepted);
    for told in receipt["workers"]["receipts"].as_array().expect("a list") {
        assert!(told["since"].as_str() >= Some(&accepted), "{told}");
    }
}

#[test]
fn an_order_that_is_repeated_was_accepted_the_first_time() {
    let world = World::new(&approved(100));
    let accepted = at(world.now());
    let first = give(&world, 2, killed());
    let before = receipt(&world, 2);
    world.advance(Duration::from_secs(3));
    let again = give(&world, 2, killed());
    assert_eq!(first.body["at"], accepted);
    assert_eq!(again.body["at"], accepted);
    assert_eq!(receipt(&world, 2), before);
}

/// A machine that died still counts as living for five seconds, and does not tick.
#[test]
fn a_worker_that_does_not_tick_is_named() {
    let world = World::with_workers(3, &approved(100));
    let known = world.read("/v1/state").body["workers"].clone();
    world.worker(2).crash();
    let call = kill(&world, 0, 2);
    world.advance(Duration::from_millis(975));
    assert!(!call.is_over(), "before the deadline without everybody");
    let answer = world.wait(&call);
    assert_eq!(answer.status, 200, "{answer:?}");
    for workers in [&answer.body["workers"], &receipt(&world, 2)["workers"]] {
        assert_eq!(counted(workers), [3, 4]);
        let named = workers["stragglers"].as_array().expect("a list");
        let mut ids = known.as_array().expect("a list").iter().map(|it| &it["id"]);
        assert!(
            named.len() == 1 && ids.any(|id| *id == named[0]),
            "{named:?} of {known}"
        );
        assert_eq!(after(workers), [0, 15, 15], "those who have it");
        assert_eq!(delays(workers), [15, 15, 15]);
    }
    // It comes back under another number, late, and has it from its first request on.
    world.advance(Duration::from_millis(200));
    world.get(2, "u1");
    let workers = &receipt(&world, 2)["workers"];
    assert_eq!(counted(workers), [4, 5]);
    assert!(workers["max_ms"].as_u64() >= Some(1_000), "{workers}");
    world.advance(Duration::from_secs(6));
    let workers = &receipt(&world, 2)["workers"];
    assert_eq!(counted(workers), [4, 4]);
    assert_eq!(workers["stragglers"], json!([]));
}

#[test]
fn idle_workers_count_and_tell_that_they_live() {
    let world = World::with_workers(4, &approved(100));
    world.advance(Duration::from_secs(30));
    let answer = give(&world, 2, killed());
    let workers = &answer.body["workers"];
    assert_eq!(counted(workers), [5, 5]);
    assert!(
        after(workers).into_iter().all(|millis| millis <= 20),
        "{workers}"
    );
    assert_eq!(world.requests("stable") + world.requests("canary"), 0);
}

/// A hundred orders, each given at another moment between two ticks.
#[test]
fn no_worker_takes_longer_than_a_tick() {
    let world = World::with_workers(3, &approved(100));
    for generation in 2..102 {
        world.advance(Duration::from_millis(generation % 20 + 1));
        let worker = usize::try_from(generation).expect("it fits") % 3;
        let answer = world.wait(&kill(&world, worker, generation));
        let workers = &answer.body["workers"];
        assert_eq!(counted(workers), [4, 4], "{answer:?}");
        let after = after(workers);
        assert_eq!(after[0], 0, "who wrote it has it");
        assert!(after[3] <= 20, "{answer:?}");
        assert_eq!(delays(workers), [after[1], after[3], after[3]]);
    }
}

/// What the control rests on is part of the order in force; a lapse of its lease is none.
#[test]
fn a_lapse_is_not_a_new_order() {
    let world = World::new(&approved(100));
    let lease = json!({"not_after": super::later(&world, 1)});
    assert_eq!(give(&world, 2, lease).status, 200);
    let before = receipt(&world, 2);
    world.advance(Duration::from_secs(3));
    assert_eq!(super::told(&world).closed, "lapse");
    let now = receipt(&world, 2);
    assert_eq!(now["accepted_at"], before["accepted_at"]);
    assert_eq!(delays(&now["workers"]), delays(&before["workers"]));
}

#[test]
fn a_refused_order_leaves_no_receipt() {
    let world = World::new(&approved(10));
    let raise = signed(&order(&world, 2, json!({"ramp": {"percent": 11}})));
    assert_eq!(Answer::of(&post(&world, 0, &raise)).status, 403);
    assert_eq!(world.read("/v1/receipts/2").status, 404);
}
