//! Three people who run one rollout: one gives orders, two approve.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{ORDER, Person, WARRANT, sign, trust};

/// Those whose keys a policy names: an engineer, who gives orders, and two who approve.
#[derive(Clone, Debug)]
pub struct Team {
    pub engineer: Person,
    pub security: Person,
    pub platform: Person,
    subject: Subject,
}

/// The rollout that they run.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The name of the policy.
    pub policy: &'static str,
    /// The name of the rollout in it.
    pub rollout: &'static str,
    /// The old version.
    pub stable: &'static str,
    /// The new version.
    pub canary: &'static str,
    /// The rollout's salt, and the change that a warrant names.
    pub salt: &'static str,
}

// === impl Team ===

impl Team {
    pub fn new(subject: Subject) -> Self {
        Self {
            engineer: Person::new("engineer-1", "senior_engineer"),
            security: Person::new("security-lead-1", "security_lead"),
            platform: Person::new("platform-lead-1", "platform_lead"),
            subject,
        }
    }

    /// The `trust` of a policy that knows their keys: both leads have to approve what raises exposure.
    pub fn trust(&self, generation: u64) -> Value {
        let keys = [&self.engineer, &self.security, &self.platform];
        trust(generation, &keys, RAISE)
    }

    /// An order of the engineer with these terms.
    pub fn order(&self, generation: u64, terms: Value) -> Value {
        self.order_by(&self.engineer, generation, terms)
    }

    /// An order of anybody with these terms.
    pub fn order_by(&self, person: &Person, generation: u64, terms: Value) -> Value {
        let order = json!({
            "policy": self.subject.policy,
            "rollout": self.subject.rollout,
            "generation": generation,
            "issued_at": at(SystemTime::now()),
        });
        sign(ORDER, &with(order, terms), &[person])
    }

    /// The engineer's kill.
    pub fn kill(&self, generation: u64, in_flight: &str) -> Value {
        let kill = json!({"mode": "rollback", "in_flight": in_flight});
        self.order(generation, json!({"kill": kill}))
    }

    /// The engineer's raise to this share by a new warrant for it, approved at `after`.
    pub fn raise(&self, generation: u64, percent: u64, after: u64) -> Value {
        let ramp = json!({"percent": percent});
        let warrant = self.warrant(after, json!({"ramp": ramp.clone()}));
        let terms = json!({"kill": null, "ramp": ramp, "warrant": warrant});
        self.order(generation, terms)
    }

    /// A warrant for everybody, approved at this generation, with these terms instead of the usual.
    pub fn warrant(&self, after: u64, terms: Value) -> Value {
        self.warrant_by(&[&self.security, &self.platform], after, terms)
    }

    /// The same, signed by these people.
    pub fn warrant_by(&self, signers: &[&Person], after: u64, terms: Value) -> Value {
        let approvers: Vec<_> = signers.iter().map(|person| person.approver()).collect();
        let Subject {
            policy,
            rollout,
            stable,
            canary,
            salt,
        } = self.subject;
        let warrant = json!({
            "change": salt,
            "policy": policy,
            "rollout": rollout,
            "subject": {"stable": stable, "canary": canary, "salt": salt},
            "ramp": {"percent": 100},
            "after": after,
            "not_before": at(SystemTime::now() - HOUR),
            "not_after": at(SystemTime::now() + HOUR),
            "drill": {"receipt": super::digest(&json!({})), "at": at(SystemTime::now() - HOUR)},
            "author": self.engineer.id(),
            "approvers": approvers,
        });
        sign(WARRANT, &with(warrant, terms), signers)
    }
}

/// `document` with these members instead of, or beside, its own.
///
/// # Panics
///
/// If they are no object.
fn with(mut document: Value, terms: Value) -> Value {
    let Value::Object(terms) = terms else {
        panic!("terms are an object, not {terms}");
    };
    for (name, term) in terms {
        document[name] = term;
    }
    document
}

/// A time as documents have it.
pub fn at(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Whose approval a warrant needs.
pub const RAISE: &[&[&str]] = &[&["security_lead", "platform_lead"]];

const HOUR: Duration = Duration::from_secs(3_600);
