//! What the demo prints, and the list of promises it checks.

use std::fmt::Display;
use std::io::{self, IsTerminal};

/// Prints, and remembers what held and what did not.
#[derive(Debug)]
pub(crate) struct Ui {
    color: bool,
    promises: Vec<Promise>,
}

#[derive(Debug)]
struct Promise {
    text: String,
    held: bool,
}

// === impl Ui ===

impl Ui {
    pub(crate) fn new() -> Self {
        let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            color,
            promises: Vec::new(),
        }
    }

    /// The heading of a part.
    pub(crate) fn part(&self, title: impl Display) {
        println!("\n{}", self.paint(BOLD, title));
    }

    pub(crate) fn line(&self, text: impl Display) {
        println!("   {text}");
    }

    /// Less important.
    pub(crate) fn faint(&self, text: impl Display) {
        println!("   {}", self.paint(FAINT, text));
    }

    /// Checks a promise: printed now, and again at the end. `found` says what was seen instead, or
    /// in detail.
    pub(crate) fn check(&mut self, held: bool, promise: impl Display, found: impl Display) {
        let (mark, found) = (self.mark(held), found.to_string());
        let detail = if found.is_empty() {
            String::new()
        } else {
            format!(": {found}")
        };
        println!(" {mark} {promise}{detail}");
        self.promises.push(Promise {
            text: promise.to_string(),
            held,
        });
    }

    /// Prints the list, and says whether everything held.
    pub(crate) fn verdict(&self) -> bool {
        self.part("Promises");
        for Promise { text, held } in &self.promises {
            println!(" {} {text}", self.mark(*held));
        }
        let broken = self.promises.iter().filter(|promise| !promise.held).count();
        println!();
        match broken {
            0 => self.line(self.paint(GREEN, format_args!("All {} held.", self.promises.len()))),
            _ => {
                let text = format!("{broken} of {} did not hold.", self.promises.len());
                self.line(self.paint(RED, text));
            }
        }
        broken == 0
    }

    fn mark(&self, held: bool) -> String {
        match held {
            true => self.paint(GREEN, "✓"),
            false => self.paint(RED, "✗"),
        }
    }

    fn paint(&self, code: &str, text: impl Display) -> String {
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }
}

/// `12,345`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `31 of 2,500 = 1.24 %`.
pub(crate) fn share(part: usize, whole: usize) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    format!(
        "{} of {} = {percent:.2} %",
        thousands(part),
        thousands(whole)
    )
}

/// Milliseconds with one decimal.
pub(crate) fn ms(duration: std::time::Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

const BOLD: &str = "1";
const FAINT: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";
