use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn edits(json: &str) -> JsonEdits {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn one_edit(pointer: &str, value: Value) -> JsonEdits {
    let pointer = JsonPointer::new(pointer).unwrap_or_else(|| panic!("{pointer}"));
    serde_json::from_value(json!({pointer.as_str(): value})).unwrap()
}

fn apply(pointer: &str, value: Value, body: &str) -> Result<String, EditError> {
    let edited = one_edit(pointer, value).apply(body.as_bytes())?;
    Ok(String::from_utf8(edited).unwrap())
}

/// The same edit on values: what the edit of bytes must come to.
fn set(place: &mut Value, tokens: &[String], value: &Value) -> Result<(), ()> {
    let Some((token, rest)) = tokens.split_first() else {
        *place = value.clone();
        return Ok(());
    };
    match place {
        Value::Object(members) => {
            let missing = || Value::Object(Map::new());
            set(members.entry(token).or_insert_with(missing), rest, value)
        }
        Value::Array(list) => {
            let canonical = token == "0" || !token.starts_with(['0', '+']);
            let index = token
                .parse::<usize>()
                .ok()
                .filter(|_| canonical)
                .ok_or(())?;
            set(list.get_mut(index).ok_or(())?, rest, value)
        }
        _ => Err(()),
    }
}

fn pointer(tokens: &[String]) -> String {
    let escaped = tokens
        .iter()
        .map(|token| token.replace('~', "~0").replace('/', "~1"));
    escaped.map(|token| format!("/{token}")).collect()
}

fn key() -> impl Strategy<Value = String> {
    const KEYS: &[&str] = &[
        "a",
        "b",
        "0",
        "1",
        "00",
        "+1",
        "-",
        "",
        "~",
        "/",
        "~1",
        "é",
        "日本",
        "\"",
        "\\",
        "a b",
        "\u{1}",
        "👩‍💻",
    ];
    prop::sample::select(KEYS).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Quarters: the reader takes the last digit of a long fraction less exactly than it is written.
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        "[a-z\"\\\\é日\u{0}-\u{1f}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn is_prefix(outer: &[String], inner: &[String]) -> bool {
    inner.starts_with(outer)
}

/// A place that exists in the value, chosen by `choices`; at least one step deep.
fn place_in(value: &Value, choices: &[prop::sample::Index]) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut here = value;
    for choice in choices {
        let (token, next) = match here {
            Value::Object(members) if !members.is_empty() => {
                let (key, next) = members.iter().nth(choice.index(members.len()))?;
                (key.clone(), next)
            }
            Value::Array(list) if !list.is_empty() => {
                let index = choice.index(list.len());
                (index.to_string(), &list[index])
            }
            _ => break,
        };
        tokens.push(token);
        here = next;
    }
    (!tokens.is_empty()).then_some(tokens)
}

proptest! {
    #[test]
    fn edits_of_bytes_are_edits_of_values(
        body in value(),
        ways in vec((vec(key(), 1..4), value()), 1..5),
        pretty: bool,
    ) {
        let mut edits: BTreeMap<JsonPointer, Value> = BTreeMap::new();
        let mut taken: Vec<Vec<String>> = Vec::new();
        for (tokens, value) in ways {
            if !taken.iter().any(|other| is_prefix(other, &tokens) || is_prefix(&tokens, other)) {
                edits.insert(JsonPointer::new(&pointer(&tokens)).unwrap(), value);
                taken.push(tokens);
            }
        }
        let mut expected = Ok(body.clone());
        for (pointer, value) in &edits {
            let tokens: Vec<_> = pointer.tokens().collect();
            expected = expected.and_then(|mut body| set(&mut body, &tokens, value).map(|()| body));
        }
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
        let edits: serde_json::Map<_, _> =
            edits.into_iter().map(|(pointer, value)| (pointer.to_string(), value)).collect();
        let edits: JsonEdits = serde_json::from_value(Value::Object(edits)).unwrap();
        let edited = edits.apply(text.unwrap().as_bytes());
        let edited = edited.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
        match (edited, expected) {
            (Ok(edited), Ok(expected)) => prop_assert_eq!(edited, expected),
            (Err(EditError::NoWay(_)), Err(())) => {}
            (edited, expected) => prop_assert!(false, "{:?} but {:?}", edited, expected),
        }
    }

    #[test]
    fn an_existing_place_gets_the_value_and_every_other_byte_stays(
        mut body in value(),
        choices in vec(any::<prop::sample::Index>(), 1..5),
        value in value(),
        pretty: bool,
    ) {
        const OLD: &str = "what stood here before";
        let Some(tokens) = place_in(&body, &choices) else { return Ok(()) };
        set(&mut body, &tokens, &Value::from(OLD)).unwrap();
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
        let text = text.unwrap();
        let pointer = pointer(&tokens);
        let edited = apply(&pointer, value.clone(), &text).unwrap();
        prop_assert_eq!(&edited, &text.replace(&format!("\"{OLD}\""), &value.to_string()));
        let parsed: Value = serde_json::from_str(&edited).unwrap();
        prop_assert_eq!(parsed.pointer(&pointer), Some(&value));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, text in "[\\[\\]{}:,\"ab01\\\\ ]{0,24}", tokens in vec(key(), 1..4)) {
        let edits = one_edit(&pointer(&tokens), json!({"x": 1}));
        let _ = edits.apply(&bytes);
        if let Ok(edited) = edits.apply(text.as_bytes()) {
            prop_assert!(serde_json::from_slice::<&RawValue>(&edited).is_ok(), "{}", text);
        }
    }
}

