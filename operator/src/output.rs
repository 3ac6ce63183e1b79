//! Output: results to standard output, and a sign of life on a terminal.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Standard output, together with the progress line that may stand below it.
pub(crate) struct Output {
    results: BufWriter<Stdout>,
    progress: Option<Progress>,
}

/// A line on standard error that says how far the work has come.
struct Progress {
    began: Instant,
    due: Instant,
    shown: bool,
    bytes: u64,
}

/// Writes what a command did: a JSON value for programs, or a line for people.
pub(crate) fn tell(json: bool, value: &impl serde::Serialize, line: &str) -> Result<()> {
    let mut output = Output::new();
    match json {
        true => output.json(value)?,
        false => output.line(line)?,
    }
    output.finish()
}

// === impl Output ===

impl Output {
    /// Output of work that may take long: with a progress line if somebody sits at standard error.
    pub(crate) fn new() -> Self {
        let progress = io::stderr().is_terminal().then(Progress::new);
        Self {
            results: BufWriter::new(io::stdout()),
            progress,
        }
    }

    /// Writes results as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hide_progress();
        self.results.write_all(bytes).context(UNWRITABLE)
    }

    /// Writes one line.
    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    /// Writes one JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<()> {
        self.line(&serde_json::to_string(value)?)
    }

    /// Hands everything over that was written.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.results.flush().context(UNWRITABLE)
    }

    /// So many more bytes of input are done.
    pub(crate) fn advance(&mut self, bytes: usize) -> Result<()> {
        let Some(progress) = &mut self.progress else {
            return Ok(());
        };
        progress.bytes += bytes as u64;
        if progress.is_due() {
            self.results.flush().context(UNWRITABLE)?;
            progress.show();
        }
        Ok(())
    }

    /// The work is done.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.hide_progress();
        self.progress = None;
        self.flush()
    }

    fn hide_progress(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.hide();
        }
    }
}

// === impl Progress ===

impl Progress {
    fn new() -> Self {
        let began = Instant::now();
        Self {
            began,
            due: began + PATIENCE,
            shown: false,
            bytes: 0,
        }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    fn show(&mut self) {
        let (mega, seconds) = (self.bytes / 1_000_000, self.began.elapsed().as_secs());
        eprint!("{CLEAR}{mega} MB scanned in {seconds} s");
        self.shown = true;
        self.due = Instant::now() + EVERY;
    }

    fn hide(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("{CLEAR}");
        }
    }
}

const UNWRITABLE: &str = "cannot write to standard output";
/// What takes no longer needs no progress line.
const PATIENCE: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(250);
/// Back to the first column and away with what stands there.
const CLEAR: &str = "\r\x1b[K";
