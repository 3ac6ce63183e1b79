//! What is counted of answers, arm by arm, over all workers: every answer once, and none lost.

use std::time::Duration;

use breakglass_host_tests::{Last, More, Profile, Stream};
use serde_json::{Value, json};

use crate::world::{ROLLOUT, VM_ID, World, of_unit, policy, rollout, with};

/// The answers of an arm, as `GET /v1/state` tells them; without the requests that were drawn.
pub(crate) fn answers(world: &World, arm: &str) -> Value {
    let mut told = told(world, arm);
    if let Some(told) = told.as_object_mut() {
        told.remove("drawn");
    }
    told
}

fn told(world: &World, arm: &str) -> Value {
    world.tick();
    let state = world.read("/v1/state").body;
    let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
    let ours = rollouts.iter().find(|it| it["name"] == ROLLOUT);
    ours.map(|it| it["arms"][arm]["answers"].clone())
        .unwrap_or_default()
}

/// What [`answers`] tells when so many ended and nothing else happened, with `news` put in.
pub(crate) fn ended(count: u64, news: Value) -> Value {
    let quiet = json!({
        "ended": count, "errors": 0, "slow_first_byte": 0, "slow": 0, "unscanned": 0,
        "redactions": {}
    });
    with(quiet, news)
}

/// `u` is on the canary and `vip` is not; `signals` are watched, and what `redaction` says is looked for.
pub(crate) fn watching(signals: Value, redaction: Value) -> Value {
    let more = json!({
        "pins": {"stable": ["vip"], "canary": ["u"]},
        "judge": {"alpha": 0.001, "signals": signals},
        "redaction": redaction
    });
    let control = json!({"generation": 1, "ramp": {"percent": 50}});
    policy([with(rollout(control), more)])
}

fn unjudged() -> Value {
    let pins = json!({"pins": {"stable": ["vip"]}});
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    policy([with(rollout(control), pins)])
}

fn latency() -> Value {
    let bounds = json!([{"latency": {"first_byte": "800ms", "answer": "20s"}}]);
    watching(bounds, json!({}))
}

fn answer(world: &World, worker: usize, unit: &str, status: &str) {
    let mut stream = world.get(worker, unit);
    stream.response([(":status", status)], Last);
}

#[test]
fn only_requests_that_the_split_sent_are_drawn() {
    let world = World::new(&watching(json!([]), json!({})));
    // Pinned to the one and to the other, and without a unit.
    for unit in ["vip", "u"] {
        answer(&world, 0, unit, "200");
    }
    let mut keyless = world.send(0, of_unit("").into_iter().take(3), Last);
    keyless.response([(":status", "200")], Last);
    let drawn = || ["stable", "canary"].map(|arm| told(&world, arm)["drawn"].as_u64());
    assert_eq!(drawn(), [Some(0), Some(0)]);
    for unit in ["a", "b", "c", "d", "e", "f"] {
        answer(&world, 0, unit, "200");
    }
    assert_eq!(drawn().into_iter().flatten().sum::<u64>(), 6);
    let ended = ["stable", "canary"].map(|arm| answers(&world, arm)["ended"].as_u64());
    assert_eq!(ended.into_iter().flatten().sum::<u64>(), 9);
}

fn begun(world: &World, unit: &str, kind: &str) -> Stream {
    let mut stream = world.get(0, unit);
    stream.response([(":status", "200"), ("content-type", kind)], More);
    stream
}

#[test]
fn answers_and_server_errors_are_counted_by_arm_without_a_judge() {
    let world = World::new(&unjudged());
    for (n, status) in ["200", "404", "429", "500", "503", "599", "600", ""]
        .into_iter()
        .enumerate()
    {
        answer(&world, n % 2, "u", status);
    }
    answer(&world, 0, "vip", "502");
    let errors = |errors: u64| json!({"errors": errors});
    assert_eq!(answers(&world, "canary"), ended(8, errors(3)));
    assert_eq!(answers(&world, "stable"), ended(1, errors(1)));
}

#[test]
fn the_policy_says_which_statuses_are_errors() {
    let signal = json!([{"error_rate": {"statuses": ["429", "5xx"]}}]);
    let world = World::new(&watching(signal, json!({})));
    for status in ["200", "404", "429", "500"] {
        answer(&world, 0, "u", status);
    }
    assert_eq!(answers(&world, "canary"), ended(4, json!({"errors": 2})));
}

