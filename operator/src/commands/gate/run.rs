//! Running the command of a gate: with what it needs to know, no longer than it may, and never forgotten.

use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::change::Change;
use crate::change::event::GateResult;
use crate::project::Project;
use crate::project::config::Gate;

/// The end of what a command wrote.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

/// Runs the gate for this change. Returns what it said and the end of its output.
///
/// # Errors
/// That it gave no result: no command, not started, not done in time, or an exit status that is none.
pub(super) fn run(project: &Project, gate: &Gate, change: &Change) -> Result<(GateResult, String)> {
    let name = &gate.name;
    let Some((program, arguments)) = gate.command.split_first() else {
        bail!(
            "gates.{name} has no `command` in breakglass.toml; `breakglass gate attach {} {name}` takes a result from elsewhere",
            change.id
        );
    };
    let versions = &change.declared.versions;
    let (reader, writer) = io::pipe().context("no pipe")?;
    let errors = writer.try_clone().context("no pipe")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(project.root())
        .env("BREAKGLASS_CHANGE", change.id.as_str())
        .env("BREAKGLASS_ROLLOUT", change.declared.rollout.as_str())
        .env("BREAKGLASS_STABLE", &versions.stable)
        .env("BREAKGLASS_CANARY", &versions.canary)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        // A group of its own: what it starts ends with it.
        .process_group(0);
    let child = command.spawn();
    // Our ends of the pipe, or its reader would wait for us.
    drop(command);
    let child = child.with_context(|| format!("gate {name}: cannot run {program}"))?;
    let tail = Tail::default();
    let (status, tail) = watch(child, reader, tail, gate.timeout.duration())
        .with_context(|| format!("gate {name}"))?;
    let tail = tail.to_text();
    match status.and_then(|status| status.code()) {
        Some(0) => Ok((GateResult::Pass, tail)),
        Some(1) => Ok((GateResult::Regression, tail)),
        Some(code) => bail!(
            "gate {name} gave no result: {program} ended with status {code}, expected 0 for a pass or 1 for a regression\n{tail}"
        ),
        None => bail!(
            "gate {name} gave no result: {program} was not done within {} and was ended, or died\n{tail}",
            gate.timeout
        ),
    }
}

/// Waits for the command; `None` if it had to be ended.
fn watch(
    mut child: Child,
    reader: PipeReader,
    tail: Tail,
    timeout: Duration,
) -> Result<(Option<ExitStatus>, Tail)> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (read_all, all_read) = mpsc::channel();
    let written = tail.clone();
    thread::spawn(move || {
        written.follow(reader);
        let _ = read_all.send(());
    });
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let _ = done.send(child.wait());
    });
    let ended = ended.recv_timeout(timeout);
    // Of a command that is done nothing may go on either.
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    // Something that left the group may hold the pipe; nobody waits for it.
    let _ = all_read.recv_timeout(LAST_WORDS);
    match ended {
        Ok(status) => Ok((Some(status.context("cannot wait for it")?), tail)),
        Err(RecvTimeoutError::Timeout) => Ok((None, tail)),
        Err(RecvTimeoutError::Disconnected) => bail!("cannot wait for it"),
    }
}

// === impl Tail ===

impl Tail {
    /// Passes on to standard error what the command writes, and keeps its end.
    fn follow(&self, mut reader: impl Read) {
        let mut chunk = [0; 4096];
        loop {
            let read = match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let bytes = chunk.get(..read).unwrap_or_default();
            let shown = String::from_utf8_lossy(bytes);
            let shown: String = shown
                .chars()
                .filter(|c| !c.is_control() || "\n\t".contains(*c))
                .collect();
            // Whoever closed it does not want to see it.
            let _ = io::stderr().write_all(shown.as_bytes());
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(bytes);
            let excess = kept.len().saturating_sub(TAIL_BYTES);
            kept.drain(..excess);
        }
    }

    fn to_text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

/// Enough for what a gate says in the end; the whole of it is the gate's to keep.
const TAIL_BYTES: usize = 4 << 10;
const LAST_WORDS: Duration = Duration::from_secs(1);
