//! The kill-switch and requests under way: how fast, how far, and whom it leaves alone.

use breakglass_host_tests::{Last, More, Stream};
use serde_json::json;

use crate::world::{
    Answer, TICK, World, all_canary, beside_another, controlled, kill, of_unit, policy, rollout,
    stamped, with,
};

fn assert_withdrawn(stream: &Stream, told: &str) {
    let answer = Answer::of(stream);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (503, "application/problem+json"),
        "{told}"
    );
    assert_eq!(
        answer.headers.text("retry-after").as_deref(),
        Some("0"),
        "{told}"
    );
    assert_eq!(answer.body["type"], "urn:breakglass:killed", "{told}");
}

#[test]
fn an_order_holds_in_the_next_callback_on_every_worker_without_a_tick() {
    let world = World::with_workers(4, &all_canary());
    let mut open: Vec<_> = (0..4).map(|worker| world.events(worker, "u")).collect();
    let call = world.post(0, &kill(2, "rollback", "cut"));
    for (worker, stream) in open.iter_mut().enumerate() {
        stream.response_body("data: x\n\n", More);
        assert!(
            stream.client().text().starts_with("event: error"),
            "open on worker {worker}"
        );
        assert_eq!(
            world.arm(worker, "u").as_deref(),
            Some("stable"),
            "worker {worker}"
        );
    }
    assert!(!call.is_over(), "nobody has acknowledged yet");
}

#[test]
fn after_the_answer_no_worker_sends_anybody_to_the_canary() {
    let world = World::with_workers(4, &all_canary());
    assert_eq!(world.order(&kill(2, "rollback", "drain")).status, 200);
    let canary = world.requests("canary");
    for n in 0..200 {
        assert_eq!(
            world.arm(n % 4, &format!("u{n}")).as_deref(),
            Some("stable")
        );
    }
    assert_eq!(world.requests("canary"), canary);
}

#[test]
fn an_order_is_answered_when_every_worker_has_acknowledged() {
    let world = World::with_workers(3, &all_canary());
    let before = world.proxy.now();
    let call = world.post(1, &kill(2, "rollback", "drain"));
    assert!(!call.is_over());
    let answer = world.wait(&call);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["generation"], 2);
    let workers = &answer.body["workers"];
    assert_eq!(
        (&workers["total"], &workers["in_force"]),
        (&json!(4), &json!(4)),
        "three and main"
    );
    assert_eq!(workers["stragglers"], json!([]));
    assert_eq!(workers["receipts"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        world.proxy.now().duration_since(before).ok(),
        Some(2 * TICK),
        "an order waits for no more than two ticks"
    );
    let receipts = world.read("/v1/receipts/2").body;
    assert_eq!(receipts["rollouts"][0]["workers"]["in_force"], 4);
}

#[test]
fn a_worker_that_hangs_is_named_after_the_deadline_and_no_longer_counted_when_it_is_dead() {
    let world = World::with_workers(2, &all_canary());
    let known = world.read("/v1/state").body["workers"].to_string();
    world.worker(1).crash();
    let call = world.post(0, &kill(2, "rollback", "drain"));
    for _ in 0..38 {
        world.tick();
    }
    assert!(
        !call.is_over(),
        "answered before the deadline without everybody"
    );
    let answer = world.wait(&call);
    assert_eq!(answer.status, 200);
    let workers = &answer.body["workers"];
    assert_eq!(
        (&workers["total"], &workers["in_force"]),
        (&json!(3), &json!(2))
    );
    let straggler = workers["stragglers"][0].as_str().expect("it is named");
    assert!(known.contains(straggler), "{straggler} in {known}");
    world.advance(std::time::Duration::from_secs(6));
    let answer = world.order(&kill(3, "rollback", "cut"));
    assert_eq!(answer.body["workers"]["total"], 2, "{:?}", answer.body);
    assert_eq!(answer.body["workers"]["stragglers"], json!([]));
}

