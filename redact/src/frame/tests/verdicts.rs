//! What becomes of strings, and under which profile.

use serde_json::Value;

use super::*;

#[test]
fn other_strings_are_texts_by_themselves() {
    let cases = [
        (
            "{\"id\":\"a@b.example\",\"x\":\"a@b.example\"}",
            "{\"id\":\"a@b.example\",\"x\":\"[EMAIL_ADDRESS]\"}",
        ),
        (
            "{\"a@b.example\":[\"x\",\"a@b.example\"]}",
            "{\"[EMAIL_ADDRESS]\":[\"x\",\"[EMAIL_ADDRESS]\"]}",
        ),
        (
            "{\"call_id\":[\"a@b.example\",{\"y\":\"a@b.example\"}]}",
            "{\"call_id\":[\"a@b.example\",{\"y\":\"[EMAIL_ADDRESS]\"}]}",
        ),
        ("{\"x\":\"a@b.exam", "{\"x\":\"[EMAIL_ADDRESS]"),
        ("{'x': 'a@b.example'}", "{'x': '[EMAIL_ADDRESS]'}"),
        (
            "{\"type\":\"thinking\",\"thinking\":\"a@b.example\",\"y\":\"a@b.example\"}",
            "{\"type\":\"thinking\",\"thinking\":\"a@b.example\",\"y\":\"[EMAIL_ADDRESS]\"}",
        ),
        (
            "{\"type\":\"text\",\"thinking\":\"a@b.example\"}",
            "{\"type\":\"text\",\"thinking\":\"[EMAIL_ADDRESS]\"}",
        ),
        (
            "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"a@b.example\"}]}]}}",
            "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":\"[EMAIL_ADDRESS]\"}]}]}}",
        ),
    ];
    for (body, expected) in cases {
        // Outside strings only what is no JSON at all is text, unless an event is whole in memory.
        if !body.contains('\'') && !body.contains("thinking") {
            let event = format!("data: {body}\n\n");
            assert_eq!(whole(Format::Sse, &event), format!("data: {expected}\n\n"));
            // The second one is known, and what is in it is not taken for harmless.
            let twice = format!("data: {expected}\n\n").repeat(2);
            assert_eq!(whole(Format::Sse, &event.repeat(2)), twice);
            assert_eq!(
                bytewise(Format::Sse, &event),
                format!("data: {expected}\n\n")
            );
            assert_eq!(
                whole(Format::NdJson, &format!("{body}\n")),
                format!("{expected}\n")
            );
        }
        if !body.contains('\'') {
            assert_eq!(whole(Format::Json, body), expected);
            assert_eq!(bytewise(Format::Json, body), expected);
        } else {
            assert_eq!(
                whole(Format::Sse, &format!("data: {body}\n\n")),
                format!("data: {expected}\n\n")
            );
        }
    }
    assert_eq!(
        whole(Format::Json, "Hello a@b.example"),
        "Hello [EMAIL_ADDRESS]"
    );
    assert_eq!(
        whole(Format::Json, "{\"a\":1} or a@b.example"),
        "{\"a\":1} or [EMAIL_ADDRESS]"
    );
}

#[test]
fn signed_thoughts_pass_and_are_counted() {
    let event = |text: &str| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"thinking_delta\",\"thinking\":\"{text}\"}}}}\n\n"
        )
    };
    let body = event("ask jane")
        + &event("@example.com ok")
        + "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let (out, tally) = redact(&mails(Action::Mask), Format::Sse, body.as_bytes().chunks(9));
    assert_eq!(out, body);
    let counts: Vec<_> = tally.iter().collect();
    assert_eq!(counts, [(Entity::EmailAddress.into(), Action::Count, 1)]);
}

#[test]
fn what_repeats_a_changed_text_is_left_out() {
    let event = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":{{\"content\":[{{\"token\":\"{text}\"}}]}}}}]}}\n\n"
        )
    };
    let body = event("so. ") + &event("me@ex.example ") + &event("so. ");
    let out = whole(Format::Sse, &body);
    let logprobs: Vec<bool> = events_of(Format::Sse, &out)
        .iter()
        .map(|event| {
            serde_json::from_str::<Value>(event.data.as_deref().unwrap()).unwrap()["choices"][0]
                    ["logprobs"]
                    .is_null()
        })
        .collect();
    assert_eq!(logprobs, [false, true, false], "{out}");
    let (counted, _) = redact(&mails(Action::Count), Format::Sse, [body.as_bytes()]);
    assert_eq!(counted, body);

    // In a text by itself; the tokens before it in the same event too.
    let body = "data: {\"type\":\"response.output_text.done\",\"logprobs\":[{\"token\":\"a@\"}],\"text\":\"a@b.example\"}\n\n";
    let expected = "data: {\"type\":\"response.output_text.done\",\"logprobs\":[],\"text\":\"[EMAIL_ADDRESS]\"}\n\n";
    let (out, tally) = redact(&mails(Action::Mask), Format::Sse, [body.as_bytes()]);
    assert_eq!(
        (out.as_str(), tally.of(Entity::EmailAddress)),
        (expected, 1)
    );

    // In a document that is not kept: what comes first decides.
    for (body, expected) in [
        (
            "[{\"message\":{\"x\":\"a@b.example\"},\"logprobs\":{\"content\":[{\"token\":\"a@\"}]},\"y\":1}]",
            "[{\"message\":{\"x\":\"[EMAIL_ADDRESS]\"},\"logprobs\":null,\"y\":1}]",
        ),
        (
            "[{\"message\":{\"x\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\"}]},\"y\":1}]",
            "[{\"message\":{\"x\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\"}]},\"y\":1}]",
        ),
        (
            "[{\"logprobs\":[{\"token\":\"a@\"}], \"text\":\"a@b.example\"}]",
            "[{\"logprobs\":[], \"text\":\"[EMAIL_ADDRESS]\"}]",
        ),
    ] {
        assert_eq!(whole(Format::Json, body), expected);
        assert_eq!(bytewise(Format::Json, body), expected);
    }
}

