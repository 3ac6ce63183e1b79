//! What became of an order, everywhere.

use breakglass_policy::{Control, Generation};
use serde::{Deserialize, Serialize};

use crate::answer::{OrderAnswer, Workers};
use crate::fleet::keep::FileOutcome;
use crate::outcome::{Outcome, Tally};
use crate::proxy::{Failure, FailureKind};

/// What became of an order: at every proxy, and in the files that they start from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    /// The highest generation with which a proxy carried it out.
    pub(crate) generation: Option<Generation>,
    /// What is in force where it was carried out: the join of what those proxies tell. `None` where
    /// nobody did, or tells it in a form that is not known here.
    pub(crate) control: Option<Control>,
    /// In the order of the targets.
    pub(crate) proxies: Vec<ProxyOutcome>,
    pub(crate) files: Vec<FileOutcome>,
    /// Of all of it: names looked up, proxies asked and ordered, files written.
    pub(crate) elapsed_ms: u64,
}

/// What one proxy made of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProxyOutcome {
    pub(crate) name: String,
    /// From here: until it had answered for the last time, all questions and repeats among it.
    pub(crate) elapsed_ms: u64,
    #[serde(flatten, with = "ReceiptOrFailure")]
    pub(crate) result: Result<Receipt, Failed>,
}

/// A proxy's proof that a generation is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) generation: Generation,
    /// How many have it, and after how long.
    pub(crate) workers: Workers,
}

/// Why there is no receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) kind: FailureKind,
    /// Fit for a terminal.
    pub(crate) why: String,
    /// The type of the problem that the proxy told: `urn:breakglass:stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// How a `Result` is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Result", rename_all = "snake_case")]
enum ReceiptOrFailure<T, E> {
    #[serde(rename = "receipt")]
    Ok(T),
    #[serde(rename = "failure")]
    Err(E),
}

// === impl Delivered ===

impl Delivered {
    /// Whether every proxy has it in force on all its workers, and every file holds it.
    pub(crate) fn everywhere(&self) -> bool {
        self.missing().is_empty()
    }

    /// Whether no proxy has said that it carried it out, and no file holds it. One that gave no answer
    /// may have it all the same.
    pub(crate) fn nowhere(&self) -> bool {
        let mut proxies = self.proxies.iter();
        let mut files = self.files.iter();
        proxies.all(|proxy| proxy.result.is_err()) && !files.any(FileOutcome::holds)
    }

    /// The proxies that do not have it in force on all their workers, and the files that do not hold it.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let proxies = self.proxies.iter().filter(|proxy| !proxy.has_all());
        let files = self.files.iter().filter(|file| !file.holds());
        let names = proxies.map(|proxy| proxy.name.as_str());
        names.chain(files.map(|file| file.file.as_str())).collect()
    }

    /// How many proxies did what was asked.
    pub(crate) fn proxy_tally(&self) -> Tally {
        let mut tally = Tally::default();
        for proxy in &self.proxies {
            match &proxy.result {
                Ok(receipt) if receipt.workers.all() => tally.done += 1,
                Ok(_) => tally.partly += 1,
                Err(failed) => tally.fail(failed.kind),
            }
        }
        tally
    }

    /// How many files hold it.
    pub(crate) fn files_that_hold_it(&self) -> usize {
        self.files.iter().filter(|file| file.holds()).count()
    }

    /// How a command ends whose order it was.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut tally = self.proxy_tally();
        self.files.iter().for_each(|file| file.count(&mut tally));
        match tally.outcome() {
            // Carried out, but by a filter whose control nobody here can read.
            Outcome::Fine if !self.everywhere() => Outcome::Partial,
            outcome => outcome,
        }
    }

    /// All of it in a line: `carried out by 2 of 3 proxies, refused: 1; held by 1 of 1 files; after 12 ms`.
    pub(crate) fn summary(&self) -> String {
        let tally = self.proxy_tally();
        let (obeyed, of) = (tally.done + tally.partly, self.proxies.len());
        let mut text = format!("carried out by {obeyed} of {of} proxies");
        for (count, what) in [
            (tally.partly, "not yet in force on all workers"),
            (tally.refused, "refused"),
            (tally.failed, "not reached or not understood"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {what}: {count}"));
            }
        }
        if !self.files.is_empty() {
            let (held, of) = (self.files_that_hold_it(), self.files.len());
            text.push_str(&format!("; held by {held} of {of} files"));
        }
        format!("{text}; after {} ms", self.elapsed_ms)
    }

    /// Adds what a proxy tells to have in force.
    pub(super) fn note(&mut self, answer: &OrderAnswer) {
        self.generation = self.generation.max(Some(answer.generation));
        self.control = match (self.control.take(), answer.control()) {
            (Some(known), Some(told)) => Some(known.join(&told)),
            (known, told) => known.or(told),
        };
    }
}

// === impl ProxyOutcome ===

impl ProxyOutcome {
    fn has_all(&self) -> bool {
        let receipt = self.result.as_ref().ok();
        receipt.is_some_and(|receipt| receipt.workers.all())
    }

    /// What a line says about it, after its name.
    pub(crate) fn to_text(&self) -> String {
        match &self.result {
            Ok(receipt) => format!(
                "carried out  generation {}  {}",
                receipt.generation,
                receipt.workers.to_text()
            ),
            Err(failed) => failed.to_text(),
        }
    }
}

// === impl Receipt ===

impl From<OrderAnswer> for Receipt {
    fn from(answer: OrderAnswer) -> Self {
        Self {
            generation: answer.generation,
            workers: answer.workers,
        }
    }
}

// === impl Failed ===

impl Failed {
    /// What a line says about it, after the proxy's name.
    pub(crate) fn to_text(&self) -> String {
        self.kind.tell(&self.why)
    }

    /// A proxy that has not what was asked for.
    pub(super) fn absent(why: String) -> Self {
        Self {
            kind: FailureKind::Absent,
            why,
            problem: None,
        }
    }
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind(),
            why: failure.why(),
            problem: match failure {
                Failure::Problem(problem) => Some(problem.kind.clone()),
                _ => None,
            },
        }
    }
}
