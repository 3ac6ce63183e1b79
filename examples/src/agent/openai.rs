//! Answers in the shape of an OpenAI-compatible service (chat completions).

use serde_json::{Value, json};

use super::AgentConfig;
use super::answer::{Ask, Draft};
use crate::sse::DONE;

/// A `chat.completion`.
pub(super) fn json(draft: &Draft, config: &AgentConfig, ask: &Ask) -> Value {
    json!({
        "id": id(draft),
        "object": "chat.completion",
        "created": draft.created,
        "model": config.name,
        "version": config.version,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": draft.tokens.concat()},
            "finish_reason": "stop",
        }],
        "usage": {"completion_tokens": draft.tokens.len()},
        "received": ask.received,
    })
}

/// A stream of `chat.completion.chunk`: the role, a token at a time, the reason why it stopped, and
/// the end.
pub(super) fn events(draft: &Draft, config: &AgentConfig, ask: &Ask) -> Vec<String> {
    let chunk = |delta: Value, finish_reason: Value| {
        json!({
            "id": id(draft),
            "object": "chat.completion.chunk",
            "created": draft.created,
            "model": config.name,
            "version": config.version,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        })
    };
    let mut first = chunk(json!({"role": "assistant"}), Value::Null);
    first["received"] = ask.received.clone();

    let mut events = Vec::with_capacity(draft.tokens.len() + 3);
    events.push(event(&first.to_string()));
    for token in &draft.tokens {
        let chunk = chunk(json!({"content": token}), Value::Null);
        events.push(event(&chunk.to_string()));
    }
    events.push(event(&chunk(json!({}), "stop".into()).to_string()));
    events.push(event(DONE));
    events
}

fn id(draft: &Draft) -> String {
    format!("chatcmpl-{}", draft.number)
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}
