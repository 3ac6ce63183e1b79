//! `mask_all`: the switch that masks everything at once, in open streams and on both arms.

use breakglass_host_tests::{Last, More, Reset, Stream};
use serde_json::{Value, json};

use crate::{
    redaction::{
        EVENTS, JSON, MAIL, MASKED, TEXT, answer, ask, begin, content, delta, found, mask_all,
        post, redacting,
    },
    sse,
    world::{ROLLOUT, VM_ID, World, all_canary, beside_another, controlled, with},
};

/// Redactions of a policy that let [`MAIL`] pass.
fn lax() -> [Value; 4] {
    [
        json!({}),
        json!({"response": {"*": "count"}, "request": {"*": "count"}}),
        json!({"response": {"US_SSN": "mask"}, "request": {"US_SSN": "mask"}}),
        json!({"response": {"EMAIL_ADDRESS": "count", "*": "mask"}, "request": {"EMAIL_ADDRESS": "count"}}),
    ]
}

fn mail() -> String {
    delta(&format!("write to {MAIL} now "))
}

/// What the client got of a chat since it had `before` bytes.
fn since(stream: &Stream, before: usize) -> String {
    let body = stream.client().body();
    content(&String::from_utf8_lossy(&body[before..]))
}

fn assert_masks(world: &World, told: &str) {
    for worker in [0, 1] {
        let mut stream = world.get(worker, "u");
        stream.response([(":status", "200"), ("content-type", TEXT)], More);
        stream.response_body(MAIL, Last);
        assert_eq!(stream.client().text(), MASKED, "{told}");
    }
    let upstream = ask(world, JSON, &[format!("{{\"a\":\"{MAIL}\"}}")]).upstream();
    assert_eq!(
        upstream.expect("routed").text(),
        format!("{{\"a\":\"{MASKED}\"}}"),
        "{told}"
    );
}

fn assert_lax(world: &World, told: &str) {
    assert_eq!(answer(world, TEXT, &[MAIL]).client.text(), MAIL, "{told}");
    let upstream = ask(world, TEXT, &[MAIL]).upstream().expect("routed");
    assert_eq!(upstream.text(), MAIL, "{told}");
}

#[test]
fn an_order_masks_open_streams_of_both_arms_from_the_next_chunk() {
    for redaction in lax() {
        let world = World::new(&redacting(redaction.clone()));
        let mut open: Vec<_> = ["u", "vip"]
            .map(|unit| begin(&world, unit, EVENTS, &[]))
            .into();
        for stream in &mut open {
            stream.response_body(mail(), More);
        }
        drop(world.post(1, &mask_all(2)));
        for stream in &mut open {
            let before = stream.client().body().len();
            stream.response_body(mail(), More);
            stream.response_body("data: [DONE]\n\n", Last);
            assert_eq!(
                since(stream, before).trim(),
                format!("write to {MASKED} now"),
                "{redaction}"
            );
            assert!(stream.client().ended && stream.effects().reset.is_none());
        }
        for arm in ["canary", "stable"] {
            assert_eq!(
                found(&world, arm, "EMAIL_ADDRESS", "response", "mask"),
                1,
                "{redaction} {arm}"
            );
        }
        assert_masks(&world, "afterwards");
    }
}

#[test]
fn an_order_holds_in_the_next_chunk_on_every_worker_without_a_tick() {
    let world = World::with_workers(4, &redacting(json!({})));
    let mut open: Vec<_> = (0..4).map(|worker| world.events(worker, "u")).collect();
    let call = world.post(2, &mask_all(2));
    for (worker, stream) in open.iter_mut().enumerate() {
        stream.response_body(mail(), More);
        let text = stream.client().text();
        assert!(!text.contains("jo@"), "worker {worker}: {text}");
    }
    assert!(!call.is_over(), "nobody has acknowledged yet");
    assert_eq!(
        world.wait(&call).body["workers"]["in_force"],
        5,
        "four and main"
    );
}

