//! Hot restart: another Envoy takes over the sockets of the one that runs, which drains and ends.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::options::Listening;
use super::{Config, Envoy, Files, Options, POLL, Ports, START_LIMIT, Stack};

/// The Envoy that was there before: it drains, and ends by itself or when dropped.
#[derive(Debug)]
pub struct Parent {
    envoy: Envoy,
}

/// How an Envoy stands to others on this machine.
#[derive(Debug)]
pub(super) enum Role {
    /// Several on one machine must not meet in shared memory.
    Alone,
    /// Another one may take over from it. Envoy chooses a number for the family and writes it down.
    First(Family),
    /// Takes over from the one before.
    Next { family: Family, epoch: u32 },
}

/// The shared memory of the Envoys that follow each other; Envoy itself leaves it behind.
#[derive(Debug, Default)]
pub(super) struct Family {
    base_id: Option<String>,
}

// === impl Stack ===

impl Stack {
    /// Starts another Envoy, on the same policy file, that takes over the listeners' sockets; back
    /// when it serves. The one before accepts nothing more, drains for `--drain-time-s` and ends
    /// after `--parent-shutdown-time-s`: see [`Options::arguments`].
    ///
    /// For a stack with [`Options::hot_restart`], free ports and no listeners of its own. Everything
    /// that is asked of this stack from now on is asked of the new Envoy.
    ///
    /// # Errors
    ///
    /// With the end of the log, if it did not get ready or listens elsewhere.
    pub async fn hot_restart(&mut self) -> Result<Parent> {
        let options = &self.options;
        ensure!(
            options.hot_restart
                && options.ports == Ports::Free
                && options.config == Config::Bootstrap
                && options.listeners.is_empty(),
            "this stack cannot be taken over"
        );
        // A socket is passed on to whoever asks for its address, so the next one has to name it.
        let listening = Listening {
            traffic: self.traffic().port(),
            operator: self.operator().addr().port(),
        };
        options.render_bootstrap(&self.files, &self.agents, listening)?;
        let role = std::mem::replace(&mut self.role, Role::Alone);
        self.role = role.next()?;
        let next = Envoy::start(&self.options, &self.files, &self.role).await?;
        let before = std::mem::replace(&mut self.envoy, next);
        ensure!(
            (before.traffic, before.operator.addr())
                == (self.envoy.traffic, self.envoy.operator.addr()),
            "the new Envoy listens elsewhere: {:?}",
            self.envoy.listeners
        );
        self.ensure_policy().await?;
        Ok(Parent { envoy: before })
    }
}

// === impl Parent ===

impl Parent {
    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        self.envoy.process.exited().is_none()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while self.is_running() {
            if Instant::now() > deadline {
                bail!("the Envoy before has not ended within {START_LIMIT:?}");
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

// === impl Role ===

impl Role {
    pub(super) fn first(options: &Options) -> Self {
        match options.hot_restart {
            true => Self::First(Family::default()),
            false => Self::Alone,
        }
    }

    pub(super) fn arguments(&self, files: &Files) -> Vec<String> {
        match self {
            Self::Alone => vec!["--disable-hot-restart".to_owned()],
            Self::First(_) => vec![
                "--use-dynamic-base-id".to_owned(),
                "--base-id-path".to_owned(),
                files.base_id().display().to_string(),
            ],
            Self::Next { family, epoch } => vec![
                "--base-id".to_owned(),
                family.base_id.clone().unwrap_or_default(),
                "--restart-epoch".to_owned(),
                epoch.to_string(),
            ],
        }
    }

    /// Notes what Envoy wrote down when it started.
    pub(super) fn started(&mut self, files: &Files) -> Result<()> {
        if let Self::First(family) = self {
            let written = std::fs::read_to_string(files.base_id());
            let written = written.context("Envoy wrote no base id")?;
            family.base_id = Some(written.trim().to_owned());
        }
        Ok(())
    }

    fn next(self) -> Result<Self> {
        Ok(match self {
            Self::Alone => bail!("this Envoy cannot be taken over"),
            Self::First(family) => Self::Next { family, epoch: 1 },
            Self::Next { family, epoch } => Self::Next {
                family,
                epoch: epoch + 1,
            },
        })
    }
}

// === impl Family ===

impl Drop for Family {
    fn drop(&mut self) {
        if let Some(base_id) = &self.base_id {
            // Envoy multiplies the number by ten.
            let name = format!("/dev/shm/envoy_shared_memory_{base_id}0");
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}
