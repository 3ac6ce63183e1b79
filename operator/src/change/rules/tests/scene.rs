//! What rules look at, built from what a project and a journal hold.

use breakglass_policy::{Envelope, Name, PayloadType, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use ssh_key::PublicKey;
use ssh_key::public::{Ed25519PublicKey, KeyData};

use crate::change::event::Entry;
use crate::change::ledger::Ledger;
use crate::change::record::Declaration;
use crate::change::rules::{self, Case, Denial, RULES, Refusal, When};
use crate::project::config::Config;

/// A change in a project, and who wants something of it.
pub(super) struct Scene {
    config: String,
    declaration: Value,
    /// Of the change, and of others.
    events: Vec<(String, &'static str, Timestamp, Value)>,
    now: Timestamp,
    actor: &'static str,
}

/// A time in UTC.
pub(super) fn at(text: &str) -> Timestamp {
    serde_json::from_value(json!(text)).unwrap()
}

// === impl Scene ===

impl Scene {
    /// A good declaration on a Thursday at noon, with nothing else done.
    pub(super) fn new() -> Self {
        let people = [
            ("priya", "engineer", ""),
            ("sana", "senior_engineer", "areas = [\"support\"]"),
            ("sven", "senior_engineer", "areas = [\"sales\"]"),
            ("ravi", "security_lead", ""),
            ("rosa", "security_lead", ""),
        ];
        let people = people.iter().zip(1..).map(|((id, role, more), seed)| {
            let key = public(seed);
            format!("[[people]]\nid = \"{id}\"\nname = \"{id}\"\nrole = \"{role}\"\nkey = \"{key}\"\n{more}\n")
        });
        Self {
            config: CONFIG.to_owned() + &people.collect::<String>(),
            declaration: serde_json::from_str(DECLARATION).unwrap(),
            events: Vec::new(),
            now: at("2026-11-26T12:00:00Z"),
            actor: "priya",
        }
    }

    /// With another configuration; `old` must be in it.
    pub(super) fn config(mut self, old: &str, new: &str) -> Self {
        assert!(self.config.contains(old), "`{old}`");
        self.config = self.config.replace(old, new);
        self
    }

    /// With another value in the declaration: at `/bypass/0/reason`.
    pub(super) fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = self.declaration.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            parent => parent[key] = value,
        }
        self
    }

    /// Without a value of the declaration.
    pub(super) fn without(mut self, pointer: &str) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match self.declaration.pointer_mut(parent).unwrap() {
            Value::Array(items) => drop(items.remove(key.parse().unwrap())),
            parent => drop(parent.as_object_mut().unwrap().remove(key)),
        }
        self
    }

    /// Without any bypass.
    pub(super) fn unbypassed(self) -> Self {
        self.with("/bypass", json!([]))
    }

    /// With one more bypass.
    pub(super) fn bypass(mut self, what: &str, compensation: &str, who: Option<&str>) -> Self {
        let bypass = json!({
            "what": what, "reason": format!("Keeping the {what} means another night of exposure."),
            "compensation": compensation, "who": who, "owner": "priya", "due": "2d",
        });
        self.declaration["bypass"]
            .as_array_mut()
            .unwrap()
            .push(bypass);
        self
    }

    /// And then this happened to the change, a moment before now.
    pub(super) fn event(self, by: &'static str, event: Value) -> Self {
        self.event_of(ID, by, event)
    }

    /// The same of another change.
    pub(super) fn event_of(mut self, change: &str, by: &'static str, event: Value) -> Self {
        let when = Timestamp::from_millis(self.now.millis() - 1000);
        self.events.push((change.into(), by, when, event));
        self
    }

    /// Another change of the same agent is declared.
    pub(super) fn other(self, edit: fn(&mut Value)) -> Self {
        let mut declared: Value = serde_json::from_str(DECLARATION).unwrap();
        declared["kind"] = "declared".into();
        edit(&mut declared);
        self.event_of(OTHER, "sven", declared)
    }

    /// The ramp of a change is on its way.
    pub(super) fn started(self, change: &str) -> Self {
        let plan = json!([{"percent": 100, "hold": "1m"}]);
        self.event_of(
            change,
            "priya",
            json!({"kind": "ramp_started", "engine": "e-1", "plan": plan}),
        )
    }

    /// And is over.
    pub(super) fn completed(self) -> Self {
        self.started(ID)
            .event("priya", json!({"kind": "completed"}))
    }

    pub(super) fn at(mut self, now: &str) -> Self {
        self.now = at(now);
        self
    }

    pub(super) fn by(mut self, actor: &'static str) -> Self {
        self.actor = actor;
        self
    }

    /// A drill with this in its receipt, on top of what is right.
    pub(super) fn drilled(self, passed: bool, receipt: Value) -> Self {
        let receipt = drill_receipt(receipt);
        self.event(
            "priya",
            json!({"kind": "drilled", "passed": passed, "receipt": receipt}),
        )
    }

    /// Asked for and signed by these, with this in the warrant.
    pub(super) fn approved(mut self, by: &[(&'static str, &str, u8)], warrant: Value) -> Self {
        let drill = drill_receipt(json!({}));
        let mut document = json!({
            "change": ID, "policy": "support", "rollout": "support-agent",
            "subject": {"stable": "prompt-v41", "canary": "prompt-v42", "salt": "chg-17"},
            "ramp": [{"percent": 100}], "after": 7,
            "not_before": "2026-11-26T00:00:00Z", "not_after": "2026-11-27T00:00:00Z",
            "drill": {"receipt": drill.digest(), "at": "2026-11-26T11:00:00Z"},
            "author": "priya",
            "approvers": [{"id": "sana", "role": "senior_engineer"}, {"id": "ravi", "role": "security_lead"}],
        });
        for (key, value) in warrant.as_object().unwrap() {
            document[key] = value.clone();
        }
        let payload = document.to_string();
        self = self.event(
            "sana",
            json!({"kind": "approval_asked", "payload": payload}),
        );
        for (id, role, seed) in by {
            let mut envelope = Envelope::new(PayloadType::WarrantJson, payload.clone().into());
            let message = envelope.pre_authentication_encoding();
            envelope.sign(id, key(*seed).sign(&message).to_bytes());
            let event =
                json!({"kind": "approved", "approver": id, "role": role, "warrant": envelope});
            self = self.event(id, event);
        }
        self
    }

    /// What one rule makes of it.
    pub(super) fn check(self, rule: &str) -> Result<(), Denial> {
        let rule = RULES.iter().find(|known| known.name == rule).unwrap();
        self.look(|case| rule.check(case))
    }

    /// What all rules of a moment make of it.
    pub(super) fn check_all(self, when: When) -> Result<(), Refusal> {
        self.look(|case| rules::check(when, "try", case))
    }

    fn look<T>(self, look: impl FnOnce(&Case<'_>) -> T) -> T {
        let config = Config::from_toml(&self.config).unwrap();
        let declared: Declaration = serde_json::from_value(self.declaration.clone()).unwrap();
        let mut first = self.declaration;
        first["kind"] = "declared".into();
        let declared_at = at("2026-11-26T11:00:00Z");
        let events = [(ID.to_owned(), "priya", declared_at, first)]
            .into_iter()
            .chain(self.events);
        let entries = events.zip(1..).map(|((change, by, at, event), seq)| Entry {
            seq,
            at,
            by: Name::new(by).unwrap(),
            change: Name::new(&change),
            late: false,
            prev: String::new(),
            event: serde_json::from_value(event.clone())
                .unwrap_or_else(|error| panic!("{event}: {error}")),
        });
        let ledger = Ledger::of(entries.collect()).unwrap();
        let change = ledger.get(&Name::new(ID).unwrap()).unwrap();
        look(&Case {
            config: &config,
            ledger: &ledger,
            now: self.now,
            actor: config.person(self.actor).unwrap(),
            declared: Some(&declared),
            change: Some(change),
            rollout: &declared.rollout,
        })
    }
}

fn drill_receipt(more: Value) -> Envelope {
    let mut receipt = json!({
        "change": ID, "rollout": "support-agent", "stable": "prompt-v41", "canary": "prompt-v42",
        "salt": "chg-17", "at": "2026-11-26T11:00:00Z", "not_after": "2026-11-26T15:00:00Z",
        "delivered": {"generation": 8, "control": null, "proxies": [], "files": [], "elapsed_ms": 12},
    });
    for (key, value) in more.as_object().unwrap() {
        receipt[key] = value.clone();
    }
    let mut envelope = Envelope::new(PayloadType::DrillJson, receipt.to_string().into());
    let message = envelope.pre_authentication_encoding();
    envelope.sign("priya", key(1).sign(&message).to_bytes());
    envelope
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8) -> String {
    let key = Ed25519PublicKey(key(seed).verifying_key().to_bytes());
    PublicKey::new(KeyData::Ed25519(key), "")
        .to_openssh()
        .unwrap()
}

pub(super) const ID: &str = "chg-2026-0001";
pub(super) const OTHER: &str = "chg-2026-0002";
const CONFIG: &str = r#"
[proxies]
targets = ["127.0.0.1:1"]
[[agents]]
rollout = "support-agent"
team = "support-platform"
area = "support"
[canary]
standard = [{percent = 1, hold = "1h"}, {percent = 100, hold = "1h"}]
compressed = [{percent = 1, hold = "1m"}, {percent = 100, hold = "1m"}]
[windows]
change = [{days = ["thu"], from = "09:00", to = "17:00"}]
freezes = [{name = "sale", from = "2026-12-01T00:00:00", to = "2026-12-05T00:00:00"}]
[[gates]]
name = "eval"
"#;
const DECLARATION: &str = r#"{
  "title": "Stop repeating numbers", "rollout": "support-agent", "category": "security",
  "evidence": {
    "exposure": "Answers repeat identity numbers of other customers.",
    "seen": "Ticket 4711 and the counts of the gateway."
  },
  "harm_of_waiting": "Forty customers an hour read numbers of others.",
  "harm_of_bypassing": "The new prompt may refuse harmless questions.",
  "cause": "prompt", "scope": "prompt", "impact": "limited",
  "versions": {"stable": "prompt-v41", "canary": "prompt-v42"},
  "watcher": "priya", "approvers": ["sana", "ravi"], "message": "needed",
  "harm": {"measure": "errors", "at_most_per_1000": 1.0, "answers": 10},
  "bypass": [
    {"what": "eval_gate", "reason": "The evaluation takes five hours of leaking.",
     "compensation": "eval_after_promotion", "owner": "priya", "due": "24h"},
    {"what": "canary", "reason": "A day and a half of further exposure.",
     "compensation": "compressed_canary", "owner": "priya", "due": "3d"}
  ]
}"#;
