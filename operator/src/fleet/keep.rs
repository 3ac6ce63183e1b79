//! The files that proxies start from: what is in force is written there too.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, bail};
use breakglass_policy::{Control, Generation, Name};
use serde::{Deserialize, Serialize};

use crate::durable::{Durable, Written};
use crate::fleet::terms::Terms;
use crate::outcome::Tally;

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileOutcome {
    pub(crate) file: String,
    #[serde(flatten)]
    pub(crate) kept: Kept,
}

/// Whether a file holds what was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kept", rename_all = "snake_case")]
pub(crate) enum Kept {
    /// It does, with this generation.
    Holds { generation: Generation },
    /// It has a higher generation than the proxies, and was left alone.
    Ahead { generation: Generation },
    /// Nothing was written, since no proxy has told the control that it has carried out.
    Skipped,
    /// It should have been written, but was not.
    Failed { why: String },
}

/// A file, and the kill that is on its way into it.
pub(super) struct Keeper<'scope, 'env> {
    file: &'env Path,
    killer: Option<ScopedJoinHandle<'scope, Result<Written>>>,
}

/// What the files say before an order changes them: the policy's name, the rollout's generation.
pub(super) fn said(files: &[PathBuf], rollout: &Name) -> Vec<(Name, Generation)> {
    let said = files.iter().filter_map(|file| {
        let durable = Durable::read(file, rollout).ok()?;
        Some((durable.policy().clone(), durable.control().generation))
    });
    said.collect()
}

// === impl Keeper ===

impl<'scope, 'env> Keeper<'scope, 'env> {
    /// Begins with a file. A kill is written at once: a proxy that restarts now must find it, whatever
    /// the others say.
    pub(super) fn begin(
        file: &'env Path,
        terms: &'env Terms,
        scope: &'scope thread::Scope<'scope, 'env>,
    ) -> Self {
        let kill = move || Durable::kill(file, terms.order(), terms.generation());
        let killer = terms.kills().then(|| scope.spawn(kill));
        Self { file, killer }
    }

    /// Has the file hold what is in force where the order was carried out.
    pub(super) fn finish(self, rollout: &Name, control: Option<&Control>) -> FileOutcome {
        let killed = self.killer.map(|killer| {
            let done = killer.join();
            done.unwrap_or_else(|_| bail!("the writer of the file has failed"))
        });
        FileOutcome {
            file: self.file.display().to_string(),
            kept: keep(self.file, rollout, control, killed),
        }
    }
}

/// `killed` is what became of the kill that was written before any proxy had answered.
fn keep(
    file: &Path,
    rollout: &Name,
    control: Option<&Control>,
    killed: Option<Result<Written>>,
) -> Kept {
    let written = match (control, killed) {
        (None, None) => return Kept::Skipped,
        (None, Some(killed)) => killed,
        // Read again: it may have been written meanwhile, by us to begin with.
        (Some(control), killed) => {
            let held = Durable::hold(file, rollout, control);
            match (held, killed) {
                // It has the kill, with a generation of its own.
                (Ok(Written::Newer(generation)), Some(Ok(_))) => Ok(Written::Holds(generation)),
                (held, _) => held,
            }
        }
    };
    match written {
        Ok(Written::Holds(generation)) => Kept::Holds { generation },
        Ok(Written::Newer(generation)) => Kept::Ahead { generation },
        Err(error) => Kept::Failed {
            why: format!("{error:#}"),
        },
    }
}

// === impl FileOutcome ===

impl FileOutcome {
    pub(crate) fn holds(&self) -> bool {
        matches!(self.kept, Kept::Holds { .. })
    }

    /// Counts it. Nobody holds it against a file that it had nothing to hold.
    pub(super) fn count(&self, tally: &mut Tally) {
        match &self.kept {
            Kept::Holds { .. } => tally.done += 1,
            Kept::Ahead { .. } => tally.refused += 1,
            Kept::Failed { .. } => tally.failed += 1,
            Kept::Skipped => {}
        }
    }

    /// What a line says about it, after its name.
    pub(crate) fn to_text(&self) -> String {
        format!("durable      {}", self.kept)
    }
}

// === impl Kept ===

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { generation } => write!(f, "holds generation {generation}"),
            Self::Ahead { generation } => write!(
                f,
                "left alone: it has generation {generation}, which is higher than what the proxies have; push it, or order a higher one"
            ),
            Self::Skipped => {
                f.write_str("not written: no proxy has told the control that it has carried out")
            }
            Self::Failed { why } => write!(f, "FAILED: {why}"),
        }
    }
}
