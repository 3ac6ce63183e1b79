//! What is counted and shown of what was found: numbers under fixed names, never a value.

use breakglass_host_tests::{Last, Level, MetricKind, More, Proxy, module};
use serde_json::json;

use crate::{
    redaction::{
        EVENTS, JSON, MAIL, TEXT, answer, ask, begin, cases, delta, found, mask_all, masking, post,
        redacting, unscanned,
    },
    world::{ROLLOUT, World, with},
};

#[test]
fn each_entity_is_counted_once_by_arm_direction_and_action() {
    let world = World::new(&redacting(json!({
        "response": {"EMAIL_ADDRESS": "count", "US_SSN": "mask"}, "request": {"*": "mask"}
    })));
    let body = format!("{MAIL}, {MAIL}, SSN 078-05-1120.");
    for chunks in [vec![body.as_bytes()], body.as_bytes().chunks(1).collect()] {
        answer(&world, TEXT, &chunks);
        ask(&world, TEXT, &chunks);
    }
    let mut stable = begin(&world, "vip", TEXT, &[]);
    stable.response_body(&body, Last);
    let expected = [
        ("canary", "EMAIL_ADDRESS", "response", "count", 4),
        ("canary", "US_SSN", "response", "mask", 2),
        ("canary", "EMAIL_ADDRESS", "request", "mask", 4),
        ("canary", "US_SSN", "request", "mask", 2),
        ("stable", "EMAIL_ADDRESS", "response", "count", 2),
        ("stable", "US_SSN", "response", "mask", 1),
    ];
    for (arm, entity, direction, action, times) in expected {
        let count = found(&world, arm, entity, direction, action);
        assert_eq!(count, times, "{arm} {entity} {direction} {action}");
    }
    let names = world.metric_names().into_iter();
    let redactions = names.filter(|(_, name)| name.starts_with("breakglass_redactions_total"));
    assert_eq!(redactions.count(), expected.len(), "no other labels");
}

#[test]
fn a_text_in_many_events_is_counted_once() {
    let world = World::new(&masking());
    let mut stream = begin(&world, "u", EVENTS, &[]);
    for piece in [
        "write to jo",
        "@exam",
        "ple.com",
        ", or ",
        "to ",
        MAIL,
        " now",
    ] {
        stream.response_body(delta(piece), More);
    }
    stream.response_body("data: [DONE]\n\n", Last);
    assert_eq!(
        found(&world, "canary", "EMAIL_ADDRESS", "response", "mask"),
        2
    );
}

#[test]
fn names_are_few_and_every_one_is_defined_once() {
    let world = World::with_workers(1, &masking());
    for _ in 0..3 {
        for case in cases() {
            answer(&world, TEXT, &[&case.text]);
        }
        begin(&world, "u", TEXT, &[("content-encoding", "gzip")]);
        begin(&world, "u", "image/png", &[]);
    }
    let known = [
        "breakglass_redactions_total",
        "breakglass_unscanned_total",
        "breakglass_held_bytes_total",
    ];
    let names = world.metric_names();
    for name in known {
        let of = |(kind, it): &(MetricKind, String)| {
            *kind == MetricKind::Counter && it.starts_with(name)
        };
        assert!(names.iter().any(of), "{name}");
    }
    let vm = &world.worker(0).vms()[0];
    assert!(vm.metric_ids <= names.len(), "defined again: {vm:?}");
}

#[test]
fn bytes_that_wait_are_counted_and_prose_does_not_wait() {
    let world = World::new(&masking());
    let mut stream = begin(&world, "u", TEXT, &[]);
    assert_eq!(
        stream.response_body("Thank you for your patience. ", More),
        b"Thank you for your patience. "
    );
    assert_eq!(world.count("held_bytes_total", ""), 0);
    let got = stream.response_body("write to jo@exam", More);
    assert_eq!(got, b"write to ");
    assert_eq!(world.count("held_bytes_total", ""), "jo@exam".len() as u64);
    assert_eq!(
        stream.response_body("ple.com now", Last),
        b"[EMAIL_ADDRESS] now"
    );
    assert_eq!(world.count("held_bytes_total", ""), "jo@exam".len() as u64);
}

