//! Many requests with random headers and bodies: nothing traps, and memory does not grow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use breakglass_examples::http;
use breakglass_examples::load::Protocol;
use hyper::Request;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::client::{Body, Client, full};
use crate::edge::Edge;
use crate::policy::{CANARY, ECHO_PATH, PATH, STABLE, policy_with, ramp};

/// Requests of each half, as long as they fit into the time.
const HALF: usize = 50_000;
const HALF_TIME: Duration = Duration::from_secs(20);

/// Clients at once, each with a connection that is thrown away now and then.
const CLIENTS: u64 = 16;

/// What Envoy may grow by from the middle to the end. Its own caches and statistics breathe by some
/// MiB; a leak of a hundred bytes a request would be beyond this.
const GROWTH_LIMIT: i64 = 8 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_requests_do_not_trap_and_memory_does_not_grow() {
    let edge = Edge::start(policy()).await;
    let mut memory = Vec::new();
    let mut statuses = BTreeMap::new();
    // The first half warms everything up: connection pools, arenas, linear memory.
    for half in 0..2 {
        let (sent, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let seed = 1 + number + half * CLIENTS;
                tokio::spawn(run(
                    edge.traffic(),
                    Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                    Arc::clone(&sent),
                    started,
                ))
            })
            .collect();
        for client in clients {
            for (status, count) in client.await.expect("a client") {
                *statuses.entry(status).or_insert(0) += count;
            }
        }
        let now = Memory::of(&edge).await;
        let requests = sent.load(Ordering::Relaxed).min(HALF);
        println!(
            "{requests} requests in {:?}, then {now:?}",
            started.elapsed()
        );
        memory.push(now);
    }
    println!("statuses: {statuses:?}");
    let total: usize = statuses.values().sum();
    let good = statuses.get(&200).copied().unwrap_or_default();
    assert!(
        good > total / 2,
        "{good} good answers of {total}: the requests are not what they should be"
    );
    let wrong = |status: &u16| ![200, 400, 404].contains(status);
    if statuses.keys().any(wrong) {
        let log = edge.access_log_of(total).await;
        let is_wrong = |line: &&Value| wrong(&(line["status"].as_u64().unwrap_or_default() as u16));
        let lines: Vec<_> = log.iter().filter(is_wrong).take(5).collect();
        panic!("statuses that no request here deserves: {statuses:?}, such as {lines:#?}");
    }
    let [middle, end] = memory.as_slice() else {
        panic!("two halves")
    };
    let growth = [
        end.resident - middle.resident,
        end.allocated - middle.allocated,
    ];
    println!(
        "growth from the middle to the end: resident {} KiB, allocated {} KiB",
        growth[0] >> 10,
        growth[1] >> 10
    );
    assert!(
        growth.iter().all(|growth| *growth < GROWTH_LIMIT),
        "{growth:?} bytes of {memory:?}"
    );
    edge.finish().await;
}

/// Every kind of unit, and a body that is edited.
fn policy() -> Value {
    let arm = |version: &str, number: &str| json!({"version": version, "cluster": format!("agent-v{number}"), "json": {"/prompt/version": number}});
    policy_with(
        ramp(1, 50),
        json!({
            "unit": [{"header": "x-user-id"}, {"cookie": "session"}, {"jwt_claim": "sub"},
                     {"random_cookie": {"name": "bg-unit", "max_age": "1h"}}],
            "arms": {"stable": arm(STABLE, "41"), "canary": arm(CANARY, "42")},
            "expose": true,
        }),
    )
}

