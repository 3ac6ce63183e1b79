//! Nobody chooses an arm from outside: the client's copies of the filter's headers go, always.

use breakglass_host_tests::{Headers, Last};
use serde_json::json;

use crate::world::{World, policy, rollout, stamped, with};

const FORGED: [(&str, &str); 11] = [
    ("x-breakglass-arm", "canary"),
    ("X-Breakglass-Arm", "canary"),
    ("x-breakglass-arm", ""),
    ("x-breakglass-cluster", "agent-v42"),
    ("x-breakglass-version", "9"),
    ("x-breakglass-generation", "99"),
    ("x-breakglass-rollout", "mine"),
    ("x-breakglass-", "short"),
    ("x-breakglass-future", "1"),
    ("x-prompt-version", "42"),
    ("X-PROMPT-VERSION", "43"),
];

fn world() -> World {
    let arms = json!({
        "match": {"path_prefix": "/agents"},
        "arms": {
            "stable": {"request_headers": {"x-prompt-version": "41"}},
            // Only the canary sets this one; on stable a client's copy must not get through either.
            "canary": {"request_headers": {"x-prompt-version": "42", "x-debug": "on"}}
        }
    });
    let control = json!({"generation": 7, "ramp": {"percent": 0}});
    let pins = json!({"pins": {"canary": ["qa"]}});
    World::new(&policy([with(with(rollout(control), arms), pins)]))
}

fn send(world: &World, path: &str, unit: &str) -> Headers {
    let own = [
        (":method", "GET"),
        (":path", path),
        (":authority", "a"),
        ("x-user-id", unit),
        ("x-debug", "on"),
        ("x-keep", "1"),
        ("x-breakglas-arm", "not ours"),
        ("x-keep", "2"),
    ];
    let stream = world.send(0, own.into_iter().chain(FORGED), Last);
    stream.upstream().expect("routed").headers
}

fn sent(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().copied().collect()
}

#[test]
fn forged_headers_are_replaced_by_exactly_one_true_copy() {
    let world = world();
    let stable = sent(&[
        (":method", "GET"),
        (":path", "/agents/1"),
        (":authority", "a"),
        ("x-user-id", "u"),
        ("x-keep", "1"),
        ("x-breakglas-arm", "not ours"),
        ("x-keep", "2"),
        ("x-breakglass-rollout", "support-agent"),
        ("x-breakglass-arm", "stable"),
        ("x-breakglass-version", "prompt-v41"),
        ("x-breakglass-cluster", "agent-v41"),
        ("x-prompt-version", "41"),
        ("x-breakglass-generation", "7"),
    ]);
    assert_eq!(send(&world, "/agents/1", "u"), stable);
    let canary = send(&world, "/agents/1", "qa");
    assert_eq!(canary.all("x-debug").collect::<Vec<_>>(), [b"on"]);
    assert_eq!(canary.all("x-prompt-version").collect::<Vec<_>>(), [b"42"]);
    assert_eq!(
        canary.all("x-breakglass-arm").collect::<Vec<_>>(),
        [b"canary"]
    );
}

#[test]
fn forged_headers_go_from_unmatched_requests_too_and_nothing_is_counted() {
    let world = world();
    let expected = sent(&[
        (":method", "GET"),
        (":path", "/other"),
        (":authority", "a"),
        ("x-user-id", "u"),
        ("x-keep", "1"),
        ("x-breakglas-arm", "not ours"),
        ("x-keep", "2"),
    ]);
    let before = world.metrics();
    assert_eq!(send(&world, "/other", "u"), expected);
    assert_eq!(world.metrics(), before);
}

#[test]
fn an_arm_without_a_cluster_leaves_no_clients_cluster() {
    let mut bare = rollout(json!({"generation": 1}));
    bare["arms"] = json!({"stable": {"version": "1"}, "canary": {"version": "2"}});
    let world = World::new(&policy([bare]));
    let stream = world.send(0, [(":path", "/"), ("x-breakglass-cluster", "evil")], Last);
    assert_eq!(stamped(&stream, "cluster"), None);
    assert_eq!(stamped(&stream, "arm").as_deref(), Some("stable"));
}

#[test]
fn the_client_sees_the_version_only_where_the_policy_says_so() {
    for expose in [true, false] {
        let rollout = with(rollout(json!({"generation": 1})), json!({"expose": expose}));
        let world = World::new(&policy([rollout]));
        let mut stream = world.get(0, "u");
        let head = [
            (":status", "200"),
            ("x-breakglass-version", "forged by the upstream"),
        ];
        stream.response(head.into_iter().take(if expose { 2 } else { 1 }), Last);
        let client = stream.client().headers;
        let seen: Vec<_> = client.all("x-breakglass-version").collect();
        let expected: &[&[u8]] = if expose { &[b"prompt-v41"] } else { &[] };
        assert_eq!(seen, expected, "expose: {expose}");
    }
}

#[test]
fn the_filter_never_clears_the_route_cache() {
    let world = world();
    let stream = world.send(0, FORGED, Last);
    assert_eq!(stream.effects().route_cache_clears, 0);
}