#[test]
fn an_answer_counts_when_it_ends_however_it_ends() {
    let world = World::new(&unjudged());
    let text = "text/plain";
    let mut whole = begun(&world, "u", text);
    assert_eq!(answers(&world, "canary"), ended(0, json!({})));
    whole.response_body("x", Last);
    let mut trailers = begun(&world, "u", text);
    trailers.response_body("x", More);
    trailers.response_trailers([("x", "y")]);
    assert_eq!(answers(&world, "canary"), ended(2, json!({})));
    // The client's own fault, and not the agent's.
    begun(&world, "u", text).client_reset();
    assert_eq!(answers(&world, "canary"), ended(3, json!({})));
    // Before its headers the proxy answers 503, after them the answer breaks off.
    world.get(0, "u").upstream_reset();
    begun(&world, "u", text).upstream_reset();
    assert_eq!(answers(&world, "canary"), ended(5, json!({"errors": 2})));
    // No answer at all.
    world.get(0, "u").client_reset();
    assert_eq!(answers(&world, "canary"), ended(5, json!({"errors": 2})));
}

#[test]
fn what_the_filter_answers_itself_is_no_answer_of_an_arm() {
    let world = World::new(&unjudged());
    let waiting = world.get(0, "u");
    let _open = begun(&world, "u", "text/plain");
    let mut events = world.events(0, "u");
    events.response_body("data: x\n\n", More);
    world.order(&crate::world::kill(2, "rollback", "cut"));
    world.tick();
    events.response_body("data: y\n\n", More);
    assert!(waiting.is_over());
    assert_eq!(answers(&world, "canary"), ended(0, json!({})));
}

#[test]
fn an_error_event_counts_once_in_whatever_pieces_it_comes() {
    let cases = [
        ("text/event-stream", "event: error\ndata: overloaded\n\n"),
        ("text/event-stream", "event:error\r\ndata: {}\r\n\r\n"),
        (
            "text/event-stream",
            "data: {\"error\": {\"message\": \"no\"}}\n\n",
        ),
        (
            "text/event-stream",
            "data:{\"id\":\"1\",\"choices\":[{\"x\":\"}\\\"{\"}],\"error\":\"no\"}\n\n",
        ),
        (
            "text/event-stream",
            "data: {\"type\" : \"error\",\"error\":null}\n\n",
        ),
        (
            "text/event-stream",
            "data: {\"type\":\"response.failed\"}\n\n",
        ),
        ("text/event-stream", "data: {\"error\":{}}"),
        ("application/x-ndjson", "{\"error\":\"no\"}\n"),
    ];
    let signal = json!([{"error_rate": {}}]);
    for redaction in [json!({}), json!({"response": {"*": "mask"}})] {
        let world = World::new(&watching(signal.clone(), redaction));
        let mut count = 0;
        for (kind, event) in cases {
            for size in [1, 3, 1_000] {
                let mut stream = begun(&world, "u", kind);
                let text = format!("data: {{\"a\":1}}\n\n{event}");
                for piece in text.as_bytes().chunks(size) {
                    stream.response_body(piece, More);
                }
                stream.response_body("", Last);
                count += 1;
                assert_eq!(
                    answers(&world, "canary"),
                    ended(count, json!({"errors": count})),
                    "{kind} {event:?} in pieces of {size}"
                );
            }
        }
    }
}

#[test]
fn what_only_looks_like_an_error_event_is_none() {
    let harmless = [
        "event: errors\ndata: {}\n\n",
        ": error\n\n",
        "error\n\n",
        "data: error\n\n",
        "data: event: error\n\n",
        "data: {\"error\":null}\n\n",
        "data: {\"error\" : false}\n\n",
        "data: {\"choices\":[{\"error\":\"no\"}]}\n\n",
        "data: {\"content\":\"\\\"error\\\":1\"}\n\n",
        "data: {\"content\":\"error\",\"x\":1}\n\n",
        "data: {\"errors\":1,\"my error\":2}\n\n",
        "data: {\"kind\":\"error\"}\n\n",
        "data: [\"error\",1]\n\n",
        "data: {\"error\n\n",
        "data: }}}}{{\"\\\n\n",
    ];
    let world = World::new(&watching(json!([{"error_rate": {}}]), json!({})));
    for text in harmless {
        for size in [1, 1_000] {
            let mut stream = begun(&world, "u", "text/event-stream");
            for piece in text.as_bytes().chunks(size) {
                stream.response_body(piece, More);
            }
            stream.response_body("", Last);
            assert_eq!(answers(&world, "canary")["errors"], 0, "{text:?}");
        }
    }
    // An answer that is no stream says so by its status.
    let mut stream = begun(&world, "u", "application/json");
    stream.response_body("{\"error\":\"no\"}", Last);
    assert_eq!(answers(&world, "canary")["errors"], 0);
}

