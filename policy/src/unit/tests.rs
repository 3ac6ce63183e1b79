use proptest::prelude::*;

use super::*;

fn session(header: &[u8]) -> Option<&[u8]> {
    cookie(header, &CookieName::new("session").unwrap())
}

/// A bearer token with these claims as its payload's text.
fn bearer(claims: &str) -> Vec<u8> {
    let payload = Base64UrlUnpadded::encode_string(claims.as_bytes());
    format!("Bearer e30.{payload}.c2ln").into_bytes()
}

fn sub(header: &[u8]) -> Option<String> {
    let claim = jwt_claim(header, &ClaimName::new("sub").unwrap())?;
    Some(String::from_utf8(claim).unwrap())
}

#[test]
fn a_cookie_is_found_among_others() {
    for (header, value) in [
        ("session=abc", Some("abc")),
        ("a=b; session=abc; c=d", Some("abc")),
        ("a=b;session=abc;c=d", Some("abc")),
        ("  a=b ;\tsession=abc  ; c=d", Some("abc")),
        ("session=abc;", Some("abc")),
        (";;session=abc;;", Some("abc")),
        ("session=a=b==", Some("a=b==")),
        ("session=\"abc\"", Some("\"abc\"")),
        ("session=", Some("")),
        // The first one counts; browsers send the one with the longest path first.
        ("session=one; session=two", Some("one")),
        ("session=; session=two", Some("")),
        ("xsession=abc", None),
        ("session2=abc", None),
        ("Session=abc", None),
        ("session", None),
        ("session =abc", None),
        ("a=session=abc", None),
        ("", None),
        (";", None),
        ("=", None),
    ] {
        assert_eq!(
            session(header.as_bytes()),
            value.map(str::as_bytes),
            "{header}"
        );
    }
}

#[test]
fn a_cookie_may_have_any_bytes_and_any_size() {
    assert_eq!(session(b"a=\xff; session=\xfe\x00"), Some(&b"\xfe\x00"[..]));
    let huge = [b"session=".to_vec(), vec![b'v'; 1 << 20]].concat();
    assert_eq!(session(&huge).map(<[u8]>::len), Some(1 << 20));
    let many = [b"a=b;".repeat(100_000), b"session=abc".to_vec()].concat();
    assert_eq!(session(&many), Some(&b"abc"[..]));
}

