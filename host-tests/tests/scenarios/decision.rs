//! Every decision is the exact one: the filter's, the native rules' and an independent computation's agree.

use std::time::Duration;

use breakglass_host_tests::{Last, Proxy, module};
use breakglass_policy::{Gate, Policy, Timestamp};
use serde_json::{Value, json};

use crate::{
    independent,
    world::{ROLLOUT, Seeded, World, controlled, of_unit, policy, rollout, stamped, with},
};

/// A rollout that takes requests with `x-case: number`, salted and ramped.
fn case(number: usize, salt: &str, ppm: u32) -> Value {
    let percent = f64::from(ppm) / 10_000.0;
    let control = json!({"generation": 3, "ramp": {"percent": percent}});
    with(
        rollout(control),
        json!({"name": format!("case-{number}"), "salt": salt, "match": {"headers": {"x-case": number.to_string()}}}),
    )
}

fn request(number: &str, unit: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (":method", b"GET".to_vec()),
        (":path", b"/".to_vec()),
        (":authority", b"a".to_vec()),
        ("x-case", number.as_bytes().to_vec()),
        ("x-user-id", unit.to_vec()),
    ]
}

/// Asks filter, native rules and the independent computation.
fn check(world: &World, native: &Policy, number: usize, salt: &str, ppm: u32, unit: &[u8]) {
    let stream = world.send(number % 2, request(&number.to_string(), unit), Last);
    let expected = match independent::is_canary(salt, unit, ppm.into()) {
        true => "canary",
        false => "stable",
    };
    let told = format!("{salt:?} {ppm} ppm {:?}", unit.escape_ascii().to_string());
    assert_eq!(stamped(&stream, "arm").as_deref(), Some(expected), "{told}");
    let ours = &native.rollouts[number];
    let decision = Gate::new(&ours.control).decide(&ours.bucketing(), Some(unit), Timestamp::EPOCH);
    let arm = decision.arm().map(|arm| arm.as_str());
    assert_eq!(arm, Some(expected), "natively: {told}");
    let reason = decision.reason().as_str();
    let version = if expected == "canary" { "42" } else { "41" };
    let field = format!(
        "rollout=case-{number} arm={expected} version=prompt-v{version} generation=3 reason={reason}"
    );
    let state = stream.effects().filter_state_text("wasm.breakglass");
    assert_eq!(state, Some(field), "{told}");
}

#[test]
fn thousands_of_decisions_equal_the_independent_computation() {
    const PPM: [u32; 9] = [
        0, 1, 100, 10_000, 333_333, 500_000, 990_000, 999_999, 1_000_000,
    ];
    let salts = [
        "a".to_owned(),
        "chg-2026-0117".to_owned(),
        "sal\u{e9} \u{1f512}".to_owned(),
        "x".repeat(256),
    ];
    let cases: Vec<_> = salts
        .iter()
        .flat_map(|salt| PPM.map(|ppm| (salt.as_str(), ppm)))
        .collect();
    let rollouts = cases.iter().enumerate();
    let document = policy(rollouts.map(|(number, (salt, ppm))| case(number, salt, *ppm)));
    let native = Policy::from_json(document.to_string().as_bytes()).expect("it is a policy");
    let world = World::new(&document);
    let mut seeded = Seeded(7);
    for (number, (salt, ppm)) in cases.iter().enumerate() {
        for n in 0..100 {
            let unit = match n % 4 {
                0 => format!("user-{n}").into_bytes(),
                1 => {
                    let length = 1 + seeded.below(40);
                    seeded.bytes(length)
                }
                2 => vec![b'u'; 1 + seeded.below(1024)],
                _ => format!("{:016x}", seeded.next()).into_bytes(),
            };
            check(&world, &native, number, salt, *ppm, &unit);
        }
    }
}

#[test]
fn each_unit_enters_at_exactly_its_own_part_per_million() {
    let salt = "chg-2026-0117";
    let units: Vec<_> = (0..150).map(|n| format!("user-{n}")).collect();
    let entry = |unit: &String| {
        let bucket = u128::from(independent::bucket(salt, unit.as_bytes()));
        // The smallest share whose threshold is above the bucket.
        let mut ppm = u32::try_from((bucket * 1_000_000) >> 64).expect("below a million");
        while !independent::is_canary(salt, unit.as_bytes(), ppm.into()) {
            ppm += 1;
        }
        ppm
    };
    let cases: Vec<_> = units
        .iter()
        .flat_map(|unit| [(unit, entry(unit) - 1), (unit, entry(unit))])
        .collect();
    let rollouts = cases.iter().enumerate();
    let document = policy(rollouts.map(|(number, (_, ppm))| case(number, salt, *ppm)));
    let native = Policy::from_json(document.to_string().as_bytes()).expect("it is a policy");
    let world = World::new(&document);
    for (number, (unit, ppm)) in cases.iter().enumerate() {
        check(&world, &native, number, salt, *ppm, unit.as_bytes());
        let arm = world.send(1, request(&number.to_string(), unit.as_bytes()), Last);
        let expected = if number % 2 == 0 { "stable" } else { "canary" };
        assert_eq!(
            stamped(&arm, "arm").as_deref(),
            Some(expected),
            "{unit} at {ppm} ppm"
        );
    }
}

