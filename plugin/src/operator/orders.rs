//! Carrying out orders.

use breakglass_policy::{
    Control, DocumentError, Entry, Generation, Name, OrderRefused, Posted, SignatureRefused, State,
    Timestamp, WarrantRefused,
};
use serde::Serialize;

use crate::host::{self, Level};
use crate::operator::Operator;
use crate::operator::report::WorkersInForce;
use crate::problem::{Problem, send_json};
use crate::store::StoreError;

/// The form in which an order comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    Json,
    MsgPack,
    Envelope,
}

/// An order that is part of the shared state.
#[derive(Debug)]
pub(crate) struct Accepted {
    rollout: Name,
    /// Workers that have seen its epoch have the order in force.
    pub(crate) entry: Entry,
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
    /// And the control that is in force instead.
    Order(OrderRefused, Option<Control>),
    Store(StoreError),
}

/// Reads an order, checks it against the control in force and writes the result for all workers.
pub(crate) fn carry_out(
    operator: &Operator,
    kind: ContentType,
    body: &[u8],
) -> Result<Accepted, Problem> {
    let posted = match kind {
        ContentType::Json => Posted::from_json(body),
        ContentType::MsgPack => Posted::from_msgpack(body),
        ContentType::Envelope => Posted::from_envelope(body),
    }
    .map_err(malformed)?;
    // Until the first tick the policy of this very configuration may not have been published yet.
    operator.live.refresh();

    let policy = &operator.live.policy().name;
    let (name, now) = (&posted.order().rollout, host::now());
    let state = operator.live.store().change_state(|state| {
        state.obey(&posted, policy, now).map_err(|refused| {
            let control = state.get(name).map(|entry| entry.control.clone());
            Refused::Order(refused, control)
        })
    })?;
    tell(&posted, &state);
    // This worker first, so that its own acknowledgement is under way.
    operator.live.refresh();
    let entry = state.get(name).cloned();
    let unknown = || Refused::Order(OrderRefused::UnknownRollout(name.clone()), None);
    Ok(Accepted {
        entry: entry.ok_or_else(unknown)?,
        rollout: name.clone(),
    })
}

fn tell(posted: &Posted, state: &State) {
    let order = posted.order();
    let mut message = format!(
        "rollout {}: order of generation {} carried out, ",
        order.rollout, order.generation
    );
    match state.trust() {
        None => message.push_str("unsigned"),
        Some(trust) => {
            message.push_str("signed by");
            for signer in posted.signers(trust) {
                message.push(' ');
                message.push_str(signer.as_str());
            }
        }
    }
    host::log(Level::Info, &message);
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
            b"application/vnd.dsse.envelope.v1+json" => Ok(Self::Envelope),
            _ => {
                let detail = "expected content-type application/vnd.dsse.envelope.v1+json (signed), application/vnd.breakglass.order+json or application/vnd.breakglass.order+msgpack";
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
            generation: self.entry.control.generation,
            at: self.entry.at,
            control: &self.entry.control,
            workers: WorkersInForce::of(operator, &self.entry, now),
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
        let (refused, control) = match refused {
            Refused::Order(refused, control) => (refused, control),
            Refused::Store(error) => return error.into(),
        };
        let (status, kind, title) = kind(&refused);
        let problem = Self::new(status, kind, title, refused.to_string());
        match (status, control) {
            // Who is not known or not understood is told nothing that was not asked for.
            (403 | 409, Some(control)) => problem.with_control(control),
            _ => problem,
        }
    }
}

/// The status, the problem's type and its title.
fn kind(refused: &OrderRefused) -> (u16, &'static str, &'static str) {
    match refused {
        OrderRefused::Unsigned => (401, "urn:breakglass:unsigned", "Signature required"),
        OrderRefused::Signature(SignatureRefused::UnknownKey(_)) => {
            (401, "urn:breakglass:unknown-key", "Key not trusted")
        }
        OrderRefused::Signature(SignatureRefused::Bad(_)) => {
            (401, "urn:breakglass:bad-signature", "Bad signature")
        }
        OrderRefused::Unbound(_) => (400, "urn:breakglass:unbound", "Signed order not bound"),
        OrderRefused::OtherPolicy(_) => (
            403,
            "urn:breakglass:other-policy",
            "Order for another policy",
        ),
        OrderRefused::Expired(_) => (403, "urn:breakglass:expired", "Order too old"),
        OrderRefused::FromTheFuture(_) => {
            (403, "urn:breakglass:future-dated", "Order from the future")
        }
        OrderRefused::UnknownRollout(_) => {
            (404, "urn:breakglass:unknown-rollout", "Unknown rollout")
        }
        OrderRefused::Stale { .. } => (409, "urn:breakglass:stale", "Stale order"),
        OrderRefused::TooFar { .. } => (
            400,
            "urn:breakglass:generation-too-high",
            "Generation too high",
        ),
        OrderRefused::Raises(_) => (
            403,
            "urn:breakglass:not-permitted",
            "Order would raise exposure",
        ),
        OrderRefused::Warrant(refused) => {
            let kind = match refused {
                WarrantRefused::Missing(_) => "urn:breakglass:warrant-missing",
                WarrantRefused::NotHeld(_) => "urn:breakglass:warrant-not-held",
                WarrantRefused::Malformed(_) => "urn:breakglass:warrant-malformed",
                WarrantRefused::Signature(SignatureRefused::UnknownKey(_)) => {
                    "urn:breakglass:warrant-unknown-key"
                }
                WarrantRefused::Signature(SignatureRefused::Bad(_)) => {
                    "urn:breakglass:warrant-bad-signature"
                }
                WarrantRefused::NotSigned(_) | WarrantRefused::Insufficient(_) => {
                    "urn:breakglass:approval-missing"
                }
                WarrantRefused::OtherPolicy(_) => "urn:breakglass:warrant-other-policy",
                WarrantRefused::OtherRollout(_) => "urn:breakglass:warrant-other-rollout",
                WarrantRefused::OtherSubject { .. } => "urn:breakglass:warrant-other-subject",
                WarrantRefused::NotYet(_) => "urn:breakglass:warrant-not-yet",
                WarrantRefused::Expired(_) => "urn:breakglass:warrant-expired",
                WarrantRefused::Spent { .. } => "urn:breakglass:warrant-spent",
                WarrantRefused::Ahead { .. } => "urn:breakglass:warrant-ahead",
                WarrantRefused::Exceeded(_) => "urn:breakglass:warrant-exceeded",
            };
            (403, kind, "Not permitted to raise exposure")
        }
        OrderRefused::Empty => (400, "urn:breakglass:malformed", "Malformed order"),
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
