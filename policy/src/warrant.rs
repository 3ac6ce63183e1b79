//! Warrants: the signed permission that raising exposure needs.

use std::fmt;

use serde::Serialize;

use crate::arm::Arm;
use crate::bucket::Salt;
use crate::control::{Control, Generation};
use crate::document::{self, DocumentError, FromTree, Members, Tree, read_by_serde, read_struct};
use crate::envelope::{Digest, Envelope, SignatureRefused};
use crate::header::HeaderText;
use crate::limits;
use crate::name::Name;
use crate::policy::Rollout;
use crate::ramp::Ramp;
use crate::time::Timestamp;
use crate::trust::{Missing, Trust};

/// What the approvers of one change allow, and until when. It permits nothing that it does not name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warrant {
    /// The change's id.
    pub change: Name,
    /// The policy that the rollout stands in.
    pub policy: Name,
    /// The rollout that may be raised.
    pub rollout: Name,
    /// The versions and the split that were approved.
    pub subject: Subject,
    /// The ceiling: at every moment the highest share, and so for each share the earliest time.
    pub ramp: Ramp,
    /// Whether `redaction: "mask_all"` may be taken back.
    #[serde(default)]
    pub unmask: bool,
    /// The generation in force that the approvers saw. A kill after it needs a new warrant.
    pub after: Generation,
    /// When the first raise may be made.
    pub not_before: Timestamp,
    /// When the last raise may be made.
    pub not_after: Timestamp,
    /// The proof that the rollback works.
    pub drill: Drill,
    /// Whose change it is; never one of the approvers.
    pub author: Name,
    /// Who must have signed, each with a key of this id and role.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = limits::SIGNATURES)))]
    pub approvers: Vec<Approver>,
}

/// What a warrant is about: the versions, who is drawn, and who is put on the canary by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subject {
    /// The old version.
    pub stable: HeaderText,
    /// The new version.
    pub canary: HeaderText,
    /// The key of the split.
    pub salt: Salt,
    /// Units that may be pinned to the canary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::APPROVED_PINS)))]
    pub pins: Vec<String>,
}

/// A drill of the rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drill {
    /// The name of its receipt.
    pub receipt: Digest,
    /// When it was made.
    pub at: Timestamp,
}

/// One who approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Approver {
    /// The id of the key.
    pub id: Name,
    /// The role in which its holder approves.
    pub role: Name,
}

/// How an order or a control brings its warrant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarrantReference {
    /// The envelope itself.
    Carried(Box<Envelope>),
    /// By its digest, where the proxy holds the one that the control in force rests on.
    Named(Digest),
}

/// What is to be raised, and on what ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raise<'a> {
    pub(crate) policy: &'a Name,
    pub(crate) rollout: &'a Name,
    /// As the policy in force describes the rollout; `None` where no policy does.
    pub(crate) subject: Option<&'a Subject>,
    /// What is to be in force.
    pub(crate) control: &'a Control,
    /// Whether `mask_all` is taken back.
    pub(crate) unmasks: bool,
    /// Warrants of generations before this one are spent.
    pub(crate) floor: Generation,
    pub(crate) now: Timestamp,
}

/// Why exposure may not be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarrantRefused {
    /// There is none.
    Missing(Missing),
    /// It is named, but not the one that the proxy holds.
    NotHeld(Digest),
    /// It cannot be read.
    Malformed(DocumentError),
    /// Its signatures count for nothing.
    Signature(SignatureRefused),
    /// It names an approver who did not sign, or not in this role.
    NotSigned(Approver),
    /// Those who signed may not permit it.
    Insufficient(Missing),
    /// It is for another policy.
    OtherPolicy(Name),
    /// It is for another rollout.
    OtherRollout(Name),
    /// The policy describes the rollout differently in this term.
    OtherSubject {
        /// The term.
        term: &'static str,
        /// What was approved.
        approved: Box<str>,
        /// What the policy in force says.
        found: Box<str>,
    },
    /// It cannot be used yet.
    NotYet(Timestamp),
    /// It can no longer be used.
    Expired(Timestamp),
    /// A kill or a newer warrant came after it.
    Spent {
        /// The generation that its approvers saw.
        after: Generation,
        /// The least generation that they must have seen.
        floor: Generation,
    },
    /// It was approved at a generation that is not before the one that it is to permit.
    Ahead {
        /// The generation that its approvers claim to have seen.
        after: Generation,
        /// The generation to be permitted.
        generation: Generation,
    },
    /// It permits less than this term asks for.
    Exceeded(&'static str),
}

// === impl Warrant ===

