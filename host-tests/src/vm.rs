//! One VM: an instance of a module on one thread, and how it is called.

use std::sync::Arc;

use wasmtime::{Store, TypedFunc, WasmParams, WasmResults};

use crate::{
    engine,
    error::Error,
    exports::Exports,
    host::{HostState, Root},
    module::Module,
    process::{Process, Thread, Trap},
};

/// A VM. It dies with the first trap; its streams then get what the host gives for a dead VM.
pub(crate) struct Vm {
    side: Side,
    failed: bool,
    fuelled: bool,
    fuel_limit: u64,
}

enum Side {
    Live(Box<Live>),
    /// No instance: it was never there or has been taken down. Streams still need the state.
    Absent(Box<HostState>),
}

struct Live {
    store: Store<HostState>,
    exports: Exports,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called<R> {
    /// The filter has no such callback.
    Missing,
    Returned(R),
    /// The VM was dead or died.
    Failed,
}

/// The name of a callback and where it is kept.
pub(crate) struct Callback<P, R> {
    pub(crate) name: &'static str,
    pub(crate) export: fn(&Exports) -> &Option<TypedFunc<P, R>>,
}

/// What identifies a VM on a thread: Envoy hashes the same three things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VmKey {
    pub(crate) vm_id: String,
    pub(crate) configuration: Arc<[u8]>,
    pub(crate) module: u64,
}

/// Why a root context could not be put in service.
#[derive(Clone, Debug)]
pub(crate) struct RootFailure {
    pub(crate) reason: String,
    /// `proxy_on_configure` said no: Envoy remembers that for this configuration.
    pub(crate) in_configure: bool,
}

// === impl Vm ===

impl Vm {
    /// Instantiates the module and runs its start functions.
    pub(crate) fn start(
        process: &Arc<Process>,
        thread: Thread,
        key: &VmKey,
        module: &Module,
    ) -> Result<Self, Error> {
        let fuelled = process.settings.count_fuel;
        let linked = module.linked(fuelled)?;
        let state = HostState::new(process, thread, &key.vm_id, &key.configuration);
        let mut store = Store::new(engine::engine(fuelled), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(engine::WATCHDOG_LOOKS);
        if fuelled {
            store
                .set_fuel(process.settings.fuel_limit)
                .map_err(Error::module)?;
        }
        store.data_mut().call.starting = true;
        let instance = linked
            .instantiate(&mut store)
            .map_err(|error| Error::Module(format!("{}: {error:#}", module.name())))?;
        let exports = Exports::of(&instance, &mut store)
            .map_err(|error| Error::Module(format!("{}: {error}", module.name())))?;
        let memory = instance.get_memory(&mut store, "memory");
        store.data_mut().memory = memory;
        store.data_mut().allocate.clone_from(&exports.allocate);
        let mut vm = Self {
            side: Side::Live(Box::new(Live { store, exports })),
            failed: false,
            fuelled,
            fuel_limit: process.settings.fuel_limit,
        };
        vm.run_start_functions()?;
        Ok(vm)
    }

    /// A VM that is not there: streams on it fare as on a dead one.
    pub(crate) fn absent(process: &Arc<Process>, thread: Thread, key: &VmKey) -> Self {
        let state = HostState::new(process, thread, &key.vm_id, &key.configuration);
        Self {
            side: Side::Absent(Box::new(state)),
            failed: true,
            fuelled: false,
            fuel_limit: 0,
        }
    }

    /// Frees the instance and keeps the state.
    pub(crate) fn demolish(self) -> Self {
        let mut state = match self.side {
            Side::Live(live) => Box::new(live.store.into_data()),
            Side::Absent(state) => state,
        };
        // Timers belong to the VM: they outlive roots, but not it.
        state.timers.clear();
        Self {
            side: Side::Absent(state),
            failed: true,
            ..self
        }
    }

    pub(crate) fn host(&self) -> &HostState {
        match &self.side {
            Side::Live(live) => live.store.data(),
            Side::Absent(state) => state,
        }
    }

    pub(crate) fn host_mut(&mut self) -> &mut HostState {
        match &mut self.side {
            Side::Live(live) => live.store.data_mut(),
            Side::Absent(state) => state,
        }
    }

    /// It has trapped, or was never there.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed
    }

    /// Dies as by a trap, between two calls.
    pub(crate) fn crash(&mut self) {
        self.failed = true;
    }

    /// Linear memory in bytes; `None` once the instance is gone.
    pub(crate) fn memory_bytes(&self) -> Option<usize> {
        match &self.side {
            Side::Live(live) => {
                let memory = live.store.data().memory?;
                Some(memory.data_size(&live.store))
            }
            Side::Absent(_) => None,
        }
    }

