use std::path::Path;

use regex_lite::Regex;
use serde_json::Value;

use super::*;
use crate::fixtures::rollout_json;

const FULL: &str = include_str!("../policy/full.json");

#[test]
fn the_files_are_current() {
    for (file, generated) in [
        ("policy.schema.json", policy()),
        ("order.schema.json", order()),
        ("warrant.schema.json", warrant()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("schema")
            .join(file);
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == generated,
            "policy/schema/{file} is not what the types say; write it anew and commit it:\n  \
             cargo run -p breakglass-policy --features schema --example schema"
        );
    }
}

#[test]
fn every_field_is_described() {
    fn walk(schema: &Value, path: &str) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            // The members of an alternative are described with the alternative.
            let alternative = properties.len() == 1 && path.contains("oneOf");
            for (name, property) in properties {
                let described = property.get("description").is_some();
                assert!(described || alternative, "{path}.{name} has no description");
            }
        }
        let members = schema.as_object().into_iter().flatten();
        for (name, inner) in members {
            walk(inner, &format!("{path}/{name}"));
        }
        for (place, inner) in schema.as_array().into_iter().flatten().enumerate() {
            walk(inner, &format!("{path}/{place}"));
        }
    }
    for text in [policy(), order(), warrant()] {
        walk(&serde_json::from_str(&text).unwrap(), "");
    }
}

#[test]
fn objects_take_no_unknown_fields() {
    // DSSE wants what it does not know ignored.
    const NOT_OURS: [&str; 2] = ["/$defs/Envelope", "/$defs/Signature"];
    fn walk(schema: &Value, path: &str) {
        if !NOT_OURS.contains(&path)
            && schema.get("properties").is_some_and(|properties| {
                !properties.get("properties").is_some_and(Value::is_string)
            })
            && schema.get("type").is_some_and(|kind| kind == "object")
        {
            assert_eq!(
                schema.get("additionalProperties"),
                Some(&Value::Bool(false)),
                "{path}"
            );
        }
        for (name, inner) in schema.as_object().into_iter().flatten() {
            walk(inner, &format!("{path}/{name}"));
        }
        for (place, inner) in schema.as_array().into_iter().flatten().enumerate() {
            walk(inner, &format!("{path}/{place}"));
        }
    }
    for text in [policy(), order(), warrant()] {
        walk(&serde_json::from_str(&text).unwrap(), "");
    }
}

