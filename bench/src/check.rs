//! Counts of instructions beside those of a baseline that is kept with the code.
//!
//! A count says the same on every machine, so a change of a few per cent is a change of the code, of a
//! dependency or of the tools that built it, and never a busy neighbour.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

/// One thing that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// By which the baseline knows it.
    pub name: String,
    /// What is counted: for the reader.
    pub counts: String,
    /// WebAssembly instructions.
    pub instructions: u64,
}

/// What was counted when the baseline was last accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The programs that built what was counted, by what they say of themselves.
    pub tools: Vec<String>,
    /// In the order in which they are counted.
    pub cases: Vec<Case>,
}

/// What is counted now, beside a baseline.
#[derive(Clone, Debug)]
pub struct Comparison {
    rows: Vec<Row>,
    /// Tools of the baseline and of now, where they differ.
    tools: Option<(Vec<String>, Vec<String>)>,
}

#[derive(Clone, Debug)]
struct Row {
    name: String,
    before: Option<u64>,
    now: Option<u64>,
}

/// How a case fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Same,
    Better,
    Worse,
    /// The baseline has no such case.
    New,
    /// The baseline has a case that is not counted any more.
    Gone,
}

// === impl Case ===

impl Case {
    /// A case. A name is one line without quotes.
    pub fn new(name: impl Into<String>, counts: impl Into<String>, instructions: u64) -> Self {
        Self {
            name: name.into(),
            counts: counts.into(),
            instructions,
        }
    }
}

// === impl Baseline ===

impl Baseline {
    /// Reads what [`Baseline::write`] wrote.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let list = |name: &str| {
            let list = json[name].as_array();
            list.ok_or_else(|| format!("{name}: expected a list"))
        };
        let text = |value: &Value, path: &str| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| format!("{path}: expected a text, found {value}"))
        };
        let tools = list("tools")?.iter().map(|tool| text(tool, "tools"));
        let cases = list("cases")?.iter().enumerate().map(|(at, case)| {
            let path = |name: &str| format!("cases[{at}].{name}");
            let instructions = case["instructions"].as_u64();
            Ok(Case {
                name: text(&case["name"], &path("name"))?,
                counts: text(&case["counts"], &path("counts"))?,
                instructions: instructions
                    .ok_or_else(|| format!("{}: expected a number", path("instructions")))?,
            })
        });
        Ok(Self {
            tools: tools.collect::<Result<_, String>>()?,
            cases: cases.collect::<Result<_, String>>()?,
        })
    }

    /// JSON with a line for each case, so that a change of one is a change of one line.
    pub fn write(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!(
            "{{\n  \"about\": {},\n  \"tools\": {},\n  \"cases\": [\n",
            quoted(ABOUT),
            json!(self.tools),
        );
        for (at, case) in self.cases.iter().enumerate() {
            let comma = if at + 1 < self.cases.len() { "," } else { "" };
            let _ = writeln!(
                text,
                "    {{\"name\": {}, \"instructions\": {}, \"counts\": {}}}{comma}",
                quoted(&case.name),
                case.instructions,
                quoted(&case.counts),
            );
        }
        text.push_str("  ]\n}\n");
        text
    }

    /// Lays what is counted now beside this.
    pub fn compare(&self, now: &Self) -> Comparison {
        let find = |cases: &[Case], name: &str| {
            let case = cases.iter().find(|case| case.name == name);
            case.map(|case| case.instructions)
        };
        let mut rows: Vec<Row> = now
            .cases
            .iter()
            .map(|case| Row {
                name: case.name.clone(),
                before: find(&self.cases, &case.name),
                now: Some(case.instructions),
            })
            .collect();
        let gone = self
            .cases
            .iter()
            .filter(|case| find(&now.cases, &case.name).is_none());
        rows.extend(gone.map(|case| Row {
            name: case.name.clone(),
            before: Some(case.instructions),
            now: None,
        }));
        let tools = (self.tools != now.tools).then(|| (self.tools.clone(), now.tools.clone()));
        Comparison { rows, tools }
    }
}

