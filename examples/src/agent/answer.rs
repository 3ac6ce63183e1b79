//! The answers: JSON, a stream of events, an error; and how they are cut into writes.

use std::time::{SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::{AgentConfig, Writes, pii};
use crate::sse::DONE;

/// What a request asks for, and what came with it.
#[derive(Debug)]
pub(super) struct Ask {
    /// Whether the answer is to be a stream.
    pub(super) stream: bool,
    /// How many words it wants.
    pub(super) tokens: Option<usize>,
    /// Said back in the answer: what reached the agent.
    received: Value,
}

/// One answer in the making.
#[derive(Debug)]
pub(super) struct Draft {
    id: String,
    created: u64,
    words: Vec<String>,
}

// === impl Ask ===

impl Ask {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let tokens = json["max_tokens"]
            .as_u64()
            .map(|tokens| tokens.min(TOKENS_LIMIT) as usize);
        Self {
            stream: json["stream"] == true,
            tokens,
            received: json!({
                "headers": echoed(headers),
                "prompt_version": json.pointer("/prompt/version"),
                "body_bytes": body.len(),
            }),
        }
    }
}

/// The headers that Breakglass and the arms set, as they came; several of one name are an array.
fn echoed(headers: &HeaderMap) -> Map<String, Value> {
    headers
        .keys()
        .filter(|name| {
            ECHOED
                .iter()
                .any(|prefix| name.as_str().starts_with(prefix))
        })
        .map(|name| {
            let mut values: Vec<Value> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into())
                .collect();
            let value = if values.len() == 1 {
                values.remove(0)
            } else {
                Value::Array(values)
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

// === impl Draft ===

impl Draft {
    /// The answer to request `number`, with a leak in its middle if `leaky`.
    pub(super) fn new(config: &AgentConfig, ask: &Ask, number: u64, leaky: bool) -> Self {
        let count = ask.tokens.unwrap_or(config.tokens);
        let mut words: Vec<String> = TEXT
            .split(' ')
            .cycle()
            .take(count)
            .map(str::to_owned)
            .collect();
        if leaky {
            let middle = words.len() / 2;
            words.splice(middle..middle, pii::leak().split(' ').map(str::to_owned));
        }
        let created = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        Self {
            id: format!("chatcmpl-{number}"),
            created,
            words,
        }
    }

    /// The whole answer as a `chat.completion`.
    pub(super) fn json(&self, config: &AgentConfig, ask: &Ask) -> String {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": config.name,
            "version": config.version,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": self.words.join(" ")},
                "finish_reason": "stop",
            }],
            "usage": {"completion_tokens": self.words.len()},
            "received": ask.received,
        })
        .to_string()
    }

    /// The answer as a stream of `chat.completion.chunk`: the role, a word at a time, the reason
    /// why it stopped, and the end.
    pub(super) fn events(self, config: &AgentConfig, ask: &Ask) -> Vec<String> {
        let chunk = |delta: Value, finish_reason: Value| {
            json!({
                "id": self.id,
                "object": "chat.completion.chunk",
                "created": self.created,
                "model": config.name,
                "version": config.version,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
            })
        };
        let mut first = chunk(json!({"role": "assistant"}), Value::Null);
        first["received"] = ask.received.clone();

        let mut events = Vec::with_capacity(self.words.len() + 3);
        events.push(event(&first.to_string()));
        for (index, word) in self.words.iter().enumerate() {
            let text = if index == 0 {
                word.clone()
            } else {
                format!(" {word}")
            };
            events.push(event(
                &chunk(json!({"content": text}), Value::Null).to_string(),
            ));
        }
        events.push(event(&chunk(json!({}), "stop".into()).to_string()));
        events.push(event(DONE));
        events
    }
}

/// A request as it reached the agent: every header in its order, and the body. Bytes that are not
/// UTF-8 are replaced.
pub(super) fn echo(version: &str, head: &Parts, body: &[u8]) -> String {
    let headers: Vec<[Value; 2]> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            [name.as_str().into(), value.into()]
        })
        .collect();
    json!({
        "version": version,
        "method": head.method.as_str(),
        "path": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    })
    .to_string()
}

/// What a failing agent answers.
pub(super) fn error(config: &AgentConfig) -> String {
    json!({
        "error": {"type": "server_error", "message": "the agent failed, as it was told to"},
        "version": config.version,
    })
    .to_string()
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// Cuts `text` into what is written at once.
pub(super) fn cut(text: &str, writes: Writes) -> Vec<&[u8]> {
    match writes {
        Writes::Event => vec![text.as_bytes()],
        Writes::Token => text.split_inclusive(' ').map(str::as_bytes).collect(),
        Writes::Byte => text.as_bytes().chunks(1).collect(),
    }
}

/// Beginnings of the names of headers that an answer says back.
const ECHOED: [&str; 2] = ["x-breakglass-", "x-prompt-version"];

/// The longest answer: a request must not make the agent build a huge one.
const TOKENS_LIMIT: u64 = 100_000;

/// What it says, over and over.
const TEXT: &str =
    "Thank you for your patience. I have looked at your order and it left our house this morning.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Parser;

    #[test]
    fn a_stream_says_what_the_json_answer_says() {
        let config = AgentConfig::new("prompt-v42");
        let ask = Ask::read(&HeaderMap::new(), br#"{"stream": true, "max_tokens": 30}"#);
        let json: Value =
            serde_json::from_str(&Draft::new(&config, &ask, 7, true).json(&config, &ask)).unwrap();

        let stream = Draft::new(&config, &ask, 7, true)
            .events(&config, &ask)
            .concat();
        let events = Parser::default().push(stream.as_bytes());
        let content: String = events
            .iter()
            .filter_map(|event| event.json())
            .filter_map(|chunk| {
                chunk
                    .pointer("/choices/0/delta/content")?
                    .as_str()
                    .map(str::to_owned)
            })
            .collect();

        assert_eq!(json["choices"][0]["message"]["content"], content);
        assert!(content.contains(pii::AADHAAR), "{content}");
        assert!(events.last().unwrap().is_done());
    }

    #[test]
    fn cutting_loses_nothing() {
        let text = "data: {\"a\": \"b c\"}\n\n";
        for (writes, pieces) in [
            (Writes::Event, 1),
            (Writes::Token, 4),
            (Writes::Byte, text.len()),
        ] {
            let cut = cut(text, writes);
            assert_eq!(
                (cut.len(), cut.concat()),
                (pieces, text.as_bytes().to_vec()),
                "{writes:?}"
            );
        }
    }
}
