//! The callbacks that a filter on HTTP streams exports.

use wasmtime::{Instance, Store, TypedFunc, WasmParams, WasmResults};

use crate::{error::Error, host::HostState};

type OnContext = TypedFunc<u32, ()>;
type OnMessage = TypedFunc<(u32, u32, u32), u32>;

/// Exports by name. A missing one is a callback that the filter does not care for.
pub(crate) struct Exports {
    pub(crate) on_context_create: Option<TypedFunc<(u32, u32), ()>>,
    pub(crate) on_vm_start: Option<TypedFunc<(u32, u32), u32>>,
    pub(crate) on_configure: Option<TypedFunc<(u32, u32), u32>>,
    pub(crate) on_tick: Option<OnContext>,
    pub(crate) on_request_headers: Option<OnMessage>,
    pub(crate) on_request_body: Option<OnMessage>,
    pub(crate) on_request_trailers: Option<TypedFunc<(u32, u32), u32>>,
    pub(crate) on_response_headers: Option<OnMessage>,
    pub(crate) on_response_body: Option<OnMessage>,
    pub(crate) on_response_trailers: Option<TypedFunc<(u32, u32), u32>>,
    pub(crate) on_done: Option<TypedFunc<u32, u32>>,
    pub(crate) on_log: Option<OnContext>,
    pub(crate) on_delete: Option<OnContext>,
    pub(crate) initialize: Option<TypedFunc<(), ()>>,
    pub(crate) main: Option<TypedFunc<(u32, u32), u32>>,
    pub(crate) start: Option<TypedFunc<(), ()>>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
}

/// ABI versions this host speaks, as the exports that name them.
const ABI_VERSIONS: [&str; 2] = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];

// === impl Exports ===

impl Exports {
    pub(crate) fn of(instance: &Instance, store: &mut Store<HostState>) -> Result<Self, Error> {
        let speaks = |store: &mut Store<_>| {
            ABI_VERSIONS
                .iter()
                .any(|version| instance.get_func(&mut *store, version).is_some())
        };
        if !speaks(store) {
            return Err(Error::module("missing or unknown Proxy-Wasm ABI version"));
        }
        let allocate = match find(instance, store, "malloc")? {
            Some(malloc) => Some(malloc),
            None => find(instance, store, "proxy_on_memory_allocate")?,
        };
        if allocate.is_none() {
            return Err(Error::module("the module exports no allocator"));
        }
        Ok(Self {
            on_context_create: find(instance, store, "proxy_on_context_create")?,
            on_vm_start: find(instance, store, "proxy_on_vm_start")?,
            on_configure: find(instance, store, "proxy_on_configure")?,
            on_tick: find(instance, store, "proxy_on_tick")?,
            on_request_headers: find(instance, store, "proxy_on_request_headers")?,
            on_request_body: find(instance, store, "proxy_on_request_body")?,
            on_request_trailers: find(instance, store, "proxy_on_request_trailers")?,
            on_response_headers: find(instance, store, "proxy_on_response_headers")?,
            on_response_body: find(instance, store, "proxy_on_response_body")?,
            on_response_trailers: find(instance, store, "proxy_on_response_trailers")?,
            on_done: find(instance, store, "proxy_on_done")?,
            on_log: find(instance, store, "proxy_on_log")?,
            on_delete: find(instance, store, "proxy_on_delete")?,
            initialize: find(instance, store, "_initialize")?,
            main: find(instance, store, "main")?,
            start: find(instance, store, "_start")?,
            allocate,
        })
    }
}

fn find<P: WasmParams, R: WasmResults>(
    instance: &Instance,
    store: &mut Store<HostState>,
    name: &str,
) -> Result<Option<TypedFunc<P, R>>, Error> {
    let Some(function) = instance.get_func(&mut *store, name) else {
        return Ok(None);
    };
    match function.typed(&*store) {
        Ok(typed) => Ok(Some(typed)),
        Err(error) => Err(Error::Module(format!("export {name}: {error:#}"))),
    }
}