#[test]
fn a_switch_in_the_middle_of_an_event_masks_the_rest_of_it() {
    for redaction in lax() {
        let event = mail();
        let at = event.find(MAIL).expect("it is there");
        for cut in [1, 6, 20, at - 9, at - 1, at] {
            let world = World::new(&redacting(redaction.clone()));
            let mut stream = begin(&world, "u", EVENTS, &[]);
            stream.response_body(&event[..cut], More);
            drop(world.post(1, &mask_all(2)));
            stream.response_body(&event[cut..], More);
            stream.response_body(mail(), More);
            stream.response_body("data: [DONE]\n\n", Last);
            let text = stream.client().text();
            assert!(!text.contains(MAIL), "{redaction}, cut at {cut}: {text}");
            let (events, between) = sse::read(text.as_bytes());
            assert!(between, "{redaction}, cut at {cut}: {text}");
            let Some(([done], events)) = events.split_last_chunk::<1>().map(|(a, b)| (b, a)) else {
                panic!("{text}");
            };
            assert_eq!(done.data, "[DONE]", "{redaction}, cut at {cut}: {text}");
            for event in events {
                let event: Result<Value, _> = serde_json::from_str(&event.data);
                assert!(event.is_ok(), "{redaction}, cut at {cut}: {text}");
            }
            assert_eq!(
                text.matches(MASKED).count(),
                2,
                "{redaction}, cut at {cut}: {text}"
            );
        }
    }
}

#[test]
fn bodies_under_way_that_are_scanned_are_masked_from_the_next_chunk() {
    for redaction in lax().into_iter().skip(1) {
        let world = World::new(&redacting(redaction.clone()));
        let mut answers = [
            begin(&world, "u", JSON, &[]),
            begin(&world, "vip", TEXT, &[]),
        ];
        let mut asked = post(&world, "u", JSON, &[]);
        let first = format!("{{\"a\": \"{MAIL}\", ");
        for stream in &mut answers {
            stream.response_body(&first, More);
        }
        asked.request_body(&first, More);
        drop(world.post(1, &mask_all(2)));
        let second = format!("\"b\": \"{MAIL}\"}}");
        for stream in &mut answers {
            stream.response_body(&second, Last);
        }
        asked.request_body(&second, Last);
        let expected = format!("{first}\"b\": \"{MASKED}\"}}");
        for stream in &answers {
            assert_eq!(stream.client().text(), expected, "{redaction}");
        }
        assert_eq!(
            asked.upstream().expect("routed").text(),
            expected,
            "{redaction}"
        );
    }
}

#[test]
fn a_switch_in_the_middle_of_a_string_leaves_the_document_whole() {
    let body = format!(
        "{{\"a\": \"one {MAIL}, two \\\"{MAIL}\\\" \\u00e9\", \"b\": [\"{MAIL}\"], \"c\": 1.50}}"
    );
    for at in 1..body.len() {
        let world = World::with_workers(1, &redacting(json!({"response": {"*": "count"}})));
        let mut stream = begin(&world, "u", JSON, &[]);
        stream.response_body(&body[..at], More);
        drop(world.post(0, &mask_all(2)));
        stream.response_body(&body[at..], Last);
        let text = stream.client().text();
        let json: Result<Value, _> = serde_json::from_str(&text);
        assert!(json.is_ok(), "at {at}: {text}");
        let (old, new) = text.split_at(at);
        assert_eq!(old, &body[..at], "what has left has left");
        assert!(!new.contains(MAIL), "at {at}: {text}");
    }
}

