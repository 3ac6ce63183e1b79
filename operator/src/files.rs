//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Puts `bytes` in the place of what `file` holds: whoever reads it sees the old or the new, never half
/// of one. A file that was there keeps its mode.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let file = target(file);
    let mode = fs::metadata(&file).map(|metadata| metadata.permissions());
    let write = || {
        // Beside the old file: a rename from another file system would be a copy.
        let directory = directory(&file);
        let mut new = tempfile::Builder::new()
            .prefix(".breakglass-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&directory)?;
        new.write_all(bytes)?;
        if let Ok(mode) = mode {
            new.as_file().set_permissions(mode)?;
        }
        new.as_file().sync_all()?;
        new.persist(&file)?;
        // So that the rename outlives a machine that stops now. Some file systems cannot.
        let _ = File::open(&directory).and_then(|directory| directory.sync_all());
        std::io::Result::Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

/// Keeps others of us from changing `file` while the result is held, so that nobody's change is lost
/// between reading and writing. `None` where that cannot be had in time: better unguarded than not at
/// all.
pub(crate) fn guard(file: &Path) -> Option<File> {
    // Of the directory: the file itself becomes another one.
    let directory = File::open(directory(&target(file))).ok()?;
    let since = Instant::now();
    loop {
        match directory.try_lock() {
            Ok(()) => return Some(directory),
            Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Err(_) => return None,
        }
    }
}

/// Writes a file that must not be there yet.
pub(crate) fn create(file: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let name = file.display();
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file);
    let mut opened = opened.with_context(|| format!("cannot make {name}"))?;
    let written = opened.write_all(bytes).and_then(|()| opened.sync_all());
    if written.is_err() {
        // Half a file is of no use to anybody.
        let _ = fs::remove_file(file);
    }
    written.with_context(|| format!("cannot write {name}"))
}

/// The file itself where it is named by a link: that stays one.
fn target(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(directory) if directory != Path::new("") => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A file is read and written in milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);
