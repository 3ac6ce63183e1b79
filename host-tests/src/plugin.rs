//! Plugins: configured once, updated often, switched worker by worker.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    error::Error,
    module::Module,
    process::{Process, Thread},
    spec::{FailurePolicy, Spec, SpecKey},
    thread::{SharedThread, ThreadState, lock},
};

/// The threads of a proxy and what it remembers of configurations.
#[derive(Debug)]
pub(crate) struct Threads {
    pub(crate) process: Arc<Process>,
    /// Main, then the workers.
    pub(crate) threads: Vec<SharedThread>,
    /// What the throw-away VM said of a configuration. Envoy asks once and remembers.
    trials: Mutex<BTreeMap<SpecKey, Option<String>>>,
    last_plugin: AtomicU64,
}

/// A filter configuration to be put in service.
#[derive(Debug)]
pub struct PluginBuilder {
    threads: Arc<Threads>,
    spec: Spec,
}

/// A filter in service: one entry in a listener's filter chain.
#[derive(Clone)]
pub struct Plugin {
    threads: Arc<Threads>,
    id: u64,
    spec: Arc<Mutex<Arc<Spec>>>,
}

/// An update that the throw-away VM has accepted and the main thread has taken; workers take it when told.
#[derive(Debug)]
pub struct Staged {
    plugin: Plugin,
    spec: Arc<Spec>,
    waiting: Vec<usize>,
}

// === impl Threads ===

impl Threads {
    pub(crate) fn new(process: Process) -> Arc<Self> {
        let process = Arc::new(process);
        let workers = (0..process.settings.workers).map(Thread::Worker);
        let threads = std::iter::once(Thread::Main)
            .chain(workers)
            .map(|thread| Arc::new(Mutex::new(ThreadState::new(&process, thread))))
            .collect();
        Arc::new(Self {
            process,
            threads,
            trials: Mutex::default(),
            last_plugin: AtomicU64::new(0),
        })
    }

    pub(crate) fn plugin(self: &Arc<Self>, name: &str, module: &Module) -> PluginBuilder {
        PluginBuilder {
            threads: Arc::clone(self),
            spec: Spec {
                name: name.to_owned(),
                root_id: String::new(),
                vm_id: String::new(),
                vm_configuration: Arc::new([]),
                configuration: Arc::new([]),
                module: module.clone(),
                failure_policy: FailurePolicy::default(),
                bodies_pass_paused_headers: false,
            },
        }
    }

    /// Runs a configuration in a VM that is thrown away afterwards. Its side effects stay.
    fn try_out(&self, spec: &Arc<Spec>) -> Result<(), Error> {
        let key = spec.key();
        if let Some(known) = self.trials().get(&key) {
            return match known {
                None => Ok(()),
                Some(reason) => Err(Error::Refused {
                    reason: format!("{reason} (Envoy remembers and does not ask again)"),
                    logs: Vec::new(),
                }),
            };
        }
        let mark = self.process.log_mark();
        let outcome = ThreadState::new(&self.process, Thread::Trial).try_out(spec);
        let (remembered, answer) = match outcome {
            Ok(()) => (Some(None), Ok(())),
            Err(failure) => {
                let remembered = failure.in_configure.then(|| Some(failure.reason.clone()));
                let logs = self.process.logs_since(mark);
                let reason = failure.reason;
                (remembered, Err(Error::Refused { reason, logs }))
            }
        };
        if let Some(outcome) = remembered {
            self.trials().insert(key, outcome);
        }
        answer
    }

    fn trials(&self) -> MutexGuard<'_, BTreeMap<SpecKey, Option<String>>> {
        self.trials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl PluginBuilder ===

impl PluginBuilder {
    /// The namespace of shared data, and together with VM configuration and module the identity of the VM.
    #[must_use]
    pub fn vm_id(mut self, vm_id: &str) -> Self {
        self.spec.vm_id = vm_id.to_owned();
        self
    }

    /// What `proxy_on_vm_start` can read.
    #[must_use]
    pub fn vm_configuration(mut self, configuration: impl AsRef<[u8]>) -> Self {
        self.spec.vm_configuration = Arc::from(configuration.as_ref());
        self
    }

    /// The `root_id` of the configuration.
    #[must_use]
    pub fn root_id(mut self, root_id: &str) -> Self {
        self.spec.root_id = root_id.to_owned();
        self
    }