#[test]
fn what_is_not_edited_stays_as_it_was_written() {
    for (pointer, body, edited) in [
        (
            "/prompt/version",
            " {\"t\":1.0e+00 , \"prompt\" : {\"version\" :\t\"41\" ,\"z\":0.10}, \"big\": 123456789012345678901234567890 }\r\n",
            " {\"t\":1.0e+00 , \"prompt\" : {\"version\" :\t7 ,\"z\":0.10}, \"big\": 123456789012345678901234567890 }\r\n",
        ),
        (
            "/a",
            r#"{"a":{"b":[1,2]},"\u0062":"\ud83d\ude00"}"#,
            r#"{"a":7,"\u0062":"\ud83d\ude00"}"#,
        ),
        ("/b", r#"{"a":1,"\u0062":2}"#, r#"{"a":1,"\u0062":7}"#),
        // A name given twice does not matter where the way does not lead through it.
        ("/a", r#"{"b":1,"b":2,"a":3}"#, r#"{"b":1,"b":2,"a":7}"#),
        (
            "/a/b",
            r#"{"a":{"b":1},"c":{"d":1,"d":2}}"#,
            r#"{"a":{"b":7},"c":{"d":1,"d":2}}"#,
        ),
        (
            "/m/1/v",
            r#"{"m":[{"v":1}, {"v":2}]}"#,
            r#"{"m":[{"v":1}, {"v":7}]}"#,
        ),
        ("/0", "[1, 2]", "[7, 2]"),
        ("/é", "{\"é\": 1}", "{\"é\": 7}"),
        ("/é", r#"{"\u00e9": 1}"#, r#"{"\u00e9": 7}"#),
    ] {
        assert_eq!(
            apply(pointer, json!(7), body).as_deref(),
            Ok(edited),
            "{pointer} in {body}"
        );
    }
}

#[test]
fn missing_members_are_added_with_the_objects_on_the_way() {
    for (pointer, body, edited) in [
        ("/a", "{}", r#"{"a":7}"#),
        ("/a", "{ }", r#"{"a":7 }"#),
        ("/a", r#"{"b": 1}"#, r#"{"a":7,"b": 1}"#),
        ("/a/b/c", "{}", r#"{"a":{"b":{"c":7}}}"#),
        (
            "/a/b/c",
            r#"{"a": {"x": 0}}"#,
            r#"{"a": {"b":{"c":7},"x": 0}}"#,
        ),
        ("/m/0/v", r#"{"m": [{}]}"#, r#"{"m": [{"v":7}]}"#),
        ("/", "{}", r#"{"":7}"#),
        ("/a~1b/m~0n", "{}", r#"{"a/b":{"m~n":7}}"#),
        ("/~01", "{}", r#"{"~1":7}"#),
        ("/\"", "{}", r#"{"\"":7}"#),
        // An index is a name where an object stands.
        ("/a/0", r#"{"a":{}}"#, r#"{"a":{"0":7}}"#),
    ] {
        assert_eq!(
            apply(pointer, json!(7), body).as_deref(),
            Ok(edited),
            "{pointer} in {body}"
        );
    }
}

#[test]
fn a_way_that_does_not_lead_to_a_member_is_refused() {
    for (pointer, body) in [
        ("/a", "1"),
        ("/a", "null"),
        ("/a", "\"a\""),
        ("/a/b", r#"{"a":null}"#),
        ("/a/b", r#"{"a":1}"#),
        ("/a/b", r#"{"a":"b"}"#),
        ("/a/b", r#"{"a":[]}"#),
        ("/2", "[0, 1]"),
        ("/-", "[0]"),
        ("/00", "[0]"),
        ("/+0", "[0]"),
        ("/-0", "[0]"),
        ("/01", "[0, 1]"),
        ("/18446744073709551616", "[0]"),
    ] {
        let error = apply(pointer, json!(7), body).unwrap_err();
        assert_eq!(error, EditError::NoWay(pointer.into()), "{body}");
        assert!(error.to_string().contains(pointer), "{error}");
    }
}

#[test]
fn a_member_given_twice_on_the_way_is_refused() {
    for (pointer, body) in [
        ("/a", r#"{"a":1,"a":2}"#),
        ("/a", r#"{"a":1,"\u0061":2}"#),
        ("/a/b", r#"{"a":{"b":1},"a":{"b":2}}"#),
        ("/a/b", r#"{"a":{"b":1,"b":2}}"#),
        ("/0/a", r#"[{"a":1,"a":1}]"#),
    ] {
        assert_eq!(
            apply(pointer, json!(7), body),
            Err(EditError::Twice(pointer.into())),
            "{body}"
        );
    }
}

#[test]
fn what_is_not_one_json_document_is_refused() {
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"{} {}",
        b"{}x",
        b"{'a':1}",
        b"{\"a\":01}",
        b"\xff",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"nul",
        b"{\"a\" 1}",
    ] {
        let error = one_edit("/a", json!(7)).apply(body).unwrap_err();
        assert!(
            matches!(error, EditError::NotJson(_)),
            "{:?}",
            body.escape_ascii().to_string()
        );
    }
}

#[test]
fn deep_nesting_beside_the_way_exhausts_no_stack() {
    const DEPTH: usize = 200_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let body = format!(r#"{{"deep": {deep}, "v": 1}}"#);
        let edited = format!(r#"{{"deep": {deep}, "v": 7}}"#);
        assert!(apply("/v", json!(7), &body) == Ok(edited), "{open}");
        assert!(matches!(
            apply("/v", json!(7), &open.repeat(DEPTH)),
            Err(EditError::NotJson(_))
        ));
    }
}

#[test]
fn a_way_of_many_steps_is_walked() {
    let way = "/a".repeat(limits::TEXT_BYTES / 2);
    let steps = way.len() / 2;
    let body = format!("{}1{}", r#"{"a":"#.repeat(steps), "}".repeat(steps));
    let edited = format!("{}7{}", r#"{"a":"#.repeat(steps), "}".repeat(steps));
    assert_eq!(apply(&way, json!(7), &body), Ok(edited.clone()));
    assert_eq!(apply(&way, json!(7), "{}"), Ok(edited));
}

#[test]
fn several_edits_are_all_made() {
    let edits = edits(r#"{"/a/b": 1, "/a/c": {"d": 2}, "/e": null, "/f/0": "x"}"#);
    let edited = edits.apply(br#"{"f": [0, 1]}"#).unwrap();
    let edited: Value = serde_json::from_slice(&edited).unwrap();
    assert_eq!(
        edited,
        json!({"a": {"b": 1, "c": {"d": 2}}, "e": null, "f": ["x", 1]})
    );
}

#[test]
fn an_edit_that_fails_leaves_nothing_half_done() {
    let edits = edits(r#"{"/a": 1, "/b/c": 2}"#);
    let body = br#"{"a": 0, "b": 3}"#;
    assert_eq!(edits.apply(body), Err(EditError::NoWay("/b/c".into())));
}

#[test]
fn nothing_to_edit_changes_nothing() {
    let edits = JsonEdits::default();
    assert!(edits.is_empty());
    assert_eq!(edits.apply(b"not even JSON"), Ok(b"not even JSON".to_vec()));
}

#[test]
fn pointers_begin_with_a_slash_and_escape_in_full() {
    for text in ["", "a", "a/b", "/~", "/~2", "/a~"] {
        assert_eq!(JsonPointer::new(text), None, "{text}");
    }
    assert_eq!(
        JsonPointer::new(&format!("/{}", "a".repeat(limits::TEXT_BYTES))),
        None
    );
}

#[test]
fn an_edit_inside_the_value_of_another_is_refused() {
    for json in [r#"{"/a": 1, "/a/b": 2}"#, r#"{"/a/b/c": 1, "/a": 2}"#] {
        assert!(serde_json::from_str::<JsonEdits>(json).is_err(), "{json}");
    }
    for json in [r#"{"/a": 1, "/ab": 2}"#, r#"{"/a/b": 1, "/a/c": 2}"#] {
        assert!(serde_json::from_str::<JsonEdits>(json).is_ok(), "{json}");
    }
}
