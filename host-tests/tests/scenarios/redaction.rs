//! Redaction on the built filter: what client and upstream get, what is counted, and what never shows.

mod actions;
mod bodies;
mod counts;
mod hosts;
mod memory;
mod orders;
mod refusal;
mod splits;

use breakglass_host_tests::{Effects, End, More, Stream};
use serde_json::{Value, json};

use crate::{
    sse,
    world::{ROLLOUT, World, of_unit, policy, rollout, with},
};

/// A text of the scanner's own table: as it stands between the quotes of a JSON string, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) text: String,
    /// With every entity masked.
    pub(crate) masked: String,
    /// Entity and value.
    pub(crate) found: Vec<(String, String)>,
}

/// Content types, as often as tests need them.
pub(crate) const TEXT: &str = "text/plain";
pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENTS: &str = "text/event-stream";
pub(crate) const LINES: &str = "application/x-ndjson";

/// A value of a few bytes, and what stands in its place.
pub(crate) const MAIL: &str = "jo@example.com";
pub(crate) const MASKED: &str = "[EMAIL_ADDRESS]";

// === impl Case ===

impl Case {
    /// Reads a line of the table: `⟦ENTITY:value⟧` marks what is found.
    fn parse(line: &str) -> Self {
        let mut case = Self {
            text: String::new(),
            masked: String::new(),
            found: Vec::new(),
        };
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('⟦') {
            let (mark, after) = after.split_once('⟧').expect(line);
            let (entity, value) = mark.split_once(':').expect(line);
            case.text.extend([before, value]);
            case.masked.push_str(&format!("{before}[{entity}]"));
            case.found.push((entity.to_owned(), value.to_owned()));
            rest = after;
        }
        case.text.push_str(rest);
        case.masked.push_str(rest);
        case
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let lines = include_str!("../../../redact/cases/text.txt").lines();
    let cases: Vec<_> = lines
        .filter(|line| !line.starts_with('#'))
        .map(Case::parse)
        .collect();
    assert!(cases.len() > 50, "the table is there");
    cases
}

/// Everybody on the canary except `vip`, and this redaction.
pub(crate) fn redacting(redaction: Value) -> Value {
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let more = json!({"pins": {"stable": ["vip"]}, "redaction": redaction});
    policy([with(rollout(control), more)])
}

/// Everything is masked in both directions.
pub(crate) fn masking() -> Value {
    redacting(json!({"response": {"*": "mask"}, "request": {"*": "mask"}}))
}

/// An answer whose headers have come: of this content type and with these further headers.
pub(crate) fn begin(world: &World, unit: &str, kind: &str, more: &[(&str, &str)]) -> Stream {
    let mut stream = world.get(0, unit);
    let head = [(":status", "200"), ("content-type", kind)];
    stream.response(head.into_iter().chain(more.iter().copied()), More);
    stream
}

/// A whole answer, in these chunks.
pub(crate) fn answer<C: AsRef<[u8]>>(world: &World, kind: &str, chunks: &[C]) -> Effects {
    let mut stream = begin(world, "u", kind, &[]);
    for (n, chunk) in chunks.iter().enumerate() {
        stream.response_body(chunk, End::from(n + 1 == chunks.len()));
    }
    stream.finish()
}

/// A request with a body to come.
pub(crate) fn post(world: &World, unit: &str, kind: &str, more: &[(&str, &str)]) -> Stream {
    let head = of_unit(unit)
        .into_iter()
        .chain([("content-type", kind)])
        .chain(more.iter().copied());
    world.send(0, head, More)
}

/// A whole request, in these chunks.
pub(crate) fn ask<C: AsRef<[u8]>>(world: &World, kind: &str, chunks: &[C]) -> Stream {
    let mut stream = post(world, "u", kind, &[]);
    for (n, chunk) in chunks.iter().enumerate() {
        stream.request_body(chunk, End::from(n + 1 == chunks.len()));
    }
    stream
}

/// An event of a chat with this text, which is written as in a JSON string.
pub(crate) fn delta(text: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
    )
}

/// What the events of a chat say, put together; every one of them must be whole.
pub(crate) fn content(body: &str) -> String {
    let (events, between) = sse::read(body.as_bytes());
    assert!(between, "an event is left open: {body}");
    let data = events.iter().map(|event| event.data.as_str());
    let deltas = data.filter(|data| *data != "[DONE]").map(|data| {
        let event: Value =
            serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {body}"));
        event["choices"][0]["delta"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    deltas.collect()
}

/// How often an entity was found: `action` and `direction` as in labels.
pub(crate) fn found(world: &World, arm: &str, entity: &str, direction: &str, action: &str) -> u64 {
    let labels = format!(";arm={arm};entity={entity};direction={direction};action={action}");
    world.count("redactions_total", &labels)
}

pub(crate) fn unscanned(world: &World, reason: &str) -> u64 {
    world.count("unscanned_total", &format!(";reason={reason}"))
}

/// The order that masks everything, or no longer.
pub(crate) fn mask_all(generation: u64) -> Value {
    json!({"rollout": ROLLOUT, "generation": generation, "redaction": "mask_all"})
}
