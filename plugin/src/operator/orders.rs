//! Carrying out orders.

use breakglass_policy::{
    Control, DocumentError, Epoch, Generation, Name, Order, OrderRefused, Timestamp,
};
use serde::Serialize;

use crate::host;
use crate::operator::Operator;
use crate::operator::report::WorkersInForce;
use crate::problem::{Problem, send_json};
use crate::store::StoreError;

/// The form in which an order comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    Json,
    MsgPack,
}

/// An order that is part of the shared state.
#[derive(Debug)]
pub(crate) struct Accepted {
    rollout: Name,
    control: Control,
    /// Workers that have seen this epoch have the order in force.
    pub(crate) epoch: Epoch,
    at: Timestamp,
}

/// The answer to an order that was carried out.
#[derive(Serialize)]
struct OrderAnswer<'a> {
    rollout: &'a Name,
    generation: Generation,
    at: Timestamp,
    control: &'a Control,
    workers: WorkersInForce,
}

/// Why an order was not carried out.
enum Refused {
    Unsigned,
    UnknownRollout(Name),
    Order(OrderRefused, Control),
    Store(StoreError),
}

/// Reads an order, checks it against the control in force and writes the result for all workers.
pub(crate) fn carry_out(
    operator: &Operator,
    kind: ContentType,
    body: &[u8],
) -> Result<Accepted, Problem> {
    let order = match kind {
        ContentType::Json => Order::from_json(body),
        ContentType::MsgPack => Order::from_msgpack(body),
    }
    .map_err(malformed)?;
    // Until the first tick the policy of this very configuration may not have been published yet.
    operator.live.refresh();

    let state = operator.live.store().change_state(|state| {
        if state.is_signed_only() {
            return Err(Refused::Unsigned);
        }
        let name = &order.rollout;
        let Some(entry) = state.get(name) else {
            return Err(Refused::UnknownRollout(name.clone()));
        };
        let control = order
            .lower(&entry.control)
            .map_err(|refused| Refused::Order(refused, entry.control.clone()))?;
        Ok(state.join(name, &control))
    })?;
    let at = host::now();
    // This worker first, so that its own acknowledgement is under way.
    operator.live.refresh();
    let entry = state.get(&order.rollout);
    let entry = entry.ok_or_else(|| Refused::UnknownRollout(order.rollout.clone()))?;
    Ok(Accepted {
        control: entry.control.clone(),
        epoch: entry.since,
        rollout: order.rollout,
        at,
    })
}

// === impl ContentType ===

impl ContentType {
    pub(crate) fn of(header: &[u8]) -> Result<Self, Problem> {
        let kind = header
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        match kind.trim_ascii().to_ascii_lowercase().as_slice() {
            b"application/vnd.breakglass.order+json" => Ok(Self::Json),
            b"application/vnd.breakglass.order+msgpack" => Ok(Self::MsgPack),
            b"application/vnd.dsse.envelope.v1+json" => {
                let detail = "this build cannot verify signatures; unsigned orders that lower exposure are application/vnd.breakglass.order+json";
                Err(Problem::new(
                    501,
                    "urn:breakglass:unsupported",
                    "Signed orders are not supported",
                    detail,
                ))
            }
            _ => {
                let detail = "expected content-type application/vnd.breakglass.order+json or application/vnd.breakglass.order+msgpack";
                Err(Problem::new(
                    415,
                    "urn:breakglass:content-type",
                    "Not an order",
                    detail,
                ))
            }
        }
    }
}

// === impl Accepted ===

impl Accepted {
    /// Answers the call of the effective context.
    pub(crate) fn respond(&self, operator: &Operator, now: Timestamp) {
        send_json(&OrderAnswer {
            rollout: &self.rollout,
            generation: self.control.generation,
            at: self.at,
            control: &self.control,
            workers: WorkersInForce::of(operator, self.epoch, now),
        });
    }
}

// === impl Refused ===

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unsigned => {
                let detail = "a policy in force names trusted keys, so an order must be signed; this build cannot verify signatures: push the policy with the kill in its control instead";
                Self::new(401, "urn:breakglass:unsigned", "Signature required", detail)
            }
            Refused::UnknownRollout(name) => {
                let detail =
                    format!("no policy in force here names a rollout `{name}`; see GET /v1/state");
                Self::new(
                    404,
                    "urn:breakglass:unknown-rollout",
                    "Unknown rollout",
                    detail,
                )
            }
            Refused::Order(refused, control) => {
                let (status, kind, title) = match refused {
                    OrderRefused::Stale { .. } => (409, "urn:breakglass:stale", "Stale order"),
                    OrderRefused::RampTooLong => {
                        (409, "urn:breakglass:ramp-too-long", "Ramp too long")
                    }
                    OrderRefused::Raises(_) => (
                        403,
                        "urn:breakglass:not-permitted",
                        "Order would raise exposure",
                    ),
                    OrderRefused::Empty => (400, "urn:breakglass:malformed", "Malformed order"),
                };
                Self::new(status, kind, title, refused.to_string()).with_control(control)
            }
            Refused::Store(error) => error.into(),
        }
    }
}

fn malformed(error: DocumentError) -> Problem {
    let problem = Problem::new(
        400,
        "urn:breakglass:malformed",
        "Malformed order",
        error.to_string(),
    );
    problem.at(error.path())
}
