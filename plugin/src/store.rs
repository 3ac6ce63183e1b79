//! The shared data of one policy: who writes joins, who reads trusts nothing.

mod bell;
mod record;

use std::fmt;

use breakglass_policy::{Epoch, Head, Name, Roster, State, StateError, Timestamp, WorkerId};

use crate::host::{self, Cas, Status};

use bell::Bell;
use record::Shelf;
pub(crate) use record::{Judged, Record, Trip};

/// The shared data of one policy, by its keys.
#[derive(Debug)]
pub(crate) struct Store {
    head: String,
    state: String,
    roster: String,
    boot: String,
    digest: String,
    tallies: String,
    bell: Bell,
}

/// Why shared data could not be read or written.
#[derive(Debug)]
pub(crate) enum StoreError {
    Host(Status),
    Unreadable(StateError),
    /// Other writers won every try.
    Contended,
}

/// A value that lives in shared data as MessagePack.
trait Shared: Default {
    fn decode(bytes: &[u8]) -> Result<Self, StateError>;
    fn encode(&self) -> Result<Vec<u8>, StateError>;
}

// === impl Store ===

impl Store {
    pub(crate) fn new(policy: &Name) -> Self {
        let key = |name: &str| format!("breakglass/{policy}/{name}");
        Self {
            head: key("head"),
            state: key("control"),
            roster: key("workers"),
            boot: key("boot"),
            digest: key("digest"),
            tallies: key("tally"),
            bell: Bell::new(),
        }
    }

    /// Whether the epoch is still the one that was read last: what every request asks for first.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.bell.is_quiet()
    }

    /// The epoch in force. The epoch of a state that nobody has
    /// written yet is the default one.
    pub(crate) fn epoch(&self) -> Result<Epoch, StoreError> {
        let head = host::shared(&self.head)?;
        let head = head.and_then(|(bytes, _)| Head::decode(&bytes));
        Ok(head.unwrap_or_default().epoch)
    }

    pub(crate) fn state(&self) -> Result<State, StoreError> {
        read(&self.state)
    }

    /// Changes the state by `change`, which tells whether it did, and lets every worker know.
    ///
    /// `change` runs again when another writer was faster.
    pub(crate) fn change_state<E: From<StoreError>>(
        &self,
        change: impl FnMut(&mut State) -> Result<bool, E>,
    ) -> Result<State, E> {
        let state = update(&self.state, change)?;
        // Also where nothing changed: the writer of this state may not have come this far yet.
        self.announce(state.epoch())?;
        Ok(state)
    }

    pub(crate) fn roster(&self) -> Result<Roster, StoreError> {
        read(&self.roster)
    }

    pub(crate) fn report(
        &self,
        worker: WorkerId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        update(&self.roster, |roster: &mut Roster| {
            roster.report(worker, epoch, now);
            Ok::<_, StoreError>(true)
        })?;
        Ok(())
    }

    pub(crate) fn leave(&self, worker: WorkerId) -> Result<(), StoreError> {
        update(&self.roster, |roster: &mut Roster| {
            Ok::<_, StoreError>(roster.leave(worker))
        })?;
        Ok(())
    }

    /// The number of this life of the proxy's shared data: `fresh`, unless somebody was first.
    pub(crate) fn boot(&self, fresh: &str) -> Result<String, StoreError> {
        match host::set_shared(&self.boot, fresh.as_bytes(), Cas::CREATE) {
            Ok(()) | Err(Status::CAS_MISMATCH) => {}
            Err(status) => return Err(status.into()),
        }
        Ok(text(&self.boot)?.unwrap_or_default())
    }

    /// The digest of the policy that was published last.
    pub(crate) fn digest(&self) -> Result<Option<String>, StoreError> {
        text(&self.digest)
    }

    /// Notes which policy was published last; tells whether that was news.
    pub(crate) fn set_digest(&self, digest: &str) -> Result<bool, StoreError> {
        for _ in 0..MAX_TRIES {
            let cas = match host::shared(&self.digest)? {
                Some((bytes, _)) if bytes == digest.as_bytes() => return Ok(false),
                Some((_, cas)) => cas,
                None => Cas::CREATE,
            };
            if written(host::set_shared(&self.digest, digest.as_bytes(), cas))? {
                return Ok(true);
            }
        }
        Err(StoreError::Contended)
    }

    /// What all workers have counted of a rollout.
    pub(crate) fn record(&self, rollout: &Name) -> Result<Record, StoreError> {
        let shelf: Shelf = read(&self.shelf(rollout))?;
        Ok(shelf.get(rollout))
    }

    /// Changes what all workers have counted of a rollout. `change` runs again when another writer was
    /// faster. `named` tells whether a policy still names a rollout.
    pub(crate) fn change_record(
        &self,
        rollout: &Name,
        named: impl Fn(&[u8]) -> bool,
        mut change: impl FnMut(&mut Record),
    ) -> Result<(), StoreError> {
        update(&self.shelf(rollout), |shelf: &mut Shelf| {
            let mut record = shelf.get(rollout);
            change(&mut record);
            shelf.put(rollout, &record, &named);
            Ok::<_, StoreError>(true)
        })?;
        Ok(())
    }

    fn shelf(&self, rollout: &Name) -> String {
        format!("{}/{:x}", self.tallies, Shelf::number(rollout))
    }

    /// Moves the head forward to `epoch`, never back, and lets everybody know.
    fn announce(&self, epoch: Epoch) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            let (head, cas) = match host::shared(&self.head)? {
                Some((bytes, cas)) => (Head::decode(&bytes).unwrap_or_default(), cas),
                None => (Head::default(), Cas::CREATE),
            };
            if head.epoch >= epoch
                || written(host::set_shared(&self.head, &Head { epoch }.encode(), cas))?
            {
                self.bell.ring();
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }
}

