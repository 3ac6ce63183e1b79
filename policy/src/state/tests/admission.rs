//! Orders and pushes where keys are trusted: what is admitted, and what is not.

use serde_json::{Value, json};

use super::proxy::{
    FAR, LATER, LEADS, NOW, Proxy, approved, control, merged, order, outcome, policy, policy_from,
    signed_order, warrant,
};
use super::*;
use crate::fixtures::{
    ENGINEER, PLATFORM, Person, SECURITY, STRANGER, changed, envelope, moment, sealed, warrant_json,
};
use crate::gate::Reason;
use crate::order::{OrderRefused, Posted};
use crate::{Arm, PayloadType, SignatureRefused};

#[test]
fn orders_where_keys_are_trusted() {
    let kill = json!({"mode": "rollback", "in_flight": "cut"});
    let more = json!({"percent": 50, "at": "2026-11-23T20:10:00Z"});
    let good = warrant(json!({}));
    let raise = |warrant: Value| json!({"ramp": more, "warrant": warrant});
    let carried = |terms: Value| raise(json!(warrant(terms)));
    let by = |people: &[Person]| raise(json!(sealed(&warrant_json(), people)));
    let subject = |pointer: &str, value: Value| {
        let changed = changed(&warrant_json(), pointer, value);
        raise(json!(sealed(&changed, &LEADS)))
    };
    #[rustfmt::skip]
    let table = [
        // One signature lowers.
        ("a kill", json!({"kill": kill}), "done"),
        ("a smaller share", json!({"ramp": {"percent": 5, "at": "2026-11-23T20:00:00Z"}}), "done"),
        ("nobody", json!({"ramp": []}), "done"),
        ("an earlier end", json!({"not_after": "2026-11-23T20:30:00Z"}), "done"),
        ("masks everything", json!({"redaction": "mask_all"}), "done"),
        ("a kill of the generation in force", json!({"generation": 7, "kill": kill}), "done"),
        ("what is in force", json!({"generation": 7, "kill": null}), "same"),
        // One signature does not raise.
        ("a larger share", json!({"ramp": more}), "Warrant(Missing("),
        ("a later end", json!({"not_after": "2026-11-23T21:00:01Z"}), "Warrant(Missing("),
        ("no end", json!({"not_after": null}), "Warrant(Missing("),
        // A warrant does.
        ("a larger share with a warrant", carried(json!({})), "done"),
        ("a later end with a warrant", json!({"not_after": "2026-11-23T23:00:00Z", "warrant": good}), "done"),
        // The warrant of generation 5 is held, and was not overtaken.
        ("with the one that is held", raise(json!(warrant(json!({"after": 5})).digest().as_str())), "done"),
        ("with one that is not held", raise(json!(good.digest().as_str())), "Warrant(NotHeld("),
        // What the warrant must be.
        ("signed by one", by(&[SECURITY]), "Warrant(NotSigned("),
        ("signed by strangers", by(&[STRANGER]), "Warrant(Signature(UnknownKey(\"stranger-1\")))"),
        ("for another policy", carried(json!({"policy": "billing"})), "Warrant(OtherPolicy("),
        ("for another rollout", carried(json!({"rollout": "other"})), "Warrant(OtherRollout("),
        ("for another stable version", subject("/subject/stable", json!("v40")), "Warrant(OtherSubject { term: \"stable\""),
        ("for another canary", subject("/subject/canary", json!("v43")), "Warrant(OtherSubject { term: \"canary\""),
        ("for another split", subject("/subject/salt", json!("s")), "Warrant(OtherSubject { term: \"salt\""),
        ("too early", carried(json!({"not_before": LATER})), "Warrant(NotYet("),
        ("too late", carried(json!({"not_after": "2026-11-23T20:04:00Z"})), "Warrant(Expired("),
        ("overtaken", carried(json!({"after": 4})), "Warrant(Spent {"),
        ("beyond its ceiling", json!({"ramp": {"percent": 51, "at": LATER}, "warrant": good}), "Warrant(Exceeded(\"ramp\"))"),
        ("before its time", json!({"ramp": {"percent": 50, "at": NOW}, "warrant": good}), "Warrant(Exceeded(\"ramp\"))"),
        ("an order for a warrant", raise(json!(envelope(PayloadType::OrderJson, b"{}".to_vec(), &LEADS))), "Warrant(Malformed("),
        ("approved by its author", carried(json!({"author": SECURITY.id})), "Warrant(Malformed("),
        // What the order must be, whatever its warrant.
        ("an old one", merged(carried(json!({})), json!({"generation": 6})), "Stale { current: Generation(7) }"),
        ("a raise of the generation in force", merged(carried(json!({})), json!({"generation": 7})), "Stale { current: Generation(7) }"),
        ("another rollout", json!({"rollout": "other", "kill": kill}), "UnknownRollout("),
        ("another policy", json!({"policy": "billing", "kill": kill}), "OtherPolicy("),
        ("no policy", json!({"policy": null, "kill": kill}), "Unbound(\"policy\")"),
        ("no time", json!({"issued_at": null, "kill": kill}), "Unbound(\"issued_at\")"),
        ("ten minutes ago", json!({"issued_at": "2026-11-23T19:55:00Z", "kill": kill}), "done"),
        ("more than ten minutes ago", json!({"issued_at": "2026-11-23T19:54:59.999Z", "kill": kill}), "Expired("),
        ("a minute ahead", json!({"issued_at": "2026-11-23T20:06:00Z", "kill": kill}), "done"),
        ("more than a minute ahead", json!({"issued_at": "2026-11-23T20:06:00.001Z", "kill": kill}), "FromTheFuture("),
        ("nothing", json!({}), "Empty"),
        ("nothing, of an old generation", json!({"generation": 1}), "Empty"),
        ("nothing, with the warrant in force", json!({"generation": 7, "warrant": warrant(json!({"after": 5}))}), "Stale { current: Generation(7) }"),
        ("an old kill", json!({"generation": 6, "kill": kill}), "Stale { current: Generation(7) }"),
    ];
    for (what, terms, expected) in table {
        let mut proxy = Proxy::with_canary();
        let obeyed = proxy.order(terms);
        let outcome = outcome(&obeyed);
        assert!(outcome.starts_with(expected), "{what}: {outcome}");
        let newer = (obeyed == Ok(true)) && expected == "done";
        assert!(
            proxy.generation() == 7 + u64::from(newer) || what.ends_with("in force"),
            "{what}"
        );
    }
}

