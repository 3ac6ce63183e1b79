//! The operator endpoint: what each call answers.

use breakglass_host_tests::{Last, More};
use serde_json::json;

use crate::world::{
    Answer, JSON_ORDER, MSGPACK_ORDER, ROLLOUT, World, all_canary, kill, policy, rollout, with,
};

#[test]
fn calls_that_are_no_calls_are_told_what_is_expected() {
    let world = World::new(&all_canary());
    let large = vec![b' '; 64 * 1024 + 1];
    let order = Some(JSON_ORDER);
    type Call<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a [u8]>);
    let cases: [(Call<'_>, u32, &str); 22] = [
        (("GET", "/", None, None), 404, "not-found"),
        (("GET", "", None, None), 404, "not-found"),
        (("GET", "/v1/state/", None, None), 404, "not-found"),
        (("GET", "/v2/state", None, None), 404, "not-found"),
        (("GET", "/v1/receipts", None, None), 404, "not-found"),
        (("GET", "/v1/receipts/", None, None), 400, "malformed"),
        (("GET", "/v1/receipts/-1", None, None), 400, "malformed"),
        (
            ("GET", "/v1/receipts/\u{663}", None, None),
            400,
            "malformed",
        ),
        (
            ("GET", "/v1/receipts/9007199254740992", None, None),
            400,
            "malformed",
        ),
        (
            ("GET", "/v1/receipts/2", None, None),
            404,
            "unknown-generation",
        ),
        (
            ("POST", "/v1/state", None, Some(b"{}")),
            405,
            "wrong-method",
        ),
        (
            ("HEADER", "/v1/receipts/1", None, None),
            405,
            "wrong-method",
        ),
        (("GET", "/v1/orders", None, None), 405, "wrong-method"),
        (("DELETE", "/v1/orders", order, None), 405, "wrong-method"),
        (
            ("POST", "/v1/orders", None, Some(b"{}")),
            415,
            "content-type",
        ),
        (
            ("POST", "/v1/orders", Some("application/json"), Some(b"{}")),
            415,
            "content-type",
        ),
        (
            (
                "POST",
                "/v1/orders",
                Some("application/vnd.dsse.envelope.v1+json"),
                Some(b"{}"),
            ),
            400,
            "malformed",
        ),
        (("POST", "/v1/orders", order, None), 400, "malformed"),
        (("POST", "/v1/orders", order, Some(b"")), 400, "malformed"),
        (("POST", "/v1/orders", order, Some(b"{}")), 400, "malformed"),
        (
            ("POST", "/v1/orders", order, Some(&large)),
            413,
            "order-too-large",
        ),
        (
            (
                "POST",
                "/v1/orders",
                Some(MSGPACK_ORDER),
                Some(b"{\"rollout\": 1}"),
            ),
            400,
            "malformed",
        ),
    ];
    let before = world.control();
    for ((method, path, kind, body), status, problem) in cases {
        let stream = world.call(0, method, path, kind, body);
        let told = format!("{method} {path} {kind:?}");
        let answer = Answer::of(&stream);
        assert_eq!(answer.status, status, "{told}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json", "{told}");
        assert_eq!(
            answer.body["type"],
            format!("urn:breakglass:{problem}"),
            "{told}"
        );
        assert_eq!(answer.body["status"], status, "{told}");
        assert!(
            answer.body["detail"]
                .as_str()
                .is_some_and(|it| !it.is_empty()),
            "{told}"
        );
        if status == 405 {
            let allow = if path == "/v1/orders" { "POST" } else { "GET" };
            assert_eq!(
                answer.headers.text("allow").as_deref(),
                Some(allow),
                "{told}"
            );
        }
        assert_eq!(stream.upstream(), None, "{told}: went on to an upstream");
    }
    assert_eq!(world.control(), before);
}

