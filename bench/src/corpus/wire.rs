//! How providers write an answer.

use serde_json::{Value, json};

use super::dice::Dice;

/// The body of a `chat.completion`.
pub(super) fn completion(dice: &mut Dice, text: &str) -> String {
    let tokens = text.len() / 4;
    let id = format!("chatcmpl-{}", dice.letters(29));
    let text = Value::from(text);
    let created = 1_732_500_000 + dice.below(1_000_000);
    let prompt = 20 + dice.below(4_000);
    format!(
        concat!(
            r#"{{"id":"{id}","object":"chat.completion","created":{created},"#,
            r#""model":"gpt-4o-2024-08-06","choices":[{{"index":0,"message":{{"role":"assistant","#,
            r#""content":{text},"refusal":null,"annotations":[]}},"logprobs":null,"#,
            r#""finish_reason":"stop"}}],"usage":{{"prompt_tokens":{prompt},"#,
            r#""completion_tokens":{tokens},"total_tokens":{total},"#,
            r#""prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}}}},"#,
            r#""service_tier":"default","system_fingerprint":"fp_5d58a6052a"}}"#
        ),
        id = id,
        created = created,
        text = text,
        prompt = prompt,
        tokens = tokens,
        total = prompt + tokens,
    )
}

/// A stream of `chat.completion.chunk`, events of about 300 bytes.
pub(super) fn openai(dice: &mut Dice, text: &str) -> String {
    let id = format!("chatcmpl-{}", dice.letters(29));
    let created = 1_732_500_000 + dice.below(1_000_000);
    let mut out = String::new();
    let mut event = |delta: Value, finish: Value, dice: &mut Dice| {
        let padding = dice.below(12);
        out.push_str(&format!(
            concat!(
                r#"data: {{"id":"{id}","object":"chat.completion.chunk","created":{created},"#,
                r#""model":"gpt-4o-2024-08-06","service_tier":"default","#,
                r#""system_fingerprint":"fp_5d58a6052a","choices":[{{"index":0,"delta":{delta},"#,
                r#""logprobs":null,"finish_reason":{finish}}}],"usage":null,"#,
                r#""obfuscation":"{padding}"}}"#,
                "\n\n"
            ),
            id = id,
            created = created,
            delta = delta,
            finish = finish,
            padding = dice.letters(2 + padding),
        ));
    };
    let first = json!({"role": "assistant", "content": "", "refusal": null});
    event(first, Value::Null, dice);
    for token in tokens(text) {
        event(json!({"content": token}), Value::Null, dice);
    }
    event(json!({}), "stop".into(), dice);
    out.push_str("data: [DONE]\n\n");
    out
}

/// A stream as Anthropic writes it, events of about 120 bytes.
pub(super) fn anthropic(dice: &mut Dice, text: &str) -> String {
    let id = format!("msg_01{}", dice.letters(22));
    let mut out = String::new();
    let mut event = |kind: &str, rest: &str| {
        out.push_str(&format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n"
        ));
    };
    event(
        "message_start",
        &format!(
            r#","message":{{"id":"{id}","type":"message","role":"assistant","model":"claude-sonnet-4-20250514","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":472,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}}}"#
        ),
    );
    event(
        "content_block_start",
        r#","index":0,"content_block":{"type":"text","text":""}"#,
    );
    event("ping", "");
    let mut count = 0;
    for token in tokens(text) {
        count += 1;
        let token = Value::from(token);
        event(
            "content_block_delta",
            &format!(r#","index":0,"delta":{{"type":"text_delta","text":{token}}}"#),
        );
    }
    event("content_block_stop", r#","index":0"#);
    event(
        "message_delta",
        &format!(
            r#","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{count}}}"#
        ),
    );
    event("message_stop", "");
    out
}

/// Tokens as tokenizers cut them, more or less: a space and up to seven letters, up to three
/// digits, or a sign.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, first) = chars.next()?;
        let same: fn(char) -> bool = match first {
            ' ' => char::is_alphabetic,
            digit if digit.is_ascii_digit() => |char| char.is_ascii_digit(),
            letter if letter.is_alphabetic() => char::is_alphabetic,
            _ => |_| false,
        };
        let most = if first.is_ascii_digit() { 2 } else { 7 };
        let end = chars
            .take(most)
            .find(|(_, char)| !same(*char))
            .map(|(at, _)| at);
        let end = end.unwrap_or_else(|| {
            let limit = rest.char_indices().nth(most + 1);
            limit.map_or(rest.len(), |(at, _)| at)
        });
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}
