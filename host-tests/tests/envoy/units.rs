//! Where the unit of a request comes from, and what the client sees of the decision.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding};
use breakglass_examples::http::Answer;
use breakglass_examples::load::Protocol;
use breakglass_examples::share::{Percent, Salt};
use hyper::Request;
use serde_json::{Value, json};

use crate::client::{PROTOCOLS, ask, full, version_in};
use crate::edge::Edge;
use crate::policy::{CANARY, PATH, SALT, STABLE, policy, policy_with, ramp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_source_that_has_a_unit_decides() {
    let sources = json!([{"header": "x-user-id"}, {"cookie": "session"}, {"jwt_claim": "sub"}]);
    let edge = Edge::start(policy_with(ramp(1, 50), json!({"unit": sources}))).await;
    for number in 0..60 {
        let [header, cookie, claim] = ["h", "c", "j"].map(|kind| format!("{kind}-{number}"));
        let (cookies, bearer) = (
            format!("a=b; session={cookie}; session=second"),
            bearer(&json!({"sub": claim})),
        );
        let (cookies, bearer) = (
            ("cookie", cookies.as_str()),
            ("authorization", bearer.as_str()),
        );
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[("x-user-id", &header)], &header),
            (&[("x-user-id", &header), cookies, bearer], &header),
            (&[cookies], &cookie),
            (&[("x-user-id", ""), cookies, bearer], &cookie),
            (&[bearer], &claim),
            (&[("cookie", "other=1"), bearer], &claim),
        ];
        for (headers, unit) in cases {
            let protocol = PROTOCOLS[number % 2];
            let found = version_in(&post(&edge, protocol, headers).await);
            assert_eq!(
                found,
                expected(unit),
                "{unit} by {headers:?} over {protocol:?}"
            );
        }
    }
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_cannot_be_read_has_no_unit() {
    let edge = Edge::start(policy_with(
        ramp(1, 100),
        json!({"unit": [{"jwt_claim": "sub"}]}),
    ))
    .await;
    let good = bearer(&json!({"sub": "somebody"}));
    assert_eq!(
        version_in(&post(&edge, Protocol::Http1, &[("authorization", &good)]).await),
        CANARY
    );
    let payload = |text: &str| {
        format!(
            "Bearer e30.{}.c2ln",
            Base64UrlUnpadded::encode_string(text.as_bytes())
        )
    };
    let malformed = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer ..".to_owned(),
        "Bearer a.b".to_owned(),
        "Bearer a.b.c.d".to_owned(),
        "Bearer e30.!!!!.c2ln".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        good.replace("Bearer", "Token"),
        payload("{"),
        payload("null"),
        payload(r#"["sub"]"#),
        payload(r#"{"sub": null}"#),
        payload(r#"{"sub": ["somebody"]}"#),
        payload(r#"{"sub": "a", "sub": "b"}"#),
        payload(r#"{"sub": ""}"#),
        payload(&"[".repeat(5_000)),
        payload(&format!(r#"{{"sub": "{}"}}"#, "x".repeat(20_000))),
    ];
    for (number, token) in malformed.iter().enumerate() {
        let answer = post(&edge, PROTOCOLS[number % 2], &[("authorization", token)]).await;
        assert_eq!(
            (answer.status, version_in(&answer).as_str()),
            (200, STABLE),
            "{token:.80}"
        );
    }
    let keyless = edge.count("breakglass_keyless_total", &[]).await;
    assert_eq!(keyless, malformed.len() as u64, "counted as keyless");
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_cookie_is_set_once_and_sticks() {
    let sources =
        json!([{"header": "x-user-id"}, {"random_cookie": {"name": "bg-unit", "max_age": "30d"}}]);
    let edge = Edge::start(policy_with(ramp(1, 50), json!({"unit": sources}))).await;
    let (mut units, mut versions) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..40 {
        let protocol = PROTOCOLS[number % 2];
        let answer = post(&edge, protocol, &[]).await;
        let cookie = answer
            .header("set-cookie")
            .unwrap_or_else(|| panic!("no cookie: {:?}", answer.headers));
        let (unit, attributes) = cookie
            .strip_prefix("bg-unit=")
            .and_then(|rest| rest.split_once("; "))
            .unwrap_or_else(|| panic!("not the cookie of the policy: {cookie}"));
        assert_eq!(
            attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax",
            "{cookie}"
        );
        assert!(
            unit.len() == 32 && unit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{cookie}"
        );
        assert_eq!(version_in(&answer), expected(unit), "{unit}");
        for again in PROTOCOLS {
            let answer = post(&edge, again, &[("cookie", &format!("x=y; bg-unit={unit}"))]).await;
            assert_eq!(
                version_in(&answer),
                expected(unit),
                "{unit} comes back over {again:?}"
            );
            assert_eq!(
                answer.header("set-cookie"),
                None,
                "{unit} comes back over {again:?}"
            );
        }
        assert!(units.insert(unit.to_owned()), "{unit} was given twice");
        versions.insert(version_in(&answer));
    }
    assert_eq!(
        versions.len(),
        2,
        "the cookies of {} users chose only {versions:?}",
        units.len()
    );
    let named = post(&edge, Protocol::Http1, &[("x-user-id", "somebody")]).await;
    assert_eq!(named.header("set-cookie"), None, "a user with a name");
    assert_eq!(
        edge.count("breakglass_keyless_total", &[]).await,
        0,
        "counted as keyless"
    );
    edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_sees_the_version_only_where_the_policy_exposes_it() {
    let edge = Edge::start(policy_with(ramp(1, 50), json!({"expose": true}))).await;
    for number in 0..20 {
        let user = format!("user-{number}");
        let answer = post(&edge, PROTOCOLS[number % 2], &[("x-user-id", &user)]).await;
        let seen = answer.header("x-breakglass-version").map(str::to_owned);
        assert_eq!(seen, Some(expected(&user)), "{user}");
    }
    edge.push(&policy(ramp(2, 50))).await;
    let answer = post(&edge, Protocol::Http1, &[("x-user-id", "somebody")]).await;
    let shown: Vec<_> = answer
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-breakglass"))
        .collect();
    assert!(shown.is_empty(), "{shown:?}");
    edge.finish().await;
}

async fn post(edge: &Edge, protocol: Protocol, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(PATH).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(edge.traffic(), protocol, request.body(full("{}")).unwrap()).await
}

/// Who answers this unit at 50 %.
fn expected(unit: &str) -> String {
    let canary = Salt::new(SALT).takes(unit, Percent::whole(50));
    if canary { CANARY } else { STABLE }.to_owned()
}

/// A token with these claims and no signature: the proxy's own filter would have checked it.
fn bearer(claims: &Value) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    format!(
        "Bearer {}.{}.{}",
        encode(r#"{"alg":"none"}"#),
        encode(&claims.to_string()),
        encode("signature")
    )
}
