//! The shared data of one proxy process, with the rules of proxy-wasm-cpp-host.
//!
//! One map for all threads behind one mutex, namespaced by `vm_id`. A write is seen by every later read on
//! any thread. There is no notification, no deletion and no time to live, and nothing survives a restart.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::status::Status;

/// The shared data of a proxy. Tests may read and write it as another plugin in the same process would.
#[derive(Debug, Default)]
pub struct SharedData {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    namespaces: BTreeMap<String, BTreeMap<Vec<u8>, Entry>>,
    last_cas: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Vec<u8>,
    cas: u32,
}

// === impl SharedData ===

impl SharedData {
    /// The value of a key and the number a compare-and-swap must name.
    pub fn get(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(Vec<u8>, u32)> {
        let inner = self.lock();
        let entry = inner.namespaces.get(vm_id)?.get(key.as_ref())?;
        Some((entry.value.clone(), entry.cas))
    }

    /// Writes a value.
    ///
    /// `cas` 0 overwrites. Any other `cas` must match the entry, **unless the key is missing**: then it is
    /// ignored, as in Envoy, so that creation is a race that the last writer wins.
    ///
    /// # Errors
    /// [`Status::CasMismatch`] when the entry has moved.
    pub fn set(
        &self,
        vm_id: &str,
        key: impl AsRef<[u8]>,
        value: impl Into<Vec<u8>>,
        cas: u32,
    ) -> Result<(), Status> {
        let mut inner = self.lock();
        let next = next_cas(inner.last_cas);
        let entry = Entry {
            value: value.into(),
            cas: next,
        };
        let namespace = match inner.namespaces.get_mut(vm_id) {
            Some(namespace) => namespace,
            None => inner.namespaces.entry(vm_id.to_owned()).or_default(),
        };
        match namespace.get_mut(key.as_ref()) {
            Some(old) if cas != 0 && cas != old.cas => return Err(Status::CasMismatch),
            Some(old) => *old = entry,
            None => {
                namespace.insert(key.as_ref().to_vec(), entry);
            }
        }
        inner.last_cas = next;
        Ok(())
    }

    /// The keys of one namespace, in order.
    pub fn keys(&self, vm_id: &str) -> Vec<Vec<u8>> {
        let inner = self.lock();
        inner
            .namespaces
            .get(vm_id)
            .map(|namespace| namespace.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Bytes of keys and values in all namespaces: what a test of growth watches.
    pub fn bytes(&self) -> usize {
        let inner = self.lock();
        let entries = inner.namespaces.values().flatten();
        entries
            .map(|(key, entry)| key.len() + entry.value.len())
            .sum()
    }

    #[cfg(test)]
    fn wind_cas_to(&self, cas: u32) {
        self.lock().last_cas = cas;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counter skips 0, which means "overwrite" in a call.
fn next_cas(last: u32) -> u32 {
    match last.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cas_is_ignored_when_the_key_is_missing() {
        let shared = SharedData::default();
        assert_eq!(shared.set("vm", "k", "a", 77), Ok(()));
        assert_eq!(shared.get("vm", "k"), Some((b"a".to_vec(), 1)));
    }

    #[test]
    fn cas_zero_overwrites() {
        let shared = SharedData::default();
        shared.set("vm", "k", "a", 0).unwrap();
        assert_eq!(shared.set("vm", "k", "b", 0), Ok(()));
        assert_eq!(shared.get("vm", "k"), Some((b"b".to_vec(), 2)));
    }

    #[test]
    fn a_stale_cas_is_refused_and_changes_nothing() {
        let shared = SharedData::default();
        shared.set("vm", "k", "a", 0).unwrap();
        shared.set("vm", "k", "b", 1).unwrap();
        assert_eq!(shared.set("vm", "k", "c", 1), Err(Status::CasMismatch));
        assert_eq!(shared.get("vm", "k"), Some((b"b".to_vec(), 2)));
    }

    #[test]
    fn the_counter_belongs_to_the_process_and_never_is_zero() {
        let shared = SharedData::default();
        shared.wind_cas_to(u32::MAX - 1);
        shared.set("vm", "a", "1", 0).unwrap();
        shared.set("other", "b", "1", 0).unwrap();
        assert_eq!(shared.get("vm", "a").map(|(_, cas)| cas), Some(u32::MAX));
        assert_eq!(shared.get("other", "b").map(|(_, cas)| cas), Some(1));
    }

    #[test]
    fn namespaces_do_not_see_each_other() {
        let shared = SharedData::default();
        shared.set("a", "k", "1", 0).unwrap();
        assert_eq!(shared.get("b", "k"), None);
    }

    #[test]
    fn of_many_threads_that_swap_each_counts_once() {
        const THREADS: u32 = 4;
        const ROUNDS: u32 = 500;
        let shared = SharedData::default();
        shared.set("vm", "n", 0u32.to_le_bytes(), 0).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..ROUNDS).for_each(|_| add_one(&shared)));
            }
        });
        let (value, _) = shared.get("vm", "n").unwrap();
        assert_eq!(value, (THREADS * ROUNDS).to_le_bytes());
    }

    fn add_one(shared: &SharedData) {
        loop {
            let (value, cas) = shared.get("vm", "n").unwrap();
            let n = u32::from_le_bytes(value.try_into().unwrap());
            if shared.set("vm", "n", (n + 1).to_le_bytes(), cas).is_ok() {
                return;
            }
        }
    }
}
