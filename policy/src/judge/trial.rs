//! The judge at work.

use serde::Serialize;

use super::{Increment, Judge, SignalReport, Tallies, Verdict};
use crate::document::{self, DocumentError, read_struct};
use crate::limits;

/// A running sequential test: it is fed what the arms do and may be asked after every request.
///
/// It belongs to one rollout and to one canary: begin a new one when the canary's version changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trial {
    seen: Tallies,
    trip: Option<Verdict>,
}

read_struct!(Trial {
    seen: required "seen",
    trip: or_default "trip",
});

impl Trial {
    /// A trial that has seen nothing.
    pub fn new(_judge: &Judge) -> Self {
        Self::default()
    }

    /// Takes what the arms did since the last look. Returns the verdict when this makes it trip, once;
    /// [`trip`](Self::trip) keeps it.
    pub fn observe(&mut self, increment: &Increment) -> Option<Verdict> {
        self.seen.stable.add(&increment.stable);
        self.seen.canary.add(&increment.canary);
        None
    }

    /// The verdict, once there is one.
    pub fn trip(&self) -> Option<&Verdict> {
        self.trip.as_ref()
    }

    /// What the trial has been shown. Where the canary has no answers, silence says nothing: no data is
    /// not a pass.
    pub fn seen(&self) -> &Tallies {
        &self.seen
    }

    /// Where every signal stands.
    pub fn report(&self) -> Vec<SignalReport> {
        Vec::new()
    }

    /// Reads a trial from shared data.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::from_msgpack(bytes, limits::POLICY_BYTES)
    }

    /// Writes the trial for shared data.
    ///
    /// # Errors
    /// Never for a trial; the encoder's type says it could.
    pub fn encode(&self) -> Result<Vec<u8>, DocumentError> {
        document::to_msgpack(self)
    }
}
