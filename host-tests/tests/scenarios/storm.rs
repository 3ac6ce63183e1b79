//! A hundred thousand requests of a hostile client and as many answers of a broken upstream.

use breakglass_host_tests::{End, FailurePolicy, Last, More, Proxy, module};
use serde_json::{Value, json};

use crate::world::{Seeded, TICK, VM_ID, World, all_canary, kill, policy, rollout, with};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn document() -> Value {
    let unit = json!([{"header": "x-user-id"}, {"cookie": "session"}, {"jwt_claim": "sub"},
        {"random_cookie": {"name": "bg-unit", "max_age": "30d"}}]);
    let edits = json!({"arms": {"canary": {"json": {"/prompt/version": "42"}, "request_headers": {"x-prompt": "42"}}}});
    let control =
        json!({"generation": 1, "ramp": {"percent": 50}, "not_after": "2027-01-01T00:00:00Z"});
    let named = |name: &str, matches: Value| {
        with(
            rollout(control.clone()),
            json!({"name": name, "unit": unit, "match": matches, "expose": true}),
        )
    };
    policy([
        with(
            named(
                "edited",
                json!({"path_prefix": "/v1", "host": "*.example.com"}),
            ),
            edits,
        ),
        named("by-header", json!({"headers": {"x-agent": "support"}})),
        with(
            named("keyless", json!({"path_prefix": "/k"})),
            json!({"unit": [{"jwt_claim": "sub"}]}),
        ),
    ])
}

/// Bytes that a header can have on the wire: anything but what ends a line.
fn header_value(seeded: &mut Seeded) -> Vec<u8> {
    let length = match seeded.below(20) {
        0 => 0,
        1 => 2_000,
        _ => seeded.below(60),
    };
    let mut value = match seeded.below(5) {
        0 => seeded.bytes(length),
        1 => format!("Bearer {}.{}.{}", seeded.next(), "e30", "x".repeat(length)).into_bytes(),
        2 => format!(
            "session={}; bg-unit=; =;;= ; {}",
            seeded.next(),
            "a=b; ".repeat(length / 5)
        )
        .into_bytes(),
        3 => b"support".to_vec(),
        _ => vec![b'a'; length],
    };
    value.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    value
}

fn headers(seeded: &mut Seeded, count: usize) -> Pairs {
    const NAMES: [&str; 18] = [
        "x-user-id",
        "cookie",
        "authorization",
        "x-agent",
        "content-type",
        "content-length",
        "x-breakglass-arm",
        "X-Breakglass-Cluster",
        "x-prompt",
        "accept",
        "host",
        "te",
        "transfer-encoding",
        "x-",
        "",
        "set-cookie",
        ":odd",
        "content-encoding",
    ];
    (0..count)
        .map(|_| {
            let name = match seeded.below(6) {
                0 => {
                    let length = seeded.below(12);
                    let mut name = seeded.bytes(length);
                    name.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0 | b':'));
                    name
                }
                1 => format!("x-breakglass-{}", seeded.below(9_999)).into_bytes(),
                _ => NAMES[seeded.below(NAMES.len())].as_bytes().to_vec(),
            };
            (name, header_value(seeded))
        })
        .collect()
}

fn request(seeded: &mut Seeded) -> Pairs {
    const PATHS: [&[u8]; 9] = [
        b"/",
        b"",
        b"*",
        b"/v1",
        b"/v1/chat?x=/v2",
        b"//v1",
        b"/k/\xff",
        b"/v1\xc3",
        b"?/v1",
    ];
    const HOSTS: [&[u8]; 8] = [
        b"api.example.com",
        b"API.example.com:99999",
        b"",
        b":",
        b"[::1",
        b"....",
        b".example.com.",
        b"\xff.example.com",
    ];
    let mut pairs: Pairs = Vec::new();
    if !seeded.one_in(20) {
        pairs.push((b":path".to_vec(), PATHS[seeded.below(PATHS.len())].to_vec()));
    }
    if !seeded.one_in(20) {
        pairs.push((
            b":authority".to_vec(),
            HOSTS[seeded.below(HOSTS.len())].to_vec(),
        ));
    }
    if seeded.one_in(2) {
        pairs.push((b"content-type".to_vec(), b"application/json".to_vec()));
    }
    let count = match seeded.below(2_000) {
        0 => 10_000,
        1..20 => 500,
        _ => seeded.below(14),
    };
    pairs.extend(headers(seeded, count));
    pairs
}

