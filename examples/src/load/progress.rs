//! A line that tells how far something is: redrawn in place on a terminal, silent in a pipe.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A progress line. Cleared when dropped.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    drawn: Option<Instant>,
}

// === impl Progress ===

impl Progress {
    /// On standard output, if that is a terminal.
    pub fn stdout() -> Self {
        Self {
            terminal: io::stdout().is_terminal(),
            drawn: None,
        }
    }

    /// Shows `done` of `total` and what else there is to say. Call as often as you like.
    pub fn show(&mut self, done: usize, total: usize, note: impl Display) {
        let recent = self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAW);
        if !self.terminal || recent {
            return;
        }
        self.drawn = Some(Instant::now());
        let filled = (BAR * done).checked_div(total).unwrap_or(BAR).min(BAR);
        let (full, empty) = ("━".repeat(filled), "╌".repeat(BAR - filled));
        print!("\r\x1b[2K   {full}{empty} {note}");
        let _ = io::stdout().flush();
    }

    /// Takes the line away, to print something else.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            print!("\r\x1b[2K");
            let _ = io::stdout().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Often enough to look alive, seldom enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(50);

/// The bar's width in characters.
const BAR: usize = 24;
