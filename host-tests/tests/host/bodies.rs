//! Bodies: chunk by chunk, held back, too large.

use breakglass_host_tests::{
    Last, More, Proxy, REQUEST_TOO_LARGE_DETAILS, RESPONSE_TOO_LARGE_DETAILS, Reset,
};

use crate::{OK, get, guest, said, serve};

#[test]
fn each_write_is_replaced_as_it_comes() {
    let (proxy, plugin) = serve("rewrite");
    let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
    stream.response(OK, More);
    assert_eq!(stream.response_body("one", More), b"[chunk]");
    assert_eq!(stream.response_body("", More), b"[chunk]");
    assert_eq!(stream.response_body("three", Last), b"[end]");
    let client = stream.finish().client;
    assert_eq!(client.chunks.len(), 3);
    assert_eq!(
        client.trailers.and_then(|t| t.text("x-sum")).as_deref(),
        Some("[end]")
    );
    assert!(client.ended);
}

#[test]
fn an_empty_replacement_sends_nothing() {
    let (proxy, plugin) = serve("rewrite");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    assert_eq!(stream.request_body("gone", More), b"");
    assert_eq!(stream.request_body("kept", Last), b"kept");
    let upstream = stream.upstream().expect("the request went on");
    assert_eq!(upstream.chunks, [b"kept"]);
}

#[test]
fn a_paused_body_comes_together_and_goes_at_once() {
    let (proxy, plugin) = serve("buffer");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    assert_eq!(stream.request_body("one", More), b"");
    assert_eq!(stream.request_body("two", More), b"");
    assert_eq!(stream.request_body("!", Last), b"all:onetwo!");
    stream.response(OK, More);
    assert_eq!(stream.response_body("a", More), b"");
    assert_eq!(stream.client().headers.len(), 1);
    assert_eq!(stream.response_body("b", Last), b"all:ab");
    assert_eq!(
        said(&proxy),
        [
            "request body 3",
            "request body 6",
            "request body 7",
            "response body 1",
            "response body 2",
        ]
    );
}

#[test]
fn trailers_let_a_held_body_go_and_can_still_see_it() {
    let (proxy, plugin) = serve("buffer");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    stream.request_body("held", More);
    stream.request_trailers([("t", "1")]);
    assert_eq!(said(&proxy), ["request body 4", "body in trailers 4"]);
    let upstream = stream.upstream().expect("the request went on");
    assert_eq!(upstream.text(), "held");
    assert!(upstream.trailers.is_some());
    assert!(upstream.ended);
}

#[test]
fn writes_to_a_body_follow_envoys_three_cases() {
    let (proxy, plugin) = serve("ranges");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    assert_eq!(stream.request_body("abcdef", More), b"XcdefY");
    assert_eq!(
        said(&proxy),
        [
            "front 0",
            "back 0",
            "middle 2",
            "overflow 2",
            "no such buffer 2",
            "long read 4",
        ]
    );
}

#[test]
fn a_read_behind_the_end_of_a_body_is_reported() {
    let (proxy, plugin) = serve("ranges");
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    stream.request_body("!", More);
    let traps = proxy.traps();
    assert!(traps[0].message.contains("from 1000 on"), "{traps:?}");
}

#[test]
fn a_held_request_that_outgrows_the_buffer_gets_413() {
    let (proxy, plugin) = small_buffers();
    let mut stream = get(&proxy, &plugin, ("a", "b"), More);
    stream.request_body("12345678", More);
    assert!(!stream.is_over());
    stream.request_body("9", More);
    let effects = stream.finish();
    assert_eq!(effects.client.status(), 413);
    let upstream = effects.upstream.expect("the headers had gone on");
    assert!(upstream.chunks.is_empty() && !upstream.ended);
    let reply = effects.local_reply.expect("the host answered");
    assert_eq!(reply.details, REQUEST_TOO_LARGE_DETAILS);
}

#[test]
fn a_held_response_that_outgrows_the_buffer_is_reset_because_its_headers_are_out() {
    let (proxy, plugin) = small_buffers();
    let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
    stream.response(OK, More);
    assert_eq!(stream.response_body("123456789", More), b"");
    let effects = stream.finish();
    assert!(!effects.client.ended);
    let Some(Reset::LateReply(reply)) = effects.reset else {
        panic!("{effects:?}");
    };
    assert_eq!(reply.details, RESPONSE_TOO_LARGE_DETAILS);
    assert!(!reply.delivered);
}

#[test]
fn an_upstream_that_goes_away_early_is_a_503_and_later_a_reset() {
    let (proxy, plugin) = serve("route");
    let mut early = get(&proxy, &plugin, ("a", "b"), Last);
    early.upstream_reset();
    assert_eq!(early.finish().client.status(), 503);
    let mut late = get(&proxy, &plugin, ("a", "b"), Last);
    late.response(OK, More);
    late.upstream_reset();
    assert_eq!(late.finish().reset, Some(Reset::Upstream));
}

fn small_buffers() -> (Proxy, breakglass_host_tests::Plugin) {
    let proxy = Proxy::builder(guest("buffer")).buffer_limit(8).build();
    let plugin = proxy
        .plugin("buffer")
        .configure("")
        .expect("it takes anything");
    (proxy, plugin)
}
