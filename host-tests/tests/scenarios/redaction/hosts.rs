//! Hosts that let no body be changed, and ends of bodies that nothing can be put behind: nothing leaves in clear.

use breakglass_host_tests::{More, Profile, Reset};
use serde_json::json;

use crate::{
    redaction::{
        EVENTS, JSON, MAIL, MASKED, TEXT, answer, ask, begin, content, delta, found, masking, post,
        redacting, unscanned,
    },
    world::{Answer, World, policy, rollout},
};

#[test]
fn where_bodies_cannot_be_changed_no_answer_leaves_in_clear() {
    for kind in [TEXT, JSON, EVENTS, "application/x-ndjson"] {
        for chunks in [
            vec![MAIL],
            vec!["plain words, ", MAIL],
            vec!["jo@exam", "ple.com "],
        ] {
            let world = World::on(Profile::apisix(), &masking());
            let effects = answer(&world, kind, &chunks);
            let got = effects.client.text();
            assert!(
                !got.contains("jo@") && !effects.client.ended,
                "{kind} {chunks:?}: {effects:?}"
            );
            assert_eq!(effects.reset, Some(Reset::Filter), "{kind} {chunks:?}");
        }
    }
}

#[test]
fn where_bodies_cannot_be_changed_a_request_is_refused() {
    for kind in [TEXT, JSON] {
        let world = World::on(Profile::apisix(), &masking());
        let stream = ask(&world, kind, &[MAIL]);
        assert!(Answer::of(&stream).status >= 400, "{kind}");
        let upstream = stream.upstream().unwrap_or_default();
        assert!(
            !upstream.text().contains("jo@") && !upstream.ended,
            "{kind}: {upstream:?}"
        );
    }
}

#[test]
fn where_bodies_cannot_be_changed_counting_goes_on() {
    let world = World::on(
        Profile::apisix(),
        &redacting(json!({"response": {"*": "count"}, "request": {"*": "count"}})),
    );
    assert_eq!(answer(&world, TEXT, &[MAIL]).client.text(), MAIL);
    let field = ask(&world, TEXT, &[MAIL])
        .effects()
        .filter_state_text("wasm.breakglass");
    assert!(field.is_some_and(|field| field.ends_with("request_redactions=EMAIL_ADDRESS:1")));
}

#[test]
fn a_block_holds_on_every_host() {
    for profile in Profile::all() {
        let name = profile.name;
        let world = World::on(
            profile,
            &redacting(json!({"response": {"*": "block"}, "request": {"*": "block"}})),
        );
        for kind in [TEXT, JSON, EVENTS] {
            let body = match kind {
                TEXT => format!("write to {MAIL} now"),
                JSON => format!("{{\"a\": \"{MAIL}\"}}"),
                _ => delta(MAIL),
            };
            let effects = answer(
                &world,
                kind,
                &[&body[..body.len() - 3], &body[body.len() - 3..]],
            );
            assert!(
                !effects.client.text().contains("jo@"),
                "{name} {kind}: {effects:?}"
            );
            let stream = ask(&world, kind, &[&body]);
            let upstream = stream.upstream().unwrap_or_default();
            assert!(
                !upstream.text().contains("jo@"),
                "{name} {kind}: {upstream:?}"
            );
            assert!(Answer::of(&stream).status >= 400, "{name} {kind}");
        }
    }
}

#[test]
fn a_mask_holds_where_nothing_can_be_held_back_by_the_host() {
    for profile in [Profile::service_extensions(), Profile::kong()] {
        let name = profile.name;
        let world = World::on(profile, &masking());
        for chunks in [
            vec!["to jo@example.com now"],
            vec!["to jo@exam", "ple.com now"],
            vec!["to jo@example.com", " now", ""],
        ] {
            let got = answer(&world, TEXT, &chunks).client.text();
            assert_eq!(got, format!("to {MASKED} now"), "{name}");
            let upstream = ask(&world, TEXT, &chunks).upstream().expect("routed");
            assert_eq!(
                (upstream.text(), upstream.ended),
                (format!("to {MASKED} now"), true),
                "{name}"
            );
        }
        let events = [
            delta("to jo"),
            delta("@example.com now"),
            "data: [DONE]\n\n".to_owned(),
        ];
        let got = answer(&world, EVENTS, &events).client.text();
        assert_eq!(content(&got), format!("to {MASKED} now"), "{name}");
        // Larger than a chunk of Service Extensions.
        let long = format!(
            "{}{MAIL} {}",
            "word ".repeat(40_000),
            "word ".repeat(40_000)
        );
        assert!(
            answer(&world, TEXT, &[&long]).client.text() == long.replace(MAIL, MASKED),
            "{name}"
        );
    }
}

