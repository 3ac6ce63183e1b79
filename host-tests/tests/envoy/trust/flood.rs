//! Forged envelopes, as many as the operator's listener can take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64ct::{Base64, Encoding};
use breakglass_examples::people::{self, ENVELOPE, Person};
use hyper::Request;
use serde_json::{Value, json};

use super::{People, assert_problem, load, order_by, permitted, times, versions};
use crate::client::{Client, PROTOCOLS, full};
use crate::edge::Edge;
use crate::kill::{assert_all_workers, finished};
use crate::policy::{CANARY, STABLE};

/// A forgery, and how it must be refused.
struct Forged {
    name: &'static str,
    body: String,
    status: u16,
    kind: &'static str,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_forged_envelopes_changes_nothing_and_a_kill_gets_through() {
    let people = People::new();
    let warrant = people.warrant(0, json!({}));
    let edge = Edge::start(people.policy(permitted(1, 50, &warrant))).await;
    let (before, workers) = (rollout(&edge).await, workers(&edge).await);
    let count = times("BREAKGLASS_FORGED", 20_000);
    let forged: Arc<[Forged]> = forged(&people).into();
    let (loads, mut news) = load(&edge);
    let (sent, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|connection| {
            let (forged, sent) = (Arc::clone(&forged), Arc::clone(&sent));
            let addr = edge.operator().addr();
            tokio::spawn(async move {
                let protocol = PROTOCOLS[connection % PROTOCOLS.len()];
                let mut client = Client::connect(addr, protocol).await.unwrap();
                let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
                loop {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return refused;
                    }
                    let forged = &forged[number as usize % forged.len()];
                    let request = Request::post("/v1/orders").header("content-type", ENVELOPE);
                    let request = request.body(full(forged.body.clone())).unwrap();
                    let answer = client.ask(request).await.unwrap();
                    // Envoy does so after every 400 of its own over HTTP/1.1.
                    if answer.header("connection") == Some("close") {
                        client = Client::connect(addr, protocol).await.unwrap();
                    }
                    let problem = assert_problem(&answer);
                    let kind = format!("urn:breakglass:{}", forged.kind);
                    let found = (answer.status, problem["type"].as_str().unwrap_or_default());
                    assert_eq!(
                        found,
                        (forged.status, kind.as_str()),
                        "{}: {problem}",
                        forged.name
                    );
                    *refused.entry(forged.kind).or_default() += 1;
                }
            })
        })
        .collect();

    while sent.load(Ordering::Relaxed) < count / 2 {
        tokio::task::yield_now().await;
    }
    let after_half = rollout(&edge).await;
    assert_eq!(after_half, before, "after half of them");
    let ordered = Instant::now();
    let answer = edge
        .operator()
        .signed(&people.kill(2, "drain"))
        .await
        .unwrap();
    let confirmed = Instant::now();
    println!(
        "a kill in the middle of it: receipt after {:?}",
        confirmed - ordered
    );
    assert_all_workers(&answer, 2);
    assert!(
        sent.load(Ordering::Relaxed) < count,
        "the flood was over before the kill"
    );

    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for sender in senders {
        for (kind, times) in sender.await.unwrap() {
            *refused.entry(kind).or_default() += times;
        }
    }
    let took = started.elapsed();
    println!(
        "{count} forged on {CONNECTIONS} connections in {took:.1?}, {:.0} a second: {refused:?}",
        count as f64 / took.as_secs_f64()
    );
    for load in loads {
        load.stop().await;
    }
    let mut requests: BTreeMap<_, usize> = BTreeMap::new();
    while let Some(record) = news.recv().await.map(finished) {
        let record = record.expect("no streams");
        assert!(record.is_good(), "{record:?}");
        let late = record.started > confirmed && record.version.as_deref() != Some(STABLE);
        assert!(!late, "after the kill: {record:?}");
        assert!(
            [Some(1), Some(2)].contains(&record.generation()),
            "{record:?}"
        );
        *requests
            .entry((record.generation(), record.version))
            .or_default() += 1;
    }
    println!("requests meanwhile: {requests:?}");
    assert!(
        requests.contains_key(&(Some(1), Some(CANARY.to_owned()))),
        "no traffic"
    );

    let accepted = edge
        .count("breakglass_orders_total", &[("result", "accepted")])
        .await;
    let all = edge.count("breakglass_orders_total", &[]).await;
    assert_eq!((accepted, all), (1, count + 1), "orders counted");
    assert_eq!(refused.values().sum::<u64>(), count);
    assert_eq!(
        self::workers(&edge).await,
        workers,
        "the workers are the same ones"
    );
    assert_eq!(edge.control().await["generation"], 2);
    assert_eq!(versions(&edge).await, [STABLE; 8]);
    edge.finish().await;
}