#[test]
fn who_gives_an_order_has_signed_it() {
    let kill = order(json!({"kill": {"mode": "block"}}), moment(NOW));
    let refused = |refused| Err(OrderRefused::Signature(refused));
    let mut forged = envelope(PayloadType::OrderJson, kill.to_string().into(), &[ENGINEER]);
    forged.sign(SECURITY.id, [7; 64]);
    let forged = Posted::from_envelope(&serde_json::to_vec(&forged).unwrap()).unwrap();
    let plain = Posted::from_json(kill.to_string().as_bytes()).unwrap();
    #[rustfmt::skip]
    let table = [
        ("one trusted key", signed_order(&kill, &[ENGINEER]), Ok(true)),
        ("a trusted one among others", signed_order(&kill, &[STRANGER, ENGINEER]), Ok(true)),
        ("nobody", plain, Err(OrderRefused::Unsigned)),
        ("a stranger", signed_order(&kill, &[STRANGER]), refused(SignatureRefused::UnknownKey(STRANGER.id.into()))),
        ("one good, one forged", forged, refused(SignatureRefused::Bad(SECURITY.id.into()))),
    ];
    for (what, posted, expected) in table {
        assert_eq!(Proxy::with_canary().obey(&posted), expected, "{what}");
    }
}

#[test]
fn without_trust_an_order_only_lowers() {
    let mut open = approved();
    open.as_object_mut().unwrap().remove("trust");
    let more = json!({"percent": 50, "at": "2026-11-23T20:10:00Z"});
    let unsigned = |terms: Value| {
        let order = merged(json!({"rollout": "agent", "generation": 8}), terms);
        Posted::from_json(order.to_string().as_bytes()).unwrap()
    };
    let signed = |terms: Value| signed_order(&order(terms, moment(NOW)), &[STRANGER]);
    let good = json!(warrant(json!({})));
    #[rustfmt::skip]
    let table = [
        ("a kill", unsigned(json!({"kill": {"mode": "block"}})), "done"),
        ("a kill that a stranger signed", signed(json!({"kill": {"mode": "block"}})), "done"),
        ("more", unsigned(json!({"ramp": more})), "Raises(\"ramp\")"),
        ("more with a warrant", unsigned(json!({"ramp": more, "warrant": good})), "Raises(\"ramp\")"),
        ("more with a warrant, signed", signed(json!({"ramp": more, "warrant": good})), "Raises(\"ramp\")"),
        ("another policy", unsigned(json!({"policy": "billing", "kill": {"mode": "block"}})), "OtherPolicy("),
    ];
    for (what, posted, expected) in table {
        let mut proxy = Proxy::of(&open);
        let outcome = outcome(&proxy.obey(&posted));
        assert!(outcome.starts_with(expected), "{what}: {outcome}");
        assert_eq!(proxy.closed(), None, "{what}");
    }
}

