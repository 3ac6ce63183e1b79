//! What must not grow: memory, roots, timers, metrics and shared data over updates, crashes and orders.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, all_canary, kill, policy, rollout, with};

const MIB: usize = 1 << 20;

fn version(number: usize) -> Value {
    let more = json!({
        "arms": {"canary": {"version": format!("v{number}")}},
        "pins": {"canary": (0..200).map(|n| format!("qa-{n}")).collect::<Vec<_>>()}
    });
    let control = json!({"generation": number, "ramp": {"percent": 50}});
    policy([with(rollout(control), more)])
}

#[test]
fn memory_at_rest_is_at_most_four_mebibytes() {
    let world = World::new(&all_canary());
    world.get(0, "u");
    for vm in world.worker(0).vms().iter().chain(&world.main_vms()) {
        assert!(vm.memory_bytes <= 4 * MIB, "{vm:?}");
    }
    let control = json!({"generation": 1, "ramp": {"percent": 50}});
    let thousand = policy((0..1_000).map(|n| {
        with(
            rollout(control.clone()),
            json!({"name": format!("r{n}"), "match": {"path_prefix": format!("/{n}")}}),
        )
    }));
    let world = World::with_workers(1, &thousand);
    world.get(0, "u");
    let vm = &world.worker(0).vms()[0];
    assert!(vm.memory_bytes <= 16 * MIB, "a thousand rollouts: {vm:?}");
}

#[test]
fn a_thousand_updates_leave_no_memory_roots_timers_or_metrics_behind() {
    let world = World::with_workers(1, &version(1));
    let mut after_warm_up = None;
    for number in 2..=2_000 {
        let mut open = world.events(0, "u");
        world.push(&version(number)).expect("it is taken");
        world.tick();
        open.response_body("data: x\n\n", breakglass_host_tests::Last);
        drop(open);
        // The allocator takes its last page on some update among the first five hundred.
        if number == 800 {
            after_warm_up = Some((
                world.worker(0).vms(),
                world.main_vms(),
                world.shared_data().bytes(),
            ));
        }
    }
    let (worker, main, shared) = after_warm_up.expect("it ran");
    assert_eq!(world.worker(0).vms(), worker);
    assert_eq!(world.main_vms(), main);
    assert!(
        world.shared_data().bytes() <= shared + 64,
        "roster and state stay small"
    );
    let vm = &world.worker(0).vms()[0];
    assert_eq!(
        (vm.roots, vm.timers, vm.dead_timers, vm.dead_wakeups),
        (2, 2, 0, 0)
    );
    assert!(vm.metric_ids <= world.metric_names().len(), "{vm:?}");
}

#[test]
fn refused_updates_leave_nothing_behind() {
    let world = World::with_workers(1, &version(1));
    let before = (world.worker(0).vms(), world.main_vms(), world.shared());
    for number in 0..100 {
        let broken = with(version(2), json!({"surprise": number}));
        assert!(world.push(&broken).is_err());
    }
    assert_eq!(
        (world.worker(0).vms(), world.main_vms(), world.shared()),
        before
    );
}

#[test]
fn renamed_rollouts_do_not_grow_shared_data_without_end() {
    let world = World::with_workers(1, &all_canary());
    let renamed = |n: usize| {
        policy([with(
            rollout(json!({"generation": 1})),
            json!({"name": format!("change-{n:06}")}),
        )])
    };
    let mut at_bound = 0;
    for n in 0..1_300 {
        world.push(&renamed(n)).expect("it is taken");
        world.tick();
        if n == 1_100 {
            at_bound = world.shared_data().bytes();
        }
    }
    // The numbers of epochs get longer; the list does not.
    let bytes = world.shared_data().bytes();
    assert!(
        bytes <= at_bound + 1_024,
        "{at_bound} bytes at the bound, {bytes} now"
    );
}

#[test]
fn a_thousand_orders_leave_shared_data_and_memory_as_they_were() {
    let world = World::with_workers(2, &all_canary());
    let mut before = None;
    for generation in 2..1_002 {
        assert_eq!(
            world.order(&kill(generation, "rollback", "drain")).status,
            200
        );
        if generation == 200 {
            before = Some((
                world.worker(0).vms()[0].memory_bytes,
                world.shared_data().bytes(),
            ));
        }
    }
    let (memory, shared) = before.expect("it ran");
    assert_eq!(world.worker(0).vms()[0].memory_bytes, memory);
    assert!(world.shared_data().bytes() <= shared + 64);
}

#[test]
fn crashed_machines_leave_the_roster() {
    let world = World::with_workers(1, &all_canary());
    for _ in 0..60 {
        world.worker(0).crash();
        world.advance(Duration::from_secs(2));
        world.get(0, "u");
        world.tick();
    }
    let living = world.read("/v1/state").body["workers"]
        .as_array()
        .map(Vec::len);
    // Three lives within the five seconds that a silent worker counts as living, and main.
    assert!(
        living.is_some_and(|count| (2..=5).contains(&count)),
        "{living:?}"
    );
    world.advance(Duration::from_secs(70));
    let roster = world
        .shared()
        .into_iter()
        .find(|(key, _)| key.ends_with("/workers"));
    let bytes = roster.map_or(0, |(_, value)| value.len());
    assert!(bytes < 1_024, "{bytes} bytes of the dead");
}
