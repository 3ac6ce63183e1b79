//! A real Envoy with the configuration in `envoy/`, two agents behind it and the operator's end.
//!
//! ```no_run
//! # async fn example(policy: serde_json::Value) -> anyhow::Result<()> {
//! use breakglass_examples::stack::{Options, Pushed, Stack};
//!
//! let stack = Stack::start(Options::new(policy.clone())).await?;
//! let pushed = stack.push_policy(&policy).await?;
//! assert!(matches!(pushed, Pushed::Accepted { .. }));
//! let state = stack.operator().state().await?;
//! stack.stop();
//! # Ok(()) }
//! ```

mod admin;
mod artifacts;
mod handover;
mod operator;
mod options;
mod process;
mod push;
mod render;
mod stats;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::agent::Agent;

pub use admin::{Admin, Discovery};
pub use artifacts::{envoy_binary, filter_module, operator_command, repository};
pub use handover::Parent;
pub use operator::{InFlight, Kill, Operator};
pub use options::{Config, Options, Ports};
pub use push::Pushed;
pub use render::Template;
pub use stats::{Sample, Stats};

pub use process::validate;

use handover::Role;
use process::Process;

/// A running Envoy with its agents. Dropped, it is gone: process, agents, files.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    files: Files,
    agents: Agents,
    envoy: Envoy,
    role: Role,
}

/// The agents behind Envoy.
#[derive(Debug)]
pub struct Agents {
    /// The old version, cluster `agent-v41`.
    pub stable: Agent,
    /// The new version, cluster `agent-v42`.
    pub canary: Agent,
}

/// The files of one stack, all in one directory.
#[derive(Debug)]
struct Files {
    dir: PathBuf,
    /// Removes the directory when dropped, if it is a temporary one.
    _temporary: Option<TempDir>,
}

/// One run of Envoy: gone after a restart.
#[derive(Debug)]
struct Envoy {
    process: Process,
    admin: Admin,
    operator: Operator,
    traffic: SocketAddr,
    listeners: Vec<(String, SocketAddr)>,
}

// === impl Stack ===

impl Stack {
    /// Starts the agents and Envoy, and waits until Envoy is ready and runs the policy.
    ///
    /// # Errors
    ///
    /// With the end of Envoy's log if it did not get ready, and with the filter's words if it
    /// refused the policy. (Envoy starts with a refused policy when the policy is in a file of its
    /// own, and then runs the `default_config` of the bootstrap.)
    pub async fn start(options: Options) -> Result<Self> {
        let files = Files::new(options.dir.as_deref())?;
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let [stable, canary] = match options.ports {
            Ports::Free => [0, 0],
            Ports::Default => render::AGENT_PORTS,
        };
        let agents = Agents {
            stable: Agent::start(options.stable.clone(), loopback(stable)).await?,
            canary: Agent::start(options.canary.clone(), loopback(canary)).await?,
        };
        options.render(&files, &agents)?;
        let mut role = Role::first(&options);
        let envoy = Envoy::start(&options, &files, &role).await?;
        role.started(&files)?;
        let stack = Self {
            options,
            files,
            agents,
            envoy,
            role,
        };
        stack.ensure_policy().await?;
        Ok(stack)
    }

    /// Kills Envoy and starts it again on the same files: the last policy that was pushed, no
    /// shared state. With free ports, it has new ones.
    pub async fn restart(&mut self) -> Result<()> {
        self.envoy.process.kill();
        self.role = Role::first(&self.options);
        self.envoy = Envoy::start(&self.options, &self.files, &self.role).await?;
        self.role.started(&self.files)?;
        self.ensure_policy().await
    }

    /// Ends everything. The same as dropping it, but says so.
    pub fn stop(self) {}

    /// Where the users' traffic goes.
    pub fn traffic(&self) -> SocketAddr {
        self.envoy.traffic
    }

