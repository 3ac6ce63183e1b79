//! A policy that is pushed, or that a restarted proxy begins with, reaches no more than its warrant.

use std::time::{Duration, SystemTime};

use breakglass_host_tests::{Level, More, Proxy, module};
use serde_json::{Value, json};

use super::{
    CAST, approved, assert_everybody, give, kept, killed, nobody, outcome, said, signed, told,
    trusting, warrant,
};
use crate::world::{
    Answer, JSON_ORDER, ROLLOUT, World, all_canary, controlled, kill, stamped, with,
};

/// Everybody on the canary by this generation, with this warrant or `null`.
fn everybody(generation: u64, warrant: &Value) -> Value {
    let mut control = json!({"generation": generation, "ramp": {"percent": 100}});
    if !warrant.is_null() {
        control["warrant"] = warrant.clone();
    }
    trusting(control)
}

/// A warrant for `qa-1` by hand too, with these terms.
fn pinned(terms: Value) -> Value {
    warrant(with(json!({"subject": {"pins": ["qa-1"]}}), terms))
}

/// The same policy, with another version of the new prompt.
fn of_version(mut policy: Value, version: &str) -> Value {
    policy["rollouts"][0]["arms"]["canary"]["version"] = json!(version);
    policy
}

#[test]
fn a_push_that_raises_without_a_good_warrant_leaves_everybody_on_stable_and_says_so() {
    let cases = [
        (
            Value::Null,
            "raising exposure needs a warrant; expected the approval of security_lead and platform_lead",
        ),
        (
            pinned(json!({"ramp": {"percent": 99}})),
            "`ramp` asks for more than the warrant permits",
        ),
        (
            pinned(json!({"subject": {"canary": "prompt-v43"}})),
            "given for canary `prompt-v43`",
        ),
        (
            pinned(json!({"not_after": "2026-11-23T20:00:00Z"})),
            "expected a new one",
        ),
        (
            pinned(json!({"not_before": "2026-11-23T20:00:01Z"})),
            "cannot be used before",
        ),
        (
            pinned(json!({"rollout": "other"})),
            "for the rollout `other`",
        ),
        (
            pinned(json!({"policy": "billing"})),
            "for the policy `billing`",
        ),
        (pinned(json!({"after": 2})), "so it permits no generation 2"),
        (
            pinned(json!({"approvers": [CAST.security.approver()]})),
            "missing the approval of platform_lead",
        ),
        (
            pinned(json!({"author": "platform-lead-1"})),
            "nobody approves their own change",
        ),
        (signed(&json!({"x": 1})), "is not that of warrants"),
    ];
    for (warrant, why) in cases {
        let mut policy = everybody(2, &warrant);
        policy["rollouts"][0]["pins"] = json!({"canary": ["qa-1"]});
        let world = World::with_workers(3, &nobody());
        world.push(&policy).expect("it is a policy");
        world.tick();
        assert_everybody(&world, "stable", "no_warrant");
        let found = told(&world);
        assert_eq!(
            (&found.closed, &found.control["generation"]),
            (&json!("no_warrant"), &json!(2))
        );
        assert_eq!(
            world.gauge("breakglass_canary_ppm;rollout=support-agent"),
            0
        );
        let mut lines = world.logs();
        lines.retain(|line| {
            line.message
                .contains("may not be in force, everyone is on stable")
        });
        assert_eq!(
            lines.len(),
            1,
            "of all workers the first says it: {lines:?}"
        );
        assert_eq!(lines[0].level, Level::Error);
        assert!(lines[0].message.contains(why), "{lines:?}");
    }
}

#[test]
fn a_push_with_a_good_warrant_raises_and_warns_of_nothing() {
    let world = World::new(&nobody());
    world
        .push(&everybody(2, &warrant(json!({"after": 1}))))
        .expect("it is a policy");
    world.tick();
    assert_everybody(&world, "canary", "ramp");
    assert_eq!(told(&world).warrants_after, 1);
    assert_eq!(world.warnings(), [""; 0]);
}

#[test]
fn a_push_that_lowers_needs_no_warrant() {
    for control in [
        json!({"generation": 2, "ramp": {"percent": 10}}),
        json!({"generation": 2}),
        json!({"generation": 2, "ramp": {"percent": 50}, "not_after": "2026-11-23T20:30:00Z"}),
        json!({"generation": 2, "ramp": {"percent": 50}, "kill": {"mode": "block"}}),
        json!({"generation": 1, "ramp": {"percent": 10}}),
    ] {
        let world = World::new(&approved(50));
        world
            .push(&trusting(control.clone()))
            .expect("it is a policy");
        world.tick();
        assert_eq!(told(&world).closed, Value::Null, "{control}");
        assert_eq!(world.warnings(), [""; 0], "{control}");
        assert_eq!(
            world.control()["generation"],
            control["generation"],
            "{control}"
        );
    }
}

