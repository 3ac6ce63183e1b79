//! What redaction costs: the callbacks for the answer's body, with the copies into and out of the module.

use breakglass_bench::check::Case;
use breakglass_bench::corpus::{Corpus, Shape};
use breakglass_bench::redaction::events;
use breakglass_bench::{DifferBy, policy_json};
use serde_json::json;

use crate::Outcome;
use crate::scene::Scene;

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let mut policy = policy_json(1, DifferBy::Path);
    policy["rollouts"][0]["redaction"] = json!({"response": {"*": "mask"}});
    let scene = Scene::new(&policy)?;
    let mut cases = Vec::new();
    for round in 0..2 {
        let short = scene.body("application/json", &[SHORT]);
        // The first body makes the tables.
        if round == 1 {
            cases.push(Case::new(
                "short JSON, redacted",
                "proxy_on_response_body: 81 bytes in one chunk",
                short,
            ));
        }
    }
    for (shape, kind, name) in [
        (
            Shape::Json,
            "application/json",
            "chat JSON, redacted, 1 KiB",
        ),
        (
            Shape::OpenAi,
            "text/event-stream",
            "OpenAI events, redacted, 1 KiB",
        ),
        (
            Shape::Anthropic,
            "text/event-stream",
            "Anthropic events, redacted, 1 KiB",
        ),
    ] {
        let corpus = Corpus::new(shape, true);
        // With a personal one in the middle.
        let bodies = &corpus.bodies[PERSONAL - BODIES / 2..][..BODIES];
        let bytes: usize = bodies.iter().map(Vec::len).sum();
        let spent: u64 = bodies
            .iter()
            .map(|body| match shape {
                Shape::Json => scene.body(kind, &[body]),
                _ => scene.body(kind, &events(body).collect::<Vec<_>>()),
            })
            .sum();
        let counts = match shape {
            Shape::Json => "proxy_on_response_body: answers of some KiB, whole",
            _ => "proxy_on_response_body: one event a chunk",
        };
        cases.push(Case::new(name, counts, spent * 1_024 / bytes as u64));
    }
    Ok(cases)
}

const SHORT: &[u8] =
    br#"{"object":"chat.completion","choices":[{"index":0,"message":{"content":"Yes."}}]}"#;

/// The first body of a corpus that has something personal in it.
const PERSONAL: usize = breakglass_bench::corpus::EVERY / 2;

const BODIES: usize = 10;
