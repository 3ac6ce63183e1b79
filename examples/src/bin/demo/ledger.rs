//! The book of every request: what was decided, and whether that was right.
//!
//! What is right is computed here, from the rule and not from the filter's code: see
//! [`breakglass_examples::share`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use breakglass_examples::load::{End, Record, Update};
use breakglass_examples::share::{Percent, Salt};

use crate::story::{CANARY, STABLE};

/// Everything that came back so far.
#[derive(Debug)]
pub(crate) struct Ledger {
    salt: Salt,
    /// Users whom the policy pins to the old version.
    pinned: HashSet<String>,
    /// What each generation means.
    generations: BTreeMap<u64, Meaning>,
    pub(crate) tallies: BTreeMap<u64, Tally>,
    /// Who was on the new version when last seen.
    on_canary: HashSet<String>,
    /// Streams that flow, by user.
    pub(crate) streaming: HashMap<String, Instant>,
    /// Streams that are over.
    pub(crate) streams: Vec<Record>,
    /// When the kill was ordered and when its answer came.
    pub(crate) kill: Option<Moments>,
    /// Plain requests that were under way when the kill came: told to try again with a 503, or
    /// broken off in the middle of their answer.
    pub(crate) cut: Cut,
    /// Requests that were sent after the answer to the kill and got the new version nevertheless.
    pub(crate) late: usize,
    /// What was seen of personal data.
    pub(crate) seen: Seen,
    /// Requests sent so far that are over.
    pub(crate) requests: usize,
    /// The first few things that were wrong.
    pub(crate) complaints: Vec<String>,
    pub(crate) faults: usize,
}

/// The moments of the kill.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) ordered: Instant,
    pub(crate) confirmed: Instant,
}

/// What users saw of personal data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Answers that were looked at, whole or not, and how many of them were streams.
    pub(crate) answers: usize,
    pub(crate) streams: usize,
    /// Answers in which a value stood in clear, as much of it as is a leak.
    pub(crate) clear: usize,
    /// Answers with placeholders, and placeholders by entity.
    pub(crate) masked: usize,
    pub(crate) placeholders: BTreeMap<String, u64>,
}

/// Plain requests that the kill ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cut {
    pub(crate) told_to_retry: usize,
    pub(crate) reset: usize,
}

/// What a generation asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    Ramp(Percent),
    Killed,
}