// === impl Comparison ===

impl Comparison {
    /// Whether nothing got worse by more than [`TOLERANCE_PERCENT`], and the baseline has the same cases.
    pub fn passes(&self) -> bool {
        let fails = [Finding::Worse, Finding::New, Finding::Gone];
        fails.iter().all(|finding| self.count(*finding) == 0)
    }

    fn count(&self, finding: Finding) -> usize {
        let found = self.rows.iter().filter(|row| row.finding() == finding);
        found.count()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max();
        let width = width.unwrap_or(0).max(CASE.len());
        writeln!(
            f,
            "{CASE:<width$} {:>12} {:>12} {:>9}",
            "baseline", "now", "change"
        )?;
        for row in &self.rows {
            let number = |count: Option<u64>| count.map_or("–".to_owned(), thousands);
            let change = match row.change_percent() {
                Some(change) => format!("{change:+.1} %"),
                None => "–".to_owned(),
            };
            let remark = match row.finding() {
                Finding::Same => "",
                Finding::Better => "  better",
                Finding::Worse => "  WORSE",
                Finding::New => "  NOT IN THE BASELINE",
                Finding::Gone => "  NOT COUNTED ANY MORE",
            };
            let (before, now) = (number(row.before), number(row.now));
            let line = format!(
                "{:<width$} {before:>12} {now:>12} {change:>9}{remark}",
                row.name
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        if let Some((before, now)) = &self.tools {
            writeln!(
                f,
                "\nThe baseline was built by other tools, which may move counts by themselves:\n\
                 \x20 baseline: {}\n\x20 now:      {}",
                before.join(", "),
                now.join(", ")
            )?;
        }
        let worse = self.count(Finding::Worse);
        let others = self.count(Finding::New) + self.count(Finding::Gone);
        let better = self.count(Finding::Better);
        if worse > 0 {
            write!(
                f,
                "\n{worse} of {} cases take more than {TOLERANCE_PERCENT} % more instructions than the \
                 baseline. If that is meant, `make bench-baseline` accepts what is counted now.",
                self.rows.len()
            )
        } else if others > 0 {
            write!(
                f,
                "\n{others} cases are in one of the two only: `make bench-baseline` writes the baseline anew."
            )
        } else if better > 0 {
            write!(
                f,
                "\n{better} cases take over {TOLERANCE_PERCENT} % fewer instructions than the baseline: write \
                 it anew with `make bench-baseline`, so that they stay so."
            )
        } else {
            write!(
                f,
                "\nNo case is more than {TOLERANCE_PERCENT} % off the baseline."
            )
        }
    }
}

// === impl Row ===

impl Row {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a per cent of counts far below 2^52"
    )]
    fn change_percent(&self) -> Option<f64> {
        let (before, now) = (self.before? as f64, self.now? as f64);
        Some((now / before.max(1.0) - 1.0) * 100.0)
    }

    fn finding(&self) -> Finding {
        let (Some(before), Some(now)) = (self.before, self.now) else {
            return match self.before {
                None => Finding::New,
                Some(_) => Finding::Gone,
            };
        };
        let room = before.saturating_mul(TOLERANCE_PERCENT) / 100;
        if now > before.saturating_add(room) {
            Finding::Worse
        } else if now < before.saturating_sub(room) {
            Finding::Better
        } else {
            Finding::Same
        }
    }
}

/// `15,645`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much more a case may take than it did.
pub const TOLERANCE_PERCENT: u64 = 5;

const CASE: &str = "case";

const ABOUT: &str = "WebAssembly instructions on the hot paths, counted by wasmtime (fuel): the same on every \
    machine for the same code and tools. `make bench-check` compares, `make bench-baseline` writes this file.";

#[cfg(test)]
mod tests;
