//! After a kill only a warrant whose approvers saw it re-arms, whichever way kill and warrant come.

use serde_json::{Value, json};

use super::{approved, assert_everybody, give, killed, outcome, said, told, trusting, warrant};
use crate::world::{World, with};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Order,
    Push,
}

use Way::{Order, Push};

/// Changes the control, by an order or by a push; tells the problem of the order.
fn change(world: &World, way: Way, generation: u64, terms: Value) -> String {
    match way {
        Order => outcome(&give(world, generation, terms)).to_owned(),
        Push => {
            let control = json!({"generation": generation, "ramp": {"percent": 100}});
            let terms = with(control, terms);
            world.push(&trusting(terms)).expect("it is a policy");
            world.tick();
            "done".to_owned()
        }
    }
}

#[test]
fn only_a_warrant_that_saw_the_kill_re_arms() {
    let everybody = || json!({"ramp": {"percent": 100}, "kill": null});
    for killed_by in [Order, Push] {
        for armed_by in [Order, Push] {
            for (after, problem) in [
                (None, "warrant-missing"),
                (Some(0), "warrant-spent"),
                (Some(1), "warrant-spent"),
                (Some(2), "done"),
            ] {
                let told_by = format!("killed by {killed_by:?}, {armed_by:?} with {after:?}");
                let world = World::new(&approved(100));
                assert_eq!(change(&world, killed_by, 2, killed()), "done", "{told_by}");
                assert_everybody(&world, "stable", "kill");
                assert_eq!(told(&world).warrants_after, 2, "{told_by}");
                let mut terms = everybody();
                if let Some(after) = after {
                    terms["warrant"] = warrant(json!({"after": after}));
                }
                let answered = change(&world, armed_by, 3, terms);
                match (problem, armed_by) {
                    ("done", _) => assert_everybody(&world, "canary", "ramp"),
                    (_, Order) => {
                        assert_eq!(answered, problem, "{told_by}");
                        assert_everybody(&world, "stable", "kill");
                        assert_eq!(world.control()["generation"], 2, "{told_by}");
                    }
                    (_, Push) => {
                        assert_everybody(&world, "stable", "kill");
                        assert_eq!(said(&world, "may not be in force"), 1, "{told_by}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_named_warrant_of_before_the_kill_is_spent_too() {
    let world = World::new(&approved(100));
    let name = breakglass_examples::people::digest(&warrant(json!({})));
    assert_eq!(change(&world, Order, 2, killed()), "done");
    let terms = json!({"kill": null, "warrant": name});
    assert_eq!(change(&world, Order, 3, terms), "warrant-spent");
    assert_everybody(&world, "stable", "kill");
}

#[test]
fn a_kill_of_the_generation_in_force_spends_its_warrant() {
    for way in [Order, Push] {
        let world = World::new(&approved(100));
        assert_eq!(change(&world, way, 1, killed()), "done", "{way:?}");
        assert_everybody(&world, "stable", "kill");
        for (after, outcome) in [(1, "warrant-spent"), (2, "done")] {
            let terms = json!({"kill": null, "warrant": warrant(json!({"after": after}))});
            assert_eq!(
                change(&world, Order, 3, terms),
                outcome,
                "{way:?}, after {after}"
            );
        }
        assert_everybody(&world, "canary", "ramp");
    }
}

#[test]
fn a_kill_that_brings_a_warrant_is_a_kill() {
    for brought in [
        json!({}),
        json!({"not_after": "2026-11-23T20:00:00Z"}),
        json!({"policy": "x"}),
    ] {
        let world = World::new(&approved(100));
        let terms = with(killed(), json!({"warrant": warrant(brought.clone())}));
        assert_eq!(change(&world, Order, 2, terms), "done", "{brought}");
        assert_everybody(&world, "stable", "kill");
    }
}

/// What a kill took is not given back by taking the canary's units away first.
#[test]
fn nobody_gets_around_a_kill_step_by_step() {
    let world = World::new(&approved(100));
    assert_eq!(
        change(
            &world,
            Order,
            2,
            json!({"kill": {"mode": "block", "in_flight": "cut"}})
        ),
        "done"
    );
    for (generation, terms) in [
        (3, json!({"ramp": []})),
        (4, json!({"ramp": [], "kill": null})),
        (5, json!({"kill": {"mode": "rollback"}})),
        (6, json!({"ramp": {"percent": 100}})),
        (
            7,
            json!({"kill": {"mode": "rollback"}, "warrant": warrant(json!({"after": 1}))}),
        ),
    ] {
        change(&world, Push, generation, terms.clone());
        let control = told(&world).control;
        assert_eq!(
            control["kill"],
            json!({"mode": "block", "in_flight": "cut"}),
            "{terms}"
        );
        assert_eq!(world.arm(0, "u1"), None, "{terms}");
    }
    for (generation, terms) in [
        (8, json!({"kill": null})),
        (8, json!({"ramp": [], "kill": null})),
        (8, json!({"kill": {"mode": "rollback", "in_flight": "cut"}})),
    ] {
        assert_eq!(
            change(&world, Order, generation, terms.clone()),
            "warrant-missing",
            "{terms}"
        );
    }
    let fresh =
        json!({"kill": null, "ramp": {"percent": 100}, "warrant": warrant(json!({"after": 7}))});
    assert_eq!(change(&world, Order, 8, fresh), "done");
    assert_everybody(&world, "canary", "ramp");
}

#[test]
fn a_second_kill_spends_the_warrant_that_re_armed() {
    let world = World::new(&approved(100));
    let fresh = |after: u64| json!({"kill": null, "warrant": warrant(json!({"after": after}))});
    for round in 0..5 {
        let kill = 2 + 2 * round;
        assert_eq!(change(&world, Order, kill, killed()), "done");
        assert_eq!(
            change(&world, Order, kill + 1, fresh(kill - 1)),
            "warrant-spent"
        );
        assert_everybody(&world, "stable", "kill");
        assert_eq!(change(&world, Order, kill + 1, fresh(kill)), "done");
        assert_everybody(&world, "canary", "ramp");
    }
}

#[test]
fn kills_and_warrants_without_end_grow_nothing() {
    let world = World::new(&approved(100));
    let size = || {
        let workers = world.workers();
        let memory = workers.iter().map(|worker| worker.vms()[0].memory_bytes);
        (memory.collect::<Vec<_>>(), world.shared_data().bytes())
    };
    let mut warm = None;
    for kill in (100..700).step_by(2) {
        assert_eq!(change(&world, Order, kill, killed()), "done");
        let fresh = json!({"kill": null, "warrant": warrant(json!({"after": kill}))});
        assert_eq!(change(&world, Order, kill + 1, fresh), "done");
        if kill == 200 {
            warm = Some(size());
        }
    }
    let (memory, shared) = warm.expect("it ran");
    let now = size();
    assert_eq!(now.0, memory, "linear memory");
    // The numbers of epochs get longer; the lists do not.
    assert!(
        now.1 <= shared + 256,
        "{shared} bytes shared at first, {} now",
        now.1
    );
}
