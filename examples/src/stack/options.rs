//! What a stack is made of.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::render::{self, Template};
use super::{Agents, Files, filter_module, repository};
use crate::agent::AgentConfig;

/// What to start. [`Options::new`] is what the demo and most tests need.
#[derive(Clone, Debug)]
pub struct Options {
    /// The first policy.
    pub policy: Value,
    /// The old version.
    pub stable: AgentConfig,
    /// The new version.
    pub canary: AgentConfig,
    pub config: Config,
    pub ports: Ports,
    /// Where to put the files; `None`: in a temporary directory that goes with the stack.
    pub dir: Option<PathBuf>,
    /// The filter; `None`: the one that `make wasm` builds.
    pub module: Option<PathBuf>,
    /// Envoy's worker threads.
    pub workers: u32,
    /// More listeners: YAML, an item of the list `listeners` each, indented by nothing. Paths and ports
    /// of the shipped files are replaced in them too.
    pub listeners: Vec<String>,
    /// More arguments for Envoy.
    pub arguments: Vec<String>,
    /// Whether another Envoy may take over: see [`Stack::hot_restart`](super::Stack::hot_restart).
    pub hot_restart: bool,
}

/// Which of the shipped configurations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Config {
    /// `envoy/bootstrap.yaml`, with the policy in a file of its own (ECDS).
    #[default]
    Bootstrap,
    /// `envoy/minimal.yaml`, with the policy in it: nothing can be pushed.
    Minimal,
}

/// Where the listeners are to be, with [`Ports::Free`]; port 0: the system chooses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Listening {
    pub(super) traffic: u16,
    pub(super) operator: u16,
}

/// Which ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Free ones, found out after the start.
    #[default]
    Free,
    /// Those in the shipped configurations: 10000, 10001, 9901, 9041, 9042.
    Default,
}

// === impl Options ===

impl Options {
    /// Two quick and correct agents, the bootstrap with two workers, free ports, a temporary
    /// directory.
    pub fn new(policy: Value) -> Self {
        Self {
            policy,
            stable: AgentConfig::new("prompt-v41"),
            canary: AgentConfig::new("prompt-v42"),
            config: Config::default(),
            ports: Ports::default(),
            dir: None,
            module: None,
            workers: 2,
            listeners: Vec::new(),
            arguments: Vec::new(),
            hot_restart: false,
        }
    }

    /// Writes the configuration files for these agents.
    pub(super) fn render(&self, files: &Files, agents: &Agents) -> Result<()> {
        if self.config == Config::Bootstrap {
            let policy = serde_json::to_string_pretty(&self.policy)?;
            std::fs::write(files.ecds(), self.ecds(&policy)?)?;
        }
        self.render_bootstrap(files, agents, Listening::default())
    }

    /// Writes the file that Envoy starts with.
    pub(super) fn render_bootstrap(
        &self,
        files: &Files,
        agents: &Agents,
        listening: Listening,
    ) -> Result<()> {
        let module = self.module()?;
        let mut config = Template::read(&repository().join(self.config.file()))?;
        for listener in &self.listeners {
            config.listener(listener)?;
        }
        config
            .replace(render::MODULE, &module)?
            .replace(render::ACCESS_LOG, &path(&files.access_log())?)?;
        if self.ports == Ports::Free {
            for (value, port) in [
                (render::TRAFFIC_PORT, listening.traffic),
                (render::OPERATOR_PORT, listening.operator),
                (render::ADMIN_PORT, render::FREE_PORT),
                (render::STABLE_PORT, agents.stable.addr().port()),
                (render::CANARY_PORT, agents.canary.addr().port()),
            ] {
                config.replace(value, &format!("port_value: {port}}}"))?;
            }
        }
        if let Some(name) = self.policy["policy"].as_str() {
            config.replace(
                render::OPERATOR_POLICY,
                &format!(r#""policy": {}}}"#, Value::from(name)),
            )?;
        }
        match self.config {
            Config::Minimal => config.set_policy(&serde_json::to_string_pretty(&self.policy)?)?,
            Config::Bootstrap => config.replace(render::ECDS_FILE, &path(&files.ecds())?)?,
        };
        std::fs::write(files.config(), config.text()).context("cannot write the configuration")
    }

    /// The file that carries a policy, for [`Config::Bootstrap`].
    pub(super) fn ecds(&self, policy: &str) -> Result<String> {
        ensure!(
            self.config == Config::Bootstrap,
            "only the bootstrap has a policy of its own"
        );
        let mut ecds = Template::read(&repository().join(render::ECDS_FILE))?;
        ecds.replace(render::MODULE, &self.module()?)?
            .set_policy(policy)?;
        Ok(ecds.text().to_owned())
    }

    fn module(&self) -> Result<String> {
        let module = match &self.module {
            Some(module) => module.clone(),
            None => filter_module()?,
        };
        path(&module)
    }
}

// === impl Config ===

impl Config {
    /// Its file, from the top of the repository.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Bootstrap => "envoy/bootstrap.yaml",
            Self::Minimal => "envoy/minimal.yaml",
        }
    }
}

/// A path as it can stand in YAML without quotes.
fn path(path: &std::path::Path) -> Result<String> {
    let text = path.to_str().context("a path that is not UTF-8")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    ensure!(
        text.chars().all(plain),
        "a path that YAML would have to quote: {text}"
    );
    Ok(text.to_owned())
}
