//! The ramp engine: takes a change from the first percent to everybody, and back at the first concern.
//!
//! It looks at all proxies every second and does one of four things: nothing, the next step, renew the
//! lease, take everybody back. What it is about to do it writes down before, and what it has done after,
//! so that it may die anywhere: whoever takes the ramp up again finds in the journal how far it was, and
//! until then the proxies' lease runs out. Taking back is the exception: that waits for nobody, for no
//! gate and for no journal.

mod attend;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod orders;
pub(crate) mod presence;
mod retreat;
pub(crate) mod signals;
mod steps;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use breakglass_policy::{Name, Timestamp};

use crate::change::event::{Event, Observation};
use crate::change::ramp::{End, Phase};
use crate::change::record::ChangeId;
use crate::change::rules;
use crate::change::{Change, Ledger};
use crate::clock;
use crate::engine::lock::Lock;
use crate::engine::memory::Memory;
use crate::engine::presence::Presence;
use crate::engine::signals::Signals;
use crate::fleet::Fleet;
use crate::journal::Journal;
use crate::notify;
use crate::outcome::note;
use crate::project::plan::Plan;
use crate::session::{Deciding, Session};
use crate::signer::Signer;

/// What runs the ramp of one change.
pub(crate) struct Engine {
    session: Session,
    change: Change,
    ledger: Ledger,
    by: Name,
    signer: Signer,
    /// With the files that the proxies start from.
    fleet: Fleet,
    /// Without: a lease is renewed too often to be written to files that proxies watch.
    proxies: Fleet,
    presence: Presence,
    signals: Signals,
    memory: Memory,
    observed: Option<Instant>,
    /// Since when the proxies do not all take the step that was begun.
    stuck: Option<Instant>,
    journal_trouble: bool,
    told: String,
    json: bool,
    // Held as long as the engine runs.
    _lock: Lock,
}

/// Whether there is more to do.
enum Flow {
    On,
    Over(End),
}

// === impl Engine ===

impl Engine {
    /// Takes the ramp of a change up, for the first time or again.
    ///
    /// # Errors
    /// That another engine runs it, or what this one lacks.
    pub(crate) fn new(mut session: Session, id: &ChangeId, json: bool) -> Result<Self> {
        let lock = Lock::take(&session.project.store(), id)?;
        let actor = session.actor()?.clone();
        let signer = session.project.signer(&actor)?;
        let (fleet, proxies) = (session.project.fleet()?, session.project.proxies_alone()?);
        let store = session.project.store();
        let plan = {
            let ledger = session.ledger()?;
            plan(&Deciding::of(&session, &ledger)?, ledger.change(id)?)
        };
        let engine = lock.engine().to_owned();
        session.record(id, Event::RampStarted { engine, plan })?;
        // From here on nobody waits for it: what cannot be written at once is written later.
        session.journal = Journal::open_within(&store, PATIENCE)?;
        let ledger = session.ledger()?;
        let change = ledger.change(id)?.clone();
        let judge = orders::judge(&session.project, &change.declared.rollout);
        let memory = Memory::load(&store, id, lock.engine(), &judge, &change);
        Ok(Self {
            signals: Signals::new(session.project.config.ramp.silence.duration()),
            presence: Presence::of(&store, id),
            session,
            change,
            ledger,
            by: actor.id,
            signer,
            fleet,
            proxies,
            memory,
            observed: None,
            stuck: None,
            journal_trouble: false,
            told: String::new(),
            json,
            _lock: lock,
        })
    }

    /// Runs until the ramp is over.
    pub(crate) fn run(&mut self) -> Result<End> {
        let poll = self.session.project.config.ramp.poll.duration();
        loop {
            let began = Instant::now();
            if let Flow::Over(end) = self.look()? {
                self.memory.save();
                return Ok(end);
            }
            self.memory.save();
            thread::sleep(poll.saturating_sub(began.elapsed()));
        }
    }

