//! Local replies and resets.

use breakglass_host_tests::{Effects, Last, More, Reset};

use crate::{OK, get, said, serve, serve_as};

#[test]
fn a_reply_at_request_headers_passes_through_the_filter() {
    let (proxy, plugin) = serve("reply");
    let stream = get(&proxy, &plugin, ("x-when", "q"), More);
    let effects = stream.finish();
    assert_eq!(effects.upstream, None);
    assert_teapot(&effects);
    assert_eq!(
        said(&proxy),
        [
            "response headers 1",
            "response body 15",
            "log 0",
            "done 0",
            "delete 0"
        ]
    );
}

#[test]
fn a_reply_at_the_request_body_leaves_the_upstream_without_an_end() {
    let (proxy, plugin) = serve("reply");
    let mut stream = get(&proxy, &plugin, ("x-when", "b"), More);
    assert_eq!(stream.request_body("secret", Last), b"");
    let effects = stream.finish();
    assert_teapot(&effects);
    let upstream = effects.upstream.expect("the headers had gone on");
    assert!(upstream.chunks.is_empty() && !upstream.ended);
}

#[test]
fn a_reply_at_response_headers_passes_by_the_filter() {
    let (proxy, plugin) = serve("reply");
    let mut stream = get(&proxy, &plugin, ("x-when", "h"), Last);
    stream.response([(":status", "200"), ("x-secret", "1")], More);
    assert_eq!(stream.response_body("late", Last), b"");
    let effects = stream.finish();
    assert_teapot(&effects);
    assert!(!effects.client.headers.has("x-secret"));
    assert_eq!(
        said(&proxy),
        ["response headers 1", "log 0", "done 0", "delete 0"]
    );
}

#[test]
fn a_reply_after_response_headers_is_a_reset() {
    let (proxy, plugin) = serve("reply");
    let mut stream = get(&proxy, &plugin, ("x-when", "r"), Last);
    stream.response(OK, More);
    assert_eq!(stream.response_body("secret", More), b"");
    assert!(stream.is_over());
    let effects = stream.finish();
    assert_eq!(effects.client.status(), 200);
    assert!(effects.client.chunks.is_empty() && !effects.client.ended);
    assert!(matches!(effects.reset, Some(Reset::LateReply(reply)) if reply.status == 418));
}

#[test]
fn a_close_takes_effect_before_the_chunk_goes_on() {
    let (proxy, plugin) = serve("reply");
    let mut stream = get(&proxy, &plugin, ("x-when", "c"), Last);
    stream.response(OK, More);
    assert_eq!(stream.response_body("secret", More), b"");
    assert_eq!(stream.response_body("more", Last), b"");
    let effects = stream.finish();
    assert_eq!(effects.reset, Some(Reset::Filter));
    assert_eq!(
        said(&proxy)[1..],
        ["response body 6", "log 0", "done 0", "delete 0"]
    );
}

#[test]
fn a_tick_can_answer_a_stream_that_waits() {
    let (proxy, plugin) = serve_as("pause", breakglass_host_tests::Profile::envoy(), "a");
    let stream = get(&proxy, &plugin, ("a", "b"), Last);
    assert!(!stream.is_over());
    proxy.advance(std::time::Duration::from_secs(1));
    let effects = stream.finish();
    assert_eq!(effects.client.status(), 503);
    assert!(effects.client.ended && effects.client.chunks.is_empty());
    assert_eq!(
        effects.local_reply.map(|reply| reply.details).as_deref(),
        Some("late")
    );
}

#[test]
fn the_reply_to_a_head_request_has_no_body() {
    let (proxy, plugin) = serve("reply");
    let mut stream = proxy.worker(0).open(&plugin);
    stream.request([(":method", "HEAD"), (":path", "/"), ("x-when", "q")], Last);
    let client = stream.finish().client;
    assert_eq!((client.status(), client.text().as_str()), (418, ""));
    assert_eq!(client.headers.text("content-length").as_deref(), Some("15"));
    assert!(client.ended);
}

#[test]
fn a_client_that_leaves_ends_the_stream_in_the_guest() {
    let (proxy, plugin) = serve("reply");
    let stream = get(&proxy, &plugin, ("a", "b"), More);
    assert_eq!(stream.finish().reset, Some(Reset::Client));
    assert_eq!(said(&proxy), ["log 0", "done 0", "delete 0"]);
    assert_eq!(proxy.worker(0).vms()[0].streams, 0);
}

fn assert_teapot(effects: &Effects) {
    let client = &effects.client;
    assert_eq!(
        (client.status(), client.text().as_str()),
        (418, "short and stout")
    );
    let header = |name| client.headers.text(name);
    assert_eq!(header("x-tea").as_deref(), Some("yes"));
    assert_eq!(header("content-length").as_deref(), Some("15"));
    assert_eq!(header("content-type").as_deref(), Some("text/plain"));
    assert!(client.ended);
    assert_eq!(effects.reset, None);
    let reply = effects
        .local_reply
        .as_ref()
        .expect("there was a local reply");
    assert_eq!(
        (reply.details.as_str(), reply.delivered),
        ("a_teapot", true)
    );
}
