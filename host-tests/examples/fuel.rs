//! Prints how many WebAssembly instructions the built filter spends on one request.
//!
//! Counts, not times: they are the same on every machine, whatever else it is doing. `make bench`
//! runs this beside the native benchmarks.

use breakglass_bench::{DifferBy, policy_json, request_headers};
use breakglass_examples::people::{self, Person};
use breakglass_host_tests::{Effects, Error, Last, More, Plugin, Proxy, module};
use serde_json::{Value, json};

fn main() -> Result<(), Error> {
    println!(
        "{:<28} {:>16} {:>16}",
        "instructions", "request headers", "all callbacks"
    );
    for differ_by in [DifferBy::Path, DifferBy::Header] {
        for rollouts in [1, 1_000] {
            let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
            let plugin = proxy.plugin("traffic").vm_id("breakglass");
            let plugin = plugin.configure(policy_json(rollouts, differ_by).to_string())?;
            let headers = request_headers(rollouts);
            // The first request publishes the policy; the second is like all that follow.
            exchange(&proxy, &plugin, &headers);
            let fuel = exchange(&proxy, &plugin, &headers).fuel;

            let name = format!("{rollouts} rollouts by {differ_by:?}").to_lowercase();
            let all: u64 = fuel.iter().map(|(_, fuel)| fuel).sum();
            let mut callbacks = fuel.iter();
            let headers = callbacks.find(|(callback, _)| *callback == "proxy_on_request_headers");
            let headers = headers.map_or(0, |(_, fuel)| *fuel);
            println!("{name:<28} {headers:>16} {all:>16}");
        }
    }
    judged()?;
    orders()
}

/// What the judge costs: on every request, on the tick that shares what was counted and looks at it, and
/// in a stream, in which error events are looked for.
fn judged() -> Result<(), Error> {
    println!();
    println!(
        "{:<28} {:>16} {:>16} {:>16} {:>16}",
        "instructions", "request headers", "all callbacks", "a tick", "10 KB of events"
    );
    let everything = json!([
        {"error_rate": {}}, {"latency": {"first_byte": "800ms", "answer": "20s"}},
        {"redactions": {"entity": "*", "two_sided": true}}, {"unscanned": {}},
        {"zero_tolerance": ["IN_AADHAAR"]}, {"sample_ratio": {}}
    ]);
    for (name, signals) in [
        ("without a judge", None),
        ("errors judged", Some(json!([{"error_rate": {}}]))),
        ("everything judged", Some(everything)),
    ] {
        let mut policy = policy_json(1, DifferBy::Path);
        policy["rollouts"][0]["control"]["ramp"] = json!({"percent": 50});
        if let Some(signals) = signals {
            policy["rollouts"][0]["judge"] = json!({"alpha": 0.001, "signals": signals});
        }
        let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
        let plugin = proxy.plugin("traffic").vm_id("breakglass");
        let plugin = plugin.configure(policy.to_string())?;
        let headers = request_headers(1);
        let units = |n: usize| {
            let unit = format!("user-{n}");
            let headers = headers.iter().map(move |(name, value)| match *name {
                "x-user-id" => (*name, unit.clone()),
                _ => (*name, value.clone()),
            });
            headers.collect::<Vec<_>>()
        };
        let tick = || {
            let total = |proxy: &Proxy| proxy.fuel().get("proxy_on_tick").map_or(0, |it| it.total);
            let before = total(&proxy);
            proxy.advance(std::time::Duration::from_millis(20));
            // The main thread ticks as well; it has nothing to do.
            total(&proxy).saturating_sub(before)
        };
        for n in 0..40 {
            exchange(&proxy, &plugin, &units(n));
        }
        tick();
        let idle = tick();
        let mut fuel = Vec::new();
        for n in 0..40 {
            fuel = exchange(&proxy, &plugin, &units(n)).fuel;
        }
        let busy = tick().saturating_sub(idle);
        let all: u64 = fuel.iter().map(|(_, fuel)| fuel).sum();
        let first = fuel
            .iter()
            .find(|(name, _)| *name == "proxy_on_request_headers");
        let of_headers = first.map_or(0, |(_, fuel)| *fuel);
        let events = events(&proxy, &plugin, &headers);
        println!("{name:<28} {of_headers:>16} {all:>16} {busy:>16} {events:>16}");
    }
    println!();
    Ok(())
}

