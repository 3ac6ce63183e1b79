//! The terminal while the view has it, and after.

use std::fmt;
use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::Duration;
use std::{panic, thread};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEvent,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::keys::Prompt;
use super::palette::Palette;
use super::render;
use super::view::View;

/// The whole terminal. It is given back when this goes, when the program panics, and when a signal
/// ends it; so drop it before `std::process::exit`.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    palette: Palette,
}

/// Gives the terminal back, if we have it. From any thread, as often as you like.
fn restore() {
    if OPEN.swap(false, Ordering::SeqCst) {
        // If the terminal is gone, nothing is left to restore.
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

// === impl Screen ===

impl Screen {
    /// Takes the terminal at standard output.
    pub(crate) fn open() -> io::Result<Self> {
        GUARDS.call_once(|| {
            restore_at_panics();
            // Without threads for it, signals do what they always do.
            let _ = restore_at_signals();
        });
        OPEN.store(true, Ordering::SeqCst);
        Self::take().inspect_err(|_| restore())
    }

    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        // What is pasted by mistake must not confirm a step: marked as pasted it is no key.
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            Clear(ClearType::All)
        )?;
        // Its own way to clear the screen asks for the cursor, and not every terminal answers.
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self {
            terminal,
            palette: Palette::of_environment(),
        })
    }

    /// Shows the view as it is now.
    pub(crate) fn draw(&mut self, view: &View, prompt: Prompt) -> io::Result<()> {
        let palette = self.palette;
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        self.terminal
            .draw(|frame| render::draw(frame, view, prompt, palette))?;
        Ok(())
    }

    /// Waits for a key, at most so long. `None` after that, and at once when the size has changed: draw
    /// again in either case.
    pub(crate) fn key(&mut self, wait: Duration) -> io::Result<Option<KeyEvent>> {
        if !event::poll(wait)? {
            return Ok(None);
        }
        match event::read()? {
            Event::Key(key) => Ok(Some(key)),
            _ => Ok(None),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Screen").finish_non_exhaustive()
    }
}

/// A panic tells what happened, where it can be read: release builds end before anything is dropped.
fn restore_at_panics() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        restore();
        tell(info);
    }));
}

/// A signal still ends the program as it would have; only the terminal is put in order first. In a
/// thread, for the one that draws may be waiting for a proxy.
fn restore_at_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let wait = move || {
        for signal in signals.forever() {
            let _drawing = until_drawn();
            restore();
            let _ = emulate_default_handler(signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

/// Keeps anything more from being drawn. Half a frame would end on the screen that the shell gets back,
/// but a terminal that takes no frame is not waited for.
fn until_drawn() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..20 {
        match DRAWING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// Held by whoever writes to the terminal.
static DRAWING: Mutex<()> = Mutex::new(());
/// Whether the terminal is ours.
static OPEN: AtomicBool = AtomicBool::new(false);
static GUARDS: Once = Once::new();
