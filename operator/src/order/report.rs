//! What became of an order, for people and for programs.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::answer::OrderAnswer;
use crate::durable::Written;
use crate::order::Kept;
use crate::order::terms::Terms;
use crate::outcome::{Outcome, Tally, note};
use crate::output::Output;
use crate::proxy::{Answer, Failure, Proxy};

/// Tells what became of an order while it happens, and adds it up.
pub(crate) struct Report<'a> {
    terms: &'a Terms,
    json: bool,
    began: Instant,
    output: Output,
    told: Result<()>,
    proxies: Tally,
    files: Tally,
    skipped: usize,
    answers: Map<String, Value>,
    kept: Map<String, Value>,
}

// === impl Report ===

impl<'a> Report<'a> {
    pub(crate) fn new(terms: &'a Terms, json: bool) -> Self {
        Self {
            terms,
            json,
            began: Instant::now(),
            output: Output::new(),
            told: Ok(()),
            proxies: Tally::default(),
            files: Tally::default(),
            skipped: 0,
            answers: Map::new(),
            kept: Map::new(),
        }
    }

    /// A proxy has answered, or will not.
    pub(crate) fn proxy(&mut self, proxy: &Proxy, answer: Result<Answer<OrderAnswer>, Failure>) {
        let (text, json) = match answer {
            Ok(answer) => {
                let order = &answer.read;
                match order.workers.all() {
                    true => self.proxies.done += 1,
                    false => self.proxies.partly += 1,
                }
                let (generation, workers) = (order.generation, order.workers.to_text());
                let text = format!("carried out  generation {generation}  {workers}");
                (text, answer.json)
            }
            Err(failure) => {
                self.proxies.fail(&failure);
                (failure.to_text(), failure.to_json())
            }
        };
        self.answers.insert(proxy.name().into(), json);
        self.line(&format!("{}  {text}", proxy.name()));
    }

    /// A file has been dealt with.
    pub(crate) fn file(&mut self, file: &Path, kept: Kept) {
        let name = file.display().to_string();
        let (text, json) = match &kept {
            Kept::Written(Written::Holds(generation)) => {
                self.files.done += 1;
                (
                    format!("durable      holds generation {generation}"),
                    json!({"ok": true, "generation": generation}),
                )
            }
            Kept::Written(Written::Newer(generation)) => {
                self.files.refused += 1;
                let message = format!(
                    "left alone: it has generation {generation}, which is higher than what the proxies have; push it, or order a higher one"
                );
                (
                    format!("durable      {message}"),
                    json!({"ok": false, "generation": generation, "error": message}),
                )
            }
            Kept::Skipped => {
                self.skipped += 1;
                let message = "not written: no proxy has told the control that it has carried out";
                (
                    format!("durable      {message}"),
                    json!({"ok": false, "error": message}),
                )
            }
            Kept::Failed(message) => {
                self.files.failed += 1;
                (
                    format!("durable      FAILED: {message}"),
                    json!({"ok": false, "error": message}),
                )
            }
        };
        self.kept.insert(name.clone(), json);
        self.line(&format!("{name}  {text}"));
    }

    /// Adds it up.
    pub(crate) fn finish(mut self) -> Result<Outcome> {
        let (proxies, files) = (self.proxies, self.files);
        let obeyed = proxies.done + proxies.partly;
        if self.terms.kills() && obeyed == 0 && files.done > 0 && self.terms.generation.is_none() {
            note(
                "no proxy has carried the kill out: one whose generation is already higher than the file's does not take it from there; with --generation N it gets a higher one",
            );
        }
        std::mem::replace(&mut self.told, Ok(()))?;
        let of = proxies.done + proxies.partly + proxies.refused + proxies.failed;
        let kept = files.done + files.refused + files.failed + self.skipped;
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.json {
            let (answers, kept_files) = (self.answers, self.kept);
            self.output.json(&json!({
                "rollout": self.terms.order.rollout,
                "targets": answers,
                "durable": kept_files,
                "summary": {
                    "proxies": of,
                    "carried_out": obeyed,
                    "in_force_on_all_workers": proxies.done,
                    "refused": proxies.refused,
                    "failed": proxies.failed,
                    "files": kept,
                    "files_that_hold_it": files.done,
                    "after_ms": millis,
                },
            }))?;
        } else {
            let mut text = format!("carried out by {obeyed} of {of} proxies");
            for (count, what) in [
                (proxies.partly, "not yet in force on all workers"),
                (proxies.refused, "refused"),
                (proxies.failed, "not reached or not understood"),
            ] {
                if count > 0 {
                    text.push_str(&format!(", {what}: {count}"));
                }
            }
            if kept > 0 {
                text.push_str(&format!("; held by {} of {kept} files", files.done));
            }
            self.output.line(&format!("{text}; after {millis} ms"))?;
        }
        self.output.finish()?;
        let both = Tally {
            done: proxies.done + files.done,
            partly: proxies.partly,
            refused: proxies.refused + files.refused,
            // Nobody holds that against a file that had nothing to hold.
            failed: proxies.failed + files.failed,
        };
        Ok(match both.outcome() {
            // Carried out, but by a filter whose control nobody here can read.
            Outcome::Fine if self.skipped > 0 => Outcome::Partial,
            outcome => outcome,
        })
    }

    /// Writes a line. Whoever reads us may be gone: the order goes on, and in the end it is told.
    fn line(&mut self, line: &str) {
        if !self.json && self.told.is_ok() {
            self.told = self.output.line(line).and_then(|()| self.output.flush());
        }
    }
}
