//! What the rules alone make of everything that happens.

use std::time::Duration;

use breakglass_examples::people;
use breakglass_policy::{Control, Decision, Gate, Name, Policy, State, Subject, Timestamp};
use serde_json::{Value, json};

use super::happenings::{Document, Given, Paper, Reference, WORKERS};
use crate::trust::{CAST, RAISE, trust, trusting, warrant};
use crate::world::{ROLLOUT, controlled};

pub(super) struct Model {
    pub(super) state: State,
    pub(super) name: Name,
    pub(super) rollout: Name,
    /// The policy that was pushed last.
    pub(super) pushed: Value,
    pub(super) workers: Vec<Root>,
    main: Root,
    pushes: usize,
}

/// A configuration in a machine.
pub(super) struct Root {
    pub(super) alive: bool,
    policy: Policy,
    published: bool,
}

// === impl Model ===

impl Model {
    pub(super) fn new(policy: &Value) -> Self {
        Self {
            state: State::default(),
            name: Name::new("support").expect("it is a name"),
            rollout: Name::new(ROLLOUT).expect("it is a name"),
            pushed: policy.clone(),
            workers: (0..WORKERS).map(|_| Root::new(policy)).collect(),
            main: Root::new(policy),
            pushes: 0,
        }
    }

    pub(super) fn push(&mut self, policy: Value) {
        self.main = Root::new(&policy);
        self.pushed = policy;
    }

    pub(super) fn has_pushed(&self, worker: usize) -> bool {
        self.workers[worker].policy == self.main.policy
    }

    /// Nothing is known any more but the policy.
    pub(super) fn restart(&mut self) {
        let pushes = self.pushes;
        *self = Self {
            pushes,
            ..Self::new(&self.pushed)
        };
    }

    /// Main first, then the workers, as the host fires what is due at once.
    pub(super) fn tick(&mut self, now: Timestamp) {
        let roots = std::iter::once(&mut self.main).chain(&mut self.workers);
        for root in roots.filter(|root| root.alive) {
            root.publish(&mut self.state, now);
            root.lapse(&mut self.state, &self.rollout, now);
        }
    }

    /// What a worker does with a request of this unit.
    pub(super) fn decides(&mut self, worker: usize, unit: &str, now: Timestamp) -> Decision {
        let root = &mut self.workers[worker];
        if !root.alive {
            (root.alive, root.published) = (true, false);
        }
        root.publish(&mut self.state, now);
        let entry = self.state.get(&self.rollout);
        let closed = self.state.closed(&self.rollout, Some(&root.subject()));
        let gate = Gate::new(&entry.expect("it was published").control).closed(closed);
        let split = root.policy.rollouts[0].bucketing();
        gate.decide(&split, Some(unit.as_bytes()), now)
    }

    /// The policy that a document is here and now; none is like another.
    pub(super) fn policy(&mut self, document: &Document, now: Timestamp) -> Value {
        self.pushes += 1;
        let control = json!({
            "generation": self.generation(document.newer), "ramp": document.ramp,
            "not_after": document.lease.map(|seconds| end(now, seconds)), "kill": document.kill,
        });
        let mut policy = match document.trust {
            Some(_) => trusting(control),
            None => controlled(control),
        };
        match document.trust {
            Some(1) => policy["trust"] = trust(1),
            Some(generation) => {
                let people = [&CAST.engineer, &CAST.security, &CAST.platform];
                policy["trust"] = people::trust(generation, &people, RAISE);
            }
            None => {}
        }
        let rollout = &mut policy["rollouts"][0];
        if let Some(paper) = &document.warrant {
            rollout["control"]["warrant"] = paper.envelope(self.floor());
        }
        rollout["arms"]["canary"]["version"] = json!(document.version);
        let number = format!("push-{}", self.pushes);
        rollout["pins"] = json!({"canary": pins(document.pinned), "stable": ["vip", number]});
        policy
    }

    /// The order that is given here and now.
    pub(super) fn order(&self, given: &Given, now: Timestamp) -> Value {
        let mut order = json!({
            "policy": "support", "rollout": ROLLOUT, "issued_at": now.to_string(),
            "generation": self.generation(given.newer),
        });
        let lease = given
            .lease
            .map(|lease| lease.map(|seconds| end(now, seconds)));
        let masked = given.masked.map(|masked| masked.then_some("mask_all"));
        let warrant = given.warrant.as_ref().map(|reference| match reference {
            Reference::Carried(paper) => paper.envelope(self.floor()),
            Reference::Named => self.held(),
        });
        let terms = [
            ("ramp", given.ramp.clone()),
            ("not_after", lease.map(|lease| json!(lease))),
            ("kill", given.kill.clone()),
            ("redaction", masked.map(|masked| json!(masked))),
            ("warrant", warrant),
        ];
        for (term, value) in terms {
            if let Some(value) = value {
                order[term] = value;
            }
        }
        order
    }

    fn control(&self) -> Option<&Control> {
        self.state.get(&self.rollout).map(|entry| &entry.control)
    }

    /// So much above the generation before that in force.
    fn generation(&self, newer: u64) -> u64 {
        let current = self.control().map_or(1, |control| control.generation.get());
        (current + newer).saturating_sub(1)
    }

    fn floor(&self) -> u64 {
        let entry = self.state.get(&self.rollout);
        entry.map_or(0, |entry| entry.floor().get())
    }

    /// The name of the warrant that is held, or of nothing.
    fn held(&self) -> Value {
        let held = self.control().and_then(|control| control.warrant.as_ref());
        let name = held.map(|held| held.digest().to_string());
        json!(name.unwrap_or_else(|| people::digest(&json!({}))))
    }
}

// === impl Root ===

impl Root {
    pub(super) fn new(policy: &Value) -> Self {
        let policy = Policy::from_json(policy.to_string().as_bytes());
        Self {
            alive: true,
            policy: policy.expect("it is a policy"),
            published: false,
        }
    }

    fn subject(&self) -> Subject {
        Subject::of(&self.policy.rollouts[0])
    }

    /// What the first sign of life does.
    fn publish(&mut self, state: &mut State, now: Timestamp) {
        if !std::mem::replace(&mut self.published, true) {
            state.publish(&self.policy, now);
        }
    }

    /// What a tick does besides.
    fn lapse(&self, state: &mut State, rollout: &Name, now: Timestamp) {
        let closed = state.closed(rollout, Some(&self.subject()));
        let control = state.get(rollout).map(|entry| entry.control.clone());
        let Some(control) = control.filter(|_| closed.is_none()) else {
            return;
        };
        if control.not_after.is_some_and(|end| now > end) && control.falls_back() {
            state.lapse(rollout, control.generation);
        }
    }
}

// === impl Paper ===

impl Paper {
    fn envelope(&self, floor: u64) -> Value {
        let mut envelope = warrant(json!({
            "after": (floor + self.after).saturating_sub(1),
            "subject": {"canary": self.version, "pins": pins(self.pinned)},
            "ramp": {"percent": self.percent},
            "unmask": self.unmask,
        }));
        if !self.whole {
            let signatures = envelope["signatures"].as_array_mut();
            signatures.expect("a list").pop();
        }
        envelope
    }
}

fn pins(pinned: bool) -> &'static [&'static str] {
    if pinned { &["qa-1"] } else { &[] }
}

/// The end of a lease: between two ticks.
fn end(now: Timestamp, seconds: u64) -> String {
    let after = Duration::from_secs(seconds) + Duration::from_millis(50);
    let millis = u64::try_from(after.as_millis()).expect("it fits");
    Timestamp::from_millis(now.millis() + millis).to_string()
}
