//! The proxy: what a test builds first.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    clock::{self, Clock},
    metrics::MetricKind,
    module::Module,
    plugin::{Plugin, PluginBuilder, Threads},
    process::{FuelUse, Level, LogLine, Process, Settings, Thread, Trap},
    profile::Profile,
    shared::SharedData,
    stream::Stream,
    thread::{SharedThread, VmStats, lock},
};

/// One proxy process with its threads. To restart it, build another one: nothing survives.
#[derive(Debug)]
pub struct Proxy {
    threads: Arc<Threads>,
    module: Module,
}

/// How a proxy is to be.
#[derive(Debug)]
pub struct ProxyBuilder {
    module: Module,
    profile: Profile,
    start: SystemTime,
    settings: Settings,
}

/// A worker thread, by its number. It may be driven from a thread of the test.
#[derive(Clone, Debug)]
pub struct Worker {
    threads: Arc<Threads>,
    thread: SharedThread,
}

/// Envoy's default for `per_connection_buffer_limit_bytes`.
pub const DEFAULT_BUFFER_LIMIT: usize = 1024 * 1024;

/// Instructions one callback may take when they are counted. Envoy has no limit; a loop without end must end.
pub const DEFAULT_FUEL_LIMIT: u64 = 10_000_000_000;

/// 2026-11-23 20:00:00 UTC, so that logs of a test that does not care about time read well.
const DEFAULT_START: Duration = Duration::from_secs(1_795_464_000);

// === impl Proxy ===

impl Proxy {
    /// A proxy that runs this module.
    pub fn builder(module: Module) -> ProxyBuilder {
        ProxyBuilder {
            module,
            profile: Profile::envoy(),
            start: SystemTime::UNIX_EPOCH + DEFAULT_START,
            settings: Settings {
                workers: 1,
                log_level: Level::Info,
                buffer_limit: DEFAULT_BUFFER_LIMIT,
                seed: 0,
                count_fuel: false,
                fuel_limit: DEFAULT_FUEL_LIMIT,
            },
        }
    }

    /// A filter to be configured. Plugins of one `vm_id`, VM configuration and module share VMs.
    pub fn plugin(&self, name: &str) -> PluginBuilder {
        self.threads.plugin(name, &self.module)
    }

    /// A worker, counted from 0.
    ///
    /// # Panics
    /// If there are not that many.
    #[track_caller]
    pub fn worker(&self, number: usize) -> Worker {
        let workers = self.workers();
        let count = workers.len();
        match workers.into_iter().nth(number) {
            Some(worker) => worker,
            None => panic!("there is no worker {number}: the proxy has {count}"),
        }
    }

    /// All workers.
    pub fn workers(&self) -> Vec<Worker> {
        let threads = self.threads.threads.iter().skip(1);
        threads
            .map(|thread| Worker {
                threads: Arc::clone(&self.threads),
                thread: Arc::clone(thread),
            })
            .collect()
    }

    /// Moves the clock and fires what is due on the way, in the order of time, then of threads.
    pub fn advance(&self, time: Duration) {
        let clock = &self.threads.process.clock;
        let target = clock.nanos() + clock::nanos_of(time);
        while let Some((due, thread, vm, root)) = self.next_tick().filter(|tick| tick.0 <= target) {
            clock.set_nanos(due.max(clock.nanos()));
            lock(thread).tick(vm, root);
        }
        clock.set_nanos(target);
    }

    /// The time on the proxy's clock.
    pub fn now(&self) -> SystemTime {
        self.threads.process.clock.now()
    }

    /// The shared data of the process.
    pub fn shared_data(&self) -> &SharedData {
        &self.threads.process.shared
    }

    /// A counter; 0 if nobody has defined it, which [`Proxy::metric_names`] can tell apart.
    pub fn counter(&self, name: &str) -> u64 {
        self.metric(MetricKind::Counter, name)
    }

    /// A gauge; 0 if nobody has defined it.
    pub fn gauge(&self, name: &str) -> u64 {
        self.metric(MetricKind::Gauge, name)
    }

    /// The values of a histogram, in order.
    pub fn histogram(&self, name: &str) -> Vec<u64> {
        let metrics = &self.threads.process.metrics;
        metrics.histogram(name).unwrap_or_default()
    }

    /// Every metric that has been defined.
    pub fn metric_names(&self) -> Vec<(MetricKind, String)> {
        self.threads.process.metrics.names()
    }

