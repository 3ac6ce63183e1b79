//! The imports of ABI 0.2.1, as the Rust SDK and the standard library name them.

mod buffers;
mod guest;
mod maps;
mod metrics;
mod properties;
mod shared;
mod streams;
mod system;
mod wasi;

use wasmtime::{Caller, Engine, Linker};

use crate::{
    host::HostState,
    profile::Support,
    status::{HostResult, Refusal, Status},
};

pub(crate) use guest::Guest;

/// Links every call. What a module imports beyond these, Envoy does not link either.
pub(crate) fn linker(engine: &Engine) -> Linker<HostState> {
    let mut linker = Linker::new(engine);
    let linked = system::link(&mut linker)
        .and_then(|()| buffers::link(&mut linker))
        .and_then(|()| maps::link(&mut linker))
        .and_then(|()| properties::link(&mut linker))
        .and_then(|()| shared::link(&mut linker))
        .and_then(|()| metrics::link(&mut linker))
        .and_then(|()| streams::link(&mut linker))
        .and_then(|()| wasi::link(&mut linker));
    match linked {
        Ok(()) => linker,
        Err(error) => panic!("the host defines an import twice: {error:#}"),
    }
}

/// Turns the outcome of a call into what the guest gets: a status or a trap.
fn answer(result: HostResult) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Refusal::Status(status)) => Ok(status as u32),
        Err(Refusal::Trap(message)) => Err(wasmtime::Error::msg(message)),
    }
}

/// Runs a call of module `env`. While a VM starts, Envoy lets it log and nothing else.
fn call(
    mut caller: Caller<'_, HostState>,
    name: &'static str,
    run: impl FnOnce(&mut Guest<'_, '_>) -> HostResult,
) -> wasmtime::Result<u32> {
    if caller.data().call.starting && name != "proxy_log" {
        let message = format!("{name} called while the VM starts, which Envoy forbids");
        return answer(Err(Refusal::trap(message)));
    }
    answer(run(&mut Guest::new(&mut caller)))
}

/// What the profile says about a group of calls: go on, or answer at once.
///
/// The outer result is the refusal; `Ok(false)` means "answer `Ok` and do nothing".
fn allowed(support: Support, name: &str) -> HostResult<bool> {
    match support {
        Support::Works => Ok(true),
        Support::Ignored => Ok(false),
        Support::Returns(status) => Err(status.into()),
        Support::Traps => Err(Refusal::trap(format!("this host traps on {name} here"))),
    }
}
