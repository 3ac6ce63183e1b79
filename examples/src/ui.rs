//! What demo and story print, and the list of promises that they check.

use std::fmt::Display;
use std::io::{self, IsTerminal};

/// Prints, and remembers what held and what did not.
#[derive(Debug)]
pub struct Ui {
    color: bool,
    promises: Vec<Promise>,
}

#[derive(Debug)]
struct Promise {
    text: String,
    held: bool,
}

// === impl Ui ===

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

impl Ui {
    pub fn new() -> Self {
        let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            color,
            promises: Vec::new(),
        }
    }

    /// The heading of a part.
    pub fn part(&self, title: impl Display) {
        println!("\n{}", self.paint(BOLD, title));
    }

    pub fn line(&self, text: impl Display) {
        println!("   {text}");
    }

    /// Between two things that are not about the same.
    pub fn gap(&self) {
        println!();
    }

    /// Less important.
    pub fn faint(&self, text: impl Display) {
        println!("   {}", self.paint(FAINT, text));
    }

    /// A command as somebody types it.
    pub fn typed(&self, who: &str, command: &str) {
        let prompt = self.paint(FAINT, format_args!("{who}$"));
        println!("\n   {prompt} {}", self.paint(BOLD, wrapped(command)));
    }

    /// What a command says, shortened: the beginning and the end of what is longer than `lines`.
    pub fn said(&self, text: &str, lines: usize) {
        let all: Vec<&str> = text.lines().collect();
        let (first, last) = match all.len() > lines {
            true => (lines.saturating_sub(LAST_LINES + 1), LAST_LINES),
            false => (all.len(), 0),
        };
        for line in &all[..first] {
            println!("   {}", cut(line));
        }
        let hidden = all.len() - first - last;
        if hidden > 0 {
            self.faint(format_args!("… {hidden} more lines"));
        }
        for line in &all[all.len() - last..] {
            println!("   {}", cut(line));
        }
    }

    /// Checks a promise: printed now, and again at the end. `found` says what was seen instead, or
    /// in detail.
    pub fn check(&mut self, held: bool, promise: impl Display, found: impl Display) {
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
    pub fn verdict(&self) -> bool {
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

/// A command on several lines, as a shell takes it, broken before options.
fn wrapped(command: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (index, part) in command.split(" --").enumerate() {
        let length = part.chars().count() + 3;
        if index > 0 {
            let breaks = width + length > COMMAND_WIDTH;
            text += if breaks { " \\\n       --" } else { " --" };
            width = if breaks { 0 } else { width };
        }
        text += part;
        width += length;
    }
    text
}

/// A line as wide as a page.
pub fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// `12,345`.
pub fn thousands(number: usize) -> String {
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
pub fn share(part: usize, whole: usize) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    format!(
        "{} of {} = {percent:.2} %",
        thousands(part),
        thousands(whole)
    )
}

/// Milliseconds with one decimal.
pub fn ms(duration: std::time::Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Lines that are shown of the end of something long.
const LAST_LINES: usize = 3;

/// Of a line: digests and keys need not be read to their end.
const WIDTH: usize = 170;

const COMMAND_WIDTH: usize = 110;

const BOLD: &str = "1";
const FAINT: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_break_before_options() {
        let long = format!(
            "breakglass init --yes --targets {} --team support",
            "x".repeat(100)
        );
        let lines: Vec<String> = wrapped(&long).lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "breakglass init --yes \\");
        assert_eq!(lines[2], "       --team support");
        assert_eq!(wrapped("breakglass doctor"), "breakglass doctor");
    }

    #[test]
    fn lines_are_cut_between_letters() {
        assert_eq!(cut(&"é".repeat(WIDTH)), "é".repeat(WIDTH));
        assert_eq!(cut(&"é".repeat(WIDTH + 1)), "é".repeat(WIDTH) + "…");
    }
}
