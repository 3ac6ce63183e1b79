//! The state that all workers of a proxy share: every control the proxy has seen, joined.

use std::fmt;

use serde::Serialize;

use crate::control::Control;
use crate::document::{self, DocumentError, FromTree, Map, Tree, read_by_serde, read_struct};
use crate::limits;
use crate::name::Name;
use crate::policy::Rollout;

/// The controls in force, by rollout. Encoded as MessagePack in shared data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    epoch: Epoch,
    /// Whether a policy that the proxy has seen names trusted keys.
    signed_only: bool,
    rollouts: Map<Name, Entry>,
}

/// One rollout's control in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The join of every control that the proxy has seen.
    pub control: Control,
    /// The epoch since which it is this one.
    pub since: Epoch,
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
    signed_only: or_default "signed_only",
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

    /// Joins the controls of a policy into the state; tells whether that changed anything.
    ///
    /// A ramp that a join makes too long is cut short, which exposes less; a kill or a lease that
    /// came with it counts in any case.
    pub fn join_policy(&mut self, rollouts: &[Rollout]) -> bool {
        let next = self.epoch.next();
        let mut changed = false;
        for Rollout { name, control, .. } in rollouts {
            changed |= self.join_at(next, name, control);
        }
        if changed {
            self.epoch = next;
            self.forget(rollouts);
        }
        changed
    }

    /// Whether orders must be signed, whatever the operator listener's own configuration says.
    pub fn is_signed_only(&self) -> bool {
        self.signed_only
    }

    /// Refuses unsigned orders from now on; tells whether that changed anything. Like a kill it is
    /// not taken back by a later push, so that no push can open the door first.
    pub fn require_signatures(&mut self) -> bool {
        !std::mem::replace(&mut self.signed_only, true)
    }

    /// Joins one control into the state; tells whether that changed anything.
    pub fn join(&mut self, rollout: &Name, control: &Control) -> bool {
        let next = self.epoch.next();
        let changed = self.join_at(next, rollout, control);
        if changed {
            self.epoch = next;
        }
        changed
    }

    fn join_at(&mut self, epoch: Epoch, rollout: &Name, control: &Control) -> bool {
        let known = self.rollouts.get(rollout);
        let joined = match known {
            Some(entry) => entry.control.join(control).fitted(),
            None => control.clone(),
        };
        if known.is_some_and(|entry| entry.control == joined) {
            return false;
        }
        let entry = Entry {
            control: joined,
            since: epoch,
        };
        self.rollouts.insert(rollout.clone(), entry);
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
});

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
