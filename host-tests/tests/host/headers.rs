//! Headers, phases and properties.

use breakglass_host_tests::{Last, More};

use crate::{OK, get, said, serve};

#[test]
fn changes_reach_the_peers_and_nothing_else_does() {
    let (proxy, plugin) = serve("route");
    let mut stream = proxy.worker(0).open(&plugin);
    stream.request(
        [
            (":method", b"GET".as_slice()),
            (":path", b"/"),
            ("X-User", b"\xc3\x28"),
            ("x-arm", b"forged"),
            ("x-arm", b"twice"),
        ],
        Last,
    );
    let upstream = stream.upstream().expect("the request went on");
    assert!(upstream.ended);
    assert_eq!(upstream.headers.get("x-unit"), Some(&b"\xc3\x28"[..]));
    assert!(!upstream.headers.has("x-arm"));
    stream.response(OK, Last);
    let effects = stream.finish();
    assert_eq!(
        effects.client.headers.text("x-version").as_deref(),
        Some("canary")
    );
    assert_eq!(
        effects.filter_state_text("wasm.breakglass").as_deref(),
        Some("canary")
    );
    assert_eq!(effects.reset, None);
    assert_eq!(proxy.counter("requests"), 1);
    assert_eq!(proxy.complaints(), [""; 0]);
}

#[test]
fn header_maps_are_gone_once_continued_and_back_for_the_log() {
    let (proxy, plugin) = serve("phases");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    stream.request_body("x", More);
    stream.request_trailers([("t", "1")]);
    stream.response(OK, Last);
    assert_eq!(
        said(&proxy),
        [
            "missing value 1",
            "configuration later 1",
            "value in body 2",
            "pairs in body 0",
            "set in body 2",
            "body read in trailers 0",
            "body write in trailers 2",
            "value in log 0",
            "set in log 2",
        ]
    );
    let upstream = stream.finish().upstream.expect("the request went on");
    assert_eq!(upstream.text(), "x");
    assert_eq!(upstream.headers.text(":path").as_deref(), Some("/"));
    assert_eq!(
        upstream.trailers.and_then(|t| t.text("t")).as_deref(),
        Some("1")
    );
}

#[test]
fn paused_headers_hold_the_body_until_continued() {
    let (proxy, plugin) = serve("pause");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    stream.request_body("one", More);
    stream.request_body("two", Last);
    assert_eq!(stream.upstream(), None);
    assert_eq!(said(&proxy), [""; 0]);
    proxy.advance(std::time::Duration::from_secs(1));
    assert_eq!(said(&proxy), ["body 6"]);
    let upstream = stream.upstream().expect("the tick continued the request");
    assert_eq!(upstream.text(), "onetwo");
    assert!(upstream.ended);
}

#[test]
fn with_stop_iteration_allowed_paused_headers_let_the_body_through_to_the_filter() {
    let (proxy, _) = serve("pause");
    let plugin = proxy
        .plugin("early bodies")
        .vm_id("vm")
        .allow_on_headers_stop_iteration()
        .configure("")
        .expect("the guest takes its configuration");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    assert_eq!(stream.upstream(), None);
    assert_eq!(stream.request_body("one", More), b"one");
    assert_eq!(said(&proxy), ["body 3"]);
    let upstream = stream
        .upstream()
        .expect("a continued body takes the headers along");
    assert_eq!(upstream.headers.text(":path").as_deref(), Some("/"));
}
