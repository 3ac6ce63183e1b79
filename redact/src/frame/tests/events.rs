//! What becomes of events.

use serde_json::Value;

use super::*;

#[test]
fn two_choices_take_turns() {
    let event = |choice: u32, text: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}},\"index\":{choice},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let pieces = [
        (0, "I am ja"),
        (1, "Mail bo"),
        (0, "ne@exa"),
        (1, "b@exam"),
        (1, "ple.org"),
        (0, "mple.com"),
        (1, " now "),
    ];
    let body: String = pieces
        .iter()
        .map(|(choice, text)| event(*choice, text))
        .collect();
    let out = whole(Format::Sse, &(body + "data: [DONE]\n\n"));
    let mut texts = [String::new(), String::new()];
    for data in events_of(Format::Sse, &out)
        .into_iter()
        .filter_map(|event| event.data)
    {
        if let Ok(value) = serde_json::from_str::<Value>(&data)
            && let Some(choice) = value.pointer("/choices/0")
        {
            let index = choice["index"].as_u64().unwrap();
            texts[usize::try_from(index).unwrap()] += choice["delta"]["content"].as_str().unwrap();
        }
    }
    assert_eq!(texts, ["I am [EMAIL_ADDRESS]", "Mail [EMAIL_ADDRESS] now "]);
}

#[test]
fn held_text_leaves_in_an_event_of_its_own_before_the_end() {
    // The last event with text brought a role and another choice, and counts.
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a@b.example\"}},{\"index\":1,\"delta\":{\"role\":\"assistant\",\"content\":\"ok. \"}}],\"usage\":{\"n\":1}}\n\n";
    let last = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let out = whole(Format::Sse, &format!("{first}{last}"));
    let events: Vec<_> = events_of(Format::Sse, &out)
        .into_iter()
        .map(|event| event.data.unwrap())
        .collect();
    assert_eq!(events.len(), 3, "{out}");
    assert_eq!(
        events[1],
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[EMAIL_ADDRESS]\"}}],\"usage\":null}"
    );
    assert!(out.ends_with(last));

    let first = "data: {\"choices\":[{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":13,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"a@b.example\"}}]}}]}\n\n";
    let out = whole(Format::Sse, first);
    let clone = &events_of(Format::Sse, &out)[1].raw;
    assert_eq!(
        clone,
        "data: {\"choices\":[{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":13,\"function\":{\"arguments\":\"[EMAIL_ADDRESS]\"}}]}}]}"
    );
}

#[test]
fn nothing_waits_for_ever() {
    let profile = mails(Action::Mask);
    for shape in SHAPES {
        let (mut redactor, mut out, mut tally) =
            (Redactor::new(shape.format), Vec::new(), Tally::default());
        assert!(redactor.is_streaming() && redactor.between_events());
        let events = shape.body(["one two@thr", "ee.example four"]);
        for event in &events {
            redactor.push(&profile, event.as_bytes(), &mut out, &mut tally);
            redactor.release(&profile, &mut out, &mut tally);
            assert_eq!(redactor.held(), 0, "{}", shape.name);
            assert!(redactor.between_events());
        }
        redactor.finish(&profile, &mut out, &mut tally);
        let text = shape.read(&String::from_utf8(out).unwrap()).0;
        assert!(
            text.starts_with("one ") && text.ends_with(" four"),
            "{}: {text}",
            shape.name
        );
    }
    let mut redactor = Redactor::new(Format::Json);
    let mut out = Vec::new();
    redactor.push(&profile, b"{\"a\":\"who", &mut out, &mut Tally::default());
    redactor.release(&profile, &mut out, &mut Tally::default());
    assert_eq!(out, b"{\"a\":\"who");
    assert!(!redactor.is_streaming() && !redactor.between_events());
}

#[test]
fn tokens_are_one_text() {
    let tokens = [
        "Hi ",
        "ja",
        "ne",
        "@",
        "example",
        ".com",
        " ",
        "[1]",
        " \"",
        "x",
        "\" ",
        "{",
        "b@c.example",
        " ",
    ];
    for size in [1, 5, usize::MAX] {
        let body: String = tokens
            .iter()
            .map(|token| format!("event: t\ndata: {token}\n\n"))
            .collect();
        let body = body + ": ping\n\ndata: last@word.example\n\ndata: [DONE]\n\n";
        let (out, _) = redact(
            &mails(Action::Mask),
            Format::Sse,
            body.as_bytes().chunks(size),
        );
        let data = events_of(Format::Sse, &out)
            .into_iter()
            .filter_map(|event| event.data);
        let text: String = data.collect();
        assert_eq!(
            text,
            "Hi [EMAIL_ADDRESS] [1] \"x\" {[EMAIL_ADDRESS] [EMAIL_ADDRESS][DONE]"
        );
    }
}