    /// Where a listener of this name listens, for those that were added.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        let found = self
            .envoy
            .listeners
            .iter()
            .find(|(listener, _)| listener == name);
        found.map(|&(_, addr)| addr)
    }

    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    pub fn operator(&self) -> &Operator {
        &self.envoy.operator
    }

    pub fn admin(&self) -> &Admin {
        &self.envoy.admin
    }

    /// Envoy's process id.
    pub fn pid(&self) -> u32 {
        self.envoy.process.pid()
    }

    /// Whether Envoy still runs.
    pub fn is_running(&mut self) -> bool {
        self.envoy.process.exited().is_none()
    }

    /// The directory with the rendered configuration, `envoy.log` and `access.log`.
    pub fn dir(&self) -> &Path {
        &self.files.dir
    }

    /// Envoy's log so far, the filter's lines included.
    pub fn log(&self) -> String {
        self.files.log()
    }

    /// The access log so far. Envoy writes it with a delay of up to 100 ms.
    pub fn access_log(&self) -> String {
        std::fs::read_to_string(self.files.access_log()).unwrap_or_default()
    }
}

// === impl Envoy ===

impl Envoy {
    async fn start(options: &Options, files: &Files, role: &Role) -> Result<Self> {
        // A file of an earlier run would name a port of an earlier run.
        let _ = std::fs::remove_file(files.admin_address());
        let mut process = Process::start(&envoy_binary()?, options, files, role)?;
        let started = Self::connect(&mut process, files).await;
        let (admin, listeners) = started.with_context(|| {
            format!(
                "Envoy did not start; the end of its log:\n{}",
                files.log_tail(LOG_TAIL)
            )
        })?;
        let find = |name: &str| {
            let found = listeners.iter().find(|(listener, _)| listener == name);
            found
                .map(|&(_, addr)| addr)
                .with_context(|| format!("Envoy has no listener {name}"))
        };
        let (traffic, operator) = (find("traffic")?, Operator::new(find("operator")?));
        Ok(Self {
            process,
            admin,
            operator,
            traffic,
            listeners,
        })
    }

    async fn connect(
        process: &mut Process,
        files: &Files,
    ) -> Result<(Admin, Vec<(String, SocketAddr)>)> {
        let deadline = Instant::now() + START_LIMIT;
        let mut admin = None;
        loop {
            if let Some(status) = process.exited() {
                bail!("it ended: {status}");
            }
            // Envoy writes the file when its admin endpoint listens; it may be half there.
            if admin.is_none() {
                let written = std::fs::read_to_string(files.admin_address()).unwrap_or_default();
                admin = written.trim().parse().ok().map(Admin::new);
            }
            if let Some(admin) = &admin
                && admin.is_ready().await
            {
                let listeners = admin.listeners().await?;
                return Ok((admin.clone(), listeners));
            }
            if Instant::now() > deadline {
                bail!("not ready within {START_LIMIT:?}");
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

// === impl Files ===

impl Files {
    fn new(dir: Option<&Path>) -> Result<Self> {
        let (dir, temporary) = match dir {
            Some(dir) => (std::path::absolute(dir)?, None),
            None => {
                let temporary = tempfile::Builder::new().prefix("breakglass-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        std::fs::create_dir_all(dir.join("ecds"))
            .with_context(|| format!("cannot create {}", dir.display()))?;
        // What an earlier run left in a directory that is kept.
        for stale in ["envoy.log", "access.log"] {
            let _ = std::fs::remove_file(dir.join(stale));
        }
        Ok(Self {
            dir,
            _temporary: temporary,
        })
    }

    fn config(&self) -> PathBuf {
        self.dir.join("envoy.yaml")
    }

    fn ecds(&self) -> PathBuf {
        self.dir.join("ecds").join("breakglass.yaml")
    }

    fn envoy_log(&self) -> PathBuf {
        self.dir.join("envoy.log")
    }

    fn access_log(&self) -> PathBuf {
        self.dir.join("access.log")
    }

    fn admin_address(&self) -> PathBuf {
        self.dir.join("admin-address")
    }

    fn base_id(&self) -> PathBuf {
        self.dir.join("base-id")
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.envoy_log()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log_tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// Envoy is up in a fifth of a second; a loaded machine that compiles the filter may need more.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks at something that Envoy does not announce.
const POLL: Duration = Duration::from_millis(5);

/// Lines of the log that an error shows.
const LOG_TAIL: usize = 25;
