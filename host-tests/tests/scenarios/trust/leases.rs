//! Leases lapse by themselves, for everybody and for good; only a warrant revives.

use std::time::Duration;

use breakglass_examples::people;
use breakglass_host_tests::{Last, Profile, Proxy, module};
use breakglass_policy::Name;
use serde_json::{Value, json};

use super::{
    assert_everybody, at, give, kept, killed, outcome, said, shared_state, told, trusting, warrant,
};
use crate::redaction::{JSON, MAIL, MASKED, begin};
use crate::world::{ROLLOUT, VM_ID, World, controlled, stamped, with};

/// When the lease of [`leased`] ends: a second after the clock's start.
const END: &str = "2026-11-23T20:00:01Z";
const LATER: &str = "2026-11-23T20:30:00Z";

/// What permits everybody, `qa-1` by hand.
fn permitted() -> Value {
    warrant(json!({"subject": {"pins": ["qa-1"]}}))
}

/// Everybody on the canary until [`END`], `qa-1` by hand, with these terms of the control.
fn leased(terms: Value) -> Value {
    let control = json!({
        "generation": 1, "ramp": {"percent": 100}, "not_after": END, "warrant": permitted(),
    });
    let mut policy = trusting(with(control, terms));
    policy["rollouts"][0]["pins"] = json!({"canary": ["qa-1"]});
    policy
}

fn has_lapsed(world: &World) -> bool {
    let name = Name::new(ROLLOUT).expect("it is a name");
    let state = shared_state(world);
    state.get(&name).expect("it is there").lapsed
}

/// To the last moment of the lease.
fn to_the_end(world: &World) {
    world.advance(Duration::from_millis(975));
    assert_eq!(at(world.now()), END);
}

fn lapsed(policy: &Value) -> World {
    let world = World::new(policy);
    world.advance(Duration::from_secs(2));
    world
}

/// Asserts that everybody is on the canary, by the ramp or by hand.
#[track_caller]
fn assert_canary(world: &World) {
    for worker in 0..world.workers().len() {
        for (unit, why) in [("u1", "ramp"), ("qa-1", "pin")] {
            assert_eq!(
                super::reason(&world.get(worker, unit)),
                why,
                "worker {worker}"
            );
        }
    }
}

#[test]
fn a_lease_lapses_within_a_tick_without_a_single_request() {
    let world = World::new(&leased(json!({})));
    to_the_end(&world);
    assert!(!has_lapsed(&world), "its last moment");
    assert_eq!(told(&world).closed, Value::Null);
    world.advance(Duration::from_millis(20));
    assert!(has_lapsed(&world), "a tick later");
    assert_eq!(told(&world).closed, "lapse");
    assert_eq!(
        world.gauge("breakglass_canary_ppm;rollout=support-agent"),
        0
    );
    assert_eq!(world.requests("canary") + world.requests("stable"), 0);
    let line = "the lease of generation 1 has lapsed, everyone is on stable";
    assert_eq!(said(&world, line), 1);
    assert_everybody(&world, "stable", "lapse");
}

#[test]
fn a_request_between_the_end_and_the_tick_is_on_stable_too() {
    let world = World::new(&leased(json!({})));
    to_the_end(&world);
    assert_canary(&world);
    world.advance(Duration::from_millis(1));
    assert!(!has_lapsed(&world), "no tick has come");
    assert_everybody(&world, "stable", "lapse");
}

