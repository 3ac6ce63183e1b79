//! What can go wrong before a stream is open.

use std::fmt;

use crate::process::LogLine;

/// Why a module or a plugin configuration is not in service.
#[derive(Clone, Debug)]
pub enum Error {
    /// The module cannot be read, compiled or linked. The text names the file or the import.
    Module(String),
    /// The throw-away configuration VM refused: nothing changed, the old configuration goes on serving.
    Refused {
        /// What the VM did: returned false, trapped, or was refused before without being asked.
        reason: String,
        /// What the guest logged while it was asked.
        logs: Vec<LogLine>,
    },
}

// === impl Error ===

impl Error {
    pub(crate) fn module(error: impl fmt::Display) -> Self {
        Self::Module(error.to_string())
    }

    /// The lines that the guest logged while it was being configured; empty for module errors.
    pub fn logs(&self) -> &[LogLine] {
        match self {
            Self::Module(_) => &[],
            Self::Refused { logs, .. } => logs,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(text) => f.write_str(text),
            Self::Refused { reason, logs } => {
                write!(f, "configuration refused: {reason}")?;
                for line in logs {
                    write!(f, "\n  [{:?}] {}", line.level, line.message)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {}
