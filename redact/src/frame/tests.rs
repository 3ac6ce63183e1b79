mod events;
mod verdicts;

use proptest::prelude::*;
use serde_json::Value;

use super::cases::{CLEAN, SHAPES, Shape};
use super::{Format, Redactor};
use crate::{Action, Entity, Profile, Rules, Tally, limits};

fn mails(action: Action) -> Profile {
    let rules = Rules {
        actions: vec![(Entity::EmailAddress.name(), action)],
        ..Rules::default()
    };
    Profile::new(&rules).unwrap()
}

fn idle() -> Profile {
    Profile::new(&Rules::default()).unwrap()
}

/// What leaves if the body comes in these chunks.
fn redact<'a>(
    profile: &Profile,
    format: Format,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (String, Tally) {
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    for chunk in chunks {
        redactor.push(profile, chunk, &mut out, &mut tally);
    }
    redactor.finish(profile, &mut out, &mut tally);
    assert!(redactor.held() == 0 || tally.blocked().is_some());
    (String::from_utf8(out).unwrap(), tally)
}

fn whole(format: Format, body: &str) -> String {
    redact(&mails(Action::Mask), format, [body.as_bytes()]).0
}

fn bytewise(format: Format, body: &str) -> String {
    redact(&mails(Action::Mask), format, body.as_bytes().chunks(1)).0
}

/// A text as it is written in a JSON string.
fn quoted(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

impl Shape {
    fn body<'a>(&self, pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let pieces = pieces
            .into_iter()
            .map(|piece| self.piece.replace("TEXT", &quoted(piece)));
        let head = self.head.iter().map(ToString::to_string);
        head.chain(pieces)
            .chain(self.tail.iter().map(ToString::to_string))
            .collect()
    }

    /// The text that a client puts together, and its events without text.
    fn read(&self, body: &str) -> (String, Vec<String>) {
        let mut text = String::new();
        let mut events = Vec::new();
        for event in events_of(self.format, body) {
            let Some(data) = event.data.filter(|data| data != "[DONE]") else {
                events.push(event.raw);
                continue;
            };
            let mut value: Value = serde_json::from_str(&data)
                .unwrap_or_else(|e| panic!("{}: {e}: {data}", self.name));
            if let Some(slot) = value.pointer_mut(self.pointer)
                && let Some(piece) = slot.as_str()
            {
                text.push_str(piece);
                *slot = Value::Null;
            }
            events.push(format!("{:?} {:?} {value}", event.kind, event.id));
        }
        (text, events)
    }

    fn check(&self, text: &str, pieces: &[&str], size: usize) {
        let profile = mails(Action::Mask);
        let events = self.body(pieces.iter().copied());
        let body = events.concat();
        let (out, _) = redact(&profile, self.format, body.as_bytes().chunks(size));
        let (got, after) = self.read(&out);
        assert_eq!(
            got,
            whole(Format::Text, text),
            "{}: {pieces:?} {size}",
            self.name
        );
        // Every event is there, in order, and at most one more.
        let (_, before) = self.read(&body);
        let mut rest = after.iter();
        for event in &before {
            assert!(
                rest.any(|other| other == event),
                "{}: {event} is missing: {out}",
                self.name
            );
        }
        assert!(after.len() <= before.len() + 1, "{}: {out}", self.name);
        if !self.tail.is_empty() {
            assert_eq!(after.last(), before.last(), "{}", self.name);
        }
    }
}

struct Event {
    raw: String,
    kind: Option<String>,
    id: Option<String>,
    data: Option<String>,
}

/// The events of a body, by a parser that has nothing in common with the one under test.
fn events_of(format: Format, body: &str) -> Vec<Event> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    if format == Format::NdJson {
        let event = |line: &str| Event {
            raw: line.into(),
            kind: None,
            id: None,
            data: Some(line.into()),
        };
        return body.lines().map(event).collect();
    }
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    for raw in body.split("\n\n").filter(|raw| !raw.trim().is_empty()) {
        let mut event = Event {
            raw: raw.into(),
            kind: None,
            id: None,
            data: None,
        };
        for line in raw.lines() {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match name {
                "event" => event.kind = Some(value),
                "id" => event.id = Some(value),
                "data" => {
                    event.data = Some(
                        event
                            .data
                            .map_or_else(|| value.clone(), |data| format!("{data}\n{value}")),
                    )
                }
                _ => {}
            }
        }
        events.push(event);
    }
    events
}

const TEXT: &str =
    "Ask jane.doe@example.com, or \"Bob\" <bob@corp.example.org>\u{2014}today \u{e9}";

#[test]
fn clean_bodies_pass_as_they_are_in_every_split() {
    let profile = mails(Action::Mask);
    for (format, body) in CLEAN {
        let bytes = body.as_bytes();
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(
                redact(&profile, *format, [a, b]).0,
                *body,
                "{format:?} at {at}"
            );
        }
        assert_eq!(bytewise(*format, body), *body);
    }
    for shape in SHAPES {
        let body = shape.body(["", "Well, ", "here \"we\" ", "are. "]).concat();
        for at in 0..=body.len() {
            let (a, b) = body.as_bytes().split_at(at);
            assert_eq!(
                redact(&profile, shape.format, [a, b]).0,
                body,
                "{} at {at}",
                shape.name
            );
        }
        assert_eq!(bytewise(shape.format, &body), body);
    }
}

