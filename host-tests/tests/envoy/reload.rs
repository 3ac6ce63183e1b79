//! Virtual machines that die or are replaced. Breakglass has no way to trap on purpose, so the one
//! that dies is a small guest in the same chain; the one that is replaced is the filter's own.

use std::path::PathBuf;
use std::time::Instant;

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::load::{Plan, Protocol, Update, users};
use breakglass_examples::stack::{InFlight, Kill, filter_module};
use hyper::Request;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::client::{Client, PROTOCOLS, full};
use crate::edge::{Edge, options};
use crate::listeners;
use crate::policy::{CANARY, PATH, ROLLOUT, STABLE, killed, policy, ramp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_vm_died_serves_again_and_the_kill_is_still_in_force() {
    let files = TempDir::new().unwrap();
    let guest = files.path().join("trap.wasm");
    std::fs::write(&guest, wat::parse_str(include_str!("trap.wat")).unwrap()).unwrap();
    let guest = guest.to_str().expect("a plain path");
    let mut options = options(policy(ramp(1, 100)));
    // The shipped failure policy, and Envoy's default as a control.
    for (name, failure_policy) in [("reloads", "FAIL_RELOAD"), ("stays-dead", "FAIL_CLOSED")] {
        let trapping = listeners::wasm_filter(name, guest, failure_policy);
        options
            .listeners
            .push(listeners::tcp(name, &[], &[trapping]));
    }
    let mut edge = Edge::start_with(options).await;

    let mut clients = Vec::new();
    for name in ["reloads", "stays-dead"] {
        let addr = edge.listener(name).expect("the listener");
        // One connection is one worker.
        let mut client = Client::connect(addr, Protocol::Http2).await.unwrap();
        let before = ask(&mut client, false).await;
        assert_eq!(before, (200, CANARY.into()), "{name}: before the trap");
        let (status, _) = ask(&mut client, true).await;
        assert_eq!(status, 503, "{name}: the request that traps");
        clients.push(client);
    }
    let [reloads, stays_dead] = clients.as_mut_slice() else {
        panic!("two clients");
    };
    assert_eq!(eventually_serves(reloads).await, CANARY, "after the trap");
    for _ in 0..10 {
        assert_eq!(ask(reloads, false).await.0, 200, "with the failure policy");
        assert_eq!(
            ask(stays_dead, false).await.0,
            503,
            "without the failure policy"
        );
    }

    let boot = edge.state().await["boot"].clone();
    let answer = edge
        .operator()
        .kill(ROLLOUT, 2, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let addr = edge.listener("reloads").expect("the listener");
    for number in 0..4 {
        // Envoy closes an HTTP/1.1 connection after a trap; over HTTP/2 it stays, and so its worker.
        let mut client = Client::connect(addr, Protocol::Http2).await.unwrap();
        let statuses = [
            ask(&mut client, true).await.0,
            ask(&mut client, true).await.0,
        ];
        let after = eventually_serves(&mut client).await;
        assert_eq!(after, STABLE, "after {statuses:?} on connection {number}");
    }
    assert_eq!(
        edge.state().await["boot"],
        boot,
        "the shared state is the same one"
    );
    assert!(edge.is_running(), "Envoy is gone");
    let log = edge.log();
    let died = log
        .lines()
        .filter(|line| line.contains("unreachable"))
        .count();
    println!("{died} lines about traps in the log");
    assert!(died > 0, "nothing trapped, so this test shows nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_build_of_the_filter_takes_over_the_state_under_load() {
    let files = TempDir::new().unwrap();
    let mut edge = Edge::start(policy(ramp(1, 100))).await;
    let answer = edge
        .operator()
        .kill(ROLLOUT, 5, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    edge.agents().canary.forget();
    let (updates, mut news) = mpsc::unbounded_channel();
    let loads = PROTOCOLS.map(|protocol| {
        let mut plan = Plan::new(edge.traffic(), users(100));
        (plan.protocol, plan.concurrency, plan.passes) = (protocol, 8, None);
        plan.start(updates.clone())
    });
    drop(updates);

    let (boot, workers) = (edge.state().await["boot"].clone(), worker_ids(&edge).await);
    for build in 0..3 {
        // The policy as it was before the kill: the durable document lags behind.
        let pushed = edge
            .push_module(&other_build(&files, build), &policy(ramp(1, 100)))
            .await
            .unwrap();
        assert!(pushed.is_accepted(), "{pushed:?}");
        let state = edge.wait_for(5).await;
        assert_eq!(
            state["rollouts"][0]["control"]["kill"]["mode"], "rollback",
            "{state}"
        );
        assert_eq!(state["boot"], boot, "the shared state is the same one");
    }
    let now = worker_ids(&edge).await;
    println!(
        "machines in the roster: {} before, {} after three builds",
        workers.len(),
        now.len()
    );
    assert!(
        now.iter().any(|id| !workers.contains(id)),
        "no new machine came: {now:?}"
    );
    for load in loads {
        load.stop().await;
    }
    let mut requests = 0;
    while let Some(update) = news.recv().await {
        let Update::Finished(record) = update else {
            continue;
        };
        assert!(
            record.is_good() && record.version.as_deref() == Some(STABLE),
            "{record:?}"
        );
        requests += 1;
    }
    println!("{requests} requests, all to the old version");
    assert_eq!(
        edge.agents().canary.seen_total(),
        0,
        "requests at the killed version"
    );

    // The operator's listener still has the old build; its orders reach the new one.
    edge.push(&policy(ramp(6, 100))).await;
    assert_eq!(
        edge.ask_as("somebody", Protocol::Http1)
            .await
            .json()
            .unwrap()["version"],
        CANARY
    );
    let ordered = Instant::now();
    let answer = edge
        .operator()
        .kill(ROLLOUT, 7, Kill::Rollback, InFlight::Cut)
        .await
        .unwrap();
    println!(
        "killed after {:?}: {}",
        ordered.elapsed(),
        answer.json().unwrap()["workers"]
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    for _ in 0..8 {
        let answer = edge.ask_as("somebody", Protocol::Http1).await;
        assert_eq!(answer.json().unwrap()["version"], STABLE, "after the kill");
    }
    edge.push(&policy(killed(8, "rollback", "drain"))).await;
    edge.finish().await;
}

/// The filter with one more section that means nothing: for Envoy, another module.
pub(crate) fn other_build(files: &TempDir, number: u8) -> PathBuf {
    let mut bytes = std::fs::read(filter_module().unwrap()).unwrap();
    // Custom section: id 0, four bytes, of which a name of two bytes and a byte of content.
    bytes.extend([0, 4, 2, b'n', b'o', number]);
    let path = files.path().join(format!("build-{number}.wasm"));
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn worker_ids(edge: &Edge) -> Vec<Value> {
    let state = edge.state().await;
    let workers = state["workers"].as_array().cloned().unwrap_or_default();
    workers
        .into_iter()
        .map(|worker| worker["id"].clone())
        .collect()
}

/// Status and version of one request, with the header that traps or without.
async fn ask(client: &mut Client, trap: bool) -> (u16, String) {
    let mut request = Request::post(PATH)
        .header("content-type", "application/json")
        .header(UNIT_HEADER, "somebody");
    if trap {
        request = request.header("x-trap", "1");
    }
    let answer = client.ask(request.body(full("{}")).unwrap()).await.unwrap();
    let version = answer
        .json()
        .map(|json| json["version"].clone())
        .unwrap_or_default();
    (
        answer.status,
        version.as_str().unwrap_or_default().to_owned(),
    )
}

/// The version that answers, once the worker has a new machine: Envoy waits a second between two
/// loads of one machine.
pub(crate) async fn eventually_serves(client: &mut Client) -> String {
    for _ in 0..500 {
        let (status, version) = ask(client, false).await;
        if status == 200 {
            return version;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the worker does not serve any more");
}
