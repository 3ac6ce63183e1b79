//! The same module on hosts that have less, or that forbid more.

use breakglass_host_tests::{End, Last, More, Profile, Proxy, Stream, module};
use serde_json::{Value, json};

use crate::{
    independent,
    world::{World, all_canary, controlled, kill, of_unit, policy, rollout, stamped, with},
};

fn others() -> [Profile; 3] {
    [
        Profile::service_extensions(),
        Profile::apisix(),
        Profile::kong(),
    ]
}

fn editing() -> Value {
    let edit = json!({"arms": {"canary": {"json": {"/v": 42}}}});
    policy([with(
        rollout(json!({"generation": 1, "ramp": {"percent": 100}})),
        edit,
    )])
}

fn json_request(world: &World, chunks: &[&str]) -> Stream {
    let headers = of_unit("u")
        .into_iter()
        .chain([("content-type", "application/json")]);
    let mut stream = world.send(0, headers, More);
    for (n, chunk) in chunks.iter().enumerate() {
        stream.request_body(chunk, End::from(n + 1 == chunks.len()));
    }
    stream
}

#[test]
fn routing_by_configuration_is_exact_on_every_host() {
    for profile in others() {
        let name = profile.name;
        let world = World::on(
            profile,
            &controlled(json!({"generation": 1, "ramp": {"percent": 30}})),
        );
        for n in 0..200 {
            let unit = format!("user-{n}");
            let mut stream = world.get(n % 2, &unit);
            let canary = independent::is_canary("chg-2026-0117", unit.as_bytes(), 300_000);
            let expected = if canary { "canary" } else { "stable" };
            assert_eq!(stamped(&stream, "arm").as_deref(), Some(expected), "{name}");
            stream.response([(":status", "200")], More);
            assert_eq!(stream.response_body("x", Last), b"x", "{name}");
        }
    }
}

#[test]
fn a_kill_by_configuration_holds_on_every_host() {
    for profile in others() {
        let name = profile.name;
        let world = World::on(profile, &all_canary());
        assert_eq!(world.arm(0, "u").as_deref(), Some("canary"), "{name}");
        for (mode, expected) in [("rollback", Some("stable")), ("block", None)] {
            let generation = if mode == "rollback" { 2 } else { 3 };
            let control = json!({"generation": generation, "ramp": {"percent": 100}, "kill": {"mode": mode, "in_flight": "cut"}});
            world.push(&controlled(control)).expect("it is taken");
            world.tick();
            assert_eq!(world.arm(1, "u").as_deref(), expected, "{name} {mode}");
        }
    }
}

#[test]
fn a_configuration_can_be_replaced_and_removed_on_every_host() {
    for profile in others() {
        let name = profile.name;
        let proxy = Proxy::builder(module()).profile(profile).build();
        let plugin = proxy
            .plugin("traffic")
            .vm_id("breakglass")
            .configure(all_canary().to_string())
            .expect("it is taken");
        for generation in 2..6 {
            let control = json!({"generation": generation, "ramp": {"percent": 0}});
            plugin
                .update(controlled(control).to_string())
                .expect("it is taken");
            proxy.advance(crate::world::TICK);
        }
        plugin.remove();
        proxy.advance(crate::world::TICK);
        assert_eq!(proxy.traps(), [], "{name}");
    }
}

#[test]
fn a_broken_configuration_is_refused_on_every_host() {
    for profile in others() {
        let name = profile.name;
        let world = World::on(profile, &all_canary());
        assert!(world.traffic.update("{").is_err(), "{name}");
        assert_eq!(world.arm(0, "u").as_deref(), Some("canary"), "{name}");
    }
}

#[test]
fn where_there_is_no_shared_data_the_operator_is_told() {
    for profile in [Profile::service_extensions(), Profile::apisix()] {
        let name = profile.name;
        let world = World::on(profile, &all_canary());
        for answer in [
            world.read("/v1/state"),
            world.read("/v1/receipts/1"),
            world.order(&kill(2, "rollback", "cut")),
        ] {
            assert_eq!(answer.status, 503, "{name}: {answer:?}");
            assert_eq!(
                answer.body["type"], "urn:breakglass:no-shared-state",
                "{name}"
            );
        }
        assert_eq!(
            world.arm(0, "u").as_deref(),
            Some("canary"),
            "{name}: an order that failed changes nothing"
        );
    }
}

#[test]
fn where_there_is_no_shared_data_the_log_says_once_a_configuration_what_is_lost() {
    for profile in [Profile::service_extensions(), Profile::apisix()] {
        let world = World::on(profile, &all_canary());
        for _ in 0..50 {
            world.get(0, "u");
        }
        let lines = world.warnings();
        let told = lines
            .iter()
            .filter(|line| line.contains("orders cannot reach this proxy"));
        assert_eq!(told.count(), 1, "{lines:?}");
    }
}

/// No body reaches a canary unedited and unannounced: edited, or refused.
#[test]
fn a_json_edit_happens_or_the_request_is_refused_on_every_host() {
    for profile in others() {
        let name = profile.name;
        let world = World::on(profile, &editing());
        for chunks in [
            &[r#"{"v":41}"#][..],
            &[r#"{"v":41}"#, ""],
            &[r#"{"v""#, ":41}"],
            &["", r#"{"v":41}"#],
        ] {
            let stream = json_request(&world, chunks);
            let upstream = stream.upstream().unwrap_or_default();
            let edited = upstream.ended && upstream.body() == br#"{"v":42}"#;
            let refused = stream.client().status() >= 400 && !upstream.ended;
            assert!(
                edited || refused,
                "{name} {chunks:?}: {:?}",
                stream.effects()
            );
        }
    }
}

#[test]
fn kong_cuts_and_answers_like_envoy() {
    let world = World::on(Profile::kong(), &all_canary());
    let mut open = world.events(0, "u");
    let waiting = world.get(1, "u");
    let call = world.post(0, &kill(2, "rollback", "cut"));
    open.response_body("data: x\n\n", More);
    assert_eq!(world.wait(&call).status, 200);
    assert!(open.client().text().starts_with("event: error"));
    assert_eq!(waiting.client().status(), 503);
    assert_eq!(world.arm(1, "u").as_deref(), Some("stable"));
}

#[test]
fn a_thousand_streams_fit_into_the_memory_of_service_extensions() {
    let world = World::on(Profile::service_extensions(), &editing());
    let chunk = "x".repeat(100 * 1024);
    let mut streams: Vec<_> = (0..1_000)
        .map(|n| {
            let unit = format!("u{n}");
            let mut stream = world.send(0, of_unit(&unit), More);
            stream.request_body(&chunk, More);
            stream
        })
        .collect();
    for stream in &mut streams {
        stream.request_body("end", Last);
        stream.response(
            [(":status", "200"), ("content-type", "text/event-stream")],
            More,
        );
        stream.response_body(&chunk, More);
    }
    let vm = &world.worker(0).vms()[0];
    assert!(
        vm.memory_bytes <= breakglass_host_tests::SERVICE_EXTENSIONS_MEMORY_BYTES,
        "{vm:?}"
    );
}

#[test]
fn a_lease_lapses_where_the_clock_stands_still_within_a_request() {
    let control =
        json!({"generation": 1, "ramp": {"percent": 100}, "not_after": "2026-11-23T20:00:05Z"});
    let world = World::on(Profile::service_extensions(), &controlled(control));
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
    world.advance(std::time::Duration::from_secs(6));
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
}
