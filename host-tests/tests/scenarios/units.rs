//! The unit of a request: where it is found, and what happens where it is not.

use base64ct::{Base64UrlUnpadded, Encoding};
use breakglass_host_tests::{Last, Stream};
use serde_json::json;

use crate::{
    independent,
    world::{World, policy, rollout, stamped, with},
};

const SALT: &str = "chg-2026-0117";

fn world(unit: serde_json::Value) -> World {
    let control = json!({"generation": 1, "ramp": {"percent": 50}});
    World::new(&policy([with(rollout(control), json!({"unit": unit}))]))
}

fn send(world: &World, further: &[(&str, &[u8])]) -> Stream {
    let mut headers: Vec<(&str, &[u8])> = vec![
        (":method", b"GET"),
        (":path", b"/"),
        (":authority", b"a"),
        (":scheme", b"https"),
    ];
    headers.extend(further);
    world.send(0, headers, Last)
}

fn token(payload: &str) -> String {
    let payload = Base64UrlUnpadded::encode_string(payload.as_bytes());
    format!("Bearer e30.{payload}.c2ln")
}

fn expected(unit: &[u8]) -> Option<&'static str> {
    match independent::is_canary(SALT, unit, 500_000) {
        true => Some("canary"),
        false => Some("stable"),
    }
}

