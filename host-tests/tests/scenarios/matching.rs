//! Which rollout takes a request: the first that matches, however many there are.

use breakglass_host_tests::Last;
use serde_json::{Value, json};

use crate::world::{Seeded, World, policy, rollout, stamped, with};

fn named(name: &str, matches: Value) -> Value {
    let control = json!({"generation": 1, "ramp": {"percent": 100}});
    with(rollout(control), json!({"name": name, "match": matches}))
}

fn taken_by(world: &World, host: &str, path: &str, agent: Option<&str>) -> Option<String> {
    let mut headers = vec![
        (":method", "GET"),
        (":path", path),
        (":authority", host),
        ("x-user-id", "u"),
    ];
    headers.extend(agent.map(|agent| ("x-agent", agent)));
    stamped(&world.send(0, headers, Last), "rollout")
}

#[test]
fn hosts_prefixes_and_headers_match_as_documented() {
    let world = World::new(&policy([
        named(
            "all-three",
            json!({"host": "api.example.com", "path_prefix": "/v1/agents/", "headers": {"x-agent": "support"}}),
        ),
        named("below", json!({"host": "*.example.com"})),
        named("path", json!({"path_prefix": "/v2"})),
        named("header", json!({"headers": {"x-agent": "sales"}})),
    ]));
    let cases = [
        (
            "api.example.com",
            "/v1/agents",
            Some("support"),
            Some("all-three"),
        ),
        (
            "API.Example.COM:8443",
            "/v1/agents/7?x=1",
            Some("support"),
            Some("all-three"),
        ),
        (
            "api.example.com.",
            "/v1/agents?x",
            Some("support"),
            Some("all-three"),
        ),
        (
            "api.example.com",
            "/v1/agentsx",
            Some("support"),
            Some("below"),
        ),
        (
            "api.example.com",
            "/v1/agents",
            Some("Support"),
            Some("below"),
        ),
        ("a.b.example.com", "/", None, Some("below")),
        ("example.com", "/", None, None),
        ("xexample.com", "/v2", None, Some("path")),
        ("other", "/v2/", None, Some("path")),
        ("other", "/v2x", None, None),
        ("other", "/V2", None, None),
        ("other", "/v1?/v2", Some("sales"), Some("header")),
        ("other", "/v1", Some("sales,support"), None),
        ("", "", None, None),
        ("[::1]:80", "*", None, None),
    ];
    for (host, path, agent, expected) in cases {
        assert_eq!(
            taken_by(&world, host, path, agent).as_deref(),
            expected,
            "{host}{path} {agent:?}"
        );
    }
}

#[test]
fn of_a_thousand_rollouts_the_first_match_wins() {
    let mut seeded = Seeded(11);
    let conditions: Vec<_> = (0..1_000)
        .map(|_| {
            let host = seeded.below(20);
            let path = seeded.below(15);
            let agent = seeded.below(15);
            (
                (host < 16).then(|| format!("h{host}.example.com")),
                (path < 12).then(|| format!("/p{}", path)),
                (agent < 12).then(|| format!("a{agent}")),
            )
        })
        // Those that take everything would hide the rest.
        .filter(|(host, path, agent)| {
            host.is_some() as u8 + path.is_some() as u8 + agent.is_some() as u8 >= 2
        })
        .collect();
    let rollouts = conditions
        .iter()
        .enumerate()
        .map(|(n, (host, path, agent))| {
            let mut matches = json!({});
            if let Some(host) = host {
                matches["host"] = json!(host);
            }
            if let Some(path) = path {
                matches["path_prefix"] = json!(path);
            }
            if let Some(agent) = agent {
                matches["headers"] = json!({"x-agent": agent});
            }
            named(&format!("r{n}"), matches)
        });
    let world = World::new(&policy(rollouts));
    for _ in 0..1_500 {
        let host = format!("h{}.example.com", seeded.below(18));
        let path = format!("/p{}", seeded.below(14));
        let agent = format!("a{}", seeded.below(14));
        let takes =
            |given: &Option<String>, value: &String| given.as_ref().is_none_or(|it| it == value);
        // Tried one by one, as the promise reads.
        let expected = conditions
            .iter()
            .position(|it| takes(&it.0, &host) && takes(&it.1, &path) && takes(&it.2, &agent))
            .map(|n| format!("r{n}"));
        assert_eq!(
            taken_by(&world, &host, &path, Some(&agent)),
            expected,
            "{host}{path} {agent}"
        );
    }
}