#[test]
fn a_closed_rollout_is_opened_by_a_warrant_in_an_order_or_a_push() {
    let closed = || {
        let world = World::new(&nobody());
        world
            .push(&everybody(2, &Value::Null))
            .expect("it is a policy");
        world.tick();
        assert_everybody(&world, "stable", "no_warrant");
        world
    };
    let good = warrant(json!({"after": 1}));
    let ordered = closed();
    let terms = json!({"ramp": {"percent": 100}, "warrant": good});
    assert_eq!(give(&ordered, 3, terms).status, 200);
    assert_everybody(&ordered, "canary", "ramp");
    // Of the same generation too: what was asked for is what is permitted.
    for generation in [2, 3] {
        let pushed = closed();
        pushed
            .push(&everybody(generation, &good))
            .expect("it is a policy");
        pushed.tick();
        assert_everybody(&pushed, "canary", "ramp");
    }
    // And not by an order for a share, less than what the control says, that brings none.
    let lowered = closed();
    let answer = give(&lowered, 3, json!({"ramp": {"percent": 1}}));
    assert_eq!(outcome(&answer), "warrant-missing");
    assert_everybody(&lowered, "stable", "no_warrant");
}

#[test]
fn a_proxy_that_starts_anew_reaches_no_more_than_was_approved() {
    let ceiling = warrant(json!({"ramp": {"percent": 50}}));
    let ramp = |percent: u64| {
        trusting(json!({"generation": 4, "ramp": {"percent": percent}, "warrant": ceiling}))
    };
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_464_000);
    let hours = |hours: u64| start + Duration::from_secs(hours * 3_600);
    let cases = [
        ("as approved", ramp(50), start, None),
        ("more than approved", ramp(51), start, Some("no_warrant")),
        (
            "of another version",
            of_version(ramp(50), "prompt-v43"),
            start,
            Some("no_warrant"),
        ),
        ("after the window", ramp(50), hours(2), Some("no_warrant")),
        (
            "before the window",
            ramp(50),
            start - Duration::from_secs(7_200),
            Some("no_warrant"),
        ),
        (
            "without a warrant",
            everybody(4, &Value::Null),
            start,
            Some("no_warrant"),
        ),
    ];
    for (name, policy, now, closed) in cases {
        let world = World::cold(Proxy::builder(module()).workers(2).start_time(now), &policy);
        let canary =
            |unit: usize| world.arm(unit % 2, &format!("u{unit}")).as_deref() == Some("canary");
        // From the very first request on.
        let share = (0..200).filter(|unit| canary(*unit)).count();
        assert_eq!(
            (60..140).contains(&share),
            closed.is_none(),
            "{name}: {share} of 200"
        );
        assert_eq!(share > 0, closed.is_none(), "{name}: {share} of 200");
        assert_eq!(told(&world).closed.as_str(), closed, "{name}");
        assert_eq!(
            said(&world, "everyone is on stable"),
            usize::from(closed.is_some()),
            "{name}"
        );
    }
}

/// The window is for raising; what was raised within it stays until its lease or a kill ends it.
#[test]
fn what_was_permitted_in_time_goes_on_after_the_window() {
    let policy = approved(100);
    let world = World::new(&policy);
    world.advance(Duration::from_secs(7_200));
    assert_everybody(&world, "canary", "ramp");
    // For a machine that begins anew, and for a policy that asks for no more.
    world.worker(0).crash();
    world.advance(Duration::from_secs(2));
    assert_everybody(&world, "canary", "ramp");
    let mut newer = policy;
    newer["rollouts"][0]["control"]["generation"] = json!(2);
    world.push(&newer).expect("it is a policy");
    world.tick();
    assert_everybody(&world, "canary", "ramp");
    // It lowers, and then there is no way back.
    assert_eq!(
        give(&world, 3, json!({"ramp": {"percent": 10}})).status,
        200
    );
    newer["rollouts"][0]["control"]["generation"] = json!(4);
    world.push(&newer).expect("it is a policy");
    world.tick();
    assert_everybody(&world, "stable", "no_warrant");
}