#[test]
fn schema_and_reader_agree_on_policies() {
    assert_policy(FULL, Ok(()));
    assert_policy(r#"{"policy": "p"}"#, Ok(()));
    assert_policy(
        &format!(
            r#"{{"policy": "p", "rollouts": [{}]}}"#,
            rollout_json("r", "")
        ),
        Ok(()),
    );
    // A passage of the full policy and what stands there instead, where both take it …
    for (passage, instead) in [
        (r#""policy": "support""#, r#""policy": "a.b_c-D9""#),
        (
            r#""policy": "support""#,
            r#""role": "operator", "policy": "p""#,
        ),
        (r#"{"host": "api.example.com""#, r#"{"host": null"#),
        (r#""api.example.com""#, r#""*.Example.com.""#),
        (r#""api.example.com""#, r#""[2001:db8::1]""#),
        (r#""/v1/agents/support""#, r#""/""#),
        (r#""/v1/agents/support""#, r#""/v1/a%20b;c=@:~!""#),
        (r#""x-agent": "support""#, r#""X-Agent": "a b, c""#),
        (
            r#""salt": "chg-2026-0117""#,
            r#""salt": "ein Salz für alle""#,
        ),
        (
            r#"[{"percent": 1, "at": "2026-11-23T20:00:00Z"}, {"percent": 10, "at": "2026-11-23T20:10:00Z"}]"#,
            r#"{"percent": 33.3333}"#,
        ),
        (
            r#"[{"percent": 1, "at": "2026-11-23T20:00:00Z"}, {"percent": 10, "at": "2026-11-23T20:10:00Z"}]"#,
            r#"{"percent": 0.0003, "at": "2026-11-23T20:00:00.125Z"}"#,
        ),
        (
            r#"[{"percent": 1, "at": "2026-11-23T20:00:00Z"}, {"percent": 10, "at": "2026-11-23T20:10:00Z"}]"#,
            "[]",
        ),
        (
            r#""2026-11-23T22:00:00Z""#,
            r#""2026-11-23T22:00:00.120000Z""#,
        ),
        (r#""2026-11-23T22:00:00Z""#, "null"),
        (r#""30d""#, r#""1h 30m""#),
        (r#""kill": null"#, r#""kill": {"mode": "block"}"#),
        (
            r#""kill": null"#,
            r#""kill": {"mode": "rollback", "in_flight": "cut"}"#,
        ),
        (r#"["IN_AADHAAR"]"#, r#"["IN_AADHAAR", "IN_AADHAAR"]"#),
        (r#""two_sided": true"#, r#""two_sided": false"#),
        (r#""redaction": "mask_all""#, r#""redaction": null"#),
        (
            r#""request": {}}, "stable": {"request": {"EMPLOYEE_ID": "mask"}}"#,
            r#""request": {"*": "block"}}, "stable": {}"#,
        ),
        (r#"{"compressed": "pass", "#, "{"),
        (r#""private_ips": "ignore""#, r#""private_ips": "scan""#),
        (
            r#"["EMP-######"]"#,
            r##"["@###", "@*-\\#a", "\\a\\b\\c\\d", "a\\\\bc", "a[]c"], "literals": ["a\\bc"]"##,
        ),
        (r#""Project Bluebird""#, r#""A, B & C", "100%1""#),
        (
            r#"{"/prompt/version": "42"}"#,
            r#"{"/a~0b/~1/0": {"any": [1, null]}}"#,
        ),
        (r#"{"/prompt/version": "42"}"#, "{}"),
        (
            r#""raise": [["security_lead", "platform_lead"]]"#,
            r#""raise": []"#,
        ),
    ] {
        assert_policy(&full_but(passage, instead), Ok(()));
    }
    // … and where neither does.
    for (passage, instead) in [
        (r#""policy": "support","#, ""),
        (r#""policy": "support""#, r#""policy": "sup port""#),
        (r#""policy": "support""#, r#""policy": """#),
        (r#""policy": "support""#, r#""policy": "p", "zzz": 1"#),
        (r#""policy": "support""#, r#""policy": "p", "role": "boss""#),
        (r#""policy": "support""#, r#""policy": "p", "role": null"#),
        (
            r#""policy": "support""#,
            r#""policy": "p", "role": {"operator": null}"#,
        ),
        (r#""salt": "chg-2026-0117","#, ""),
        (r#""salt": "chg-2026-0117""#, r#""salt": """#),
        (r#"{"host""#, r#"{"zzz": 1, "host""#),
        (r#""api.example.com""#, r#""api.example.com:443""#),
        (r#""api.example.com""#, r#""*""#),
        (r#""api.example.com""#, r#""a..b""#),
        (r#""/v1/agents/support""#, r#""v1""#),
        (r#""/v1/agents/support""#, r#""/v1?x""#),
        (r#""/v1/agents/support""#, r#""/v1 x""#),
        (r#""x-agent": "support""#, r#""x agent": "support""#),
        (r#""x-agent": "support""#, r#""x-agent": " support""#),
        (r#""x-agent": "support""#, r#""x-agent": """#),
        (r#""x-agent": "support""#, r#""x-agent": "é""#),
        (
            r#"{"header": "x-user-id"}"#,
            r#"{"header": "x-user-id", "cookie": "a"}"#,
        ),
        (r#"{"header": "x-user-id"}"#, "{}"),
        (r#"{"header": "x-user-id"}"#, r#"{"path": "x"}"#),
        (r#"{"header": "x-user-id"}"#, r#""header""#),
        (r#"{"cookie": "session"}"#, r#"{"cookie": "a=b"}"#),
        (r#""30d""#, "30"),
        (r#""30d""#, r#""30""#),
        (r#"{"canary": ["qa-1"]"#, r#"{"canary": [""]"#),
        (r#"{"canary": ["qa-1"]"#, r#"{"canary": [1]"#),
        (r#""percent": 10,"#, r#""percent": 100.5,"#),
        (r#""percent": 10,"#, r#""percent": -1,"#),
        (r#""percent": 10,"#, r#""percent": "10","#),
        (r#""percent": 10,"#, ""),
        (
            r#"{"percent": 1, "at": "2026-11-23T20:00:00Z"}"#,
            r#"{"percent": 1, "at": null}"#,
        ),
        // A list in an object's place, its values in the order of the fields.
        (
            r#"{"percent": 1, "at": "2026-11-23T20:00:00Z"}"#,
            r#"[1, "2026-11-23T20:00:00Z"]"#,
        ),
        (r#""kill": null"#, r#""kill": ["block", "cut"]"#),
        (r#""generation": 7"#, r#""generation": -7"#),
        (r#""generation": 7"#, r#""generation": 7.5"#),
        (r#""generation": 7"#, r#""generation": 9007199254740992"#),
        (
            r#""2026-11-23T22:00:00Z""#,
            r#""2026-11-23T22:00:00+01:00""#,
        ),
        (
            r#""2026-11-23T22:00:00Z""#,
            r#""2026-11-23T22:00:00.0001Z""#,
        ),
        (r#""2026-11-23T22:00:00Z""#, r#""2026-11-23""#),
        (r#""on_lapse": "stable""#, r#""on_lapse": "Stable""#),
        (r#""kill": null"#, r#""kill": {}"#),
        (r#""kill": null"#, r#""kill": "rollback""#),
        (r#""EMAIL_ADDRESS": "mask""#, r#""email": "mask""#),
        (r#""EMAIL_ADDRESS": "mask""#, r#""EMAIL_ADDRESS": "hide""#),
        (r#""redaction": "mask_all""#, r#""redaction": "mask""#),
        (r#""redaction": "mask_all""#, r#""redaction": {}"#),
        (r#"{"canary": {"response""#, r#"{"blue": {"response""#),
        (
            r#"{"request": {"EMPLOYEE_ID": "mask"}}"#,
            r#"{"EMPLOYEE_ID": "mask"}"#,
        ),
        (r#"{"EMPLOYEE_ID": "mask"}"#, r#"{"2FA": "mask"}"#),
        (r#""compressed": "pass""#, r#""compressed": "mask""#),
        (r#""compressed": "pass""#, r#""compressed": null"#),
        (r#""compressed": "pass""#, r#""gzip": "pass""#),
        (r#""private_ips": "ignore""#, r#""private_ips": true"#),
        (r#"{"EMPLOYEE_ID": {"shapes""#, r#"{"*": {"shapes""#),
        (r#"{"EMPLOYEE_ID": {"shapes""#, r#"{"employee": {"shapes""#),
        (r#""EMP-######""#, r#""EM""#),
        (r#""EMP-######""#, r#""EMP-""#),
        (r#""EMP-######""#, r#""-EMP""#),
        (r#""EMP-######""#, r#""EMP\\#""#),
        (r#""EMP-######""#, r#""EMPL\\""#),
        (r#""EMP-######""#, r#""E\\#P""#),
        (r#""EMP-######""#, r#""EMP-é-#""#),
        (r#""Project Bluebird""#, r#""Project Bluebird ""#),
        (r#""Project Bluebird""#, r#""Pro""#),
        (r#""Project Bluebird""#, r#""Projekt-####""#),
        (r#""Project Bluebird""#, r#""Project\tBluebird""#),
        (r#""alpha": 0.001"#, r#""alpha": 0"#),
        (r#""alpha": 0.001"#, r#""alpha": 0.6"#),
        (r#""worse_by": 2.0"#, r#""worse_by": 1"#),
        (
            r#"{"zero_tolerance": ["IN_AADHAAR"]}"#,
            r#"{"zero_tolerance": ["IN_AADHAAR"], "error_rate": {"worse_by": 2}}"#,
        ),
        (r#"{"/prompt/version": "42"}"#, r#"{"prompt": "42"}"#),
        (r#"{"/prompt/version": "42"}"#, r#"{"/~": "42"}"#),
        (r#""key": "ssh-ed25519"#, r#""key": "ssh-rsa"#),
        (r#""key": "ssh-ed25519 AAAA"#, r#""key": "ssh-ed25519 AAA"#),
        (r#"[["security_lead", "platform_lead"]]"#, "[[]]"),
        (r#""lower": "any""#, r#""lower": "all""#),
    ] {
        assert_policy(&full_but(passage, instead), Err(()));
    }
}

#[test]
fn schema_and_reader_agree_on_orders() {
    for (terms, verdict) in [
        ("", Ok(())),
        (r#", "kill": null"#, Ok(())),
        (
            r#", "kill": {"mode": "rollback", "in_flight": "cut"}"#,
            Ok(()),
        ),
        (r#", "not_after": null"#, Ok(())),
        (r#", "not_after": "2026-11-23T20:00:00Z""#, Ok(())),
        (r#", "ramp": []"#, Ok(())),
        (r#", "ramp": {"percent": 1}"#, Ok(())),
        (
            r#", "ramp": [{"percent": 1}, {"percent": 2, "at": "2026-11-23T20:00:00Z"}]"#,
            Ok(()),
        ),
        (r#", "redaction": "mask_all""#, Ok(())),
        (r#", "redaction": null"#, Ok(())),
        (r#", "redaction": "mask""#, Err(())),
        (r#", "redaction": {"response": {}}"#, Err(())),
        (r#", "ramp": null"#, Err(())),
        (r#", "ramp": 10"#, Err(())),
        (r#", "kill": false"#, Err(())),
        (r#", "on_lapse": "hold""#, Err(())),
        (r#", "not_after": 0"#, Err(())),
    ] {
        let json = format!(r#"{{"rollout": "r", "generation": 8{terms}}}"#);
        let reads = Order::from_json(json.as_bytes()).map_err(|error| error.to_string());
        assert_agree(&json, reads.map(drop), &order(), verdict);
    }
    for json in [
        r#"{"rollout": "r"}"#,
        r#"{"generation": 1}"#,
        "[]",
        r#"["r", 8]"#,
        "null",
    ] {
        let reads = Order::from_json(json.as_bytes()).map_err(|error| error.to_string());
        assert_agree(json, reads.map(drop), &order(), Err(()));
    }
}

#[test]
fn what_only_the_reader_can_say() {
    for (passage, instead) in [
        (r#""percent": 10,"#, r#""percent": 10.00001,"#),
        (r#""percent": 10,"#, r#""percent": 0.5,"#),
        (r#"{"canary": ["qa-1"]"#, r#"{"canary": ["vip-7"]"#),
        (r#"{"x-prompt-version": "42"}"#, r#"{"host": "a"}"#),
        (r#"{"x-prompt-version": "42"}"#, r#"{"x-user-id": "a"}"#),
        (r#""2026-11-23T22:00:00Z""#, r#""2026-13-23T22:00:00Z""#),
        (r#""30d""#, r#""30 moons""#),
        (r#"{"shapes": ["EMP-######"]}"#, "{}"),
    ] {
        let json = full_but(passage, instead);
        assert!(Policy::from_json(json.as_bytes()).is_err(), "{instead}");
        let schema = serde_json::from_str(&policy()).unwrap();
        let valid = check(&schema, &schema, &serde_json::from_str(&json).unwrap());
        assert_eq!(
            valid,
            Ok(()),
            "{instead}: the schema can say it, so move it to the table above"
        );
    }
}

fn full_but(passage: &str, instead: &str) -> String {
    assert!(FULL.contains(passage), "{passage}");
    FULL.replacen(passage, instead, 1)
}

fn assert_policy(json: &str, verdict: Result<(), ()>) {
    let reads = Policy::from_json(json.as_bytes()).map_err(|error| error.to_string());
    assert_agree(json, reads.map(drop), &policy(), verdict);
}

fn assert_agree(json: &str, reads: Result<(), String>, schema: &str, verdict: Result<(), ()>) {
    let schema = serde_json::from_str(schema).unwrap();
    let valid = check(&schema, &schema, &serde_json::from_str(json).unwrap());
    assert_eq!(
        reads.clone().map_err(drop),
        verdict,
        "the reader: {reads:?}\n{json}"
    );
    assert_eq!(
        valid.clone().map_err(drop),
        verdict,
        "the schema: {valid:?}\n{json}"
    );
}

/// Validates `value`: the part of JSON Schema 2020-12 that the schemas use, and nothing else.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let keywords = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => return Err(format!("{value} is one too many")),
        schema => schema.as_object().expect("a schema"),
    };
    for (keyword, said) in keywords {
        check_keyword(root, keywords, keyword, said, value)
            .map_err(|error| format!("{keyword}: {error}"))?;
    }
    Ok(())
}

fn check_keyword(
    root: &Value,
    schema: &serde_json::Map<String, Value>,
    keyword: &str,
    said: &Value,
    value: &Value,
) -> Result<(), String> {
    let number = |value: &Value| value.as_f64().expect("a number");
    let size = said.as_u64().unwrap_or_default() as usize;
    let matches = |pattern: &str, text: &str| Regex::new(pattern).expect(pattern).is_match(text);
    let holds = match (keyword, value) {
        (
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" | "examples"
            | "format",
            _,
        ) => true,
        ("$ref", _) => {
            let place = said
                .as_str()
                .and_then(|reference| reference.strip_prefix('#'))
                .expect("a local reference");
            return check(root, root.pointer(place).expect(place), value);
        }
        ("type", value) => match said.as_str().expect("one type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "integer" => value.is_u64() || value.is_i64(),
            other => panic!("unknown type {other}"),
        },
        ("const", value) => value == said,
        ("anyOf", value) => alternatives(root, said, value) > 0,
        ("oneOf", value) => alternatives(root, said, value) == 1,
        ("minimum", Value::Number(_)) => number(value) >= number(said),
        ("maximum", Value::Number(_)) => number(value) <= number(said),
        ("exclusiveMinimum", Value::Number(_)) => number(value) > number(said),
        ("minLength", Value::String(text)) => text.chars().count() >= size,
        ("maxLength", Value::String(text)) => text.chars().count() <= size,
        ("pattern", Value::String(text)) => matches(said.as_str().expect("a pattern"), text),
        ("minItems", Value::Array(list)) => list.len() >= size,
        ("maxItems", Value::Array(list)) => list.len() <= size,
        ("maxProperties", Value::Object(members)) => members.len() <= size,
        ("items", Value::Array(list)) => {
            return list
                .iter()
                .try_for_each(|element| check(root, said, element));
        }
        ("required", Value::Object(members)) => {
            let mut names = said
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_str);
            names.all(|name| members.contains_key(name))
        }
        ("properties", Value::Object(members)) => {
            let known = members
                .iter()
                .filter_map(|(name, value)| Some((said.get(name)?, value)));
            return known
                .into_iter()
                .try_for_each(|(schema, value)| check(root, schema, value));
        }
        ("patternProperties", Value::Object(members)) => {
            for (pattern, schema) in said.as_object().expect("patterns") {
                let mut named = members.iter().filter(|(name, _)| matches(pattern, name));
                named.try_for_each(|(_, value)| check(root, schema, value))?;
            }
            true
        }
        ("additionalProperties", Value::Object(members)) => {
            let known = |name: &str| {
                let properties = schema
                    .get("properties")
                    .is_some_and(|known| known.get(name).is_some());
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                properties
                    || patterns
                        .into_iter()
                        .flatten()
                        .any(|(pattern, _)| matches(pattern, name))
            };
            let mut others = members.iter().filter(|(name, _)| !known(name));
            return others.try_for_each(|(name, value)| {
                check(root, said, value).map_err(|error| format!("{name}: {error}"))
            });
        }
        (
            "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "minLength"
            | "maxLength"
            | "pattern"
            | "minItems"
            | "maxItems"
            | "maxProperties"
            | "items"
            | "required"
            | "properties"
            | "patternProperties"
            | "additionalProperties",
            _,
        ) => true,
        (other, _) => panic!("this check does not know `{other}`; teach it"),
    };
    if holds {
        Ok(())
    } else {
        Err(format!("{value} is not {said}"))
    }
}

fn alternatives(root: &Value, schemas: &Value, value: &Value) -> usize {
    let schemas = schemas.as_array().expect("a list").iter();
    schemas
        .filter(|schema| check(root, schema, value).is_ok())
        .count()
}
