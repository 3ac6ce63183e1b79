//! Metrics: what is counted, once, under which names.

use breakglass_host_tests::{Last, MetricKind, More};
use serde_json::json;

use crate::world::{ROLLOUT, World, controlled, of_unit, policy, rollout, with};

#[test]
fn requests_and_responses_are_counted_per_arm_and_class() {
    let control = json!({"generation": 1, "ramp": {"percent": 0}});
    let pins = json!({"pins": {"canary": ["qa"]}});
    let world = World::new(&policy([with(rollout(control), pins)]));
    let cases = [
        ("qa", "200", "2xx"),
        ("qa", "500", "5xx"),
        ("qa", "503", "5xx"),
        ("u", "204", "2xx"),
        ("u", "301", "3xx"),
        ("u", "404", "4xx"),
        ("u", "700", ""),
        ("u", "", ""),
        ("u", "\u{e9}", ""),
    ];
    for (n, (unit, status, _)) in cases.into_iter().enumerate() {
        let mut stream = world.get(n % 2, unit);
        stream.response([(":status", status)], More);
        stream.response_body("x", Last);
    }
    // Sent, never answered; reset by the upstream, which the proxy answers with 503.
    world.get(0, "qa").client_reset();
    world.get(1, "u").upstream_reset();
    for (arm, unit) in [("canary", "qa"), ("stable", "u")] {
        let ours = cases.iter().filter(|case| case.0 == unit);
        assert_eq!(world.requests(arm), ours.count() as u64 + 1, "{arm}");
        for class in ["1xx", "2xx", "3xx", "4xx", "5xx"] {
            let ours = cases
                .iter()
                .filter(|case| case.0 == unit && case.2 == class);
            let reset = u64::from(arm == "stable" && class == "5xx");
            let labels = format!(";arm={arm};class={class}");
            let counted = world.count("responses_total", &labels);
            assert_eq!(counted, ours.count() as u64 + reset, "{arm} {class}");
        }
    }
}

#[test]
fn gauges_tell_generation_share_and_kill() {
    let world = World::new(&controlled(
        json!({"generation": 4, "ramp": {"percent": 12.5}}),
    ));
    let gauge = |name: &str| world.gauge(&format!("breakglass_{name};rollout={ROLLOUT}"));
    assert_eq!(
        (gauge("generation"), gauge("canary_ppm"), gauge("killed")),
        (4, 125_000, 0)
    );
    world.order(&crate::world::kill(5, "rollback", "drain"));
    world.tick();
    assert_eq!(
        (gauge("generation"), gauge("canary_ppm"), gauge("killed")),
        (5, 0, 1)
    );
}

#[test]
fn names_are_few_and_known() {
    let world = World::new(&controlled(json!({"generation": 1})));
    world.get(0, "u");
    world.send(0, of_unit("u"), More).request_body("x", Last);
    world.order(&crate::world::kill(2, "rollback", "drain"));
    let unknown = world.metric_names().into_iter().filter(|(kind, name)| {
        let base = name.split(';').next().unwrap_or_default();
        let counters = [
            "breakglass_requests_total",
            "breakglass_responses_total",
            "breakglass_killed_streams_total",
            "breakglass_blocked_total",
            "breakglass_keyless_total",
            "breakglass_held_bytes_total",
            "breakglass_orders_total",
            "breakglass_config_rejected_total",
            "breakglass_state_changes_total",
        ];
        let gauges = [
            "breakglass_generation",
            "breakglass_canary_ppm",
            "breakglass_killed",
        ];
        match kind {
            MetricKind::Counter => !counters.contains(&base),
            MetricKind::Gauge => !gauges.contains(&base),
            MetricKind::Histogram => true,
        }
    });
    assert_eq!(unknown.collect::<Vec<_>>(), []);
    let vm = world.worker(0).vms();
    assert!(
        vm[0].metric_ids <= world.metric_names().len(),
        "defined again: {vm:?}"
    );
}

#[test]
fn an_open_stream_is_counted_once_however_long_it_is() {
    let world = World::new(&crate::world::all_canary());
    let mut stream = world.events(0, "u");
    for n in 0..50 {
        stream.response_body(format!("data: {n}\n\n"), More);
        world.tick();
    }
    stream.response_body("data: [DONE]\n\n", Last);
    assert_eq!(world.requests("canary"), 1);
    assert_eq!(world.count("responses_total", ";arm=canary;class=2xx"), 1);
    assert_eq!(world.killed_streams(), 0);
}