#[test]
fn state_tells_controls_tallies_workers_and_build() {
    let control =
        json!({"generation": 4, "ramp": {"percent": 100}, "not_after": "2026-11-23T22:00:00Z"});
    let pins = json!({"pins": {"stable": ["vip"]}});
    let world = World::new(&policy([with(rollout(control), pins)]));
    for (unit, status) in [("u", "200"), ("u", "500"), ("vip", "204"), ("", "404")] {
        world.get(1, unit).response([(":status", status)], Last);
    }
    world.tick();
    let answer = Answer::of(&world.call(1, "GET", "/v1/state?pretty=1", None, None));
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "application/json")
    );
    assert_eq!(
        answer.headers.text("cache-control").as_deref(),
        Some("no-store")
    );
    let state = answer.body;
    assert_eq!(state["policy"], "support");
    assert_eq!(state["epoch"], 1);
    assert!(
        state["digest"]
            .as_str()
            .is_some_and(|it| it.starts_with("sha256:") && it.len() == 71)
    );
    assert!(state["filter"]["version"].is_string() && state["filter"]["commit"].is_string());
    assert_eq!(state["boot"].as_str().map(str::len), Some(16));
    assert_eq!(state["at"], "2026-11-23T20:00:00.050Z");
    let ours = &state["rollouts"][0];
    assert_eq!(ours["name"], ROLLOUT);
    assert_eq!(ours["control"]["generation"], 4);
    assert_eq!(ours["control"]["not_after"], "2026-11-23T22:00:00Z");
    assert_eq!(ours["percent"], 100);
    let arm = |name: &str| {
        json!([
            ours["arms"][name]["requests"],
            ours["arms"][name]["responses"]
        ])
    };
    assert_eq!(arm("canary"), json!([2, {"2xx": 1, "5xx": 1}]));
    assert_eq!(arm("stable"), json!([2, {"2xx": 1, "4xx": 1}]));
    assert_eq!(
        (&ours["keyless"], &ours["killed_streams"], &ours["blocked"]),
        (&json!(1), &json!(0), &json!(0))
    );
    let workers = state["workers"].as_array().expect("a list");
    assert_eq!(workers.len(), 3, "two workers and main");
    assert!(workers.iter().all(|worker| worker["epoch"] == 1));
}

