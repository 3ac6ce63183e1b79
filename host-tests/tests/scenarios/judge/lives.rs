//! A trial outlives workers and configurations, ends with a kill, and begins anew when somebody arms
//! the rollout again.

use std::time::Duration;

use breakglass_host_tests::{Last, More, Profile};
use serde_json::{Value, json};

use super::{
    EVENTS, Kind, SSN, answer, lines, pushed, rounds, told, tripped, trips, watching_errors,
};
use crate::tallies::{answers, ended, watching};
use crate::trust::{IN_AN_HOUR, trust, warrant};
use crate::world::{VM_ID, World, kill, of_unit, policy, rollout, with};

fn failing(world: &World) -> Option<usize> {
    rounds(world, 200, |_| Kind::Good, |_| Kind::ServerError)
}

#[test]
fn the_judge_is_there_before_there_is_traffic_and_only_where_the_policy_has_one() {
    let world = World::new(&watching_errors());
    let judge = &told(&world)["judge"];
    assert_eq!(judge["trip"], Value::Null);
    assert_eq!(judge["signals"][0]["signal"], "error_rate", "{judge}");
    assert_eq!(judge["signals"][0]["canary"], json!({"bad": 0, "of": 0}));
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let world = World::new(&policy([with(
        rollout(control),
        json!({"pins": {"stable": ["vip"]}}),
    )]));
    assert_eq!(failing(&world), None);
    assert_eq!(told(&world)["judge"], Value::Null);
}

#[test]
fn workers_find_together_what_none_of_them_could_find_alone() {
    let alone = World::with_workers(1, &watching_errors());
    let needed = failing(&alone).expect("it trips");
    // As many over four workers, of which each sees a quarter; a look may wait for a tick or two.
    let world = World::with_workers(4, &watching_errors());
    let took = failing(&world).expect("it trips");
    assert!(
        (needed..=needed + 2).contains(&took),
        "{took}, not {needed}"
    );
}

#[test]
fn of_workers_that_find_it_at_once_one_acts() {
    let world = World::with_workers(4, &watching_errors());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..300 {
                    answer(world, worker, "vip", Kind::Good);
                    answer(world, worker, "u", Kind::ServerError);
                }
            });
        }
        for _ in 0..30 {
            world.tick();
        }
    });
    world.tick();
    assert_eq!(tripped(&world).as_deref(), Some("error_rate"));
    assert_eq!(told(&world)["control"]["generation"], 2);
    assert_eq!((trips(&world), lines(&world).len()), (1, 1));
    let all = ["stable", "canary"].map(|arm| answers(&world, arm)["ended"].as_u64());
    let all: u64 = all.into_iter().flatten().sum();
    assert_eq!(all, 4 * 600, "no update was lost");
}

#[test]
fn evidence_survives_the_workers_that_gathered_it() {
    let undisturbed = World::with_workers(1, &watching_errors());
    let needed = failing(&undisturbed).expect("it trips");
    let world = World::with_workers(1, &watching_errors());
    let some = rounds(&world, needed - 1, |_| Kind::Good, |_| Kind::ServerError);
    assert_eq!(some, None);
    world.worker(0).crash();
    world.advance(Duration::from_secs(2));
    // The first request finds a new machine.
    assert_eq!(failing(&world), Some(1));
}

#[test]
fn no_reload_and_no_push_of_the_same_forgets_a_trip_or_counts_it_twice() {
    let world = World::new(&watching_errors());
    failing(&world).expect("it trips");
    let trip = told(&world)["judge"]["trip"].clone();
    assert_eq!(trip["generation"], 2);
    for worker in [0, 1] {
        world.worker(worker).crash();
    }
    world.advance(Duration::from_secs(2));
    world.push(&watching_errors()).expect("it is taken");
    // The next step of the ramp was under way when the judge rolled back.
    world.push(&pushed(2, json!({}))).expect("it is taken");
    assert_eq!(failing(&world), Some(1), "still on stable");
    answer(&world, 1, "u", Kind::ServerError);
    world.advance(Duration::from_secs(2));
    assert_eq!(told(&world)["judge"]["trip"], trip);
    assert_eq!(told(&world)["control"]["generation"], 2);
    assert_eq!((trips(&world), lines(&world).len()), (1, 1));
}

#[test]
fn who_arms_it_again_begins_a_fresh_trial() {
    let world = World::new(&watching_errors());
    let needed = failing(&world).expect("it trips");
    world.push(&pushed(3, json!({}))).expect("it is taken");
    world.tick();
    assert_eq!(told(&world)["judge"]["trip"], Value::Null);
    assert_eq!(failing(&world), Some(needed), "nothing of before counts");
    assert_eq!(told(&world)["judge"]["trip"]["generation"], 4);
    assert_eq!((trips(&world), lines(&world).len()), (2, 2));
}

