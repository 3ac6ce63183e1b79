//! The streams that are open on a worker: what a kill has to reach.

use breakglass_policy::{Arm, ArmTally, RolloutId, Timestamp};

use crate::host;
use crate::live::InForce;
use crate::problem::Problem;
use crate::traffic::course::Course;
use crate::traffic::plan::RolloutPlan;

/// Every stream that was given an arm and has not ended.
#[derive(Debug, Default)]
pub(crate) struct OpenStreams {
    /// By place, with the number by which the proxy knows the stream.
    places: Vec<Option<(u32, OpenStream)>>,
    /// The places that are free.
    free: Vec<Place>,
}

/// Where a stream stands among those that are open: each callback asks for it, so it is not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// A reset throws away what a slow client has not read yet, so it waits for about a second.
pub(crate) const LINGER_TICKS: u8 = 50;

/// One open stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenStream {
    pub(crate) rollout: RolloutId,
    pub(crate) arm: Arm,
    pub(crate) phase: Phase,
    pub(crate) course: Course,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The request is on its way or at the upstream; no answer has begun.
    Waiting,
    /// The answer has begun. It is a stream of events that can be ended in good form, or not.
    Answering { events: bool },
    /// The last event was sent in the place of what the upstream sent; what follows is swallowed,
    /// and the stream is reset after so many ticks.
    LastEventSent { linger: u8 },
    /// The filter ended it.
    Ended,
}

/// How a stream ends on a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) rollout: RolloutId,
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Answer,
    Reset,
    /// Of a stream that was cut, and counted, before.
    Close,
}

// === impl OpenStreams ===

impl OpenStreams {
    /// Adds a stream; the place is its own until it is removed.
    pub(crate) fn insert(&mut self, id: u32, stream: OpenStream) -> Place {
        let free = self.free.pop();
        let place = free.unwrap_or(Place(self.places.len()));
        match self.places.get_mut(place.0) {
            Some(slot) => *slot = Some((id, stream)),
            None => self.places.push(Some((id, stream))),
        }
        place
    }

    pub(crate) fn remove(&mut self, place: Place) {
        let slot = self.places.get_mut(place.0);
        if slot.is_some_and(|slot| slot.take().is_some()) {
            self.free.push(place);
        }
    }

    pub(crate) fn get(&self, place: Place) -> Option<OpenStream> {
        let (_, stream) = self.places.get(place.0)?.as_ref()?;
        Some(*stream)
    }

    pub(crate) fn set_phase(&mut self, place: Place, phase: Phase) {
        if let Some(stream) = self.stream(place) {
            stream.phase = phase;
        }
    }

    /// What is known of a stream's answer, to be added to.
    pub(crate) fn course(&mut self, place: Place) -> Option<&mut Course> {
        self.stream(place).map(|stream| &mut stream.course)
    }

    fn stream(&mut self, place: Place) -> Option<&mut OpenStream> {
        let (_, stream) = self.places.get_mut(place.0)?.as_mut()?;
        Some(stream)
    }

    /// What there is to count of the answers that are late by now.
    pub(crate) fn late(
        &mut self,
        plans: &[RolloutPlan],
        now: Timestamp,
    ) -> Vec<(RolloutId, Arm, ArmTally)> {
        let mut late = Vec::new();
        for (_, stream) in self.places.iter_mut().flatten() {
            let plan = plans.get(stream.rollout.index());
            let Some(bounds) = plan.and_then(RolloutPlan::latency) else {
                continue;
            };
            let waits = matches!(stream.phase, Phase::Waiting | Phase::Answering { .. });
            let mut news = ArmTally::default();
            if waits && stream.course.check(bounds, now, &mut news) {
                late.push((stream.rollout, stream.arm, news));
            }
        }
        late
    }

    /// The streams that end now, moved to the phase after that.
    pub(crate) fn due(&mut self, in_force: &[InForce]) -> Vec<(u32, End)> {
        let mut due = Vec::new();
        for (id, stream) in self.places.iter_mut().flatten() {
            let in_force = in_force.get(stream.rollout.index());
            let cut = in_force.is_some_and(|in_force| in_force.gate.cuts(stream.arm));
            let (next, how) = match stream.phase {
                Phase::Waiting if cut => (Phase::Ended, Some(How::Answer)),
                Phase::Answering { events: false } if cut => (Phase::Ended, Some(How::Reset)),
                Phase::LastEventSent { linger: 0 } => (Phase::Ended, Some(How::Close)),
                Phase::LastEventSent { linger } => {
                    let linger = linger.saturating_sub(1);
                    (Phase::LastEventSent { linger }, None)
                }
                phase => (phase, None),
            };
            stream.phase = next;
            if how.is_some() {
                stream.course.withdraw();
            }
            let rollout = stream.rollout;
            due.extend(how.map(|how| (*id, End { rollout, how })));
        }
        due
    }
}

// === impl Place ===

impl Place {
    /// Of a stream that was given no arm, or has ended.
    pub(crate) const NONE: Self = Self(usize::MAX);
}

// === impl End ===

impl End {
    /// Ends the stream of the effective context.
    pub(crate) fn carry_out(self) {
        // A stream that is gone meanwhile has ended too.
        let _ = match self.how {
            How::Answer => killed().respond(),
            How::Reset | How::Close => host::reset_response(),
        };
    }

    pub(crate) fn count(self, plan: &RolloutPlan) {
        match self.how {
            How::Answer | How::Reset => plan.metrics.killed_streams.increment(),
            How::Close => {}
        }
    }
}

/// The answer to a request that a kill caught while it waited: ask again, at once.
pub(crate) fn killed() -> Problem {
    let detail = "The version that was to answer this request has been withdrawn. Ask again.";
    Problem::new(503, "urn:breakglass:killed", "Withdrawn", detail).with_header("retry-after", "0")
}