#[test]
fn the_access_log_tells_counts() {
    let world = World::new(&redacting(json!({
        "response": {"EMAIL_ADDRESS": "mask", "US_SSN": "count"}, "request": {"*": "mask"}
    })));
    let mut stream = post(&world, "u", TEXT, &[]);
    let field = |stream: &breakglass_host_tests::Stream| {
        let field = stream.effects().filter_state_text("wasm.breakglass");
        field.expect("it is there")
    };
    let plain = format!("rollout={ROLLOUT} arm=canary version=prompt-v42 generation=1 reason=ramp");
    assert_eq!(field(&stream), plain);
    stream.request_body(format!("{MAIL}, {MAIL}."), Last);
    assert_eq!(
        field(&stream),
        format!("{plain} request_redactions=EMAIL_ADDRESS:2")
    );
    stream.response([(":status", "200"), ("content-type", TEXT)], More);
    stream.response_body(format!("SSN 078-05-1120, {MAIL}, "), More);
    stream.response_body("SSN 078-05-1120.", Last);
    let told = field(&stream);
    let (before, answer) = told.split_once(" redactions=").expect(&told);
    let mut answer: Vec<_> = answer.split([',', ' ']).collect();
    answer.sort_unstable();
    let request = "request_redactions=EMAIL_ADDRESS:2";
    assert_eq!(
        answer
            .iter()
            .filter(|it| **it != request)
            .collect::<Vec<_>>(),
        [&"EMAIL_ADDRESS:1", &"US_SSN:2"]
    );
    assert!(
        before.starts_with(&plain) && told.contains(request),
        "{told}"
    );
    let nothing = post(&world, "u", TEXT, &[]);
    assert_eq!(field(&nothing), plain);
}

/// Values of the table that are not words of their own: long enough to be told from anything else.
fn values() -> Vec<String> {
    let values = cases().into_iter().flat_map(|case| case.found);
    values.map(|(_, value)| value).collect()
}

#[test]
fn no_value_shows_in_logs_metrics_shared_data_or_the_access_log() {
    let values = values();
    assert!(values.len() > 80, "{}", values.len());
    for action in ["count", "mask", "block"] {
        let builder = Proxy::builder(module()).workers(1).log_level(Level::Trace);
        let redaction = json!({"response": {"*": action}, "request": {"*": action}});
        let world = World::cold(builder, &redacting(redaction));
        world.tick();
        let mut shown = String::new();
        for (n, case) in cases().into_iter().enumerate() {
            if n == 40 {
                assert_eq!(world.order(&mask_all(2)).status, 200);
            }
            let text = &case.text;
            for kind in [TEXT, JSON, EVENTS, "application/x-ndjson", "image/png"] {
                let mut stream = post(&world, "u", kind, &[]);
                stream.request_body(text, More);
                let refused = stream.is_over() || stream.client().status() != 0;
                if !refused {
                    stream.request_body("", Last);
                    stream.response([(":status", "200"), ("content-type", kind)], More);
                    stream.response_body(text, More);
                    stream.response_trailers([("x-t", "1")]);
                } else {
                    shown += &stream.client().text();
                }
                let effects = stream.finish();
                for (name, value) in &effects.filter_state {
                    shown += &format!("{name} {}\n", String::from_utf8_lossy(value));
                }
                if let Some(reply) = effects.local_reply {
                    shown += &reply.details;
                }
            }
        }
        for line in world.logs() {
            shown += &line.message;
        }
        for (_, name) in world.metric_names() {
            shown += &name;
        }
        for (key, value) in world.shared() {
            shown += &format!("{key} {}\n", String::from_utf8_lossy(&value));
        }
        assert!(shown.contains("EMAIL_ADDRESS"), "it was found");
        let leaked: Vec<_> = values
            .iter()
            .filter(|value| shown.contains(value.as_str()))
            .collect();
        assert!(leaked.is_empty(), "{action}: {leaked:?}");
    }
}

#[test]
fn what_is_withheld_because_of_trailers_is_counted() {
    let world = World::new(&masking());
    let mut stream = begin(&world, "u", TEXT, &[]);
    stream.response_body("write to jo@exam", More);
    stream.response_trailers([("x-t", "1")]);
    assert_eq!(unscanned(&world, "trailers"), 1);
}

#[test]
fn labels_follow_the_rollout() {
    let mut document = masking();
    document["rollouts"][0] = with(document["rollouts"][0].clone(), json!({"name": "other"}));
    let world = World::new(&document);
    answer(&world, TEXT, &[MAIL]);
    let name = "breakglass_redactions_total;rollout=other;arm=canary;entity=EMAIL_ADDRESS;direction=response;action=mask";
    assert_eq!(world.counter(name), 1);
}
