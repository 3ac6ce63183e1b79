//! What a signed kill survives, once the policy's file carries it.

use std::time::Instant;

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::load::Protocol;
use breakglass_examples::stack::Options;
use hyper::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{People, gauges, load, permitted, rollout, versions};
use crate::client::{Client, full};
use crate::edge::{Edge, options};
use crate::kill::{assert_all_workers, finished};
use crate::listeners;
use crate::policy::{CANARY, PATH, STABLE};
use crate::reload::{eventually_serves, other_build};

/// A signed kill that the file carries, as the operator's tool would write it.
pub(super) struct Killed {
    pub(super) people: People,
    pub(super) edge: Edge,
    /// The policy that it was killed from, and whose warrant is still good by itself.
    pub(super) before: Value,
    /// The policy in the file.
    pub(super) durable: Value,
}

const KILLED: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_a_worker_that_dies() {
    let files = TempDir::new().unwrap();
    let guest = files.path().join("trap.wasm");
    std::fs::write(&guest, wat::parse_str(include_str!("../trap.wat")).unwrap()).unwrap();
    let guest = guest.to_str().expect("a plain path");
    let trapping = listeners::wasm_filter("reloads", guest, "FAIL_RELOAD");
    let listener = listeners::tcp("reloads", &[], &[trapping]);
    let mut killed = Killed::start(|options| options.listeners.push(listener)).await;
    let addr = killed.edge.listener("reloads").expect("the listener");
    for number in 0..4 {
        // Envoy closes an HTTP/1.1 connection after a trap; over HTTP/2 it stays, and so its worker.
        let mut client = Client::connect(addr, Protocol::Http2).await.unwrap();
        let request = Request::post(PATH)
            .header(UNIT_HEADER, "somebody")
            .header("x-trap", "1");
        let answer = client.ask(request.body(full("{}")).unwrap()).await.unwrap();
        assert_eq!(answer.status, 503, "the request that traps");
        let after = eventually_serves(&mut client).await;
        assert_eq!(after, STABLE, "on connection {number}");
    }
    killed.assert_in_force().await;
    assert!(killed.edge.is_running(), "Envoy is gone");
    let log = killed.edge.log();
    assert!(log.contains("unreachable"), "nothing trapped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_the_death_of_breakglass_itself() {
    let files = TempDir::new().unwrap();
    let mut killed = Killed::start(|_| ()).await;
    // The filter, but that a request with trailers is its death.
    let mortal = files.path().join("mortal.wasm");
    std::fs::write(&mortal, super::mortal::build()).unwrap();
    let pushed = killed.edge.push_module(&mortal, &killed.durable).await;
    assert!(pushed.unwrap().is_accepted());
    killed.edge.wait_for(KILLED).await;
    for number in 0..4 {
        let mut client = Client::connect(killed.edge.traffic(), Protocol::Http2)
            .await
            .unwrap();
        let status = super::mortal::die(&mut client).await;
        let after = eventually_serves(&mut client).await;
        assert_eq!(after, STABLE, "after {status:?} on connection {number}");
    }
    killed.assert_in_force().await;
    tell_stragglers(&killed, "after four deaths").await;
    assert!(killed.edge.is_running(), "Envoy is gone");
    let log = killed.edge.log();
    assert!(log.contains("unreachable"), "nothing trapped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_a_new_build_under_load() {
    let files = TempDir::new().unwrap();
    let mut killed = Killed::start(|_| ()).await;
    let (loads, mut news) = load(&killed.edge);
    // The file before the kill comes once more: somebody's pipeline was slow.
    for (build, policy) in [&killed.durable, &killed.before, &killed.durable]
        .into_iter()
        .enumerate()
    {
        let build = other_build(&files, build as u8);
        let pushed = killed.edge.push_module(&build, policy).await.unwrap();
        assert!(pushed.is_accepted(), "{pushed:?}");
        killed.edge.wait_for(KILLED).await;
    }
    for load in loads {
        load.stop().await;
    }
    while let Some(record) = news.recv().await.map(finished) {
        let record = record.expect("no streams");
        let found = (record.is_good(), record.version.as_deref());
        assert_eq!(found, (true, Some(STABLE)), "{record:?}");
    }
    killed.assert_in_force().await;
    tell_stragglers(&killed, "after three builds").await;
    killed.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_a_restart() {
    let mut killed = Killed::start(|_| ()).await;
    let boot = killed.edge.state().await["boot"].clone();
    killed.edge.restart().await.unwrap();
    killed.edge.wait_for(KILLED).await;
    assert_ne!(killed.edge.state().await["boot"], boot, "no restart");
    killed.assert_in_force().await;

    // Its warrant was approved before the kill, which a restart does not make undone.
    let Killed { people, edge, .. } = killed;
    let warrant = people.warrant(KILLED - 1, json!({}));
    let terms = json!({"kill": null, "warrant": warrant});
    let order = people.order(KILLED + 1, terms);
    let answer = edge.operator().signed(&order).await.unwrap();
    super::assert_refused(&answer, 403, "warrant-spent");
    let order = people.raise(KILLED + 1, 100, KILLED);
    let answer = edge.operator().signed(&order).await.unwrap();
    assert_all_workers(&answer, KILLED + 1);
    assert_eq!(versions(&edge).await, [CANARY; 8], "with a new warrant");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_a_stale_policy_with_an_old_but_valid_warrant() {
    let Killed {
        people,
        edge,
        before,
        ..
    } = Killed::start(|_| ()).await;
    let agents = edge.agents();
    agents.canary.forget();
    let old = people.warrant(0, json!({}));
    for policy in [
        // As it was; then as if it were the other one of its generation; then as if it were newer.
        before,
        people.policy(permitted(KILLED, 100, &old)),
        people.policy(permitted(KILLED + 1, 100, &old)),
    ] {
        edge.offer(&policy).await;
        let generation = policy["rollouts"][0]["control"]["generation"].as_u64();
        edge.wait_for(generation.unwrap().max(KILLED)).await;
        let rollout = rollout(&edge).await;
        assert_eq!(rollout["control"]["kill"]["mode"], "rollback", "{rollout}");
        assert_eq!(rollout["percent"], 0, "{rollout}");
        assert_eq!(versions(&edge).await, [STABLE; 8], "after {policy}");
    }
    assert_eq!(
        agents.canary.seen_total(),
        0,
        "requests at the killed version"
    );
    let log = edge.log();
    assert!(log.contains("is not newer than 2"), "why nothing changed");
    assert!(
        log.contains("a kill or a newer warrant came after it"),
        "why it is closed"
    );

    let warrant = people.warrant(KILLED + 1, json!({}));
    edge.push(&people.policy(permitted(KILLED + 2, 100, &warrant)))
        .await;
    assert_eq!(versions(&edge).await, [CANARY; 8], "with a new warrant");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_does_not_wait_for_machines_that_are_gone() {
    let files = TempDir::new().unwrap();
    let mut killed = Killed::start(|_| ()).await;
    // The first build stays at the operator's listener; of these the second replaces the first.
    for build in 0..2 {
        let build = other_build(&files, build);
        let pushed = killed.edge.push_module(&build, &killed.durable).await;
        assert!(pushed.unwrap().is_accepted());
    }
    killed.edge.wait_for(KILLED).await;
    let stragglers = tell_stragglers(&killed, "after two builds").await;
    assert_eq!(stragglers, json!([]), "machines that are gone");
}

/// Machines that are gone count among the workers for a while: says for whom a receipt waits then.
async fn tell_stragglers(killed: &Killed, when: &str) -> Value {
    let again = killed.people.kill(KILLED + 1, "cut");
    let ordered = Instant::now();
    let answer = killed.edge.operator().signed(&again).await.unwrap();
    let took = ordered.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let workers = answer.json().unwrap()["workers"].clone();
    println!(
        "{when}: receipt after {took:?} by {} of {}, stragglers {}",
        workers["in_force"], workers["total"], workers["stragglers"]
    );
    workers["stragglers"].clone()
}

// === impl Killed ===

impl Killed {
    pub(super) async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let people = People::new();
        let warrant = people.warrant(0, json!({}));
        let before = people.policy(permitted(KILLED - 1, 100, &warrant));
        let mut options = options(before.clone());
        change(&mut options);
        let edge = Edge::start_with(options).await;
        assert_eq!(versions(&edge).await, [CANARY; 8], "before the kill");

        let kill = people.kill(KILLED, "cut");
        let answer = edge.operator().signed(&kill).await.unwrap();
        assert_all_workers(&answer, KILLED);
        let durable = people.policy(answer.json().unwrap()["control"].clone());
        edge.offer(&durable).await;
        edge.wait_for(KILLED).await;
        assert_eq!(versions(&edge).await, [STABLE; 8], "after the kill");
        edge.agents().canary.forget();
        Self {
            people,
            edge,
            before,
            durable,
        }
    }

    /// Fails unless the kill is in force and nobody has been on the canary since.
    pub(super) async fn assert_in_force(&self) {
        let rollout = rollout(&self.edge).await;
        let control = &rollout["control"];
        assert_eq!(control["generation"], KILLED, "{rollout}");
        let kill = json!({"mode": "rollback", "in_flight": "cut"});
        assert_eq!(control["kill"], kill, "{rollout}");
        assert_eq!(versions(&self.edge).await, [STABLE; 8]);
        let seen = self.edge.agents().canary.seen_total();
        assert_eq!(seen, 0, "requests at the killed version");
        let expected = [Some(KILLED as f64), Some(0.0), Some(1.0)];
        assert_eq!(gauges(&self.edge).await, expected, "the gauges");
    }
}