#[test]
fn texts_are_redacted_over_events_in_every_shape() {
    for shape in SHAPES {
        let chars: Vec<&str> = TEXT.split_inclusive(|_: char| true).collect();
        for size in [1, 7, 100, usize::MAX] {
            shape.check(TEXT, &chars, size);
            shape.check(TEXT, &[TEXT], size);
        }
        for at in (0..=TEXT.len()).filter(|at| TEXT.is_char_boundary(*at)) {
            let (a, b) = TEXT.split_at(at);
            shape.check(TEXT, &[a, b], usize::MAX);
            shape.check(TEXT, &[a, "", b], 64);
        }
    }
}

#[test]
fn tool_arguments_stay_json_within_json() {
    let arguments =
        serde_json::json!({"to": "x \"jane@example.com\"", "cc": ["bob@example.org"], "n": 1})
            .to_string();
    let expected =
        serde_json::json!({"to": "x \"[EMAIL_ADDRESS]\"", "cc": ["[EMAIL_ADDRESS]"], "n": 1});
    for shape in SHAPES.iter().filter(|shape| shape.name.contains("tool")) {
        for size in 1..arguments.len() {
            let pieces = arguments
                .as_bytes()
                .chunks(size)
                .map(|piece| std::str::from_utf8(piece).unwrap());
            let out = whole(shape.format, &shape.body(pieces).concat());
            let got: Value = serde_json::from_str(&shape.read(&out).0).unwrap();
            assert_eq!(got, expected, "{} {size}", shape.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_split_gives_the_same(shape in 0..SHAPES.len(), cuts in prop::collection::vec(0..TEXT.len(), 0..12), size in 1..700_usize) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|at| TEXT.is_char_boundary(*at)).collect();
        cuts.extend([0, TEXT.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|ends| &TEXT[ends[0]..ends[1]]).collect();
        SHAPES[shape].check(TEXT, &pieces, size);
    }

    /// Another profile that says the same makes the redactor forget the events that it knows.
    #[test]
    fn known_events_are_redacted_as_unknown_ones(
        events in prop::collection::vec((0..4_u32, "[a-c@.]{0,4} ?", "[ab\\n\\r\"]{0,3}", 0..200_u32, prop::bool::ANY, "[a@. ]{0,9}"), 1..30),
    ) {
        let event = |(choice, text, raw, number, last, other): &(u32, String, String, u32, bool, String)| {
            let reason = if *last { "\"stop\"" } else { "null" };
            format!("id: {number}\ndata: {{\"id\":\"{number}\",\"n\":{number},\"o\":\"{other}\",\"choices\":[{{\"index\":{choice},\"delta\":{{\"content\":\"{text}{raw}\"}},\"finish_reason\":{reason}}}]}}\n\n")
        };
        let (one, two) = (mails(Action::Mask), mails(Action::Mask));
        let run = |profiles: [&Profile; 2]| {
            let (mut redactor, mut out, mut tally) = (Redactor::new(Format::Sse), Vec::new(), Tally::default());
            for (event, profile) in events.iter().map(event).zip(profiles.into_iter().cycle()) {
                redactor.push(profile, event.as_bytes(), &mut out, &mut tally);
            }
            redactor.finish(profiles[0], &mut out, &mut tally);
            (String::from_utf8(out).unwrap(), tally)
        };
        prop_assert_eq!(run([&one, &one]), run([&one, &two]));
    }

    #[test]
    fn no_byte_is_lost_whatever_comes(
        parts in prop::collection::vec(prop::sample::select(vec![
            "data: ", "data:", "id: 1", "event: error", ": c", "\n", "\n\n", "\r\n", "\r", "{", "}", "[", "]", "\"", ":", ",", "\\", "\\u00", "é",
            "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}", "\"type\":\"content_block_delta\"", "\"done\":true", "word ", "x", "1.5", "[DONE]",
            "\"logprobs\":[", "null", "\"text\":\"", "\u{feff}",
        ]), 0..40),
        size in 1..30_usize,
    ) {
        let body = parts.concat();
        for format in [Format::Json, Format::NdJson, Format::Text, Format::Sse] {
            // Counting holds text back as masking does, and changes none.
            let (one, _) = redact(&mails(Action::Count), format, [body.as_bytes()]);
            let (many, _) = redact(&mails(Action::Count), format, body.as_bytes().chunks(size));
            if matches!(format, Format::Json | Format::Text) {
                prop_assert_eq!(&one, &body);
            } else {
                // Text may have moved to another event: what is not text has not.
                let bare = |body: &str| body.chars().filter(|char| !char.is_ascii_alphanumeric()).count();
                prop_assert!(bare(&one) >= bare(&body), "{body:?} {one:?}");
            }
            prop_assert_eq!(&one, &many);
        }
    }
}