#[test]
fn controls_that_are_pushed_where_keys_are_trusted() {
    let good = |terms: Value| json!({"warrant": warrant(terms)});
    let half = |percent: u32| json!({"ramp": {"percent": percent, "at": "2026-11-23T20:00:00Z"}});
    let with = |percent, warrant| merged(half(percent), warrant);
    let by = |people: &[Person]| json!({"warrant": sealed(&warrant_json(), people)});
    let no_warrant = Some(Closed::NoWarrant);
    #[rustfmt::skip]
    let table = [
        // What is approved already.
        ("the same again", control(7, good(json!({"after": 5}))), "", None, 100_000, 7),
        ("the same without its warrant", control(7, json!({})), "", None, 100_000, 7),
        ("less, newer", control(8, half(5)), "", None, 50_000, 8),
        ("less, as new", control(7, half(5)), "", None, 50_000, 7),
        ("more, as new", control(7, half(50)), "", None, 100_000, 7),
        ("more, older", control(6, half(100)), "", None, 100_000, 7),
        ("a later end, as new", control(7, json!({"not_after": FAR})), "", None, 100_000, 7),
        // What is more needs a warrant; its generation counts all the same.
        ("more", control(8, half(50)), "Missing(", no_warrant, 0, 8),
        ("a later end", control(8, json!({"not_after": FAR})), "Missing(", no_warrant, 0, 8),
        ("a hold at the end", control(8, json!({"on_lapse": "hold"})), "Missing(", no_warrant, 0, 8),
        ("as much as is approved", control(8, with(10, good(json!({})))), "", None, 100_000, 8),
        ("more than is approved", control(8, with(11, good(json!({})))), "Exceeded(\"ramp\")", no_warrant, 0, 8),
        ("a later end that is approved", control(8, merged(good(json!({})), json!({"not_after": FAR}))), "", None, 100_000, 8),
        ("signed by one", control(8, with(10, merged(by(&[PLATFORM]), json!({"not_after": FAR})))), "NotSigned(", no_warrant, 0, 8),
        ("signed by a stranger", control(8, with(50, by(&[STRANGER]))), "Signature(UnknownKey(", no_warrant, 0, 8),
        ("for another policy", control(8, with(50, good(json!({"policy": "billing"})))), "OtherPolicy(", no_warrant, 0, 8),
        ("for another rollout", control(8, with(50, good(json!({"rollout": "other"})))), "OtherRollout(", no_warrant, 0, 8),
        ("too early", control(8, with(50, good(json!({"not_before": LATER})))), "NotYet(", no_warrant, 0, 8),
        ("too late", control(8, with(50, good(json!({"not_after": "2026-11-23T20:04:00Z"})))), "Expired(", no_warrant, 0, 8),
        ("overtaken", control(8, with(50, good(json!({"after": 4})))), "Spent {", no_warrant, 0, 8),
        // What exposes nobody needs none.
        ("nobody", control(8, json!({"ramp": []})), "", None, 0, 8),
        ("everybody, but killed", control(8, merged(half(100), json!({"kill": {"mode": "rollback"}}))), "", None, 0, 8),
    ];
    for (what, control, refusal, closed, share, generation) in table {
        let mut proxy = Proxy::with_canary();
        let published = proxy.publish(&policy(control));
        let refused = published.refused.first();
        let refused = refused.map(|(name, refused)| {
            assert_eq!(name.as_str(), "agent");
            assert!(!refused.to_string().is_empty());
            format!("{refused:?}")
        });
        let refused = refused.unwrap_or_default();
        assert_eq!(refused.is_empty(), refusal.is_empty(), "{what}: {refused}");
        assert!(refused.starts_with(refusal), "{what}: {refused}");
        assert_eq!(
            (proxy.closed(), proxy.share(), proxy.generation()),
            (closed, share, generation),
            "{what}"
        );
        let before = proxy.state.clone();
        let again = Published {
            changed: false,
            ..published
        };
        assert_eq!(
            proxy.state.publish(&proxy.policy.clone(), proxy.now),
            again,
            "{what}"
        );
        assert_eq!(proxy.state, before, "{what}: published twice");
        assert_eq!(State::decode(&before.encode().unwrap()).unwrap(), before);
    }
}

