//! What is admitted as things change: leases lapse, proxies start again, keys are rotated.

use serde_json::{Value, json};

use super::proxy::{
    EVERYBODY, FAR, LEADS, NOW, Proxy, approved, control, merged, outcome, policy, warrant,
};
use super::*;
use crate::fixtures::{
    ENGINEER, PLATFORM, Person, SECURITY_2, STRANGER, changed, generation, moment, trust_json,
};
use crate::gate::Reason;
use crate::order::OrderRefused;
use crate::{LiveRedaction, SignatureRefused, Trust};

#[test]
fn masking_is_taken_back_only_by_a_warrant_that_says_so() {
    let masked = || {
        let mut proxy = Proxy::with_canary();
        assert_eq!(proxy.order(json!({"redaction": "mask_all"})), Ok(true));
        proxy
    };
    let unmask = json!({"unmask": true});
    #[rustfmt::skip]
    let orders = [
        (json!({"redaction": null}), "Warrant(Missing("),
        (json!({"redaction": null, "kill": {"mode": "block"}}), "Warrant(Missing("),
        (json!({"redaction": null, "warrant": warrant(json!({}))}), "Warrant(Exceeded(\"redaction\"))"),
        (json!({"redaction": null, "warrant": warrant(unmask.clone())}), "done"),
    ];
    for (terms, expected) in orders {
        let mut proxy = masked();
        let outcome = outcome(&proxy.order(merged(terms.clone(), json!({"generation": 9}))));
        assert!(outcome.starts_with(expected), "{terms}: {outcome}");
        assert_eq!(proxy.control().redaction.is_none(), expected == "done");
    }
    #[rustfmt::skip]
    let pushes = [
        ("without a warrant", control(9, json!({})), false),
        ("which exposes nobody", control(9, json!({"ramp": []})), false),
        ("killed", control(9, json!({"kill": {"mode": "block"}})), false),
        ("with a warrant that does not say so", control(9, json!({"warrant": warrant(json!({}))})), false),
        ("as new", control(8, json!({"warrant": warrant(unmask.clone())})), false),
        ("older", control(7, json!({"warrant": warrant(unmask.clone())})), false),
        ("with a warrant that says so", control(9, json!({"warrant": warrant(unmask)})), true),
    ];
    for (what, control, unmasked) in pushes {
        let mut proxy = masked();
        proxy.publish(&policy(control));
        let expected = (!unmasked).then_some(LiveRedaction::MaskAll);
        assert_eq!(proxy.control().redaction, expected, "{what}");
    }
}

#[test]
fn a_lapsed_lease_stays_lapsed_whatever_the_clock_says() {
    let mut proxy = Proxy::with_canary();
    assert!(
        !proxy.state.lapse(&name("agent"), generation(6)),
        "not in force"
    );
    assert!(!proxy.state.lapse(&name("other"), generation(7)));
    let epoch = proxy.state.epoch();
    assert!(proxy.state.lapse(&name("agent"), generation(7)));
    assert!(proxy.state.epoch() > epoch);
    assert!(!proxy.state.lapse(&name("agent"), generation(7)), "no news");
    assert_eq!(
        State::decode(&proxy.state.encode().unwrap()).unwrap(),
        proxy.state
    );
    for clock in [NOW, "2026-11-23T20:00:00Z", FAR] {
        proxy.now = moment(clock);
        assert_eq!(proxy.closed(), Some(Closed::Lapse), "{clock}");
        assert_eq!(proxy.decides("u").1, Reason::Lapse, "{clock}");
    }
    proxy.now = moment(NOW);
    // Nobody is on it, so any share is more.
    let share = json!({"ramp": {"percent": 5, "at": "2026-11-23T20:00:00Z"}});
    let refused = outcome(&proxy.order(share));
    assert!(refused.starts_with("Warrant(Missing("), "{refused}");
    // Who asks for nothing does not revive it, nor does a push without a warrant.
    assert_eq!(proxy.order(json!({"kill": null})), Ok(true));
    assert_eq!((proxy.closed(), proxy.share()), (Some(Closed::Lapse), 0));
    for generation in [7, 8] {
        proxy.publish(&policy(control(generation, json!({}))));
        assert_eq!(proxy.closed(), Some(Closed::Lapse), "{generation}");
    }
    // Nor does a newer generation of what was approved before it lapsed.
    let as_much = control(
        9,
        json!({"ramp": {"percent": 5, "at": "2026-11-23T20:00:00Z"}}),
    );
    proxy.publish(&policy(as_much));
    assert_eq!(
        (proxy.closed(), proxy.share()),
        (Some(Closed::NoWarrant), 0)
    );
}

