use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::PayloadType;
use crate::fixtures::{
    ENGINEER, PLATFORM, SECURITY, SECURITY_2, STRANGER, changed, control, control_from, envelope,
    generation, kill, moment, name, ramp, sealed, time, trust, warrant_json,
};

/// In force in every case of the tables.
const CURRENT: &str = r#"{"generation": 7, "ramp": [{"percent": 10}, {"percent": 50, "at": "2026-11-23T20:00:00Z"}],
    "not_after": "2026-11-23T22:00:00Z", "on_lapse": "hold"}"#;
const MASKED: &str = r#"{"generation": 7, "ramp": {"percent": 10}, "redaction": "mask_all"}"#;
const KILLED: &str = r#"{"generation": 7, "ramp": {"percent": 10}, "kill": {"mode": "rollback", "in_flight": "cut"}}"#;

fn order(terms: &str) -> Order {
    let json = format!(r#"{{"rollout": "r", {terms}}}"#);
    Order::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn any_order() -> impl Strategy<Value = Order> {
    let number = 0..4u64;
    let ramp = option::of(ramp());
    let not_after = option::of(option::of(time()));
    let kill = option::of(option::of(kill()));
    let redaction = option::of(option::of(Just(LiveRedaction::MaskAll)));
    let terms = (number, ramp, not_after, kill, redaction);
    terms.prop_map(|(number, ramp, not_after, kill, redaction)| Order {
        policy: None,
        rollout: name("r"),
        generation: generation(number),
        ramp,
        not_after,
        kill,
        redaction,
        warrant: None,
        issued_at: None,
    })
}

#[test]
fn accepts_what_lowers_exposure() {
    let killed_8 = KILLED.replace('7', "8");
    for (current, terms, expected) in [
        (
            CURRENT,
            r#""generation": 8, "kill": {"mode": "rollback", "in_flight": "cut"}"#,
            r#"{"generation": 8, "ramp": [{"percent": 10}, {"percent": 50, "at": "2026-11-23T20:00:00Z"}],
                "not_after": "2026-11-23T22:00:00Z", "on_lapse": "hold", "kill": {"mode": "rollback", "in_flight": "cut"}}"#,
        ),
        (
            CURRENT,
            r#""generation": 8, "ramp": {"percent": 1}"#,
            r#"{"generation": 8, "ramp": {"percent": 1}, "not_after": "2026-11-23T22:00:00Z", "on_lapse": "hold"}"#,
        ),
        (
            CURRENT,
            r#""generation": 8, "ramp": []"#,
            r#"{"generation": 8, "not_after": "2026-11-23T22:00:00Z", "on_lapse": "hold"}"#,
        ),
        (
            CURRENT,
            r#""generation": 9000, "not_after": "2026-11-23T21:00:00Z""#,
            r#"{"generation": 9000, "ramp": [{"percent": 10}, {"percent": 50, "at": "2026-11-23T20:00:00Z"}],
                "not_after": "2026-11-23T21:00:00Z", "on_lapse": "hold"}"#,
        ),
        (
            CURRENT,
            r#""generation": 8, "kill": null"#,
            r#"{"generation": 8, "ramp": [{"percent": 10}, {"percent": 50, "at": "2026-11-23T20:00:00Z"}],
                "not_after": "2026-11-23T22:00:00Z", "on_lapse": "hold"}"#,
        ),
        (
            KILLED,
            r#""generation": 8, "kill": {"mode": "block", "in_flight": "cut"}"#,
            r#"{"generation": 8, "ramp": {"percent": 10}, "kill": {"mode": "block", "in_flight": "cut"}}"#,
        ),
        (
            KILLED,
            r#""generation": 8, "redaction": "mask_all""#,
            r#"{"generation": 8, "ramp": {"percent": 10}, "kill": {"mode": "rollback", "in_flight": "cut"}, "redaction": "mask_all"}"#,
        ),
        // What is off may be ordered off; what an order does not name stays on.
        (KILLED, r#""generation": 8, "redaction": null"#, &killed_8),
        (
            MASKED,
            r#""generation": 8, "ramp": []"#,
            r#"{"generation": 8, "redaction": "mask_all"}"#,
        ),
        (
            MASKED,
            r#""generation": 7, "redaction": "mask_all""#,
            MASKED,
        ),
        (
            MASKED,
            r#""generation": 7, "kill": {"mode": "block"}"#,
            r#"{"generation": 7, "ramp": {"percent": 10}, "kill": {"mode": "block"}, "redaction": "mask_all"}"#,
        ),
        // The generation in force: the same again, or something stricter.
        (
            KILLED,
            r#""generation": 7, "kill": {"mode": "rollback", "in_flight": "cut"}"#,
            KILLED,
        ),
        (
            KILLED,
            r#""generation": 7, "ramp": {"percent": 5}"#,
            r#"{"generation": 7, "ramp": {"percent": 5}, "kill": {"mode": "rollback", "in_flight": "cut"}}"#,
        ),
    ] {
        let result = order(terms).lower(&control_from(current));
        assert_eq!(result, Ok(control_from(expected)), "{terms}");
    }
}

