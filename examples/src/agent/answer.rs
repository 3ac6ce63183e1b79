//! The answers: what they say, and how they are cut into writes.

use std::time::{SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::{AgentConfig, Datum, Writes, anthropic, openai};

/// What a request asks for, and what came with it.
#[derive(Debug)]
pub(super) struct Ask {
    provider: Provider,
    /// Whether the answer is to be a stream.
    pub(super) stream: bool,
    /// How many words it wants.
    pub(super) tokens: Option<usize>,
    /// Said back in the answer: what reached the agent.
    pub(super) received: Value,
}

/// Whose interface a request is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    OpenAi,
    Anthropic,
}

/// One answer in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) number: u64,
    /// In seconds since 1970.
    pub(super) created: u64,
    /// What an event of a stream carries each; together, the text.
    pub(super) tokens: Vec<String>,
    /// The personal data in it.
    pub(super) leaks: Vec<Datum>,
}

// === impl Ask ===

impl Ask {
    pub(super) fn read(path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let tokens = json["max_tokens"]
            .as_u64()
            .map(|tokens| tokens.min(TOKENS_LIMIT) as usize);
        let provider = match path.ends_with(MESSAGES) {
            true => Provider::Anthropic,
            false => Provider::OpenAi,
        };
        Self {
            provider,
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
    /// The answer to request `number`. The first leak in it, if there is to be any, is the agent's
    /// leak number `leak`.
    pub(super) fn new(config: &AgentConfig, ask: &Ask, number: u64, leak: Option<u64>) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut draft = Self {
            number,
            created: created.unwrap_or_default().as_secs(),
            tokens: Vec::new(),
            leaks: Vec::new(),
        };
        let count = ask.tokens.unwrap_or(config.tokens);
        let mut said = leak.unwrap_or_default();
        for (index, word) in TEXT.split(' ').cycle().take(count).enumerate() {
            let due = index % LEAK_EVERY == LEAK_AFTER.min(count - 1);
            if due && leak.is_some() {
                draft.leak(config, said);
                said += 1;
            }
            draft.say(word);
        }
        draft
    }

    /// The whole answer in JSON.
    pub(super) fn json(&self, config: &AgentConfig, ask: &Ask) -> String {
        let answer = match ask.provider {
            Provider::OpenAi => openai::json(self, config, ask),
            Provider::Anthropic => anthropic::json(self, config, ask),
        };
        answer.to_string()
    }

    /// The answer as the events of a stream, a token each, and what goes before and after them.
    pub(super) fn events(&self, config: &AgentConfig, ask: &Ask) -> Vec<String> {
        match ask.provider {
            Provider::OpenAi => openai::events(self, config, ask),
            Provider::Anthropic => anthropic::events(self, config, ask),
        }
    }

    /// The event by which the agent says, in the middle of a stream, that it failed.
    pub(super) fn error_event(config: &AgentConfig, ask: &Ask) -> String {
        let error = error(config);
        match ask.provider {
            Provider::OpenAi => format!("data: {error}\n\n"),
            Provider::Anthropic => format!("event: error\ndata: {error}\n\n"),
        }
    }

    fn say(&mut self, text: &str) {
        let space = if self.tokens.is_empty() { "" } else { " " };
        self.tokens.push(format!("{space}{text}"));
    }

    /// A sentence in pieces that break its values, as a model's tokens do.
    fn leak(&mut self, config: &AgentConfig, number: u64) {
        let Some(turn) = number.checked_rem(config.pii.len() as u64) else {
            return;
        };
        let sentence = &config.pii[turn as usize];
        self.leaks.extend(sentence.data());
        let text: Vec<char> = sentence.text().chars().collect();
        let mut pieces = text.chunks(PIECE_CHARS).map(String::from_iter);
        if let Some(first) = pieces.next() {
            self.say(&first);
        }
        self.tokens.extend(pieces);
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
        "type": "error",
        "error": {"type": "server_error", "message": "the agent failed, as it was told to"},
        "version": config.version,
    })
    .to_string()
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

/// What the path of a request ends with that wants the answer of an Anthropic-compatible service.
pub(super) const MESSAGES: &str = "/messages";

/// The longest answer: a request must not make the agent build a huge one.
const TOKENS_LIMIT: u64 = 100_000;

/// What it says, over and over.
const TEXT: &str =
    "Thank you for your patience. I have looked at your order and it left our house this morning.";

/// A leaky answer leaks once in so many words, after the first sentence of each round of [`TEXT`].
const LEAK_EVERY: usize = 18;
const LEAK_AFTER: usize = 5;

/// The length of a token of a model, about.
const PIECE_CHARS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{AADHAAR, SENTENCES};
    use crate::sse::Parser;

    #[test]
    fn a_stream_says_what_the_json_answer_says() {
        let config = AgentConfig::new("prompt-v42");
        let body = br#"{"stream": true, "max_tokens": 30}"#;
        for (path, whole, delta) in [
            (
                "/v1/chat/completions",
                "/choices/0/message/content",
                "/choices/0/delta/content",
            ),
            ("/v1/messages", "/content/0/text", "/delta/text"),
        ] {
            let ask = Ask::read(path, &HeaderMap::new(), body);
            let draft = Draft::new(&config, &ask, 7, Some(0));
            let json: Value = serde_json::from_str(&draft.json(&config, &ask)).unwrap();

            let stream = draft.events(&config, &ask).concat();
            let events = Parser::default().push(stream.as_bytes());
            let text = |chunk: Value| Some(chunk.pointer(delta)?.as_str()?.to_owned());
            let chunks = events.iter().filter_map(|event| event.json());
            let content: String = chunks.filter_map(text).collect();

            assert_eq!(json.pointer(whole).unwrap(), &content, "{path}");
            assert!(content.contains(AADHAAR.text), "{content}");
            assert!(events.last().unwrap().is_done(), "{path}");
        }
    }

    #[test]
    fn a_long_answer_leaks_one_sentence_after_the_other() {
        let config = AgentConfig::new("prompt-v42");
        for (words, expected) in [(0, 0), (1, 1), (12, 1), (23, 1), (24, 2), (200, 11)] {
            let body = json!({"max_tokens": words}).to_string();
            let ask = Ask::read("/", &HeaderMap::new(), body.as_bytes());
            assert!(Draft::new(&config, &ask, 0, None).leaks.is_empty());

            let draft = Draft::new(&config, &ask, 0, Some(3));
            let said: Vec<_> = (3..3 + expected).map(|turn| SENTENCES[turn % 5]).collect();
            let data: Vec<Datum> = said.iter().flat_map(|sentence| sentence.data()).collect();
            assert_eq!(draft.leaks, data, "{words} words");
            let text = draft.tokens.concat();
            for sentence in said {
                assert!(text.contains(&sentence.text()), "{words} words: {text}");
            }
        }
    }

    #[test]
    fn a_leak_stands_between_sentences() {
        assert_eq!(TEXT.split(' ').count(), LEAK_EVERY);
        let before = TEXT.split(' ').nth(LEAK_AFTER - 1);
        assert!(before.is_some_and(|word| word.ends_with('.')), "{before:?}");
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
