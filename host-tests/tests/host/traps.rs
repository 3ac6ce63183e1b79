//! Guests that die, and what the proxy does for their streams.

use breakglass_host_tests::{
    FAIL_STREAM_DETAILS, FailurePolicy, Last, More, Plugin, Proxy, RELOAD_BACKOFF, Reset, Stream,
};

use crate::{OK, guest};

#[test]
fn a_panic_at_request_headers_is_a_503_and_the_vm_stays_dead() {
    let (proxy, plugin) = serve(FailurePolicy::Closed);
    let effects = request(&proxy, &plugin, "u").finish();
    assert_eq!(effects.client.status(), 503);
    let reply = effects.local_reply.expect("the host answered");
    assert_eq!(reply.details, FAIL_STREAM_DETAILS);
    assert_eq!(effects.upstream, None);
    assert!(proxy.worker(0).vms()[0].failed);
    proxy.advance(RELOAD_BACKOFF * 10);
    assert_eq!(request(&proxy, &plugin, "-").finish().client.status(), 503);
}

#[test]
fn the_trap_names_thread_callback_and_cause() {
    for (how, cause) in [("u", "unreachable"), ("s", "out of bounds")] {
        let (proxy, plugin) = serve(FailurePolicy::Closed);
        request(&proxy, &plugin, how);
        let traps = proxy.traps();
        assert_eq!(traps[0].callback, "proxy_on_request_headers");
        assert!(traps[0].message.contains(cause), "{traps:?}");
    }
}

#[test]
fn a_loop_without_end_is_ended() {
    let proxy = Proxy::builder(guest("trap")).fuel_limit(1_000_000).build();
    let plugin = proxy.plugin("p").configure("").expect("it takes anything");
    assert_eq!(request(&proxy, &plugin, "l").finish().client.status(), 503);
    let traps = proxy.traps();
    assert!(traps[0].message.contains("fuel"), "{traps:?}");
}

#[test]
fn a_panic_at_response_headers_replaces_the_response() {
    let (proxy, plugin) = serve(FailurePolicy::Closed);
    let mut stream = request(&proxy, &plugin, "p");
    stream.response([(":status", "200"), ("x-secret", "1")], Last);
    let client = stream.finish().client;
    assert_eq!(client.status(), 503);
    assert!(!client.headers.has("x-secret"));
}

#[test]
fn a_panic_at_the_response_body_resets_the_stream() {
    let (proxy, plugin) = serve(FailurePolicy::Closed);
    let mut stream = request(&proxy, &plugin, "b");
    stream.response(OK, More);
    assert_eq!(stream.response_body("x", More), b"");
    assert!(matches!(stream.finish().reset, Some(Reset::LateReply(_))));
}

#[test]
fn other_streams_of_the_vm_fall_with_it() {
    let (proxy, plugin) = serve(FailurePolicy::Closed);
    let mut bystander = request(&proxy, &plugin, "-");
    request(&proxy, &plugin, "u");
    bystander.response(OK, Last);
    assert_eq!(bystander.finish().client.status(), 503);
}

#[test]
fn other_workers_stand() {
    let proxy = Proxy::builder(guest("trap")).workers(2).build();
    let plugin = proxy.plugin("p").configure("").expect("it takes anything");
    request(&proxy, &plugin, "u");
    let mut stream = proxy.worker(1).open(&plugin);
    stream.request([(":path", "/")], Last);
    stream.response(OK, Last);
    assert_eq!(stream.finish().client.status(), 200);
}

#[test]
fn fail_open_lets_streams_pass() {
    let (proxy, plugin) = serve(FailurePolicy::Open);
    for how in ["u", "-"] {
        let mut stream = request(&proxy, &plugin, how);
        stream.response(OK, Last);
        assert_eq!(stream.finish().client.status(), 200);
    }
}

#[test]
fn fail_reload_brings_a_new_vm_after_the_back_off() {
    let (proxy, plugin) = serve(FailurePolicy::Reload);
    let mut witness = request(&proxy, &plugin, "-");
    request(&proxy, &plugin, "u");
    assert_eq!(request(&proxy, &plugin, "-").finish().client.status(), 503);
    proxy.advance(RELOAD_BACKOFF);
    let mut stream = request(&proxy, &plugin, "-");
    stream.response(OK, Last);
    assert_eq!(stream.finish().client.status(), 200);
    witness.response(OK, Last);
    assert_eq!(
        witness.finish().client.status(),
        503,
        "old streams stay on the dead VM"
    );
    let vms = proxy.worker(0).vms();
    assert_eq!((vms.len(), vms[0].failed), (1, false));
}

#[test]
fn a_reloaded_vm_waits_again_when_it_dies_again() {
    let (proxy, plugin) = serve(FailurePolicy::Reload);
    proxy.advance(RELOAD_BACKOFF);
    request(&proxy, &plugin, "u");
    request(&proxy, &plugin, "u");
    assert_eq!(proxy.traps().len(), 2, "the second one met a new VM");
    request(&proxy, &plugin, "u");
    assert_eq!(proxy.traps().len(), 2, "the third one came too early");
}

#[test]
fn instructions_are_counted_per_callback() {
    let proxy = Proxy::builder(guest("route")).count_fuel().build();
    let plugin = proxy.plugin("p").configure("").expect("it takes anything");
    let mut stream = request(&proxy, &plugin, "-");
    stream.response(OK, Last);
    let fuel = stream.finish().fuel;
    let callbacks: Vec<_> = fuel.iter().map(|(callback, _)| *callback).collect();
    assert_eq!(
        callbacks,
        ["proxy_on_request_headers", "proxy_on_response_headers"]
    );
    assert!(
        fuel.iter().all(|(_, used)| (1..1000).contains(used)),
        "{fuel:?}"
    );
}

fn serve(policy: FailurePolicy) -> (Proxy, Plugin) {
    let proxy = Proxy::builder(guest("trap")).build();
    let plugin = proxy.plugin("p").failure_policy(policy);
    let plugin = plugin.configure("").expect("it takes anything");
    (proxy, plugin)
}

fn request(proxy: &Proxy, plugin: &Plugin, how: &str) -> Stream {
    crate::get(proxy, plugin, ("x-trap", how), Last)
}
