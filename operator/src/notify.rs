//! Telling others: the commands of `notify` in the configuration, one entry each on standard input.

use std::io::{Seek, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::journal::Written;
use crate::outcome::note;
use crate::project::Project;
use crate::project::config::Hook;

/// Tells whoever is to be told of these entries. Nobody waits for them, and one that fails is said so
/// and stops nothing.
pub(crate) fn tell(project: &Project, written: &[Written]) {
    for hook in &project.config.notify {
        for entry in written {
            if wants(hook, &entry.line)
                && let Err(error) = start(project, hook, &entry.line)
            {
                let program = hook.command.first().map_or("", String::as_str);
                note(&format!("notify: cannot run {program}: {error}"));
            }
        }
    }
}

fn wants(hook: &Hook, line: &str) -> bool {
    if hook.events.is_empty() {
        return true;
    }
    let entry: Option<Value> = serde_json::from_str(line).ok();
    let kind = entry
        .as_ref()
        .and_then(|entry| entry.pointer("/event/kind")?.as_str());
    kind.is_some_and(|kind| hook.events.iter().any(|wanted| wanted == kind))
}

fn start(project: &Project, hook: &Hook, line: &str) -> std::io::Result<()> {
    let Some((program, arguments)) = hook.command.split_first() else {
        return Ok(());
    };
    // A file, not a pipe: nobody waits for one who does not read, and who reads late finds it.
    let mut input = tempfile::tempfile()?;
    input.write_all(format!("{line}\n").as_bytes())?;
    input.rewind()?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(project.root())
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Whoever outlives us is nobody's zombie; whoever ends first is collected here.
    std::thread::spawn(move || drop(child.wait()));
    Ok(())
}