#[test]
fn an_unapproved_policy_is_closed_on_a_fresh_proxy_and_says_why() {
    let proxy = Proxy::of(&policy(control(7, json!({}))));
    assert_eq!(proxy.closed(), Some(Closed::NoWarrant));
    assert_eq!(proxy.decides("u"), (Some(Arm::Stable), Reason::NoWarrant));
    let mut state = State::default();
    let published = state.publish(&proxy.policy, proxy.now);
    let [(rollout, refused)] = &published.refused[..] else {
        panic!("{published:?}");
    };
    assert_eq!(rollout.as_str(), "agent");
    assert_eq!(
        refused.to_string(),
        "raising exposure needs a warrant; expected the approval of security_lead and platform_lead"
    );
}

#[test]
fn what_was_approved_is_closed_for_a_worker_whose_policy_says_otherwise() {
    let proxy = Proxy::with_canary();
    let closed = |pointer: &str, value: Value| {
        let policy = policy_from(&changed(&approved(), pointer, value));
        let subject = Subject::of(&policy.rollouts[0]);
        proxy.state.closed(&name("agent"), Some(&subject))
    };
    #[rustfmt::skip]
    let table = [
        ("/rollouts/0/arms/canary/version", json!("v43"), Some(Closed::NoWarrant)),
        ("/rollouts/0/arms/stable/version", json!("v42"), Some(Closed::NoWarrant)),
        ("/rollouts/0/salt", json!("again"), Some(Closed::NoWarrant)),
        ("/rollouts/0/pins", json!({"canary": ["ceo"]}), Some(Closed::NoWarrant)),
        ("/rollouts/0/pins", json!({"canary": ["qa-1"]}), None),
        ("/rollouts/0/pins", json!({"stable": ["ceo"]}), None),
    ];
    for (pointer, value, expected) in table {
        assert_eq!(
            closed(pointer, value.clone()),
            expected,
            "{pointer} {value}"
        );
    }
}