#[test]
fn a_reloaded_worker_finds_the_kill() {
    let world = World::with_workers(2, &all_canary());
    world.order(&kill(2, "rollback", "cut"));
    world.worker(1).crash();
    world.advance(std::time::Duration::from_secs(2));
    assert_eq!(
        world.arm(1, "u").as_deref(),
        Some("stable"),
        "in its first request"
    );
    assert!(!world.worker(1).vms().iter().all(|vm| vm.failed));
}

#[test]
fn an_order_counts_although_its_caller_hangs_up() {
    let world = World::new(&all_canary());
    drop(world.post(0, &kill(2, "rollback", "drain")));
    for _ in 0..60 {
        world.tick();
    }
    assert_eq!(world.arm(1, "u").as_deref(), Some("stable"));
    assert_eq!(world.worker(0).vms()[0].streams, 0);
}

#[test]
fn a_waiting_request_gets_503_on_the_tick() {
    let world = World::new(&all_canary());
    let waiting = world.get(0, "u");
    let mut uploading = world.send(1, of_unit("u"), More);
    uploading.request_body("half", More);
    drop(world.post(0, &kill(2, "rollback", "cut")));
    world.tick();
    assert_withdrawn(&waiting, "waiting");
    assert_withdrawn(&uploading, "uploading");
    assert_eq!(uploading.request_body("late", Last), b"");
    assert_eq!(world.killed_streams(), 2);
    for class in ["2xx", "5xx"] {
        let labels = format!(";arm=canary;class={class}");
        assert_eq!(
            world.count("responses_total", &labels),
            0,
            "its own answer is no response"
        );
    }
}

#[test]
fn a_waiting_request_gets_503_when_the_answer_arrives_first() {
    let world = World::new(&all_canary());
    let mut stream = world.get(0, "u");
    drop(world.post(1, &kill(2, "rollback", "cut")));
    stream.response([(":status", "200"), ("x-secret", "of the canary")], More);
    stream.response_body("of the canary", Last);
    assert_withdrawn(&stream, "answered");
    let client = stream.client();
    assert!(!client.headers.has("x-secret") && !client.text().contains("of the canary"));
    world.tick();
    assert_eq!(world.killed_streams(), 1, "counted once");
    assert_eq!(world.count("responses_total", ";arm=canary;class=2xx"), 0);
}

#[test]
fn a_request_whose_body_is_being_edited_gets_503() {
    let edit = json!({"arms": {"canary": {"json": {"/v": 1}}}});
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let world = World::new(&policy([with(rollout(control), edit)]));
    let mut stream = world.send(
        0,
        of_unit("u")
            .into_iter()
            .chain([("content-type", "application/json")]),
        More,
    );
    stream.request_body("{", More);
    drop(world.post(1, &kill(2, "rollback", "cut")));
    world.tick();
    assert_withdrawn(&stream, "held");
    assert_eq!(
        stream.request_body("}", Last),
        b"",
        "the canary gets nothing more"
    );
}

#[test]
fn draining_lets_open_answers_and_waiting_requests_finish() {
    let world = World::new(&all_canary());
    let mut open = world.events(0, "u");
    let mut waiting = world.get(1, "u");
    assert_eq!(world.order(&kill(2, "rollback", "drain")).status, 200);
    world.tick();
    open.response_body("data: x\n\n", Last);
    waiting.response([(":status", "200")], Last);
    assert_eq!(open.finish().client.text(), "data: x\n\n");
    assert_eq!(waiting.finish().client.status(), 200);
    assert_eq!(world.killed_streams(), 0);
}

#[test]
fn a_drain_that_becomes_a_cut_reaches_who_was_draining() {
    let world = World::new(&all_canary());
    let mut open = world.events(0, "u");
    world.order(&kill(2, "rollback", "drain"));
    open.response_body("data: x\n\n", More);
    world.order(&kill(3, "rollback", "cut"));
    open.response_body("data: y\n\n", More);
    assert!(open.client().text().starts_with("data: x\n\nevent: error"));
}

