//! Hosts that differ from Envoy.

use std::time::Duration;

use breakglass_host_tests::{
    Effects, Last, More, Profile, Proxy, SERVICE_EXTENSIONS_CHUNK_BYTES,
    SERVICE_EXTENSIONS_MEMORY_BYTES,
};

use crate::{OK, get, guest, said, serve_as};

#[test]
fn shared_data_metrics_and_ticks_by_host() {
    let works = ["shared get 1", "shared set 0", "define metric 0", "tick 0"];
    let missing = [
        "shared get 12",
        "shared set 12",
        "define metric 12",
        "tick 12",
    ];
    for (profile, expected) in [
        (Profile::envoy(), works),
        (Profile::kong(), works),
        (Profile::service_extensions(), missing),
        (Profile::apisix(), missing),
    ] {
        let name = profile.name;
        let (proxy, _plugin) = serve_as("differences", profile, "e");
        assert_eq!(said(&proxy)[..4], expected, "{name}");
    }
}

#[test]
fn a_second_tick_period_traps_on_kong_only_even_to_stop() {
    for profile in Profile::all() {
        let name = profile.name;
        let proxy = Proxy::builder(guest("differences"))
            .profile(profile)
            .build();
        let outcome = proxy.plugin("p").configure("t");
        assert_eq!(outcome.is_err(), name == "kong", "{name}");
    }
}

#[test]
fn foreign_functions_by_host() {
    for (profile, unknown, clear) in [
        (Profile::envoy(), Some("foreign 1"), Some("foreign 0")),
        (
            Profile::service_extensions(),
            Some("foreign 1"),
            Some("foreign 0"),
        ),
        (Profile::apisix(), Some("foreign 12"), Some("foreign 12")),
        (Profile::kong(), None, None),
    ] {
        for (config, expected) in [("f", unknown), ("r", clear)] {
            let (proxy, plugin) = serve_as("differences", profile.clone(), config);
            get(&proxy, &plugin, ("a", "b"), Last);
            assert_eq!(
                said(&proxy).first().map(String::as_str),
                expected,
                "{}",
                profile.name
            );
            assert_eq!(
                proxy.traps().is_empty(),
                expected.is_some(),
                "{}",
                profile.name
            );
        }
    }
}

#[test]
fn clear_route_cache_is_an_effect_on_envoy() {
    let (proxy, plugin) = serve_as("differences", Profile::envoy(), "r");
    let stream = get(&proxy, &plugin, ("a", "b"), Last);
    assert_eq!(stream.finish().route_cache_clears, 1);
}

#[test]
fn headers_in_the_wrong_phase_trap_on_kong_only() {
    for profile in Profile::all() {
        let name = profile.name;
        let (proxy, _) = respond(profile, "p", "x");
        let said = said(&proxy);
        match name {
            "kong" => assert!(proxy.traps()[0].message.contains("not there"), "{name}"),
            _ => assert!(said.contains(&"phase 2".to_owned()), "{name}: {said:?}"),
        }
    }
}

#[test]
fn bodies_by_host() {
    for (profile, expected) in [
        (Profile::envoy(), "[x][x]onetwo"),
        (Profile::kong(), "[x][x]onetwo"),
        (Profile::service_extensions(), "[x]one[x]two"),
        (Profile::apisix(), "onetwo"),
    ] {
        let name = profile.name;
        let (proxy, plugin) = serve_as("differences", profile, "");
        let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
        stream.response(OK, More);
        stream.response_body("one", More);
        stream.response_body("two", Last);
        assert_eq!(stream.finish().client.text(), expected, "{name}");
    }
}

#[test]
fn service_extensions_cut_large_writes() {
    let body = "x".repeat(SERVICE_EXTENSIONS_CHUNK_BYTES + 1);
    let (_, effects) = respond(Profile::service_extensions(), "", &body);
    let sizes: Vec<_> = effects.client.chunks.iter().map(Vec::len).collect();
    let mark = "[x]".len();
    assert_eq!(sizes, [SERVICE_EXTENSIONS_CHUNK_BYTES + mark, 1 + mark]);
}

#[test]
fn the_clock_stands_still_in_a_stream_on_service_extensions() {
    let start = "seconds 1795464000";
    let later = "seconds 1795464060";
    for (profile, opened_before) in [
        (Profile::envoy(), later),
        (Profile::service_extensions(), start),
    ] {
        let (proxy, plugin) = serve_as("differences", profile, "");
        let mut early = proxy.worker(0).open(&plugin);
        proxy.advance(Duration::from_secs(60));
        early.request([(":path", "/")], Last);
        get(&proxy, &plugin, ("a", "b"), Last);
        assert_eq!(said(&proxy), [opened_before, later]);
    }
}

#[test]
fn service_extensions_limit_memory() {
    let (proxy, plugin) = serve_as("memory", Profile::service_extensions(), "");
    for _ in 0..20 {
        get(&proxy, &plugin, ("a", "b"), Last);
    }
    let refused = said(&proxy).iter().filter(|line| *line == "grow 1").count();
    assert_eq!(refused, 20 - 15, "two pages are taken from the start");
    let bytes = proxy.worker(0).vms()[0].memory_bytes;
    assert!(bytes <= SERVICE_EXTENSIONS_MEMORY_BYTES, "{bytes}");
}

fn respond(profile: Profile, config: &str, body: &str) -> (Proxy, Effects) {
    let (proxy, plugin) = serve_as("differences", profile, config);
    let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
    stream.response(OK, More);
    stream.response_body(body, Last);
    (proxy, stream.finish())
}
