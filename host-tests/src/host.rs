//! What the host keeps for one VM: the state behind its host calls.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use wasmtime::{Memory, StoreLimits, StoreLimitsBuilder, TypedFunc};

use crate::{
    http::{Direction, Http},
    metrics::MetricIds,
    process::{Level, LogLine, Process, Thread},
    profile::ClockRule,
    random::Random,
};

/// The state of one VM. It outlives the instance: a dead VM still has streams that end.
pub(crate) struct HostState {
    pub(crate) process: Arc<Process>,
    pub(crate) thread: Thread,
    pub(crate) vm_id: String,
    pub(crate) vm_configuration: Arc<[u8]>,
    /// The plugin configuration, while a root is being created or configured.
    pub(crate) configuring: Option<Arc<[u8]>>,
    pub(crate) roots: BTreeMap<u32, Root>,
    pub(crate) streams: HashMap<u32, Http>,
    /// Streams that the filter has forgotten and the test has not.
    pub(crate) finished: HashMap<u32, Http>,
    /// Streams that ended since the worker last looked.
    pub(crate) just_finished: Vec<u64>,
    pub(crate) timers: BTreeMap<u32, Timer>,
    pub(crate) dead_wakeups: u64,
    pub(crate) metric_ids: MetricIds,
    pub(crate) random: Random,
    pub(crate) call: Call,
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
    pub(crate) limits: StoreLimits,
    last_context: u32,
    started_at: u64,
}

/// The call into the guest that is running.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// The guest's start functions run: Envoy restricts what they may call.
    pub(crate) starting: bool,
    context: u32,
    effective: u32,
    /// `proxy_send_local_response` was called: whatever the callback returns, nothing is forwarded.
    pub(crate) stop_iteration: bool,
    /// What Envoy does after the call, in order.
    pub(crate) deferred: Vec<Deferred>,
}

/// An action that Envoy puts off until the guest has returned.
#[derive(Debug)]
pub(crate) enum Deferred {
    Continue(u32, Direction),
    Close(u32),
    Reply(u32, Reply),
    RootDone(u32),
}

/// The answer that the filter asked for.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u32,
    pub(crate) details: String,
    pub(crate) headers: crate::headers::Headers,
    pub(crate) body: Vec<u8>,
}

/// A plugin configuration in service in this VM.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) root_id: String,
    /// In nanoseconds since the Unix epoch.
    pub(crate) created_at: u64,
    /// It was told to stop and asked for time (`proxy_on_done` returned false).
    pub(crate) done_pending: bool,
}

/// The ticks of one root context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    pub(crate) period: u64,
    pub(crate) due: u64,
}

// === impl HostState ===

impl HostState {
    pub(crate) fn new(
        process: &Arc<Process>,
        thread: Thread,
        vm_id: &str,
        vm_configuration: &Arc<[u8]>,
    ) -> Self {
        let limits = match process.profile.memory_limit {
            Some(bytes) => StoreLimitsBuilder::new().memory_size(bytes).build(),
            None => StoreLimits::default(),
        };
        let serial = process.next_serial();
        Self {
            process: Arc::clone(process),
            thread,
            vm_id: vm_id.to_owned(),
            vm_configuration: Arc::clone(vm_configuration),
            configuring: None,
            roots: BTreeMap::new(),
            streams: HashMap::new(),
            finished: HashMap::new(),
            just_finished: Vec::new(),
            timers: BTreeMap::new(),
            dead_wakeups: 0,
            metric_ids: MetricIds::default(),
            random: Random::seeded(process.settings.seed.wrapping_add(serial)),
            call: Call::default(),
            memory: None,
            allocate: None,
            limits,
            last_context: 0,
            started_at: process.clock.nanos(),
        }
    }

    pub(crate) fn next_context(&mut self) -> u32 {
        self.last_context += 1;
        self.last_context
    }

    /// The time as this host shows it to guests, in nanoseconds since the Unix epoch.
    pub(crate) fn visible_nanos(&self) -> u64 {
        match self.process.profile.clock {
            ClockRule::Runs => self.process.clock.nanos(),
            ClockRule::FrozenInContext => self.context_created_at(),
        }
    }

    /// The context that host calls act on: the one set by the guest if it is still there.
    pub(crate) fn context(&self) -> u32 {
        match self.call.effective {
            0 => self.call.context,
            id if self.has_context(id) => id,
            _ => self.call.context,
        }
    }

    fn context_created_at(&self) -> u64 {
        let context = self.context();
        let stream = self.streams.get(&context).map(|http| http.created_at);
        let root = || self.roots.get(&context).map(|root| root.created_at);
        stream.or_else(root).unwrap_or(self.started_at)
    }

    pub(crate) fn has_context(&self, id: u32) -> bool {
        self.roots.contains_key(&id) || self.streams.contains_key(&id)
    }

    /// The root of the current context.
    pub(crate) fn root_context(&self) -> u32 {
        let context = self.context();
        self.streams.get(&context).map_or(context, |http| http.root)
    }

    /// The stream that host calls act on, if the current context is one.
    pub(crate) fn stream(&mut self) -> Option<&mut Http> {
        let context = self.context();
        self.streams.get_mut(&context)
    }

    /// A stream by its context, whether the filter still knows it or not.
    pub(crate) fn any_stream(&mut self, id: u32) -> Option<&mut Http> {
        match self.streams.get_mut(&id) {
            Some(http) => Some(http),
            None => self.finished.get_mut(&id),
        }
    }

    pub(crate) fn enter(&mut self, context: u32) {
        self.call.context = context;
        self.call.effective = 0;
        self.call.stop_iteration = false;
    }

    pub(crate) fn set_effective(&mut self, context: u32) {
        self.call.effective = context;
    }

    pub(crate) fn log(&self, level: Level, message: &[u8]) {
        self.process.log(LogLine {
            thread: self.thread,
            level,
            message: String::from_utf8_lossy(message).into_owned(),
        });
    }

    pub(crate) fn complain(&self, complaint: impl std::fmt::Display) {
        self.process
            .complain(format!("{:?}: {complaint}", self.thread));
    }

    /// Sets the tick period of a root; 0 stops it.
    pub(crate) fn set_timer(&mut self, root: u32, period: u64) {
        if period == 0 {
            self.timers.remove(&root);
            return;
        }
        let due = self.process.clock.nanos() + period;
        self.timers.insert(root, Timer { period, due });
    }
}
