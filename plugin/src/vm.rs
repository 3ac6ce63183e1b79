//! What one virtual machine (one worker thread) knows apart from any configuration.
//!
//! Old and new configurations are roots in the same machine, so configuration never stands here.

use std::cell::{Cell, RefCell};

use breakglass_policy::{Epoch, Map, Name, Roster, Timestamp, WorkerId};

use crate::store::{Store, StoreError};

thread_local! {
    static WORKER: Cell<Option<WorkerId>> = const { Cell::new(None) };
    static REPORTED: RefCell<Map<Name, Report>> = RefCell::default();
    /// The policies of the roots that live here, each as often as there are roots of it.
    static ROOTS: RefCell<Vec<Name>> = const { RefCell::new(Vec::new()) };
}

/// What this machine told the roster of a policy last.
#[derive(Clone, Copy, Debug, Default)]
struct Report {
    epoch: Epoch,
    at: Timestamp,
}

/// This machine's number in rosters, drawn when it is first asked for.
pub(crate) fn worker() -> WorkerId {
    WORKER.with(|cell| {
        let worker = cell.get().unwrap_or_else(|| WorkerId(random()));
        cell.set(Some(worker));
        worker
    })
}

/// A random number. A proxy without randomness gives zero, which only makes ids less unique.
pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}

/// Tells the roster that from now on every decision here rests on `epoch`, or, when nothing
/// changed, now and then that this machine lives.
///
/// One thread runs all roots of the machine and each root reads the head before it decides, so one
/// root may speak for all.
pub(crate) fn report(
    policy: &Name,
    store: &Store,
    epoch: Epoch,
    now: Timestamp,
) -> Result<(), StoreError> {
    let last = REPORTED.with_borrow(|reports| reports.get(policy).copied());
    let news =
        last.is_none_or(|last| last.epoch < epoch || now.since(last.at) >= Roster::HEARTBEAT);
    if !news {
        return Ok(());
    }
    let epoch = last.map_or(epoch, |last| last.epoch.max(epoch));
    store.report(worker(), epoch, now)?;
    REPORTED.with_borrow_mut(|reports| reports.insert(policy.clone(), Report { epoch, at: now }));
    Ok(())
}

/// Whether no root was ever configured here: so it is in the machine in which a proxy tries a
/// configuration, and in that of a worker that has just started.
pub(crate) fn is_fresh() -> bool {
    ROOTS.with_borrow(Vec::is_empty)
}

/// Notes that a root of this policy lives here.
pub(crate) fn enter(policy: &Name) {
    ROOTS.with_borrow_mut(|roots| roots.push(policy.clone()));
}

/// Notes that a root of this policy has ended. With the last one this machine leaves the roster, so
/// that nobody waits for it: a new build has taken its place.
pub(crate) fn leave(policy: &Name, store: &Store) {
    let last = ROOTS.with_borrow_mut(|roots| {
        if let Some(place) = roots.iter().position(|root| root == policy) {
            roots.swap_remove(place);
        }
        !roots.contains(policy)
    });
    let reported = REPORTED.with_borrow(|reports| reports.get(policy).is_some());
    if last && reported {
        // One that cannot say so is forgotten when it has been silent for long enough.
        let _ = store.leave(worker());
        // A root that comes later reports at once.
        REPORTED.with_borrow_mut(|reports| reports.insert(policy.clone(), Report::default()));
    }
}
