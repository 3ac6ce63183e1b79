//! A warrant raises, and only what it was given for, by whom it must be given, and when.

mod flawed;

use breakglass_examples::people::{self, WARRANT};
use serde_json::{Value, json};

use super::{
    CAST, HOUR_AGO, IN_AN_HOUR, PACKED_ORDER, PACKED_WARRANT, assert_everybody, detail, give, kept,
    nobody, order, outcome, permission, post, told, trusting, warrant,
};
use crate::world::{Answer, World, with};
use flawed::{flawed, tenth};

#[test]
fn a_raise_that_is_not_permitted_changes_nothing_and_names_what_is_missing() {
    for case in flawed() {
        let world = World::new(&case.policy);
        let before = (kept(&world), world.control());
        let mut terms = case.terms.clone();
        if !case.warrant.is_null() {
            terms["warrant"] = case.warrant;
        }
        let envelope = super::signed(&order(&world, 4, terms));
        for worker in [1, 0] {
            let answer = Answer::of(&post(&world, worker, &envelope));
            assert_eq!(
                (answer.status, outcome(&answer)),
                (403, case.problem),
                "{}: {answer:?}",
                case.name
            );
            assert!(
                detail(&answer).contains(case.detail),
                "{}: {answer:?}",
                case.name
            );
            assert_eq!(
                answer.body["control"], before.1,
                "{}: what is in force is told",
                case.name
            );
            assert_eq!((kept(&world), world.control()), before, "{}", case.name);
        }
        assert_eq!(
            world.counter("breakglass_orders_total;result=not_permitted"),
            2
        );
    }
}

/// The same orders, with the warrant that was missing.
#[test]
fn what_was_refused_is_done_with_the_warrant_that_was_missing() {
    let cases = [
        (nobody(), tenth(), json!({})),
        (
            nobody(),
            json!({"ramp": [{"percent": 1}, {"percent": 50, "at": "2026-11-23T20:30:00Z"}]}),
            json!({"ramp": [{"percent": 1}, {"percent": 50, "at": "2026-11-23T20:30:00Z"}]}),
        ),
        (
            nobody(),
            json!({"ramp": {"percent": 9.9999}}),
            json!({"ramp": {"percent": 9.9999}}),
        ),
        (
            trusting(json!({"generation": 3, "kill": {"mode": "rollback"}})),
            json!({"kill": null, "ramp": {"percent": 10}}),
            json!({"after": 3}),
        ),
        (
            trusting(json!({"generation": 1, "redaction": "mask_all"})),
            json!({"redaction": null}),
            json!({"unmask": true}),
        ),
        (
            nobody(),
            tenth(),
            json!({"not_before": "2026-11-23T20:00:00Z", "not_after": "2026-11-23T20:00:01Z"}),
        ),
        (
            nobody(),
            tenth(),
            json!({"subject": {"pins": ["nobody-has-this"]}}),
        ),
    ];
    for (policy, terms, allowed) in cases {
        let world = World::new(&policy);
        let terms = with(terms, json!({"warrant": warrant(allowed)}));
        let answer = give(&world, 4, terms.clone());
        assert_eq!(answer.status, 200, "{terms}: {answer:?}");
        assert_eq!(world.control()["generation"], 4, "{terms}");
        assert_eq!(told(&world).closed, Value::Null, "{terms}");
    }
}

#[test]
fn a_pinned_unit_reaches_the_canary_only_if_the_warrant_names_it() {
    let mut policy = nobody();
    policy["rollouts"][0]["pins"] = json!({"canary": ["qa-1"], "stable": ["vip"]});
    let world = World::new(&policy);
    assert_everybody(&world, "stable", "no_warrant");
    let terms = json!({"ramp": {"percent": 100}, "warrant": warrant(json!({"subject": {"pins": ["qa-0", "qa-1"]}}))});
    assert_eq!(give(&world, 2, terms).status, 200);
    assert_eq!(world.arm(1, "qa-1").as_deref(), Some("canary"));
    assert_eq!(world.arm(1, "vip").as_deref(), Some("stable"));
}

