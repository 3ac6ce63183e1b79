//! What the engine has in mind: where the proxies' counts stood, and where the judge stands.
//!
//! A file beside the journal, replaced whole at every look. It lets an engine that takes over judge on
//! from where the last one was, and it is what `watch` and `status` show of the engine. Without it
//! nothing is lost but the evidence so far.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass_policy::{Generation, Judge, Name, SignalReport, Tallies, Timestamp, Trial};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::change::record::ChangeId;
use crate::engine::lock;
use crate::files;
use crate::fleet::Delivered;

/// What the engine has in mind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Whose mind it is.
    pub(crate) engine: String,
    pub(crate) rollout: Name,
    /// When it looked last.
    pub(crate) at: Timestamp,
    /// The evidence of one warrant is not that of another.
    began: Option<Timestamp>,
    /// The counts of each proxy when it was asked last.
    pub(crate) last: BTreeMap<String, Last>,
    /// What came since the ramp began, over all proxies and their restarts.
    pub(crate) totals: Tallies,
    /// The same when the step began.
    pub(crate) at_step: Tallies,
    pub(crate) trial: Trial,
    #[serde(default)]
    pub(crate) reports: Vec<SignalReport>,
    pub(crate) lease_until: Option<Timestamp>,
    /// The highest generation of its own orders.
    #[serde(default)]
    pub(crate) generation: Generation,
    pub(crate) watching: Vec<Name>,
    /// What the next step waits for.
    pub(crate) waits_for: Vec<String>,
    #[serde(skip)]
    file: PathBuf,
}

/// The counts of one proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) boot: String,
    pub(crate) tallies: Tallies,
}

// === impl Memory ===

impl Memory {
    /// What an earlier engine of this ramp had in mind, or nothing.
    pub(crate) fn load(
        store: &Path,
        id: &ChangeId,
        engine: &str,
        judge: &Judge,
        change: &Change,
    ) -> Self {
        let began = change.approval.as_ref().map(|approval| approval.asked_at);
        let known = Self::read(store, id).filter(|known| known.began == began);
        let known = known.unwrap_or_else(|| Self {
            engine: String::new(),
            rollout: change.declared.rollout.clone(),
            at: Timestamp::EPOCH,
            began,
            last: BTreeMap::new(),
            totals: Tallies::default(),
            at_step: Tallies::default(),
            trial: Trial::new(judge),
            reports: Vec::new(),
            lease_until: None,
            generation: Generation::default(),
            watching: Vec::new(),
            waits_for: Vec::new(),
            file: PathBuf::new(),
        });
        Self {
            engine: engine.to_owned(),
            file: path(store, id),
            ..known
        }
    }

    /// What the engine of this change had in mind last, whoever it is.
    pub(crate) fn read(store: &Path, id: &ChangeId) -> Option<Self> {
        let bytes = fs::read(path(store, id)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Notes a look.
    pub(crate) fn note(&mut self, at: Timestamp, watching: Vec<Name>) {
        self.at = at;
        self.watching = watching;
        self.reports = self.trial.report();
    }

    /// Notes which generation an order of its own has.
    pub(crate) fn ordered(&mut self, delivered: &Delivered) {
        self.generation = self
            .generation
            .max(delivered.generation.unwrap_or_default());
    }

    /// The canary's answers since the step began.
    pub(crate) fn answers_in_step(&self) -> u64 {
        let (now, then) = (self.totals.canary.answers, self.at_step.canary.answers);
        now.saturating_sub(then)
    }

    /// Keeps it. A full disk is no reason to stop.
    pub(crate) fn save(&self) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            let _ = files::replace(&self.file, &bytes);
        }
    }
}

fn path(store: &Path, id: &ChangeId) -> PathBuf {
    store.join(lock::FOLDER).join(format!("{id}.json"))
}
