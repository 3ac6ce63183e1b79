//! Envoy's hot restart: for a while there are two processes, each with a shared state of its own.

use std::time::Duration;

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::load::Protocol;
use breakglass_examples::stack::Options;
use hyper::Request;
use serde_json::json;

use super::durability::Killed;
use super::{People, gauges, load, permitted, versions};
use crate::client::{Client, full};
use crate::edge::{Edge, options};
use crate::kill::{assert_all_workers, finished};
use crate::policy::{CANARY, PATH, STABLE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_kill_survives_a_hot_restart_under_load() {
    let mut killed = Killed::start(|options| overlap(options, 2, 4)).await;
    let before = killed.edge.state().await;
    let pid = killed.edge.pid();
    let (loads, mut news) = load(&killed.edge);
    let mut parent = killed.edge.hot_restart().await.unwrap();
    let after = killed.edge.wait_for(2).await;
    assert_ne!(
        after["boot"], before["boot"],
        "the shared state is the same one"
    );
    assert_ne!(killed.edge.pid(), pid, "Envoy is the same one");
    assert!(parent.is_running(), "there was no overlap");
    // Envoy adds up the gauges of both while the old process is there: twice the generation.
    println!("gauges while both run: {:?}", gauges(&killed.edge).await);
    assert_eq!(versions(&killed.edge).await, [STABLE; 8], "while both run");
    parent.ended().await.unwrap();
    for load in loads {
        load.stop().await;
    }
    let (mut good, mut failed) = (0, Vec::new());
    while let Some(record) = news.recv().await.map(finished) {
        let record = record.expect("no streams");
        if !record.is_good() {
            // Envoy closes idle connections while it drains: a request may cross that.
            assert_eq!(record.status, None, "{record:?}");
            failed.push(format!("{:?} {:?}", record.status, record.end));
            continue;
        }
        assert_eq!(record.version.as_deref(), Some(STABLE), "{record:?}");
        good += 1;
    }
    println!(
        "{good} requests answered, {} failed: {failed:.3?}",
        failed.len()
    );
    println!("gauges after: {:?}", gauges(&killed.edge).await);
    assert!(good > 0);
    killed.assert_in_force().await;
    killed.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_two_processes_run_an_order_reaches_the_new_one_and_the_file_reaches_both() {
    // Not a promise but a limit, which the README has to tell: shared data live in one process.
    let people = People::new();
    let warrant = people.warrant(0, json!({}));
    let mut options = options(people.policy(permitted(1, 100, &warrant)));
    // Nobody is sent away while the test looks.
    overlap(&mut options, 600, 900);
    // Otherwise the gauges of both are added up, as the other test shows.
    options
        .arguments
        .push("--skip-hot-restart-parent-stats".to_owned());
    let mut edge = Edge::start_with(options).await;
    let mut held = Client::connect(edge.traffic(), Protocol::Http1)
        .await
        .unwrap();
    assert_eq!(ask(&mut held).await, CANARY, "before the restart");
    let mut parent = edge.hot_restart().await.unwrap();
    edge.wait_for(1).await;
    assert_eq!(versions(&edge).await, [CANARY; 8], "at the new process");

    let answer = edge
        .operator()
        .signed(&people.kill(2, "cut"))
        .await
        .unwrap();
    assert_all_workers(&answer, 2);
    assert_eq!(versions(&edge).await, [STABLE; 8], "at the new process");
    let kept = ask(&mut held).await;
    println!("on a connection to the old process after the receipt of the kill: {kept}");
    assert_eq!(kept, CANARY, "an order reaches the old process after all");

    // What the operator's tool does after every order.
    let durable = people.policy(answer.json().unwrap()["control"].clone());
    edge.offer(&durable).await;
    let mut asked = 1;
    while ask(&mut held).await != STABLE {
        asked += 1;
        assert!(asked < 1_000, "the file does not reach the old process");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("after the file it took {asked} requests");
    let expected = [Some(2.0), Some(0.0), Some(1.0)];
    assert_eq!(gauges(&edge).await, expected, "the gauges");
    assert!(parent.is_running(), "the old process is gone");
    drop(parent);
    assert_eq!(versions(&edge).await, [STABLE; 8], "at the end");
    edge.finish().await;
}

/// Lets another Envoy take over; the one before drains and ends after so many seconds.
fn overlap(options: &mut Options, drain: u32, end: u32) {
    options.hot_restart = true;
    let arguments = [
        "--drain-time-s",
        &drain.to_string(),
        "--parent-shutdown-time-s",
        &end.to_string(),
    ];
    options.arguments.extend(arguments.map(str::to_owned));
}

/// The version that answers on this connection.
async fn ask(client: &mut Client) -> String {
    let request = Request::post(PATH)
        .header("content-type", "application/json")
        .header(UNIT_HEADER, "somebody");
    let answer = client.ask(request.body(full("{}")).unwrap()).await.unwrap();
    let version = answer.json().unwrap()["version"].clone();
    version.as_str().unwrap_or_default().to_owned()
}