fn body(seeded: &mut Seeded) -> Vec<u8> {
    match seeded.below(6) {
        0 => Vec::new(),
        1 => br#"{"prompt":{"version":"41"},"m":[1,2.5e300,"\ud83d"]}"#.to_vec(),
        2 => b"[".repeat(1 + seeded.below(3_000)),
        3 if seeded.one_in(50) => vec![b' '; 300_000],
        4 => b"data: {\"a\":1}\r\n\r\ndata: b\n\n".to_vec(),
        _ => {
            let length = seeded.below(300);
            seeded.bytes(length)
        }
    }
}

/// Writes a body in some chunks, ended by its last one, by nothing, by trailers or not at all.
fn write(seeded: &mut Seeded, mut part: impl FnMut(&[u8], End), ended: bool) {
    let whole = body(seeded);
    let size = 1 + seeded.below(whole.len() + 1);
    let chunks: Vec<_> = whole.chunks(size).take(40).collect();
    for chunk in &chunks {
        part(chunk, More);
    }
    if ended {
        part(b"", Last);
    }
}

fn one(world: &World, seeded: &mut Seeded, worker: usize) {
    let mut stream = world.proxy.worker(worker).open(&world.traffic);
    if seeded.one_in(200) {
        return;
    }
    let bodied = seeded.one_in(3);
    stream.request(request(seeded), End::from(!bodied));
    if bodied {
        let ended = !seeded.one_in(4);
        write(
            seeded,
            |chunk, end| drop(stream.request_body(chunk, end)),
            ended,
        );
        if !ended && seeded.one_in(2) {
            let trailers = headers(seeded, 3);
            stream.request_trailers(trailers);
        }
    }
    if stream.is_over() || stream.upstream().is_none() || seeded.one_in(20) {
        return;
    }
    const STATUS: [&[u8]; 7] = [b"200", b"204", b"503", b"999", b"", b"\xff", b"-1"];
    let mut head = vec![(
        b":status".to_vec(),
        STATUS[seeded.below(STATUS.len())].to_vec(),
    )];
    if seeded.one_in(2) {
        head.push((b"content-type".to_vec(), b"text/event-stream".to_vec()));
    }
    let count = seeded.below(6);
    head.extend(headers(seeded, count));
    let bodied = !seeded.one_in(4);
    stream.response(head, End::from(!bodied));
    if bodied {
        let ended = !seeded.one_in(4);
        write(
            seeded,
            |chunk, end| drop(stream.response_body(chunk, end)),
            ended,
        );
        if !ended && seeded.one_in(2) && !stream.is_over() {
            stream.response_trailers(headers(seeded, 2));
        }
    }
    if seeded.one_in(10) {
        stream.upstream_reset();
    }
}

#[test]
fn a_hundred_thousand_hostile_requests_trap_nothing_and_grow_nothing() {
    const REQUESTS: usize = 100_000;
    let world = World::with_workers(2, &document());
    let names = world.metric_names().len();
    let memory = |world: &World| {
        world
            .proxy
            .workers()
            .iter()
            .map(|it| it.vms()[0].memory_bytes)
            .collect::<Vec<_>>()
    };
    let mut warm = Vec::new();
    for round in 0..10 {
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let world = &world;
                scope.spawn(move || {
                    let mut seeded = Seeded(1 + round * 2 + worker);
                    for _ in 0..REQUESTS / 20 {
                        one(
                            world,
                            &mut seeded,
                            usize::try_from(worker).expect("it fits"),
                        );
                    }
                });
            }
        });
        world.tick();
        if round == 1 {
            warm = memory(&world);
        }
    }
    assert_eq!(memory(&world), warm, "linear memory after the first 20,000");
    for worker in world.workers() {
        let vms = worker.vms();
        assert_eq!(
            (vms.len(), vms[0].streams, vms[0].failed),
            (1, 0, false),
            "{vms:?}"
        );
    }
    assert_eq!(
        world.metric_names().len(),
        names,
        "metrics of what clients sent"
    );
    assert!(world.warnings().is_empty(), "{:?}", world.warnings());
}

