//! Who watches: each watcher writes a heartbeat into a file of their own, and the engine sees it change.
//!
//! Not in the journal, which would fill with them; and by change, not by time, so that the clocks of
//! two machines need not agree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use breakglass_policy::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::record::ChangeId;
use crate::{clock, files};

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Beat {
    at: Timestamp,
    count: u64,
}

/// Writes one person's heartbeat.
#[derive(Debug)]
pub(crate) struct Heart {
    file: PathBuf,
    count: u64,
}

/// Sees everybody's.
#[derive(Debug)]
pub(crate) struct Presence {
    folder: PathBuf,
    seen: BTreeMap<Name, (Beat, Option<Instant>)>,
}

// === impl Heart ===

impl Heart {
    pub(crate) fn of(store: &Path, change: &ChangeId, person: &Name) -> Result<Self> {
        let folder = folder(store, change);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self {
            file: folder.join(format!("{person}.json")),
            count: u64::from(getrandom::u32().context("no random number")?),
        })
    }

    /// Gives a sign of life.
    pub(crate) fn beat(&mut self) -> Result<()> {
        self.count = self.count.wrapping_add(1);
        let beat = Beat {
            at: clock::now(),
            count: self.count,
        };
        files::replace(&self.file, &serde_json::to_vec(&beat)?)
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        // One that stays is not seen to change.
        let _ = fs::remove_file(&self.file);
    }
}

// === impl Presence ===

impl Presence {
    pub(crate) fn of(store: &Path, change: &ChangeId) -> Self {
        Self {
            folder: folder(store, change),
            seen: BTreeMap::new(),
        }
    }

    /// Looks whose heart has beaten.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        for (who, beat) in self.beats() {
            match self.seen.get_mut(&who) {
                // The first may be years old; the next one tells.
                None => drop(self.seen.insert(who, (beat, None))),
                Some((known, _)) if *known == beat => {}
                Some(known) => *known = (beat, Some(now)),
            }
        }
    }

    /// Who was seen to be alive within this time.
    pub(crate) fn fresh(&self, within: Duration) -> Vec<Name> {
        let seen = self.seen.iter();
        let fresh = seen.filter(|(_, (_, at))| at.is_some_and(|at| at.elapsed() <= within));
        fresh.map(|(who, _)| who.clone()).collect()
    }

    /// Whose heart was seen to beat, and how long ago.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (&Name, Duration)> {
        let seen = self.seen.iter();
        seen.filter_map(|(who, (_, at))| Some((who, at.as_ref()?.elapsed())))
    }

    /// Who says to have been alive within this time, by the clock: for a look at one moment.
    pub(crate) fn recent(store: &Path, change: &ChangeId, within: Duration) -> Vec<Name> {
        let now = clock::now();
        let beats = Self::of(store, change).beats().into_iter();
        let recent = beats.filter(|(_, beat)| now.since(beat.at) <= within);
        recent.map(|(who, _)| who).collect()
    }

    fn beats(&self) -> Vec<(Name, Beat)> {
        let Ok(found) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let beats = found.filter_map(|entry| {
            let path = entry.ok()?.path();
            let who = Name::new(path.file_stem()?.to_str()?)?;
            let beat = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((who, beat))
        });
        beats.collect()
    }
}

fn folder(store: &Path, change: &ChangeId) -> PathBuf {
    store.join("watch").join(change.as_str())
}
