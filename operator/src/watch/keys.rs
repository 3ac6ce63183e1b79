//! Keys: what a press asks for, and which presses have to be made twice.

use std::time::{Duration, Instant};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::Phase;

/// What whoever watches asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The next step may come.
    Confirm,
    /// No further step until somebody resumes.
    Hold,
    Resume,
    /// Everybody to stable at once. Comes of the second press only.
    Kill,
    /// Comes of the second press only, while there is something to watch.
    Quit,
    /// Help was opened or closed.
    Help,
    /// Nothing that the caller has to do; what is shown may have changed.
    None,
}

/// What stands over the view because of the keys pressed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    None,
    /// A second `K` within this time kills.
    Kill {
        left: Duration,
    },
    /// A second `q` within this time quits.
    Quit {
        left: Duration,
    },
    Help,
}

/// The keys pressed so far, as far as they still matter.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pressed: Option<(Twice, Instant)>,
    help: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twice {
    Kill,
    Quit,
}

// === impl Keys ===

impl Keys {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A key was pressed.
    pub(crate) fn press(&mut self, event: &KeyEvent, phase: &Phase, now: Instant) -> Key {
        // Some terminals tell when a key is let go, and when one is held down: neither is a press, and
        // a finger that rests on `K` must not be a second one.
        if event.kind != KeyEventKind::Press {
            return Key::None;
        }
        let before = self
            .pressed
            .take()
            .filter(|(twice, at)| now < *at + twice.patience());
        let before = before.map(|(twice, _)| twice);
        match stroke(event) {
            Some(Stroke::Kill) => self.twice(Twice::Kill, before, now),
            Some(Stroke::Quit) if !phase.is_under_way() => Key::Quit,
            Some(Stroke::Quit) => self.twice(Twice::Quit, before, now),
            Some(Stroke::Help) => {
                self.help = !self.help;
                Key::Help
            }
            Some(Stroke::Escape) => match std::mem::take(&mut self.help) {
                true => Key::Help,
                false => Key::None,
            },
            Some(Stroke::Confirm) if matches!(phase, Phase::Step { .. }) => Key::Confirm,
            Some(Stroke::Hold) if phase.is_under_way() => Key::Hold,
            Some(Stroke::Resume) if matches!(phase, Phase::Held { .. }) => Key::Resume,
            _ => Key::None,
        }
    }

    /// What has to be shown at this moment.
    pub(crate) fn prompt(&self, now: Instant) -> Prompt {
        let left = self.pressed.and_then(|(twice, at)| {
            let left = (at + twice.patience()).checked_duration_since(now)?;
            (!left.is_zero()).then_some((twice, left))
        });
        match left {
            Some((Twice::Kill, left)) => Prompt::Kill { left },
            Some((Twice::Quit, left)) => Prompt::Quit { left },
            None if self.help => Prompt::Help,
            None => Prompt::None,
        }
    }

    fn twice(&mut self, twice: Twice, before: Option<Twice>, now: Instant) -> Key {
        if before == Some(twice) {
            return twice.key();
        }
        self.pressed = Some((twice, now));
        Key::None
    }
}

// === impl Twice ===

impl Twice {
    /// How long the first press counts.
    fn patience(self) -> Duration {
        match self {
            Self::Kill => Duration::from_secs(3),
            // What is said takes longer to read.
            Self::Quit => Duration::from_secs(10),
        }
    }

    fn key(self) -> Key {
        match self {
            Self::Kill => Key::Kill,
            Self::Quit => Key::Quit,
        }
    }
}

#[derive(Clone, Copy)]
enum Stroke {
    Confirm,
    Hold,
    Resume,
    Kill,
    Quit,
    Help,
    Escape,
}

fn stroke(event: &KeyEvent) -> Option<Stroke> {
    let shift_only = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match event.code {
        // In raw mode the terminal makes no signal of it.
        KeyCode::Char('c') if event.modifiers == KeyModifiers::CONTROL => Some(Stroke::Quit),
        _ if !shift_only => None,
        KeyCode::Char('c') => Some(Stroke::Confirm),
        KeyCode::Char('h') => Some(Stroke::Hold),
        KeyCode::Char('r') => Some(Stroke::Resume),
        KeyCode::Char('K') => Some(Stroke::Kill),
        KeyCode::Char('q') => Some(Stroke::Quit),
        KeyCode::Char('?') => Some(Stroke::Help),
        KeyCode::Esc => Some(Stroke::Escape),
        _ => None,
    }
}