#[test]
fn receipts_name_each_worker_and_since_when() {
    let world = World::new(&all_canary());
    world.advance(std::time::Duration::from_secs(3));
    let order = world.order(&kill(5, "rollback", "drain"));
    let at = order.body["at"].as_str().expect("a time").to_owned();
    for generation in [2, 5] {
        let answer = world.read(&format!("/v1/receipts/{generation}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let ours = &answer.body["rollouts"][0];
        assert_eq!(
            (&ours["rollout"], &ours["generation"]),
            (&json!(ROLLOUT), &json!(5))
        );
        let receipts = ours["workers"]["receipts"].as_array().expect("a list");
        assert_eq!(receipts.len(), 3);
        assert!(
            receipts
                .iter()
                .all(|receipt| receipt["since"].as_str() >= Some(&at)),
            "{receipts:?}"
        );
    }
    assert_eq!(world.read("/v1/receipts/6").status, 404);
}

#[test]
fn a_body_in_pieces_with_an_empty_end_or_with_garbage_is_one_order() {
    let world = World::new(&all_canary());
    let body = kill(2, "rollback", "drain").to_string();
    for cut in 0..=body.len() {
        let mut stream = world.proxy.worker(cut % 2).open(&world.operator);
        let headers = [
            (":method", "POST"),
            (":path", "/v1/orders"),
            ("content-type", JSON_ORDER),
        ];
        stream.request(headers, More);
        stream.request_body(&body[..cut], More);
        assert!(!stream.is_over(), "answered half an order");
        stream.request_body(&body[cut..], if cut % 3 == 0 { More } else { Last });
        if cut % 3 == 0 {
            stream.request_body("", Last);
        }
        let answer = world.wait(&stream);
        assert_eq!(answer.status, 200, "split at {cut}: {answer:?}");
    }
}

#[test]
fn an_order_with_trailers_is_refused_and_not_carried_out() {
    let world = World::new(&all_canary());
    let mut stream = world.proxy.worker(0).open(&world.operator);
    stream.request(
        [
            (":method", "POST"),
            (":path", "/v1/orders"),
            ("content-type", JSON_ORDER),
        ],
        More,
    );
    stream.request_body(kill(2, "block", "cut").to_string(), More);
    stream.request_trailers([("x", "y")]);
    assert_eq!(Answer::of(&stream).status, 400);
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
}

#[test]
fn a_large_order_is_refused_before_its_end() {
    let world = World::new(&all_canary());
    let mut stream = world.proxy.worker(0).open(&world.operator);
    stream.request(
        [
            (":method", "POST"),
            (":path", "/v1/orders"),
            ("content-type", JSON_ORDER),
        ],
        More,
    );
    for _ in 0..65 {
        stream.request_body(vec![b' '; 1024], More);
    }
    assert_eq!(Answer::of(&stream).status, 413);
    assert_eq!(
        stream.request_body(kill(2, "block", "cut").to_string(), Last),
        b""
    );
    assert_eq!(world.control()["generation"], 1);
}

#[test]
fn too_many_waiting_calls_get_429_and_their_orders_hold() {
    let world = World::with_workers(1, &all_canary());
    let calls: Vec<_> = (2..=66)
        .map(|generation| world.post(0, &kill(generation, "rollback", "drain")))
        .collect();
    let (waiting, refused): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| !call.is_over());
    assert_eq!((waiting.len(), refused.len()), (64, 1));
    let answer = Answer::of(&refused[0]);
    assert_eq!(
        (answer.status, answer.body["type"].as_str()),
        (429, Some("urn:breakglass:busy"))
    );
    assert_eq!(answer.headers.text("retry-after").as_deref(), Some("1"));
    assert_eq!(
        world.control()["generation"],
        66,
        "carried out all the same"
    );
    world.tick();
    assert!(waiting.iter().all(|call| Answer::of(call).status == 200));
}

#[test]
fn a_caller_without_body_callbacks_still_gets_its_reads() {
    // Istio and Envoy Gateway cannot let bodies pass headers that are held.
    let world = World::new(&all_canary());
    let plugin = world
        .proxy
        .plugin("bare")
        .vm_id("breakglass")
        .configure(r#"{"policy": "support", "role": "operator"}"#);
    let plugin = plugin.expect("it is taken");
    let mut stream = world.worker(0).open(&plugin);
    stream.request([(":method", "GET"), (":path", "/v1/state")], Last);
    assert_eq!(Answer::of(&stream).status, 200);
}

#[test]
fn odd_headers_of_a_call_do_no_harm() {
    let world = World::new(&all_canary());
    let odd: [&[(&str, &[u8])]; 5] = [
        &[],
        &[(":method", b"\xff"), (":path", b"\xff\xfe")],
        &[(":method", b"GET"), (":path", b"/v1/receipts/\xff")],
        &[
            (":method", b"POST"),
            (":path", b"/v1/orders"),
            ("content-type", b"\xff\xff"),
        ],
        &[(":path", b"/v1/state?\xff#"), (":path", b"/v1/orders")],
    ];
    for headers in odd {
        let mut stream = world.proxy.worker(0).open(&world.operator);
        stream.request(headers.iter().copied(), Last);
        assert!(
            [400, 404, 405, 415].contains(&Answer::of(&stream).status),
            "{headers:?}"
        );
    }
}

#[test]
fn a_new_configuration_of_the_endpoint_leaves_no_order_unanswered() {
    let world = World::new(&all_canary());
    let call = world.post(0, &kill(2, "rollback", "drain"));
    let newer = json!({"policy": "support", "role": "operator", "rollouts": []});
    world
        .operator
        .update(newer.to_string())
        .expect("it is taken");
    assert_eq!(world.wait(&call).status, 200);
}

#[test]
fn a_caller_that_hangs_up_in_the_middle_orders_nothing() {
    let world = World::new(&all_canary());
    let mut stream = world.proxy.worker(0).open(&world.operator);
    stream.request(
        [
            (":method", "POST"),
            (":path", "/v1/orders"),
            ("content-type", JSON_ORDER),
        ],
        More,
    );
    stream.request_body(kill(2, "block", "cut").to_string(), More);
    stream.client_reset();
    world.tick();
    assert_eq!(world.control()["generation"], 1);
    assert_eq!(world.worker(0).vms()[0].streams, 0);
}