/// One client: sends until there are enough requests or no more time.
async fn run(
    addr: std::net::SocketAddr,
    mut random: Random,
    sent: Arc<AtomicUsize>,
    started: Instant,
) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    let mut client = None;
    while sent.fetch_add(1, Ordering::Relaxed) < HALF && started.elapsed() < HALF_TIME {
        let mut open = match client.take() {
            Some(open) if random.below(200) > 0 => open,
            _ => {
                let protocol = if random.below(2) == 0 {
                    Protocol::Http1
                } else {
                    Protocol::Http2
                };
                Client::connect(addr, protocol).await.expect("a connection")
            }
        };
        let request = random.request();
        let shown = format!("{} {:?}", request.uri(), request.headers());
        let answer = open
            .ask(request)
            .await
            .unwrap_or_else(|error| panic!("{error:#}: {shown:.500}"));
        *statuses.entry(answer.status).or_default() += 1;
        // Where a refused body was not read, the connection goes with it.
        client = (answer.status == 200).then_some(open);
    }
    statuses
}

/// What Envoy holds, in bytes.
#[derive(Debug)]
struct Memory {
    /// As the system sees it: linear memory of the machines included.
    resident: i64,
    /// As Envoy's allocator sees it.
    allocated: i64,
}

// === impl Memory ===

impl Memory {
    async fn of(edge: &Edge) -> Self {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", edge.pid())).unwrap_or_default();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        let resident = resident
            .and_then(|kib| kib.parse().ok())
            .map_or(0, |kib: i64| kib << 10);
        let memory = http::get(edge.admin().addr(), "/memory")
            .await
            .unwrap()
            .json()
            .unwrap();
        let allocated = memory["allocated"]
            .as_str()
            .and_then(|bytes| bytes.parse().ok());
        Self {
            resident,
            allocated: allocated.expect("a number"),
        }
    }
}

/// Numbers that look random and come again with the same seed (xorshift64*).
struct Random(u64);

// === impl Random ===

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1))
            .map(|_| self.next() as u8)
            .collect()
    }

    /// Bytes that a header's value may have, text or not.
    fn value(&mut self) -> Vec<u8> {
        let most = if self.below(50) == 0 { 8_000 } else { 40 };
        let mut value = self.bytes(most);
        value.iter_mut().for_each(|byte| {
            *byte = if *byte < 0x20 || *byte == 0x7f {
                b'~'
            } else {
                *byte
            }
        });
        value
    }

    fn request(&mut self) -> Request<Body> {
        let path = self.pick(&[
            PATH,
            ECHO_PATH,
            ECHO_PATH,
            "/v1/agents/support/x?a=b",
            "/elsewhere/echo",
            "/",
        ]);
        let mut request = Request::post(path);
        for _ in 0..self.below(12) {
            let name = match self.below(4) {
                0 => format!("x-breakglass-{}", self.below(20)),
                1 => format!("x-random-{}", self.below(1_000_000)),
                _ => self.pick(&NAMES).to_owned(),
            };
            let mut value = self.value();
            match (name.as_str(), self.below(2)) {
                ("cookie", 0) => value.splice(0..0, *b"session=").for_each(drop),
                ("authorization", 0) => value.splice(0..0, *b"Bearer e30.").for_each(drop),
                _ => {}
            }
            let name = HeaderName::try_from(name).expect("a name");
            request = request.header(name, HeaderValue::from_bytes(&value).expect("a value"));
        }
        if self.below(3) > 0 {
            request = request.header(
                "content-type",
                self.pick(&["application/json", "text/plain"]),
            );
        }
        let body = match self.below(8) {
            0 => self.bytes(200),
            1 => self.bytes(20_000),
            2 => Vec::new(),
            3 => br#"{"stream":true,"max_tokens":3}"#.to_vec(),
            _ => json!({"prompt": {"version": self.next()}, "messages": [String::from_utf8_lossy(&self.bytes(300))]})
                .to_string()
                .into_bytes(),
        };
        request.body(full(body)).expect("a request")
    }
}

/// Headers that the policy reads or sets, and some that it does not.
const NAMES: [&str; 8] = [
    "x-user-id",
    "x-user-id",
    "cookie",
    "authorization",
    "x-breakglass-arm",
    "x-breakglass-cluster",
    "accept",
    "user-agent",
];