    /// What guests have logged at or above the proxy's level.
    pub fn logs(&self) -> Vec<LogLine> {
        self.threads.process.logs()
    }

    /// As [`Proxy::logs`], and forgets them.
    pub fn take_logs(&self) -> Vec<LogLine> {
        self.threads.process.take_logs()
    }

    /// Guests that died.
    pub fn traps(&self) -> Vec<Trap> {
        self.threads.process.traps()
    }

    /// What a guest did that a real host lets pass in silence or asserts against: header bytes that end a
    /// line, gauges below zero, malformed pairs, continuing what is not paused. A sound filter has none.
    pub fn complaints(&self) -> Vec<String> {
        self.threads.process.complaints()
    }

    /// Instructions by callback since the start, if they are counted: see [`ProxyBuilder::count_fuel`].
    pub fn fuel(&self) -> BTreeMap<&'static str, FuelUse> {
        self.threads.process.fuel()
    }

    /// The VMs of the main thread.
    pub fn main_vms(&self) -> Vec<VmStats> {
        lock(&self.threads.threads[0]).stats()
    }

    fn metric(&self, kind: MetricKind, name: &str) -> u64 {
        let metrics = &self.threads.process.metrics;
        metrics.value(kind, name).unwrap_or(0)
    }

    fn next_tick(&self) -> Option<(u64, &SharedThread, u64, u32)> {
        let threads = self.threads.threads.iter();
        threads
            .filter_map(|thread| {
                let (due, vm, root) = lock(thread).next_tick()?;
                Some((due, thread, vm, root))
            })
            .min_by_key(|tick| tick.0)
    }
}

// === impl ProxyBuilder ===

impl ProxyBuilder {
    /// The personality of the host; Envoy unless said otherwise.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// How many workers; 1 unless said otherwise.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = workers;
        self
    }

    /// The time on the clock at first.
    #[must_use]
    pub fn start_time(mut self, start: SystemTime) -> Self {
        self.start = start;
        self
    }

    /// The lowest level that is logged, and that the guest learns of; info unless said otherwise.
    #[must_use]
    pub fn log_level(mut self, level: Level) -> Self {
        self.settings.log_level = level;
        self
    }

    /// How many bytes of a paused body the host holds for a stream before 413 or a reset.
    #[must_use]
    pub fn buffer_limit(mut self, bytes: usize) -> Self {
        self.settings.buffer_limit = bytes;
        self
    }

    /// Another sequence of random bytes.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Counts instructions per callback, into [`crate::Effects::fuel`]. Slower.
    #[must_use]
    pub fn count_fuel(mut self) -> Self {
        self.settings.count_fuel = true;
        self
    }

    /// Traps a callback after so many instructions. Counts them, too.
    #[must_use]
    pub fn fuel_limit(mut self, instructions: u64) -> Self {
        self.settings.fuel_limit = instructions;
        self.count_fuel()
    }

    /// Starts the process. It has no plugins yet.
    pub fn build(self) -> Proxy {
        let clock = Clock::starting_at(self.start);
        let process = Process::new(self.profile, clock, self.settings);
        Proxy {
            threads: Threads::new(process),
            module: self.module,
        }
    }
}

// === impl Worker ===

impl Worker {
    /// A new stream through a plugin.
    ///
    /// # Panics
    /// If the plugin is of another proxy or has been removed.
    #[track_caller]
    pub fn open(&self, plugin: &Plugin) -> Stream {
        assert!(
            plugin.is_of(&self.threads),
            "{plugin:?} belongs to another proxy"
        );
        let opened = lock(&self.thread).open(plugin.id());
        match opened {
            Some((vm, id)) => Stream::new(Arc::clone(&self.thread), vm, id),
            None => panic!("{plugin:?} has been removed"),
        }
    }

    /// Which thread this is.
    pub fn thread(&self) -> Thread {
        lock(&self.thread).thread()
    }

    /// Every VM of this worker dies, as by a trap that a sound filter gives no way to cause. It is not noted
    /// in [`Proxy::traps`].
    pub fn crash(&self) {
        lock(&self.thread).crash();
    }

    /// The VMs of this worker, oldest first. VMs that are gone are not listed.
    pub fn vms(&self) -> Vec<VmStats> {
        lock(&self.thread).stats()
    }
}
