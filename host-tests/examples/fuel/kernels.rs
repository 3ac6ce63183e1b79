//! The decision and the judge's look alone, in a small module (`bench/wasm-decision/`): instructions, and
//! nanoseconds of wasmtime's code.

use std::path::PathBuf;
use std::time::Instant;

use breakglass_bench::check::Case;
use serde_json::json;
use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use crate::Outcome;

/// The module at work.
struct Kernels {
    store: Store<()>,
    memory: Memory,
    prepare: TypedFunc<u32, u32>,
    run: TypedFunc<u32, u32>,
    name: TypedFunc<u32, u32>,
    name_length: TypedFunc<u32, u32>,
}

pub(crate) fn cases() -> Outcome<Vec<Case>> {
    let mut kernels = Kernels::new(true)?;
    let mut cases = Vec::new();
    for number in 0.. {
        let name = kernels.name(number)?;
        if name.is_empty() {
            break;
        }
        kernels.prepare(number)?;
        kernels.run(TIMES)?;
        let spent = kernels.run(TIMES)?;
        let counts = "one, the mean of 640 in a module of its own";
        cases.push(Case::new(name, counts, spent / u64::from(TIMES)));
    }
    Ok(cases)
}

/// Prints what each takes in wasmtime, in nanoseconds: the median of [`ROUNDS`] rounds.
pub(crate) fn print_nanoseconds() -> Outcome<()> {
    let mut kernels = Kernels::new(false)?;
    let mut results = Vec::new();
    for number in 0.. {
        let name = kernels.name(number)?;
        if name.is_empty() {
            break;
        }
        kernels.prepare(number)?;
        kernels.run(A_MILLION)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            kernels.run(A_MILLION)?;
            rounds.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(A_MILLION));
        }
        rounds.sort_by(f64::total_cmp);
        results.push(json!({"name": name, "nanoseconds": rounds[ROUNDS / 2], "least": rounds[0]}));
    }
    println!("{}", json!({"engine": "wasmtime", "results": results}));
    Ok(())
}

// === impl Kernels ===

impl Kernels {
    fn new(counting: bool) -> Outcome<Self> {
        let path = module_path();
        let wasm = std::fs::read(&path).map_err(|error| {
            format!(
                "{}: {error}; `make bench-check` builds it, or name it in {MODULE_ENV}",
                path.display()
            )
        })?;
        let mut config = Config::new();
        config.consume_fuel(counting);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, wasm)?;
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        // What it imports is for panics and for the environment, which it never asks for.
        linker.define_unknown_imports_as_traps(&module)?;
        if counting {
            store.set_fuel(u64::MAX)?;
        }
        let instance = linker.instantiate(&mut store, &module)?;
        let export = |instance: &Instance, store: &mut Store<()>, name| {
            instance.get_typed_func::<u32, u32>(store, name)
        };
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut store, "_initialize") {
            initialize.call(&mut store, ())?;
        }
        let memory = instance.get_memory(&mut store, "memory");
        Ok(Self {
            memory: memory.ok_or("the module exports no memory")?,
            prepare: export(&instance, &mut store, "prepare")?,
            run: export(&instance, &mut store, "run")?,
            name: export(&instance, &mut store, "name")?,
            name_length: export(&instance, &mut store, "name_length")?,
            store,
        })
    }

    /// The name of the kernel of this number; empty behind the last one.
    fn name(&mut self, number: u32) -> Outcome<String> {
        let at = self.name.call(&mut self.store, number)? as usize;
        let length = self.name_length.call(&mut self.store, number)? as usize;
        let name = self.memory.data(&self.store).get(at..at + length);
        Ok(String::from_utf8(name.unwrap_or_default().to_vec())?)
    }

    fn prepare(&mut self, number: u32) -> Outcome<()> {
        match self.prepare.call(&mut self.store, number)? {
            0 => Err(format!("the module has no kernel {number}").into()),
            _ => Ok(()),
        }
    }

    /// Runs it so many times; returns the instructions, if they are counted.
    fn run(&mut self, times: u32) -> Outcome<u64> {
        let before = self.store.get_fuel().unwrap_or(0);
        self.run.call(&mut self.store, times)?;
        Ok(before - self.store.get_fuel().unwrap_or(0))
    }
}

fn module_path() -> PathBuf {
    match std::env::var_os(MODULE_ENV) {
        Some(path) => path.into(),
        None => crate::repository().join("target/bench-wasm/decision.wasm"),
    }
}

/// Names another file than the one that `make bench-check` builds.
const MODULE_ENV: &str = "BREAKGLASS_DECISION_WASM";

/// Ten for each request that there is.
const TIMES: u32 = 640;

const A_MILLION: u32 = 1_000_000;

const ROUNDS: usize = 9;