fn forged(people: &People) -> Vec<Forged> {
    let stranger = Person::new("stranger", "senior_engineer");
    let terms = json!({"kill": {"mode": "block", "in_flight": "cut"}});
    let genuine = people.order(3, terms.clone());
    let strange = order_by(&stranger, 3, terms.clone());

    let mut renamed = strange.clone();
    renamed["signatures"][0]["keyid"] = people.engineer.id().into();
    let mut tampered = genuine.clone();
    let payload = Base64::decode_vec(genuine["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload)
        .unwrap()
        .replace("block", "rollback");
    tampered["payload"] = Base64::encode_string(payload.as_bytes()).into();
    let mut retyped = people::sign(people::WARRANT, &json!({}), &[&people.engineer]);
    retyped["payload"] = genuine["payload"].clone();
    retyped["payloadType"] = people::ORDER.into();
    let mut many = strange.clone();
    let good = genuine["signatures"][0].clone();
    let bad = renamed["signatures"][0].clone();
    // As many as are read, the forged one last.
    many["signatures"] = [vec![good; 15], vec![bad]].concat().into();
    let mut unsigned = genuine.clone();
    unsigned["signatures"] = json!([]);

    let raise = |warrant: Value| {
        let terms = json!({"ramp": {"percent": 100}, "warrant": warrant});
        people.order(3, terms)
    };
    let strangers = [
        Person::new("stranger-1", "security_lead"),
        Person::new("stranger-2", "platform_lead"),
    ];
    let [one, two] = &strangers;
    let mut impostors = people.warrant_by(&[one, two], 2, json!({}));
    impostors["signatures"][0]["keyid"] = people.security.id().into();
    impostors["signatures"][1]["keyid"] = people.platform.id().into();
    // Who gives orders approves in the names of both.
    let approvers = json!([people.security.approver(), people.platform.approver()]);
    let alone = people.warrant_by(
        &[&people.engineer],
        2,
        json!({"approvers": approvers, "author": "nobody"}),
    );

    let case = |name, envelope: Value, status, kind| Forged {
        name,
        body: envelope.to_string(),
        status,
        kind,
    };
    vec![
        case("a stranger's", strange, 401, "unknown-key"),
        case("a stranger's in another's name", renamed, 401, "bad-signature"),
        case("another order under a good signature", tampered, 401, "bad-signature"),
        case("a signature of another type", retyped, 401, "bad-signature"),
        case("sixteen signatures", many, 401, "bad-signature"),
        case("no signature", unsigned, 400, "malformed"),
        case("a raise by impostors", raise(impostors), 403, "warrant-bad-signature"),
        case("a raise by one alone", raise(alone), 403, "approval-missing"),
        case("a kill for another policy", people.order(3, json!({"policy": "other", "kill": {"mode": "block"}})), 403, "other-policy"),
        case("an order of an hour ago", people.order(3, json!({"issued_at": super::at(std::time::SystemTime::now() - super::HOUR), "kill": {"mode": "block"}})), 403, "expired"),
        Forged {
            name: "half of one",
            body: genuine.to_string()[..200].to_owned(),
            status: 400,
            kind: "malformed",
        },
    ]
}

/// What the operator sees of the rollout, but for what its traffic changes.
async fn rollout(edge: &Edge) -> Value {
    let mut rollout = super::rollout(edge).await;
    rollout["arms"].take();
    rollout
}

async fn workers(edge: &Edge) -> BTreeSet<String> {
    let state = edge.state().await;
    let workers = state["workers"].as_array().cloned().unwrap_or_default();
    let ids = workers.iter().map(|worker| worker["id"].to_string());
    ids.collect()
}

const CONNECTIONS: usize = 32;
