//! One thread of the proxy: its VMs, the plugins in service on it, and who still uses them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock,
    host::Root,
    http::Http,
    process::{Process, Thread},
    spec::{FailurePolicy, Spec},
    vm::{RootFailure, Vm, VmKey},
};

/// A thread that others may hold on to.
pub(crate) type SharedThread = Arc<Mutex<ThreadState>>;

/// What a thread has.
pub(crate) struct ThreadState {
    process: Arc<Process>,
    thread: Thread,
    vms: BTreeMap<u64, Vm>,
    /// The VM that the next root of a key is created in.
    in_service: BTreeMap<VmKey, u64>,
    handles: BTreeMap<u64, Handle>,
    /// The handle that new streams of a plugin take.
    slots: BTreeMap<u64, Slot>,
    last_id: u64,
}

/// A root context in a VM, alive while the plugin's slot or a stream uses it.
#[derive(Debug)]
struct Handle {
    spec: Arc<Spec>,
    vm: u64,
    root: Option<u32>,
    users: usize,
    failure: Option<String>,
}

#[derive(Debug)]
struct Slot {
    handle: u64,
    loaded_at: u64,
}

/// What a VM holds, for tests of growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmStats {
    /// The name that shares data.
    pub vm_id: String,
    /// Linear memory. It never shrinks.
    pub memory_bytes: usize,
    /// Root contexts alive.
    pub roots: usize,
    /// Stream contexts alive.
    pub streams: usize,
    /// Timers armed for roots that are alive.
    pub timers: usize,
    /// Timers armed for roots that are gone: Envoy wakes up for them for ever.
    pub dead_timers: usize,
    /// Wake-ups for roots that are gone, so far.
    pub dead_wakeups: u64,
    /// Metric ids given out: more than there are names if the filter defines them again and again.
    pub metric_ids: usize,
    /// The VM is dead.
    pub failed: bool,
}

/// Under `FAIL_RELOAD` Envoy loads a VM anew at most this often (its default back-off, without the jitter).
pub const RELOAD_BACKOFF: Duration = Duration::from_secs(1);

// === impl ThreadState ===

impl ThreadState {
    pub(crate) fn new(process: &Arc<Process>, thread: Thread) -> Self {
        Self {
            process: Arc::clone(process),
            thread,
            vms: BTreeMap::new(),
            in_service: BTreeMap::new(),
            handles: BTreeMap::new(),
            slots: BTreeMap::new(),
            last_id: 0,
        }
    }

    pub(crate) fn thread(&self) -> Thread {
        self.thread
    }

    /// Tries a configuration in this thread and leaves it to its fate.
    pub(crate) fn try_out(&mut self, spec: &Arc<Spec>) -> Result<(), RootFailure> {
        let key = spec.vm_key();
        let mut vm = Vm::start(&self.process, self.thread, &key, &spec.module)
            .map_err(RootFailure::loading)?;
        vm.create_root(self.root_of(spec), &spec.configuration)?;
        Ok(())
    }

    /// Puts a configuration in service for new streams. The old one goes when its last stream has gone.
    pub(crate) fn switch(&mut self, plugin: u64, spec: &Arc<Spec>) {
        let handle = self.obtain(spec);
        let slot = Slot {
            handle,
            loaded_at: self.process.clock.nanos(),
        };
        if let Some(old) = self.slots.insert(plugin, slot) {
            self.release(old.handle);
        }
    }

    /// Takes a plugin out of service.
    pub(crate) fn withdraw(&mut self, plugin: u64) {
        if let Some(old) = self.slots.remove(&plugin) {
            self.release(old.handle);
        }
    }

    /// Why a plugin is not in service on this thread, if it is not.
    pub(crate) fn failure(&self, plugin: u64) -> Option<String> {
        let slot = self.slots.get(&plugin)?;
        self.handles.get(&slot.handle)?.failure.clone()
    }