#[test]
fn pins_are_approved_like_shares() {
    let with_pins = |pins: Value, control: Value| {
        changed(
            &policy(control),
            "/rollouts/0/pins",
            json!({"canary": pins}),
        )
    };
    let nobody = json!({"ramp": [], "warrant": warrant(json!({"after": 5}))});
    for (pins, unit, expected) in [
        (json!(["qa-1"]), "qa-1", (Some(Arm::Canary), Reason::Pin)),
        (
            json!(["qa-1", "ceo"]),
            "qa-1",
            (Some(Arm::Stable), Reason::NoWarrant),
        ),
        (
            json!(["ceo"]),
            "ceo",
            (Some(Arm::Stable), Reason::NoWarrant),
        ),
    ] {
        let proxy = Proxy::of(&with_pins(pins.clone(), control(7, nobody.clone())));
        assert_eq!(proxy.decides(unit), expected, "{pins}");
    }
    // Without any warrant, nobody is pinned to the canary.
    let proxy = Proxy::of(&with_pins(json!(["qa-1"]), control(7, json!({"ramp": []}))));
    assert_eq!(
        proxy.decides("qa-1"),
        (Some(Arm::Stable), Reason::NoWarrant)
    );
}

#[test]
fn a_kill_spends_the_warrants_before_it() {
    let mut proxy = Proxy::with_canary();
    assert_eq!(proxy.order(json!({"kill": {"mode": "rollback"}})), Ok(true));
    assert_eq!(proxy.share(), 0);
    let again = |generation, after| json!({"generation": generation, "kill": null, "warrant": warrant(json!({"after": after}))});
    let spent = outcome(&proxy.order(again(9, 7)));
    assert!(spent.starts_with("Warrant(Spent {"), "{spent}");
    let bare = outcome(&proxy.order(json!({"generation": 9, "kill": null})));
    assert!(bare.starts_with("Warrant(Missing("), "{bare}");
    // Nor by a push, of whichever generation.
    for generation in [7, 8, 9] {
        let old = policy(control(
            generation,
            json!({"warrant": warrant(json!({"after": 7}))}),
        ));
        proxy.publish(&old);
        assert_eq!(proxy.share(), 0, "{generation}");
        assert!(proxy.control().kill.is_some(), "{generation}");
    }
    // One that was given after it does.
    assert_eq!(proxy.order(again(10, 8)), Ok(true));
    assert_eq!(proxy.share(), 100_000);
}

#[test]
fn a_newer_warrant_spends_older_ones() {
    let mut proxy = Proxy::with_canary();
    let raise = |generation, after| {
        let ramp = json!({"percent": 50, "at": format!("2026-11-23T20:{generation}:00Z")});
        json!({"generation": generation, "ramp": ramp, "warrant": warrant(json!({"after": after}))})
    };
    assert_eq!(proxy.order(raise(12, 7)), Ok(true));
    let spent = outcome(&proxy.order(raise(11, 5)));
    assert!(spent.starts_with("Stale"), "{spent}");
    let spent = outcome(&proxy.order(raise(13, 6)));
    assert!(spent.starts_with("Warrant(Spent {"), "{spent}");
    // The one in use may be used for the next step.
    assert_eq!(proxy.order(raise(14, 7)), Ok(true));
}

#[test]
fn repeated_and_reordered_orders_raise_nothing() {
    let mut proxy = Proxy::with_canary();
    let sent = |terms| signed_order(&order(terms, moment(NOW)), &[ENGINEER]);
    let half = json!({"percent": 50, "at": "2026-11-23T20:10:00Z"});
    let raise = sent(json!({"ramp": half, "warrant": warrant(json!({}))}));
    let less = sent(json!({"generation": 9, "ramp": {"percent": 1, "at": "2026-11-23T20:10:00Z"}}));
    let kill = sent(json!({"generation": 10, "kill": {"mode": "rollback"}}));
    assert_eq!(proxy.obey(&raise), Ok(true));
    assert_eq!(proxy.obey(&raise), Ok(false), "said again");
    assert_eq!(proxy.obey(&less), Ok(true));
    assert!(matches!(
        proxy.obey(&raise),
        Err(OrderRefused::Stale { .. })
    ));
    assert_eq!(proxy.obey(&kill), Ok(true));
    for old in [&raise, &less] {
        assert!(matches!(proxy.obey(old), Err(OrderRefused::Stale { .. })));
    }
    assert_eq!(proxy.obey(&kill), Ok(false));
    assert!(proxy.control().kill.is_some());
}
