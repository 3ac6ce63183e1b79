//! Keys come and go by a push of a newer trust; what was revoked stays revoked.

use breakglass_examples::people::{self, ORDER, Person};
use serde_json::{Value, json};

use super::{
    CAST, RAISE, assert_everybody, detail, give, kept, killed, nobody, order, outcome, permission,
    post, said, told, trust, trusting, warrant,
};
use crate::world::{Answer, World};

/// A policy that says nothing new but whose keys count.
fn trusting_by(trust: Value) -> Value {
    let mut policy = nobody();
    policy["trust"] = trust;
    policy
}

fn trusting_only(generation: u64, people: &[&Person]) -> Value {
    trusting_by(people::trust(generation, people, RAISE))
}

/// Everybody but the engineer.
fn without_engineer(generation: u64) -> Value {
    trusting_only(
        generation,
        &[&CAST.colleague, &CAST.security, &CAST.platform],
    )
}

/// The problem of an order that this person signs, sent to this worker at this moment.
fn ordered_by(world: &World, worker: usize, person: &Person) -> String {
    let envelope = people::sign(ORDER, &order(world, 2, json!({"ramp": []})), &[person]);
    let call = post(world, worker, &envelope);
    match call.is_over() {
        true => outcome(&Answer::of(&call)).to_owned(),
        false => "done".to_owned(),
    }
}

fn keys(world: &World) -> Value {
    world.read("/v1/state").body["trust"].clone()
}

#[test]
fn a_newer_trust_holds_for_the_next_order_on_every_worker() {
    let world = World::with_workers(3, &nobody());
    for worker in 0..3 {
        assert_eq!(ordered_by(&world, worker, &CAST.engineer), "done");
    }
    world.push(&without_engineer(2)).expect("it is a policy");
    // The first sign of life of one worker is enough.
    world.get(2, "u1");
    for worker in 0..3 {
        assert_eq!(
            ordered_by(&world, worker, &CAST.engineer),
            "unknown-key",
            "worker {worker}"
        );
        assert_eq!(
            ordered_by(&world, worker, &CAST.colleague),
            "done",
            "worker {worker}"
        );
    }
    let known = ["engineer-2", "security-lead-1", "platform-lead-1"];
    assert_eq!(keys(&world), json!({"generation": 2, "keys": known}));
}

#[test]
fn a_new_key_signs_from_then_on() {
    let world = World::new(&nobody());
    assert_eq!(ordered_by(&world, 0, &CAST.stranger), "unknown-key");
    let people = [
        &CAST.engineer,
        &CAST.security,
        &CAST.platform,
        &CAST.stranger,
    ];
    world
        .push(&trusting_only(2, &people))
        .expect("it is a policy");
    world.tick();
    assert_eq!(ordered_by(&world, 1, &CAST.stranger), "done");
}

/// Somebody whose key is lost gets another one under the same id.
#[test]
fn a_key_that_was_replaced_signs_no_more() {
    let world = World::new(&nobody());
    let mut renewed = trust(2);
    assert_eq!(renewed["keys"][0]["id"], "engineer-1");
    renewed["keys"][0]["key"] = json!(CAST.stranger.public_key());
    world.push(&trusting_by(renewed)).expect("it is a policy");
    world.tick();
    assert_eq!(ordered_by(&world, 0, &CAST.engineer), "bad-signature");
}