    /// Calls the guest on behalf of a context. Actions that it puts off wait in the host state.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        context: u32,
        callback: &Callback<P, R>,
        arguments: P,
    ) -> Called<R> {
        if self.failed {
            return Called::Failed;
        }
        let Side::Live(live) = &mut self.side else {
            return Called::Failed;
        };
        let Some(export) = (callback.export)(&live.exports).clone() else {
            return Called::Missing;
        };
        live.store.set_epoch_deadline(engine::WATCHDOG_LOOKS);
        live.store.data_mut().enter(context);
        if self.fuelled && live.store.set_fuel(self.fuel_limit).is_err() {
            return Called::Failed;
        }
        let outcome = export.call(&mut live.store, arguments);
        if self.fuelled {
            let left = live.store.get_fuel().unwrap_or_default();
            let used = self.fuel_limit.saturating_sub(left);
            let host = live.store.data_mut();
            host.process.count_fuel(callback.name, used);
            if let Some(http) = host.any_stream(context) {
                http.effects.fuel.push((callback.name, used));
            }
        }
        match outcome {
            Ok(result) => Called::Returned(result),
            Err(error) => {
                self.fail(callback.name, &error);
                Called::Failed
            }
        }
    }

    /// Creates a root context. Envoy calls `proxy_on_vm_start` for every root, not once a VM.
    ///
    /// # Errors
    /// Why the root is not in service.
    pub(crate) fn create_root(
        &mut self,
        root: Root,
        configuration: &Arc<[u8]>,
    ) -> Result<u32, RootFailure> {
        let host = self.host_mut();
        let id = host.next_context();
        host.roots.insert(id, root);
        host.configuring = Some(Arc::clone(configuration));
        let created = self.call(id, &ON_CONTEXT_CREATE, (id, 0));
        self.host_mut().configuring = None;
        self.expect(created, ON_CONTEXT_CREATE.name)?;
        let size = length(&self.host().vm_configuration);
        let started = self.call(id, &ON_VM_START, (id, size));
        self.expect_true(started, ON_VM_START.name)?;
        self.host_mut().configuring = Some(Arc::clone(configuration));
        let configured = self.call(id, &ON_CONFIGURE, (id, length(configuration)));
        self.host_mut().configuring = None;
        self.expect_true(configured, ON_CONFIGURE.name)?;
        Ok(id)
    }

    fn expect<R>(&self, called: Called<R>, callback: &'static str) -> Result<(), RootFailure> {
        match called {
            Called::Missing | Called::Returned(_) => Ok(()),
            Called::Failed => Err(RootFailure {
                reason: self.last_trap(callback),
                in_configure: callback == ON_CONFIGURE.name,
            }),
        }
    }

    fn expect_true(&self, called: Called<u32>, callback: &'static str) -> Result<(), RootFailure> {
        match called {
            Called::Returned(0) => Err(RootFailure {
                reason: format!("{callback} returned false"),
                in_configure: callback == ON_CONFIGURE.name,
            }),
            other => self.expect(other, callback),
        }
    }

    fn last_trap(&self, callback: &str) -> String {
        let traps = self.host().process.traps();
        let thread = self.host().thread;
        let trap = traps.iter().rev().find(|trap| trap.thread == thread);
        match trap {
            Some(trap) => format!("{callback} trapped: {}", trap.message),
            None => format!("{callback} was not called: the VM is dead"),
        }
    }

    fn run_start_functions(&mut self) -> Result<(), Error> {
        let called = match self.call(0, &INITIALIZE, ()) {
            Called::Missing => self.call(0, &START, ()),
            Called::Returned(()) => match self.call(0, &MAIN, (0, 0)) {
                Called::Failed => Called::Failed,
                _ => Called::Returned(()),
            },
            Called::Failed => Called::Failed,
        };
        self.host_mut().call.starting = false;
        match called {
            Called::Failed => Err(Error::Module(self.last_trap("the start function"))),
            _ => Ok(()),
        }
    }

    fn fail(&mut self, callback: &'static str, error: &wasmtime::Error) {
        self.failed = true;
        let host = self.host();
        host.process.trap(Trap {
            thread: host.thread,
            callback,
            message: format!("{error:#}"),
        });
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Names a callback once: for traps, for fuel, for the call.
macro_rules! callbacks {
    ($($constant:ident: $params:ty => $result:ty = $name:literal, $field:ident;)+) => {
        $(pub(crate) const $constant: Callback<$params, $result> = Callback {
            name: $name,
            export: |exports| &exports.$field,
        };)+
    };
}

callbacks! {
    INITIALIZE: () => () = "_initialize", initialize;
    MAIN: (u32, u32) => u32 = "main", main;
    START: () => () = "_start", start;
    ON_CONTEXT_CREATE: (u32, u32) => () = "proxy_on_context_create", on_context_create;
    ON_VM_START: (u32, u32) => u32 = "proxy_on_vm_start", on_vm_start;
    ON_CONFIGURE: (u32, u32) => u32 = "proxy_on_configure", on_configure;
    ON_TICK: u32 => () = "proxy_on_tick", on_tick;
    ON_REQUEST_HEADERS: (u32, u32, u32) => u32 = "proxy_on_request_headers", on_request_headers;
    ON_REQUEST_BODY: (u32, u32, u32) => u32 = "proxy_on_request_body", on_request_body;
    ON_REQUEST_TRAILERS: (u32, u32) => u32 = "proxy_on_request_trailers", on_request_trailers;
    ON_RESPONSE_HEADERS: (u32, u32, u32) => u32 = "proxy_on_response_headers", on_response_headers;
    ON_RESPONSE_BODY: (u32, u32, u32) => u32 = "proxy_on_response_body", on_response_body;
    ON_RESPONSE_TRAILERS: (u32, u32) => u32 = "proxy_on_response_trailers", on_response_trailers;
    ON_DONE: u32 => u32 = "proxy_on_done", on_done;
    ON_LOG: u32 => () = "proxy_on_log", on_log;
    ON_DELETE: u32 => () = "proxy_on_delete", on_delete;
}
