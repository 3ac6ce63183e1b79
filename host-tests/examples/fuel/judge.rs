//! What the judge costs: on every request, on the tick that shares what was counted and looks at it, and
//! in a stream, in which error events are looked for.

use breakglass_bench::check::Case;
use breakglass_bench::{DifferBy, policy_json};
use serde_json::json;

use crate::Outcome;
use crate::scene::{EXCHANGES, Scene, user};

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let everything = json!([
        {"error_rate": {}}, {"latency": {"first_byte": "800ms", "answer": "20s"}},
        {"redactions": {"entity": "*", "two_sided": true}}, {"unscanned": {}},
        {"zero_tolerance": ["IN_AADHAAR"]}, {"sample_ratio": {}}
    ]);
    let mut cases = Vec::new();
    for (judged, signals) in [
        ("not judged", None),
        ("errors judged", Some(json!([{"error_rate": {}}]))),
        ("everything judged", Some(everything)),
    ] {
        let mut policy = policy_json(1, DifferBy::Path);
        if let Some(signals) = signals {
            policy["rollouts"][0]["judge"] = json!({"alpha": 0.001, "signals": signals});
        }
        let scene = Scene::new(&policy)?;
        let cost = scene.exchanges(|number| user(1, number));
        let busy = scene.tick();
        let idle = scene.tick();
        let name = |what: &str| format!("{what}, {judged}");
        cases.push(Case::new(
            name("exchange"),
            "all callbacks of a stream without bodies",
            cost.all,
        ));
        cases.push(Case::new(
            name("busy tick"),
            format!(
                "proxy_on_tick of a worker and main after {} exchanges",
                2 * EXCHANGES
            ),
            busy,
        ));
        cases.push(Case::new(
            name("idle tick"),
            "proxy_on_tick of a worker and main",
            idle,
        ));
        cases.push(Case::new(
            name("40 events pass"),
            "proxy_on_response_body: events of 256 bytes, one a chunk, not redacted",
            events(&scene),
        ));
    }
    Ok(cases)
}

fn events(scene: &Scene) -> u64 {
    let event = json!({
        "id": "chatcmpl-17", "object": "chat.completion.chunk", "created": 1_780_000_000,
        "model": "support", "choices": [{
            "index": 0, "delta": {"content": " order"}, "finish_reason": null, "logprobs": null
        }], "system_fingerprint": "fp_44709d6fcb"
    });
    let event = format!("{:<254}\n\n", format!("data: {event}"));
    let mut chunks = vec![event.as_bytes(); 40];
    chunks.push(b"data: [DONE]\n\n");
    scene.body("text/event-stream", &chunks)
}