#[test]
fn a_rollback_leaves_stable_alone() {
    let pins = json!({"pins": {"stable": ["vip"]}});
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let world = World::new(&policy([with(rollout(control), pins)]));
    let mut events = world.events(0, "vip");
    let mut plain = world.get(1, "vip");
    plain.response([(":status", "200")], More);
    let waiting = world.get(0, "vip");
    world.order(&kill(2, "rollback", "cut"));
    world.tick();
    assert_eq!(events.response_body("data: x\n\n", Last), b"data: x\n\n");
    assert_eq!(plain.response_body("x", Last), b"x");
    assert!(!waiting.is_over());
    assert_eq!(world.killed_streams(), 0);
}

#[test]
fn a_block_answers_nobody_and_cuts_both_arms() {
    let more = json!({"pins": {"stable": ["vip"]}, "match": {"path_prefix": "/v1"}});
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    let world = World::new(&policy([with(rollout(control), more)]));
    let mut events = world.events(0, "vip");
    let waiting = world.get(1, "u");
    world.order(&kill(2, "block", "cut"));
    events.response_body("data: x\n\n", More);
    assert!(events.client().text().starts_with("event: error"));
    assert_withdrawn(&waiting, "canary");
    for (worker, unit) in [(0, "u"), (1, "vip"), (0, "")] {
        let stream = world.get(worker, unit);
        assert_eq!(stream.upstream(), None, "{unit:?}");
        let answer = Answer::of(&stream);
        assert_eq!(answer.status, 503, "{unit:?}");
        assert_eq!(answer.body["type"], "urn:breakglass:blocked", "{unit:?}");
    }
    let other = world.send(0, [(":path", "/other")], Last);
    assert!(other.upstream().is_some(), "other agents answer");
    assert_eq!(stamped(&other, "arm"), None);
}

#[test]
fn a_kill_by_policy_push_reaches_open_streams_on_the_old_configuration() {
    for staged in [false, true] {
        let world = World::new(&all_canary());
        let mut open = world.events(1, "u");
        let waiting = world.get(1, "u");
        let killed = controlled(json!({"generation": 2, "ramp": {"percent": 100},
            "kill": {"mode": "rollback", "in_flight": "cut"}}));
        let mut update = world
            .traffic
            .stage(killed.to_string())
            .expect("it is taken");
        if !staged {
            update.switch(1);
        }
        // The tick that publishes the push may be the last one of this round.
        world.tick();
        world.tick();
        open.response_body("data: x\n\n", More);
        assert!(
            open.client().text().starts_with("event: error"),
            "staged: {staged}"
        );
        assert_withdrawn(&waiting, "waiting");
        assert_eq!(
            world.arm(1, "u").as_deref(),
            Some("stable"),
            "staged: {staged}"
        );
    }
}

#[test]
fn a_stream_that_ends_before_the_tick_is_left_alone() {
    let world = World::new(&all_canary());
    let mut answered = world.get(0, "u");
    answered.response([(":status", "200")], Last);
    let gone = world.get(0, "u");
    drop(gone);
    drop(world.post(0, &kill(2, "rollback", "cut")));
    for _ in 0..5 {
        world.tick();
    }
    assert_eq!(answered.finish().client.status(), 200);
    assert_eq!(world.killed_streams(), 0);
}

#[test]
fn a_kill_of_one_rollout_leaves_the_others_alone() {
    let world = World::new(&beside_another());
    let mut open = world.events(0, "u");
    let waiting = world.get(1, "u");
    for (mode, generation) in [("rollback", 2), ("block", 3)] {
        assert_eq!(world.order(&kill(generation, mode, "cut")).status, 200);
        world.tick();
        assert_eq!(
            open.response_body("data: x\n\n", More),
            b"data: x\n\n",
            "{mode}"
        );
        assert!(!waiting.is_over(), "{mode}");
        let stream = world.get(0, "u");
        assert_eq!(
            stamped(&stream, "rollout").as_deref(),
            Some("other"),
            "{mode}"
        );
        assert_eq!(stamped(&stream, "arm").as_deref(), Some("canary"), "{mode}");
    }
}