#[test]
fn another_version_under_the_same_control_goes_to_stable_and_streams_of_the_old_one_go_on() {
    for generation in [1, 2] {
        let world = World::new(&everybody(1, &warrant(json!({}))));
        let mut old = world.events(0, "u1");
        assert_eq!(stamped(&old, "version").as_deref(), Some("prompt-v42"));
        let next = of_version(everybody(generation, &warrant(json!({}))), "prompt-v43");
        let mut staged = world
            .traffic
            .stage(next.to_string())
            .expect("it is a policy");
        world.tick();
        staged.switch(0);
        let request = world.get(0, "u1");
        assert_eq!(
            (
                stamped(&request, "arm").as_deref(),
                super::reason(&request).as_str()
            ),
            (Some("stable"), "no_warrant"),
            "generation {generation}: on the worker that has it"
        );
        // A worker that still has the old policy still serves what was approved.
        let request = world.get(1, "u1");
        let expected = if generation == 1 { "canary" } else { "stable" };
        assert_eq!(
            stamped(&request, "arm").as_deref(),
            Some(expected),
            "generation {generation}"
        );
        assert_ne!(stamped(&request, "version").as_deref(), Some("prompt-v43"));
        old.response_body("data: x\n\n", More);
        assert_eq!(
            old.client().text(),
            "data: x\n\n",
            "generation {generation}: it goes on"
        );
        staged.finish();
        world.tick();
        assert_everybody(&world, "stable", "no_warrant");
        assert_eq!(told(&world).closed, "no_warrant");
        let lines = world.warnings();
        let why =
            "the warrant was given for canary `prompt-v42`, the policy in force has `prompt-v43`";
        assert!(lines.iter().any(|line| line.contains(why)), "{lines:?}");
        // The way back: the version that was approved.
        world
            .push(&everybody(generation, &warrant(json!({}))))
            .expect("it is a policy");
        world.tick();
        assert_everybody(&world, "canary", "ramp");
    }
}

#[test]
fn a_newer_policy_without_trust_does_not_open_the_door() {
    let world = World::new(&nobody());
    let before = world.read("/v1/state").body["trust"].clone();
    let open = controlled(json!({"generation": 9, "ramp": {"percent": 100}}));
    world.push(&open).expect("it is a policy");
    world.tick();
    assert_everybody(&world, "stable", "no_warrant");
    assert_eq!(said(&world, "raising exposure needs a warrant"), 1);
    assert_eq!(world.read("/v1/state").body["trust"], before);
    let unsigned = world.order(&kill(10, "rollback", "drain"));
    assert_eq!(outcome(&unsigned), "unsigned");
    // Nor does one that begins with another policy's rollout, or none.
    world
        .push(&json!({"policy": "support", "rollouts": []}))
        .expect("it is a policy");
    world.tick();
    let unsigned = json!({"rollout": ROLLOUT, "generation": 10, "kill": {"mode": "block"}});
    let unsigned = super::send(&world, 1, JSON_ORDER, unsigned.to_string().as_bytes());
    assert_eq!(outcome(&Answer::of(&unsigned)), "unsigned");
    assert_eq!(
        give(&world, 10, killed()).status,
        200,
        "a signed one is obeyed"
    );
}

#[test]
fn the_first_policy_with_trust_closes_what_nobody_approved() {
    let world = World::new(&all_canary());
    assert_everybody(&world, "canary", "ramp");
    world
        .push(&trusting(
            json!({"generation": 1, "ramp": {"percent": 100}}),
        ))
        .expect("it is a policy");
    world.tick();
    assert_everybody(&world, "stable", "no_warrant");
    assert_eq!(said(&world, "raising exposure needs a warrant"), 1);
}

#[test]
fn the_same_policy_again_changes_nothing() {
    for policy in [approved(100), everybody(1, &Value::Null), nobody()] {
        let world = World::new(&policy);
        let before = kept(&world);
        for number in 0..3 {
            // Another document, so that the host does not take it for the same.
            let again = format!("{policy}{}", " ".repeat(number + 1));
            world.traffic.update(again).expect("it is a policy");
            world.tick();
            world.get(1, "u1");
        }
        let controls = |shared: &[(String, Vec<u8>)]| {
            // The requests in between are counted.
            let kept = shared
                .iter()
                .filter(|(key, _)| !key.ends_with("/digest") && !key.contains("/tally/"));
            kept.cloned().collect::<Vec<_>>()
        };
        assert_eq!(controls(&kept(&world)), controls(&before), "{policy}");
    }
}