    /// Another module than the proxy's: a newer version of the filter beside the old one.
    #[must_use]
    pub fn module(mut self, module: &Module) -> Self {
        self.spec.module = module.clone();
        self
    }

    /// What happens to streams on a dead VM.
    #[must_use]
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.spec.failure_policy = policy;
        self
    }

    /// Envoy's `allow_on_headers_stop_iteration` (1.35 and later; Istio and Envoy Gateway do not expose it):
    /// `Pause` at headers lets the body through to the filter.
    #[must_use]
    pub fn allow_on_headers_stop_iteration(mut self) -> Self {
        self.spec.bodies_pass_paused_headers = true;
        self
    }

    /// Puts the filter in service: a throw-away VM first, then main, then each worker.
    ///
    /// Only the throw-away VM can refuse. A thread on which the configuration fails after that has no
    /// filter, and its streams fare by the failure policy: see [`Plugin::failures`].
    ///
    /// # Errors
    /// [`Error::Refused`] with what the guest logged. On a real proxy this is a failure to start.
    pub fn configure(mut self, configuration: impl AsRef<[u8]>) -> Result<Plugin, Error> {
        self.spec.configuration = Arc::from(configuration.as_ref());
        let id = self.threads.last_plugin.fetch_add(1, Ordering::SeqCst);
        let plugin = Plugin {
            spec: Arc::new(Mutex::new(Arc::new(self.spec))),
            threads: self.threads,
            id,
        };
        plugin.stage_spec(plugin.spec())?.finish();
        Ok(plugin)
    }
}

// === impl Plugin ===

impl Plugin {
    /// Replaces the configuration on all threads at once. Open streams keep the old one.
    ///
    /// # Errors
    /// [`Error::Refused`]; the old configuration goes on serving.
    pub fn update(&self, configuration: impl AsRef<[u8]>) -> Result<(), Error> {
        self.stage(configuration)?.finish();
        Ok(())
    }

    /// As [`Plugin::update`], but each worker switches when the test says so.
    ///
    /// # Errors
    /// [`Error::Refused`]; the old configuration goes on serving.
    pub fn stage(&self, configuration: impl AsRef<[u8]>) -> Result<Staged, Error> {
        let mut spec = Spec::clone(&self.spec());
        spec.configuration = Arc::from(configuration.as_ref());
        self.stage_spec(Arc::new(spec))
    }

    /// As [`Plugin::update`], with another module: an upgrade of the filter itself.
    ///
    /// # Errors
    /// [`Error::Refused`]; the old module goes on serving.
    pub fn upgrade(&self, module: &Module) -> Result<(), Error> {
        let mut spec = Spec::clone(&self.spec());
        spec.module = module.clone();
        self.stage_spec(Arc::new(spec))?.finish();
        Ok(())
    }

    /// Takes the filter out of the chain. Open streams go on.
    pub fn remove(self) {
        for thread in &self.threads.threads {
            lock(thread).withdraw(self.id);
        }
    }

    /// Threads on which the configuration failed although the throw-away VM had accepted it.
    pub fn failures(&self) -> Vec<(Thread, String)> {
        let threads = self.threads.threads.iter();
        threads
            .filter_map(|thread| {
                let thread = lock(thread);
                Some((thread.thread(), thread.failure(self.id)?))
            })
            .collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn is_of(&self, threads: &Arc<Threads>) -> bool {
        Arc::ptr_eq(&self.threads, threads)
    }

    fn stage_spec(&self, spec: Arc<Spec>) -> Result<Staged, Error> {
        self.threads.try_out(&spec)?;
        *self.spec.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&spec);
        let mut staged = Staged {
            plugin: self.clone(),
            spec,
            waiting: (0..self.threads.threads.len()).collect(),
        };
        staged.take(0);
        Ok(staged)
    }

    fn spec(&self) -> Arc<Spec> {
        Arc::clone(&self.spec.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.spec().name)
            .finish_non_exhaustive()
    }
}

// === impl Staged ===

impl Staged {
    /// One worker takes the update.
    pub fn switch(&mut self, worker: usize) {
        self.take(worker + 1);
    }

    /// All workers that have not taken the update take it.
    pub fn finish(mut self) {
        while let Some(next) = self.waiting.first().copied() {
            self.take(next);
        }
    }

    fn take(&mut self, thread: usize) {
        if !self.waiting.contains(&thread) {
            return;
        }
        self.waiting.retain(|waiting| *waiting != thread);
        lock(&self.plugin.threads.threads[thread]).switch(self.plugin.id, &self.spec);
    }
}