impl FromTree for Warrant {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(
            tree,
            &[
                "change",
                "policy",
                "rollout",
                "subject",
                "ramp",
                "unmask",
                "after",
                "not_before",
                "not_after",
                "drill",
                "author",
                "approvers",
            ],
        )?;
        let warrant = Self {
            change: members.required("change")?,
            policy: members.required("policy")?,
            rollout: members.required("rollout")?,
            subject: members.required("subject")?,
            ramp: members.required("ramp")?,
            unmask: members.or_default("unmask")?,
            after: members.required("after")?,
            not_before: members.required("not_before")?,
            not_after: members.required("not_after")?,
            drill: members.required("drill")?,
            author: members.required("author")?,
            approvers: members.required("approvers")?,
        };
        let pins = warrant.subject.pins.len();
        if pins > limits::APPROVED_PINS {
            let most = limits::APPROVED_PINS;
            let message = format!("{pins} pins, expected at most {most}");
            let error = DocumentError::whole(message).under_key("pins");
            return Err(error.under_key("subject"));
        }
        warrant.check_approvers()?;
        if warrant.not_after <= warrant.not_before {
            let message = format!("not later than `not_before`, {}", warrant.not_before);
            return Err(DocumentError::whole(message).under_key("not_after"));
        }
        Ok(warrant)
    }
}

read_by_serde!(Warrant);

impl Warrant {
    /// Reads a warrant from JSON.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        document::from_json(json, limits::ORDER_BYTES)
    }

    /// Reads a warrant from MessagePack: maps with the same field names as the JSON form.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::from_msgpack(bytes, limits::ORDER_BYTES)
    }

    /// The warrant in `envelope`, if everybody signed it who must have by `trust` and by itself. What
    /// it permits, and when, is another matter.
    ///
    /// # Errors
    /// What is missing.
    pub fn open(envelope: &Envelope, trust: &Trust) -> Result<Self, WarrantRefused> {
        let signers = envelope.signers(trust).map_err(WarrantRefused::Signature)?;
        let warrant = envelope.warrant().map_err(WarrantRefused::Malformed)?;
        let signed = |approver: &&Approver| {
            let mut signers = signers.iter();
            signers.any(|key| (&key.id, &key.role) == (&approver.id, &approver.role))
        };
        if let Some(absent) = warrant.approvers.iter().find(|approver| !signed(approver)) {
            return Err(WarrantRefused::NotSigned(absent.clone()));
        }
        let roles = warrant.approvers.iter().map(|approver| &approver.role);
        let missing = trust.missing_to_raise(&roles.collect::<Vec<_>>());
        match missing {
            None => Ok(warrant),
            Some(missing) => Err(WarrantRefused::Insufficient(missing)),
        }
    }

    /// Whether it permits the raise.
    pub(crate) fn permits(&self, raise: Raise<'_>) -> Result<(), WarrantRefused> {
        if self.policy != *raise.policy {
            return Err(WarrantRefused::OtherPolicy(self.policy.clone()));
        }
        if self.rollout != *raise.rollout {
            return Err(WarrantRefused::OtherRollout(self.rollout.clone()));
        }
        if let Some(found) = raise.subject {
            self.subject.check(found)?;
        }
        if raise.now < self.not_before {
            return Err(WarrantRefused::NotYet(self.not_before));
        }
        if raise.now > self.not_after {
            return Err(WarrantRefused::Expired(self.not_after));
        }
        if self.after < raise.floor {
            return Err(WarrantRefused::Spent {
                after: self.after,
                floor: raise.floor,
            });
        }
        let generation = raise.control.generation;
        if self.after >= generation {
            let after = self.after;
            return Err(WarrantRefused::Ahead { after, generation });
        }
        let ramp = &raise.control.ramp;
        if ramp.min(&self.ramp) != *ramp {
            return Err(WarrantRefused::Exceeded("ramp"));
        }
        if raise.unmasks && !self.unmask {
            return Err(WarrantRefused::Exceeded("redaction"));
        }
        Ok(())
    }

    /// Nobody approves twice, nor what is their own.
    fn check_approvers(&self) -> Result<(), DocumentError> {
        let count = self.approvers.len();
        let refuse =
            |message: fmt::Arguments<'_>| Err(DocumentError::whole(message).under_key("approvers"));
        if !(1..=limits::SIGNATURES).contains(&count) {
            let most = limits::SIGNATURES;
            return refuse(format_args!("{count} approvers, expected 1 to {most}"));
        }
        for (place, Approver { id, .. }) in self.approvers.iter().enumerate() {
            if *id == self.author {
                return refuse(format_args!(
                    "`{id}` is the author; expected somebody else: nobody approves their own change"
                ));
            }
            let mut others = self.approvers.iter().skip(place.saturating_add(1));
            if others.any(|other| other.id == *id) {
                return refuse(format_args!("`{id}` is named twice"));
            }
        }
        Ok(())
    }
}

