//! Carrying out a verdict of the judge.

use super::{Entry, State};
use crate::control::{Control, Generation, InFlight, Kill, KillMode};
use crate::name::Name;
use crate::time::Timestamp;

impl State {
    /// Sends everyone of a rollout to stable, as the judge has decided; tells the generation of the kill
    /// that is in force. None if nobody knows the rollout.
    ///
    /// Nobody signs this: it can only lower exposure. It has a generation of its own, like the order of
    /// a person who had seen the control in force, so that a push which was under way with the next
    /// step of the ramp does not take it back. A kill that is in force already stays as it is.
    pub fn roll_back(
        &mut self,
        rollout: &Name,
        in_flight: InFlight,
        now: Timestamp,
    ) -> Option<Generation> {
        let entry = self.rollouts.get(rollout)?;
        let current = &entry.control;
        if current.kill.is_some() {
            return Some(current.generation);
        }
        let control = Control {
            generation: current.generation.next(),
            kill: Some(Kill {
                mode: KillMode::Rollback,
                in_flight,
            }),
            ..current.clone()
        };
        let killed = Entry {
            lapsed: entry.lapsed,
            ..Entry::joined(Some(entry), &control)
        };
        let next = self.epoch.next();
        let killed = killed.written(next, now, Some(entry));
        let generation = killed.control.generation;
        self.rollouts.insert(rollout.clone(), killed);
        self.epoch = next;
        Some(generation)
    }
}
