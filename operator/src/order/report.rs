//! What became of an order, for people and for programs.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::fleet::{Delivered, FileOutcome, Kept, Terms, Told};
use crate::outcome::{Outcome, note};
use crate::output::Output;

/// Tells what became of an order while it happens.
pub(crate) struct Report<'a> {
    terms: &'a Terms,
    json: bool,
    output: Output,
    told: Result<()>,
    answers: Map<String, Value>,
    kept: Map<String, Value>,
}

// === impl Report ===

impl<'a> Report<'a> {
    pub(crate) fn new(terms: &'a Terms, json: bool) -> Self {
        Self {
            terms,
            json,
            output: Output::new(),
            told: Ok(()),
            answers: Map::new(),
            kept: Map::new(),
        }
    }

    /// Writes a line. Whoever reads us may be gone: the order goes on, and in the end it is told.
    pub(crate) fn tell(&mut self, told: Told<'_>) {
        let name = told.name().to_owned();
        if !self.json {
            if self.told.is_ok() {
                let line = self.output.line(&told.to_text());
                self.told = line.and_then(|()| self.output.flush());
            }
            return;
        }
        match told {
            Told::Proxy { json, .. } => self.answers.insert(name, json.clone()),
            Told::File(outcome) => self.kept.insert(name, outcome.to_json()),
        };
    }

    /// Adds it up.
    pub(crate) fn finish(mut self, delivered: &Delivered) -> Result<Outcome> {
        let proxies = delivered.proxy_tally();
        let obeyed = proxies.done + proxies.partly;
        let held = delivered.files_that_hold_it();
        if self.terms.kills() && obeyed == 0 && held > 0 && self.terms.generation().is_none() {
            note(
                "no proxy has carried the kill out: one whose generation is already higher than the file's does not take it from there; with --generation N it gets a higher one",
            );
        }
        std::mem::replace(&mut self.told, Ok(()))?;
        match self.json {
            true => self.output.json(&json!({
                "rollout": self.terms.order().rollout,
                "targets": self.answers,
                "durable": self.kept,
                "summary": {
                    "proxies": delivered.proxies.len(),
                    "carried_out": obeyed,
                    "in_force_on_all_workers": proxies.done,
                    "refused": proxies.refused,
                    "failed": proxies.failed,
                    "files": delivered.files.len(),
                    "files_that_hold_it": held,
                    "after_ms": delivered.elapsed_ms,
                },
            }))?,
            false => self.output.line(&delivered.summary())?,
        }
        self.output.finish()?;
        Ok(delivered.outcome())
    }
}

// === impl FileOutcome ===

impl FileOutcome {
    fn to_json(&self) -> Value {
        match &self.kept {
            Kept::Holds { generation } => json!({"ok": true, "generation": generation}),
            Kept::Ahead { generation } => {
                json!({"ok": false, "generation": generation, "error": self.kept.to_string()})
            }
            Kept::Skipped => json!({"ok": false, "error": self.kept.to_string()}),
            Kept::Failed { why } => json!({"ok": false, "error": why}),
        }
    }
}