#[test]
fn the_switch_by_policy_holds_without_shared_data() {
    for profile in [Profile::service_extensions(), Profile::kong()] {
        let name = profile.name;
        let control = json!({"generation": 1, "ramp": {"percent": 100}, "redaction": "mask_all"});
        let world = World::on(profile, &policy([rollout(control)]));
        assert_eq!(
            answer(&world, TEXT, &[MAIL]).client.text(),
            MASKED,
            "{name}"
        );
    }
}

#[test]
fn trailers_behind_text_that_is_held_end_the_answer() {
    for (kind, body) in [
        (TEXT, "write to jo@exam"),
        (JSON, "{\"a\": \"write to jo@exam"),
        (
            "application/x-ndjson",
            "{\"model\": \"m\", \"response\": \"write to jo@exam\", \"done\": false}\n",
        ),
    ] {
        let world = World::new(&masking());
        let mut stream = begin(&world, "u", kind, &[]);
        stream.response_body(body, More);
        stream.response_trailers([("x-t", "1")]);
        let effects = stream.finish();
        assert_eq!(effects.reset, Some(Reset::Filter), "{kind}: {effects:?}");
        assert!(
            !effects.client.text().contains("jo@") && effects.client.trailers.is_none(),
            "{kind}"
        );
        assert_eq!(unscanned(&world, "trailers"), 1, "{kind}");
    }
}

#[test]
fn trailers_behind_whole_text_pass() {
    for (kind, body) in [
        (TEXT, "write to him. ".to_owned()),
        (JSON, format!("{{\"a\": \"{MAIL}\"}}")),
        (EVENTS, format!("{}data: [DONE]\n\n", delta("write to him"))),
    ] {
        let world = World::new(&masking());
        let mut stream = begin(&world, "u", kind, &[]);
        stream.response_body(&body, More);
        stream.response_trailers([("x-t", "1")]);
        let effects = stream.finish();
        assert_eq!(effects.reset, None, "{kind}: {effects:?}");
        assert!(
            effects.client.ended && effects.client.trailers.is_some(),
            "{kind}"
        );
        assert_eq!(unscanned(&world, "trailers"), 0, "{kind}");
        let mut asked = post(&world, "u", kind, &[]);
        asked.request_body(&body, More);
        asked.request_trailers([("x-t", "1")]);
        assert!(
            asked.upstream().expect("routed").trailers.is_some(),
            "{kind}"
        );
    }
}

#[test]
fn trailers_behind_a_request_that_is_held_refuse_it() {
    let world = World::new(&masking());
    let mut stream = post(&world, "u", TEXT, &[]);
    stream.request_body("I am jo@exam", More);
    stream.request_trailers([("x-t", "1")]);
    let answer = Answer::of(&stream);
    assert_eq!(
        (answer.status, &answer.body["type"]),
        (415, &json!("urn:breakglass:unscannable"))
    );
    let upstream = stream.upstream().unwrap_or_default();
    assert!(
        !upstream.ended && !upstream.text().contains("jo@"),
        "{upstream:?}"
    );
    assert_eq!(unscanned(&world, "trailers"), 1, "counted as in answers");
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let world = World::new(&masking());
    for _ in 0..50 {
        let mut stream = begin(&world, "u", TEXT, &[]);
        stream.response_body("write to jo@exam", More);
        stream.client_reset();
        let mut stream = begin(&world, "u", EVENTS, &[]);
        stream.response_body(delta("write to jo@exam"), More);
        stream.upstream_reset();
        assert!(
            !stream.client().text().contains("jo@"),
            "what was held is gone"
        );
    }
    assert_eq!(world.worker(0).vms()[0].streams, 0);
    assert_eq!(
        found(&world, "canary", "EMAIL_ADDRESS", "response", "mask"),
        0
    );
}