/// The instructions of a stream's body: forty events of 256 bytes each.
fn events(proxy: &Proxy, plugin: &Plugin, headers: &[(&str, String)]) -> u64 {
    let mut stream = proxy.worker(0).open(plugin);
    let headers = headers.iter();
    stream.request(headers.map(|(name, value)| (*name, value.as_str())), Last);
    let head = [(":status", "200"), ("content-type", "text/event-stream")];
    stream.response(head, More);
    let event = json!({
        "id": "chatcmpl-17", "object": "chat.completion.chunk", "created": 1_780_000_000,
        "model": "support", "choices": [{
            "index": 0, "delta": {"content": " order"}, "finish_reason": null, "logprobs": null
        }], "system_fingerprint": "fp_44709d6fcb"
    });
    let event = format!("{:<254}\n\n", format!("data: {event}"));
    for _ in 0..40 {
        stream.response_body(&event, More);
    }
    stream.response_body("data: [DONE]\n\n", Last);
    let fuel = stream.finish().fuel;
    let bodies = fuel
        .iter()
        .filter(|(name, _)| *name == "proxy_on_response_body");
    bodies.map(|(_, fuel)| fuel).sum()
}

/// What an order costs the worker that it reaches: a kill, and a raise with its warrant.
fn orders() -> Result<(), Error> {
    let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
    let lead = Person::new("security-lead-1", "security_lead");
    let platform = Person::new("platform-lead-1", "platform_lead");
    let mut policy = policy_json(1, DifferBy::Path);
    let name = policy["policy"].clone();
    let rollout = policy["rollouts"][0].clone();
    policy["trust"] = people::trust(
        1,
        &[&lead, &platform],
        &[&["security_lead", "platform_lead"]],
    );
    let traffic = proxy.plugin("traffic").vm_id("breakglass");
    let traffic = traffic.configure(policy.to_string())?;
    let operator = proxy
        .plugin("operator")
        .vm_id("breakglass")
        .allow_on_headers_stop_iteration();
    let operator = operator.configure(json!({"policy": name, "role": "operator"}).to_string())?;
    // The first request publishes the policy.
    exchange(&proxy, &traffic, &request_headers(1));

    let warrant = json!({
        "change": "chg-1", "policy": name, "rollout": rollout["name"],
        "subject": {
            "stable": rollout["arms"]["stable"]["version"],
            "canary": rollout["arms"]["canary"]["version"],
            "salt": rollout["salt"],
        },
        "ramp": {"percent": 100}, "after": 0,
        "not_before": "1970-01-01T00:00:00Z", "not_after": "2100-01-01T00:00:00Z",
        "drill": {"receipt": people::digest(&json!({"payload": ""})), "at": "1970-01-01T00:00:00Z"},
        "author": "engineer-1", "approvers": [lead.approver(), platform.approver()],
    });
    let warrant = people::sign(people::WARRANT, &warrant, &[&lead, &platform]);
    let issued_at = humantime::format_rfc3339_millis(proxy.now()).to_string();
    let order = |generation: u64, further: Value| {
        let mut order = json!({
            "policy": name, "rollout": rollout["name"],
            "generation": generation, "issued_at": issued_at,
        });
        for (name, term) in further.as_object().into_iter().flatten() {
            order[name] = term.clone();
        }
        people::sign(people::ORDER, &order, &[&lead])
    };
    let raise = json!({"ramp": {"percent": 10}, "warrant": warrant});
    let kill = json!({"kill": {"mode": "rollback", "in_flight": "cut"}});
    let mut forged = order(9_002, kill.clone());
    forged["payload"] = order(9_003, kill.clone())["payload"].clone();
    for (name, envelope) in [
        ("a raise, 3 signatures", order(9_000, raise)),
        ("a kill, 1 signature", order(9_001, kill)),
        ("a forged kill", forged),
    ] {
        let mut stream = proxy.worker(0).open(&operator);
        let head = [
            (":method", "POST"),
            (":path", "/v1/orders"),
            (":authority", "operator"),
            ("content-type", people::ENVELOPE),
        ];
        stream.request(head, More);
        stream.request_body(envelope.to_string().as_bytes(), Last);
        let all: u64 = stream.finish().fuel.iter().map(|(_, fuel)| fuel).sum();
        println!("{name:<28} {:>16} {all:>16}", "");
    }
    Ok(())
}

fn exchange(proxy: &Proxy, plugin: &Plugin, headers: &[(&str, String)]) -> Effects {
    let mut stream = proxy.worker(0).open(plugin);
    stream.request(
        headers.iter().map(|(name, value)| (*name, value.as_str())),
        Last,
    );
    stream.response(
        [(":status", "200"), ("content-type", "application/json")],
        Last,
    );
    stream.finish()
}