fn read<V: Shared>(key: &str) -> Result<V, StoreError> {
    match host::shared(key)? {
        Some((bytes, _)) => Ok(V::decode(&bytes)?),
        None => Ok(V::default()),
    }
}

fn update<V: Shared, E: From<StoreError>>(
    key: &str,
    mut change: impl FnMut(&mut V) -> Result<bool, E>,
) -> Result<V, E> {
    for _ in 0..MAX_TRIES {
        let (mut value, cas) = match host::shared(key).map_err(StoreError::from)? {
            Some((bytes, cas)) => (V::decode(&bytes).map_err(StoreError::from)?, cas),
            None => (V::default(), Cas::CREATE),
        };
        if !change(&mut value)? {
            return Ok(value);
        }
        let bytes = value.encode().map_err(StoreError::from)?;
        if written(host::set_shared(key, &bytes, cas))? {
            return Ok(value);
        }
    }
    Err(StoreError::Contended.into())
}

/// Whether a write was made; another writer may have been faster.
fn written(result: Result<(), Status>) -> Result<bool, StoreError> {
    match result {
        Ok(()) => Ok(true),
        Err(Status::CAS_MISMATCH) => Ok(false),
        Err(status) => Err(status.into()),
    }
}

fn text(key: &str) -> Result<Option<String>, StoreError> {
    let bytes = host::shared(key)?.map(|(bytes, _)| bytes);
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

// === impl Shared ===

impl Shared for State {
    fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        Self::decode(bytes)
    }

    fn encode(&self) -> Result<Vec<u8>, StateError> {
        self.encode()
    }
}

impl Shared for Roster {
    fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        Self::decode(bytes)
    }

    fn encode(&self) -> Result<Vec<u8>, StateError> {
        self.encode()
    }
}

impl Shared for Shelf {
    fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        Ok(Self::decode(bytes))
    }

    fn encode(&self) -> Result<Vec<u8>, StateError> {
        Ok(self.encode())
    }
}

// === impl StoreError ===

impl From<Status> for StoreError {
    fn from(status: Status) -> Self {
        Self::Host(status)
    }
}

impl From<StateError> for StoreError {
    fn from(error: StateError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(status) => write!(f, "no shared data: {status}"),
            Self::Unreadable(error) => error.fmt(f),
            Self::Contended => f.write_str("shared data changes faster than it can be written"),
        }
    }
}

/// Each try loses only to a writer that succeeded; workers are few and writes are rare.
const MAX_TRIES: usize = 256;