#[test]
fn a_ramp_takes_its_steps_on_the_millisecond_and_nobody_leaves() {
    const START: u64 = 1_795_464_000_000; // 2026-11-23T20:00:00Z
    let steps = [(1_000u64, 1u32), (60_000, 10), (60_001, 50), (120_000, 100)];
    let at = |millis: u64| Timestamp::from_millis(START + millis).to_string();
    let ramp: Vec<_> = steps
        .iter()
        .map(|(millis, percent)| json!({"percent": percent, "at": at(*millis)}))
        .collect();
    let document = controlled(json!({"generation": 1, "ramp": ramp}));
    let world = World::cold(Proxy::builder(module()), &document);
    let units: Vec<_> = (0..100).map(|n| format!("user-{n}")).collect();
    let mut before = Vec::new();
    let mut now = 0;
    for moment in [
        0, 999, 1_000, 59_999, 60_000, 60_001, 119_999, 120_000, 9_999_999,
    ] {
        world.advance(Duration::from_millis(moment - now));
        now = moment;
        let percent = steps.iter().rev().find(|(at, _)| *at <= moment);
        let ppm = percent.map_or(0, |(_, percent)| u128::from(*percent) * 10_000);
        let is_canary =
            |unit: &&String| independent::is_canary("chg-2026-0117", unit.as_bytes(), ppm);
        let expected: Vec<_> = units.iter().filter(is_canary).collect();
        let on_canary = |unit: &&String| world.arm(0, unit).as_deref() == Some("canary");
        let canary: Vec<_> = units.iter().filter(on_canary).collect();
        assert_eq!(canary, expected, "at {moment} ms");
        assert!(
            before.iter().all(|unit| canary.contains(unit)),
            "left at {moment} ms"
        );
        before = canary;
    }
    assert_eq!(before.len(), units.len());
}

/// (kill, lease, pinned, percent) → arm and reason, by "kill > lapsed lease > pin > ramp > stable".
#[test]
fn precedence_is_kill_lapse_pin_ramp_stable() {
    const LAPSED: &str = "2026-11-23T19:59:59.999Z";
    const RUNNING: &str = "2026-11-23T20:30:00Z";
    let rollback = json!({"mode": "rollback"});
    let block = json!({"mode": "block"});
    let cases = [
        (&rollback, RUNNING, "qa", 100, Some("stable"), "kill"),
        (&rollback, LAPSED, "qa", 100, Some("stable"), "kill"),
        (&block, RUNNING, "vip", 0, None, "kill"),
        (&Value::Null, LAPSED, "qa", 100, Some("stable"), "lapse"),
        (&Value::Null, LAPSED, "", 100, Some("stable"), "lapse"),
        (&Value::Null, RUNNING, "qa", 0, Some("canary"), "pin"),
        (&Value::Null, RUNNING, "vip", 100, Some("stable"), "pin"),
        (&Value::Null, RUNNING, "u", 100, Some("canary"), "ramp"),
        (&Value::Null, RUNNING, "u", 0, Some("stable"), "stable"),
        (&Value::Null, RUNNING, "", 100, Some("stable"), "keyless"),
    ];
    for (kill, lease, unit, percent, arm, reason) in cases {
        let control = json!({"generation": 5, "ramp": {"percent": percent}, "not_after": lease, "kill": kill});
        let pins = json!({"pins": {"canary": ["qa"], "stable": ["vip"]}});
        let world = World::new(&policy([with(rollout(control), pins)]));
        let stream = world.get(0, unit);
        let told = format!("kill {kill} lease {lease} unit {unit:?} {percent} %");
        assert_eq!(stamped(&stream, "arm").as_deref(), arm, "{told}");
        let state = stream.effects().filter_state_text("wasm.breakglass");
        let state = state.unwrap_or_default();
        assert!(
            state.ends_with(&format!(" generation=5 reason={reason}")),
            "{told}: {state}"
        );
        if arm.is_none() {
            let client = stream.client();
            assert_eq!(client.status(), 503, "{told}");
            assert_eq!(
                client.headers.text("content-type").as_deref(),
                Some("application/problem+json")
            );
            assert_eq!(
                world.requests("stable") + world.requests("canary"),
                0,
                "{told}"
            );
            assert_eq!(world.count("blocked_total", ""), 1, "{told}");
        }
    }
}