// === impl Subject ===

read_struct!(Subject {
    stable: required "stable",
    canary: required "canary",
    salt: required "salt",
    pins: or_default "pins",
});

impl Subject {
    /// What a policy says of a rollout. Of its pins only as many as could be approved, and one more.
    pub fn of(rollout: &Rollout) -> Self {
        let pins = rollout.pins.units(Arm::Canary);
        let most = limits::APPROVED_PINS.saturating_add(1);
        Self {
            stable: rollout.arms.stable.version.clone(),
            canary: rollout.arms.canary.version.clone(),
            salt: rollout.salt.clone(),
            pins: pins.into_iter().take(most).collect(),
        }
    }

    /// Whether what was `found` in a policy is what was approved here.
    ///
    /// # Errors
    /// The first term that differs.
    pub fn check(&self, found: &Self) -> Result<(), WarrantRefused> {
        let terms = [
            ("stable", self.stable.as_str(), found.stable.as_str()),
            ("canary", self.canary.as_str(), found.canary.as_str()),
            ("salt", self.salt.as_str(), found.salt.as_str()),
        ];
        let differs = |(_, approved, found): &(_, &str, &str)| approved != found;
        if let Some((term, approved, found)) = terms.into_iter().find(differs) {
            return Err(WarrantRefused::OtherSubject {
                term,
                approved: approved.into(),
                found: found.into(),
            });
        }
        match found.pins.iter().find(|unit| !self.pins.contains(unit)) {
            None => Ok(()),
            Some(unit) => Err(WarrantRefused::OtherSubject {
                term: "pins",
                approved: self.pins.join(", ").into(),
                found: unit.as_str().into(),
            }),
        }
    }
}

// === impl Drill, Approver ===

read_struct!(Drill {
    receipt: required "receipt",
    at: required "at",
});

read_struct!(Approver {
    id: required "id",
    role: required "role",
});

// === impl WarrantReference ===

impl FromTree for WarrantReference {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match tree {
            Tree::Object(_) => Ok(Self::Carried(Box::new(Envelope::from_tree(tree)?))),
            Tree::Text(_) => Digest::from_tree(tree).map(Self::Named),
            other => other.mismatch(&"a warrant's envelope, or its digest, `sha256:…`"),
        }
    }
}

read_by_serde!(WarrantReference);

impl Serialize for WarrantReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Carried(envelope) => envelope.serialize(serializer),
            Self::Named(digest) => digest.serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for WarrantReference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WarrantReference".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let envelope = generator.subschema_for::<Envelope>();
        let digest = generator.subschema_for::<Digest>();
        schemars::json_schema!({
            "description": "The warrant's envelope, or the digest of the one that the proxy holds.",
            "anyOf": [envelope, digest]
        })
    }
}

// === impl WarrantRefused ===

impl fmt::Display for WarrantRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => {
                write!(f, "raising exposure needs a warrant; {missing}")
            }
            Self::NotHeld(digest) => write!(
                f,
                "the proxy does not hold the warrant {digest}; send its envelope"
            ),
            Self::Malformed(error) => write!(f, "the warrant cannot be read: {error}"),
            Self::Signature(refused) => write!(f, "the warrant: {refused}"),
            Self::NotSigned(Approver { id, role }) => write!(
                f,
                "the warrant names the approver `{id}` as {role}, who has not signed it, or whose key is not trusted in this role"
            ),
            Self::Insufficient(missing) => write!(f, "the warrant is not enough; {missing}"),
            Self::OtherPolicy(name) => write!(f, "the warrant is for the policy `{name}`"),
            Self::OtherRollout(name) => write!(f, "the warrant is for the rollout `{name}`"),
            Self::OtherSubject {
                term,
                approved,
                found,
            } => write!(
                f,
                "the warrant was given for {term} `{approved}`, the policy in force has `{found}`; expected a warrant for what is in force"
            ),
            Self::NotYet(time) => write!(f, "the warrant cannot be used before {time}"),
            Self::Expired(time) => write!(
                f,
                "the warrant could be used until {time}; expected a new one"
            ),
            Self::Spent { after, floor } => write!(
                f,
                "the warrant was approved at generation {after}, and a kill or a newer warrant came after it; expected a new one with `after` at least {floor}"
            ),
            Self::Ahead { after, generation } => write!(
                f,
                "the warrant was approved at generation {after}, so it permits no generation {generation}; expected a control with a higher generation than its approvers saw"
            ),
            Self::Exceeded(term) => write!(f, "`{term}` asks for more than the warrant permits"),
        }
    }
}

impl std::error::Error for WarrantRefused {}

#[cfg(test)]
mod tests;