#[test]
fn a_renewal_with_a_warrant_revives_a_lapsed_lease() {
    let renewed = json!({"not_after": "2026-11-23T21:30:00Z", "warrant": warrant(json!({}))});
    let lapsed = || {
        let mut proxy = Proxy::with_canary();
        assert!(proxy.state.lapse(&name("agent"), generation(7)));
        proxy
    };
    let mut proxy = lapsed();
    let refused = outcome(&proxy.order(json!({"not_after": "2026-11-23T21:30:00Z"})));
    assert!(refused.starts_with("Warrant(Missing("), "{refused}");
    assert_eq!(proxy.closed(), Some(Closed::Lapse));
    assert_eq!(proxy.order(renewed.clone()), Ok(true));
    assert_eq!((proxy.closed(), proxy.share()), (None, 100_000));
    let mut proxy = lapsed();
    proxy.publish(&policy(control(8, renewed)));
    assert_eq!((proxy.closed(), proxy.share()), (None, 100_000));
}

#[test]
fn what_holds_or_has_no_lease_does_not_lapse() {
    for terms in [json!({"not_after": null}), json!({"on_lapse": "hold"})] {
        let terms = merged(terms, json!({"warrant": warrant(json!({"after": 5}))}));
        let mut proxy = Proxy::of(&policy(control(7, terms)));
        assert!(!proxy.state.lapse(&name("agent"), generation(7)));
        assert_eq!(proxy.share(), 100_000);
    }
}

#[test]
fn a_restart_reaches_no_more_than_is_approved() {
    let mut proxy = Proxy::with_canary();
    let ramp = json!({"percent": 50, "at": "2026-11-23T20:00:00Z"});
    let ceiling = json!({"ramp": ramp});
    let raise = json!({"ramp": ramp, "warrant": warrant(ceiling)});
    assert_eq!(proxy.order(raise), Ok(true));
    assert_eq!(proxy.share(), 500_000);
    proxy.state = State::default();
    proxy.publish(&approved());
    assert_eq!(
        proxy.share(),
        100_000,
        "what the policy carries a warrant for"
    );
    proxy.state = State::default();
    proxy.publish(&policy(control(8, json!({"ramp": ramp}))));
    assert_eq!(
        (proxy.closed(), proxy.share()),
        (Some(Closed::NoWarrant), 0)
    );
    // Once the window is over, nor that.
    proxy.state = State::default();
    proxy.now = moment("2026-11-23T22:00:00.001Z");
    let endless = json!({"not_after": null, "warrant": warrant(json!({"after": 5}))});
    proxy.publish(&policy(control(7, endless)));
    assert_eq!(
        (proxy.closed(), proxy.share()),
        (Some(Closed::NoWarrant), 0)
    );
}

#[test]
fn what_was_in_force_before_keys_were_trusted_needs_a_warrant() {
    let mut open = policy(control(7, json!({})));
    open.as_object_mut().unwrap().remove("trust");
    let mut proxy = Proxy::of(&open);
    assert_eq!((proxy.closed(), proxy.share()), (None, 100_000));
    proxy.publish(&policy(control(7, json!({}))));
    assert_eq!(
        (proxy.closed(), proxy.share()),
        (Some(Closed::NoWarrant), 0)
    );
    // A policy without trust opens nothing again.
    proxy.publish(&open);
    assert_eq!(
        (proxy.closed(), proxy.share()),
        (Some(Closed::NoWarrant), 0)
    );
    proxy.publish(&approved());
    assert_eq!((proxy.closed(), proxy.share()), (None, 100_000));
}

