//! Shared data that another program wrote over: no trap, stable, and a line in the log.

use serde_json::{Value, json};

use crate::world::{Answer, VM_ID, World, all_canary, controlled, kill};

fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeded = crate::world::Seeded(3);
    vec![
        ("nothing", vec![]),
        ("a byte", vec![0xc1]),
        ("zeros", vec![0; 8]),
        ("ones", vec![0xff; 8]),
        ("nine bytes", vec![1; 9]),
        ("noise", seeded.bytes(200)),
        ("a list of 2^32 - 1", vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        ("a map of 2^32 - 1", vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
        ("text of 2^32 - 1", vec![0xdb, 0xff, 0xff, 0xff, 0xff]),
        ("deep lists", vec![0x91; 200_000]),
        ("deep maps", [0x81, 0xa1, b'a'].repeat(100_000)),
        (
            "the wrong document",
            rmp_serde::to_vec_named(&json!({"epoch": 7, "rollouts": 3})).expect("it encodes"),
        ),
        (
            "an object twice",
            b"\x82\xa5epoch\x01\xa5epoch\x02".to_vec(),
        ),
        ("a megabyte", vec![b'x'; 1 << 20]),
    ]
}

fn keys() -> [&'static str; 6] {
    [
        "support/head",
        "support/control",
        "support/workers",
        "support/boot",
        "support/digest",
        "started",
    ]
}

fn overwrite(world: &World, key: &str, value: &[u8]) {
    let key = format!("breakglass/{key}");
    world
        .shared_data()
        .set(VM_ID, key, value, 0)
        .expect("0 overwrites");
}

#[test]
fn garbage_under_any_key_traps_nothing_and_raises_nobody() {
    for key in keys() {
        for (what, value) in garbage() {
            let world = World::new(&controlled(
                json!({"generation": 1, "ramp": {"percent": 0}}),
            ));
            let mut open = world.events(0, "u");
            overwrite(&world, key, &value);
            for worker in [0, 1] {
                assert_eq!(
                    world.arm(worker, "u").as_deref(),
                    Some("stable"),
                    "{key}: {what}"
                );
            }
            open.response_body("data: x\n\n", breakglass_host_tests::More);
            world.tick();
            for path in ["/v1/state", "/v1/receipts/1"] {
                let answer = world.read(path);
                assert!(
                    [200, 404, 503].contains(&answer.status),
                    "{key}: {what}: {path} {answer:?}"
                );
            }
            let answer = world.order(&kill(2, "rollback", "cut"));
            assert!(
                [200, 503].contains(&answer.status),
                "{key}: {what}: {answer:?}"
            );
            world
                .push(&controlled(json!({"generation": 3})))
                .expect("it is taken");
            world.tick();
            assert_eq!(
                world.arm(1, "u").as_deref(),
                Some("stable"),
                "{key}: {what}"
            );
        }
    }
}

#[test]
fn an_unreadable_control_falls_to_stable_and_says_so() {
    for (what, value) in garbage() {
        let world = World::new(&all_canary());
        overwrite(&world, "support/control", &value);
        // Somebody moved the head as well, so that everyone looks.
        overwrite(&world, "support/head", &9u64.to_le_bytes());
        for worker in [0, 1] {
            let stream = world.get(worker, "u");
            let state = stream
                .effects()
                .filter_state_text("wasm.breakglass")
                .unwrap_or_default();
            assert!(
                state.contains("arm=stable") && state.ends_with("reason=kill"),
                "{what}: {state}"
            );
        }
        let log = world.warnings();
        assert!(
            log.iter()
                .any(|line| line.contains("unreadable") && line.contains("stable")),
            "{what}: {log:?}"
        );
    }
}

#[test]
fn a_policys_own_block_stays_a_block_though_shared_data_is_unreadable() {
    let block = json!({"generation": 1, "ramp": {"percent": 100}, "kill": {"mode": "block", "in_flight": "cut"}});
    let world = World::new(&controlled(block));
    overwrite(&world, "support/control", b"\xc1");
    overwrite(&world, "support/head", &9u64.to_le_bytes());
    let stream = world.get(0, "u");
    assert_eq!(
        stream.upstream(),
        None,
        "the stricter of the two holds: {:?}",
        stream.effects()
    );
}

#[test]
fn an_unreadable_state_is_told_without_flooding_the_log() {
    let world = World::new(&all_canary());
    overwrite(&world, "support/control", b"\xc1");
    overwrite(&world, "support/head", &9u64.to_le_bytes());
    world
        .push(&controlled(
            json!({"generation": 3, "ramp": {"percent": 100}}),
        ))
        .expect("it is taken");
    world.take_logs();
    for _ in 0..400 {
        world.get(0, "u");
        world.tick();
    }
    // Ten seconds on three threads. Telling it every second would be plenty.
    let lines = world.warnings().len();
    assert!(lines <= 100, "{lines} lines");
}

#[test]
fn a_garbled_head_hides_no_kill_and_is_repaired_by_the_next_order() {
    for (what, value) in garbage() {
        let world = World::new(&all_canary());
        assert_eq!(world.arm(1, "u").as_deref(), Some("canary"));
        overwrite(&world, "support/head", &value);
        assert_eq!(
            world.order(&kill(2, "rollback", "drain")).status,
            200,
            "{what}"
        );
        assert_eq!(world.arm(1, "u").as_deref(), Some("stable"), "{what}");
        assert_eq!(world.control()["generation"], 2, "{what}");
    }
}

#[test]
fn a_garbled_roster_does_not_keep_an_order_from_being_answered() {
    for (what, value) in garbage() {
        let world = World::new(&all_canary());
        overwrite(&world, "support/workers", &value);
        let answer: Answer = world.order(&kill(2, "rollback", "drain"));
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        assert_ne!(answer.body["control"], Value::Null);
        assert_eq!(world.arm(1, "u").as_deref(), Some("stable"), "{what}");
    }
}