#[test]
fn a_push_masks_open_streams_of_the_old_configuration() {
    for redaction in lax() {
        let world = World::new(&redacting(redaction.clone()));
        let mut open = begin(&world, "u", EVENTS, &[]);
        open.response_body(delta("hello "), More);
        let mut newer = redacting(redaction.clone());
        newer["rollouts"][0]["control"] =
            json!({"generation": 2, "ramp": {"percent": 100}, "redaction": "mask_all"});
        world.push(&newer).expect("it is taken");
        world.tick();
        let before = open.client().body().len();
        open.response_body(mail(), More);
        open.response_body(delta(""), Last);
        assert_eq!(
            since(&open, before).trim(),
            format!("write to {MASKED} now"),
            "{redaction}"
        );
        assert_masks(&world, "afterwards");
    }
}

#[test]
fn a_rollout_without_any_redaction_obeys_it_too() {
    let world = World::new(&all_canary());
    assert_lax(&world, "before");
    let mut open = world.events(1, "u");
    assert_eq!(world.order(&mask_all(2)).status, 200);
    assert_eq!(world.control()["redaction"], "mask_all");
    open.response_body(mail(), More);
    open.response_body("data: [DONE]\n\n", Last);
    assert_eq!(
        content(&open.client().text()).trim(),
        format!("write to {MASKED} now")
    );
    assert_masks(&world, "afterwards");
    let gzip = [("content-encoding", "gzip")];
    assert_eq!(
        begin(&world, "u", TEXT, &gzip).client().status(),
        502,
        "as by default"
    );
}

#[test]
fn other_rollouts_are_left_alone() {
    let world = World::new(&beside_another());
    assert_eq!(world.order(&mask_all(2)).status, 200);
    assert_lax(&world, "the other one");
}

#[test]
fn only_a_newer_generation_takes_it_back_and_no_unsigned_order() {
    for redaction in lax() {
        let document = redacting(redaction.clone());
        let world = World::new(&document);
        assert_eq!(world.order(&mask_all(5)).status, 200);
        let off = json!({"rollout": ROLLOUT, "generation": 6, "redaction": null});
        let refused = world.order(&off);
        assert!([403, 409].contains(&refused.status), "{refused:?}");
        assert_masks(&world, "an order raises nothing");
        for generation in [1, 4, 5] {
            let mut old = document.clone();
            old["rollouts"][0]["control"]["generation"] = json!(generation);
            old["rollouts"][0]["expose"] = json!(generation == 4);
            world.push(&old).expect("it is taken");
            world.tick();
            assert_masks(&world, &format!("generation {generation}"));
        }
        let mut open = begin(&world, "u", EVENTS, &[]);
        open.response_body(mail(), More);
        let mut newer = document.clone();
        newer["rollouts"][0]["control"]["generation"] = json!(6);
        world.push(&newer).expect("it is taken");
        world.tick();
        assert_lax(&world, "generation 6");
        // What was masked once is masked to its end.
        open.response_body(mail(), More);
        open.response_body(delta(""), Last);
        let text = content(&open.client().text());
        let expected = format!("write to {MASKED} now write to {MASKED} now");
        assert_eq!(text.trim(), expected, "{redaction}");
    }
}

#[test]
fn what_the_policy_blocks_stays_blocked() {
    let world = World::new(&redacting(
        json!({"response": {"EMAIL_ADDRESS": "block"}, "request": {"*": "block"}}),
    ));
    assert_eq!(world.order(&mask_all(2)).status, 200);
    assert_eq!(answer(&world, TEXT, &[MAIL]).reset, Some(Reset::Filter));
    assert_eq!(
        answer(&world, TEXT, &["SSN 078-05-1120"]).client.text(),
        "SSN [US_SSN]"
    );
    assert_eq!(ask(&world, TEXT, &[MAIL]).client().status(), 403);
}

#[test]
fn it_outlives_the_lease_and_the_death_of_a_worker() {
    let control =
        json!({"generation": 1, "ramp": {"percent": 100}, "not_after": "2026-11-23T20:00:05Z"});
    let world = World::new(&controlled(control));
    assert_eq!(world.order(&mask_all(2)).status, 200);
    world.advance(std::time::Duration::from_secs(6));
    assert_eq!(
        world.arm(0, "u").as_deref(),
        Some("stable"),
        "the lease has lapsed"
    );
    assert_masks(&world, "lapsed");
    world.worker(1).crash();
    world.advance(std::time::Duration::from_secs(2));
    assert_masks(&world, "reloaded");
}

