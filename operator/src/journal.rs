//! The journal: every event of every change, in order, each chained to the one before by its hash.
//!
//! It is a SQLite file that several people may write. An entry is one line of JSON, and its hash is the SHA-256
//! of that line's bytes; the next line names it as `prev`. So an export can be checked with nothing
//! but `sha256sum`. What is known of a change is always read from its events, never kept beside them.

pub(crate) mod chain;
pub(crate) mod spool;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Name, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use crate::change::event::{Entry, Event};
use crate::change::ledger::Ledger;
use crate::change::record::ChangeId;
use crate::change::rules::Refusal;
use crate::clock;
use crate::journal::chain::{Broken, Head};
pub(crate) use crate::journal::spool::Spooled;

/// The journal of a project.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    database: Connection,
}

/// An event that shall be written.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) change: Option<ChangeId>,
    pub(crate) event: Event,
}

/// An entry as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) entry: Entry,
    /// Its line, whose bytes the hash is of.
    pub(crate) line: String,
}

// === impl Journal ===

impl Journal {
    /// Opens the journal in this folder; makes it where there is none.
    ///
    /// # Errors
    /// What stands in the way. A journal of a newer tool is left alone.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Self::open_within(folder, PATIENCE)
    }

    /// The same, where nobody has time to wait for others who write.
    pub(crate) fn open_within(folder: &Path, patience: Duration) -> Result<Self> {
        let name = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {name}"))?;
        let file = folder.join(FILE);
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let database = Connection::open_with_flags(&file, flags)?;
            database.busy_timeout(patience)?;
            // A rollback journal works on a shared disk, where a write-ahead log does not; and what
            // was said to be written outlives a power cut.
            database.pragma_update(None, "journal_mode", "DELETE")?;
            database.pragma_update(None, "synchronous", "FULL")?;
            Ok(database)
        };
        let database = open().with_context(|| format!("cannot open the journal in {name}"))?;
        let mut journal = Self {
            folder: folder.to_owned(),
            database,
        };
        journal
            .prepare()
            .with_context(|| format!("cannot use the journal in {name}"))?;
        Ok(journal)
    }

    /// What is known of everything.
    pub(crate) fn ledger(&self) -> Result<Ledger> {
        Ledger::of(self.entries()?)
    }

    /// Every entry, oldest first.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>> {
        entries(&self.database)
    }

    /// The lines with their hashes as they are stored.
    pub(crate) fn lines(&self) -> Result<Vec<(String, String)>> {
        lines(&self.database)
    }

    /// Whether every entry is what it was when it was written. Returns the last one's hash.
    pub(crate) fn verify(&self) -> Result<std::result::Result<Head, Broken>> {
        let lines = self.lines()?;
        Ok(chain::verify(
            lines
                .iter()
                .map(|(line, hash)| (line.as_str(), Some(hash.as_str()))),
        ))
    }

    /// Writes what `decide` makes of all that is known, with nobody else writing in between. What a
    /// rule refuses is written down as a refusal, and is the error.
    pub(crate) fn write(
        &mut self,
        by: &Name,
        decide: impl FnOnce(&Ledger, Timestamp) -> Result<Vec<Draft>>,
    ) -> Result<Vec<Written>> {
        let transaction = begin(&mut self.database)?;
        let spooled = spool::take_in(&transaction, &self.folder)?;
        let known = Ledger::of(entries(&transaction)?)?;
        let now = clock::now();
        let (drafts, refused) = match decide(&known, now) {
            Ok(drafts) => (drafts, None),
            Err(error) => match error.downcast::<Refusal>() {
                Ok(refusal) => (refusal.drafts(), Some(refusal)),
                Err(error) => return Err(error),
            },
        };
        let mut written = Vec::new();
        for draft in drafts {
            written.push(append(&transaction, by, now, draft, false)?);
        }
        transaction.commit().context(UNWRITTEN)?;
        spool::forget(spooled);
        match refused {
            Some(refusal) => Err(refusal.into()),
            None => Ok(written),
        }
    }

    /// Writes one event of a change, whatever else is known.
    pub(crate) fn append(&mut self, by: &Name, change: &ChangeId, event: Event) -> Result<Written> {
        let draft = Draft::of(change, event);
        let written = self.write(by, |_, _| Ok(vec![draft]))?;
        written
            .into_iter()
            .next_back()
            .context("nothing was written")
    }

    /// Writes an event that waited elsewhere, unless it is there already.
    ///
    /// # Errors
    /// What cannot wait for a journal, or belongs to a change of another one.
    pub(crate) fn take_in(&mut self, event: Spooled) -> Result<bool> {
        let transaction = begin(&mut self.database)?;
        let known = Ledger::of(entries(&transaction)?)?;
        event.check(&known)?;
        let new = event.take_in(&transaction)?;
        transaction.commit().context(UNWRITTEN)?;
        Ok(new)
    }

    /// How many events wait beside it.
    pub(crate) fn waiting(&self) -> usize {
        spool::waiting(&self.folder).len()
    }

    fn prepare(&mut self) -> Result<()> {
        let version = version(&self.database)?;
        if version == SCHEMA_VERSION {
            return Ok(());
        }
        if version > SCHEMA_VERSION {
            bail!(
                "it has format {version}, this tool knows {SCHEMA_VERSION}; expected a newer `breakglass`"
            );
        }
        let transaction = begin(&mut self.database)?;
        // Somebody else may have been faster.
        if self::version(&transaction)? == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        }
        transaction.commit().context(UNWRITTEN)
    }
}

