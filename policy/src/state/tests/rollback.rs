//! What the judge does to a state: it only lowers exposure, and nothing that came before takes it back.

use serde_json::{Value, json};

use super::proxy::{Proxy, approved, control, policy, warrant};
use super::*;
use crate::fixtures::{generation, moment};
use crate::{InFlight, KillMode};

fn roll_back(proxy: &mut Proxy) -> u64 {
    let rollout = name("agent");
    let generation = proxy
        .state
        .roll_back(&rollout, InFlight::Drain, proxy.now)
        .unwrap();
    assert_eq!(generation, proxy.control().generation);
    generation.get()
}

fn untrusting(control: Value) -> Value {
    let mut policy = policy(control);
    policy.as_object_mut().unwrap().remove("trust");
    policy
}

#[test]
fn everyone_goes_to_stable_with_a_generation_of_its_own() {
    let mut proxy = Proxy::with_canary();
    let (before, epoch) = (proxy.control().clone(), proxy.state.epoch());
    proxy.now = moment("2026-11-23T20:06:00Z");
    assert_eq!(roll_back(&mut proxy), 8);
    let kill = proxy.control().kill.unwrap();
    assert_eq!(
        (kill.mode, kill.in_flight),
        (KillMode::Rollback, InFlight::Drain)
    );
    assert_eq!(proxy.share(), 0);
    assert!(proxy.control().exposes_no_more_than(&before));
    assert_eq!(proxy.control().ramp, before.ramp, "the rest stays");
    assert!(proxy.state.epoch() > epoch);
    assert_eq!(
        (proxy.entry().since, proxy.entry().at),
        (proxy.state.epoch(), proxy.now)
    );
    // Said again, by another worker, it changes nothing.
    let once = proxy.state.clone();
    assert_eq!(roll_back(&mut proxy), 8);
    assert_eq!(proxy.state, once);
    let unknown = name("other");
    assert_eq!(
        proxy.state.roll_back(&unknown, InFlight::Cut, proxy.now),
        None
    );
    assert_eq!(proxy.state, once);
}

#[test]
fn a_kill_by_hand_stays_as_it_is() {
    let mut proxy = Proxy::with_canary();
    let kill = json!({"kill": {"mode": "block", "in_flight": "cut"}});
    assert_eq!(proxy.order(kill), Ok(true));
    let before = proxy.state.clone();
    assert_eq!(roll_back(&mut proxy), 8);
    assert_eq!(proxy.state, before);
}

#[test]
fn a_push_that_was_under_way_does_not_take_it_back_and_a_newer_one_does() {
    let mut proxy = Proxy::of(&untrusting(control(7, json!({}))));
    roll_back(&mut proxy);
    let step = json!({"ramp": {"percent": 50}});
    for (number, share) in [(7, 0), (8, 0), (9, 500_000)] {
        proxy.publish(&untrusting(control(number, step.clone())));
        assert_eq!(proxy.share(), share, "generation {number}");
    }
}

#[test]
fn where_keys_are_trusted_only_approvers_who_saw_it_take_it_back() {
    for (after, expected) in [(5, 0), (7, 0), (8, 100_000)] {
        let mut proxy = Proxy::with_canary();
        roll_back(&mut proxy);
        assert_eq!(proxy.entry().floor(), generation(8));
        let terms = json!({"warrant": warrant(json!({"after": after}))});
        proxy.publish(&policy(control(9, terms)));
        assert_eq!(proxy.share(), expected, "after {after}");
    }
    // The same policy as before is no news.
    let mut proxy = Proxy::with_canary();
    roll_back(&mut proxy);
    proxy.publish(&approved());
    assert_eq!((proxy.share(), proxy.generation()), (0, 8));
}

#[test]
fn a_lapsed_lease_stays_lapsed() {
    let mut proxy = Proxy::with_canary();
    assert!(proxy.state.lapse(&name("agent"), generation(7)));
    roll_back(&mut proxy);
    assert!(proxy.entry().lapsed);
}

#[test]
fn after_the_last_generation_it_still_holds() {
    let last = crate::limits::GENERATION;
    let mut proxy = Proxy::of(&untrusting(control(last, json!({}))));
    assert_eq!(roll_back(&mut proxy), last);
    assert_eq!(proxy.share(), 0);
}
