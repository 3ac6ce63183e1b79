//! The state that all workers of a proxy share: every control the proxy has seen, joined.

use std::fmt;

use serde::Serialize;

use crate::control::{Control, Generation};
use crate::document::{self, DocumentError, FromTree, Map, Tree, read_by_serde, read_struct};
use crate::gate::Closed;
use crate::limits;
use crate::name::Name;
use crate::policy::Rollout;
use crate::time::Timestamp;
use crate::trust::Trust;
use crate::warrant::{Subject, WarrantRefused};

mod obey;
mod publish;
mod rollback;

/// The controls in force, by rollout. Encoded as MessagePack in shared data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    epoch: Epoch,
    /// Of the policies that the proxy has seen, the trust of the highest generation. Like a kill it is
    /// not taken back by a policy without, so that no push can open the door first.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Trust>,
    rollouts: Map<Name, Entry>,
}

/// One rollout's control in force, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The join of every control that the proxy has seen and was permitted to obey.
    pub control: Control,
    /// The epoch since which it is this one.
    pub since: Epoch,
    /// When that was, by the clock of the worker that wrote it.
    pub at: Timestamp,
    /// Whether its lease was seen to lapse.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
    /// What the policy that was published last says of the rollout, where keys are trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    /// What the warrant was given for on which the control rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<Subject>,
    /// Warrants of generations before this one are spent: the highest generation of a kill, and of
    /// what the approvers of a warrant saw.
    floor: Generation,
}

/// What came of publishing a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Whether the state changed.
    pub changed: bool,
    /// The rollouts of which the policy asks for more than is permitted, and why: they are on stable.
    pub refused: Vec<(Name, WarrantRefused)>,
    /// The generation of the trust that stays in force instead of the policy's own.
    pub trust_kept: Option<Generation>,
}

/// Counts the changes of a [`State`]; it only grows while the proxy lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Epoch(u64);

/// The eight bytes that every request reads to learn whether anything changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The epoch of the state in force.
    pub epoch: Epoch,
}

/// Why shared bytes are no state: another program wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError(pub(crate) DocumentError);

// === impl State ===

read_struct!(State {
    epoch: required "epoch",
    trust: or_default "trust",
    rollouts: required "rollouts",
});

impl State {
    /// Reads a state from shared data.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        document::from_msgpack(bytes, usize::MAX).map_err(StateError)
    }

    /// Writes the state for shared data.
    ///
    /// # Errors
    /// Never for a state; the encoder's type says it could.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        document::to_msgpack(self).map_err(StateError)
    }

    /// The number of this state.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The controls in force, by rollout.
    pub fn rollouts(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.rollouts.iter()
    }

    /// The control in force of one rollout.
    pub fn get(&self, rollout: &Name) -> Option<&Entry> {
        self.rollouts.get(rollout)
    }

    /// Whose signatures count, where anybody's are needed.
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// Why a rollout has nobody on the canary, whatever its control says; `None` while the control
    /// decides. `subject` is the rollout as a policy describes it; `None` as the one that was published
    /// last does.
    pub fn closed(&self, rollout: &Name, subject: Option<&Subject>) -> Option<Closed> {
        let Some(entry) = self.rollouts.get(rollout) else {
            return self.trust.as_ref().map(|_| Closed::NoWarrant);
        };
        if entry.lapsed {
            return Some(Closed::Lapse);
        }
        let subject = subject.or(entry.subject.as_ref());
        let pinned = subject.is_some_and(|subject| !subject.pins.is_empty());
        let needs_warrant = self.trust.is_some() && entry.control.exposes(pinned);
        let approved = subject.is_some_and(|subject| entry.is_approved(subject));
        (needs_warrant && !approved).then_some(Closed::NoWarrant)
    }

    /// Notes that the lease of this generation of a control has lapsed; tells whether that was news.
    ///
    /// From then on a clock that goes back revives nothing. A control that holds its ramp when it
    /// lapses has nothing to be revived.
    pub fn lapse(&mut self, rollout: &Name, generation: Generation) -> bool {
        let Some(entry) = self.rollouts.get(rollout) else {
            return false;
        };
        if entry.lapsed || entry.control.generation != generation || !entry.control.falls_back() {
            return false;
        }
        let lapsed = Entry {
            lapsed: true,
            ..entry.clone()
        };
        self.epoch = self.epoch.next();
        // Not `since`: the order in force is the same.
        self.rollouts.insert(rollout.clone(), lapsed);
        true
    }

    /// Keeps the state bounded: of the rollouts that the policy does not name, the longest
    /// unchanged go once there are too many.
    fn forget(&mut self, rollouts: &[Rollout]) {
        let bound = rollouts.len().saturating_add(limits::FORGOTTEN_CONTROLS);
        let mut surplus = self.rollouts.len().saturating_sub(bound);
        if surplus == 0 {
            return;
        }
        let named: Map<_, _> = rollouts.iter().map(|rollout| (&rollout.name, ())).collect();
        while surplus > 0 {
            let orphan = |(name, _): &(&Name, &Entry)| named.get(name).is_none();
            let orphans = self.rollouts.iter().filter(orphan);
            let Some(oldest) = orphans.map(|(_, entry)| entry.since).min() else {
                return;
            };
            // Whole policies come and go together, so few rounds take many.
            self.rollouts.retain(|name, entry| {
                let goes = surplus > 0 && entry.since == oldest && named.get(&name).is_none();
                surplus = surplus.saturating_sub(usize::from(goes));
                !goes
            });
        }
    }
}

// === impl Entry ===

read_struct!(Entry {
    control: required "control",
    since: required "since",
    at: required "at",
    lapsed: or_default "lapsed",
    subject: or_default "subject",
    approved: or_default "approved",
    floor: required "floor",
});

impl Entry {
    /// What the approvers of a warrant must have seen at least; see [`Warrant::after`].
    ///
    /// [`Warrant::after`]: crate::Warrant::after
    pub fn floor(&self) -> Generation {
        self.floor
    }

    /// What the policy that was published last says of the rollout, where keys are trusted.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    fn is_approved(&self, subject: &Subject) -> bool {
        let approved = self.approved.as_ref();
        approved.is_some_and(|approved| approved.check(subject).is_ok())
    }
}

// === impl Epoch ===

impl FromTree for Epoch {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        u64::from_tree(tree).map(Self)
    }
}

read_by_serde!(Epoch);

impl Epoch {
    /// The number of the epoch.
    pub fn get(self) -> u64 {
        self.0
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Head ===

impl Head {
    /// Reads a head from shared data; `None` if another program wrote it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let epoch = Epoch(u64::from_le_bytes(bytes.try_into().ok()?));
        Some(Self { epoch })
    }

    /// Writes the head for shared data.
    pub fn encode(self) -> [u8; 8] {
        self.epoch.0.to_le_bytes()
    }
}

// === impl StateError ===

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared state is unreadable: {}", self.0)
    }
}

impl std::error::Error for StateError {}

#[cfg(test)]
mod tests;