#[test]
fn hostile_streams_cut_at_any_moment_trap_nothing() {
    let mut seeded = Seeded(99);
    for round in 0..40 {
        let world = World::new(&document());
        for n in 0..50 {
            one(&world, &mut seeded, n % 2);
            if n == 20 {
                let mode = ["rollback", "block"][round % 2];
                let order = |name: &str| json!({"rollout": name, "generation": 2, "kill": {"mode": mode, "in_flight": "cut"}});
                drop(world.post(0, &order("edited")));
                drop(world.post(1, &order("by-header")));
            }
            if seeded.one_in(5) {
                world.tick();
            }
        }
    }
}

#[test]
fn ten_thousand_headers_are_read_and_the_forged_ones_removed() {
    let world = World::new(&all_canary());
    let mut pairs: Vec<_> = (0..10_000)
        .map(|n| (format!("x-{n}"), "v".to_owned()))
        .collect();
    let forged = |n: usize| (format!("x-breakglass-{n}"), "canary".to_owned());
    pairs.extend((0..100).map(forged));
    pairs.push(("x-user-id".to_owned(), "u".to_owned()));
    let stream = world.send(0, pairs, Last);
    let upstream = stream.upstream().expect("routed").headers;
    assert_eq!(upstream.len(), 10_000 + 1 + 5);
    assert!(!upstream.has("x-breakglass-17"));
}

#[test]
fn forged_headers_beyond_all_measure_are_answered_431() {
    let world = World::new(&all_canary());
    let forged = |n: usize| (format!("x-breakglass-{n}"), "canary".to_owned());
    let stream = world.send(0, (0..1_000).map(forged).collect::<Vec<_>>(), Last);
    assert!(stream.upstream().is_none());
    assert_eq!(stream.finish().client.status(), 431);
}

/// A cost that grows with the square of what a client sends is a way to stop a worker.
#[test]
fn the_work_for_headers_grows_with_their_number_not_with_its_square() {
    let proxy = Proxy::builder(module()).count_fuel().build();
    let plugin = proxy
        .plugin("traffic")
        .vm_id(VM_ID)
        .failure_policy(FailurePolicy::Closed);
    let plugin = plugin
        .configure(all_canary().to_string())
        .expect("it is taken");
    proxy.advance(TICK);
    let cost = |name: &str, count: usize| {
        let mut stream = proxy.worker(0).open(&plugin);
        let pairs = (0..count).map(|n| (format!("{name}{n}"), "v".to_owned()));
        stream.request(pairs, Last);
        let fuel = stream.effects().fuel;
        fuel.iter()
            .find(|(callback, _)| *callback == "proxy_on_request_headers")
            .map_or(0, |it| it.1)
    };
    for name in ["x-", "x-breakglass-"] {
        let (few, many) = (cost(name, 400), cost(name, 4_000));
        assert!(
            many < few * 20,
            "{name}: {few} instructions for 400, {many} for 4,000"
        );
    }
}

#[test]
fn an_operator_endpoint_under_random_calls_traps_nothing() {
    let world = World::new(&all_canary());
    let mut seeded = Seeded(4);
    for n in 0..5_000 {
        let mut stream = world.proxy.worker(n % 2).open(&world.operator);
        let mut head = request(&mut seeded);
        head.push((
            b":method".to_vec(),
            [b"GET".to_vec(), b"POST".to_vec(), header_value(&mut seeded)][seeded.below(3)].clone(),
        ));
        if seeded.one_in(2) {
            head.retain(|(name, _)| name != b":path" && name != b"content-type");
            head.push((b":path".to_vec(), b"/v1/orders".to_vec()));
            head.push((
                b"content-type".to_vec(),
                crate::world::JSON_ORDER.as_bytes().to_vec(),
            ));
        }
        let bodied = seeded.one_in(2);
        stream.request(head, End::from(!bodied));
        if bodied {
            let ended = seeded.one_in(2);
            write(
                &mut seeded,
                |chunk, end| drop(stream.request_body(chunk, end)),
                ended,
            );
        }
        assert_eq!(stream.upstream(), None);
        if seeded.one_in(50) {
            world.tick();
        }
    }
    assert_eq!(world.control()["generation"], 1);
    assert_eq!(
        world.order(&kill(2, "rollback", "drain")).status,
        200,
        "it still works"
    );
}