#[test]
fn refuses_what_raises_exposure_and_names_the_term() {
    for (current, terms, term) in [
        (CURRENT, r#""ramp": {"percent": 11}"#, "ramp"),
        (
            CURRENT,
            r#""ramp": [{"percent": 10}, {"percent": 50, "at": "2026-11-23T19:59:59Z"}]"#,
            "ramp",
        ),
        (
            CURRENT,
            r#""not_after": "2026-11-23T22:00:01Z""#,
            "not_after",
        ),
        (CURRENT, r#""not_after": null"#, "not_after"),
        (
            CURRENT,
            r#""ramp": {"percent": 11}, "not_after": null"#,
            "not_after",
        ),
        (
            CURRENT,
            r#""ramp": {"percent": 11}, "kill": {"mode": "block"}"#,
            "ramp",
        ),
        (KILLED, r#""kill": null"#, "kill"),
        (KILLED, r#""kill": null, "ramp": []"#, "kill"),
        (KILLED, r#""kill": {"mode": "rollback"}"#, "kill"),
        (
            KILLED,
            r#""kill": {"mode": "block", "in_flight": "drain"}"#,
            "kill",
        ),
        (MASKED, r#""redaction": null"#, "redaction"),
        (
            MASKED,
            r#""redaction": null, "kill": {"mode": "block", "in_flight": "cut"}"#,
            "redaction",
        ),
        (
            MASKED,
            r#""ramp": {"percent": 11}, "redaction": null"#,
            "redaction",
        ),
        (
            MASKED,
            r#""redaction": "mask_all", "ramp": {"percent": 11}"#,
            "ramp",
        ),
        (KILLED, r#""redaction": "mask_all", "kill": null"#, "kill"),
    ] {
        let terms = format!(r#""generation": 8, {terms}"#);
        let result = order(&terms).lower(&control_from(current));
        assert_eq!(result, Err(OrderRefused::Raises(term)), "{terms}");
    }
}

#[test]
fn refuses_what_is_stale_and_tells_the_generation_in_force() {
    for (current, terms) in [
        (CURRENT, r#""generation": 6, "kill": {"mode": "block"}"#),
        (CURRENT, r#""generation": 0, "ramp": []"#),
        // Of the generation in force, but asking for more than is in force.
        (CURRENT, r#""generation": 7, "ramp": {"percent": 11}"#),
        (
            CURRENT,
            r#""generation": 7, "kill": {"mode": "rollback"}, "ramp": {"percent": 11}"#,
        ),
        (KILLED, r#""generation": 7, "kill": null"#),
        (MASKED, r#""generation": 7, "redaction": null"#),
        (MASKED, r#""generation": 6, "redaction": "mask_all""#),
    ] {
        let result = order(terms).lower(&control_from(current));
        let current = generation(7);
        assert_eq!(result, Err(OrderRefused::Stale { current }), "{terms}");
    }
}

#[test]
fn refuses_an_order_that_names_no_term() {
    let result = order(r#""generation": 8"#).lower(&control_from(CURRENT));
    assert_eq!(result, Err(OrderRefused::Empty));
}

#[test]
fn tells_null_from_absent() {
    assert_eq!(order(r#""generation": 1"#).kill, None);
    assert_eq!(order(r#""generation": 1, "kill": null"#).kill, Some(None));
    assert_eq!(order(r#""generation": 1"#).not_after, None);
    assert_eq!(
        order(r#""generation": 1, "not_after": null"#).not_after,
        Some(None)
    );
    assert_eq!(order(r#""generation": 1"#).redaction, None);
    assert_eq!(
        order(r#""generation": 1, "redaction": null"#).redaction,
        Some(None)
    );
}

#[test]
fn refusals_say_what_to_do() {
    for (refused, expected) in [
        (
            OrderRefused::Stale {
                current: generation(7),
            },
            "generation 7 is in force; read the current control and order a higher generation",
        ),
        (OrderRefused::Raises("kill"), "`kill` would raise exposure;"),
        (
            OrderRefused::Empty,
            "the order changes nothing; expected `kill`, `redaction`, `ramp` or `not_after`",
        ),
        (
            OrderRefused::Unsigned,
            "a policy in force names trusted keys, so an order must be signed: send it as application/vnd.dsse.envelope.v1+json",
        ),
        (
            OrderRefused::Signature(SignatureRefused::UnknownKey("k".into())),
            "no trusted key has signed; the first signature names `k`",
        ),
        (
            OrderRefused::Unbound("issued_at"),
            "a signed order without `issued_at` could be used again elsewhere or later; expected `issued_at`",
        ),
        (
            OrderRefused::OtherPolicy(name("billing")),
            "the order is for the policy `billing`",
        ),
        (
            OrderRefused::Expired(moment("2026-11-23T20:00:00Z")),
            "the order was issued at 2026-11-23T20:00:00Z; expected one that is at most 600 seconds old",
        ),
        (
            OrderRefused::FromTheFuture(moment("2026-11-23T20:00:00Z")),
            "the order was issued at 2026-11-23T20:00:00Z, which is in the future here; expected at most 60 seconds between the clocks",
        ),
        (
            OrderRefused::UnknownRollout(name("r")),
            "no policy in force here names a rollout `r`; see GET /v1/state",
        ),
        (
            OrderRefused::Warrant(WarrantRefused::Missing(trust(1).missing())),
            "raising exposure needs a warrant; expected the approval of security_lead and platform_lead",
        ),
    ] {
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
}

#[test]
fn broken_orders_name_the_path() {
    #[rustfmt::skip]
    let table = [
        ("", "", "EOF while parsing a value"),
        ("7", "", "invalid type: integer `7`, expected an object"),
        (r#"{"generation": 1}"#, "", "missing field `rollout`"),
        (r#"{"rollout": "r"}"#, "", "missing field `generation`"),
        (r#"{"rollout": "a b", "generation": 1}"#, "rollout", "invalid value: string \"a b\", expected a name of 1 to 64"),
        (r#"{"rollout": "r", "generation": -1}"#, "generation", "invalid value: integer `-1`, expected a generation"),
        (r#"{"rollout": "r", "generation": 9007199254740992}"#, "generation", "invalid value: integer `9007199254740992`, expected a generation"),
        (r#"{"rollout": "r", "generation": 1, "ramp": null}"#, "ramp", "invalid type: null, expected a list of steps"),
        (r#"{"rollout": "r", "generation": 1, "ramp": [{"percent": 1}, {"percent": "2"}]}"#, "ramp[1].percent", "invalid type: string \"2\", expected a percentage"),
        (r#"{"rollout": "r", "generation": 1, "kill": {"mode": "nuke"}}"#, "kill.mode", "unknown variant `nuke`, expected one of `rollback`, `block`"),
        (r#"{"rollout": "r", "generation": 1, "kill": {"in_flight": "cut"}}"#, "kill", "missing field `mode`"),
        (r#"{"rollout": "r", "generation": 1, "kill": {"mode": "block", "why": ""}}"#, "kill.why", "unknown field `why`"),
        (r#"{"rollout": "r", "generation": 1, "redaction": "mask"}"#, "redaction", "unknown variant `mask`, expected `mask_all`"),
        (r#"{"rollout": "r", "generation": 1, "redaction": {"response": {}}}"#, "redaction", "invalid type: object, expected `mask_all`"),
        (r#"{"rollout": "r", "generation": 1, "on_lapse": "hold"}"#, "on_lapse", "unknown field `on_lapse`"),
        (r#"{"rollout": "r", "generation": 1, "generation": 2}"#, "generation", "`generation` is given twice"),
        (r#"{"rollout": "r", "generation": 1, "not_after": "tonight"}"#, "not_after", "invalid value: string \"tonight\", expected a time in UTC"),
        (r#"{"rollout": "r", "generation": 1} {}"#, "", "trailing characters"),
    ];
    for (json, path, message) in table {
        let error = Order::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(error.path(), path, "{json}: {error}");
        assert!(error.message().starts_with(message), "{json}: {error}");
    }
}

#[test]
fn a_signed_order_is_read_from_either_form_and_from_nothing_else() {
    let order = order(
        r#""generation": 8, "kill": {"mode": "block"}, "policy": "p", "issued_at": "2026-11-23T20:00:00Z""#,
    );
    let posted = |kind, payload| {
        let envelope = envelope(kind, payload, &[ENGINEER, STRANGER]);
        Posted::from_envelope(&serde_json::to_vec(&envelope).unwrap())
    };
    let json = serde_json::to_vec(&order).unwrap();
    let packed = rmp_serde::to_vec_named(&order).unwrap();
    for (kind, payload) in [
        (PayloadType::OrderJson, json.clone()),
        (PayloadType::OrderMsgPack, packed.clone()),
    ] {
        let posted = posted(kind, payload).unwrap();
        assert_eq!(posted.order(), &order);
        let trust = trust(1);
        let signers: Vec<_> = posted.signers(&trust).map(Name::as_str).collect();
        assert_eq!(signers, [ENGINEER.id]);
    }
    #[rustfmt::skip]
    let table = [
        (PayloadType::OrderMsgPack, json, "payload"),
        (PayloadType::OrderJson, packed.clone(), "payload"),
        (PayloadType::WarrantMsgPack, packed.clone(), "payloadType"),
        (PayloadType::OrderMsgPack, [&packed[..], b"\0"].concat(), "payload"),
        (PayloadType::OrderJson, br#"{"rollout": "r", "generation": 1, "warrant": {"payload": ""}}"#.to_vec(), "payload.warrant"),
        (PayloadType::OrderJson, br#"{"rollout": "r", "generation": 1, "issued_at": "now"}"#.to_vec(), "payload.issued_at"),
    ];
    for (kind, payload, path) in table {
        let error = posted(kind, payload).unwrap_err();
        assert_eq!(error.path(), path, "{error}");
    }
}

#[test]
fn the_longest_order_fits() {
    let at = |step: usize| format!("2026-11-23T20:{:02}:{:02}.001Z", step / 60, step % 60);
    let steps = (1..=limits::RAMP_STEPS)
        .map(|step| json!({"percent": f64::from(step as u32) / 10_000.0, "at": at(step)}));
    let steps: Vec<_> = steps.collect();
    let tester = |number: usize| format!("tester-{number:02}@support.example.com");
    let pins: Vec<_> = (0..limits::APPROVED_PINS).map(tester).collect();
    let warrant = changed(&warrant_json(), "/ramp", json!(steps));
    let warrant = changed(&warrant, "/subject/pins", json!(pins));
    let signers = [SECURITY, SECURITY_2, PLATFORM, ENGINEER];
    let mut warrant = sealed(&warrant, &signers);
    for number in signers.len()..limits::SIGNATURES {
        warrant.sign(&format!("{number:064}"), [7; 64]);
    }
    let order = json!({
        "policy": "support", "rollout": "agent", "generation": 8, "ramp": steps, "warrant": warrant,
        "issued_at": "2026-11-23T20:00:00Z",
    });
    let payload = order.to_string().into_bytes();
    let mut sent = envelope(PayloadType::OrderJson, payload, &signers);
    for number in signers.len()..limits::SIGNATURES {
        sent.sign(&format!("{number:064}"), [7; 64]);
    }
    let sent = serde_json::to_vec(&sent).unwrap();
    let posted = Posted::from_envelope(&sent);
    assert!(posted.is_ok(), "{} bytes: {posted:?}", sent.len());
}

#[test]
fn an_order_beyond_the_limit_is_refused_before_it_is_read() {
    let spaces = " ".repeat(limits::ORDER_BYTES);
    let json = format!(r#"{{"rollout": "r", "generation": 1}}{spaces}"#);
    let error = Order::from_json(json.as_bytes()).unwrap_err();
    assert!(
        error.message().ends_with("expected at most 65536"),
        "{error}"
    );
    let error = Order::from_msgpack(json.as_bytes()).unwrap_err();
    assert!(
        error.message().ends_with("expected at most 65536"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn what_is_accepted_lowers_and_wins_the_join(order in any_order(), current in control()) {
        if let Ok(ordered) = order.lower(&current) {
            prop_assert!(ordered.exposes_no_more_than(&current));
            prop_assert_eq!(ordered.generation, order.generation);
            prop_assert_eq!(&current.join(&ordered), &ordered);
        }
    }

    #[test]
    fn an_accepted_order_may_be_repeated(order in any_order(), current in control()) {
        if let Ok(ordered) = order.lower(&current) {
            prop_assert_eq!(order.lower(&ordered), Ok(ordered));
        }
    }

    #[test]
    fn an_accepted_order_keeps_what_it_does_not_name(order in any_order(), current in control()) {
        if let Ok(ordered) = order.lower(&current) {
            prop_assert_eq!(ordered.on_lapse, current.on_lapse);
            prop_assert!(order.ramp.is_some() || ordered.ramp == current.ramp);
            prop_assert!(order.not_after.is_some() || ordered.not_after == current.not_after);
            prop_assert!(order.kill.is_some() || ordered.kill == current.kill);
            prop_assert!(order.redaction.is_some() || ordered.redaction == current.redaction);
        }
    }

    #[test]
    fn a_newer_order_is_refused_only_for_what_it_raises(order in any_order(), current in control()) {
        let ordered = order.over(&current);
        let newer = order.generation > current.generation;
        let lowers = ordered.exposes_no_more_than(&current);
        match order.lower(&current) {
            Err(OrderRefused::Empty) => {
                prop_assert!((order.ramp, order.not_after, order.kill, order.redaction) == (None, None, None, None));
            }
            Err(OrderRefused::Raises(term)) => {
                prop_assert!(newer && !lowers);
                // Without the term that it names, and those checked before it, less remains.
                let given = match term {
                    "kill" => order.kill.is_some(),
                    "redaction" => order.redaction.is_some(),
                    "not_after" => order.not_after.is_some(),
                    _ => order.ramp.is_some(),
                };
                prop_assert!(given, "{} was not ordered", term);
            }
            Err(OrderRefused::Stale { current: told }) => {
                prop_assert!(!newer);
                prop_assert_eq!(told, current.generation);
            }
            Err(other) => prop_assert!(false, "{other}: an order alone does not tell"),
            Ok(_) => prop_assert!(lowers && order.generation >= current.generation),
        }
    }

    #[test]
    fn survives_both_encodings(order in any_order()) {
        let json = serde_json::to_vec(&order).unwrap();
        prop_assert_eq!(&Order::from_json(&json).unwrap(), &order);
        let packed = rmp_serde::to_vec_named(&order).unwrap();
        prop_assert_eq!(&Order::from_msgpack(&packed).unwrap(), &order);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Order::from_json(&bytes);
        let _ = Order::from_msgpack(&bytes);
    }
}
