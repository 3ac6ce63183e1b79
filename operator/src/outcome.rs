//! How a command ends, and what the shell learns of it.

use std::io::{self, Write};
use std::process::ExitCode;

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain of.
    Fine,
    /// What was to be kept out is there: an entity of `--fail-on`, a policy that is refused.
    Found,
}

/// Tells standard error what went wrong, and the shell how it went.
pub(crate) fn exit_code(done: anyhow::Result<Outcome>) -> ExitCode {
    match done {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => {
            // Whoever reads our output may stop early, as `head` does: nothing to talk about.
            if !is_broken_pipe(&error) {
                // Where standard error is closed there is nobody left to tell.
                let _ = writeln!(io::stderr(), "breakglass: {error:#}");
            }
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The last lines of every help text.
pub(crate) const EXIT_STATUSES: &str = "\
Exit status:
  0  fine
  1  something is there that must not be: an entity of --fail-on, a policy that is refused
  2  bad usage, unreadable input, unwritable output";
