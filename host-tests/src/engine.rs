//! The two engines: one that runs fast, one that counts instructions.

use std::{sync::OnceLock, thread, time::Duration};

use wasmtime::{Config, Engine, InstancePre, Linker, Module};

use crate::{abi, host::HostState};

/// How often the watchdog looks at running guests.
const WATCHDOG_PERIOD: Duration = Duration::from_secs(1);

/// Looks after which a guest call is taken for an endless loop and trapped. Envoy has no such limit; a test
/// that hangs helps nobody. Far above any honest call, so that a slow machine does not fail a test.
pub(crate) const WATCHDOG_LOOKS: u64 = 30;

pub(crate) fn compile(wasm: &[u8], fuelled: bool) -> wasmtime::Result<Module> {
    Module::new(engine(fuelled), wasm)
}

pub(crate) fn link(module: &Module, fuelled: bool) -> wasmtime::Result<InstancePre<HostState>> {
    linker(fuelled).instantiate_pre(module)
}

pub(crate) fn engine(fuelled: bool) -> &'static Engine {
    static PLAIN: OnceLock<Engine> = OnceLock::new();
    static FUELLED: OnceLock<Engine> = OnceLock::new();
    match fuelled {
        false => PLAIN.get_or_init(|| new_engine(false)),
        true => FUELLED.get_or_init(|| new_engine(true)),
    }
}

fn linker(fuelled: bool) -> &'static Linker<HostState> {
    static PLAIN: OnceLock<Linker<HostState>> = OnceLock::new();
    static FUELLED: OnceLock<Linker<HostState>> = OnceLock::new();
    let slot = match fuelled {
        false => &PLAIN,
        true => &FUELLED,
    };
    slot.get_or_init(|| abi::linker(engine(fuelled)))
}

fn new_engine(fuelled: bool) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuelled).epoch_interruption(true);
    let engine = Engine::new(&config)
        .unwrap_or_else(|error| panic!("this machine has no WebAssembly engine: {error:#}"));
    let watched = engine.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(WATCHDOG_PERIOD);
            watched.increment_epoch();
        }
    });
    engine
}
