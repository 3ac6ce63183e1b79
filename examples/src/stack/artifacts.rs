//! Where the built filter, the Envoy binary and the operator's command are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The top of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The filter that `BREAKGLASS_WASM` names, or else the one that `make wasm` builds.
///
/// # Errors
///
/// If it is not there.
pub fn filter_module() -> Result<PathBuf> {
    let module = match std::env::var_os("BREAKGLASS_WASM").filter(|name| !name.is_empty()) {
        Some(module) => std::path::absolute(module)?,
        None => repository().join(super::render::MODULE),
    };
    ensure!(
        module.is_file(),
        "the filter is not built ({}); run `make wasm` first",
        module.display()
    );
    Ok(module)
}

/// The operator's command that `BREAKGLASS_BIN` names, or else the one that was built beside this program.
///
/// # Errors
///
/// If it is not there.
pub fn operator_command() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("BREAKGLASS_BIN").filter(|name| !name.is_empty()) {
        let binary = std::path::absolute(binary)?;
        ensure!(
            binary.is_file(),
            "BREAKGLASS_BIN={} is not a file",
            binary.display()
        );
        return Ok(binary);
    }
    // Tests lie one folder deeper than programs.
    let own = std::env::current_exe()?;
    let mut built = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("breakglass"));
    built.find(|binary| binary.is_file()).with_context(|| {
        "the operator's command is not built; run `cargo build -p breakglass-operator` first, or set BREAKGLASS_BIN"
    })
}

/// The Envoy that `ENVOY_BIN` names, or else the pinned one that `envoy/install.sh` installs.
///
/// # Errors
///
/// If there is none.
pub fn envoy_binary() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("ENVOY_BIN").filter(|name| !name.is_empty()) {
        let binary = PathBuf::from(binary);
        ensure!(
            binary.is_file(),
            "ENVOY_BIN={} is not a file",
            binary.display()
        );
        return Ok(binary);
    }
    let binary = repository().join(PINNED);
    binary.is_file().then_some(binary).with_context(
        || "there is no Envoy yet; run `make tools` to install the pinned one, or set ENVOY_BIN",
    )
}

/// Where `envoy/install.sh` puts the version that the tests are written against.
const PINNED: &str = ".tools/envoy-1.40.0/envoy/_bin/envoy";
