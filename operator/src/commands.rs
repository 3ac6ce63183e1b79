//! The commands about changes, from the declaration to the postmortem.

pub(crate) mod approve;
pub(crate) mod close;
pub(crate) mod completions;
pub(crate) mod debt;
pub(crate) mod declare;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod gate;
pub(crate) mod in_force;
pub(crate) mod init;
pub(crate) mod journal;
pub(crate) mod kill;
pub(crate) mod man;
pub(crate) mod message;
pub(crate) mod note;
pub(crate) mod postmortem;
pub(crate) mod ramp;
pub(crate) mod reclassify;
pub(crate) mod report;
pub(crate) mod routine;
pub(crate) mod rules;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod verify_harm;
pub(crate) mod waiting;
pub(crate) mod watch;
pub(crate) mod withdraw;

use std::io::{self, IsTerminal};

/// Whether somebody sits there who can be asked.
pub(crate) fn on_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