#[test]
fn a_kill_by_hand_ends_a_trial_too() {
    let world = World::new(&watching_errors());
    let needed = failing(&world).expect("it trips");
    let world = World::new(&watching_errors());
    let some = rounds(&world, needed - 1, |_| Kind::Good, |_| Kind::ServerError);
    assert_eq!(some, None);
    assert_eq!(world.order(&kill(2, "rollback", "drain")).status, 200);
    answer(&world, 0, "vip", Kind::Good);
    world.tick();
    world.push(&pushed(3, json!({}))).expect("it is taken");
    world.tick();
    assert_eq!(failing(&world), Some(needed));
}

#[test]
fn a_step_of_the_ramp_goes_on_with_the_same_trial() {
    let world = World::new(&watching_errors());
    let needed = failing(&world).expect("it trips");
    let world = World::new(&watching_errors());
    let some = rounds(&world, needed - 1, |_| Kind::Good, |_| Kind::ServerError);
    assert_eq!(some, None);
    world.push(&pushed(2, json!({}))).expect("it is taken");
    world.tick();
    assert_eq!(failing(&world), Some(1));
}

#[test]
fn another_version_is_not_judged_by_what_the_one_before_does() {
    let signals = json!([{"zero_tolerance": ["US_SSN"]}]);
    let masking = json!({"response": {"*": "mask"}});
    let first = watching(signals, masking);
    let world = World::new(&first);
    let mut open = world.send(0, of_unit("u"), Last);
    open.response([(":status", "200"), ("content-type", EVENTS)], More);
    let mut second = first;
    second["rollouts"][0]["arms"]["canary"]["version"] = json!("prompt-v43");
    second["rollouts"][0]["control"]["generation"] = json!(2);
    world.push(&second).expect("it is taken");
    world.tick();
    let leak = format!("data: {{\"text\": \"The SSN {SSN}.\"}}\n\n");
    open.response_body(&leak, Last);
    world.tick();
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
    assert_eq!(tripped(&world), None);
    // It is counted all the same, and the new one's own leak is enough.
    assert_eq!(answers(&world, "canary")["ended"], 1);
    answer(&world, 1, "u", Kind::Ssn);
    assert_eq!(tripped(&world).as_deref(), Some("zero_tolerance"));
}

#[test]
fn where_keys_are_trusted_only_a_warrant_that_saw_the_rollback_re_arms() {
    let armed = |generation: u64, after: u64| {
        let terms = json!({
            "not_after": IN_AN_HOUR, "ramp": {"percent": 100},
            "warrant": warrant(json!({"after": after}))
        });
        let mut policy = pushed(generation, json!({"control": terms}));
        // A unit that is pinned to the canary would have to be in the warrant.
        policy["rollouts"][0]["pins"] = json!({"stable": ["vip"]});
        policy["trust"] = trust(1);
        policy
    };
    let world = World::new(&armed(1, 0));
    failing(&world).expect("it trips");
    assert_eq!(told(&world)["warrants_after"], 2);
    world.push(&armed(3, 1)).expect("it is a policy");
    world.tick();
    assert_eq!(
        world.arm(0, "u").as_deref(),
        Some("stable"),
        "had not seen it"
    );
    world.push(&armed(4, 2)).expect("it is a policy");
    world.tick();
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
    assert_eq!(tripped(&world), None);
}

#[test]
fn a_host_without_shared_data_judges_worker_by_worker() {
    for profile in [Profile::service_extensions(), Profile::apisix()] {
        let name = profile.name;
        let world = World::on(profile, &watching_errors());
        let fail = |worker: usize| {
            (0..200).any(|_| {
                answer(&world, worker, "vip", Kind::Good);
                answer(&world, worker, "u", Kind::ServerError);
                // Its clock stands still within a stream.
                world.advance(Duration::from_millis(50));
                world.arm(worker, "u").as_deref() == Some("stable")
            })
        };
        assert!(fail(0), "{name}");
        assert_eq!(world.arm(1, "u").as_deref(), Some("canary"), "{name}");
        assert!(fail(1), "{name}");
        assert_eq!(lines(&world).len(), 2, "{name}");
        world.push(&pushed(2, json!({}))).expect("it is taken");
        assert_eq!(world.arm(0, "u").as_deref(), Some("canary"), "{name}");
    }
}

#[test]
fn a_host_with_shared_data_and_no_node_judges_too() {
    let world = World::on(Profile::kong(), &watching_errors());
    failing(&world).expect("it trips");
    assert_eq!((trips(&world), lines(&world).len()), (1, 1));
}

#[test]
fn garbage_in_the_place_of_a_trial_raises_nobody() {
    let world = World::new(&watching_errors());
    failing(&world).expect("it trips");
    let keys = world.shared_data().keys(VM_ID).into_iter();
    let ours = keys.filter(|key| String::from_utf8_lossy(key).contains("/tally/"));
    for key in ours {
        let set = world.shared_data().set(VM_ID, &key, [0xff; 90], 0);
        set.expect("0 overwrites");
    }
    answer(&world, 0, "u", Kind::ServerError);
    world.tick();
    assert_eq!(world.arm(1, "u").as_deref(), Some("stable"));
    assert_eq!(world.control()["kill"]["mode"], "rollback");
    assert_eq!(answers(&world, "stable"), ended(1, json!({"errors": 1})));
}
