use proptest::prelude::*;

use super::*;
use crate::control::LiveRedaction;
use crate::fixtures::{policy_of, rollout_json};
use crate::redaction::{Direction, PrivateIps, Unscanned};

/// A policy with every field.
const FULL: &str = include_str!("full.json");
const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop nobody";

fn refused(json: &str) -> DocumentError {
    Policy::from_json(json.as_bytes()).expect_err(json)
}

/// The full policy with one passage, which must be there, written otherwise.
fn full_but(passage: &str, instead: &str) -> String {
    assert!(FULL.contains(passage), "{passage}");
    FULL.replacen(passage, instead, 1)
}

#[test]
fn the_full_policy_reads_back_as_it_was_written() {
    let policy = Policy::from_json(FULL.as_bytes()).unwrap();
    let json = serde_json::to_vec_pretty(&policy).unwrap();
    assert_eq!(Policy::from_json(&json).unwrap(), policy);
    let packed = rmp_serde::to_vec_named(&policy).unwrap();
    assert_eq!(Policy::from_msgpack(&packed).unwrap(), policy);
}

#[test]
fn the_full_policy_says_what_is_written_in_it() {
    let policy = Policy::from_json(FULL.as_bytes()).unwrap();
    let rollout = &policy.rollouts[0];
    assert_eq!(policy.name.as_str(), "support");
    assert_eq!(policy.role, Role::Traffic);
    assert_eq!(
        rollout.matches.host.as_ref().unwrap().as_str(),
        "api.example.com"
    );
    assert_eq!(rollout.unit.len(), 4);
    assert_eq!(rollout.bucketing().pin(b"qa-1"), Some(Arm::Canary));
    assert_eq!(rollout.bucketing().pin(b"vip-7"), Some(Arm::Stable));
    assert_eq!(rollout.bucketing().pin(b"vip"), None);
    assert_eq!(rollout.arms.get(Arm::Canary).version.as_str(), "prompt-v42");
    assert_eq!(
        rollout
            .arms
            .get(Arm::Stable)
            .cluster
            .as_ref()
            .unwrap()
            .as_str(),
        "agent-v41"
    );
    assert_eq!(rollout.control.generation.get(), 7);
    assert_eq!(rollout.control.ramp.steps().len(), 2);
    assert_eq!(rollout.judge.as_ref().unwrap().signals.len(), 3);
    assert_eq!(rollout.control.redaction, Some(LiveRedaction::MaskAll));
    let redaction = rollout.redaction.as_ref().unwrap();
    assert_eq!((redaction.response.len(), redaction.request.len()), (3, 1));
    let own = |arm| {
        let actions = redaction.arms.get(arm);
        Direction::BOTH.map(|direction| actions.get(direction).len())
    };
    assert_eq!([own(Arm::Stable), own(Arm::Canary)], [[1, 0], [0, 1]]);
    let unscannable = redaction.unscannable;
    assert_eq!(
        [
            unscannable.compressed,
            unscannable.binary,
            unscannable.oversized
        ],
        [Unscanned::Pass, Unscanned::Block, Unscanned::Block]
    );
    assert_eq!(redaction.entities.iter().count(), 2);
    assert_eq!(redaction.private_ips, PrivateIps::Ignore);
    let set: Vec<_> = rollout.headers_set().map(HeaderName::as_str).collect();
    assert_eq!(set, ["x-prompt-version", "x-prompt-version"]);
}

