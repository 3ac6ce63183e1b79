//! However a body is cut into chunks and a text into events, what leaves is the same: the redaction of the
//! whole, byte for byte what the native code makes of it.

use breakglass_host_tests::{Module, Proxy, module};
use breakglass_redact::{Action, Format, Profile, Redactor, Tally};
use serde_json::Value;

use crate::{
    redaction::{Case, EVENTS, JSON, LINES, TEXT, answer, ask, cases, delta, masking},
    sse,
    world::World,
};

/// A way to carry a text.
struct Framing {
    kind: &'static str,
    format: Format,
    /// Puts the pieces of a text into a body.
    wrap: fn(&[String]) -> String,
    /// Gets the text back out of a body, which must be well formed.
    unwrap: fn(&str) -> String,
}

const FRAMINGS: [Framing; 3] = [
    Framing {
        kind: JSON,
        format: Format::Json,
        wrap: |pieces| {
            let text = pieces.concat();
            format!("{{\"id\": \"r-1\", \"text\":\"{text}\", \"n\": [1, \"two\", null]}}")
        },
        unwrap: |body| string(&json(body)["text"]),
    },
    Framing {
        kind: EVENTS,
        format: Format::Sse,
        wrap: |pieces| {
            let deltas: String = pieces.iter().map(|piece| delta(piece)).collect();
            let stop = delta("")
                .replace("\"content\":\"\"", "")
                .replace("null", "\"stop\"");
            format!(": hi\n\n{deltas}{stop}data: [DONE]\n\n")
        },
        unwrap: text_of_events,
    },
    Framing {
        kind: LINES,
        format: Format::NdJson,
        wrap: |pieces| {
            let line = |text: &str, done: bool| {
                format!(
                    "{{\"model\":\"m\",\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"done\":{done}}}\n"
                )
            };
            let lines = pieces.iter().map(|piece| line(piece, false));
            lines.chain([line("", true)]).collect()
        },
        unwrap: |body| {
            assert!(body.ends_with('\n'), "{body}");
            let lines = body.lines().map(json);
            lines
                .map(|line| string(&line["message"]["content"]))
                .collect()
        },
    },
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

/// The text of a chat, which must end as chats end.
fn text_of_events(body: &str) -> String {
    let (events, between) = sse::read(body.as_bytes());
    assert!(between && body.starts_with(": hi"), "{body}");
    let [events @ .., stop, done] = events.as_slice() else {
        panic!("no end: {body}");
    };
    assert_eq!(done.data, "[DONE]", "{body}");
    assert_eq!(
        json(&stop.data)["choices"][0]["finish_reason"],
        "stop",
        "{body}"
    );
    let deltas = events.iter().map(|event| json(&event.data));
    let texts = deltas.map(|event| {
        assert_eq!(event["id"], "chatcmpl-1", "{body}");
        assert_eq!(event["choices"][0]["finish_reason"], Value::Null, "{body}");
        string(&event["choices"][0]["delta"]["content"])
    });
    texts.collect()
}

/// The smallest pieces into which the text of a JSON string may be cut; quotes that stand in it as they are
/// get their backslash.
fn units(text: &str) -> Vec<String> {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match rest.as_bytes() {
            [b'\\', b'u', b'd' | b'D', ..] => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => first.len_utf8(),
        };
        let (unit, after) = rest.split_at(length);
        units.push(if unit == "\"" { "\\\"" } else { unit }.to_owned());
        rest = after;
    }
    units
}

/// The text as a reader of JSON has it.
fn decoded(text: &str) -> String {
    string(&json(&format!("\"{}\"", units(text).concat())))
}

/// What the native code makes of a body.
fn native(format: Format, body: &[u8]) -> Vec<u8> {
    let profile = Profile::all(Action::Mask);
    let (mut redactor, mut out, mut tally) = (Redactor::new(format), Vec::new(), Tally::default());
    redactor.push(&profile, body, &mut out, &mut tally);
    redactor.finish(&profile, &mut out, &mut tally);
    out
}

fn assert_answered<C: AsRef<[u8]>>(world: &World, kind: &str, chunks: &[C], expected: &[u8]) {
    let effects = answer(world, kind, chunks);
    let got = effects.client.body();
    let cut: Vec<_> = chunks
        .iter()
        .map(|chunk| chunk.as_ref().escape_ascii().to_string())
        .collect();
    assert!(
        got == expected && effects.client.ended,
        "{kind}, {cut:?}\n  expected {}\n  got      {}",
        String::from_utf8_lossy(expected),
        String::from_utf8_lossy(&got)
    );
}

