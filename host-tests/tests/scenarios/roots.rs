//! Configurations that come, overlap and go.

use breakglass_host_tests::{Last, More, Proxy, module};
use serde_json::{Value, json};

use crate::world::{ROLLOUT, World, all_canary, controlled, kill, policy, rollout, stamped, with};

fn generation(generation: u64, percent: u32) -> Value {
    controlled(json!({"generation": generation, "ramp": {"percent": percent}}))
}

#[test]
fn a_push_takes_effect_worker_by_worker_and_open_streams_keep_their_arm() {
    let world = World::new(&generation(1, 100));
    let mut old = world.events(0, "u");
    let mut update = world
        .traffic
        .stage(generation(2, 0).to_string())
        .expect("it is taken");
    update.switch(0);
    let stream = world.get(0, "u");
    assert_eq!(
        (stamped(&stream, "arm"), stamped(&stream, "generation")),
        (Some("stable".into()), Some("2".into()))
    );
    assert_eq!(
        old.response_body("data: x\n\n", More),
        b"data: x\n\n",
        "a ramp does not cut"
    );
    // Worker 1 has the old document, but the newer control is known to the process.
    let stream = world.get(1, "u");
    assert_eq!(
        (stamped(&stream, "arm"), stamped(&stream, "generation")),
        (Some("stable".into()), Some("2".into()))
    );
    update.finish();
    assert_eq!(old.response_body("data: y\n\n", Last), b"data: y\n\n");
}

#[test]
fn streams_of_ten_configurations_obey_one_kill() {
    let world = World::with_workers(1, &generation(1, 100));
    let mut open = vec![world.events(0, "u")];
    for number in 2..=10 {
        world.push(&generation(number, 100)).expect("it is taken");
        open.push(world.events(0, "u"));
    }
    assert_eq!(world.worker(0).vms()[0].roots, 11, "ten and the operator's");
    assert_eq!(world.order(&kill(11, "rollback", "cut")).status, 200);
    for stream in &mut open {
        stream.response_body("data: x\n\n", Last);
        assert!(stream.client().text().starts_with("event: error"));
    }
    drop(open);
    let vm = &world.worker(0).vms()[0];
    assert_eq!(
        (vm.roots, vm.timers, vm.dead_timers, vm.streams),
        (2, 2, 0, 0),
        "all gone but the last"
    );
}

#[test]
fn a_stale_push_changes_nothing_and_is_told() {
    let world = World::new(&generation(5, 10));
    world.order(&kill(6, "rollback", "drain"));
    for (stale, percent) in [(1, 100), (5, 100), (6, 100)] {
        world.take_logs();
        world
            .push(&generation(stale, percent))
            .expect("it is taken");
        world.tick();
        assert_eq!(
            world.arm(1, "u").as_deref(),
            Some("stable"),
            "generation {stale}"
        );
        assert_eq!(world.control()["generation"], 6);
        assert_eq!(
            world.control()["kill"]["mode"],
            "rollback",
            "generation {stale}"
        );
        let told = world.warnings().into_iter().filter(|line| {
            line.contains(ROLLOUT)
                && line.contains(&format!("generation {stale} is not newer than 6"))
        });
        // Main and each worker have taken it, and the first to publish it says so.
        assert_eq!(told.count(), 1, "{:?}", world.warnings());
    }
    world.push(&generation(7, 100)).expect("it is taken");
    assert_eq!(
        world.arm(1, "u").as_deref(),
        Some("canary"),
        "a newer generation may undo a kill"
    );
}

#[test]
fn a_rollout_that_leaves_the_policy_and_comes_back_finds_its_kill() {
    let world = World::new(&all_canary());
    world.order(&kill(2, "rollback", "drain"));
    world.push(&policy([])).expect("it is taken");
    world.tick();
    let stream = world.get(0, "u");
    assert_eq!(stamped(&stream, "arm"), None, "no rollout takes it");
    world.push(&all_canary()).expect("it is taken");
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
}

#[test]
fn pins_salts_and_versions_come_with_the_push_though_the_generation_is_the_same() {
    let world = World::new(&generation(1, 0));
    let pinned = policy([with(
        rollout(json!({"generation": 1})),
        json!({"pins": {"canary": ["qa"]}}),
    )]);
    world.push(&pinned).expect("it is taken");
    assert_eq!(world.arm(0, "qa").as_deref(), Some("canary"));
}

#[test]
fn two_policies_in_one_process_do_not_see_each_other() {
    let world = World::new(&all_canary());
    let other = with(all_canary(), json!({"policy": "other"}));
    let plugin = world
        .proxy
        .plugin("other")
        .vm_id("breakglass")
        .configure(other.to_string())
        .expect("it is taken");
    world.order(&kill(2, "rollback", "drain"));
    let mut stream = world.worker(0).open(&plugin);
    stream.request(crate::world::of_unit("u"), Last);
    assert_eq!(stamped(&stream, "arm").as_deref(), Some("canary"));
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
}

#[test]
fn a_restart_begins_again_from_the_policy_and_says_so() {
    let before = World::new(&all_canary());
    before.order(&kill(2, "rollback", "drain"));
    let boot = before.read("/v1/state").body["boot"].clone();
    drop(before);
    let world = World::cold(Proxy::builder(module()).workers(2).seed(1), &all_canary());
    world.tick();
    assert_eq!(
        world.arm(0, "u").as_deref(),
        Some("canary"),
        "shared data is lost; the policy is not"
    );
    let after = world.read("/v1/state").body["boot"].clone();
    assert_ne!(after, boot, "whoever watches sees that orders were lost");
    assert_eq!(world.read("/v1/state").body["boot"], after, "and it stays");
}

#[test]
fn an_upgrade_of_the_module_keeps_the_kill() {
    // Another digest: Envoy starts new VMs beside the old ones.
    let path = std::env::var_os(breakglass_host_tests::MODULE_ENV);
    let path = path.map_or_else(
        || {
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../target/wasm32-wasip1/release/breakglass.wasm")
        },
        Into::into,
    );
    let mut bytes = std::fs::read(path).expect("the module is there");
    bytes.extend_from_slice(b"\x00\x02\x01x");
    let newer = breakglass_host_tests::Module::from_bytes("newer", bytes);
    let world = World::new(&all_canary());
    let mut open = world.events(0, "u");
    world.order(&kill(2, "rollback", "drain"));
    world.traffic.upgrade(&newer).expect("it is taken");
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
    let order = world.post(1, &kill(3, "rollback", "cut"));
    assert_eq!(world.wait(&order).status, 200);
    open.response_body("data: x\n\n", More);
    assert!(
        open.client().text().starts_with("event: error"),
        "old module, new order"
    );
}

#[test]
fn an_idle_root_passes_requests_and_counts_nothing() {
    let world = World::new(&policy([]));
    let stream = world.send(0, [(":path", "/"), ("x-breakglass-arm", "canary")], Last);
    let upstream = stream.upstream().expect("passed");
    assert_eq!(upstream.headers.len(), 1);
}
