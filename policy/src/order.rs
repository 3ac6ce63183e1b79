//! Orders: live changes of one control.

use std::fmt;

use serde::Serialize;

use crate::control::{Control, Generation, Kill, LiveRedaction};
use crate::document::{self, DocumentError, read_struct};
use crate::envelope::{Envelope, SignatureRefused};
use crate::limits;
use crate::name::Name;
use crate::ramp::Ramp;
use crate::time::Timestamp;
use crate::trust::Trust;
use crate::warrant::{WarrantReference, WarrantRefused};

/// A request to change the control of one rollout; what it does not name stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Order {
    /// The policy that the rollout stands in. A signed order names it, so that it is worth nothing on
    /// the proxies of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// The rollout to change.
    pub rollout: Name,
    /// The generation that the changed control shall have: higher than the one in force.
    pub generation: Generation,
    /// A new ramp. Not `null`: who wants nobody on the canary orders `[]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Ramp"))]
    pub ramp: Option<Ramp>,
    /// A new lease; `null` takes the lease away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Timestamp>"))]
    pub not_after: Option<Option<Timestamp>>,
    /// The kill-switch; `null` turns it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Kill>"))]
    pub kill: Option<Option<Kill>>,
    /// The switch for redaction; `null` turns it off, so that what the policy says holds again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<LiveRedaction>"))]
    pub redaction: Option<Option<LiveRedaction>>,
    /// What permits the order to raise exposure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warrant: Option<WarrantReference>,
    /// When it was given; a signed order says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
}

/// An order as it was sent: in the clear, or in an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    order: Order,
    envelope: Option<Envelope>,
}

/// Why an order was not carried out; nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRefused {
    /// Keys are trusted here, and nobody has signed.
    Unsigned,
    /// It is signed, but the signatures count for nothing.
    Signature(SignatureRefused),
    /// It is signed, but does not name this term, without which it could be used elsewhere or for ever.
    Unbound(&'static str),
    /// It is for another policy.
    OtherPolicy(Name),
    /// It was issued too long ago.
    Expired(Timestamp),
    /// It was issued in the future.
    FromTheFuture(Timestamp),
    /// No policy in force names its rollout.
    UnknownRollout(Name),
    /// The control in force is as new or newer and not what the order asks for.
    Stale {
        /// The generation in force.
        current: Generation,
    },
    /// Its generation is too far above the one in force.
    TooFar {
        /// The generation in force.
        current: Generation,
    },
    /// The order would raise exposure, and nothing permits it to.
    Raises(&'static str),
    /// It would raise exposure, and its warrant does not permit that.
    Warrant(WarrantRefused),
    /// The order leaves everything as it is.
    Empty,
}

// === impl Order ===

read_struct!(Order {
    policy: or_default "policy",
    rollout: required "rollout",
    generation: required "generation",
    ramp: given "ramp",
    not_after: given "not_after",
    kill: given "kill",
    redaction: given "redaction",
    warrant: or_default "warrant",
    issued_at: or_default "issued_at",
});

impl Order {
    /// Reads an order from JSON.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        document::from_json(json, limits::ORDER_BYTES)
    }

    /// Reads an order from MessagePack: a map with the same field names as the JSON form.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::from_msgpack(bytes, limits::ORDER_BYTES)
    }

    /// The control that follows from this order if it may only lower exposure.
    ///
    /// An order of the generation in force is accepted where it asks for nothing more than is in
    /// force or for something stricter: repeating an order is harmless, and of two operators who
    /// chose the same number the stricter is obeyed.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn lower(&self, current: &Control) -> Result<Control, OrderRefused> {
        if self.is_empty() {
            return Err(OrderRefused::Empty);
        }
        let stale = OrderRefused::Stale {
            current: current.generation,
        };
        if self.generation < current.generation {
            return Err(stale);
        }
        let ordered = self.over(current);
        if !ordered.exposes_no_more_than(current) {
            let newer = self.generation > current.generation;
            return Err(if newer { self.raise(current) } else { stale });
        }
        Ok(ordered)
    }

    /// Whether it names no term of a control.
    pub(crate) fn is_empty(&self) -> bool {
        let terms = [
            self.ramp.is_some(),
            self.not_after.is_some(),
            self.kill.is_some(),
            self.redaction.is_some(),
        ];
        terms == [false; 4]
    }

    /// The control that the order asks for where `current` is in force.
    pub(crate) fn over(&self, current: &Control) -> Control {
        Control {
            generation: self.generation,
            ramp: self.ramp.clone().unwrap_or_else(|| current.ramp.clone()),
            not_after: self.not_after.unwrap_or(current.not_after),
            on_lapse: current.on_lapse,
            kill: self.kill.unwrap_or(current.kill),
            redaction: self.redaction.unwrap_or(current.redaction),
            warrant: current.warrant.clone(),
        }
    }

    /// The same order without any term.
    fn bare(&self) -> Self {
        Self {
            ramp: None,
            not_after: None,
            kill: None,
            redaction: None,
            ..self.clone()
        }
    }

    /// Names the first term by which the order raises exposure.
    fn raise(&self, current: &Control) -> OrderRefused {
        let raises = |order: Self| !order.over(current).exposes_no_more_than(current);
        let (kill, redaction, not_after) = (self.kill, self.redaction, self.not_after);
        let term = if raises(Self {
            kill,
            ..self.bare()
        }) {
            "kill"
        } else if raises(Self {
            redaction,
            ..self.bare()
        }) {
            "redaction"
        } else if raises(Self {
            not_after,
            ..self.bare()
        }) {
            "not_after"
        } else {
            "ramp"
        };
        OrderRefused::Raises(term)
    }
}