#[test]
fn a_kill_and_the_switch_hold_side_by_side() {
    let world = World::new(&redacting(json!({})));
    let mut stable = begin(&world, "vip", EVENTS, &[]);
    let mut canary = begin(&world, "u", EVENTS, &[]);
    let order = with(
        mask_all(2),
        json!({"kill": {"mode": "rollback", "in_flight": "cut"}}),
    );
    drop(world.post(0, &order));
    canary.response_body(mail(), More);
    assert!(canary.client().text().starts_with("event: error"));
    stable.response_body(mail(), More);
    stable.response_body("data: [DONE]\n\n", Last);
    assert_eq!(
        content(&stable.client().text()).trim(),
        format!("write to {MASKED} now")
    );
    // A kill that comes later finds a stream that is being masked, and ends it well.
    let world = World::new(&redacting(json!({"response": {"*": "mask"}})));
    let mut open = begin(&world, "u", EVENTS, &[]);
    let event = mail();
    open.response_body(format!("{event}{}", &event[..event.len() - 20]), More);
    drop(world.post(0, &crate::world::kill(2, "rollback", "cut")));
    open.response_body("late", More);
    let (events, between) = sse::read(&open.client().body());
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert!(between && kinds.ends_with(&["error", ""]), "{events:?}");
    assert!(!open.client().text().contains("jo@"));
}

#[test]
fn what_cannot_be_read_masks_everything() {
    for redaction in lax() {
        let world = World::new(&redacting(redaction.clone()));
        let mut open = begin(&world, "vip", EVENTS, &[]);
        open.response_body(delta("hello "), More);
        let store = world.shared_data();
        for (key, value) in [("control", &[0xc1][..]), ("head", &9u64.to_le_bytes())] {
            let key = format!("breakglass/support/{key}");
            store.set(VM_ID, &key, value, 0).expect("0 overwrites");
        }
        // Whoever writes past the filter rings no bell.
        world.tick();
        assert_eq!(
            world.arm(0, "u").as_deref(),
            Some("stable"),
            "nobody goes to the canary"
        );
        assert_masks(&world, &redaction.to_string());
        let before = open.client().body().len();
        open.response_body(mail(), More);
        open.response_body("data: [DONE]\n\n", Last);
        assert_eq!(
            since(&open, before).trim(),
            format!("write to {MASKED} now"),
            "{redaction}"
        );
        let told = world.warnings().join("\n");
        assert!(told.contains("every rollout falls to stable"), "{told}");
    }
}

#[test]
fn a_body_whose_length_has_left_is_not_changed_any_more() {
    let body = format!("{{\"text\": \"{MAIL}\"}}");
    let length = [("content-length", body.len().to_string())];
    let length = length
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    for redaction in lax().into_iter().take(2) {
        let world = World::new(&redacting(redaction.clone()));
        let mut open = begin(&world, "u", JSON, &length);
        let mut asked = post(&world, "u", JSON, &length);
        assert!(open.client().headers.has("content-length"), "{redaction}");
        open.response_body(&body[..3], More);
        asked.request_body(&body[..3], More);
        drop(world.post(0, &mask_all(2)));
        open.response_body(&body[3..], Last);
        asked.request_body(&body[3..], Last);
        assert_eq!(open.client().text(), body, "{redaction}");
        assert_eq!(
            asked.upstream().expect("routed").text(),
            body,
            "{redaction}"
        );
        let mut next = begin(&world, "u", JSON, &length);
        assert!(!next.client().headers.has("content-length"), "{redaction}");
        next.response_body(&body, Last);
        assert_eq!(
            next.client().text(),
            body.replace(MAIL, MASKED),
            "{redaction}"
        );
    }
}