fn version(database: &Connection) -> Result<i64> {
    Ok(database.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn begin(database: &mut Connection) -> Result<Transaction<'_>> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate);
    transaction.context(UNWRITTEN)
}

fn lines(database: &Connection) -> Result<Vec<(String, String)>> {
    let read = || -> rusqlite::Result<_> {
        let mut statement = database.prepare("SELECT line, hash FROM events ORDER BY seq")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    read().context("cannot read the journal")
}

fn entries(database: &Connection) -> Result<Vec<Entry>> {
    let lines = lines(database)?.into_iter().enumerate();
    let entries = lines.map(|(index, (line, _))| {
        serde_json::from_str(&line).with_context(|| {
            format!(
                "entry {} of the journal cannot be read; `breakglass journal verify` says whether it was changed",
                index + 1
            )
        })
    });
    entries.collect()
}

fn append(
    transaction: &Transaction<'_>,
    by: &Name,
    at: Timestamp,
    draft: Draft,
    late: bool,
) -> Result<Written> {
    let last: Option<(i64, String)> = transaction
        .query_row(
            "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .context("cannot read the journal")?;
    let (seq, prev) = last.unwrap_or_else(|| (0, chain::BEGIN.to_owned()));
    let seq = seq + 1;
    let entry = Entry {
        seq: seq.unsigned_abs(),
        at,
        by: by.clone(),
        change: draft.change,
        late,
        prev,
        event: draft.event,
    };
    let line = serde_json::to_string(&entry)?;
    let hash = chain::hash(&line);
    transaction
        .execute(
            "INSERT INTO events (seq, line, hash) VALUES (?1, ?2, ?3)",
            (seq, &line, &hash),
        )
        .context(UNWRITTEN)?;
    Ok(Written { entry, line })
}

// === impl Draft ===

impl Draft {
    /// An event of this change.
    pub(crate) fn of(change: &ChangeId, event: Event) -> Self {
        Self {
            change: Some(change.clone()),
            event,
        }
    }
}

/// The name of its file.
pub(crate) const FILE: &str = "journal.db";
const SCHEMA_VERSION: i64 = 1;
/// Nothing here is ever changed: SQLite itself refuses.
const SCHEMA: &str = "
CREATE TABLE events (seq INTEGER PRIMARY KEY, line TEXT NOT NULL, hash TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE spooled (id TEXT PRIMARY KEY) STRICT;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
";
const UNWRITTEN: &str = "cannot write to the journal";
/// Others write for milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