/// Trusts that are older than the one that revoked the engineer's key.
fn stale() -> [(&'static str, Value); 3] {
    [
        ("the trust before", trust(4)),
        ("the first one", trust(0)),
        ("a stranger's", people::trust(4, &[&CAST.stranger], RAISE)),
    ]
}

#[test]
fn an_older_trust_brings_no_revoked_key_back() {
    let world = World::new(&without_engineer(5));
    for (generation, (what, trust)) in (1..).zip(stale()) {
        let mut policy = trusting_by(trust);
        // With the control that is in force, or with a newer one.
        policy["rollouts"][0]["control"]["generation"] = json!(generation);
        world.push(&policy).expect("it is a policy");
        world.tick();
        for worker in [0, 1] {
            for person in [&CAST.engineer, &CAST.stranger] {
                let outcome = ordered_by(&world, worker, person);
                assert_eq!(outcome, "unknown-key", "{what}: {}", person.id());
            }
        }
        assert_eq!(keys(&world)["generation"], 5, "{what}");
    }
}

#[test]
fn an_older_trust_in_a_newer_policy_is_ignored_with_a_warning() {
    let world = World::new(&without_engineer(5));
    for (told, (what, trust)) in (1..).zip(stale()) {
        let mut policy = trusting_by(trust);
        policy["rollouts"][0]["control"]["generation"] = json!(1 + told);
        world.push(&policy).expect("it is a policy");
        world.tick();
        let found = said(&world, "`trust` of generation 5 stays in force");
        assert_eq!(found, told, "{what}: {:?}", world.warnings());
    }
}

#[test]
fn an_older_trust_in_the_policy_of_before_is_ignored_with_a_warning() {
    let world = World::new(&without_engineer(5));
    world.push(&trusting_by(trust(4))).expect("it is a policy");
    world.tick();
    let found = said(&world, "`trust` of generation 5 stays in force");
    assert_eq!(found, 1, "{:?}", world.warnings());
}

#[test]
fn two_trusts_of_one_generation_are_refused() {
    let world = World::new(&nobody());
    let before = (kept(&world), keys(&world));
    let mut other_role = trust(1);
    other_role["keys"][0]["role"] = json!("security_lead");
    let mut other_raise = trust(1);
    other_raise["raise"] = json!([["senior_engineer"]]);
    let fewer = people::trust(1, &[&CAST.engineer, &CAST.security, &CAST.platform], RAISE);
    for (number, trust) in (1..).zip([other_role, other_raise, fewer]) {
        let error = world
            .push(&trusting_by(trust))
            .expect_err("it differs")
            .to_string();
        let expected = "trust: differs from the one in force and has its generation, 1";
        assert!(error.contains(expected), "{error}");
        world.tick();
        assert_eq!((kept(&world), keys(&world)), before);
        let refused = world.counter("breakglass_config_rejected_total");
        assert_eq!(refused, number);
    }
    assert_eq!(ordered_by(&world, 1, &CAST.engineer), "done");
}

#[test]
fn a_trust_that_locks_everybody_out_is_refused() {
    let world = World::new(&nobody());
    let before = kept(&world);
    let (engineer, security, platform) = (&CAST.engineer, &CAST.security, &CAST.platform);
    let twice: &[&[&str]] = &[&["security_lead", "security_lead"]];
    for (people, raise) in [
        (&[engineer][..], RAISE),
        (&[engineer, security], RAISE),
        (&[engineer, security, platform], &[]),
        (&[engineer, security, platform], twice),
    ] {
        let policy = trusting_by(people::trust(2, people, raise));
        let error = world
            .push(&policy)
            .expect_err("nobody could raise")
            .to_string();
        assert!(error.contains("trust.raise: "), "{error}");
        world.tick();
        assert_eq!(kept(&world), before);
    }
    let empty = json!({"generation": 2, "keys": [], "raise": RAISE});
    let error = world
        .push(&trusting_by(empty))
        .expect_err("without a key")
        .to_string();
    assert!(error.contains("trust.keys: 0 keys"), "{error}");
    assert_eq!(ordered_by(&world, 0, &CAST.engineer), "done");
}

#[test]
fn what_a_revoked_key_approved_stays_in_force_and_permits_nothing_more() {
    let world = World::new(&nobody());
    let held = warrant(json!({}));
    let raise = json!({"ramp": {"percent": 100}, "warrant": held});
    assert_eq!(give(&world, 2, raise).status, 200);
    let deputy = Person::new("platform-lead-2", "platform_lead");
    let people = [&CAST.engineer, &CAST.security, &deputy];
    world
        .push(&trusting_only(2, &people))
        .expect("it is a policy");
    world.tick();
    assert_everybody(&world, "canary", "ramp");
    for reference in [json!(people::digest(&held)), held] {
        let terms = json!({"not_after": null, "ramp": {"percent": 100}, "warrant": reference});
        let answer = give(&world, 3, terms);
        assert_eq!(outcome(&answer), "approval-missing", "{answer:?}");
        assert!(
            detail(&answer).contains("`platform-lead-1` as platform_lead"),
            "{answer:?}"
        );
    }
    assert_eq!(give(&world, 3, killed()).status, 200);
    // Whoever took over the role re-arms.
    let terms = json!({"after": 3, "approvers": [CAST.security.approver(), deputy.approver()]});
    let leads = [&CAST.security, &deputy];
    let fresh = people::sign(people::WARRANT, &permission(terms), &leads);
    assert_eq!(
        give(&world, 4, json!({"kill": null, "warrant": fresh})).status,
        200
    );
    assert_everybody(&world, "canary", "ramp");
}

/// A rotation in the same push as a control: the control is judged by the new keys.
#[test]
fn a_push_is_judged_by_the_keys_that_it_brings() {
    let raise: &[&[&str]] = &[&["security_lead", "platform_lead"], &["senior_engineer"]];
    for (lead, closed) in [
        (&CAST.platform, Value::Null),
        (&CAST.stranger, json!("no_warrant")),
    ] {
        let world = World::new(&nobody());
        let control =
            json!({"generation": 2, "ramp": {"percent": 100}, "warrant": warrant(json!({}))});
        let mut policy = trusting(control);
        policy["trust"] = people::trust(2, &[&CAST.engineer, &CAST.security, lead], raise);
        world.push(&policy).expect("it is a policy");
        world.tick();
        assert_eq!(told(&world).closed, closed, "{:?}", world.warnings());
    }
}

#[test]
fn a_reloaded_worker_knows_the_newer_trust() {
    let world = World::new(&nobody());
    world.push(&without_engineer(2)).expect("it is a policy");
    world.tick();
    world.worker(1).crash();
    world.advance(std::time::Duration::from_secs(2));
    assert_eq!(ordered_by(&world, 1, &CAST.engineer), "unknown-key");
    assert_eq!(ordered_by(&world, 1, &CAST.colleague), "done");
}

/// Two policies that disagree reach the workers at once, before either is published.
fn rotated_twice_at_once() -> World {
    let world = World::new(&nobody());
    let (security, platform) = (&CAST.security, &CAST.platform);
    let first = trusting_only(2, &[&CAST.colleague, security, platform]);
    let second = trusting_only(2, &[&CAST.engineer, security, platform]);
    let stage = |policy: Value| world.traffic.stage(policy.to_string());
    let mut first = stage(first).expect("nothing speaks against it");
    first.switch(0);
    let second = stage(second).expect("nothing speaks against it yet");
    world.get(0, "u1");
    second.finish();
    world.tick();
    world
}

#[test]
fn of_two_rotations_at_once_the_one_that_was_published_first_holds() {
    let world = rotated_twice_at_once();
    assert_eq!(keys(&world)["keys"][0], "engineer-2");
    for worker in [0, 1] {
        assert_eq!(ordered_by(&world, worker, &CAST.engineer), "unknown-key");
        assert_eq!(ordered_by(&world, worker, &CAST.colleague), "done");
    }
}

#[test]
fn of_two_rotations_at_once_none_stops_the_traffic() {
    let world = rotated_twice_at_once();
    assert_eq!(world.traffic.failures(), []);
    assert_everybody(&world, "stable", "stable");
}
