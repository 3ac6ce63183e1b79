//! What other people's clients make of redacted answers: an independent reader of server-sent events,
//! and OpenAI's and Anthropic's own, all in `host-tests/clients/check.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::policy::PATH;
use crate::redaction::Scene;
use crate::upstream::{Call, Upstream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_providers_own_clients_read_redacted_answers() {
    let packages = repository().join(".tools/clients");
    assert!(
        packages.is_dir(),
        "the clients are not installed; run `make test-clients`"
    );
    // The questions are scanned too: the clients' own requests have to come through it.
    let redaction = json!({
        "response": {"*": "mask", "STAFF_ID": "block"},
        "request": {"*": "mask"},
        "entities": {"STAFF_ID": {"shapes": ["EMP-######"]}},
    });
    let scene = Scene::start_with(redaction, Upstream::serve(answer)).await;
    let output = Command::new("python3")
        .arg(clients().join("check.py"))
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .env("CHECK_THROUGH", scene.edge.traffic().to_string())
        .env("CHECK_DIRECT", scene.upstream.addr().to_string())
        .output()
        .expect("python3");
    let told = String::from_utf8_lossy(&output.stderr);
    println!("{told}");
    assert!(output.status.success(), "{told}");
    let mut edge = scene.edge;
    edge.assert_no_trap();
}

/// Answers with a file of `answers/`, by the path and by what the question asks for.
fn answer(mut call: Call) {
    let question: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let streams = question["stream"] == true;
    let path = call.path().strip_prefix(PATH).unwrap_or_default();
    let name = match path {
        "/chat/completions" if question["tools"].is_array() => "openai-chat-tools",
        "/chat/completions" if question["model"] == "blocked" => "openai-chat-blocked",
        "/v1/messages" if question["model"] == "blocked" => "anthropic-messages-blocked",
        "/chat/completions" => "openai-chat",
        "/responses" => "openai-responses",
        "/v1/messages" => "anthropic-messages",
        "/events" => "events",
        _ => return call.answer(404, &[], b""),
    };
    let (kind, suffix) = match streams || name == "events" {
        true => ("text/event-stream; charset=utf-8", "sse"),
        false => ("application/json", "json"),
    };
    let file = clients().join(format!("answers/{name}.{suffix}"));
    let body = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pieces: Vec<&[u8]> = match call.header("x-pace") {
        Some("byte") => body.chunks(1).collect(),
        Some("token") => body.split_inclusive(|byte| b" ,:".contains(byte)).collect(),
        _ => events(&body),
    };
    call.begin(200, &[("content-type", kind)]);
    for piece in pieces {
        call.write(piece);
    }
    call.end();
}

/// Cuts behind every blank line.
fn events(body: &[u8]) -> Vec<&[u8]> {
    let mut events = Vec::new();
    let mut from = 0;
    for end in 1..=body.len() {
        let event = &body[from..end];
        if event.ends_with(b"\n\n") || event.ends_with(b"\r\n\r\n") || end == body.len() {
            events.push(event);
            from = end;
        }
    }
    events
}

fn clients() -> PathBuf {
    repository().join("host-tests/clients")
}

fn repository() -> &'static Path {
    breakglass_examples::stack::repository()
}
