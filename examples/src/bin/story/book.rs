//! The book of every request: who was served by which version, and whether that was right.
//!
//! What is right is computed from the rule, not by the filter's code: see [`breakglass_examples::share`].

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use breakglass_examples::load::{End, Record, Update};
use breakglass_examples::night::{CANARY, SALT, STABLE};
use breakglass_examples::share::{Percent, Salt};

/// Everything that came back so far.
#[derive(Debug)]
pub(crate) struct Book {
    salt: Salt,
    /// What was in force since when, the newest last.
    shares: Vec<Shares>,
    pub(crate) chapter: Chapter,
    /// Answers of all chapters, and those in which a value stood in clear.
    pub(crate) answers: usize,
    pub(crate) clear: usize,
    /// Decisions that nothing that was in force explains.
    pub(crate) wrong: usize,
    /// Whatever else was no good answer.
    pub(crate) faults: usize,
    /// The first few things that were wrong.
    pub(crate) complaints: Vec<String>,
}

/// Between a step's beginning and its being in force everywhere, either share may be what a proxy has.
#[derive(Clone, Copy, Debug)]
struct Shares {
    since: Instant,
    at_least: u32,
    at_most: u32,
    /// Whether answers may be broken off: everybody is being taken back.
    cuts: bool,
}

/// What came back since the chapter began.
#[derive(Debug, Default)]
pub(crate) struct Chapter {
    pub(crate) answers: usize,
    pub(crate) streams: usize,
    /// Answers of the new version, and its users.
    pub(crate) canary: usize,
    pub(crate) on_canary: HashSet<String>,
    pub(crate) users: HashSet<String>,
    /// Answers with placeholders, and placeholders by entity.
    pub(crate) masked: usize,
    pub(crate) placeholders: BTreeMap<String, u64>,
    /// Of the old and of the new version.
    pub(crate) masked_by: [usize; 2],
    /// Ended by a rollback: told to try again, or broken off.
    pub(crate) cut: usize,
    begun: Option<Instant>,
}

// === impl Book ===

impl Book {
    pub(crate) fn new() -> Self {
        let nobody = Shares {
            since: Instant::now(),
            at_least: 0,
            at_most: 0,
            cuts: false,
        };
        Self {
            salt: Salt::new(SALT),
            shares: vec![nobody],
            chapter: Chapter::default(),
            answers: 0,
            clear: 0,
            wrong: 0,
            faults: 0,
            complaints: Vec::new(),
        }
    }

    /// From now on a share is on its way, in whole percent.
    pub(crate) fn begins(&mut self, percent: u32) {
        let now = self.now();
        self.shares.push(Shares {
            at_most: percent.max(now.at_most),
            ..now
        });
    }

    /// From now on every proxy has it.
    pub(crate) fn in_force(&mut self, percent: u32) {
        let now = self.now();
        self.shares.push(Shares {
            at_least: percent,
            at_most: percent,
            ..now
        });
    }

    /// From now on everybody may be taken back at any time.
    pub(crate) fn may_go_back(&mut self) {
        let now = self.now();
        self.shares.push(Shares {
            at_least: 0,
            cuts: true,
            ..now
        });
    }

    pub(crate) fn new_chapter(&mut self) {
        self.chapter = Chapter {
            begun: Some(Instant::now()),
            ..Chapter::default()
        };
    }

    /// Users of these whom the new version gets.
    pub(crate) fn expected(&self, users: &[String], percent: u32) -> usize {
        let takes = |unit: &&String| self.salt.takes(unit, Percent::whole(percent));
        users.iter().filter(takes).count()
    }

    pub(crate) fn add(&mut self, update: &Update) {
        let Update::Finished(record) = update else {
            return;
        };
        self.look(record);
        if record.is_good() {
            self.decided(record);
        } else if self.was_cut(record) {
            self.chapter.cut += 1;
        } else {
            self.faults += 1;
            self.complain(
                record,
                format!("no good answer: {:?} {:?}", record.status, record.end),
            );
        }
    }

    /// Looks for personal data in an answer, be it a good one or not.
    fn look(&mut self, record: &Record) {
        if record.answered.is_none() {
            return;
        }
        self.answers += 1;
        let exposure = &record.exposure;
        if exposure.is_clear() {
            self.clear += 1;
            self.complain(record, format!("saw in clear: {:?}", exposure.clear));
        }
        let chapter = &mut self.chapter;
        if chapter.begun.is_some_and(|begun| record.started < begun) {
            return;
        }
        chapter.answers += 1;
        chapter.streams += usize::from(!record.tokens.is_empty());
        let masked = usize::from(!exposure.masked.is_empty());
        chapter.masked += masked;
        for (entity, times) in &exposure.masked {
            *chapter.placeholders.entry(entity.clone()).or_default() += times;
        }
        let canary = record.version.as_deref() == Some(CANARY);
        chapter.masked_by[usize::from(canary)] += masked;
        chapter.users.insert(record.unit.clone());
        if canary {
            chapter.canary += 1;
            chapter.on_canary.insert(record.unit.clone());
        }
    }

    fn decided(&mut self, record: &Record) {
        let (first, last) = (self.at(record.started), self.at(record.finished));
        let takes = |percent| self.salt.takes(&record.unit, Percent::whole(percent));
        let must = takes(first.at_least.min(last.at_least));
        let may = takes(first.at_most.max(last.at_most));
        let right = match record.version.as_deref() {
            Some(CANARY) => may && record.arm() == Some("canary"),
            Some(STABLE) => !must && record.arm() == Some("stable"),
            _ => false,
        };
        if !right {
            self.wrong += 1;
            self.complain(
                record,
                format!(
                    "{:?} at {}–{} %",
                    record.version, first.at_least, last.at_most
                ),
            );
        }
    }

    /// Whether a rollback ended it.
    fn was_cut(&self, record: &Record) -> bool {
        if !self.at(record.finished).cuts {
            return false;
        }
        match (&record.end, record.status) {
            (End::Whole, Some(503)) => record.retry_after.as_deref() == Some("0"),
            (End::Error { .. } | End::Reset(_) | End::None(_), None | Some(200)) => true,
            _ => false,
        }
    }

    fn now(&self) -> Shares {
        let last = self.shares.last().copied();
        Shares {
            since: Instant::now(),
            // There is one from the beginning.
            ..last.unwrap_or_else(|| unreachable!("no share"))
        }
    }

    /// What was in force at this moment.
    fn at(&self, moment: Instant) -> Shares {
        let mut before = self.shares.iter().rev();
        let found = before.find(|shares| shares.since <= moment);
        found.copied().unwrap_or_else(|| self.shares[0])
    }

    fn complain(&mut self, record: &Record, text: String) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(format!("{}: {text}", record.unit));
        }
    }
}

/// How many complaints are kept: the first ones tell the story.
const COMPLAINTS: usize = 5;
