//! Orders: live changes of one control.

use std::fmt;

use serde::Serialize;

use crate::control::{Control, Generation, Kill, LiveRedaction};
use crate::document::{self, DocumentError, read_struct};
use crate::limits;
use crate::name::Name;
use crate::ramp::Ramp;
use crate::time::Timestamp;

/// A request to change the control of one rollout; what it does not name stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Order {
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
}

/// Why an order was not carried out; nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRefused {
    /// The control in force is as new or newer and not what the order asks for.
    Stale {
        /// The generation in force.
        current: Generation,
    },
    /// The order would raise exposure, and nothing permits it to.
    Raises(&'static str),
    /// The order leaves everything as it is.
    Empty,
    /// The ramps in force and ordered, joined, have more steps than a proxy holds.
    RampTooLong,
}

// === impl Order ===

read_struct!(Order {
    rollout: required "rollout",
    generation: required "generation",
    ramp: given "ramp",
    not_after: given "not_after",
    kill: given "kill",
    redaction: given "redaction",
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
        let terms = [
            self.ramp.is_some(),
            self.not_after.is_some(),
            self.kill.is_some(),
            self.redaction.is_some(),
        ];
        if terms == [false; 4] {
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
        if !ordered.fits() {
            return Err(OrderRefused::RampTooLong);
        }
        Ok(ordered)
    }

    fn over(&self, current: &Control) -> Control {
        Control {
            generation: self.generation,
            ramp: self.ramp.clone().unwrap_or_else(|| current.ramp.clone()),
            not_after: self.not_after.unwrap_or(current.not_after),
            on_lapse: current.on_lapse,
            kill: self.kill.unwrap_or(current.kill),
            redaction: self.redaction.unwrap_or(current.redaction),
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

// === impl OrderRefused ===

impl fmt::Display for OrderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { current } => write!(
                f,
                "generation {current} is in force; read the current control and order a higher generation"
            ),
            Self::Raises(term) => write!(
                f,
                "`{term}` would raise exposure; an unsigned order only lowers it, raise by pushing a policy with a higher generation"
            ),
            Self::Empty => f.write_str(
                "the order changes nothing; expected `kill`, `redaction`, `ramp` or `not_after`",
            ),
            Self::RampTooLong => write!(
                f,
                "the joined ramp has more than {} steps; order a higher generation with a ramp of its own",
                limits::RAMP_STEPS
            ),
        }
    }
}

impl std::error::Error for OrderRefused {}

#[cfg(test)]
mod tests;