#[test]
fn a_claim_is_text_or_a_whole_number() {
    for (claims, unit) in [
        (r#"{"sub":"user-17"}"#, Some("user-17")),
        (
            r#"{"iss":"x","sub":"user-17","aud":["a",{"b":null}]}"#,
            Some("user-17"),
        ),
        (r#"{"sub":17}"#, Some("17")),
        (
            r#"{"sub":18446744073709551615}"#,
            Some("18446744073709551615"),
        ),
        (r#"{"sub":"\u00e9 \ud83d\ude00"}"#, Some("é 😀")),
        (r#"{"s\u0075b":"user-17"}"#, Some("user-17")),
        (r#"{"sub":""}"#, Some("")),
        (r#"{"sub":-1}"#, None),
        (r#"{"sub":1.5}"#, None),
        (r#"{"sub":18446744073709551616}"#, None),
        (r#"{"sub":null}"#, None),
        (r#"{"sub":true}"#, None),
        (r#"{"sub":["user-17"]}"#, None),
        (r#"{"sub":{"id":"user-17"}}"#, None),
        (r#"{"Sub":"user-17"}"#, None),
        (r#"{"claims":{"sub":"user-17"}}"#, None),
        ("{}", None),
    ] {
        assert_eq!(sub(&bearer(claims)).as_deref(), unit, "{claims}");
    }
}

#[test]
fn a_claim_given_twice_identifies_nobody() {
    for claims in [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"sub":"a","sub":"a"}"#,
        r#"{"sub":"a","s\u0075b":"b"}"#,
        r#"{"sub":null,"sub":"b"}"#,
    ] {
        assert_eq!(sub(&bearer(claims)), None, "{claims}");
    }
    // Another claim may be.
    assert_eq!(
        sub(&bearer(r#"{"a":1,"a":2,"sub":"b"}"#)).as_deref(),
        Some("b")
    );
}

#[test]
fn a_token_that_cannot_be_read_identifies_nobody() {
    for claims in [
        "",
        "{",
        "[]",
        "null",
        "\"sub\"",
        r#"{"sub":"a"} x"#,
        r#"{"sub":"\ud800"}"#,
        "{\"sub\":\"a\u{0}\"}",
    ] {
        assert_eq!(sub(&bearer(claims)), None, "{claims:?}");
    }
    let good = Base64UrlUnpadded::encode_string(br#"{"sub":"a"}"#);
    assert_eq!(
        sub(format!("Bearer e30.{good}.s").as_bytes()).as_deref(),
        Some("a")
    );
    for header in [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Basic e30.{good}.s"),
        format!("e30.{good}.s"),
        format!("Bearer {good}"),
        format!("Bearer e30.{good}"),
        format!("Bearer e30.{good}.s.t"),
        format!("Bearer e30.{good}==.s"),
        format!("Bearer e30.+{good}.s"),
        format!("Bearer e30. {good}.s"),
        "Bearer ..".into(),
        "Bearer e30.e30.".into(),
        "Bearer e30.\u{e9}.s".into(),
    ] {
        assert_eq!(sub(header.as_bytes()), None, "{header}");
    }
    assert_eq!(sub(b"Bearer e30.\xff\xfe.s"), None);
}

#[test]
fn the_scheme_has_any_case_and_spaces_around_the_token_are_no_part_of_it() {
    let token = bearer(r#"{"sub":"a"}"#);
    let token = std::str::from_utf8(&token)
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap();
    for header in [
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("Bearer   {token} "),
    ] {
        assert_eq!(sub(header.as_bytes()).as_deref(), Some("a"), "{header}");
    }
}

#[test]
fn a_token_beyond_the_limit_is_not_decoded() {
    let claims =
        |padding: usize| bearer(&format!(r#"{{"pad":"{}","sub":"a"}}"#, "x".repeat(padding)));
    let fits = claims(limits::JWT_BYTES / 2);
    assert!(fits.len() < limits::JWT_BYTES);
    assert_eq!(sub(&fits).as_deref(), Some("a"));
    let exact = {
        let token = claims(limits::JWT_BYTES / 2);
        let missing = limits::JWT_BYTES - (token.len() - BEARER.len());
        [token, vec![b's'; missing]].concat()
    };
    assert_eq!(sub(&exact).as_deref(), Some("a"));
    assert_eq!(sub(&[exact, vec![b's']].concat()), None);
    assert_eq!(sub(&claims(limits::JWT_BYTES)), None);
}

#[test]
fn deep_claims_exhaust_no_stack() {
    let deep = format!(
        r#"{{"a":{}1{},"sub":"b"}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(sub(&bearer(&deep)), None);
}

#[test]
fn a_unit_is_neither_empty_nor_beyond_all_measure() {
    assert!(!usable(b""));
    assert!(usable(b"\0"));
    assert!(usable(&[0xff; limits::UNIT_BYTES]));
    assert!(!usable(&[0xff; limits::UNIT_BYTES + 1]));
}

#[test]
fn every_source_names_the_header_that_it_reads() {
    for (json, header) in [
        (r#"{"header": "X-User"}"#, "x-user"),
        (r#"{"cookie": "c"}"#, "cookie"),
        (
            r#"{"random_cookie": {"name": "c", "max_age": "1d"}}"#,
            "cookie",
        ),
        (r#"{"jwt_claim": "sub"}"#, "authorization"),
    ] {
        let source: UnitSource = serde_json::from_str(json).unwrap();
        assert_eq!(source.header_name(), header, "{json}");
    }
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(header: Vec<u8>, claims: Vec<u8>) {
        let _ = session(&header);
        let _ = sub(&header);
        let payload = Base64UrlUnpadded::encode_string(&claims);
        let _ = sub(format!("Bearer a.{payload}.b").as_bytes());
    }

    #[test]
    fn a_claim_is_read_back_whatever_it_contains(text in ".{0,40}") {
        let claims = serde_json::json!({"a": [1], "sub": text}).to_string();
        prop_assert_eq!(sub(&bearer(&claims)), Some(text));
    }
}