/// What came of one generation.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) users: HashSet<String>,
    pub(crate) on_canary: HashSet<String>,
    /// Decisions that differ from the rule.
    pub(crate) wrong: usize,
    /// Users who were on the new version and then were not.
    pub(crate) moved_back: usize,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(salt: &str, pinned: &[String]) -> Self {
        Self {
            salt: Salt::new(salt),
            pinned: pinned.iter().cloned().collect(),
            generations: BTreeMap::new(),
            tallies: BTreeMap::new(),
            on_canary: HashSet::new(),
            streaming: HashMap::new(),
            streams: Vec::new(),
            kill: None,
            cut: Cut::default(),
            late: 0,
            seen: Seen::default(),
            requests: 0,
            complaints: Vec::new(),
            faults: 0,
        }
    }

    /// Says what a generation means, before it is in force.
    pub(crate) fn announce(&mut self, generation: u64, meaning: Meaning) {
        self.generations.insert(generation, meaning);
    }

    /// How many of these users the new version gets at `percent`.
    pub(crate) fn expected(&self, users: &[String], percent: Percent) -> usize {
        users
            .iter()
            .filter(|unit| self.takes(unit, Meaning::Ramp(percent)))
            .count()
    }

    /// Users who were served by a generation.
    pub(crate) fn users_seen(&self, generation: u64) -> usize {
        self.tallies
            .get(&generation)
            .map_or(0, |tally| tally.users.len())
    }

    pub(crate) fn add(&mut self, update: Update) {
        match update {
            Update::Streaming { unit, .. } => {
                self.streaming.insert(unit, Instant::now());
            }
            Update::Finished(record) => self.finished(*record),
        }
    }

    /// A short stream that was read to its end, or was to be.
    pub(crate) fn read(&mut self, record: &Record) {
        self.requests += 1;
        self.look(record);
        match record.is_good() {
            true => self.decided(record),
            false => self.complain(record, format!("no good stream: {:?}", record.end)),
        }
    }

    fn finished(&mut self, record: Record) {
        self.requests += 1;
        self.look(&record);
        // Streams are judged by how they ended, later; a stream's decision is judged here.
        let is_stream = !record.tokens.is_empty() || matches!(record.end, End::Done);
        if is_stream {
            self.streaming.remove(&record.unit);
            self.decided(&record);
            self.streams.push(record);
        } else if record.is_good() {
            self.decided(&record);
        } else if !self.was_cut(&record) {
            self.complain(
                &record,
                format!("no good answer: {:?} {:?}", record.status, record.end),
            );
        }
    }

    /// Whether the kill ended this request, and counts it. It must have been under way then, and
    /// either be told to try again at once, or be broken off in its answer.
    fn was_cut(&mut self, record: &Record) -> bool {
        let under_way =
            |kill: Moments| record.started < kill.confirmed && record.finished > kill.ordered;
        if !self.kill.is_some_and(under_way) {
            return false;
        }
        match (&record.end, record.status, record.retry_after.as_deref()) {
            (End::Whole, Some(503), Some("0")) => self.cut.told_to_retry += 1,
            (End::Reset(_) | End::None(_), None | Some(200), _) => self.cut.reset += 1,
            _ => return false,
        }
        true
    }

    fn decided(&mut self, record: &Record) {
        let (Some(generation), Some(version)) = (record.generation(), record.version.as_deref())
        else {
            self.complain(
                record,
                format!("no decision reached the agent: {}", record.received),
            );
            return;
        };
        let Some(&meaning) = self.generations.get(&generation) else {
            self.complain(record, format!("generation {generation} was never pushed"));
            return;
        };
        let (arm, wanted) = match self.takes(&record.unit, meaning) {
            true => ("canary", CANARY),
            false => ("stable", STABLE),
        };
        let right = version == wanted.version
            && record.arm() == Some(arm)
            && record.received("x-prompt-version") == Some(wanted.prompt);
        let canary = version == CANARY.version;
        self.late += usize::from(
            canary
                && self
                    .kill
                    .is_some_and(|kill| record.started > kill.confirmed),
        );
        // A kill takes everybody back: that is its purpose, not a broken promise of the ramp.
        let moved_back = !canary && self.on_canary.remove(&record.unit) && !meaning.is_kill();
        if canary {
            self.on_canary.insert(record.unit.clone());
        }

        let tally = self.tallies.entry(generation).or_default();
        tally.requests += 1;
        tally.users.insert(record.unit.clone());
        if canary {
            tally.on_canary.insert(record.unit.clone());
        }
        tally.moved_back += usize::from(moved_back);
        tally.wrong += usize::from(!right);
        if !right {
            self.complain(
                record,
                format!(
                    "{version} by generation {generation}, not {}",
                    wanted.version
                ),
            );
        }
        if moved_back {
            self.complain(record, format!("moved back by generation {generation}"));
        }
    }

    /// Looks for personal data in an answer, be it a good one or not.
    fn look(&mut self, record: &Record) {
        if record.answered.is_none() {
            return;
        }
        let (seen, exposure) = (&mut self.seen, &record.exposure);
        seen.answers += 1;
        seen.streams += usize::from(!record.tokens.is_empty());
        seen.masked += usize::from(!exposure.masked.is_empty());
        for (entity, times) in &exposure.masked {
            *seen.placeholders.entry(entity.clone()).or_default() += times;
        }
        if exposure.is_clear() {
            seen.clear += 1;
            self.complain(record, format!("saw in clear: {:?}", exposure.clear));
        }
    }

    fn takes(&self, unit: &str, meaning: Meaning) -> bool {
        match meaning {
            Meaning::Killed => false,
            Meaning::Ramp(percent) => !self.pinned.contains(unit) && self.salt.takes(unit, percent),
        }
    }

    fn complain(&mut self, record: &Record, text: String) {
        self.faults += 1;
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(format!("{}: {text}", record.unit));
        }
    }
}

// === impl Meaning ===

impl Meaning {
    fn is_kill(self) -> bool {
        matches!(self, Self::Killed)
    }
}

/// How many complaints are kept: the first ones tell the story.
const COMPLAINTS: usize = 5;
