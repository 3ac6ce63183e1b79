//! What the built filter keeps in its linear memory, to the byte, as JSON: at rest, after many requests and
//! updates, and for each open stream. `rig memory` lays it beside what a real Envoy takes.

use std::time::Duration;

use breakglass_bench::{DifferBy, policy_json, request_headers};
use breakglass_host_tests::{Last, More, Plugin, Proxy, Stream, module};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// One worker with the filter.
struct Scene {
    proxy: Proxy,
    traffic: Plugin,
}

fn main() -> Outcome<()> {
    let mut results = Vec::new();
    for (policy, name) in policies() {
        let scene = Scene::new(&policy)?;
        scene.exchanges(1);
        results.push(json!({"case": format!("at rest, {name}"), "bytes": scene.bytes()}));
    }
    results.push(json!({"case": "main thread, 1 rollout", "bytes": main_thread()?}));
    results.extend(use_of()?);
    let streams = streams()?;
    println!(
        "{}",
        json!({"module_bytes": module().size(), "vm": results, "streams": streams})
    );
    Ok(())
}

fn policies() -> Vec<(Value, &'static str)> {
    let redacting = |rollouts| {
        let mut policy = policy_json(rollouts, DifferBy::Path);
        policy["rollouts"][0]["redaction"] = json!({"response": {"*": "mask"}});
        policy
    };
    vec![
        (policy_json(1, DifferBy::Path), "1 rollout"),
        (redacting(1), "1 rollout with redaction"),
        (policy_json(1_000, DifferBy::Path), "1,000 rollouts"),
    ]
}

fn main_thread() -> Outcome<usize> {
    let scene = Scene::new(&policy_json(1, DifferBy::Path))?;
    Ok(scene
        .proxy
        .main_vms()
        .first()
        .map_or(0, |vm| vm.memory_bytes))
}

/// After requests and after updates: what it was, and what it is.
fn use_of() -> Outcome<Vec<Value>> {
    let scene = Scene::new(&version(1))?;
    scene.exchanges(1_000);
    let warm = scene.bytes();
    scene.exchanges(REQUESTS);
    let after_requests = scene.bytes();
    for number in 2..=UPDATES {
        scene.traffic.update(version(number).to_string())?;
        scene.tick();
        scene.exchanges(1);
    }
    let after_updates = scene.bytes();
    scene.exchanges(1_000);
    Ok(vec![
        json!({"case": "after 1,000 requests", "bytes": warm}),
        json!({"case": "after 100,000 more", "bytes": after_requests}),
        json!({"case": "after 1,000 updates as well", "bytes": after_updates}),
        json!({"case": "and another 1,000 requests", "bytes": scene.bytes()}),
    ])
}

/// A policy that differs from the one before it.
fn version(number: usize) -> Value {
    let mut policy = policy_json(1, DifferBy::Path);
    let rollout = &mut policy["rollouts"][0];
    rollout["arms"]["canary"]["version"] = format!("prompt-v{number}").into();
    rollout["control"]["generation"] = number.into();
    policy
}

/// What an open stream takes, with and without redaction.
fn streams() -> Outcome<Vec<Value>> {
    let event =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" write to jo@exam\"}}]}\n\n";
    let mut results = Vec::new();
    for (policy, name) in policies().into_iter().take(2) {
        let scene = Scene::new(&policy)?;
        scene.exchanges(100);
        let before = scene.bytes();
        let streams: Vec<Stream> = (0..STREAMS)
            .map(|_| {
                let mut stream = scene.ask();
                stream.response(
                    [(":status", "200"), ("content-type", "text/event-stream")],
                    More,
                );
                stream.response_body(event, More);
                stream
            })
            .collect();
        let grown = scene.bytes() - before;
        results.push(json!({
            "case": name, "streams": streams.len(), "grown_bytes": grown,
            "bytes_per_stream": grown / streams.len(),
        }));
    }
    Ok(results)
}

// === impl Scene ===

impl Scene {
    fn new(policy: &Value) -> Outcome<Self> {
        let proxy = Proxy::builder(module()).workers(1).build();
        let traffic = proxy.plugin("traffic").vm_id("breakglass");
        let traffic = traffic.configure(policy.to_string())?;
        let scene = Self { proxy, traffic };
        scene.tick();
        Ok(scene)
    }

    /// The linear memory of the worker's VM.
    fn bytes(&self) -> usize {
        let vms = self.proxy.worker(0).vms();
        vms.first().map_or(0, |vm| vm.memory_bytes)
    }

    fn tick(&self) {
        self.proxy.advance(Duration::from_millis(20));
    }

    fn ask(&self) -> Stream {
        let mut stream = self.proxy.worker(0).open(&self.traffic);
        let headers = request_headers(1);
        let headers = headers.iter();
        stream.request(headers.map(|(name, value)| (*name, value.as_str())), Last);
        stream
    }

    fn exchanges(&self, count: usize) {
        for number in 0..count {
            let mut stream = self.ask();
            let head = [(":status", "200"), ("content-type", "application/json")];
            stream.response(head, Last);
            drop(stream);
            if number % 100 == 99 {
                self.tick();
            }
        }
    }
}

const REQUESTS: usize = 100_000;
const UPDATES: usize = 1_000;
const STREAMS: usize = 1_000;