#[test]
fn masking_does_not_lapse() {
    let world = lapsed(&leased(json!({"redaction": "mask_all"})));
    assert_eq!(told(&world).closed, "lapse");
    assert_eq!(world.control()["redaction"], "mask_all");
    let mut stream = begin(&world, "u1", JSON, &[]);
    assert_eq!(stamped(&stream, "arm").as_deref(), Some("stable"));
    stream.response_body(format!(r#"{{"text": "{MAIL}"}}"#), Last);
    assert_eq!(stream.client().text(), format!(r#"{{"text": "{MASKED}"}}"#));
}

#[test]
fn a_lease_that_holds_goes_on_where_it_stood() {
    let ramp = json!([{"percent": 50}, {"percent": 100, "at": "2026-11-23T20:00:01.500Z"}]);
    let world = lapsed(&leased(json!({"on_lapse": "hold", "ramp": ramp})));
    assert!(!has_lapsed(&world));
    assert_eq!(told(&world).closed, Value::Null);
    let canary = |n: &usize| world.arm(n % 2, &format!("u{n}")).as_deref() == Some("canary");
    let share = (0..200).filter(canary).count();
    assert!((60..140).contains(&share), "{share} of 200: half, not all");
    let gauge = world.gauge("breakglass_canary_ppm;rollout=support-agent");
    assert_eq!(gauge, 500_000);
    assert_eq!(world.warnings(), [""; 0]);
}

#[test]
fn a_kill_outlasts_the_lease() {
    let world = World::new(&leased(json!({})));
    let block = json!({"kill": {"mode": "block"}});
    assert_eq!(give(&world, 2, block).status, 200);
    world.advance(Duration::from_secs(2));
    for worker in [0, 1] {
        assert_eq!(world.arm(worker, "u1"), None, "blocked, not on stable");
    }
}

/// The clock went back, or this proxy's workers lag behind the one that saw the lease lapse. The host's
/// clock only goes forward, so the shared data of a later proxy comes to an earlier one instead.
#[test]
fn a_clock_that_goes_back_revives_nothing() {
    let policy = leased(json!({}));
    let later = lapsed(&policy);
    let world = World::with_workers(3, &policy);
    assert_canary(&world);
    for (key, value) in kept(&later) {
        let written = world.shared_data().set(VM_ID, &key, value, 0);
        written.expect("zero overwrites");
    }
    // Whoever writes past the filter rings no bell.
    world.tick();
    assert_everybody(&world, "stable", "lapse");
    assert_eq!(told(&world).closed, "lapse");
    // Nor does a machine that begins anew, or a policy that is pushed again.
    for worker in 0..3 {
        world.worker(worker).crash();
    }
    let again = format!("{policy} ");
    world.traffic.update(again).expect("it is a policy");
    assert_everybody(&world, "stable", "lapse");
    world.tick();
    assert_everybody(&world, "stable", "lapse");
    assert!(at(world.now()).as_str() < END, "all this before it ends");
}

#[test]
fn a_reloaded_worker_finds_the_lapse() {
    let world = lapsed(&leased(json!({})));
    for worker in [0, 1] {
        world.worker(worker).crash();
        world.advance(Duration::from_millis(1_100));
        let request = world.get(worker, "qa-1");
        let found = (stamped(&request, "arm"), super::reason(&request));
        assert_eq!(found, (Some("stable".to_owned()), "lapse".to_owned()));
    }
    assert_eq!(said(&world, "has lapsed"), 1, "it lapses once");
}

#[test]
fn only_a_warrant_revives_what_lapsed() {
    let named = |warrant: &Value| json!(people::digest(warrant));
    let later = |warrant: Value| json!({"not_after": LATER, "warrant": warrant});
    let unpinned = warrant(json!({}));
    let cases = [
        (
            "a later lease alone",
            json!({"not_after": LATER}),
            "warrant-missing",
        ),
        ("no lease", json!({"not_after": null}), "warrant-missing"),
        (
            "a smaller share",
            json!({"ramp": {"percent": 1}}),
            "warrant-missing",
        ),
        (
            "another's name",
            later(named(&unpinned)),
            "warrant-not-held",
        ),
        ("without the pin", later(unpinned), "warrant-other-subject"),
        ("carried", later(permitted()), "done"),
        ("named", later(named(&permitted())), "done"),
    ];
    for (name, terms, expected) in cases {
        let world = lapsed(&leased(json!({})));
        let answer = give(&world, 2, terms);
        assert_eq!(outcome(&answer), expected, "{name}: {answer:?}");
        if expected == "done" {
            assert_eq!(told(&world).closed, Value::Null, "{name}");
            assert_canary(&world);
        } else {
            assert_everybody(&world, "stable", "lapse");
        }
    }
}

#[test]
fn an_order_that_lowers_what_lapsed_revives_nothing() {
    let world = lapsed(&leased(json!({})));
    for (generation, terms) in [
        (2, json!({"redaction": "mask_all"})),
        (3, json!({"not_after": "2026-11-23T19:30:00Z"})),
        (4, json!({"ramp": []})),
    ] {
        let answer = give(&world, generation, terms.clone());
        assert_eq!(outcome(&answer), "done", "{terms}");
        assert_everybody(&world, "stable", "lapse");
    }
    assert_eq!(outcome(&give(&world, 5, killed())), "done");
    assert_everybody(&world, "stable", "kill");
}

#[test]
fn a_push_revives_what_lapsed_only_with_a_warrant_and_a_newer_generation() {
    for (generation, warrant, expected) in [
        (1, permitted(), Some("lapse")),
        (2, Value::Null, Some("no_warrant")),
        (2, permitted(), None),
    ] {
        let world = lapsed(&leased(json!({})));
        let terms = json!({"generation": generation, "not_after": LATER, "warrant": warrant});
        world.push(&leased(terms)).expect("it is a policy");
        world.tick();
        assert_eq!(
            told(&world).closed.as_str(),
            expected,
            "generation {generation}"
        );
        match expected {
            Some(why) => assert_everybody(&world, "stable", why),
            None => assert_canary(&world),
        }
    }
}

/// Without trusted keys a lease lapses for good as well; a newer control is enough there.
#[test]
fn where_no_keys_are_trusted_a_newer_push_revives() {
    let control = |generation: u64, end: &str| {
        let ramp = json!({"percent": 100});
        controlled(json!({"generation": generation, "ramp": ramp, "not_after": end}))
    };
    let world = lapsed(&control(1, END));
    assert_everybody(&world, "stable", "lapse");
    let same = json!({"rollout": ROLLOUT, "generation": 2, "ramp": {"percent": 100}});
    world.order(&same);
    assert_everybody(&world, "stable", "lapse");
    world.push(&control(3, LATER)).expect("it is a policy");
    world.tick();
    assert_everybody(&world, "canary", "ramp");
}

#[test]
fn a_lease_lapses_on_every_host() {
    for profile in Profile::all() {
        let name = profile.name;
        let builder = Proxy::builder(module()).workers(2).profile(profile);
        let world = World::cold(builder, &leased(json!({})));
        for (seconds, arm) in [(0, "canary"), (2, "stable"), (3_600, "stable")] {
            world.advance(Duration::from_secs(seconds));
            for (worker, unit) in [(0, "u1"), (1, "u1"), (0, "qa-1")] {
                let found = world.arm(worker, unit);
                assert_eq!(
                    found.as_deref(),
                    Some(arm),
                    "{name}, {seconds} s on: {unit}"
                );
            }
        }
    }
}
