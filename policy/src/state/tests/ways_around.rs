//! Ways around the contract that were found by reading, and closed.

use serde_json::{Value, json};

use super::proxy::{FAR, Proxy, approved, control, merged, outcome, policy, warrant};
use super::*;
use crate::fixtures::{STRANGER, changed, envelope, generation};
use crate::gate::Reason;
use crate::{Arm, KillMode, PayloadType};

#[test]
fn a_kill_of_the_generation_in_force_spends_what_was_approved_before_it() {
    let approved_before = warrant(json!({"after": 7}));
    let mut proxy = Proxy::with_canary();
    let kill = json!({"generation": 7, "kill": {"mode": "rollback"}});
    assert_eq!(proxy.order(kill), Ok(true));
    let outcome = outcome(&proxy.order(json!({"kill": null, "warrant": approved_before})));
    assert!(outcome.starts_with("Warrant(Spent {"), "{outcome}");
}

#[test]
fn publishing_again_revives_no_lapsed_lease() {
    let mut proxy = Proxy::with_canary();
    assert!(proxy.state.lapse(&name("agent"), generation(7)));
    let before = proxy.state.clone();
    proxy.publish(&approved());
    assert_eq!(proxy.closed(), Some(Closed::Lapse));
    assert!(proxy.state == before);
}

#[test]
fn pinned_units_come_back_only_with_a_warrant() {
    let pinned = |control: Value| {
        changed(
            &policy(control),
            "/rollouts/0/pins",
            json!({"canary": ["qa-1"]}),
        )
    };
    let good = json!({"warrant": warrant(json!({"after": 5}))});
    for kill in [true, false] {
        let mut proxy = Proxy::of(&pinned(control(7, good.clone())));
        assert_eq!(proxy.decides("qa-1"), (Some(Arm::Canary), Reason::Pin));
        if kill {
            assert_eq!(proxy.order(json!({"kill": {"mode": "rollback"}})), Ok(true));
        } else {
            assert!(proxy.state.lapse(&name("agent"), generation(7)));
        }
        // Neither is anybody's approval.
        let nobody = json!({"ramp": [], "not_after": null});
        proxy.publish(&policy(control(9, nobody.clone())));
        proxy.publish(&pinned(control(10, nobody)));
        assert_eq!(proxy.decides("qa-1").0, Some(Arm::Stable), "killed: {kill}");
    }
}

#[test]
fn a_block_is_lifted_only_by_a_warrant() {
    let pushes = [
        json!({}),
        json!({"ramp": []}),
        json!({"kill": {"mode": "rollback"}}),
        json!({"kill": {"mode": "block", "in_flight": "drain"}}),
    ];
    for terms in pushes {
        let mut proxy = Proxy::with_canary();
        let block = json!({"kill": {"mode": "block", "in_flight": "cut"}});
        assert_eq!(proxy.order(block), Ok(true));
        let before = proxy.control().kill;
        proxy.publish(&policy(control(9, terms.clone())));
        assert_eq!(proxy.control().kill, before, "{terms}");
        assert_eq!(proxy.decides("u"), (None, Reason::Kill), "{terms}");
    }
}

#[test]
fn a_kill_needs_no_warrant_and_is_not_refused_for_one() {
    let kill = json!({"kill": {"mode": "rollback"}});
    for (what, terms) in [
        ("a good one", json!({})),
        (
            "an expired one",
            json!({"not_after": "2026-11-23T20:00:00Z"}),
        ),
        ("an overtaken one", json!({"after": 1})),
    ] {
        let mut proxy = Proxy::with_canary();
        let terms = merged(kill.clone(), json!({"warrant": warrant(terms)}));
        assert_eq!(outcome(&proxy.order(terms)), "done", "{what}");
        assert_eq!(
            proxy.control().kill.map(|kill| kill.mode),
            Some(KillMode::Rollback)
        );
    }
}

#[test]
fn a_warrant_lets_a_block_become_a_rollback() {
    let mut proxy = Proxy::with_canary();
    assert_eq!(proxy.order(json!({"kill": {"mode": "block"}})), Ok(true));
    let rollback = json!({"generation": 9, "kill": {"mode": "rollback"}, "warrant": warrant(json!({"after": 8}))});
    assert_eq!(outcome(&proxy.order(rollback)), "done");
}

#[test]
fn a_warrant_from_the_future_is_refused() {
    let ahead = warrant(json!({"after": limits::GENERATION}));
    let mut proxy = Proxy::with_canary();
    let obeyed = proxy.order(json!({"not_after": FAR, "warrant": ahead}));
    assert!(obeyed.is_err(), "by an order: {obeyed:?}");
    let mut proxy = Proxy::with_canary();
    proxy.publish(&policy(control(
        8,
        json!({"not_after": FAR, "warrant": ahead}),
    )));
    assert_eq!(proxy.closed(), Some(Closed::NoWarrant), "by a push");
}

#[test]
fn a_rollout_that_the_state_does_not_know_is_closed() {
    let proxy = Proxy::with_canary();
    let subject = Subject::of(&proxy.policy.rollouts[0]);
    let closed = proxy.state.closed(&name("forgotten"), Some(&subject));
    assert_eq!(closed, Some(Closed::NoWarrant));
}

#[test]
fn a_push_that_may_not_unmask_is_judged_the_same_twice() {
    let mut proxy = Proxy::with_canary();
    assert_eq!(proxy.order(json!({"redaction": "mask_all"})), Ok(true));
    let push = policy(control(9, json!({"warrant": warrant(json!({}))})));
    proxy.publish(&push);
    let closed = proxy.closed();
    assert!(!proxy.publish(&push).changed);
    assert_eq!(proxy.closed(), closed);
}

#[test]
fn the_warrant_that_is_held_is_the_one_that_permitted() {
    let good = warrant(json!({"after": 5}));
    let mut proxy = Proxy::of(&policy(control(7, json!({"warrant": good}))));
    let bogus = envelope(PayloadType::WarrantJson, b"~".to_vec(), &[STRANGER]);
    proxy.publish(&policy(control(7, json!({"warrant": bogus}))));
    let held = proxy.control().warrant.as_ref();
    assert_eq!(held.map(|held| held.digest()), Some(good.digest()));
}

#[test]
fn no_order_uses_up_the_generations() {
    let mut proxy = Proxy::with_canary();
    let last = json!({"generation": limits::GENERATION, "kill": {"mode": "rollback"}});
    assert!(proxy.order(last).is_err());
}

#[test]
fn a_canary_that_some_workers_still_serve_may_be_lowered() {
    let mut proxy = Proxy::with_canary();
    let draining = Subject::of(&proxy.policy.rollouts[0]);
    let next = control(7, json!({}));
    proxy.publish(&changed(
        &policy(next),
        "/rollouts/0/arms/canary/version",
        json!("v43"),
    ));
    assert_eq!(proxy.closed(), Some(Closed::NoWarrant));
    assert_eq!(proxy.state.closed(&name("agent"), Some(&draining)), None);
    let less = json!({"ramp": {"percent": 1, "at": "2026-11-23T20:00:00Z"}});
    assert_eq!(outcome(&proxy.order(less)), "done");
}

#[test]
fn a_kill_that_names_a_share_too_is_a_kill() {
    let mut proxy = Proxy::with_canary();
    assert!(proxy.state.lapse(&name("agent"), generation(7)));
    let terms =
        json!({"kill": {"mode": "block"}, "ramp": {"percent": 1, "at": "2026-11-23T20:00:00Z"}});
    assert_eq!(outcome(&proxy.order(terms)), "done");
}
