//! How a command ends, and what the shell learns of it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::change::rules::Refusal;
use crate::proxy::FailureKind;

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain of.
    Fine,
    /// What was to be kept out is there: an entity of `--fail-on`, a policy or an order that is
    /// refused, a bad signature.
    Found,
    /// Some of the proxies or channels did what they should, some did not.
    Partial,
    /// None of them did, and none said no: there was nobody to be reached.
    Nothing,
}

/// Counts how the parts of a work ended that goes on where one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Did all that was asked.
    pub(crate) done: usize,
    /// Did some of it.
    pub(crate) partly: usize,
    /// Was reached and said no.
    pub(crate) refused: usize,
    /// Was not reached, or gave no answer that could be read.
    pub(crate) failed: usize,
}

/// Tells standard error what went wrong, and the shell how it went.
pub(crate) fn exit_code(done: anyhow::Result<Outcome>) -> ExitCode {
    match done {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Ok(Outcome::Partial) => ExitCode::from(3),
        Ok(Outcome::Nothing) => ExitCode::from(4),
        Err(error) => {
            if let Some(refusal) = error.downcast_ref::<Refusal>() {
                return refused(refusal);
            }
            // Whoever reads our output may stop early, as `head` does: nothing to talk about.
            if !is_broken_pipe(&error) {
                // Where standard error is closed there is nobody left to tell.
                let _ = writeln!(io::stderr(), "breakglass: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}

/// From now on what rules refuse is told as JSON on standard output too.
pub(crate) fn refuse_in_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

fn refused(refusal: &Refusal) -> ExitCode {
    note(&refusal.to_string());
    if JSON.load(Ordering::Relaxed) {
        let json = serde_json::json!({"refused": refusal});
        // The status tells it as well.
        let _ = writeln!(io::stdout(), "{json}");
    }
    ExitCode::from(1)
}

/// Says nothing on standard error while something else has the terminal.
pub(crate) fn hush(hushed: bool) {
    HUSHED.store(hushed, Ordering::Relaxed);
}

/// Tells standard error what is no result and no failure.
pub(crate) fn note(message: &str) {
    if HUSHED.load(Ordering::Relaxed) {
        return;
    }
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "breakglass: {message}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

// === impl Tally ===

impl Tally {
    /// Counts a proxy that did not what it should.
    pub(crate) fn fail(&mut self, kind: FailureKind) {
        match kind {
            FailureKind::Refused | FailureKind::Absent => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self {
                partly: 0,
                refused: 0,
                failed: 0,
                ..
            } => Outcome::Fine,
            Self { done, partly, .. } if done + partly > 0 => Outcome::Partial,
            Self { refused: 0, .. } => Outcome::Nothing,
            _ => Outcome::Found,
        }
    }
}

static JSON: AtomicBool = AtomicBool::new(false);
static HUSHED: AtomicBool = AtomicBool::new(false);

/// The last lines of every help text.
pub(crate) const EXIT_STATUSES: &str = "\
Exit status:
  0  fine: everything, everywhere
  1  refused: by a rule of the discipline, or an entity of --fail-on, a policy, an order or a
     signature that will not do
  2  bad usage, unreadable input, unwritable output
  3  some proxies or channels did, some did not
  4  none did, and not because they refused";
