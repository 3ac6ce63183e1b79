//! A proxy where keys are trusted, for the tests of what it admits.

use serde_json::{Value, json};

use super::*;
use crate::fixtures::{
    ENGINEER, PLATFORM, Person, SECURITY, SECURITY_2, envelope, moment, sealed, trust_json,
    warrant_json,
};
use crate::gate::{Gate, Reason};
use crate::order::{OrderRefused, Posted};
use crate::{Arm, Control, Envelope, PayloadType, Policy};

pub(super) const LEADS: [Person; 2] = [SECURITY, PLATFORM];
pub(super) const EVERYBODY: [Person; 4] = [SECURITY, SECURITY_2, PLATFORM, ENGINEER];
pub(super) const NOW: &str = "2026-11-23T20:05:00Z";
pub(super) const LATER: &str = "2026-11-23T20:15:00Z";
pub(super) const FAR: &str = "2027-01-01T00:00:00Z";

/// One proxy: what its workers share, and its clock.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) state: State,
    pub(super) now: Timestamp,
    /// The policy that was published last, by which requests are decided.
    pub(super) policy: Policy,
}

// === impl Proxy ===

impl Proxy {
    /// On which this policy has been published.
    pub(super) fn of(policy: &Value) -> Self {
        let mut proxy = Self {
            state: State::default(),
            now: moment(NOW),
            policy: policy_from(policy),
        };
        proxy.publish(policy);
        proxy
    }

    /// On which an approved canary of generation 7 has 10 % until nine o'clock.
    pub(super) fn with_canary() -> Self {
        let proxy = Self::of(&approved());
        assert_eq!(proxy.share(), 100_000);
        proxy
    }

    pub(super) fn publish(&mut self, policy: &Value) -> Published {
        self.policy = policy_from(policy);
        self.state.publish(&self.policy, self.now)
    }

    pub(super) fn order(&mut self, terms: Value) -> Result<bool, OrderRefused> {
        let order = order(terms, self.now);
        self.obey(&signed_order(&order, &[ENGINEER]))
    }

    /// Obeys an order, or refuses it with a reason and changes nothing.
    pub(super) fn obey(&mut self, posted: &Posted) -> Result<bool, OrderRefused> {
        let before = self.state.clone();
        let obeyed = self.state.obey(posted, &name("support"), self.now);
        match &obeyed {
            Ok(changed) => assert_eq!(*changed, self.state != before),
            Err(refused) => {
                assert_eq!(self.state, before, "{refused}");
                assert!(!refused.to_string().is_empty());
            }
        }
        obeyed
    }

    pub(super) fn entry(&self) -> &Entry {
        self.state.get(&name("agent")).unwrap()
    }

    pub(super) fn control(&self) -> &Control {
        &self.entry().control
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        let subject = Subject::of(&self.policy.rollouts[0]);
        self.state.closed(&name("agent"), Some(&subject))
    }

    /// The canary's share in parts per million, pins apart.
    pub(super) fn share(&self) -> u32 {
        match self.closed() {
            Some(_) => 0,
            None => self.control().share_at(self.now).ppm(),
        }
    }

    /// Where a request of this unit goes, and why.
    pub(super) fn decides(&self, unit: &str) -> (Option<Arm>, Reason) {
        let gate = Gate::new(self.control()).closed(self.closed());
        let bucketing = self.policy.rollouts[0].bucketing();
        let decision = gate.decide(&bucketing, Some(unit.as_bytes()), self.now);
        (decision.arm(), decision.reason())
    }

    pub(super) fn generation(&self) -> u64 {
        self.control().generation.get()
    }
}

pub(super) fn policy_from(json: &Value) -> Policy {
    Policy::from_json(json.to_string().as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A policy whose one rollout has this control.
pub(super) fn policy(control: Value) -> Value {
    json!({
        "policy": "support",
        "trust": trust_json(1, &EVERYBODY),
        "rollouts": [{
            "name": "agent",
            "salt": "chg-2026-0117",
            "arms": {"stable": {"version": "v41"}, "canary": {"version": "v42"}},
            "control": control,
        }],
    })
}

/// The policy of an approved canary.
pub(super) fn approved() -> Value {
    policy(control(7, json!({"warrant": warrant(json!({"after": 5}))})))
}

/// A control of 10 % until nine o'clock with these terms more.
pub(super) fn control(generation: u64, terms: Value) -> Value {
    let control = json!({
        "generation": generation,
        "ramp": {"percent": 10, "at": "2026-11-23T20:00:00Z"},
        "not_after": "2026-11-23T21:00:00Z",
    });
    merged(control, terms)
}

pub(super) fn merged(mut document: Value, terms: Value) -> Value {
    for (name, value) in terms.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

/// The envelope of a warrant with these terms, signed by the leads.
pub(super) fn warrant(terms: Value) -> Envelope {
    sealed(&merged(warrant_json(), terms), &LEADS)
}

pub(super) fn order(terms: Value, now: Timestamp) -> Value {
    let order = json!({"policy": "support", "rollout": "agent", "generation": 8, "issued_at": now});
    merged(order, terms)
}

pub(super) fn signed_order(order: &Value, people: &[Person]) -> Posted {
    let payload = order.to_string().into_bytes();
    let envelope = envelope(PayloadType::OrderJson, payload, people);
    Posted::from_envelope(&serde_json::to_vec(&envelope).unwrap())
        .unwrap_or_else(|error| panic!("{order}: {error}"))
}

/// What came of it, as tables say it: `done`, `same`, or the refusal as it is written for programmers.
pub(super) fn outcome(obeyed: &Result<bool, OrderRefused>) -> String {
    match obeyed {
        Ok(true) => "done".to_owned(),
        Ok(false) => "same".to_owned(),
        Err(refused) => format!("{refused:?}"),
    }
}