#[test]
fn of_two_trusts_the_newer_holds() {
    let trusting = |generation, people: &[Person]| {
        let trust = trust_json(generation, people);
        changed(&approved(), "/trust", trust)
    };
    let number = |proxy: &Proxy| proxy.state.trust().unwrap().generation.get();
    let mut proxy = Proxy::of(&trusting(3, &EVERYBODY));
    let kept = proxy.publish(&trusting(2, &[STRANGER])).trust_kept;
    assert_eq!((kept, number(&proxy)), (Some(generation(3)), 3));
    let kept = proxy
        .publish(&trusting(3, &[STRANGER, PLATFORM]))
        .trust_kept;
    assert_eq!((kept, number(&proxy)), (Some(generation(3)), 3));
    let kept = proxy.publish(&trusting(3, &EVERYBODY)).trust_kept;
    assert_eq!((kept, number(&proxy)), (None, 3));
    let without = changed(&approved(), "/trust", json!(null));
    let kept = proxy.publish(&without).trust_kept;
    assert_eq!((kept, number(&proxy)), (None, 3));
    // Rotated: who is gone gives no order any more.
    let kept = proxy
        .publish(&trusting(4, &[SECURITY_2, PLATFORM]))
        .trust_kept;
    assert_eq!((kept, number(&proxy)), (None, 4));
    let refused = proxy.order(json!({"kill": {"mode": "block"}}));
    let unknown = SignatureRefused::UnknownKey(ENGINEER.id.into());
    assert_eq!(refused, Err(OrderRefused::Signature(unknown)));
}

#[test]
fn a_trust_is_refused_that_nobody_could_tell_apart_or_that_locks_everybody_out() {
    let read = |json: Value| -> Trust { serde_json::from_value(json).unwrap() };
    let offered = |generation, people: &[Person]| read(trust_json(generation, people));
    let no_sets = |generation| {
        let trust = trust_json(generation, &EVERYBODY);
        read(changed(&trust, "/raise", json!([])))
    };
    let fresh = State::default();
    let proxy = Proxy::of(&changed(&approved(), "/trust", trust_json(3, &EVERYBODY)));
    let locked = Proxy::of(&changed(&approved(), "/trust", trust_json(3, &[ENGINEER])));
    let mut reordered = EVERYBODY;
    reordered.reverse();
    const LOCKED: &str = "trust.raise: no set could ever sign with these keys";
    const DIFFERS: &str = "trust: differs from the one in force and has its generation, 3; expected a higher `generation`";
    #[rustfmt::skip]
    let table = [
        ("the first", &fresh, offered(1, &EVERYBODY), ""),
        ("the first, though nobody can raise", &fresh, offered(1, &[ENGINEER]), ""),
        ("the same", &proxy.state, offered(3, &EVERYBODY), ""),
        ("an older one", &proxy.state, offered(2, &[STRANGER]), ""),
        ("a newer one", &proxy.state, offered(4, &LEADS), ""),
        ("another of its generation", &proxy.state, offered(3, &LEADS), DIFFERS),
        ("its keys in another order", &proxy.state, offered(3, &reordered), DIFFERS),
        ("a newer one without security leads", &proxy.state, offered(4, &[PLATFORM, ENGINEER]), LOCKED),
        ("a newer one without sets", &proxy.state, no_sets(4), LOCKED),
        ("a newer one, where nobody could before", &locked.state, offered(4, &[ENGINEER, STRANGER]), ""),
    ];
    for (what, state, offered, expected) in table {
        let error = state.check_trust(&offered).err().unwrap_or_default();
        assert_eq!(error.is_empty(), expected.is_empty(), "{what}: {error}");
        assert!(error.starts_with(expected), "{what}: {error}");
    }
}

#[test]
fn an_approval_moves_the_epoch_and_the_time_of_the_entry() {
    let mut proxy = Proxy::of(&policy(control(7, json!({}))));
    let (epoch, since) = (proxy.state.epoch(), proxy.entry().since);
    proxy.now = moment("2026-11-23T20:06:00Z");
    assert!(proxy.publish(&approved()).changed);
    assert!(proxy.state.epoch() > epoch && proxy.entry().since > since);
    assert_eq!(proxy.entry().at, proxy.now);
}

#[test]
fn mutated_states_never_panic() {
    let mut proxy = Proxy::with_canary();
    proxy.order(json!({"redaction": "mask_all"})).unwrap();
    let bytes = proxy.state.encode().unwrap();
    for at in 0..bytes.len() {
        let _ = State::decode(&bytes[..at]);
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut mutated = bytes.clone();
            mutated[at] ^= flip;
            if let Ok(mut state) = State::decode(&mutated) {
                // Whatever it says, it can be worked with.
                state.publish(&proxy.policy, proxy.now);
                let _ = state.closed(&name("agent"), None);
                assert!(state.encode().is_ok());
            }
        }
    }
}