    /// Opens a stream; `None` when the plugin is not configured here. The ids are the VM's and the context's.
    pub(crate) fn open(&mut self, plugin: u64) -> Option<(u64, u32)> {
        self.reload_if_due(plugin);
        let slot = self.slots.get(&plugin)?;
        let handle = self.handles.get_mut(&slot.handle)?;
        let vm = self.vms.get_mut(&handle.vm)?;
        handle.users += 1;
        let root = handle.root.unwrap_or_default();
        let mut http = Http::new(root, slot.handle, self.process.clock.nanos());
        http.fail_open = handle.spec.failure_policy == FailurePolicy::Open;
        http.bodies_pass_paused_headers = handle.spec.bodies_pass_paused_headers;
        let host = vm.host_mut();
        let id = host.next_context();
        host.streams.insert(id, http);
        Some((handle.vm, id))
    }

    pub(crate) fn vm(&mut self, id: u64) -> Option<&mut Vm> {
        self.vms.get_mut(&id)
    }

    /// The next tick that is due here: when, in which VM, for which root.
    pub(crate) fn next_tick(&self) -> Option<(u64, u64, u32)> {
        let timers = self.vms.iter().flat_map(|(id, vm)| {
            let timers = &vm.host().timers;
            timers.iter().map(|(root, timer)| (timer.due, *id, *root))
        });
        timers.min()
    }

    pub(crate) fn tick(&mut self, vm: u64, root: u32) {
        if let Some(vm) = self.vms.get_mut(&vm) {
            vm.tick(root);
        }
        self.settle();
    }

    /// All VMs die as by a trap.
    pub(crate) fn crash(&mut self) {
        self.vms.values_mut().for_each(Vm::crash);
    }

    /// Lets go of what streams held that have ended.
    pub(crate) fn settle(&mut self) {
        let mut ended = Vec::new();
        for vm in self.vms.values_mut() {
            ended.append(&mut vm.host_mut().just_finished);
        }
        for handle in ended {
            self.release(handle);
        }
    }

    /// Forgets a stream that the test has let go of.
    pub(crate) fn forget(&mut self, vm_id: u64, stream: u32) -> Option<Http> {
        let vm = self.vms.get_mut(&vm_id)?;
        let http = vm.host_mut().finished.remove(&stream);
        let in_use = self.handles.values().any(|handle| handle.vm == vm_id);
        if !in_use && vm.host().finished.is_empty() {
            self.vms.remove(&vm_id);
        }
        http
    }

    pub(crate) fn stats(&self) -> Vec<VmStats> {
        let live = self.vms.values().filter_map(|vm| {
            let memory_bytes = vm.memory_bytes()?;
            let host = vm.host();
            let is_dead = |root: &&u32| !host.roots.contains_key(*root);
            let dead_timers = host.timers.keys().filter(is_dead).count();
            Some(VmStats {
                vm_id: host.vm_id.clone(),
                memory_bytes,
                roots: host.roots.len(),
                streams: host.streams.len(),
                timers: host.timers.len() - dead_timers,
                dead_timers,
                dead_wakeups: host.dead_wakeups,
                metric_ids: host.metric_ids.count(),
                failed: vm.is_failed(),
            })
        });
        live.collect()
    }

    /// Envoy reloads when a new stream finds its VM dead.
    fn reload_if_due(&mut self, plugin: u64) {
        let Some(slot) = self.slots.get(&plugin) else {
            return;
        };
        let Some(handle) = self.handles.get(&slot.handle) else {
            return;
        };
        let trapped = handle.root.is_some() && self.vms.get(&handle.vm).is_some_and(Vm::is_failed);
        let age = self.process.clock.nanos() - slot.loaded_at;
        let due = age >= clock::nanos_of(RELOAD_BACKOFF);
        if handle.spec.failure_policy == FailurePolicy::Reload && trapped && due {
            let spec = Arc::clone(&handle.spec);
            self.switch(plugin, &spec);
        }
    }

