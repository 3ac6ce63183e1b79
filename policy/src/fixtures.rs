//! Generated values that the tests of several modules draw from.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Control, Envelope, Generation, InFlight, Kill, KillMode, LiveRedaction, Name, OnLapse,
    PayloadType, Percent, Policy, Ramp, Step, Timestamp, Trust,
};

/// Somebody with a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) role: &'static str,
    /// Every byte of the private key.
    seed: u8,
}

pub(crate) const SECURITY: Person = Person {
    id: "security-lead-1",
    role: "security_lead",
    seed: 1,
};
pub(crate) const SECURITY_2: Person = Person {
    id: "security-lead-2",
    role: "security_lead",
    seed: 2,
};
pub(crate) const PLATFORM: Person = Person {
    id: "platform-lead-1",
    role: "platform_lead",
    seed: 3,
};
pub(crate) const ENGINEER: Person = Person {
    id: "engineer-1",
    role: "senior_engineer",
    seed: 4,
};
/// Whose key nobody trusts.
pub(crate) const STRANGER: Person = Person {
    id: "stranger-1",
    role: "security_lead",
    seed: 5,
};

// === impl Person ===

impl Person {
    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&[self.seed; 32])
    }

    /// The line of the public key as OpenSSH writes it.
    pub(crate) fn line(&self) -> String {
        openssh(&self.key().verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, envelope: &mut Envelope) {
        let signature = self.key().sign(&envelope.pre_authentication_encoding());
        envelope.sign(self.id, signature.to_bytes());
    }

    fn trusted(&self) -> Value {
        json!({"id": self.id, "role": self.role, "key": self.line()})
    }
}

/// An Ed25519 public key as OpenSSH writes it (RFC 8709, section 4).
pub(crate) fn openssh(key: &[u8]) -> String {
    let blob = [&b"\0\0\0\x0bssh-ed25519\0\0\0\x20"[..], key].concat();
    format!("ssh-ed25519 {}", Base64::encode_string(&blob))
}

/// The trust of a policy in JSON: these keys, and a security lead and a platform lead to raise.
pub(crate) fn trust_json(generation: u64, people: &[Person]) -> Value {
    json!({
        "generation": generation,
        "keys": people.iter().map(Person::trusted).collect::<Vec<_>>(),
        "raise": [["security_lead", "platform_lead"]],
    })
}

/// Trusts everybody but the stranger.
pub(crate) fn trust(generation: u64) -> Trust {
    let people = [SECURITY, SECURITY_2, PLATFORM, ENGINEER];
    serde_json::from_value(trust_json(generation, &people)).expect("a trust")
}

/// What these people signed.
pub(crate) fn envelope(kind: PayloadType, payload: Vec<u8>, people: &[Person]) -> Envelope {
    let mut envelope = Envelope::new(kind, payload);
    for person in people {
        person.sign(&mut envelope);
    }
    envelope
}

/// A document with the value at one JSON pointer replaced; `null` takes it away.
pub(crate) fn changed(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).expect("a place");
    match (parent, value) {
        (Value::Object(members), Value::Null) => drop(members.remove(name)),
        (parent, value) => match name.parse::<usize>() {
            Ok(index) => parent[index] = value,
            Err(_) => parent[name] = value,
        },
    }
    document
}

/// A point in time from its text.
pub(crate) fn moment(text: &str) -> Timestamp {
    serde_json::from_value(json!(text)).expect("a time")
}

/// Any share; often one of those at which something changes.
pub(crate) fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![
        1 => Just(Percent::ZERO),
        1 => Just(Percent::ALL),
        6 => (0..=1_000_000u32).prop_map(ppm),
    ]
}

/// Times so close together that those of several controls meet.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    (0..40u64).prop_map(Timestamp::from_millis)
}

/// A ramp, often of a few steps, sometimes of many.
pub(crate) fn ramp() -> impl Strategy<Value = Ramp> {
    prop_oneof![
        1 => Just(Ramp::default()),
        1 => percent().prop_map(Ramp::flat),
        4 => ramp_of(1..6),
        1 => ramp_of(30..60),
    ]
}

