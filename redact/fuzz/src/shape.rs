//! How providers write a text as a stream of events, and how clients read it.

use breakglass_redact::Format;
use serde_json::{Value, json};

use super::body::{Random, show};

/// How a provider writes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Chat,
    TwoChoices,
    Tools,
    Block,
    BlockJson,
    Thinking,
    Response,
    Gemini,
    Completion,
    Plain,
    Quoted,
    Reasoning,
    Logprobs,
    NoEnd,
    TwoLines,
    Generate,
    OllamaChat,
}

/// What a client makes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) texts: [String; 2],
    pub(crate) ids: Vec<usize>,
    pub(crate) events: usize,
    first_end: usize,
    /// Whether text came after the event that ends it.
    pub(crate) is_late: bool,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn of(format: Format, number: u8) -> Self {
        if format == Format::NdJson {
            return if number.is_multiple_of(2) {
                Self::Generate
            } else {
                Self::OllamaChat
            };
        }
        SHAPES[usize::from(number) % SHAPES.len()]
    }

    pub(crate) fn is_double(self) -> bool {
        matches!(
            self,
            Self::TwoChoices | Self::Tools | Self::Block | Self::Reasoning | Self::OllamaChat
        )
    }

    pub(crate) fn is_signed(self) -> bool {
        self == Self::Thinking
    }

    /// Whether the event that ends a text may bring some of it.
    pub(crate) fn has_text_to_the_end(self) -> bool {
        matches!(self, Self::Completion | Self::Generate | Self::OllamaChat)
    }

    /// The text as it is written, in pieces that no event may cut.
    pub(crate) fn units(self, text: &[u8], seed: u16) -> Vec<String> {
        let text = String::from_utf8_lossy(text);
        if self == Self::Plain {
            let is_plain = |c: &char| !matches!(c, '\n' | '\r' | '{' | '[' | '"' | '\u{feff}');
            return std::iter::once('x')
                .chain(text.chars().filter(is_plain))
                .map(String::from)
                .collect();
        }
        // A text that can stand in JSON as it is does.
        let is_written = serde_json::from_str::<String>(&format!("\"{text}\"")).is_ok();
        if is_written && seed & 0x100 == 0 {
            let mut units: Vec<String> = Vec::new();
            let mut rest = &*text;
            while let Some(first) = rest.chars().next() {
                let size = match rest.as_bytes() {
                    [b'\\', b'u', b'd' | b'D', ..] => 12,
                    [b'\\', b'u', ..] => 6,
                    [b'\\', ..] => 2,
                    _ => first.len_utf8(),
                };
                let size = if rest.is_char_boundary(size) {
                    size
                } else {
                    first.len_utf8()
                };
                units.push(rest[..size].into());
                rest = &rest[size..];
            }
            return units;
        }
        let escape = |c: char| match c {
            c if seed & 0x200 != 0 && !c.is_ascii() => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect(),
            c => {
                let written = serde_json::to_string(&c).expect("a character");
                written[1..written.len() - 1].to_owned()
            }
        };
        text.chars().map(escape).collect()
    }

    pub(crate) fn decode(self, written: &str) -> String {
        if self == Self::Plain {
            return written.into();
        }
        serde_json::from_str(&format!("\"{written}\""))
            .unwrap_or_else(|error| panic!("no JSON any more, {error}: {written:?}"))
    }

    /// The stream, and how many events it has.
    pub(crate) fn body(
        self,
        mut first: &[String],
        mut second: &[String],
        random: &mut Random,
    ) -> (Vec<u8>, usize) {
        let most = [1, 3, 12, 60][random.below(4)];
        let end = ["\n", "\n", "\r\n", "\r"][random.below(4)];
        let mut events: Vec<[String; 2]> = Vec::new();
        let take = |units: &mut &[String], random: &mut Random| {
            let (piece, rest) = units.split_at(random.below(most + 1).min(units.len()));
            *units = rest;
            piece.concat()
        };
        while !first.is_empty() || !second.is_empty() {
            let piece = take(&mut first, random);
            let other = if random.below(3) == 0 {
                String::new()
            } else {
                take(&mut second, random)
            };
            events.extend(self.pieces(&piece, &other));
        }
        events.extend(self.ends());
        let mut body = String::new();
        for (place, [name, data]) in events.iter().enumerate() {
            if matches!(self, Self::Generate | Self::OllamaChat) {
                body.push_str(&data.replacen('{', &format!("{{\"n\":{place},"), 1));
                body.push('\n');
                continue;
            }
            if !name.is_empty() {
                body.push_str(&format!("event: {name}{end}"));
            }
            body.push_str(&format!("id: {place}{end}"));
            for line in data.split('\n') {
                body.push_str(&format!("data: {line}{end}"));
            }
            body.push_str(end);
        }
        (body.into(), events.len())
    }

    /// The events that bring a piece of each text.
    fn pieces(self, piece: &str, other: &str) -> Vec<[String; 2]> {
        let chat = |choices: String| {
            let head = "\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\"";
            format!("{{{head},\"choices\":[{choices}],\"usage\":null}}")
        };
        let choice = |index: u8, delta: String| {
            format!(
                "{{\"index\":{index},\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":null}}"
            )
        };
        let block = |kind: &str, index: u8, member: &str, text: &str| {
            let delta = format!("{{\"type\":\"{kind}\",\"{member}\":\"{text}\"}}");
            let data =
                format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{delta}}}");
            ["content_block_delta".into(), data]
        };
        let tool = |index: u8, text: &str| {
            format!("{{\"index\":{index},\"function\":{{\"arguments\":\"{text}\"}}}}")
        };
        let one = |data: String| vec![[String::new(), data]];
        match self {
            Self::Chat | Self::NoEnd => one(chat(choice(0, format!("\"content\":\"{piece}\"")))),
            Self::TwoLines => one(chat(choice(0, format!("\n\"content\":\"{piece}\"")))),
            Self::TwoChoices => {
                let both = [(0, piece), (1, other)];
                let both =
                    both.map(|(index, text)| choice(index, format!("\"content\":\"{text}\"")));
                match other.is_empty() {
                    true => one(chat(both[0].clone())),
                    false => one(chat(both.join(","))),
                }
            }
            Self::Tools => {
                let calls = format!("{},{}", tool(0, piece), tool(1, other));
                one(chat(choice(0, format!("\"tool_calls\":[{calls}]"))))
            }
            Self::Reasoning => {
                let delta = format!("\"reasoning_content\":\"{piece}\",\"content\":\"{other}\"");
                one(chat(choice(0, delta)))
            }
            Self::Logprobs => {
                let tokens =
                    format!("{{\"content\":[{{\"token\":\"{piece}\",\"logprob\":-0.5}}]}}");
                let delta = format!("\"content\":\"{piece}\"");
                let choice = format!(
                    "{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":{tokens},\"finish_reason\":null}}"
                );
                one(chat(choice))
            }
            Self::Block => vec![
                block("text_delta", 0, "text", piece),
                block("text_delta", 1, "text", other),
            ],
            Self::BlockJson => vec![block("input_json_delta", 0, "partial_json", piece)],
            Self::Thinking => vec![block("thinking_delta", 0, "thinking", piece)],
            Self::Response => {
                let kind = "response.output_text.delta";
                let head = format!(
                    "\"type\":\"{kind}\",\"item_id\":\"m\",\"output_index\":0,\"content_index\":0"
                );
                vec![[kind.into(), format!("{{{head},\"delta\":\"{piece}\"}}")]]
            }
            Self::Gemini => one(format!(
                "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{piece}\"}}],\"role\":\"model\"}},\"index\":0}}]}}"
            )),
            Self::Completion => one(format!(
                "{{\"id\":\"c\",\"choices\":[{{\"text\":\"{piece}\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}}]}}"
            )),
            Self::Plain => one(piece.into()),
            Self::Quoted => one(format!("\"{piece}\"")),
            Self::Generate => one(format!(
                "{{\"model\":\"m\",\"response\":\"{piece}\",\"done\":false}}"
            )),
            Self::OllamaChat => {
                let message = format!(
                    "{{\"role\":\"assistant\",\"thinking\":\"{piece}\",\"content\":\"{other}\"}}"
                );
                one(format!(
                    "{{\"model\":\"m\",\"message\":{message},\"done\":false}}"
                ))
            }
        }
    }

    /// The events that end it.
    pub(crate) fn ends(self) -> Vec<[String; 2]> {
        let one = |data: Value| [String::new(), data.to_string()];
        let done = [String::new(), "[DONE]".to_owned()];
        let finish = |index: u8| {
            one(json!({"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}))
        };
        match self {
            Self::NoEnd | Self::Plain | Self::Quoted => Vec::new(),
            Self::TwoChoices => vec![finish(0), finish(1), done],
            Self::Chat | Self::Tools | Self::Reasoning | Self::Logprobs | Self::TwoLines => {
                let usage = one(json!({"choices": [], "usage": {"total_tokens": 12}}));
                vec![finish(0), usage, done]
            }
            Self::Completion => {
                let end = json!({"choices": [{"text": "", "index": 0, "finish_reason": "stop"}]});
                vec![one(end), done]
            }
            Self::Block | Self::BlockJson | Self::Thinking => {
                let stop =
                    |index: u8| json!({"type": "content_block_stop", "index": index}).to_string();
                let end = json!({"type": "message_stop"}).to_string();
                let name = |name: &str| name.to_owned();
                vec![
                    [name("content_block_stop"), stop(0)],
                    [name("content_block_stop"), stop(1)],
                    [name("message_stop"), end],
                ]
            }
            Self::Response => {
                let kind = "response.output_text.done";
                let end = json!({"type": kind, "item_id": "m", "output_index": 0, "content_index": 0, "text": "…"});
                vec![[kind.into(), end.to_string()]]
            }
            Self::Gemini => vec![one(
                json!({"candidates": [{"finishReason": "STOP", "index": 0}]}),
            )],
            Self::Generate => vec![one(json!({"response": "", "done": true}))],
            Self::OllamaChat => vec![one(json!({"message": {"content": ""}, "done": true}))],
        }
    }

    /// Reads a stream as a client does; `body` is what it was, `first_end` the first event that ends
    /// a text.
    pub(crate) fn read(self, out: &[u8], body: &[u8], first_end: usize) -> Read {
        let out = std::str::from_utf8(out).unwrap_or_else(|error| {
            panic!(
                "no UTF-8 any more, {error}: {} -> {}",
                show(body),
                show(out)
            )
        });
        let mut read = Read {
            first_end,
            ..Read::default()
        };
        if matches!(self, Self::Generate | Self::OllamaChat) {
            for line in out.lines() {
                let value = self.parse(line, body, out);
                read.ids.extend(value["n"].as_u64().map(|n| n as usize));
                self.take(&value, &mut read);
            }
            return read;
        }
        let out = out.replace("\r\n", "\n").replace('\r', "\n");
        for event in out.split("\n\n").filter(|event| !event.is_empty()) {
            let lines = || event.split('\n');
            let ids = lines().filter_map(|line| line.strip_prefix("id: "));
            read.ids
                .extend(ids.map(|id| id.parse::<usize>().expect("the id")));
            let data: Vec<_> = lines()
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            let data = data.join("\n");
            match self {
                Self::Plain => {
                    read.texts[0].push_str(&data);
                    read.events += 1;
                }
                _ if data == "[DONE]" => read.events += 1,
                _ => self.take(&self.parse(&data, body, &out), &mut read),
            }
        }
        read
    }

    fn parse(self, data: &str, body: &[u8], out: &str) -> Value {
        serde_json::from_str(data).unwrap_or_else(|error| {
            panic!(
                "no JSON any more, {error}: {data:?} in {} -> {out:?}",
                show(body)
            )
        })
    }

    /// Takes the texts of one event.
    fn take(self, value: &Value, read: &mut Read) {
        read.events += 1;
        // Each of two choices or blocks has an end of its own.
        let ends_apart = matches!(self, Self::TwoChoices | Self::Block);
        let mut add = |place: usize, text: &Value| {
            let text = text.as_str().unwrap_or_default();
            let end = read.first_end + if ends_apart { place } else { 0 };
            let latest = read.ids.iter().max();
            read.is_late |= !text.is_empty() && latest.is_some_and(|id| *id >= end);
            read.texts[place].push_str(text);
        };
        let index = |value: &Value| value["index"].as_u64().unwrap_or(0) as usize;
        match self {
            Self::Quoted => add(0, value),
            Self::Block => add(index(value), &value["delta"]["text"]),
            Self::BlockJson => add(0, &value["delta"]["partial_json"]),
            Self::Thinking => add(0, &value["delta"]["thinking"]),
            Self::Response => add(0, &value["delta"]),
            Self::Gemini => add(0, &value["candidates"][0]["content"]["parts"][0]["text"]),
            Self::Completion => add(0, &value["choices"][0]["text"]),
            Self::Generate => add(0, &value["response"]),
            Self::OllamaChat => {
                add(0, &value["message"]["thinking"]);
                add(1, &value["message"]["content"]);
            }
            _ => {
                for choice in value["choices"].as_array().into_iter().flatten() {
                    let delta = &choice["delta"];
                    match self {
                        Self::Reasoning => {
                            add(0, &delta["reasoning_content"]);
                            add(1, &delta["content"]);
                        }
                        _ => add(index(choice), &delta["content"]),
                    }
                    for call in delta["tool_calls"].as_array().into_iter().flatten() {
                        add(index(call), &call["function"]["arguments"]);
                    }
                }
            }
        }
    }
}

const SHAPES: [Shape; 15] = [
    Shape::Chat,
    Shape::TwoChoices,
    Shape::Tools,
    Shape::Block,
    Shape::BlockJson,
    Shape::Thinking,
    Shape::Response,
    Shape::Gemini,
    Shape::Completion,
    Shape::Plain,
    Shape::Quoted,
    Shape::Reasoning,
    Shape::Logprobs,
    Shape::NoEnd,
    Shape::TwoLines,
];