    /// Looks once at everything, and does what is to be done.
    fn look(&mut self) -> Result<Flow> {
        self.read_journal()?;
        if let Some(end) = self.change.ramp.end_of().cloned() {
            // Somebody has pulled the kill-switch; those they did not reach are ours to follow.
            return self.follow(end);
        }
        self.presence.look();
        let now = clock::now();
        let observed = self.proxies.observe(&self.change.declared.rollout);
        let ramp = &self.change.ramp;
        let (phase, share) = (&ramp.phase, ramp.share());
        if let Some(concern) = self.signals.take(&observed, phase, share, &mut self.memory) {
            return self.retreat(&concern);
        }
        self.memory.note(now, self.presence.fresh(self.heartbeat()));
        self.observe();
        let attended = self.attend();
        self.step(now, attended)
    }

    /// Reads what has happened since: holds, confirmations, kills. Where the journal cannot be read,
    /// what was known last stands, and no share grows.
    fn read_journal(&mut self) -> Result<()> {
        let read = self.session.ledger();
        self.journal_trouble = read.is_err();
        match read {
            Ok(ledger) => {
                self.change = ledger.change(&self.change.id)?.clone();
                self.ledger = ledger;
            }
            Err(error) => self.tell(&format!(
                "the journal cannot be read, nothing grows: {error:#}"
            )),
        }
        match &self.change.ramp.engine {
            Some(engine) if *engine != self.memory.engine => bail!(
                "the engine {engine} has taken the ramp of {} up; this one leaves it alone",
                self.change.id
            ),
            _ => Ok(()),
        }
    }

    /// Writes the counts down, now and then: what a postmortem is drawn from.
    fn observe(&mut self) {
        let due = self
            .observed
            .is_none_or(|last| last.elapsed() >= OBSERVE_EVERY);
        if due && !self.journal_trouble && self.change.ramp.phase != Phase::Started {
            self.observed = Some(Instant::now());
            self.write(self.observation());
        }
    }

    fn observation(&self) -> Event {
        Event::Observed(Box::new(Observation {
            percent: self.change.ramp.share(),
            tallies: self.memory.totals.clone(),
        }))
    }

    /// Writes an event down. Where that cannot be done now it waits beside the journal.
    fn write(&mut self, event: Event) -> bool {
        let id = self.change.id.clone();
        match self.session.journal.append(&self.by, &id, event) {
            Ok(written) => {
                notify::tell(&self.session.project, std::slice::from_ref(&written));
                if self.json {
                    // Whoever reads it may be gone; the journal has it.
                    drop(crate::output::Output::new().line(&written.line));
                }
                self.journal_trouble = false;
                true
            }
            Err(error) => {
                self.journal_trouble = true;
                self.tell(&format!("the journal cannot be written: {error:#}"));
                false
            }
        }
    }

    /// Says something once, until there is something else to say.
    fn tell(&mut self, text: &str) {
        if self.told != text {
            self.told = text.to_owned();
            note(text);
        }
    }

    fn heartbeat(&self) -> Duration {
        self.session.project.config.ramp.heartbeat.duration()
    }

    fn lease_end(&self, now: Timestamp) -> Timestamp {
        let lease = self.session.project.config.ramp.lease.millis();
        Timestamp::from_millis(now.millis().saturating_add(lease))
    }
}

/// The steps of a change: those it has begun with, else those that its declaration asks for.
fn plan(deciding: &Deciding<'_>, change: &Change) -> Plan {
    let begun = change.ramp.plan.as_ref();
    match begun.filter(|_| change.ramp.is_running()) {
        Some(plan) => plan.clone(),
        None => rules::plan_of(&deciding.case(change), &change.declared).clone(),
    }
}

/// Others write for milliseconds; whoever takes longer must not keep the engine from its proxies.
const PATIENCE: Duration = Duration::from_millis(250);
/// Often enough for a plot, seldom enough for a journal.
const OBSERVE_EVERY: Duration = Duration::from_secs(10);