fn ramp_of(steps: std::ops::Range<usize>) -> impl Strategy<Value = Ramp> {
    vec((0..40u64, 0..=1_000_000u32), steps).prop_map(|steps| {
        let (times, shares): (BTreeSet<_>, BTreeSet<_>) = steps.into_iter().unzip();
        let steps = times.into_iter().zip(shares).map(|(at, share)| Step {
            percent: ppm(share),
            at: Timestamp::from_millis(at),
        });
        Ramp::from_steps(steps.collect()).expect("times and shares grow")
    })
}

pub(crate) fn kill() -> impl Strategy<Value = Kill> {
    let mode = prop_oneof![Just(KillMode::Rollback), Just(KillMode::Block)];
    let in_flight = prop_oneof![Just(InFlight::Drain), Just(InFlight::Cut)];
    (mode, in_flight).prop_map(|(mode, in_flight)| Kill { mode, in_flight })
}

/// A control of one of three generations, so that any two are often of the same.
pub(crate) fn control() -> impl Strategy<Value = Control> {
    let on_lapse = prop_oneof![Just(OnLapse::Hold), Just(OnLapse::Stable)];
    (
        0..3u64,
        ramp(),
        option::of(time()),
        on_lapse,
        option::of(kill()),
        option::of(Just(LiveRedaction::MaskAll)),
    )
        .prop_map(
            |(number, ramp, not_after, on_lapse, kill, redaction)| Control {
                generation: generation(number),
                ramp,
                not_after,
                on_lapse,
                kill,
                redaction,
                warrant: None,
            },
        )
}

pub(crate) fn ppm(ppm: u32) -> Percent {
    Percent::from_ppm(ppm).expect("at most a million")
}

pub(crate) fn generation(number: u64) -> Generation {
    Generation::new(number).expect("at most 2^53 - 1")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A control from JSON, for tables of cases.
pub(crate) fn control_from(json: &str) -> Control {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A policy with these rollouts' JSON, separated by commas.
pub(crate) fn policy_of(rollouts: &str) -> Policy {
    let json = format!(r#"{{"policy": "p", "rollouts": [{rollouts}]}}"#);
    Policy::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// The JSON of a rollout that has nothing but its name and these further fields.
pub(crate) fn rollout_json(name: &str, further: &str) -> String {
    let separator = if further.is_empty() { "" } else { "," };
    format!(
        r#"{{"name": "{name}", "salt": "s",
            "arms": {{"stable": {{"version": "1"}}, "canary": {{"version": "2"}}}},
            "control": {{"generation": 1}}{separator}{further}}}"#
    )
}

/// A warrant that the engineer's change got from the two leads: of units up to 10 %, ten minutes later
/// up to 50 %.
pub(crate) fn warrant_json() -> Value {
    json!({
        "change": "chg-2026-0117",
        "policy": "support",
        "rollout": "agent",
        "subject": {"stable": "v41", "canary": "v42", "salt": "chg-2026-0117", "pins": ["qa-1", "qa-2"]},
        "ramp": [{"percent": 10, "at": "2026-11-23T20:00:00Z"}, {"percent": 50, "at": "2026-11-23T20:10:00Z"}],
        "after": 7,
        "not_before": "2026-11-23T19:50:00Z",
        "not_after": "2026-11-23T22:00:00Z",
        "drill": {"receipt": format!("sha256:{}", "0".repeat(64)), "at": "2026-11-23T19:30:00Z"},
        "author": ENGINEER.id,
        "approvers": [
            {"id": SECURITY.id, "role": SECURITY.role},
            {"id": PLATFORM.id, "role": PLATFORM.role},
        ],
    })
}

/// The envelope of a warrant that these people signed.
pub(crate) fn sealed(warrant: &Value, people: &[Person]) -> Envelope {
    let payload = warrant.to_string().into_bytes();
    envelope(PayloadType::WarrantJson, payload, people)
}
