//! Metrics: one value per name in the process, one id per definition in a VM.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::status::Status;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Collects values.
    Histogram,
}

/// The metrics of a process. A counter and a gauge of the same name are two metrics; two definitions of the
/// same counter, in one VM or in several, are one.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    values: Mutex<BTreeMap<(MetricKind, String), Value>>,
}

type Value = Arc<Mutex<Vec<u64>>>;

/// The ids that one VM has been given.
#[derive(Debug)]
pub(crate) struct MetricIds {
    metrics: HashMap<u32, (MetricKind, String, Value)>,
    last: [u32; 3],
}

/// Envoy keeps the kind of a metric in the low bits of its id and counts in steps above them.
const ID_STEP: u32 = 4;

// === impl MetricKind ===

impl MetricKind {
    pub(crate) fn from_abi(kind: u32) -> Result<Self, Status> {
        match kind {
            0 => Ok(Self::Counter),
            1 => Ok(Self::Gauge),
            2 => Ok(Self::Histogram),
            _ => Err(Status::BadArgument),
        }
    }
}

// === impl Metrics ===

impl Metrics {
    /// The value of a counter or gauge; `None` when nobody has defined it.
    pub(crate) fn value(&self, kind: MetricKind, name: &str) -> Option<u64> {
        let values = self.lock();
        let value = values.get(&(kind, name.to_owned()))?;
        lock(value).first().copied()
    }

    /// What a histogram has recorded, in order.
    pub(crate) fn histogram(&self, name: &str) -> Option<Vec<u64>> {
        let values = self.lock();
        let value = values.get(&(MetricKind::Histogram, name.to_owned()))?;
        Some(lock(value).clone())
    }

    pub(crate) fn names(&self) -> Vec<(MetricKind, String)> {
        self.lock().keys().cloned().collect()
    }

    fn define(&self, kind: MetricKind, name: &str) -> Value {
        let mut values = self.lock();
        let start = match kind {
            MetricKind::Histogram => Vec::new(),
            MetricKind::Counter | MetricKind::Gauge => vec![0],
        };
        Arc::clone(
            values
                .entry((kind, name.to_owned()))
                .or_insert_with(|| Arc::new(Mutex::new(start))),
        )
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(MetricKind, String), Value>> {
        lock(&self.values)
    }
}

// === impl MetricIds ===

impl Default for MetricIds {
    fn default() -> Self {
        Self {
            metrics: HashMap::new(),
            last: [0, 1, 2],
        }
    }
}

impl MetricIds {
    /// A new id, even for a name that this VM has defined before.
    pub(crate) fn define(&mut self, metrics: &Metrics, kind: MetricKind, name: &str) -> u32 {
        let last = &mut self.last[kind as usize];
        *last += ID_STEP;
        let value = metrics.define(kind, name);
        self.metrics.insert(*last, (kind, name.to_owned(), value));
        *last
    }

    /// Number of ids given out: a filter that defines metrics per request shows here.
    pub(crate) fn count(&self) -> usize {
        self.metrics.len()
    }

    /// Adds to a counter or gauge. Envoy refuses a counter increment that is not positive. The name of a
    /// gauge comes back when it fell below zero: Envoy asserts in debug builds and wraps in release builds.
    pub(crate) fn increment(&self, id: u32, offset: i64) -> Result<Option<&str>, Status> {
        let (kind, name, value) = self.find(id)?;
        match kind {
            MetricKind::Counter if offset <= 0 => Err(Status::BadArgument),
            MetricKind::Histogram => Err(Status::BadArgument),
            MetricKind::Counter | MetricKind::Gauge => {
                let mut values = lock(value);
                let fell = offset < 0 && values[0] < offset.unsigned_abs();
                values[0] = values[0].wrapping_add_signed(offset);
                Ok(fell.then_some(name.as_str()))
            }
        }
    }

    /// Sets a gauge, adds to a counter, records in a histogram.
    pub(crate) fn record(&self, id: u32, value: u64) -> Result<(), Status> {
        let (kind, _, metric) = self.metrics.get(&id).ok_or(Status::NotFound)?;
        let mut values = lock(metric);
        match kind {
            MetricKind::Counter => values[0] = values[0].wrapping_add(value),
            MetricKind::Gauge => values[0] = value,
            MetricKind::Histogram => values.push(value),
        }
        Ok(())
    }

    pub(crate) fn value(&self, id: u32) -> Result<u64, Status> {
        let (kind, _, value) = self.find(id)?;
        match kind {
            MetricKind::Histogram => Err(Status::BadArgument),
            MetricKind::Counter | MetricKind::Gauge => Ok(lock(value)[0]),
        }
    }

    /// Envoy looks at the kind in the id before it looks for the id.
    fn find(&self, id: u32) -> Result<&(MetricKind, String, Value), Status> {
        if id % ID_STEP > 1 {
            return Err(Status::BadArgument);
        }
        self.metrics.get(&id).ok_or(Status::NotFound)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