#[test]
fn what_may_be_left_out() {
    let policy = Policy::from_json(br#"{"policy": "p"}"#).unwrap();
    assert!(policy.rollouts.is_empty() && policy.trust.is_none());
    let policy = policy_of(&rollout_json("r", ""));
    let rollout = &policy.rollouts[0];
    assert_eq!(rollout.matches, Match::default());
    assert!(rollout.unit.is_empty());
    assert_eq!(
        (rollout.stamp, rollout.access_log),
        (Stamp::All, AccessLog::Decision)
    );
    assert!(!rollout.expose && rollout.redaction.is_none() && rollout.judge.is_none());
}

#[test]
fn unknown_fields_are_refused_at_every_level_by_their_path() {
    // Where an object begins, and the path of an unknown field in it.
    for (passage, path) in [
        (
            r#"{
  "policy""#,
            "zzz",
        ),
        (
            r#"{
    "name""#,
            "rollouts[0].zzz",
        ),
        (r#"{"host""#, "rollouts[0].match.zzz"),
        (r#"{"header": "x-user-id""#, "rollouts[0].unit[0].zzz"),
        (
            r#"{"name": "bg-unit""#,
            "rollouts[0].unit[3].random_cookie.zzz",
        ),
        (r#"{"canary": ["qa-1"]"#, "rollouts[0].pins.zzz"),
        (
            r#"{
      "stable""#,
            "rollouts[0].arms.zzz",
        ),
        (r#"{"version": "prompt-v42""#, "rollouts[0].arms.canary.zzz"),
        (r#"{"generation""#, "rollouts[0].control.zzz"),
        (r#"{"percent": 10"#, "rollouts[0].control.ramp[1].zzz"),
        (
            r#"{
      "response""#,
            "rollouts[0].redaction.zzz",
        ),
        (
            r#"{"canary": {"response""#,
            "rollouts[0].redaction.arms.zzz",
        ),
        (
            r#"{"response": {"EMAIL_ADDRESS": "block""#,
            "rollouts[0].redaction.arms.canary.zzz",
        ),
        (r#"{"compressed""#, "rollouts[0].redaction.unscannable.zzz"),
        (
            r#"{"shapes""#,
            "rollouts[0].redaction.entities.EMPLOYEE_ID.zzz",
        ),
        (r#"{"alpha""#, "rollouts[0].judge.zzz"),
        (r#"{"error_rate""#, "rollouts[0].judge.signals[0].zzz"),
        (
            r#"{"worse_by""#,
            "rollouts[0].judge.signals[0].error_rate.zzz",
        ),
        (
            r#"{"entity""#,
            "rollouts[0].judge.signals[1].redactions.zzz",
        ),
        (r#"{"keys""#, "trust.zzz"),
        (r#"{"id""#, "trust.keys[0].zzz"),
    ] {
        let begins = passage.replacen('{', r#"{"zzz": 1, "#, 1);
        let error = refused(&full_but(passage, &begins));
        assert_eq!(error.path(), path, "{error}");
        let unknown = error.message().starts_with("unknown field `zzz`, expected")
            || error
                .message()
                .starts_with("unknown variant `zzz`, expected");
        assert!(unknown, "{error}");
    }
}

#[test]
fn broken_policies_name_the_path_and_what_was_expected() {
    // A passage of the full policy, what stands there instead, and the error that follows.
    #[rustfmt::skip]
    let table = [
        (r#""policy": "support""#, r#""policy": 7"#, "policy", "invalid type: integer `7`, expected a"),
        (r#""policy": "support""#, r#""policy": "sup port""#, "policy", r#"invalid value: string "sup port", expected a name of 1 to 64"#),
        (r#""policy": "support""#, r#""policy": """#, "policy", r#"invalid value: string "", expected a name of 1 to 64"#),
        (r#""policy": "support""#, r#""role": "boss", "policy": "support""#, "role", "unknown variant `boss`, expected one of `traffic`, `operator`"),
        (r#""policy": "support""#, r#""policy": "a", "policy": "b""#, "policy", "`policy` is given twice"),
        (r#""policy": "support","#, "", "", "missing field `policy`"),
        (r#""name": "support-agent","#, "", "rollouts[0]", "missing field `name`"),
        (r#""name": "support-agent""#, r#""name": "a", "name": "b""#, "rollouts[0].name", "`name` is given twice"),
        (r#""match": {"host""#, r#""match": null, "x": {"host""#, "rollouts[0].x", "unknown field `x`, expected one of `name`, `match`"),
        (r#""host": "api.example.com""#, r#""host": "api.example.com:443""#, "rollouts[0].match.host", r#"invalid value: string "api.example.com:443", expected a host without its port"#),
        (r#""host": "api.example.com""#, r#""host": "*""#, "rollouts[0].match.host", r#"invalid value: string "*", expected a host"#),
        (r#""host": "api.example.com""#, r#""host": "api..com""#, "rollouts[0].match.host", r#"invalid value: string "api..com", expected a host"#),
        (r#""host": "api.example.com""#, r#""host": "a.*.com""#, "rollouts[0].match.host", r#"invalid value: string "a.*.com", expected a host"#),
        (r#""host": "api.example.com""#, r#""host": "[::1]:443""#, "rollouts[0].match.host", r#"invalid value: string "[::1]:443", expected a host"#),
        (r#""host": "api.example.com""#, r#""host": "[nobody]""#, "rollouts[0].match.host", r#"invalid value: string "[nobody]", expected a host"#),
        (r#""/v1/agents/support""#, r#""v1""#, "rollouts[0].match.path_prefix", r#"invalid value: string "v1", expected the beginning of a path"#),
        (r#""/v1/agents/support""#, r#""/v1?x=1""#, "rollouts[0].match.path_prefix", r#"invalid value: string "/v1?x=1", expected the beginning of a path"#),
        (r#"{"x-agent": "support"}"#, r#"{"x agent": "support"}"#, "rollouts[0].match.headers.x agent", r#"invalid value: string "x agent", expected the name of a header"#),
        (r#"{"x-agent": "support"}"#, r#"{"x-agent": "über"}"#, "rollouts[0].match.headers.x-agent", r#"invalid value: string "über", expected 1 to 1024 visible ASCII"#),
        (r#"{"x-agent": "support"}"#, r#"{"x-agent": "a", "x-agent": "b"}"#, "rollouts[0].match.headers", "`x-agent` is given twice"),
        (r#"{"x-agent": "support"}"#, r#"{"x-agent": "a", "X-Agent": "b"}"#, "rollouts[0].match.headers", "`X-Agent` is given twice"),
        (r#"{"x-agent": "support"}"#, r#"{"x-agent": "support "}"#, "rollouts[0].match.headers.x-agent", "invalid value"),
        (r#"{"header": "x-user-id"}"#, r#"{"header": 1}"#, "rollouts[0].unit[0].header", "invalid type: integer `1`, expected the name of a header"),
        (r#"{"header": "x-user-id"}"#, r#""x-user-id""#, "rollouts[0].unit[0]", "invalid type: string \"x-user-id\", expected an object"),
        (r#"{"header": "x-user-id"}"#, r#"{"random_cookie": {"name": "a", "max_age": "1d"}}"#, "rollouts[0].unit", "`random_cookie` always has a unit; expected it as the last source"),
        (r#"{"cookie": "session"}"#, r#"{"cookie": "a=b"}"#, "rollouts[0].unit[1].cookie", r#"invalid value: string "a=b", expected the name of a cookie"#),
        (r#"{"jwt_claim": "sub"}"#, r#"{"jwt_claim": ""}"#, "rollouts[0].unit[2].jwt_claim", r#"invalid value: string "", expected the name of a claim"#),
        (r#""30d""#, "30", "rollouts[0].unit[3].random_cookie.max_age", "invalid type: integer `30`, expected a"),
        (r#""30d""#, r#""30""#, "rollouts[0].unit[3].random_cookie.max_age", r#"invalid value: string "30", expected a duration of whole seconds with its unit"#),
        (r#""salt": "chg-2026-0117""#, r#""salt": """#, "rollouts[0].salt", r#"invalid value: string "", expected a salt of 1 to 256 bytes"#),
        (r#""salt": "chg-2026-0117","#, "", "rollouts[0]", "missing field `salt`"),
        (r#"{"canary": ["qa-1"], "#, r#"{"canary": ["vip-7"], "#, "rollouts[0].pins", "unit `vip-7` is pinned twice"),
        (r#"{"canary": ["qa-1"], "#, r#"{"canary": [""], "#, "rollouts[0].pins", "a pinned unit has 1 to 1024 bytes"),
        (r#"{"canary": ["qa-1"], "#, r#"{"canary": ["qa-1", 7], "#, "rollouts[0].pins.canary[1]", "invalid type: integer `7`, expected a"),
        (r#""version": "prompt-v42", "#, "", "rollouts[0].arms.canary", "missing field `version`"),
        (r#""agent-v42""#, r#""agent v42""#, "rollouts[0].arms.canary.cluster", r#"invalid value: string "agent v42", expected a name"#),
        (r#"{"x-prompt-version": "42"}"#, r#"{"X-Breakglass-Arm": "canary"}"#, "rollouts[0].arms.canary.request_headers", "`x-breakglass-arm` belongs to HTTP or to Breakglass; expected a header of your own"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"Host": "a"}"#, "rollouts[0].arms.canary.request_headers", "`host` belongs to HTTP"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"transfer-encoding": "a"}"#, "rollouts[0].arms.canary.request_headers", "`transfer-encoding` belongs to HTTP"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"content-length": "1"}"#, "rollouts[0].arms.canary.request_headers", "`content-length` belongs to HTTP"),
        (r#"{"x-prompt-version": "42"}"#, r#"{":path": "/"}"#, "rollouts[0].arms.canary.request_headers.:path", r#"invalid value: string ":path", expected the name of a header"#),
        (r#"{"x-prompt-version": "42"}"#, r#"{"x-user-id": "1"}"#, "rollouts", "rollout `support-agent` reads header `x-user-id`, which an arm sets"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"x-agent": "1"}"#, "rollouts", "rollout `support-agent` reads header `x-agent`, which an arm sets"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"cookie": "a=b"}"#, "rollouts[0].arms.canary.request_headers", "`cookie` belongs to HTTP"),
        (r#"{"x-prompt-version": "42"}"#, r#"{"authorization": "bearer a"}"#, "rollouts[0].arms.canary.request_headers", "`authorization` belongs to HTTP"),
        (r#"{"/prompt/version": "42"}"#, r#"{"prompt": "42"}"#, "rollouts[0].arms.canary.json.prompt", r#"invalid value: string "prompt", expected a JSON pointer"#),
        (r#"{"/prompt/version": "42"}"#, r#"{"/a~2": "42"}"#, "rollouts[0].arms.canary.json./a~2", "invalid value: string \"/a~2\", expected a JSON pointer"),
        (r#"{"/prompt/version": "42"}"#, r#"{"/a": 1, "/a/b": 2}"#, "rollouts[0].arms.canary.json", "`/a/b` leads into the value that `/a` sets"),
        (r#"{"/prompt/version": "42"}"#, r#"{"/a": 1, "/a": 2}"#, "rollouts[0].arms.canary.json", "`/a` is given twice"),
        (r#""generation": 7"#, r#""generation": 7.5"#, "rollouts[0].control.generation", "invalid type: floating point `7.5`, expected a generation"),
        (r#""generation": 7"#, r#""generation": 9007199254740992"#, "rollouts[0].control.generation", "invalid value: integer `9007199254740992`, expected a generation from 0"),
        (r#""percent": 10,"#, r#""percent": 10.00001,"#, "rollouts[0].control.ramp[1].percent", "invalid value: floating point `10.00001`, expected a percentage from 0 to 100 with at most four decimal places"),
        (r#""percent": 10,"#, r#""percent": 100.0001,"#, "rollouts[0].control.ramp[1].percent", "invalid value: floating point `100.0001`, expected a percentage"),
        (r#""percent": 10,"#, r#""percent": -1,"#, "rollouts[0].control.ramp[1].percent", "invalid value: integer `-1`, expected a percentage"),
        (r#""percent": 10,"#, r#""percent": 0.5,"#, "rollouts[0].control.ramp", "step 1 (counted from 0) goes down to 0.5 %; a ramp only grows"),
        (r#""percent": 10,"#, "", "rollouts[0].control.ramp[1]", "missing field `percent`"),
        (r#""2026-11-23T20:10:00Z""#, r#""2026-11-23T20:00:00Z""#, "rollouts[0].control.ramp", "step 1 (counted from 0) is not later"),
        (r#""2026-11-23T20:10:00Z""#, r#""2026-11-23T20:10:00+05:30""#, "rollouts[0].control.ramp[1].at", r#"invalid value: string "2026-11-23T20:10:00+05:30", expected a time in UTC"#),
        (r#""2026-11-23T20:10:00Z""#, "1795464000", "rollouts[0].control.ramp[1].at", "invalid type: integer `1795464000`, expected a"),
        (r#""on_lapse": "stable""#, r#""on_lapse": "stop""#, "rollouts[0].control.on_lapse", "unknown variant `stop`, expected one of `hold`, `stable`"),
        (r#""kill": null"#, r#""kill": true"#, "rollouts[0].control.kill", "invalid type: boolean `true`, expected an object"),
        (r#""kill": null"#, r#""kill": {"mode": "rollback", "in_flight": "slash"}"#, "rollouts[0].control.kill.in_flight", "unknown variant `slash`, expected one of `drain`, `cut`"),
        (r#""EMAIL_ADDRESS": "mask""#, r#""EMAIL_ADDRESS": "hide""#, "rollouts[0].redaction.response.EMAIL_ADDRESS", "unknown variant `hide`, expected one of `count`, `mask`, `block`"),
        (r#""EMAIL_ADDRESS": "mask""#, r#""email": "mask""#, "rollouts[0].redaction.response.email", r#"invalid value: string "email", expected an entity in capitals"#),
        (r#""EMAIL_ADDRESS": "mask""#, r#""IN_AADHAAR": "count""#, "rollouts[0].redaction.response", "`IN_AADHAAR` is given twice"),
        (r#""redaction": "mask_all""#, r#""redaction": "mask""#, "rollouts[0].control.redaction", "unknown variant `mask`, expected `mask_all`"),
        (r#""redaction": "mask_all""#, r#""redaction": true"#, "rollouts[0].control.redaction", "invalid type: boolean `true`, expected `mask_all`"),
        (r#""EMP-######""#, r#""EMP-######", "E-""#, "rollouts[0].redaction.entities.EMPLOYEE_ID.shapes[1]", r#"invalid value: string "E-", expected 4 to 64 visible ASCII"#),
        (r#""alpha": 0.001"#, r#""alpha": 0"#, "rollouts[0].judge.alpha", "invalid value: integer `0`, expected a probability above 0"),
        (r#""worse_by": 2.0"#, r#""worse_by": 1"#, "rollouts[0].judge.signals[0].error_rate.worse_by", "invalid value: integer `1`, expected a factor above 1"),
        (r#"["IN_AADHAAR"]"#, r#"["IN_AADHAAR", "x"]"#, "rollouts[0].judge.signals[2].zero_tolerance[1]", r#"invalid value: string "x", expected an entity"#),
        (r#""key": "ssh-ed25519"#, r#""key": "ssh-rsa"#, "trust.keys[0].key", "invalid value: string \"ssh-rsa"),
        (r#""key": "ssh-ed25519 AAAA"#, r#""key": "ssh-ed25519 BBBB"#, "trust.keys[0].key", "invalid value: string \"ssh-ed25519 BBBB"),
        (r#"[["security_lead", "platform_lead"]]"#, "[[]]", "trust.raise", "set 0 (counted from 0) has 0 roles, expected 1 to 16: an empty one would let anybody raise exposure"),
        (r#""lower": "any""#, r#""lower": "none""#, "trust.lower", "unknown variant `none`, expected `any`"),
    ];
    let mut wrong = Vec::new();
    for (passage, instead, path, message) in table {
        let error = refused(&full_but(passage, instead));
        if (error.path(), error.message().starts_with(message)) != (path, true) {
            wrong.push(format!("{instead}: {error}, expected {path}: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn two_of_the_same_name_are_refused() {
    let rollouts = format!("{},{}", rollout_json("a", ""), rollout_json("a", ""));
    let error = refused(&format!(r#"{{"policy": "p", "rollouts": [{rollouts}]}}"#));
    assert_eq!(
        (error.path(), error.message()),
        ("rollouts", "two rollouts are named `a`")
    );
    let key = format!(r#"{{"id": "k", "role": "r", "key": "{OTHER_KEY}"}}"#);
    let error = refused(&format!(
        r#"{{"policy": "p", "trust": {{"keys": [{key}, {key}]}}}}"#
    ));
    assert_eq!(
        (error.path(), error.message()),
        ("trust.keys", "two keys are named `k`")
    );
}

#[test]
fn a_header_that_one_rollout_sets_cannot_be_read_by_another() {
    let reads = rollout_json("reads", r#""unit": [{"header": "X-Team"}]"#);
    let sets = rollout_json("sets", "").replace(
        r#""version": "2""#,
        r#""version": "2", "request_headers": {"x-team": "b"}"#,
    );
    let error = refused(&format!(
        r#"{{"policy": "p", "rollouts": [{reads}, {sets}]}}"#
    ));
    assert!(
        error
            .message()
            .starts_with("rollout `reads` reads header `x-team`, which an arm sets"),
        "{error}"
    );
}

#[test]
fn limits_are_named_where_they_are_passed() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| {
        (0..count).map(entry).collect::<Vec<_>>().join(",")
    };
    let headers = many(limits::EDITS + 1, &|n| format!(r#""x-{n}": "1""#));
    let json = many(limits::EDITS + 1, &|n| format!(r#""/{n}": 1"#));
    let sources = many(limits::UNIT_SOURCES + 1, &|n| {
        format!(r#"{{"header": "x-{n}"}}"#)
    });
    let pins = many(limits::PINS + 1, &|n| format!(r#""u{n}""#));
    let of = |further: &str| {
        format!(
            r#"{{"policy": "p", "rollouts": [{}]}}"#,
            rollout_json("r", further)
        )
    };
    for (document, path, message) in [
        (
            of(&format!(r#""match": {{"headers": {{{headers}}}}}"#)),
            "rollouts[0].match.headers",
            "33 entries, expected at most 32",
        ),
        (
            of("").replace(
                r#""version": "1""#,
                &format!(r#""version": "1", "json": {{{json}}}"#),
            ),
            "rollouts[0].arms.stable.json",
            "33 entries, expected at most 32",
        ),
        (
            of("").replace(
                r#""version": "1""#,
                &format!(r#""version": "1", "request_headers": {{{headers}}}"#),
            ),
            "rollouts[0].arms.stable.request_headers",
            "33 entries, expected at most 32",
        ),
        (
            of(&format!(r#""unit": [{sources}]"#)),
            "rollouts[0].unit",
            "9 sources, expected at most 8",
        ),
        (
            of(&format!(r#""pins": {{"canary": [{pins}]}}"#)),
            "rollouts[0].pins",
            "10001 pins, expected at most 10000 an arm",
        ),
        (
            format!(
                r#"{{"policy": "p", "rollouts": [{}]}}"#,
                many(limits::ROLLOUTS + 1, &|n| rollout_json(
                    &format!("r{n}"),
                    ""
                ))
            ),
            "rollouts",
            "4097 rollouts, expected at most 4096",
        ),
    ] {
        let error = refused(&document);
        assert_eq!(error.path(), path, "{error}");
        assert!(error.message().starts_with(message), "{error}");
    }
    let large = vec![b' '; limits::POLICY_BYTES + 1];
    let error = Policy::from_json(&large).unwrap_err();
    assert_eq!(error.message(), "8388609 bytes, expected at most 8388608");
    let error = Policy::from_msgpack(&large).unwrap_err();
    assert_eq!(error.message(), "8388609 bytes, expected at most 8388608");
}

#[test]
fn a_policy_is_one_document_of_utf_8() {
    for (bytes, message) in [
        (&b"{\"policy\": \"p\"} {}"[..], "trailing characters"),
        (b"{\"policy\": \"p\"}x", "trailing characters"),
        (b"{\"policy\": \"\xff\xfe\"}", "invalid unicode code point"),
        (b"\xef\xbb\xbf{\"policy\": \"p\"}", "expected value"),
        (b"", "EOF while parsing a value"),
        (b"{\"policy\": \"p\"", "EOF while parsing an object"),
        (b"[", "EOF while parsing a list"),
    ] {
        let error = Policy::from_json(bytes).unwrap_err();
        let message_begins = error.message().starts_with(message);
        assert!(
            message_begins,
            "{:?}: {error}",
            bytes.escape_ascii().to_string()
        );
    }
    let mut packed = rmp_serde::to_vec_named(&Policy::from_json(FULL.as_bytes()).unwrap()).unwrap();
    packed.push(0xc0);
    let error = Policy::from_msgpack(&packed).unwrap_err();
    assert_eq!(error.message(), "1 bytes follow the document");
}

#[test]
fn packed_policies_name_the_path_too() {
    #[derive(serde::Serialize)]
    struct Wrong {
        policy: &'static str,
        rollouts: [u8; 1],
    }
    let packed = rmp_serde::to_vec_named(&Wrong {
        policy: "p",
        rollouts: [7],
    })
    .unwrap();
    let error = Policy::from_msgpack(&packed).unwrap_err();
    assert_eq!(error.path(), "rollouts[0]");
    assert!(
        error
            .message()
            .starts_with("invalid type: integer `7`, expected an object"),
        "{error}"
    );
}

#[test]
fn deep_nesting_is_refused_and_exhausts_no_stack() {
    // In a JSON edit any value may stand, so nesting has no bound but the reader's.
    let nested = |depth: usize| {
        let value = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let arms = format!(r#""version": "1", "json": {{"/a": {value}}}"#);
        let rollout = rollout_json("r", "").replace(r#""version": "1""#, &arms);
        format!(r#"{{"policy": "p", "rollouts": [{rollout}]}}"#)
    };
    assert!(Policy::from_json(nested(64).as_bytes()).is_ok());
    let error = refused(&nested(100_000));
    assert!(
        error.message().starts_with("recursion limit exceeded"),
        "{error}"
    );
    let error = refused(&"[".repeat(1_000_000));
    assert!(!error.message().is_empty());

    let json: serde_json::Value = serde_json::from_str(&nested(64)).unwrap();
    let packed = rmp_serde::to_vec_named(&json).unwrap();
    assert!(Policy::from_msgpack(&packed).is_ok());
    // The single list byte 0x91 (a list of one element), a hundred thousand times in the same place.
    let at = packed.iter().position(|byte| *byte == 0x91).unwrap();
    let inner = packed
        .windows(64)
        .position(|window| window == [0x91; 64])
        .unwrap();
    assert!(at < inner);
    let mut deep = packed[..inner].to_vec();
    deep.extend(std::iter::repeat_n(0x91, 100_000));
    deep.extend(&packed[inner..]);
    let error = Policy::from_msgpack(&deep).unwrap_err();
    assert_eq!(error.message(), "depth limit exceeded");
    assert!(Policy::from_msgpack(&[0x91; 1_000_000]).is_err());
    assert!(Policy::from_msgpack(&[0x81; 1_000_000]).is_err());
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    // A string, a list and a map that claim four thousand million entries and end.
    for bytes in [
        &[0x81, 0xdb, 0xff, 0xff, 0xff, 0xff][..],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(Policy::from_msgpack(bytes).is_err());
    }
}

#[test]
fn hosts_are_kept_in_one_form() {
    for (given, kept) in [
        ("API.Example.com", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("*.Example.com.", "*.example.com"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "[::1]"),
        ("[FE80::1]", "[fe80::1]"),
        ("my_host", "my_host"),
    ] {
        let host = HostPattern::new(given);
        assert_eq!(
            host.as_ref().map(HostPattern::as_str),
            Some(kept),
            "{given}"
        );
    }
    for given in [
        "", ".", "*", "*.", "a:80", "::1", "[::1", "[]", "a b", "ä.de", "a/b", "*.[::1]", "-.*",
    ] {
        assert_eq!(HostPattern::new(given), None, "{given}");
    }
}

#[test]
fn prefixes_are_kept_without_their_last_slash() {
    for (given, kept) in [
        ("/", ""),
        ("/v1", "/v1"),
        ("/v1/", "/v1"),
        ("/v1//", "/v1/"),
        ("/a%20b", "/a%20b"),
    ] {
        let prefix = PathPrefix::new(given);
        assert_eq!(
            prefix.as_ref().map(PathPrefix::as_str),
            Some(kept),
            "{given}"
        );
    }
    for given in ["", "v1", "/a b", "/a?b", "/a#b", "/ä"] {
        assert_eq!(PathPrefix::new(given), None, "{given}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Policy::from_json(&bytes);
        let _ = Policy::from_msgpack(&bytes);
    }

    #[test]
    fn a_policy_with_bytes_overwritten_never_panics(at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..4)) {
        let policy = Policy::from_json(FULL.as_bytes()).unwrap();
        let packed = rmp_serde::to_vec_named(&policy).unwrap();
        let overwrite = |mut document: Vec<u8>| {
            let at = at.index(document.len());
            let end = (at + bytes.len()).min(document.len());
            document.splice(at..end, bytes.iter().copied());
            document
        };
        // Where it still reads, it reads back as well.
        if let Ok(policy) = Policy::from_json(&overwrite(FULL.into())) {
            let json = serde_json::to_vec(&policy).unwrap();
            prop_assert_eq!(Policy::from_json(&json).unwrap(), policy);
        }
        if let Ok(policy) = Policy::from_msgpack(&overwrite(packed)) {
            let packed = rmp_serde::to_vec_named(&policy).unwrap();
            prop_assert_eq!(Policy::from_msgpack(&packed).unwrap(), policy);
        }
    }
}
