//! What a filter can do to the body of an answer outside of its callback: the reason why text that is
//! held back leaves with the next chunk, and not on a tick.

use serde_json::json;
use tempfile::TempDir;

use crate::edge::{Edge, eventually, options};
use crate::listeners;
use crate::policy::{PATH, policy_with, ramp};
use crate::redaction::{ON_CANARY, head, overlay};
use crate::upstream::Upstream;
use crate::wire::{End, Wire};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_written_behind_what_has_passed() {
    let (status, text) = answer(0).await;
    // 2 is "bad argument": there is no buffer.
    assert_eq!((status.as_str(), text.as_str()), ("02", "one two"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_chunk_that_is_kept_back_whole_can_be_changed_later() {
    let (status, text) = answer(1).await;
    assert_eq!(status, "00", "{text}");
    // The rest may have come before or behind a tick.
    assert!(
        text.starts_with("TICKone ") && text.ends_with("two"),
        "{text}"
    );
}

/// The status of the call, and what the client reads, if the body's callback returns this.
async fn answer(verdict: u32) -> (String, String) {
    let files = TempDir::new().unwrap();
    let guest = files.path().join("tick.wasm");
    let source = include_str!("tick.wat").replace(
        "$verdict i32 (i32.const 0)",
        &format!("$verdict i32 (i32.const {verdict})"),
    );
    std::fs::write(&guest, wat::parse_str(source).unwrap()).unwrap();
    let upstream = Upstream::start();
    let arm = |number: u32| json!({"version": format!("prompt-v{number}"), "cluster": "scripted"});
    let arms = json!({"arms": {"stable": arm(41), "canary": arm(42)}});
    let mut options = options(policy_with(ramp(1, 0), arms));
    options.workers = 1;
    options.arguments = vec![
        "--config-yaml".into(),
        overlay(upstream.addr().port(), false).to_string(),
    ];
    let filter = listeners::wasm_filter("tick", guest.to_str().unwrap(), "FAIL_CLOSED");
    options
        .listeners
        .push(listeners::tcp("ticks", &[], &[filter]));
    let edge = Edge::start_with(options).await;
    let addr = edge.listener("ticks").expect("the listener");
    let mut wire = Wire::send(addr, &head(ON_CANARY, "", 2), b"{}");
    let mut call = upstream.next();
    assert_eq!(call.path(), PATH);
    call.begin(200, &[("content-type", "text/plain")]);
    call.write(b"one ");
    let told = || {
        let log = edge.log();
        let (_, rest) = log.split_once("from a tick: status ")?;
        Some(rest[..2].to_owned())
    };
    eventually("the filter has tried", || told().is_some()).await;
    call.write(b"two");
    call.end();
    assert_eq!(wire.end(), End::Whole);
    (told().expect("a status"), wire.text())
}
