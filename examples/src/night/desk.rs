//! Somebody at a keyboard: runs the operator's command as a shell would.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Member;

/// Where somebody sits: a folder, and `BREAKGLASS_AS` set to who they are.
#[derive(Clone, Debug)]
pub struct Desk {
    pub who: Member,
    folder: PathBuf,
    binary: PathBuf,
}

/// What a command has said, on both of its outputs, and how it ended.
#[derive(Clone, Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub text: String,
}

/// A command that runs beside the others. Dropped, it is killed.
#[derive(Debug)]
pub struct Background {
    child: Child,
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Arguments as a shell would read them.
pub fn spelled(arguments: &[&str]) -> String {
    let mut line = "breakglass".to_owned();
    for argument in arguments {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c);
        let quoted = match !argument.is_empty() && argument.chars().all(plain) {
            true => (*argument).to_owned(),
            false => format!("'{}'", argument.replace('\'', r"'\''")),
        };
        let _ = write!(line, " {quoted}");
    }
    line
}

// === impl Desk ===

impl Desk {
    pub(super) fn new(who: Member, folder: PathBuf, binary: PathBuf) -> Self {
        Self {
            who,
            folder,
            binary,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let (mut child, mut output) = self.spawn(arguments)?;
        let done = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            output.read_to_end(&mut bytes)?;
            let status = child.wait()?.code();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            io::Result::Ok(Ran { status, text })
        });
        Ok(done.await??)
    }

    /// Starts a command in the background; `said` is told each of its lines.
    pub fn start(
        &self,
        arguments: &[&str],
        said: impl Fn(&str) + Send + 'static,
    ) -> Result<Background> {
        let (child, output) = self.spawn(arguments)?;
        let text = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                said(&line);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        Ok(Background {
            child,
            text,
            reader: Some(reader),
        })
    }

    fn spawn(&self, arguments: &[&str]) -> Result<(Child, io::PipeReader)> {
        // One pipe: what is said on both comes in the order in which it is said.
        let (output, writer) = io::pipe()?;
        let child = Command::new(&self.binary)
            .args(arguments)
            .current_dir(&self.folder)
            .env("BREAKGLASS_AS", self.who.id)
            .env_remove("BREAKGLASS_PROJECT")
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn();
        let child = child.with_context(|| format!("cannot run {}", self.binary.display()))?;
        Ok((child, output))
    }
}

// === impl Ran ===

impl Ran {
    pub fn is_fine(&self) -> bool {
        self.status == Some(0)
    }

    /// Whether a rule has refused it: status 1, and the rule by its name.
    pub fn is_refused_by(&self, rule: &str) -> bool {
        self.status == Some(1) && self.text.contains(&format!("  {rule}: "))
    }
}

// === impl Background ===

impl Background {
    /// Waits until it has ended by itself.
    pub async fn ended(mut self, limit: Duration) -> Result<Ran> {
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code();
            }
            if Instant::now() > deadline {
                bail!(
                    "it has not ended within {limit:?}; it said:\n{}",
                    self.said()
                );
            }
            tokio::time::sleep(POLL).await;
        };
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        Ok(Ran {
            status,
            text: self.said(),
        })
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Between two looks whether a process has ended.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_spelled_as_a_shell_reads_them() {
        let line = spelled(&["note", "it's out", "--change", "chg-2026-0001", ""]);
        assert_eq!(
            line,
            r"breakglass note 'it'\''s out' --change chg-2026-0001 ''"
        );
    }
}
