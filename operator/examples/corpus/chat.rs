//! Answers of language models as they come over the wire: envelopes full of ids around a few words.

use super::prose;
use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    match rng.below(6) {
        0 => openai_stream(rng),
        1 => anthropic_stream(rng),
        2 => gemini_stream(rng),
        3 => vec![openai_answer(rng)],
        4 => vec![anthropic_answer(rng)],
        _ => responses_stream(rng),
    }
}

fn openai_stream(rng: &mut Rng) -> Vec<String> {
    let (id, created, fingerprint) = (rng.base62(29), rng.epoch(), rng.hex(10));
    let model = rng.pick(&[
        "gpt-4o-2024-08-06",
        "gpt-4.1-mini-2025-04-14",
        "qwen3-235b-a22b-2507",
        "llama-3.1-70b",
    ]);
    let event = |choice: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-{id}\",\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":\"{model}\",\"system_fingerprint\":\"fp_{fingerprint}\",\"choices\":[{{\"index\":0,{choice}}}]}}"
        )
    };
    let mut lines = Vec::new();
    if rng.once_in(4) {
        let call = format!(
            "\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"call_{}\",\"type\":\"function\",\"function\":{{\"name\":\"{}\",\"arguments\":\"\"}}}}]}}",
            rng.base62(24),
            rng.ident()
        );
        lines.push(event(&call));
        for part in [
            format!("{{\\\"{}\\\":", rng.word()),
            format!("\\\"{}\\\",", rng.id()),
            format!("\\\"{}\\\":{}}}", rng.word(), rng.id_of_digits()),
        ] {
            lines.push(event(&format!("\"delta\":{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{part}\"}}}}]}}")));
        }
    } else {
        for word in prose::sentence(rng).split_inclusive(' ').take(12) {
            let word = word.replace('\\', "\\\\").replace('"', "\\\"");
            let logprobs = match rng.below(4) {
                0 => format!(
                    ",\"logprobs\":{{\"content\":[{{\"logprob\":-{}.{},\"bytes\":[{},{},{}]}}]}}",
                    rng.below(20),
                    rng.text("0123456789", 16),
                    rng.below(256),
                    rng.below(256),
                    rng.below(256)
                ),
                _ => String::new(),
            };
            lines.push(event(&format!(
                "\"delta\":{{\"content\":\"{word}\"}}{logprobs},\"finish_reason\":null"
            )));
        }
    }
    lines.push(event("\"delta\":{},\"finish_reason\":\"stop\""));
    lines.push("data: [DONE]".into());
    lines
}

fn anthropic_stream(rng: &mut Rng) -> Vec<String> {
    let id = rng.base62(22);
    let model = rng.pick(&[
        "claude-3-5-sonnet-20241022",
        "claude-sonnet-4-20250514",
        "claude-opus-4-1-20250805",
    ]);
    let mut lines = vec![
        "event: message_start".into(),
        format!(
            "data: {{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_01{id}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\"content\":[],\"usage\":{{\"input_tokens\":{},\"output_tokens\":1}}}}}}",
            rng.below(200_000)
        ),
    ];
    if rng.once_in(3) {
        lines.push("event: content_block_start".into());
        lines.push(format!("data: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{\"type\":\"tool_use\",\"id\":\"toolu_01{}\",\"name\":\"{}\",\"input\":{{}}}}}}", rng.base62(22), rng.ident()));
        lines.push("event: content_block_delta".into());
        lines.push(format!("data: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{{\\\"{}\\\": {}\"}}}}", rng.word(), rng.decimal()));
        lines.push(format!("data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"signature_delta\",\"signature\":\"{}\"}}}}", rng.base64(200)));
    }
    for word in prose::sentence(rng).split_inclusive(' ').take(10) {
        let word = word.replace('\\', "\\\\").replace('"', "\\\"");
        lines.push("event: content_block_delta".into());
        lines.push(format!("data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{word}\"}}}}"));
    }
    lines.push("event: ping".into());
    lines.push(format!("data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":{}}}}}", rng.below(9000)));
    lines.push("data: {\"type\":\"message_stop\"}".into());
    lines
}

fn gemini_stream(rng: &mut Rng) -> Vec<String> {
    let id = rng.base62(22);
    let texts: Vec<String> = (0..3).map(|_| prose::sentence(rng)).collect();
    let event = |text: String| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{text}\"}}],\"role\": \"model\"}},\"index\": 0}}],\"usageMetadata\": {{\"promptTokenCount\": {},\"totalTokenCount\": {}}},\"modelVersion\": \"gemini-2.5-flash-preview-09-2025\",\"responseId\": \"{id}\"}}",
            rng.below(99_999),
            rng.below(99_999)
        )
    };
    texts.into_iter().map(event).collect()
}

fn openai_answer(rng: &mut Rng) -> String {
    let text = prose::sentence(rng)
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let (prompt, completion) = (rng.below(9999), rng.below(9999));
    format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion\",\"created\":{},\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{}}},\"system_fingerprint\":\"fp_{}\"}}",
        rng.base62(29),
        rng.epoch(),
        prompt + completion,
        rng.hex(10)
    )
}

fn anthropic_answer(rng: &mut Rng) -> String {
    let text = prose::sentence(rng)
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!(
        "{{\"id\":\"msg_01{}\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}},{{\"type\":\"tool_use\",\"id\":\"toolu_01{}\",\"name\":\"{}\",\"input\":{{\"{}\":{}}}}}],\"stop_reason\":\"tool_use\"}}",
        rng.base62(22),
        rng.base62(22),
        rng.ident(),
        rng.word(),
        rng.id_of_digits()
    )
}

fn responses_stream(rng: &mut Rng) -> Vec<String> {
    let item = rng.hex(48);
    let mut lines = vec![
        "event: response.created".into(),
        format!(
            "data: {{\"type\":\"response.created\",\"response\":{{\"id\":\"resp_{}\",\"object\":\"response\",\"created_at\":{},\"status\":\"in_progress\"}}}}",
            rng.hex(48),
            rng.epoch()
        ),
    ];
    for (number, word) in prose::sentence(rng)
        .split_inclusive(' ')
        .take(8)
        .enumerate()
    {
        let word = word.replace('\\', "\\\\").replace('"', "\\\"");
        lines.push(format!("data: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_{item}\",\"output_index\":0,\"content_index\":0,\"sequence_number\":{number},\"delta\":\"{word}\",\"obfuscation\":\"{}\"}}", rng.base62(12)));
    }
    lines.push("data: {\"type\":\"response.completed\"}".into());
    lines
}
