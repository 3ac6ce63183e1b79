//! A real Envoy from a configuration in JSON, on a core of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use breakglass_examples::stack::{Admin, envoy_binary};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cpu;

/// A running Envoy. Dropped, it is gone with its files; it does not outlive this program either.
#[derive(Debug)]
pub(crate) struct Envoy {
    process: Process,
    admin: Admin,
    listeners: Vec<(String, SocketAddr)>,
    dir: TempDir,
}

/// How to run it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    /// The core that it has to stay on; `None`: any.
    pub(crate) core: Option<usize>,
    /// Worker threads.
    pub(crate) workers: u32,
}

/// A process and the leash that ends it when this program ends, however it ends.
#[derive(Debug)]
struct Process {
    envoy: Child,
    leash: Child,
}

// === impl Placement ===

impl Placement {
    /// The Envoy that is measured.
    pub(crate) const MEASURED: Self = Self {
        core: Some(cpu::ENVOY),
        workers: 1,
    };
    /// One that only answers.
    pub(crate) const UPSTREAM: Self = Self {
        core: Some(cpu::OTHERS),
        workers: 1,
    };
}

// === impl Envoy ===

impl Envoy {
    /// Starts Envoy with `static_resources` like these and waits until it listens. Give listeners
    /// port 0 and ask [`Envoy::listener`] where they are.
    ///
    /// # Errors
    ///
    /// With the end of Envoy's log, if it does not get ready.
    pub(crate) async fn start(resources: Value, placement: Placement) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("breakglass-rig-")
            .tempdir()?;
        let config = json!({
            "static_resources": resources,
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        });
        std::fs::write(dir.path().join(CONFIG), config.to_string())?;
        let start = || Process::start(dir.path(), placement.workers);
        let mut process = match placement.core {
            Some(core) => cpu::on_core(core, start)?,
            None => start()?,
        };
        let connected = connect(&mut process, dir.path()).await;
        let (admin, listeners) = connected.with_context(|| {
            let log = std::fs::read_to_string(dir.path().join(LOG)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LOG_TAIL)..];
            format!(
                "Envoy did not start; the end of its log:\n{}",
                tail.join("\n")
            )
        })?;
        Ok(Self {
            process,
            admin,
            listeners,
            dir,
        })
    }

    /// Where the listener of this name listens.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(crate) fn listener(&self, name: &str) -> Result<SocketAddr> {
        let found = self.listeners.iter().find(|(listener, _)| listener == name);
        let found = found.with_context(|| format!("Envoy has no listener {name}"))?;
        Ok(found.1)
    }

    pub(crate) fn admin(&self) -> &Admin {
        &self.admin
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.envoy.id()
    }

    /// User and system time so far.
    pub(crate) fn spent(&self) -> Result<Duration> {
        cpu::spent(self.pid())
    }

    /// Envoy's log so far: warnings and errors.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join(LOG)).unwrap_or_default()
    }
}

async fn connect(process: &mut Process, dir: &Path) -> Result<(Admin, Vec<(String, SocketAddr)>)> {
    let deadline = Instant::now() + START_LIMIT;
    let mut admin = None;
    loop {
        if let Some(status) = process.envoy.try_wait()? {
            bail!("it ended: {status}");
        }
        // Envoy writes the file when its admin endpoint listens; it may be half there.
        if admin.is_none() {
            let written = std::fs::read_to_string(dir.join(ADMIN_ADDRESS)).unwrap_or_default();
            admin = written.trim().parse().ok().map(Admin::new);
        }
        if let Some(admin) = &admin
            && admin.is_ready().await
        {
            return Ok((admin.clone(), admin.listeners().await?));
        }
        if Instant::now() > deadline {
            bail!("not ready within {START_LIMIT:?}");
        }
        tokio::time::sleep(POLL).await;
    }
}

// === impl Process ===

impl Process {
    fn start(dir: &Path, workers: u32) -> Result<Self> {
        let binary: PathBuf = envoy_binary()?;
        let log = File::create(dir.join(LOG))?;
        let mut envoy = Command::new(&binary)
            .arg("-c")
            .arg(dir.join(CONFIG))
            .args(["--concurrency", &workers.to_string()])
            .arg("--admin-address-path")
            .arg(dir.join(ADMIN_ADDRESS))
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Out of reach of the terminal's Ctrl-C: this program decides when it ends.
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
}

impl Drop for Process {
    fn drop(&mut self) {
        // The leash first: it must not kill a process that got the number of a dead Envoy.
        for child in [&mut self.leash, &mut self.envoy] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A shell that waits until this process ends, however it ends, and then kills Envoy: nothing drops
/// after a panic that aborts or `kill -9`.
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

const CONFIG: &str = "envoy.json";
const LOG: &str = "envoy.log";
const ADMIN_ADDRESS: &str = "admin-address";

/// Envoy is up in a second; a loaded machine that compiles several filters may need more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at something that Envoy does not announce.
const POLL: Duration = Duration::from_millis(5);

/// Lines of the log that an error shows.
const LOG_TAIL: usize = 25;