#[test]
fn a_lease_lapses_by_itself_and_hold_freezes_the_ramp() {
    let lease = "2026-11-23T20:00:10Z";
    let ramp = json!([{"percent": 1, "at": "2026-11-23T20:00:00Z"}, {"percent": 100, "at": "2026-11-23T20:00:11Z"}]);
    // The first of these is on the canary at 1 %, the second only at 100 %.
    let early = (0..)
        .map(|n| format!("u{n}"))
        .find(|unit| independent::is_canary("chg-2026-0117", unit.as_bytes(), 10_000));
    let early = early.expect("one in a hundred");
    for (on_lapse, after) in [("stable", "stable"), ("hold", "canary")] {
        let world = World::cold(
            Proxy::builder(module()),
            &controlled(
                json!({"generation": 1, "ramp": ramp, "not_after": lease, "on_lapse": on_lapse}),
            ),
        );
        world.advance(Duration::from_secs(10));
        assert_eq!(
            world.arm(0, &early).as_deref(),
            Some("canary"),
            "at the last moment"
        );
        world.advance(Duration::from_millis(1));
        assert_eq!(
            world.arm(0, &early).as_deref(),
            Some(after),
            "{on_lapse}, lapsed"
        );
        world.advance(Duration::from_secs(60));
        assert_eq!(
            world.arm(0, &early).as_deref(),
            Some(after),
            "{on_lapse}, later"
        );
        assert_eq!(
            world.arm(0, "u0").as_deref(),
            Some("stable"),
            "{on_lapse}: no further step"
        );
        let ppm = world.gauge(&format!("breakglass_canary_ppm;rollout={ROLLOUT}"));
        assert_eq!(
            ppm,
            if after == "stable" { 0 } else { 10_000 },
            "{on_lapse}"
        );
    }
}

#[test]
fn the_arm_never_changes_for_the_life_of_a_request() {
    let world = World::new(&controlled(
        json!({"generation": 1, "ramp": {"percent": 100}}),
    ));
    let mut stream = world.send(0, of_unit("u"), breakglass_host_tests::More);
    let drained = crate::world::kill(2, "rollback", "drain");
    assert_eq!(world.order(&drained).status, 200);
    stream.request_body("more of the request", Last);
    assert_eq!(stamped(&stream, "arm").as_deref(), Some("canary"));
    assert_eq!(stamped(&stream, "generation").as_deref(), Some("1"));
    stream.response([(":status", "200")], Last);
    let state = stream.finish().filter_state_text("wasm.breakglass");
    assert_eq!(
        state.as_deref(),
        Some("rollout=support-agent arm=canary version=prompt-v42 generation=1 reason=ramp")
    );
    assert_eq!(world.count("responses_total", ";arm=canary;class=2xx"), 1);
}

#[test]
fn a_policy_may_stamp_and_log_no_more_than_routes_need() {
    let clusters = json!({"arms": {"stable": {"cluster": "old"}, "canary": {"cluster": "new"}}});
    for (terms, expected) in [
        (clusters, "x-breakglass-cluster: new"),
        (json!({}), "x-breakglass-arm: canary"),
    ] {
        let control = json!({"generation": 1, "ramp": {"percent": 100}});
        let lean = json!({"stamp": "route", "access_log": "nothing"});
        let mut rollout = with(rollout(control), lean);
        for arm in ["stable", "canary"] {
            let spec = rollout["arms"][arm].as_object_mut().expect("an arm");
            spec.retain(|name, _| name == "version");
            for (name, value) in terms["arms"][arm].as_object().into_iter().flatten() {
                spec.insert(name.clone(), value.clone());
            }
        }
        let world = World::new(&policy([rollout]));
        let forged = [
            ("x-breakglass-arm", "stable"),
            ("x-breakglass-cluster", "other"),
            ("x-breakglass-version", "9"),
        ];
        let mut stream = world.send(0, of_unit("u").into_iter().chain(forged), Last);
        let upstream = stream.upstream().expect("it is sent on");
        let stamps = upstream.headers.iter().filter_map(|(name, value)| {
            let (name, value) = (text(name), text(value));
            name.starts_with("x-breakglass-")
                .then(|| format!("{name}: {value}"))
        });
        assert_eq!(stamps.collect::<Vec<_>>(), [expected]);
        stream.response([(":status", "200")], Last);
        let logged = stream.finish().filter_state_text("wasm.breakglass");
        assert_eq!(logged, None);
        assert_eq!(world.requests("canary"), 1, "it is counted all the same");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
