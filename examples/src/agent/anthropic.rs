//! Answers in the shape of an Anthropic-compatible service (messages).

use serde_json::{Value, json};

use super::AgentConfig;
use super::answer::{Ask, Draft};
use crate::sse::MESSAGE_STOP;

/// A `message`.
pub(super) fn json(draft: &Draft, config: &AgentConfig, ask: &Ask) -> Value {
    let mut message = message(draft, config);
    message["content"] = json!([{"type": "text", "text": draft.tokens.concat()}]);
    message["stop_reason"] = "end_turn".into();
    message["usage"]["output_tokens"] = draft.tokens.len().into();
    message["version"] = config.version.as_str().into();
    message["received"] = ask.received.clone();
    message
}

/// A stream: the message without its text, a block of text a token at a time, the reason why it
/// stopped, and the end.
pub(super) fn events(draft: &Draft, config: &AgentConfig, ask: &Ask) -> Vec<String> {
    let deltas = draft.tokens.iter().map(|token| {
        let delta = json!({"type": "text_delta", "text": token});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    });
    let start = json!({
        "type": "message_start",
        "message": message(draft, config),
        "version": config.version,
        "received": ask.received,
    });
    let block = json!({"type": "text", "text": ""});
    let stopped = json!({"stop_reason": "end_turn", "stop_sequence": null});
    let before = [
        start,
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
    ];
    let after = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": stopped,
            "usage": {"output_tokens": draft.tokens.len()},
        }),
        json!({"type": MESSAGE_STOP}),
    ];
    let events = before.into_iter().chain(deltas).chain(after);
    events.map(|data| event(&data)).collect()
}

fn message(draft: &Draft, config: &AgentConfig) -> Value {
    json!({
        "id": format!("msg_{}", draft.number),
        "type": "message",
        "role": "assistant",
        "model": config.name,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {"input_tokens": 12, "output_tokens": 1},
    })
}

/// Each is named as its data is typed.
fn event(data: &Value) -> String {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}
