//! Colours, which underline what words say.

use ratatui::style::{Color, Modifier, Style};

/// How things stand out. Without colours they still do, by weight and reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    colours: bool,
}

// === impl Palette ===

impl Palette {
    /// Colours unless the environment says `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn of_environment() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: !unwanted }
    }

    #[cfg(test)]
    pub(crate) fn coloured() -> Self {
        Self { colours: true }
    }

    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { colours: false }
    }

    pub(crate) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub(crate) fn warning(self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn stable(self) -> Style {
        // Blue is too dark to read on many a terminal.
        self.colour(Color::Cyan)
    }

    pub(crate) fn canary(self) -> Style {
        self.colour(Color::Magenta)
    }

    pub(crate) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A bar across the screen that says something grave.
    pub(crate) fn alarm(self) -> Style {
        self.bar(Color::White, Color::Red)
    }

    /// A bar across the screen that asks for attention.
    pub(crate) fn notice(self) -> Style {
        self.bar(Color::Black, Color::Yellow)
    }

    /// A bar across the screen that says that all is well.
    pub(crate) fn calm(self) -> Style {
        self.bar(Color::Black, Color::Green)
    }

    fn colour(self, colour: Color) -> Style {
        match self.colours {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn bar(self, front: Color, back: Color) -> Style {
        match self.colours {
            true => Style::new().fg(front).bg(back),
            false => Style::new().add_modifier(Modifier::REVERSED),
        }
        .add_modifier(Modifier::BOLD)
    }
}
