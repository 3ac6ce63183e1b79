//! Orders that reach open streams: everything masked from now on, or cut while text is held.

use std::time::{Duration, SystemTime};

use breakglass_examples::stack::{InFlight, Kill};
use breakglass_redact::Format;
use serde_json::{Value, json};

use super::visible::text_of;
use super::{CHAT_END, Scene, chat_event, policy};
use crate::policy::ROLLOUT;
use crate::wire::{End, Wire};

const MAIL: &str = "jane.roe@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_masks_everything_in_streams_that_are_open() {
    // No redaction at all, one that only counts, and one that masks something else.
    for redaction in [
        json!({}),
        json!({"response": {"*": "count"}}),
        json!({"response": {"CREDIT_CARD": "mask"}}),
    ] {
        let mut scene = Scene::start(redaction.clone()).await;
        let (mut early, mut early_call) = scene.open(Format::Sse);
        let (mut torn, mut torn_call) = scene.open(Format::Sse);
        let (mut lines, mut lines_call) = scene.open(Format::NdJson);
        let (mut text, mut text_call) = scene.open(Format::Text);
        let event = chat_event(&format!("ask {MAIL} now. "));
        for (wire, call) in [(&mut early, &mut early_call), (&mut torn, &mut torn_call)] {
            let news = scene.step(wire, call, event.as_bytes());
            assert_eq!(text_of(&news), format!("ask {MAIL} now. "), "{redaction}");
        }
        // In the middle of an event when the order comes.
        let (half, rest) = event.split_at(event.find("ask").unwrap());
        scene.step(&mut torn, &mut torn_call, half.as_bytes());
        scene.step(&mut lines, &mut lines_call, b"{\"a\":1}\n");
        scene.step(&mut text, &mut text_call, b"so ");

        order(&scene, json!({"generation": 2, "redaction": "mask_all"})).await;
        let news = scene.step(&mut early, &mut early_call, event.as_bytes());
        assert_eq!(
            text_of(&news),
            "ask [EMAIL_ADDRESS] now. ",
            "{redaction}: {news}"
        );
        let news = scene.step(&mut torn, &mut torn_call, rest.as_bytes());
        assert!(!news.contains("jane"), "{redaction}: {news}");
        let news = scene.step(&mut torn, &mut torn_call, event.as_bytes());
        assert_eq!(
            text_of(&news),
            "ask [EMAIL_ADDRESS] now. ",
            "{redaction}: {news}"
        );
        let line = format!("{{\"a\":\"{MAIL}\"}}\n");
        let news = scene.step(&mut lines, &mut lines_call, line.as_bytes());
        assert_eq!(news, "{\"a\":\"[EMAIL_ADDRESS]\"}\n", "{redaction}");
        let news = scene.step(
            &mut text,
            &mut text_call,
            format!("ask {MAIL} now ").as_bytes(),
        );
        assert_eq!(news, "ask [EMAIL_ADDRESS] now ", "{redaction}");
        // New ones too, of any kind.
        let (mut wire, mut call) = scene.open(Format::Json);
        let news = scene.step(&mut wire, &mut call, line.as_bytes());
        assert_eq!(news, "{\"a\":\"[EMAIL_ADDRESS]\"}\n", "{redaction}");

        // An order alone does not undo it; a policy with a newer control does.
        let answer = scene
            .edge
            .operator()
            .order(&json!({"rollout": ROLLOUT, "generation": 3, "redaction": null}))
            .await
            .unwrap();
        assert_eq!(answer.status, 403, "{}", answer.text());
        scene.edge.push(&policy(3, &redaction)).await;
        // What was strict once stays so to its end; what begins now is as the policy says.
        let news = scene.step(&mut early, &mut early_call, event.as_bytes());
        assert_eq!(
            text_of(&news),
            "ask [EMAIL_ADDRESS] now. ",
            "{redaction}: {news}"
        );
        let (mut late, mut late_call) = scene.open(Format::Sse);
        let news = scene.step(&mut late, &mut late_call, event.as_bytes());
        assert_eq!(
            text_of(&news),
            format!("ask {MAIL} now. "),
            "{redaction}: {news}"
        );

        for (mut wire, mut call) in [(early, early_call), (torn, torn_call)] {
            scene.step(&mut wire, &mut call, CHAT_END.as_bytes());
            call.end();
            assert_eq!(wire.end(), End::Whole, "{redaction}");
            assert!(
                wire.text().ends_with(CHAT_END),
                "{redaction}: {}",
                wire.text()
            );
            assert_eq!(
                wire.text().matches("\n\n").count(),
                wire.text().matches("data: ").count(),
                "{redaction}: an event is torn: {}",
                wire.text()
            );
        }
        scene.edge.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_order_masks_stays_masked_when_the_lease_lapses() {
    let mut scene = Scene::start(json!({})).await;
    let (mut open, mut call) = scene.open(Format::Sse);
    scene.step(&mut open, &mut call, chat_event("so ").as_bytes());
    let at = SystemTime::now() + Duration::from_millis(700);
    let not_after = humantime::format_rfc3339_millis(at).to_string();
    order(
        &scene,
        json!({"generation": 2, "redaction": "mask_all", "not_after": not_after}),
    )
    .await;
    let masked = |scene: &mut Scene, open: &mut Wire, call: &mut crate::upstream::Call| {
        let event = chat_event(&format!("ask {MAIL} now. "));
        let news = scene.step(open, call, event.as_bytes());
        assert_eq!(text_of(&news), "ask [EMAIL_ADDRESS] now. ", "{news}");
    };
    masked(&mut scene, &mut open, &mut call);
    while SystemTime::now() <= at + Duration::from_millis(50) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    masked(&mut scene, &mut open, &mut call);
    let (mut wire, mut late) = scene.open(Format::Sse);
    masked(&mut scene, &mut wire, &mut late);
    assert_eq!(scene.edge.control().await["redaction"], "mask_all");
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_when_a_kill_cuts_never_leaves() {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    let (mut events, mut events_call) = scene.open(Format::Sse);
    scene.step(
        &mut events,
        &mut events_call,
        chat_event("ask jane.roe@exam").as_bytes(),
    );
    let (mut torn, mut torn_call) = scene.open(Format::Sse);
    let event = chat_event("ask jane.roe@exam");
    scene.step(
        &mut torn,
        &mut torn_call,
        event.strip_suffix("\n\n").unwrap().as_bytes(),
    );
    let (mut text, mut text_call) = scene.open(Format::Text);
    let news = scene.step(&mut text, &mut text_call, b"ask jane.roe@exam");
    assert_eq!(news, "ask ");

    let answer = scene
        .edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Block, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What has no events is reset without a word; the streams end with their next chunk.
    assert_eq!(text.end(), End::Broken, "{}", text.shown());
    assert_eq!(text.text(), "ask ");
    text_call.assert_dropped();
    for (mut wire, mut call) in [(events, events_call), (torn, torn_call)] {
        call.write(b"\n\n");
        call.write(chat_event("ple.com ").as_bytes());
        wire.end();
        let seen = wire.text();
        assert!(!wire.shown().contains("jane"), "{seen}");
        let last: Vec<&str> = seen.split_inclusive("\n\n").collect();
        let [before @ .., error, done] = last.as_slice() else {
            panic!("{seen}");
        };
        assert_eq!(*done, "data: [DONE]\n\n", "{seen}");
        let error = error.strip_prefix("event: error\ndata: ").expect(&seen);
        let error: Value = serde_json::from_str(error).expect("JSON");
        assert_eq!(error["error"]["code"], "breakglass_killed");
        let whole = before.iter().all(|event| {
            let json = event.strip_prefix("data: ").unwrap_or_default();
            serde_json::from_str::<Value>(json).is_ok()
        });
        assert!(whole, "an event before it is torn: {seen}");
        call.assert_dropped();
    }
    scene.edge.finish().await;
}

/// Carries out an order that must be taken.
async fn order(scene: &Scene, mut order: Value) {
    order["rollout"] = ROLLOUT.into();
    let answer = scene.edge.operator().order(&order).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}