// === impl Posted ===

impl Posted {
    /// Reads an unsigned order from JSON.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        Order::from_json(json).map(Self::from)
    }

    /// Reads an unsigned order from MessagePack.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, DocumentError> {
        Order::from_msgpack(bytes).map(Self::from)
    }

    /// Reads a signed order from the JSON of its envelope.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_envelope(json: &[u8]) -> Result<Self, DocumentError> {
        let envelope = Envelope::from_json(json)?;
        Ok(Self {
            order: envelope.order()?,
            envelope: Some(envelope),
        })
    }

    /// What is ordered, by whomever.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The trusted keys that an order which was obeyed is signed with.
    pub fn signers<'t>(&self, trust: &'t Trust) -> impl Iterator<Item = &'t Name> {
        let envelope = self.envelope.iter();
        let keyids = envelope.flat_map(|envelope| envelope.signatures());
        keyids.filter_map(|signature| trust.key(&signature.keyid).map(|key| &key.id))
    }

    /// Checks who gave the order, for which policy, and when.
    pub(crate) fn authenticate(
        &self,
        policy: &Name,
        trust: Option<&Trust>,
        now: Timestamp,
    ) -> Result<(), OrderRefused> {
        if let Some(trust) = trust {
            let envelope = self.envelope.as_ref().ok_or(OrderRefused::Unsigned)?;
            envelope.signers(trust).map_err(OrderRefused::Signature)?;
            if self.order.policy.is_none() {
                return Err(OrderRefused::Unbound("policy"));
            }
            let issued_at = self.order.issued_at;
            let issued_at = issued_at.ok_or(OrderRefused::Unbound("issued_at"))?;
            if now.since(issued_at) > limits::ORDER_LIFETIME {
                return Err(OrderRefused::Expired(issued_at));
            }
            if issued_at.since(now) > limits::CLOCK_SKEW {
                return Err(OrderRefused::FromTheFuture(issued_at));
            }
        }
        match &self.order.policy {
            Some(other) if other != policy => Err(OrderRefused::OtherPolicy(other.clone())),
            _ => Ok(()),
        }
    }
}

impl From<Order> for Posted {
    fn from(order: Order) -> Self {
        Self {
            order,
            envelope: None,
        }
    }
}

// === impl OrderRefused ===

impl fmt::Display for OrderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str(
                "a policy in force names trusted keys, so an order must be signed: send it as application/vnd.dsse.envelope.v1+json",
            ),
            Self::Signature(refused) => refused.fmt(f),
            Self::Unbound(term) => write!(
                f,
                "a signed order without `{term}` could be used again elsewhere or later; expected `{term}`"
            ),
            Self::OtherPolicy(name) => write!(f, "the order is for the policy `{name}`"),
            Self::Expired(time) => write!(
                f,
                "the order was issued at {time}; expected one that is at most {} seconds old",
                limits::ORDER_LIFETIME.as_secs()
            ),
            Self::FromTheFuture(time) => write!(
                f,
                "the order was issued at {time}, which is in the future here; expected at most {} seconds between the clocks",
                limits::CLOCK_SKEW.as_secs()
            ),
            Self::UnknownRollout(name) => write!(
                f,
                "no policy in force here names a rollout `{name}`; see GET /v1/state"
            ),
            Self::Stale { current } => write!(
                f,
                "generation {current} is in force; read the current control and order a higher generation"
            ),
            Self::TooFar { current } => write!(
                f,
                "generation {current} is in force, and an order may raise it by at most {}",
                limits::GENERATION_JUMP
            ),
            Self::Raises(term) => write!(
                f,
                "`{term}` would raise exposure; without `trust` in the policy an order only lowers it, raise by pushing a policy with a higher generation"
            ),
            Self::Warrant(refused) => refused.fmt(f),
            Self::Empty => f.write_str(
                "the order changes nothing; expected `kill`, `redaction`, `ramp` or `not_after`",
            ),
        }
    }
}

impl std::error::Error for OrderRefused {}

#[cfg(test)]
mod tests;
