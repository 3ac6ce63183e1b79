//! Approvals: what the approvers were asked to sign, and who has.

use anyhow::{Context, Result};
use breakglass_policy::{Digest, Envelope, Name, PayloadType, Timestamp, Trust, Warrant};
use serde_json::json;

use crate::project::config::{Config, Person};

/// A warrant that is being signed.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) asked_at: Timestamp,
    pub(crate) warrant: Warrant,
    /// With the signatures so far.
    pub(crate) envelope: Envelope,
    pub(crate) signed: Vec<Signed>,
}

/// One who has signed.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) by: Name,
    pub(crate) role: Name,
    pub(crate) at: Timestamp,
}

// === impl Approval ===

impl Approval {
    /// What was asked, as the journal has it.
    pub(crate) fn asked(payload: &str, asked_at: Timestamp) -> Result<Self> {
        let warrant = Warrant::from_json(payload.as_bytes());
        Ok(Self {
            asked_at,
            warrant: warrant.context("the warrant in the journal")?,
            envelope: Envelope::new(PayloadType::WarrantJson, payload.as_bytes().to_vec()),
            signed: Vec::new(),
        })
    }

    /// Takes a signature over; one of another warrant counts for nothing.
    pub(crate) fn sign(&mut self, signed: Signed, envelope: &Envelope) {
        if envelope.digest() != self.digest() {
            return;
        }
        self.envelope.join(envelope);
        self.signed.retain(|known| known.by != signed.by);
        self.signed.push(signed);
    }

    pub(crate) fn digest(&self) -> Digest {
        self.envelope.digest()
    }

    /// Who has been asked and has not signed.
    pub(crate) fn missing(&self) -> Vec<String> {
        let approvers = self.warrant.approvers.iter();
        let missing = approvers.filter(|approver| self.signed.iter().all(|s| s.by != approver.id));
        missing
            .map(|approver| format!("{} ({})", approver.id, approver.role))
            .collect()
    }
}

/// Whether somebody may approve in the area of this agent: senior engineers only where they are at home.
pub(crate) fn has_authority(person: &Person, role: &Name, area: Option<&Name>) -> bool {
    let at_home = |area: &Name| person.areas.is_empty() || person.areas.contains(area);
    person.role == *role && area.is_none_or(at_home)
}

/// The people of the configuration as a trust, so that their signatures are checked as a proxy does.
pub(crate) fn trust(config: &Config) -> Result<Trust> {
    let keys = config.people.iter();
    let keys = keys.map(|person| json!({"id": person.id, "role": person.role, "key": person.key}));
    let trust = json!({"keys": keys.collect::<Vec<_>>()});
    serde_json::from_value(trust).context("breakglass.toml: people")
}