#[test]
fn late_answers_are_counted_when_they_are_late() {
    let world = World::new(&latency());
    let wait = |millis| world.advance(Duration::from_millis(millis));
    // In time: headers say nothing about the first byte.
    let mut quick = begun(&world, "u", "text/event-stream");
    wait(700);
    quick.response_body("data: 1\n\n", More);
    wait(5_000);
    quick.response_body("data: 2\n\n", Last);
    assert_eq!(answers(&world, "canary"), ended(1, json!({})));
    // Its first byte is late, its end is not. It counts before it is there.
    let mut late = begun(&world, "u", "text/event-stream");
    wait(900);
    let slow_first_byte = json!({"slow_first_byte": 1});
    assert_eq!(answers(&world, "canary"), ended(2, slow_first_byte.clone()));
    late.response_body("data: 1\n\n", Last);
    assert_eq!(answers(&world, "canary"), ended(2, slow_first_byte));
    // Its first byte is in time, it goes on for too long, and fails.
    let mut long = begun(&world, "u", "text/event-stream");
    long.response_body("data: 1\n\n", More);
    wait(20_100);
    let slow = json!({"slow_first_byte": 1, "slow": 1});
    assert_eq!(answers(&world, "canary"), ended(3, slow));
    long.upstream_reset();
    let slow = json!({"slow_first_byte": 1, "slow": 1, "errors": 1});
    assert_eq!(answers(&world, "canary"), ended(3, slow));
    // Nothing comes at all, and the client gives up.
    let silent = world.get(1, "vip");
    wait(20_100);
    drop(silent);
    let slow = json!({"slow_first_byte": 1, "slow": 1});
    assert_eq!(answers(&world, "stable"), ended(1, slow));
}

#[test]
fn redactions_are_counted_by_answer_and_in_all() {
    let mail = "jane@example.com";
    let count =
        json!({"response": {"EMAIL_ADDRESS": "count", "US_SSN": "mask"}, "request": {"*": "mask"}});
    let world = World::new(&watching(json!([]), count));
    for text in [
        format!("{mail} {mail} 078-05-1120."),
        format!("{mail}."),
        "nothing".to_owned(),
    ] {
        let mut stream = begun(&world, "u", "text/plain");
        for piece in text.as_bytes().chunks(3) {
            stream.response_body(piece, More);
        }
        assert_eq!(answers(&world, "stable"), ended(0, json!({})));
        stream.response_body("", Last);
    }
    // What the client says is not the agent's doing.
    let headers = crate::world::of_unit("vip");
    let headers = headers.into_iter().chain([("content-type", "text/plain")]);
    let mut stream = world.send(0, headers, More);
    stream.request_body(mail, Last);
    stream.response([(":status", "200")], Last);
    let found = json!({"redactions": {
        "EMAIL_ADDRESS": {"answers": 2, "found": 3}, "US_SSN": {"answers": 1, "found": 1}
    }});
    assert_eq!(answers(&world, "canary"), ended(3, found));
    assert_eq!(answers(&world, "stable"), ended(1, json!({})));
}

#[test]
fn a_withheld_answer_counts_with_what_withheld_it() {
    for kind in ["text/plain", "text/event-stream"] {
        let block = json!({"response": {"US_SSN": "block"}});
        let world = World::new(&watching(json!([]), block));
        let mut stream = begun(&world, "u", kind);
        stream.response_body("data: {\"text\": \"SSN 078-05-1120.\"}\n\n", More);
        stream.response_body("data: {\"text\": \"SSN 078-05-1120.\"}\n\n", More);
        let found = json!({"redactions": {"US_SSN": {"answers": 1, "found": 1}}});
        assert_eq!(answers(&world, "canary"), ended(1, found), "{kind}");
    }
}

#[test]
fn unscanned_answers_are_counted_whether_they_pass_or_not() {
    for (what, passes) in [("pass", true), ("block", false)] {
        let redaction = json!({
            "response": {"*": "mask"}, "unscannable": {"binary": what, "compressed": what}
        });
        let world = World::new(&watching(json!([]), redaction));
        for headers in [
            ("content-type", "image/png"),
            ("content-encoding", "gzip"),
            ("content-type", "text/plain"),
        ] {
            let mut stream = world.get(0, "u");
            stream.response([(":status", "200"), headers], More);
            stream.response_body("x", Last);
            let ok = stream.client().status() == 200;
            assert_eq!(ok, passes || headers.1 == "text/plain", "{headers:?}");
        }
        assert_eq!(
            answers(&world, "canary"),
            ended(3, json!({"unscanned": 2})),
            "{what}"
        );
    }
}

