//! Envoy's process, and what makes sure that it does not outlive this one.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use super::handover::Role;
use super::{Config, Files, Options, envoy_binary, repository};

/// A running Envoy, killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    envoy: Child,
    leash: Child,
}

// === impl Process ===

impl Process {
    pub(super) fn start(
        binary: &Path,
        options: &Options,
        files: &Files,
        role: &Role,
    ) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(files.envoy_log())?;
        let mut envoy = Command::new(binary)
            .arg("-c")
            .arg(files.config())
            .args(["--concurrency", &options.workers.to_string()])
            .arg("--admin-address-path")
            .arg(files.admin_address())
            .args(role.arguments(files))
            // A misspelt field in a pushed file is a refusal, not a warning that nobody reads.
            .arg("--reject-unknown-dynamic-fields")
            // The default is ten seconds: too long to wait for in a test.
            .args(["--file-flush-interval-msec", "100"])
            .args(["--log-level", "info"])
            .args(&options.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Out of reach of the terminal's Ctrl-C: whoever started it decides when it ends.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        match leash(envoy.id()) {
            Ok(leash) => Ok(Self { envoy, leash }),
            Err(error) => {
                let _ = envoy.kill();
                let _ = envoy.wait();
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.envoy.id()
    }

    /// How it ended, if it has.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.envoy.try_wait().ok().flatten()
    }

    /// Ends it and waits for the end.
    pub(super) fn kill(&mut self) {
        // The leash first: it must not kill a process that got the number of a dead Envoy.
        let _ = self.leash.kill();
        let _ = self.leash.wait();
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Has Envoy check one of the shipped configurations, as it is, without running it.
///
/// # Errors
///
/// With what Envoy says, if it refuses.
pub fn validate(config: Config) -> Result<()> {
    let binary = envoy_binary()?;
    let output = Command::new(&binary)
        .args([
            "--mode",
            "validate",
            "--disable-hot-restart",
            "-c",
            config.file(),
        ])
        // The paths in the configurations start there.
        .current_dir(repository())
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} is refused:\n{said}",
        config.file()
    );
    Ok(())
}

/// A shell that waits until this process ends, however it ends, and then kills Envoy. `Drop` is
/// not enough: a release build aborts on a panic, and nothing drops after `kill -9`.
fn leash(envoy: u32) -> Result<Child> {
    Command::new("sh")
        // The read ends when the other end of the pipe is closed: when this process is gone.
        .args(["-c", "read _; kill -9 \"$0\"", &envoy.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot run sh")
}
