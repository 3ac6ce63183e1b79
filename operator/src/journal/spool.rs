//! Events that could not be written when they happened: a kill does not wait for a full disk.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use breakglass_policy::{Name, Timestamp};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use crate::change::event::Event;
use crate::change::ledger::Ledger;
use crate::change::record::ChangeId;
use crate::files;
use crate::journal::{Draft, append, entries};

/// An event that waits for the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spooled {
    /// So that it is written once, however often the file is found.
    id: String,
    at: Timestamp,
    by: Name,
    change: Option<ChangeId>,
    event: Event,
}

// === impl Spooled ===

impl Spooled {
    pub(crate) fn new(
        by: &Name,
        change: Option<&ChangeId>,
        at: Timestamp,
        event: Event,
    ) -> Result<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).context("no random number")?;
        Ok(Self {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            at,
            by: by.clone(),
            change: change.cloned(),
            event,
        })
    }

    /// Puts it beside the journal, or where that cannot be written either, into the temporary folder.
    /// Returns where it is; only what is beside the journal is found again by itself.
    pub(crate) fn save(&self, folder: &Path) -> Result<(PathBuf, bool)> {
        let bytes = serde_json::to_vec(self)?;
        let name = format!("{}.json", self.id);
        let beside = folder.join(FOLDER);
        let saved = fs::create_dir_all(&beside)
            .map_err(anyhow::Error::from)
            .and_then(|()| files::create(&beside.join(&name), &bytes, MODE));
        if saved.is_ok() {
            return Ok((beside.join(name), true));
        }
        let elsewhere = env::temp_dir().join(format!("{ELSEWHERE}{name}"));
        files::create(&elsewhere, &bytes, MODE)?;
        Ok((elsewhere, false))
    }

    /// Reads a file that [`Self::save`] has written.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let bytes = fs::read(file).with_context(|| format!("cannot read {name}"))?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{name} is no event that waits for the journal"))
    }

    /// Whether it may be written late: only what tells of less exposure, or of what was seen. Approvals
    /// and results are given where the rules look at them.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) fn check(&self, known: &Ledger) -> Result<()> {
        if let Some(change) = &self.change {
            known.change(change)?;
        }
        match &self.event {
            Event::Killed { .. }
            | Event::RolledBack { .. }
            | Event::Lapsed { .. }
            | Event::Held { .. }
            | Event::WatchEnded { .. }
            | Event::Signal { .. }
            | Event::Observed(_)
            | Event::Noted { .. } => Ok(()),
            other => bail!(
                "`{}` is not taken in late; expected a kill, a rollback, a lapse, or what was seen",
                other.to_text()
            ),
        }
    }

    /// The line of a timeline about it: when, by whom, what.
    pub(crate) fn tells(&self) -> (Timestamp, &Name, Option<&ChangeId>, &Event) {
        (self.at, &self.by, self.change.as_ref(), &self.event)
    }

    /// Writes it, unless it is there already.
    pub(crate) fn take_in(self, transaction: &Transaction<'_>) -> Result<bool> {
        let new = transaction
            .execute("INSERT OR IGNORE INTO spooled (id) VALUES (?1)", [&self.id])
            .context("cannot write to the journal")?;
        if new == 0 {
            return Ok(false);
        }
        let draft = Draft {
            change: self.change,
            event: self.event,
        };
        append(transaction, &self.by, self.at, draft, true)?;
        Ok(true)
    }
}

/// What waits beside the journal, oldest first, each in its file.
pub(super) fn waiting(folder: &Path) -> Vec<(PathBuf, Spooled)> {
    let Ok(found) = fs::read_dir(folder.join(FOLDER)) else {
        return Vec::new();
    };
    let files = found.filter_map(|entry| Some(entry.ok()?.path()));
    let mut waiting: Vec<(PathBuf, Spooled)> = files
        // Half a file is not taken in, and not removed either.
        .filter_map(|file| Spooled::read(&file).ok().map(|event| (file, event)))
        .collect();
    waiting.sort_by_key(|(_, event)| event.at);
    waiting
}

/// Writes what waits beside the journal, oldest first. Returns the files, to be forgotten when it is
/// certain that they are written.
pub(super) fn take_in(transaction: &Transaction<'_>, folder: &Path) -> Result<Vec<PathBuf>> {
    let waiting = waiting(folder);
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let known = Ledger::of(entries(transaction)?)?;
    let mut done = Vec::new();
    // One of another journal would make this one unreadable: it stays where it is.
    for (file, event) in waiting
        .into_iter()
        .filter(|(_, event)| event.check(&known).is_ok())
    {
        event.take_in(transaction)?;
        done.push(file);
    }
    Ok(done)
}

/// The files of events that wait: beside the journal, and in the temporary folder where they could be
/// put only there.
pub(crate) fn waiting_files(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let files = |folder: &Path| -> Vec<PathBuf> {
        let found = fs::read_dir(folder).into_iter().flatten();
        found.filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let is_ours = |file: &PathBuf| {
        let name = file.file_name().and_then(|name| name.to_str());
        let id = name.and_then(|name| name.strip_prefix(ELSEWHERE)?.strip_suffix(".json"));
        id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let mut elsewhere = files(&env::temp_dir());
    elsewhere.retain(is_ours);
    (files(&folder.join(FOLDER)), elsewhere)
}

/// Removes the files of events that are written.
pub(super) fn forget(files: Vec<PathBuf>) {
    for file in files {
        // One that stays is known by its id the next time.
        let _ = fs::remove_file(file);
    }
}

const FOLDER: &str = "spool";
/// How the names of those in the temporary folder begin.
const ELSEWHERE: &str = "breakglass-";
/// Several people share the folder.
const MODE: u32 = 0o664;