#[test]
fn workers_lose_no_update_of_each_other() {
    let world = World::with_workers(4, &unjudged());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for n in 0..300 {
                    let status = if n % 3 == 0 { "500" } else { "200" };
                    answer(world, worker, "u", status);
                }
            });
        }
        // Ticks fall in between, wherever the workers are.
        for _ in 0..20 {
            world.tick();
        }
    });
    assert_eq!(
        answers(&world, "canary"),
        ended(1_200, json!({"errors": 400}))
    );
}

#[test]
fn a_machine_that_dies_loses_what_it_had_not_shared_and_nothing_is_counted_twice() {
    let world = World::new(&unjudged());
    for _ in 0..10 {
        answer(&world, 0, "u", "200");
    }
    world.tick();
    for _ in 0..5 {
        answer(&world, 0, "u", "200");
    }
    // Between two ticks: what was answered in them is gone, at most 63 answers.
    world.worker(0).crash();
    world.advance(Duration::from_secs(2));
    answer(&world, 0, "u", "200");
    assert_eq!(answers(&world, "canary"), ended(11, json!({})));
}

#[test]
fn much_is_shared_without_waiting_for_a_tick() {
    let world = World::new(&unjudged());
    for _ in 0..64 {
        answer(&world, 0, "u", "200");
    }
    let state = world.read("/v1/state").body;
    assert_eq!(
        state["rollouts"][0]["arms"]["canary"]["answers"]["ended"],
        64
    );
}

#[test]
fn a_new_configuration_goes_on_counting_and_an_old_one_is_counted_to_its_end() {
    let world = World::new(&unjudged());
    answer(&world, 0, "u", "200");
    let mut open = begun(&world, "u", "text/plain");
    let mut newer = unjudged();
    newer["rollouts"][0]["control"]["generation"] = json!(2);
    world.push(&newer).expect("it is taken");
    answer(&world, 0, "u", "200");
    open.response_body("x", Last);
    drop(open);
    assert_eq!(answers(&world, "canary"), ended(3, json!({})));
}

#[test]
fn garbage_in_the_place_of_tallies_begins_anew() {
    let world = World::new(&unjudged());
    answer(&world, 0, "u", "200");
    world.tick();
    let keys = world.shared_data().keys(VM_ID).into_iter();
    let ours: Vec<_> = keys
        .filter(|key| String::from_utf8_lossy(key).contains("/tally/"))
        .collect();
    assert_eq!(ours.len(), 1);
    for garbage in [
        &[][..],
        &[0xff; 40],
        &[0x0d; 3],
        b"\x0dsupport-agent\x02\x01\xff",
    ] {
        let set = world.shared_data().set(VM_ID, &ours[0], garbage, 0);
        set.expect("0 overwrites");
        assert_eq!(world.read("/v1/state").status, 200);
        answer(&world, 1, "u", "500");
        let one = ended(1, json!({"errors": 1}));
        assert_eq!(answers(&world, "canary"), one, "{garbage:?}");
    }
}

#[test]
fn renamed_rollouts_with_traffic_do_not_grow_shared_data_without_end() {
    let world = World::with_workers(1, &unjudged());
    // Names that fall together: their tallies are on one shelf of shared data.
    let names = (0..).map(|n| format!("change-{n:06}"));
    let names = names.filter(|name| fnv_1a(name.as_bytes()) % 1_024 == 7);
    let mut shelves = Vec::new();
    for name in names.take(30) {
        let mut policy = unjudged();
        policy["rollouts"][0]["name"] = json!(name);
        world.push(&policy).expect("it is taken");
        answer(&world, 0, "u", "200");
        world.tick();
        let shared = world.shared().into_iter();
        shelves = shared.filter(|(key, _)| key.contains("/tally/")).collect();
        let newest = shelves
            .iter()
            .any(|(_, value)| String::from_utf8_lossy(value).contains(&name));
        assert!(newest, "{name}");
    }
    assert_eq!(shelves.len(), 1, "all on one");
    let kept = String::from_utf8_lossy(&shelves[0].1)
        .matches("change-")
        .count();
    assert_eq!(kept, 3, "the one that is named, and two that are not");
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, hash)
}

#[test]
fn hosts_without_shared_data_count_and_do_not_trap() {
    for profile in [
        Profile::service_extensions(),
        Profile::apisix(),
        Profile::kong(),
    ] {
        let world = World::on(profile, &latency());
        for n in 0..100 {
            answer(&world, n % 2, "u", "500");
        }
    }
}
