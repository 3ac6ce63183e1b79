use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{policy_of, rollout_json};
use crate::policy::{Match, Rollout};

/// The headers of a request, collected as the filter does.
struct Asked(Vec<Option<Vec<u8>>>);

impl Asked {
    fn new(router: &Router, headers: &[(&str, &[u8])]) -> Self {
        let mut values = vec![None; router.headers()];
        for (name, value) in headers {
            if let Some(id) = router.header_id(name.as_bytes()) {
                values[id.index()] = Some(value.to_vec());
            }
        }
        Self(values)
    }
}

impl Headers for Asked {
    fn get(&self, id: HeaderId) -> Option<&[u8]> {
        self.0.get(id.index())?.as_deref()
    }
}

/// The match of a rollout as JSON, from its parts.
#[derive(Clone, Debug)]
struct Conditions {
    host: Option<&'static str>,
    path_prefix: Option<&'static str>,
    headers: std::collections::BTreeMap<&'static str, &'static str>,
}

#[derive(Clone, Debug)]
struct Request {
    authority: Option<String>,
    path: Option<String>,
    headers: std::collections::BTreeMap<&'static str, &'static str>,
}

const HEADERS: &[&str] = &["x-a", "x-b", "x-c"];
const VALUES: &[&str] = &["1", "2"];

fn conditions() -> impl Strategy<Value = Conditions> {
    let hosts = [
        "example.com",
        "API.example.com",
        "a.api.example.com.",
        "*.example.com",
        "*.com",
        "*.api.example.com",
        "com",
        "[::1]",
        "10.0.0.1",
        "xexample.com",
    ];
    let prefixes = [
        "/", "/v1", "/v1/", "/v1/a", "/v1/a/b", "/v1/ab", "/V1", "/v1//",
    ];
    let headers = btree_map(
        prop::sample::select(HEADERS),
        prop::sample::select(VALUES),
        0..3,
    );
    (
        option::of(prop::sample::select(hosts.to_vec())),
        option::of(prop::sample::select(prefixes.to_vec())),
        headers,
    )
        .prop_map(|(host, path_prefix, headers)| Conditions {
            host,
            path_prefix,
            headers,
        })
}

fn request() -> impl Strategy<Value = Request> {
    let hosts = [
        "example.com",
        "api.example.com",
        "API.Example.COM",
        "a.api.example.com",
        "b.a.api.example.com",
        "com",
        "[::1]",
        "::1",
        "10.0.0.1",
        "xexample.com",
        ".example.com",
        "",
        "other.org",
    ];
    let suffixes = ["", ".", ":443", ".:443", ":"];
    let authority = (
        prop::sample::select(hosts.to_vec()),
        prop::sample::select(suffixes.to_vec()),
    )
        .prop_map(|(host, suffix)| format!("{host}{suffix}"));
    let paths = [
        "",
        "/",
        "*",
        "/v1",
        "/v1/",
        "/v1/a",
        "/v1/a/",
        "/v1/ab",
        "/v1/a/b/c",
        "/v1//a",
        "/V1/a",
        "/v11",
        "/v2",
        "v1",
    ];
    let queries = ["", "?x=/v1/a", "#f", "?", "?a#b"];
    let path = (
        prop::sample::select(paths.to_vec()),
        prop::sample::select(queries.to_vec()),
    )
        .prop_map(|(path, query)| format!("{path}{query}"));
    let headers = btree_map(
        prop::sample::select(HEADERS),
        prop::sample::select(VALUES),
        0..4,
    );
    (
        option::weighted(0.9, authority),
        option::weighted(0.9, path),
        headers,
    )
        .prop_map(|(authority, path, headers)| Request {
            authority,
            path,
            headers,
        })
}