/// Payloads of orders and warrants, each in both forms.
#[test]
fn a_raise_in_messagepack_is_the_same_raise() {
    let leads = [&CAST.security, &CAST.platform];
    let pack = |document: &Value| rmp_serde::to_vec_named(document).expect("it encodes");
    let allowed = permission(json!({}));
    for (packed_order, packed_warrant) in [(true, false), (false, true), (true, true)] {
        let world = World::new(&nobody());
        let warrant = match packed_warrant {
            true => people::seal(PACKED_WARRANT, &pack(&allowed), &leads),
            false => people::sign(WARRANT, &allowed, &leads),
        };
        let raise = |generation, terms| {
            let order = order(&world, generation, terms);
            let envelope = match packed_order {
                true => people::seal(PACKED_ORDER, &pack(&order), &[&CAST.engineer]),
                false => super::signed(&order),
            };
            world.wait(&post(&world, 0, &envelope))
        };
        let told = format!("order packed: {packed_order}, warrant packed: {packed_warrant}");
        let everybody = json!({"ramp": {"percent": 100}, "not_after": "2026-11-23T20:30:00Z", "warrant": warrant});
        let answer = raise(2, everybody);
        assert_eq!(answer.status, 200, "{told}: {answer:?}");
        assert_everybody(&world, "canary", "ramp");
        assert_eq!(world.control()["warrant"], warrant, "{told}: it is held");
        // Renewed by the name of the warrant that is held.
        let renewal =
            json!({"not_after": "2026-11-23T20:50:00Z", "warrant": people::digest(&warrant)});
        let answer = raise(3, renewal);
        assert_eq!(answer.status, 200, "{told}: {answer:?}");
        assert_eq!(
            world.control()["not_after"],
            "2026-11-23T20:50:00Z",
            "{told}"
        );
        assert_eq!(world.control()["warrant"], warrant, "{told}: still held");
    }
}

#[test]
fn a_named_warrant_permits_no_more_than_when_it_was_carried() {
    let world = World::new(&nobody());
    let low = warrant(json!({"ramp": {"percent": 20}}));
    let name = people::digest(&low);
    assert_eq!(
        give(&world, 2, with(tenth(), json!({"warrant": low}))).status,
        200
    );
    let named = |generation, percent: u64| {
        let terms = json!({"ramp": {"percent": percent}, "warrant": name});
        outcome(&give(&world, generation, terms)).to_owned()
    };
    assert_eq!(named(3, 20), "done");
    assert_eq!(named(4, 21), "warrant-exceeded");
    world.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(named(4, 5), "warrant-expired");
    let lower = give(&world, 4, json!({"ramp": {"percent": 5}}));
    assert_eq!(lower.status, 200, "{lower:?}");
    assert_eq!(named(5, 20), "warrant-expired");
}

/// The ramp climbs by the clock, under the ceiling that was approved, without another order.
#[test]
fn a_permitted_ramp_climbs_by_itself() {
    let world = World::new(&nobody());
    let ramp = json!([{"percent": 1, "at": HOUR_AGO}, {"percent": 40, "at": "2026-11-23T20:00:10Z"},
        {"percent": 100, "at": "2026-11-23T20:00:20Z"}]);
    let terms =
        json!({"ramp": ramp, "not_after": IN_AN_HOUR, "warrant": warrant(json!({"ramp": ramp}))});
    assert_eq!(give(&world, 2, terms).status, 200);
    for (seconds, ppm) in [(0, 10_000), (10, 400_000), (10, 1_000_000)] {
        world.advance(std::time::Duration::from_secs(seconds + 1));
        let gauge = world.gauge("breakglass_canary_ppm;rollout=support-agent");
        assert_eq!(gauge, ppm);
    }
    assert_everybody(&world, "canary", "ramp");
}
