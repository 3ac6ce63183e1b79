//! However the upstream cuts an answer into writes, the client gets the redaction of the whole.

use breakglass_redact::{Format, Profile, find};
use serde_json::{Value, json};

use super::{CHAT_END, Scene, chat_event, redacted};
use crate::wire::End;

/// The table of cases that the scanner itself is tested with.
const CASES: &str = include_str!("../../../../redact/cases/text.txt");

/// How the upstream writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    Byte,
    /// Cut after every space, comma and colon: inside events, between words.
    Token,
    /// An event or line at a time; what has neither, in halves.
    Event,
}

/// A way to put a text into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    OpenAi,
    Anthropic,
    /// Arguments of a tool: JSON as a text within JSON.
    Arguments,
    Json,
    NdJson,
    Plain,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_single_bytes_is_redacted_as_a_whole_one() {
    every(Writes::Byte, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_tokens_is_redacted_as_a_whole_one() {
    every(Writes::Token, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_events_is_redacted_as_a_whole_one() {
    every(Writes::Event, 1).await;
}

/// Tries every `step`th case in every framing; each framing begins at another one.
async fn every(writes: Writes, step: usize) {
    let mut scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    let cases = cases();
    let (mut answers, mut count) = (0, 0);
    for (number, framing) in Framing::ALL.into_iter().enumerate() {
        for text in cases.iter().skip(number % step).step_by(step) {
            count += one(&mut scene, framing, writes, text);
            answers += 1;
        }
    }
    println!("{writes:?}: {answers} answers in {count} writes");
    scene.edge.finish().await;
}

/// Writes one answer, and compares after each write; returns how many there were.
fn one(scene: &mut Scene, framing: Framing, writes: Writes, text: &str) -> usize {
    let of = format!("{framing:?} by {writes:?}: {text}");
    let format = framing.format();
    let body = framing.body(text);
    let expected = redacted(&scene.profile, format, body.concat().as_bytes());
    let expected = String::from_utf8(expected).expect("text");
    let (mut wire, mut call) = scene.open(format);
    let pieces = writes.cut(&body);
    let mut seen = Vec::new();
    for piece in &pieces {
        call.write(piece);
        scene.barrier.wait();
        seen.extend(wire.news());
        // What is visible is at each moment the beginning of what is masked.
        assert!(
            expected.as_bytes().starts_with(&seen),
            "{of}: visible: {}, of {expected}",
            String::from_utf8_lossy(&seen)
        );
    }
    call.end();
    assert_eq!(wire.end(), End::Whole, "{of}");
    assert_eq!(wire.text(), expected, "{of}");
    // And the text that a client puts together is the masked text.
    let masked = masked(&scene.profile, framing, text);
    assert_eq!(framing.read(&expected), masked, "{of}: {expected}");
    pieces.len()
}

/// The text of each case, as it is written in a JSON string, without the marks.
fn cases() -> Vec<String> {
    let lines = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    let unmarked = |line: &str| {
        let mut text = String::new();
        for (number, part) in line.split('⟦').enumerate() {
            let part = match number {
                0 => part,
                _ => part.split_once(':').expect("a mark").1,
            };
            text += &part.replace('⟧', "");
        }
        text
    };
    lines.map(unmarked).collect()
}

/// The text with a placeholder for each finding, as a client reads it.
fn masked(profile: &Profile, framing: Framing, text: &str) -> String {
    let written = framing.written(text);
    let mut masked = String::new();
    let mut from = 0;
    for span in find(profile, written.as_bytes(), false) {
        masked += &written[from..span.start];
        masked += &format!("[{}]", profile.name(span.kind));
        from = span.end;
    }
    masked += &written[from..];
    match framing {
        Framing::Plain => masked,
        _ => unquoted(&masked),
    }
}

/// What is written between the quotes of a JSON string.
fn quoted(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A case as it can stand between quotes: most are written so, some have bare quotes in them.
fn in_json(text: &str) -> String {
    match serde_json::from_str::<Value>(&format!("\"{text}\"")) {
        Ok(_) => text.to_owned(),
        Err(_) => quoted(text),
    }
}

fn unquoted(text: &str) -> String {
    let json = format!("\"{text}\"");
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

// === impl Writes ===

impl Writes {
    fn cut(self, body: &[String]) -> Vec<Vec<u8>> {
        let whole = body.concat().into_bytes();
        match self {
            Self::Byte => whole.chunks(1).map(<[u8]>::to_vec).collect(),
            Self::Token => whole
                .split_inclusive(|byte| b" ,:".contains(byte))
                .map(<[u8]>::to_vec)
                .collect(),
            Self::Event if body.len() > 1 => body
                .iter()
                .map(|event| event.clone().into_bytes())
                .collect(),
            Self::Event => {
                let (a, b) = whole.split_at(whole.len() / 2);
                vec![a.to_vec(), b.to_vec()]
            }
        }
    }
}

// === impl Framing ===

impl Framing {
    const ALL: [Self; 6] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Arguments,
        Self::Json,
        Self::NdJson,
        Self::Plain,
    ];

    fn format(self) -> Format {
        match self {
            Self::OpenAi | Self::Anthropic | Self::Arguments => Format::Sse,
            Self::Json => Format::Json,
            Self::NdJson => Format::NdJson,
            Self::Plain => Format::Text,
        }
    }

    /// The text as the scanner sees it.
    fn written(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Arguments => quoted(&format!("{{\"to\": \"{}\"}}", in_json(text))),
            _ => in_json(text),
        }
    }

    /// The events of an answer that tells this text in pieces of a few characters.
    fn body(self, text: &str) -> Vec<String> {
        let written = self.written(text);
        let pieces = pieces(&written);
        match self {
            Self::OpenAi => {
                let mut body: Vec<String> = pieces.iter().map(|piece| chat_event(piece)).collect();
                body.push(CHAT_END.into());
                body
            }
            Self::Anthropic => events(ANTHROPIC_START, ANTHROPIC_TEXT, &pieces, ANTHROPIC_END),
            Self::Arguments => events("", ARGUMENTS, &pieces, CHAT_END),
            Self::Json => vec![format!(
                "{{\"id\":\"x\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{written}\"}},\"finish_reason\":\"stop\"}}]}}"
            )],
            Self::NdJson => events("", NDJSON, &pieces, NDJSON_END),
            Self::Plain => vec![written],
        }
    }

    /// The text that a client puts together.
    fn read(self, body: &str) -> String {
        if self == Self::Plain {
            return body.to_owned();
        }
        let documents = body.lines().filter_map(|line| {
            let json = line.strip_prefix("data: ").unwrap_or(line);
            serde_json::from_str::<Value>(json).ok()
        });
        let place = match self {
            Self::OpenAi => "/choices/0/delta/content",
            Self::Anthropic => "/delta/text",
            Self::Arguments => "/choices/0/delta/tool_calls/0/function/arguments",
            Self::Json => "/choices/0/message/content",
            Self::NdJson | Self::Plain => "/message/content",
        };
        let texts = documents.filter_map(|json| Some(json.pointer(place)?.as_str()?.to_owned()));
        texts.collect()
    }
}

fn events(start: &str, piece: &str, texts: &[String], end: &str) -> Vec<String> {
    let texts = texts.iter().map(|text| piece.replace("TEXT", text));
    let all = [start.to_owned()].into_iter().chain(texts);
    let all = all.chain([end.to_owned()]);
    all.filter(|event| !event.is_empty()).collect()
}

/// Cuts what stands in a JSON string into strings of about four characters, never in an escape.
fn pieces(written: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let mut rest = written;
    while let Some(first) = rest.chars().next() {
        let length = match rest.as_bytes() {
            // A surrogate pair is one character.
            [
                b'\\',
                b'u',
                b'd' | b'D',
                b'8' | b'9' | b'a' | b'b' | b'A' | b'B',
                ..,
            ] => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => first.len_utf8(),
        };
        let (unit, after) = rest.split_at(length);
        piece += unit;
        rest = after;
        if piece.len() >= 4 {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    pieces.push(piece);
    pieces
}

const ANTHROPIC_START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"usage\":{\"input_tokens\":3}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const ANTHROPIC_TEXT: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"TEXT\"}}\n\n";
const ANTHROPIC_END: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const ARGUMENTS: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"TEXT\"}}]},\"finish_reason\":null}]}\n\n";
const NDJSON: &str = "{\"model\":\"m\",\"created_at\":\"2026-01-01T12:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"TEXT\"},\"done\":false}\n";
const NDJSON_END: &str = "{\"model\":\"m\",\"created_at\":\"2026-01-01T12:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n";