fn rollout(number: usize, conditions: &Conditions) -> String {
    let fields = serde_json::json!({"host": conditions.host, "path_prefix": conditions.path_prefix, "headers": conditions.headers});
    rollout_json(&format!("r{number}"), &format!(r#""match": {fields}"#))
}

/// The rule as one would tell it, with none of the index.
fn takes(matches: &Match, request: &Request) -> bool {
    let authority = request.authority.clone().unwrap_or_default().to_lowercase();
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (host.ends_with(']') || !host.contains(':')) => host,
        _ => &authority,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let path = request.path.clone().unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let host_fits =
        matches
            .host
            .as_ref()
            .is_none_or(|pattern| match pattern.as_str().strip_prefix('*') {
                Some(below) => host.ends_with(below),
                None => host == pattern.as_str(),
            });
    let path_fits = matches.path_prefix.as_ref().is_none_or(|prefix| {
        let prefix = prefix.as_str();
        prefix.is_empty() || path == prefix || path.starts_with(&format!("{prefix}/"))
    });
    let mut headers = matches.headers.iter();
    host_fits
        && path_fits
        && headers.all(|(name, value)| request.headers.get(name.as_str()) == Some(&value.as_str()))
}

impl Request {
    fn headers(&self) -> Vec<(&str, &[u8])> {
        let authority = self
            .authority
            .iter()
            .map(|text| (":authority", text.as_bytes()));
        let path = self.path.iter().map(|text| (":path", text.as_bytes()));
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        authority.chain(path).chain(headers).collect()
    }
}

proptest! {
    #[test]
    fn finds_the_first_rollout_that_takes_the_request(
        conditions in vec(conditions(), 0..24),
        requests in vec(request(), 1..12),
    ) {
        let rollouts: Vec<_> = conditions.iter().enumerate().map(|(n, conditions)| rollout(n, conditions)).collect();
        let policy = policy_of(&rollouts.join(","));
        let router = Router::new(&policy);
        for request in requests {
            let found = router.find(&Asked::new(&router, &request.headers()));
            let expected = policy.rollouts.iter().position(|rollout: &Rollout| takes(&rollout.matches, &request));
            prop_assert_eq!(found.map(RolloutId::index), expected, "{:?}", request);
        }
    }

    #[test]
    fn arbitrary_requests_never_panic(
        conditions in vec(conditions(), 0..6),
        authority: Vec<u8>, path: Vec<u8>, cookie: Vec<u8>, token: Vec<u8>,
    ) {
        let units = r#""unit": [{"cookie": "a"}, {"jwt_claim": "sub"}, {"random_cookie": {"name": "b", "max_age": "1d"}}]"#;
        let mut rollouts: Vec<_> = conditions.iter().enumerate().map(|(n, conditions)| rollout(n, conditions)).collect();
        rollouts.push(rollout_json("last", units));
        let router = Router::new(&policy_of(&rollouts.join(",")));
        let token = [b"Bearer ", token.as_slice()].concat();
        let headers: [(&str, &[u8]); 4] = [(":authority", &authority), (":path", &path), ("cookie", &cookie), ("authorization", &token)];
        let asked = Asked::new(&router, &headers);
        let found = router.find(&asked).expect("the last rollout takes everything");
        let _ = router.unit(found, &asked);
    }
}

#[test]
fn hosts_match_in_any_case_with_any_port() {
    for (pattern, authority, matched) in [
        ("api.example.com", "api.example.com", true),
        ("API.Example.Com", "api.example.com", true),
        ("api.example.com", "API.EXAMPLE.COM:8443", true),
        ("api.example.com", "api.example.com.", true),
        ("api.example.com.", "api.example.com", true),
        ("api.example.com", "xapi.example.com", false),
        ("api.example.com", "api.example.com.evil.org", false),
        ("*.example.com", "api.example.com", true),
        ("*.example.com", "a.b.example.com:80", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "notexample.com", false),
        ("*.example.com.", "api.example.com.", true),
        ("[2001:DB8::1]", "[2001:db8::1]:443", true),
        ("[::1]", "[::1]", true),
        ("[::1]", "[::2]", false),
        ("10.0.0.1", "10.0.0.1:80", true),
    ] {
        let rollout = rollout_json("r", &format!(r#""match": {{"host": "{pattern}"}}"#));
        let router = Router::new(&policy_of(&rollout));
        let asked = Asked::new(&router, &[(":authority", authority.as_bytes())]);
        assert_eq!(
            router.find(&asked).is_some(),
            matched,
            "{pattern} for {authority}"
        );
    }
}

#[test]
fn prefixes_match_whole_segments() {
    for (prefix, path, matched) in [
        ("/v1/agents", "/v1/agents", true),
        ("/v1/agents", "/v1/agents/", true),
        ("/v1/agents", "/v1/agents/support?x=1", true),
        ("/v1/agents", "/v1/agents?x=1", true),
        ("/v1/agents/", "/v1/agents", true),
        ("/v1/agents", "/v1/agents-old", false),
        ("/v1/agents", "/v1/Agents", false),
        ("/v1/agents", "/v1", false),
        ("/v1/agents", "/x?/v1/agents", false),
        ("/", "/anything", true),
        ("/", "*", true),
    ] {
        let rollout = rollout_json("r", &format!(r#""match": {{"path_prefix": "{prefix}"}}"#));
        let router = Router::new(&policy_of(&rollout));
        let asked = Asked::new(&router, &[(":path", path.as_bytes())]);
        assert_eq!(
            router.find(&asked).is_some(),
            matched,
            "{prefix} for {path}"
        );
    }
}

#[test]
fn a_rollout_without_match_takes_every_request() {
    let router = Router::new(&policy_of(&rollout_json("r", "")));
    for path in ["/", "", "*", "example.com:443", "\u{ff}"] {
        let asked = Asked::new(&router, &[(":path", path.as_bytes())]);
        assert!(router.find(&asked).is_some(), "{path}");
    }
    assert!(router.find(&Asked::new(&router, &[])).is_some());
}

#[test]
fn headers_match_their_whole_value() {
    let rollout = rollout_json(
        "r",
        r#""match": {"headers": {"X-Agent": "support", "x-tier": "a"}}"#,
    );
    let router = Router::new(&policy_of(&rollout));
    for (agent, tier, matched) in [
        ("support", "a", true),
        ("Support", "a", false),
        ("support,support", "a", false),
        ("support", "b", false),
        ("", "a", false),
    ] {
        let asked = Asked::new(
            &router,
            &[("x-agent", agent.as_bytes()), ("x-tier", tier.as_bytes())],
        );
        assert_eq!(router.find(&asked).is_some(), matched, "{agent} {tier}");
    }
}

#[test]
fn asks_only_for_the_headers_that_the_policy_names() {
    let rollout = rollout_json(
        "r",
        r#""match": {"headers": {"x-agent": "a"}}, "unit": [{"header": "x-user"}, {"cookie": "c"}, {"jwt_claim": "sub"}]"#,
    );
    let router = Router::new(&policy_of(&rollout));
    for name in [
        ":authority",
        ":path",
        "x-agent",
        "x-user",
        "cookie",
        "authorization",
    ] {
        let id = router.header_id(name.as_bytes()).expect(name);
        assert!(id.index() < router.headers(), "{name}");
    }
    assert_eq!(router.headers(), 6);
    assert_eq!(router.header_id(b":authority"), Some(HeaderId::AUTHORITY));
    assert_eq!(router.header_id(b":path"), Some(HeaderId::PATH));
    let long = "x".repeat(10_000);
    for name in ["", "x", "x-agenT", "x-users", "accept", &long] {
        assert_eq!(router.header_id(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn sources_are_tried_in_turn_until_one_identifies_somebody() {
    let rollout = rollout_json(
        "r",
        r#""unit": [{"header": "x-user"}, {"cookie": "session"}, {"jwt_claim": "sub"}]"#,
    );
    let router = Router::new(&policy_of(&rollout));
    // {"sub":"jay"}
    let token = b"Bearer e30.eyJzdWIiOiJqYXkifQ.c2ln";
    let longest = vec![b'u'; crate::limits::UNIT_BYTES];
    let too_long = vec![b'u'; crate::limits::UNIT_BYTES + 1];
    #[expect(clippy::type_complexity, reason = "a table, read line by line")]
    let table: &[(&[u8], &[u8], &[u8], Option<&[u8]>)] = &[
        (b"ann", b"session=sam", token, Some(b"ann")),
        (b"", b"session=sam", token, Some(b"sam")),
        (&too_long, b"session=sam", token, Some(b"sam")),
        (&longest, b"session=sam", token, Some(&longest)),
        (b"", b"session=", token, Some(b"jay")),
        (b"", b"", token, Some(b"jay")),
        (b"", b"session=", b"Basic YTpi", None),
        (b"\xff\x00\xfe", b"", b"", Some(b"\xff\x00\xfe")),
        (b"", b"session=\xff\xfe", b"", Some(b"\xff\xfe")),
        (b" ", b"", b"", Some(b" ")),
    ];
    for (user, cookie, token, expected) in table {
        let asked = Asked::new(
            &router,
            &[
                ("x-user", user),
                ("cookie", cookie),
                ("authorization", token),
            ],
        );
        let found = router.find(&asked).unwrap();
        let unit = match router.unit(found, &asked) {
            Unit::Known(unit) => Some(unit.into_owned()),
            _ => None,
        };
        assert_eq!(
            unit.as_deref(),
            *expected,
            "{} / {}",
            user.escape_ascii(),
            cookie.escape_ascii()
        );
    }
    let asked = Asked::new(&router, &[]);
    let found = router.find(&asked).unwrap();
    assert_eq!(router.unit(found, &asked), Unit::Missing);
}

#[test]
fn a_random_cookie_is_used_where_it_is_sent_and_minted_where_not() {
    let unit = r#""unit": [{"header": "x-user"}, {"random_cookie": {"name": "bg-unit", "max_age": "30d"}}]"#;
    let router = Router::new(&policy_of(&rollout_json("r", unit)));
    let too_long = [
        b"bg-unit=".to_vec(),
        vec![b'u'; crate::limits::UNIT_BYTES + 1],
    ]
    .concat();
    for (cookie, sent) in [
        (&b"bg-unit=abc"[..], Some(&b"abc"[..])),
        (b"a=b; bg-unit=abc", Some(b"abc")),
        (b"bg-unit=", None),
        (b"bg-unitx=abc", None),
        (b"", None),
        (&too_long, None),
    ] {
        let asked = Asked::new(&router, &[("cookie", cookie)]);
        let found = router.find(&asked).unwrap();
        match (router.unit(found, &asked), sent) {
            (Unit::Known(unit), Some(sent)) => assert_eq!(&*unit, sent),
            (Unit::Mint(cookie), None) => {
                assert_eq!(cookie.name.as_str(), "bg-unit");
                assert_eq!(cookie.max_age.get(), 2_592_000);
            }
            (unit, _) => panic!("{unit:?} for {}", cookie.escape_ascii()),
        }
    }
}

#[test]
fn the_first_of_a_thousand_rollouts_wins() {
    let rollout = |number: usize| {
        let prefix = format!(r#""match": {{"path_prefix": "/v1/a{}"}}"#, number % 500);
        rollout_json(&format!("r{number}"), &prefix)
    };
    let rollouts: Vec<_> = (0..1_000).map(rollout).collect();
    let router = Router::new(&policy_of(&rollouts.join(",")));
    for number in [0, 1, 250, 499] {
        let path = format!("/v1/a{number}/x");
        let found = router.find(&Asked::new(&router, &[(":path", path.as_bytes())]));
        assert_eq!(found.map(RolloutId::index), Some(number));
    }
}
