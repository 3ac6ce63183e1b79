//! What all threads of one proxy process share.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{clock::Clock, metrics::Metrics, profile::Profile, shared::SharedData};

/// A thread of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thread {
    /// The throw-away VM that tries a configuration before anybody else sees it.
    Trial,
    /// The main thread: it configures and ticks, but has no streams.
    Main,
    /// A worker, counted from 0.
    Worker(usize),
}

/// Log levels of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}

/// A line that a guest logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The thread whose VM logged.
    pub thread: Thread,
    /// Its level. Standard output counts as info, standard error as error, as in Envoy.
    pub level: Level,
    /// Its text.
    pub message: String,
}

/// A guest that stopped in the middle of a call. Its VM is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The thread whose VM died.
    pub thread: Thread,
    /// The export that was running.
    pub callback: &'static str,
    /// What the engine says.
    pub message: String,
}

/// Instructions that one callback took, over all threads, the throw-away VM included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuelUse {
    /// How often it was called.
    pub calls: u64,
    /// Instructions in all calls together.
    pub total: u64,
    /// Instructions in the longest call.
    pub most: u64,
}

/// What every thread sees of the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) profile: Profile,
    pub(crate) clock: Clock,
    pub(crate) shared: SharedData,
    pub(crate) metrics: Metrics,
    pub(crate) settings: Settings,
    logs: Mutex<Vec<LogLine>>,
    traps: Mutex<Vec<Trap>>,
    complaints: Mutex<Vec<String>>,
    fuel: Mutex<BTreeMap<&'static str, FuelUse>>,
    serial: AtomicU64,
}

/// What the test chose for the whole process.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) log_level: Level,
    pub(crate) buffer_limit: usize,
    pub(crate) seed: u64,
    pub(crate) count_fuel: bool,
    pub(crate) fuel_limit: u64,
}

// === impl Level ===

impl Level {
    pub(crate) fn from_abi(level: u32) -> Option<Self> {
        let levels = [
            Self::Trace,
            Self::Debug,
            Self::Info,
            Self::Warn,
            Self::Error,
            Self::Critical,
        ];
        levels.get(usize::try_from(level).ok()?).copied()
    }
}

// === impl Process ===

impl Process {
    pub(crate) fn new(profile: Profile, clock: Clock, settings: Settings) -> Self {
        Self {
            profile,
            clock,
            shared: SharedData::default(),
            metrics: Metrics::default(),
            settings,
            logs: Mutex::default(),
            traps: Mutex::default(),
            complaints: Mutex::default(),
            fuel: Mutex::default(),
            serial: AtomicU64::new(0),
        }
    }

    /// A number that no other VM of the process has.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn log(&self, line: LogLine) {
        if line.level >= self.settings.log_level {
            lock(&self.logs).push(line);
        }
    }

    pub(crate) fn logs(&self) -> Vec<LogLine> {
        lock(&self.logs).clone()
    }

    pub(crate) fn logs_since(&self, mark: usize) -> Vec<LogLine> {
        lock(&self.logs).get(mark..).unwrap_or_default().to_vec()
    }

    pub(crate) fn log_mark(&self) -> usize {
        lock(&self.logs).len()
    }

    pub(crate) fn take_logs(&self) -> Vec<LogLine> {
        std::mem::take(&mut *lock(&self.logs))
    }

    pub(crate) fn trap(&self, trap: Trap) {
        lock(&self.traps).push(trap);
    }

    pub(crate) fn traps(&self) -> Vec<Trap> {
        lock(&self.traps).clone()
    }

    pub(crate) fn complain(&self, complaint: String) {
        lock(&self.complaints).push(complaint);
    }

    pub(crate) fn count_fuel(&self, callback: &'static str, used: u64) {
        let mut fuel = lock(&self.fuel);
        let entry = fuel.entry(callback).or_default();
        entry.calls += 1;
        entry.total += used;
        entry.most = entry.most.max(used);
    }

    pub(crate) fn fuel(&self) -> BTreeMap<&'static str, FuelUse> {
        lock(&self.fuel).clone()
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        lock(&self.complaints).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
