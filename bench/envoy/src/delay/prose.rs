//! What the agent says: plain prose in tokens as a model cuts it.

use serde_json::json;

/// So many tokens; with an address early on if it is to be personal.
pub(super) fn tokens(count: usize, personal: bool) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count + 4);
    if personal {
        tokens.extend(["Ask", " jane", "@exa", "mple.com", " now", "."].map(str::to_owned));
    }
    let words = PROSE.split(' ').cycle().map(|word| format!(" {word}"));
    tokens.extend(words.flat_map(|word| halves(&word)).take(count));
    tokens.truncate(count);
    tokens
}

/// An event as OpenAI's `chat.completion.chunk` is, with a token in it.
pub(super) fn event(token: &str) -> String {
    let data = json!({
        "id": "chatcmpl-AbCdEfGhIjKlMnOp", "object": "chat.completion.chunk", "created": 1_780_000_000,
        "model": "support", "choices": [{
            "index": 0, "delta": {"content": token}, "finish_reason": null, "logprobs": null
        }],
    });
    format!("data: {data}\n\n")
}

/// A token, or the two of it that a long word is.
fn halves(token: &str) -> Vec<String> {
    match token.len() {
        0..=6 => vec![token.to_owned()],
        length => {
            let (a, b) = token.split_at(length / 2);
            vec![a.to_owned(), b.to_owned()]
        }
    }
}

/// What ends a stream.
pub(super) const END: &str = "data: [DONE]\n\n";

/// Without numbers: those may wait for the word behind them.
const PROSE: &str = "Thank you for your patience. I have looked at your order, and it left our house this morning \
    in several parcels, most of which arrive on Monday. Whoever signs at the door (you, or a neighbour) gets a \
    receipt; they ring before noon, so please be there. Anything else? We are here to help.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_tokens_say_the_text() {
        let said = tokens(400, false).concat();
        assert!(said.starts_with(&format!(" {PROSE} Thank")), "{said}");
        assert_eq!(tokens(40, true).len(), 40);
        assert!(
            tokens(40, true)
                .concat()
                .starts_with("Ask jane@example.com now.")
        );
    }
}