#[test]
fn an_idle_profile_holds_nothing_and_may_become_stricter() {
    let strict = idle().mask_all();
    for (format, a, b, c) in [
        (
            Format::Sse,
            "data: {\"x\":\"a@b.example\",\"y\":\"",
            "a@b.example\"}\n\ndata: {\"id\":\"a@b.example\",\"z\":\"a@b",
            ".example\"}\n\n",
        ),
        (
            Format::NdJson,
            "{\"x\":\"a@b.example\",\"y\":\"",
            "a@b.example\"}\n{\"id\":\"a@b.example\",\"z\":\"a@b",
            ".example\"}\n",
        ),
        (
            Format::Json,
            "[{\"x\":\"a@b.example\",\"y\":\"",
            "a@b.example\"}\n,{\"id\":\"a@b.example\",\"z\":\"a@b",
            ".example\"}\n",
        ),
    ] {
        let (mut redactor, mut out, mut tally) =
            (Redactor::new(format), Vec::new(), Tally::default());
        redactor.push(&idle(), a.as_bytes(), &mut out, &mut tally);
        assert_eq!(
            (
                String::from_utf8(out.clone()).unwrap().as_str(),
                redactor.held()
            ),
            (a, 0)
        );
        redactor.push(&strict, b.as_bytes(), &mut out, &mut tally);
        redactor.push(&strict, c.as_bytes(), &mut out, &mut tally);
        redactor.finish(&strict, &mut out, &mut tally);
        let masked = b
            .replacen("a@b.example", "[EMAIL_ADDRESS]", 1)
            .replace("\"z\":\"a@b", "\"z\":\"[EMAIL_ADDRESS]");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("{a}{masked}\"}}{}", &c[".example\"}".len()..])
        );
    }
    // The other way round: what is held leaves.
    for shape in SHAPES {
        let (mut redactor, mut out, mut tally) =
            (Redactor::new(shape.format), Vec::new(), Tally::default());
        let body = shape.body(["a", "@b.example"]);
        for event in &body[..=shape.head.len()] {
            redactor.push(&strict, event.as_bytes(), &mut out, &mut tally);
        }
        let rest = body[shape.head.len() + 1..].concat();
        redactor.push(&strict, &rest.as_bytes()[..9], &mut out, &mut tally);
        redactor.push(&idle(), &rest.as_bytes()[9..], &mut out, &mut tally);
        assert_eq!(redactor.held(), 0);
        let text = shape.read(&String::from_utf8(out).unwrap()).0;
        assert_eq!(text, "a@b.example", "{}", shape.name);
    }
}

#[test]
fn a_stricter_profile_looks_at_what_a_laxer_one_knew() {
    let event = "data: {\"who\":\"a@b.example\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x. \"}}]}\n\n";
    let ssn = Profile::new(&Rules {
        actions: vec![("US_SSN", Action::Mask)],
        ..Rules::default()
    })
    .unwrap();
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Sse), Vec::new(), Tally::default());
    for profile in [&ssn, &ssn, &ssn.mask_all(), &mails(Action::Mask)] {
        redactor.push(profile, event.as_bytes(), &mut out, &mut tally);
    }
    let masked = event.replace("a@b.example", "[EMAIL_ADDRESS]");
    assert_eq!(
        String::from_utf8(out).unwrap(),
        [event, event, &masked, &masked].concat()
    );
}

#[test]
fn nothing_leaves_after_a_block() {
    let profile = mails(Action::Block);
    for shape in SHAPES {
        let events = shape.body(["Well, ", "ask ja", "ne@example.com ", "or me "]);
        let (out, tally) = redact(&profile, shape.format, events.iter().map(String::as_bytes));
        assert!(tally.blocked().is_some());
        let (text, after) = shape.read(&out);
        assert!("Well, ask ".starts_with(&text), "{}: {text}", shape.name);
        assert_eq!(after.len(), shape.head.len() + 2, "{}", shape.name);
    }
    for (format, body, expected) in [
        (
            Format::Json,
            "{\"a\":\"b\",\"c\":\"ask a@b.example or\"}",
            "{\"a\":\"b\",\"c\":\"ask ",
        ),
        (Format::Text, "Ask a@b.example or", "Ask "),
        (
            Format::Sse,
            "data: {\"a\":\"b\"}\n\ndata: {\"a\":\"a@b.example\"}\n\ndata: x\n\n",
            "data: {\"a\":\"b\"}\n\n",
        ),
    ] {
        for size in [1, usize::MAX] {
            assert_eq!(
                redact(&profile, format, body.as_bytes().chunks(size)).0,
                expected
            );
        }
    }
}
