//! The ramp of a change as its events tell it.

use std::collections::BTreeSet;

use breakglass_policy::{Generation, Name, Percent, Timestamp};
use serde::Serialize;

use crate::change::event::{Entry, Event, Observation};
use crate::project::plan::Plan;

/// How far the share has grown, and whether it may go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ramp {
    pub(crate) plan: Option<Plan>,
    /// Who runs it, as it called itself.
    pub(crate) engine: Option<String>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) phase: Phase,
    /// How it ended last, also when it was rearmed since.
    pub(crate) last_end: Option<(Timestamp, End)>,
    /// Why it stands still, until somebody resumes it.
    pub(crate) held: Option<String>,
    /// Steps after which the watcher has let it go on.
    pub(crate) confirmed: BTreeSet<usize>,
    pub(crate) watching: Vec<Name>,
    /// The shares in force, with when they were.
    pub(crate) shares: Vec<(Timestamp, Percent)>,
    pub(crate) observations: Vec<(Timestamp, Observation)>,
}

/// Where a ramp is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    NotStarted,
    /// Taken up, with no share yet.
    Started,
    /// A share is on its way to the proxies; perhaps they have it.
    Begun {
        step: usize,
    },
    /// A share stands.
    InForce {
        step: usize,
        since: Timestamp,
        generation: Generation,
    },
    Ended {
        at: Timestamp,
        end: End,
    },
}

/// How a ramp ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    Completed,
    RolledBack { why: String },
    Killed { by: Name, why: String },
    Lapsed { why: String },
}

// === impl Ramp ===

impl Ramp {
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match &entry.event {
            Event::RampStarted { engine, plan } => {
                self.plan = Some(plan.clone());
                self.engine = Some(engine.clone());
                self.started.get_or_insert(entry.at);
                if self.phase == Phase::NotStarted {
                    self.phase = Phase::Started;
                }
            }
            Event::StepBegun { step, .. } => self.phase = Phase::Begun { step: *step },
            Event::StepInForce {
                step, generation, ..
            } => {
                self.phase = Phase::InForce {
                    step: *step,
                    since: entry.at,
                    generation: *generation,
                };
                self.shares
                    .extend(self.percent(*step).map(|percent| (entry.at, percent)));
            }
            Event::Confirmed { step } => drop(self.confirmed.insert(*step)),
            Event::Held { why } => self.held = Some(why.clone()),
            Event::Resumed => self.held = None,
            Event::Watching if !self.watching.contains(&entry.by) => {
                self.watching.push(entry.by.clone());
            }
            Event::WatchEnded { .. } => self.watching.retain(|known| *known != entry.by),
            Event::Observed(observation) => {
                self.observations.push((entry.at, (**observation).clone()));
            }
            Event::RolledBack { why, .. } => self.end(entry, End::RolledBack { why: why.clone() }),
            Event::Killed { why, .. } => {
                let (by, why) = (entry.by.clone(), why.clone());
                self.end(entry, End::Killed { by, why });
            }
            Event::Lapsed { why } => self.end(entry, End::Lapsed { why: why.clone() }),
            Event::Completed => self.end(entry, End::Completed),
            Event::Rearmed { .. } => self.rearm(),
            _ => {}
        }
    }

    /// The share of a step.
    pub(crate) fn percent(&self, step: usize) -> Option<Percent> {
        let steps = self.plan.as_ref()?.steps();
        steps.get(step).map(|step| step.percent)
    }

    /// The share in force by the journal.
    pub(crate) fn share(&self) -> Percent {
        let last = self.shares.last().map(|(_, percent)| *percent);
        last.unwrap_or(Percent::ZERO)
    }

    /// Whether somebody on the canary depends on it now.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::NotStarted | Phase::Ended { .. })
    }

    pub(crate) fn end_of(&self) -> Option<&End> {
        match &self.phase {
            Phase::Ended { end, .. } => Some(end),
            _ => None,
        }
    }

    pub(crate) fn ended_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Ended { at, .. } => Some(at),
            _ => None,
        }
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.end_of() == Some(&End::Completed)
    }

    fn end(&mut self, entry: &Entry, end: End) {
        // Whoever took everybody back after the first to do so changes nothing; and a kill counts
        // after completion too.
        let ended = self.end_of().is_some_and(|known| *known != End::Completed);
        if ended || (self.started.is_none() && end == End::Completed) {
            return;
        }
        if end != End::Completed {
            self.shares.push((entry.at, Percent::ZERO));
        }
        self.last_end = Some((entry.at, end.clone()));
        self.phase = Phase::Ended { at: entry.at, end };
    }

    /// As before the first start, but for what was seen.
    fn rearm(&mut self) {
        self.phase = Phase::NotStarted;
        self.held = None;
        self.confirmed.clear();
        self.engine = None;
    }
}

// === impl End ===

impl End {
    /// `rolled back: …`
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Completed => "complete".into(),
            Self::RolledBack { why } => format!("rolled back: {why}"),
            Self::Killed { by, why } => format!("killed by {by}: {why}"),
            Self::Lapsed { why } => format!("lapsed: {why}"),
        }
    }
}