/// Whole, byte by byte, and in two at every `step`-th place.
fn assert_cut(world: &World, kind: &str, body: &[u8], step: usize, expected: &[u8]) {
    assert_answered(world, kind, &[body], expected);
    let bytes: Vec<_> = body.chunks(1).collect();
    assert_answered(world, kind, &bytes, expected);
    for at in (1..body.len()).step_by(step) {
        let (a, b) = body.split_at(at);
        assert_answered(world, kind, &[a, b], expected);
    }
}

/// The builds of the filter: the usual one, and the one without vectors where it was built of the same code.
fn builds() -> Vec<Module> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../target");
    let plain = format!("{root}/nosimd/breakglass.wasm");
    let written = |path: &str| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let usual = written(&format!("{root}/wasm32-wasip1/release/breakglass.wasm"));
    let mut builds = vec![module()];
    if written(&plain) > usual {
        builds.extend(Module::from_file(plain));
    } else {
        println!("only one build: `make wasm-nosimd` has not run since `make wasm`");
    }
    builds
}

#[test]
fn plain_text_is_masked_as_the_table_says_wherever_it_is_cut() {
    let world = World::with_workers(1, &masking());
    for Case { text, masked, .. } in cases() {
        assert_eq!(
            native(Format::Text, text.as_bytes()),
            masked.as_bytes(),
            "native"
        );
        assert_cut(&world, TEXT, text.as_bytes(), 1, masked.as_bytes());
    }
}

#[test]
fn a_text_in_three_parts_is_masked_as_a_whole() {
    let world = World::with_workers(1, &masking());
    for Case { text, masked, .. } in cases().iter().step_by(9) {
        let text = text.as_bytes();
        for first in (1..text.len()).step_by(3) {
            for second in (first + 1..text.len()).step_by(5) {
                let chunks = [&text[..first], &text[first..second], &text[second..]];
                assert_answered(&world, TEXT, &chunks, masked.as_bytes());
            }
        }
    }
}

fn assert_framed(framing: &Framing, case: &Case, pieces: usize, step: usize, world: &World) {
    let units = units(&case.text);
    let pieces: Vec<_> = units.chunks(pieces).map(|units| units.concat()).collect();
    let body = (framing.wrap)(&pieces);
    let expected = native(framing.format, body.as_bytes());
    let text = (framing.unwrap)(&String::from_utf8_lossy(&expected));
    assert_eq!(
        text,
        decoded(&case.masked),
        "{} of {pieces:?}",
        framing.kind
    );
    assert_cut(world, framing.kind, body.as_bytes(), step, &expected);
}

#[test]
fn framed_text_stays_well_formed_and_is_masked_wherever_it_is_cut() {
    let world = World::with_workers(1, &masking());
    for framing in &FRAMINGS {
        for (n, case) in cases().iter().enumerate() {
            // Every place in some, a place that no length divides in the others.
            let step = if n % 20 == 3 { 1 } else { 97 };
            assert_framed(framing, case, usize::MAX, step, &world);
            assert_framed(framing, case, 1, 997, &world);
            assert_framed(framing, case, 7, if n % 20 == 3 { 3 } else { 211 }, &world);
        }
    }
}

#[test]
fn events_end_with_any_line_end_and_keep_it() {
    let world = World::with_workers(1, &masking());
    let events = &FRAMINGS[1];
    for line_end in ["\r\n", "\r"] {
        for case in cases().iter().step_by(12) {
            let units = units(&case.text);
            let pieces: Vec<_> = units.chunks(7).map(|units| units.concat()).collect();
            let body = (events.wrap)(&pieces);
            let expected = native(events.format, body.as_bytes());
            let expected = String::from_utf8_lossy(&expected).replace('\n', line_end);
            let text = (events.unwrap)(&expected);
            assert_eq!(text, decoded(&case.masked), "{line_end:?}");
            let body = body.replace('\n', line_end);
            assert_cut(&world, EVENTS, body.as_bytes(), 13, expected.as_bytes());
        }
    }
}

#[test]
fn a_request_is_masked_wherever_it_is_cut() {
    let world = World::with_workers(1, &masking());
    for Case { text, masked, .. } in cases().iter().step_by(5) {
        for at in 1..text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            let upstream = ask(&world, TEXT, &[a, b]).upstream().expect("routed");
            assert!(upstream.ended, "{text} at {at}");
            assert_eq!(upstream.text(), *masked, "{text} at {at}");
        }
    }
}

#[test]
fn every_build_makes_the_same_bytes() {
    for build in builds() {
        let world = World::cold(Proxy::builder(build), &masking());
        world.tick();
        for case in cases() {
            let text = case.text.as_bytes();
            assert_cut(&world, TEXT, text, 11, &native(Format::Text, text));
            // A long text around it, so that whole blocks are read at once.
            let long = [
                &b"Plain words. ".repeat(40)[..],
                text,
                &b" and more".repeat(40),
            ]
            .concat();
            assert_cut(&world, TEXT, &long, 89, &native(Format::Text, &long));
        }
    }
}
