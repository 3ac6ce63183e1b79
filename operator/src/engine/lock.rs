//! That no two engines run the same change.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::change::record::ChangeId;

/// The right to run a change. The system takes it back when the process ends, however it does.
#[derive(Debug)]
pub(crate) struct Lock {
    engine: String,
    _file: File,
}

// === impl Lock ===

impl Lock {
    /// Takes the right to run this change.
    ///
    /// # Errors
    /// Who has it.
    pub(crate) fn take(store: &Path, change: &ChangeId) -> Result<Self> {
        let folder = store.join(FOLDER);
        let path = folder.join(format!("{change}.lock"));
        let name = path.display();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut options = OpenOptions::new();
        let opened = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.with_context(|| format!("cannot open {name}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message.
                let _ = file.read_to_string(&mut holder);
                bail!("{change} is run by another engine: {}", holder.trim());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {name}"));
            }
        }
        let engine = engine()?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{engine}"))
            .with_context(|| format!("cannot write {name}"))?;
        Ok(Self {
            engine,
            _file: file,
        })
    }

    /// Whether somebody runs this change on this machine.
    pub(crate) fn is_taken(store: &Path, change: &ChangeId) -> bool {
        let path = store.join(FOLDER).join(format!("{change}.lock"));
        let Ok(file) = File::open(path) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// What this engine calls itself: machine, process, and a number nobody else has.
    pub(crate) fn engine(&self) -> &str {
        &self.engine
    }
}

fn engine() -> Result<String> {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().into_owned();
    let number = getrandom::u32().context("no random number")?;
    Ok(format!("{host}:{}:{number:08x}", std::process::id()))
}

pub(crate) const FOLDER: &str = "engine";
