//! What is here: journal, disk, windows, programs.

use std::env;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::{Access, access, statvfs};

use crate::clock;
use crate::commands::doctor::report::Report;
use crate::journal::spool::{self, Spooled};
use crate::journal::{FILE, Journal};
use crate::project::Project;

pub(super) fn look(project: &Project, report: &mut Report) -> Result<()> {
    journal(project, report)?;
    spooled(project, report)?;
    disk(project, report)?;
    windows(project, report)?;
    gates(project, report)?;
    hooks(project, report)
}

fn journal(project: &Project, report: &mut Report) -> Result<()> {
    let folder = project.store();
    let name = folder.display();
    let file = folder.join(FILE);
    if !file.exists() {
        let parent = if folder.exists() {
            &folder
        } else {
            project.root()
        };
        // Whoever only looks makes none.
        return match tempfile::tempfile_in(parent) {
            Ok(_) => report.warning(
                "journal",
                format!("there is none yet in {name}"),
                "nothing: the first command that writes makes it",
            ),
            Err(error) => report.fail(
                "journal",
                format!("there is none in {name}, and none can be made: {error}"),
                "let everybody who acts write to this folder",
            ),
        };
    }
    // SQLite puts its own files beside it, and makes do with reading where it may not write.
    let written = OpenOptions::new().write(true).open(&file);
    let written = written.and_then(|_| tempfile::tempfile_in(&folder).map(drop));
    if let Err(error) = written {
        return report.fail(
            "journal",
            format!("{name} cannot be written: {error}"),
            "let everybody who acts write to this folder and its files",
        );
    }
    let verified = Journal::open(&folder).and_then(|journal| {
        let verified = journal.verify()?;
        // That it can be read is another thing than that nobody changed it.
        journal
            .ledger()
            .map(|ledger| (verified, ledger.changes().count()))
    });
    match verified {
        Ok((Ok(head), changes)) => report.ok(
            "journal",
            format!(
                "{name}: {} entries about {changes} changes, every hash holds",
                head.entries
            ),
        ),
        Ok((Err(broken), _)) => report.fail(
            "journal",
            broken.to_string(),
            "keep a copy as it is, find out who changed it, and go on from an export that verifies",
        ),
        Err(error) => report.fail("journal", format!("{error:#}"), "mend what it says"),
    }
}

/// Events that wait for a journal that could not be written.
fn spooled(project: &Project, report: &mut Report) -> Result<()> {
    let (beside, elsewhere) = spool::waiting_files(&project.store());
    for file in beside.iter().chain(&elsewhere) {
        if let Err(error) = Spooled::read(file) {
            report.warning(
                "spool",
                format!("an event waits that cannot be read: {error:#}"),
                "if it is half a file, write down what it says with `breakglass note`, then remove it",
            )?;
        }
    }
    if let Some(file) = elsewhere.first() {
        report.warning(
            "spool",
            format!("{} events wait in the temporary folder, since the journal's could not be written: {}", elsewhere.len(), file.display()),
            "take each in: `breakglass journal add FILE`",
        )?;
    }
    match beside.len() {
        0 => report.ok("spool", "no event waits for the journal"),
        waiting => report.warning(
            "spool",
            format!("{waiting} events wait for the journal"),
            "nothing: the next command that writes takes them in, marked as late",
        ),
    }
}

fn disk(project: &Project, report: &mut Report) -> Result<()> {
    let store = project.store();
    let folder = if store.exists() {
        &store
    } else {
        project.root()
    };
    let free = match statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize) / MEGABYTE,
        Err(error) => {
            return report.warning(
                "disk",
                format!("free space is not known: {error}"),
                "look yourself",
            );
        }
    };
    let found = format!("{free} MB are free for the journal");
    match free {
        ..LITTLE_MB => report.fail("disk", found, "make room: events would wait in a spool"),
        LITTLE_MB..ENOUGH_MB => report.warning("disk", found, "make room before the night comes"),
        _ => report.ok("disk", found),
    }
}

fn windows(project: &Project, report: &mut Report) -> Result<()> {
    let (windows, now) = (&project.config.windows, clock::now());
    let mut found = format!("it is {}", windows.describe(now));
    if windows.change.is_empty() {
        found.push_str("; no windows are named, so changes may be made at any time");
    } else if windows.is_open(now) {
        found.push_str("; a change window is open");
    } else {
        match windows.next_open(now) {
            Some(next) => found.push_str(&format!(
                "; the next change window opens {}",
                windows.date(next)
            )),
            None => found.push_str("; no change window opens within a week"),
        }
    }
    match (windows.freeze(now), windows.next_freeze(now)) {
        (Some(freeze), _) => found.push_str(&format!(
            "; the freeze `{}` is on until {}",
            freeze.name, freeze.to
        )),
        (None, Some(freeze)) => found.push_str(&format!(
            "; the next freeze, `{}`, begins {}",
            freeze.name, freeze.from
        )),
        (None, None) => found.push_str("; no freeze is ahead"),
    }
    report.ok("windows", found)
}

fn gates(project: &Project, report: &mut Report) -> Result<()> {
    let gates = &project.config.gates;
    if gates.is_empty() {
        return report.warning(
            "gates",
            "there is none: a change starts without any evaluation, and bypassing one means nothing",
            "add the evaluation that every release must pass, as [[gates]]",
        );
    }
    for gate in gates {
        let name = &gate.name;
        match gate.command.split_first() {
            None => report.ok("gates", format!("{name}: run by hand, its result is recorded"))?,
            Some((program, _)) => match executable(project.root(), program) {
                Ok(file) => report.ok("gates", format!("{name}: runs {}", file.display()))?,
                Err(why) => report.fail(
                    "gates",
                    format!("{name}: {why}"),
                    "name a program that is here and can be run, or none where somebody runs it by hand",
                )?,
            },
        }
    }
    Ok(())
}

fn hooks(project: &Project, report: &mut Report) -> Result<()> {
    for (index, hook) in project.config.notify.iter().enumerate() {
        let program = hook.command.first().map_or("", String::as_str);
        match executable(project.root(), program) {
            Ok(file) => {
                let events = match hook.events.is_empty() {
                    true => "every event".to_owned(),
                    false => hook.events.join(", "),
                };
                report.ok("notify", format!("{} is told of {events}", file.display()))?;
            }
            Err(why) => report.fail(
                "notify",
                format!("notify[{index}]: {why}"),
                "name a program that is here and can be run",
            )?,
        }
    }
    Ok(())
}

/// Where the program is that a command names, run from this folder.
fn executable(root: &Path, program: &str) -> Result<PathBuf, String> {
    let may_run = |file: &Path| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        let file = root.join(program);
        return match (file.exists(), may_run(&file)) {
            (false, _) => Err(format!("{} is not there", file.display())),
            (true, false) => Err(format!(
                "{} cannot be run: is it a program, and may you?",
                file.display()
            )),
            (true, true) => Ok(file),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = path.as_bytes().split(|byte| *byte == b':');
    let mut files = folders.map(|folder| Path::new(OsStr::from_bytes(folder)).join(program));
    let found = files.find(|file| may_run(file));
    found.ok_or_else(|| format!("no program `{program}` is in $PATH"))
}

const MEGABYTE: u64 = 1_000_000;
/// A night writes less than one.
const LITTLE_MB: u64 = 10;
const ENOUGH_MB: u64 = 200;