#[test]
fn sources_are_tried_in_turn_and_the_first_that_has_one_is_used() {
    let world =
        world(json!([{"header": "X-User-Id"}, {"cookie": "session"}, {"jwt_claim": "sub"}]));
    let (jwt, number) = (
        token(r#"{"sub": "j-1"}"#),
        token(r#"{"sub": 12345678901234567890}"#),
    );
    let (twice, odd) = (
        token(r#"{"sub":"a","sub":"b"}"#),
        token(r#"{"sub": {"a": 1}}"#),
    );
    let long = "x".repeat(1_025);
    let just = "x".repeat(1_024);
    let padded = token(r#"{"sub":"p"}"#).replace(".c2ln", "=.c2ln");
    let huge = format!("Bearer e30.{}.c2ln", "A".repeat(20_000));
    let cookie_after_long = format!("session={long}");
    let deep = token(&format!(r#"{{"a":{}"#, "[".repeat(10_000)));
    type Case<'a> = (&'a str, Vec<(&'a str, &'a [u8])>, Option<&'a [u8]>);
    let cases: Vec<Case<'_>> = vec![
        (
            "header",
            vec![("x-user-id", b"h"), ("cookie", b"session=c")],
            Some(b"h"),
        ),
        (
            "header of 1024 bytes",
            vec![("x-user-id", just.as_bytes())],
            Some(just.as_bytes()),
        ),
        (
            "header too long",
            vec![("x-user-id", long.as_bytes()), ("cookie", b"session=c")],
            Some(b"c"),
        ),
        (
            "empty header",
            vec![("x-user-id", b""), ("cookie", b"session=c")],
            Some(b"c"),
        ),
        (
            "header not UTF-8",
            vec![("x-user-id", b"\xff\xfe\x80")],
            Some(b"\xff\xfe\x80"),
        ),
        (
            "header twice",
            vec![("x-user-id", b"a"), ("x-user-id", b"b")],
            Some(b"a,b"),
        ),
        (
            "cookie among others",
            vec![("cookie", b"a=1; xsession=no; session=c; session=d")],
            Some(b"c"),
        ),
        (
            "cookie in a second header",
            vec![("cookie", b"a=1"), ("cookie", b"session=c2")],
            Some(b"c2"),
        ),
        (
            "cookie with equals signs",
            vec![("cookie", b"session=a=b==")],
            Some(b"a=b=="),
        ),
        (
            "cookie without value",
            vec![("cookie", b"session; session=")],
            None,
        ),
        (
            "cookie too long",
            vec![("cookie", cookie_after_long.as_bytes())],
            None,
        ),
        (
            "token",
            vec![("authorization", jwt.as_bytes())],
            Some(b"j-1"),
        ),
        (
            "token with a number",
            vec![("authorization", number.as_bytes())],
            Some(b"12345678901234567890"),
        ),
        (
            "token with the claim twice",
            vec![("authorization", twice.as_bytes())],
            None,
        ),
        (
            "token with an object",
            vec![("authorization", odd.as_bytes())],
            None,
        ),
        (
            "token with padding",
            vec![("authorization", padded.as_bytes())],
            None,
        ),
        (
            "token of lists in lists",
            vec![("authorization", deep.as_bytes())],
            None,
        ),
        (
            "token of two parts",
            vec![("authorization", b"Bearer a.b")],
            None,
        ),
        (
            "token of garbage",
            vec![("authorization", b"Bearer \xff.\xff.\xff")],
            None,
        ),
        (
            "token too long",
            vec![("authorization", huge.as_bytes())],
            None,
        ),
        ("other scheme", vec![("authorization", b"Basic abc")], None),
        ("nothing", vec![], None),
    ];
    let mut keyless = 0;
    for (what, headers, unit) in cases {
        let stream = send(&world, &headers);
        let arm = match unit {
            Some(unit) => expected(unit),
            None => Some("stable"),
        };
        assert_eq!(stamped(&stream, "arm").as_deref(), arm, "{what}");
        keyless += u64::from(unit.is_none());
        assert_eq!(world.count("keyless_total", ""), keyless, "{what}");
        let log = stream.effects().filter_state_text("wasm.breakglass");
        let is_keyless = log.unwrap_or_default().ends_with("reason=keyless");
        assert_eq!(is_keyless, unit.is_none(), "{what}");
    }
}

#[test]
fn a_random_cookie_is_minted_once_and_then_obeyed() {
    let random = json!({"random_cookie": {"name": "bg-unit", "max_age": "30d"}});
    let world = world(json!([{"header": "x-user-id"}, random]));
    let mut minted = Vec::new();
    for n in 0..40 {
        let mut stream = send(&world, &[("cookie", b"bg-unit=")]);
        stream.response([(":status", "200"), ("set-cookie", "own=1")], Last);
        let client = stream.client();
        let cookies: Vec<_> = client.headers.all("set-cookie").collect();
        assert_eq!(cookies.len(), 2, "the upstream's cookie stays");
        let cookie = String::from_utf8_lossy(cookies[1]).into_owned();
        let (pair, attributes) = cookie.split_once("; ").expect("attributes");
        let attributes: Vec<_> = attributes.split("; ").collect();
        assert_eq!(
            attributes,
            [
                "Path=/",
                "Max-Age=2592000",
                "HttpOnly",
                "SameSite=Lax",
                "Secure"
            ]
        );
        let unit = pair.strip_prefix("bg-unit=").expect("its name").to_owned();
        assert!(!minted.contains(&unit), "minted twice");
        let arm = stamped(&stream, "arm");
        assert_eq!(
            arm.as_deref(),
            expected(unit.as_bytes()),
            "decided by what it sets"
        );

        let cookie = format!("a=b; bg-unit={unit}");
        let mut again = world.send(n % 2, [(":path", "/"), ("cookie", cookie.as_str())], Last);
        assert_eq!(stamped(&again, "arm"), arm, "sticky");
        again.response([(":status", "200")], Last);
        assert!(!again.client().headers.has("set-cookie"), "set again");
        minted.push(unit);
    }
    assert_eq!(world.count("keyless_total", ""), 0);
}

#[test]
fn a_cookie_is_secure_only_where_the_request_is() {
    let world = world(json!([{"random_cookie": {"name": "u", "max_age": "90s"}}]));
    let mut stream = world.send(0, [(":path", "/"), (":scheme", "http")], Last);
    stream.response([(":status", "204")], Last);
    let cookie = stream.client().headers.text("set-cookie").expect("minted");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=90; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}