    /// A handle on a root of this configuration: the one that is there, or a new one.
    fn obtain(&mut self, spec: &Arc<Spec>) -> u64 {
        let key = spec.key();
        let usable = |handle: &Handle| {
            let alive = self.vms.get(&handle.vm).is_some_and(|vm| !vm.is_failed());
            alive && handle.spec.key() == key
        };
        let found = self.handles.iter().find(|(_, handle)| usable(handle));
        if let Some(id) = found.map(|(id, _)| *id) {
            if let Some(handle) = self.handles.get_mut(&id) {
                handle.users += 1;
            }
            return id;
        }
        let (vm, root, failure) = match self.create_root(spec) {
            Ok((vm, root)) => (vm, Some(root), None),
            Err(failure) => (self.absent_vm(spec), None, Some(failure.reason)),
        };
        let id = self.next_id();
        let handle = Handle {
            spec: Arc::clone(spec),
            vm,
            root,
            users: 1,
            failure,
        };
        self.handles.insert(id, handle);
        id
    }

    fn create_root(&mut self, spec: &Arc<Spec>) -> Result<(u64, u32), RootFailure> {
        let key = spec.vm_key();
        let in_service = self.in_service.get(&key).copied();
        let in_service = in_service.filter(|id| self.vms.get(id).is_some_and(|vm| !vm.is_failed()));
        let id = match in_service {
            Some(id) => id,
            None => {
                let vm = Vm::start(&self.process, self.thread, &key, &spec.module)
                    .map_err(RootFailure::loading)?;
                let id = self.next_id();
                self.vms.insert(id, vm);
                self.in_service.insert(key, id);
                id
            }
        };
        let root = self.root_of(spec);
        let Some(vm) = self.vms.get_mut(&id) else {
            return Err(RootFailure::loading("the VM is gone"));
        };
        let root = vm.create_root(root, &spec.configuration);
        if root.is_err() {
            self.demolish_if_unused(id);
        }
        Ok((id, root?))
    }

    fn absent_vm(&mut self, spec: &Arc<Spec>) -> u64 {
        let vm = Vm::absent(&self.process, self.thread, &spec.vm_key());
        let id = self.next_id();
        self.vms.insert(id, vm);
        id
    }

    fn release(&mut self, id: u64) {
        let Some(handle) = self.handles.get_mut(&id) else {
            return;
        };
        handle.users -= 1;
        if handle.users > 0 {
            return;
        }
        let (vm_id, root) = (handle.vm, handle.root);
        if let (Some(vm), Some(root)) = (self.vms.get_mut(&vm_id), root) {
            vm.shut_root(root);
        }
        self.handles.remove(&id);
        self.demolish_if_unused(vm_id);
    }

    /// Envoy keeps a VM while somebody has a handle on it.
    fn demolish_if_unused(&mut self, id: u64) {
        if self.handles.values().any(|handle| handle.vm == id) {
            return;
        }
        self.in_service.retain(|_, vm| *vm != id);
        let Some(vm) = self.vms.remove(&id) else {
            return;
        };
        if !vm.host().finished.is_empty() {
            self.vms.insert(id, vm.demolish());
        }
    }

    fn root_of(&self, spec: &Spec) -> Root {
        Root {
            name: spec.name.clone(),
            root_id: spec.root_id.clone(),
            created_at: self.process.clock.nanos(),
            done_pending: false,
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl fmt::Debug for ThreadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadState")
            .field("thread", &self.thread)
            .field("vms", &self.stats())
            .finish_non_exhaustive()
    }
}

// === impl RootFailure ===

impl RootFailure {
    fn loading(error: impl std::fmt::Display) -> Self {
        Self {
            reason: error.to_string(),
            in_configure: false,
        }
    }
}

pub(crate) fn lock(thread: &SharedThread) -> MutexGuard<'_, ThreadState> {
    thread.lock().unwrap_or_else(PoisonError::into_inner)
}
