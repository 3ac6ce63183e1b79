//! Modules: read once, compiled once, instantiated often.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use wasmtime::InstancePre;

use crate::{engine, error::Error, host::HostState, profile::Profile};

/// A WebAssembly module. Cheap to clone; compiled code is kept for the life of the process.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    digest: u64,
    wasm: Vec<u8>,
    plain: Code,
    fuelled: Code,
}

/// The code of a module for one engine.
#[derive(Default)]
struct Code {
    compiled: OnceLock<Result<wasmtime::Module, Error>>,
    linked: OnceLock<Result<InstancePre<HostState>, Error>>,
}

/// Names the file to test instead of the one that `make wasm` builds.
pub const MODULE_ENV: &str = "BREAKGLASS_WASM";

/// Where `make wasm` puts the filter, seen from the workspace root.
const MODULE_PATH: &str = "target/wasm32-wasip1/release/breakglass.wasm";

/// The built filter: `BREAKGLASS_WASM` if set, else what `make wasm` built.
///
/// # Panics
/// If there is no such file, with the advice to build it. Use [`try_module`] to go on without it.
#[track_caller]
pub fn module() -> Module {
    match try_module() {
        Ok(module) => module,
        Err(error) => panic!("{error}"),
    }
}

/// As [`module`], but the missing file is an error.
///
/// # Errors
/// [`Error::Module`] when the file cannot be read or is not a module.
pub fn try_module() -> Result<Module, Error> {
    static MODULE: OnceLock<Result<Module, Error>> = OnceLock::new();
    MODULE
        .get_or_init(|| Module::from_file(module_path()))
        .clone()
}

fn module_path() -> PathBuf {
    match std::env::var_os(MODULE_ENV) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(MODULE_PATH),
    }
}

// === impl Module ===

impl Module {
    /// Reads a `.wasm` or `.wat` file.
    ///
    /// # Errors
    /// [`Error::Module`] when the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| {
            let path = path.display();
            Error::Module(format!(
                "cannot read {path}: {error}; run `make wasm`, or set {MODULE_ENV} to a built module"
            ))
        })?;
        Ok(Self::from_bytes(path.display().to_string(), bytes))
    }

    /// A module from the text or binary format. The name is for messages; bytes that do not parse are an
    /// error when the module is first used.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        let digest = digest(&bytes);
        Self {
            inner: cached(name, digest, bytes),
        }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> usize {
        self.inner.wasm.len()
    }

    /// What it imports, as `module.name`, in order and once each.
    ///
    /// # Errors
    /// [`Error::Module`] when the binary is malformed.
    pub fn imports(&self) -> Result<Vec<String>, Error> {
        let mut imports: Vec<_> = self
            .compiled(false)?
            .imports()
            .map(|import| format!("{}.{}", import.module(), import.name()))
            .collect();
        imports.sort();
        imports.dedup();
        Ok(imports)
    }

    /// The names of what it exports.
    ///
    /// # Errors
    /// [`Error::Module`] when the binary is malformed.
    pub fn exports(&self) -> Result<Vec<String>, Error> {
        let exports = self.compiled(false)?.exports();
        Ok(exports.map(|export| export.name().to_owned()).collect())
    }

    /// The imports that a host of this profile does not link. A filter for that host has none.
    ///
    /// # Errors
    /// [`Error::Module`] when the binary is malformed.
    pub fn imports_unknown_to(&self, profile: &Profile) -> Result<Vec<String>, Error> {
        let mut imports = self.imports()?;
        imports.retain(|import| !profile.imports.contains(&import.as_str()));
        Ok(imports)
    }

    pub(crate) fn digest(&self) -> u64 {
        self.inner.digest
    }

    pub(crate) fn linked(&self, fuelled: bool) -> Result<&InstancePre<HostState>, Error> {
        let linked = self.code(fuelled).linked.get_or_init(|| {
            engine::link(self.compiled(fuelled)?, fuelled).map_err(|error| self.error(&error))
        });
        linked.as_ref().map_err(Clone::clone)
    }

    fn compiled(&self, fuelled: bool) -> Result<&wasmtime::Module, Error> {
        let compiled = self.code(fuelled).compiled.get_or_init(|| {
            engine::compile(&self.inner.wasm, fuelled).map_err(|error| self.error(&error))
        });
        compiled.as_ref().map_err(Clone::clone)
    }

    fn code(&self, fuelled: bool) -> &Code {
        match fuelled {
            false => &self.inner.plain,
            true => &self.inner.fuelled,
        }
    }

    fn error(&self, error: &wasmtime::Error) -> Error {
        Error::Module(format!("{}: {error:#}", self.inner.name))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("name", &self.inner.name)
            .field("size", &self.inner.wasm.len())
            .finish_non_exhaustive()
    }
}

/// One compiled module per content: tests of one binary share it across threads.
fn cached(name: String, digest: u64, wasm: Vec<u8>) -> Arc<Inner> {
    static CACHE: OnceLock<Mutex<HashMap<u64, Arc<Inner>>>> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    let inner = cache.entry(digest).or_insert_with(|| {
        Arc::new(Inner {
            name,
            digest,
            wasm,
            plain: Code::default(),
            fuelled: Code::default(),
        })
    });
    Arc::clone(inner)
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
