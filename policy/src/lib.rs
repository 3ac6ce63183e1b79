//! The rules of Breakglass, pure: no I/O, no clock, no randomness, no proxy.
//!
//! The filter, the operator's command and the browser's preview all call this crate, so that they
//! cannot disagree. It holds
//!
//! * the **documents** as types that cannot be wrong: [`Policy`] (durable) and [`Order`] (live),
//!   parsed with errors that name the path;
//! * the **decision** of one request: [`Router`] finds the rollout and the unit, [`Gate`] decides
//!   the arm by kill, lease, pin, ramp and stable, in that order;
//! * the **join** of controls ([`Control::join`]), which makes it irrelevant in which order pushes,
//!   orders and restarts arrive;
//! * the **shared state** between workers and its encoding: [`Head`], [`State`], [`Roster`];
//! * the **judge** that compares the arms while they run: [`Trial`];
//! * the **edit** of a JSON request body by JSON pointers ([`edit`]).
//!
//! Whoever calls brings the clock (a [`Timestamp`]), the headers ([`Headers`]) and the randomness.
//!
//! ```
//! use breakglass_policy::{Arm, Gate, Policy, Reason, Timestamp};
//!
//! let policy = Policy::from_json(br#"{
//!   "policy": "support",
//!   "rollouts": [{
//!     "name": "support-agent",
//!     "unit": [{"header": "x-user-id"}],
//!     "salt": "chg-2026-0117",
//!     "arms": {"stable": {"version": "prompt-v41"}, "canary": {"version": "prompt-v42"}},
//!     "control": {"generation": 7, "ramp": {"percent": 10}}
//!   }]
//! }"#)?;
//! let rollout = &policy.rollouts[0];
//! let gate = Gate::new(&rollout.control);
//! let decision = gate.decide(&rollout.bucketing(), Some(b"user-20"), Timestamp::EPOCH);
//! assert_eq!((decision.arm(), decision.reason()), (Some(Arm::Canary), Reason::Ramp));
//! # Ok::<(), breakglass_policy::DocumentError>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod arm;
mod bucket;
mod control;
mod document;
pub mod edit;
mod entity;
mod envelope;
#[cfg(test)]
mod fixtures;
mod gate;
mod header;
mod index;
pub mod judge;
pub mod limits;
mod name;
mod order;
mod percent;
mod pins;
mod policy;
mod ramp;
mod redaction;
mod request;
mod roster;
mod router;
#[cfg(feature = "schema")]
pub mod schema;
mod state;
mod table;
mod time;
mod trust;
mod unit;
mod warrant;

pub use arm::Arm;
pub use bucket::{Bucket, Bucketing, Salt, Threshold};
pub use control::{Control, Generation, InFlight, Kill, KillMode, LiveRedaction, OnLapse};
pub use document::{DocumentError, Map};
pub use entity::{Definition, Definitions, Entity, EntityName, Literal, Shape};
pub use envelope::{Digest, Envelope, PayloadType, Signature, SignatureRefused};
pub use gate::{Closed, Decision, Gate, Reason, Verdict};
pub use header::{HeaderEdits, HeaderMatches, HeaderName, HeaderText};
pub use judge::{
    Alpha, ArmTally, Factor, Increment, Judge, Latency, Redactions, Signal, SignalName,
    SignalReport, Status, Tallies, Trial,
};
pub use name::Name;
pub use order::{Order, OrderRefused, Posted};
pub use percent::Percent;
pub use pins::Pins;
pub use policy::{
    AccessLog, ArmSpec, Arms, HostPattern, Match, PathPrefix, Policy, Role, Rollout, Rollouts,
    Stamp,
};
pub use ramp::{Ramp, Step};
pub use redaction::{
    Action, Actions, ArmActions, Direction, PrivateIps, Redaction, Unscannable, Unscanned,
};
pub use request::{HeaderId, Headers};
pub use roster::{Acknowledgement, Roster, WorkerId};
pub use router::{RolloutId, Router};
pub use state::{Entry, Epoch, Head, Published, State, StateError};
pub use table::Table;
pub use time::{Millis, Seconds, Timestamp};
pub use trust::{Lower, Missing, PublicKey, Trust, TrustedKey};
pub use unit::{ClaimName, CookieName, RandomCookie, Unit, UnitSource, UnitSources};
pub use warrant::{Approver, Drill, Subject, Warrant, WarrantReference, WarrantRefused};