#[test]
fn tokens_of_several_lines_stay_so() {
    let body = "data: to\ndata: jane\n\ndata: @example.com\ndata:\ndata: and\n\n";
    let out = whole(Format::Sse, body);
    let data: String = events_of(Format::Sse, &out)
        .into_iter()
        .filter_map(|event| event.data)
        .collect();
    assert_eq!(data, "to\n[EMAIL_ADDRESS]\n\nand");
    assert_eq!(bytewise(Format::Sse, body), out);
}

#[test]
fn signs_of_life_between_json_stay_where_they_are() {
    let body =
        "data: {\"a\":\"b\"}\n\ndata: ping\n\ndata: keep a@b.example\n\ndata: {\"a\":\"b\"}\n\n";
    assert_eq!(
        whole(Format::Sse, body),
        body.replace("a@b.example", "[EMAIL_ADDRESS]")
    );
}

#[test]
fn an_event_that_is_too_long_passes_string_by_string() {
    let filler = "word ".repeat(limits::EVENT_BYTES / 5);
    let piece = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ja\"}}]}\n\n";
    for end in ["\n\n", "\r\n\r\n", "\r\r"] {
        let long = format!(
            "event: x{end2}data: {{\"id\":\"a@b.example\",\"f\":\"{filler}\",\"t\":\"a@b.example\"}}{end}",
            end2 = &end[..end.len() / 2]
        );
        let body = format!("{piece}{long}data: {{\"t\":\"a@b.example\"}}\n\n");
        let masked = long.replace("\"t\":\"a@b.example\"", "\"t\":\"[EMAIL_ADDRESS]\"");
        let expected = [
            piece.replace("ja", ""),
            piece.to_owned(),
            masked,
            "data: {\"t\":\"[EMAIL_ADDRESS]\"}\n\n".into(),
        ]
        .concat();
        for size in [1, 999, usize::MAX] {
            let (out, tally) = redact(
                &mails(Action::Mask),
                Format::Sse,
                body.as_bytes().chunks(size),
            );
            assert!(out == expected, "{size}: {}", &out[out.len() - 300..]);
            assert_eq!(tally.oversized_events(), 1);
        }
    }
    let (mut redactor, mut out) = (Redactor::new(Format::Sse), Vec::new());
    redactor.push(
        &mails(Action::Mask),
        format!("data: {filler}{filler}").as_bytes(),
        &mut out,
        &mut Tally::default(),
    );
    assert!(!redactor.between_events());
    redactor.push(
        &mails(Action::Mask),
        b"\n\n",
        &mut out,
        &mut Tally::default(),
    );
    assert!(redactor.between_events());
}

#[test]
fn too_many_texts_are_redacted_each_by_itself() {
    let event = |choice: usize, text: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":{choice},\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let body: String = (0..limits::CHANNELS * 2)
        .map(|choice| event(choice, "x a@b.example"))
        .collect();
    let out = whole(Format::Sse, &body);
    assert!(!out.contains("a@b.example"));
    assert_eq!(out.matches("[EMAIL_ADDRESS]").count(), limits::CHANNELS * 2);
}

#[test]
fn more_pieces_than_any_provider_sends_stay_in_order() {
    let part = "{\"text\":\"a@b.example \"},";
    let parts = part.repeat(limits::CHANNELS * 4) + "{\"text\":\"end\"}";
    let body = format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{parts}]}}}}]}}\n\n");
    assert_eq!(
        whole(Format::Sse, &body),
        body.replace("a@b.example", "[EMAIL_ADDRESS]")
    );
}

#[test]
fn an_event_that_is_repeated_for_held_text_has_no_id() {
    let event = |id: u32, delta: &str, reason: &str| {
        format!(
            "id: {id}\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let body = event(1, r#"{"content":"to jo"}"#, "null")
        + &event(2, r#"{"content":"@example.com"}"#, "null")
        + &event(3, "{}", "\"stop\"");
    let (mut redactor, mut out, mut tally) =
        (Redactor::new(Format::Sse), Vec::new(), Tally::default());
    let profile = Profile::all(Action::Mask);
    redactor.push(&profile, body.as_bytes(), &mut out, &mut tally);
    redactor.finish(&profile, &mut out, &mut tally);
    let out = String::from_utf8(out).unwrap();
    let ids: Vec<_> = out.lines().filter(|line| line.starts_with("id")).collect();
    assert_eq!(ids, ["id: 1", "id: 2", "id: 3"], "{out}");
    assert!(out.contains("[EMAIL_ADDRESS]"), "{out}");
}
