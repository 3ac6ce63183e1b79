//! What this worker has counted of its rollouts and not yet shared.

use std::cell::{Cell, RefCell};

use breakglass_policy::judge::Verdict;
use breakglass_policy::{Arm, ArmTally, Generation, Name, RolloutId, Tallies, Timestamp};

use crate::host::{self, Level};
use crate::metrics;
use crate::store::{Record, StoreError};
use crate::traffic::Traffic;
use crate::traffic::judge::{Look, Seen};
use crate::traffic::plan::RolloutPlan;

/// What was counted of one rollout since the last fold.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    news: RefCell<Tallies>,
    /// Whether there is any.
    dirty: Cell<bool>,
    /// The record where the proxy has no shared data: of this worker alone.
    alone: RefCell<Record>,
}

// === impl Pending ===

impl Pending {
    /// Counts; tells whether these are the first news since the last fold.
    fn add(&self, arm: Arm, add: impl FnOnce(&mut ArmTally)) -> bool {
        add(self.news.borrow_mut().arm_mut(arm));
        !self.dirty.replace(true)
    }

    fn answers(&self) -> u64 {
        let news = self.news.borrow();
        news.stable.answers.saturating_add(news.canary.answers)
    }
}

// === impl Traffic ===

impl Traffic {
    /// Counts something of an arm.
    pub(crate) fn count(&self, rollout: RolloutId, arm: Arm, add: impl FnOnce(&mut ArmTally)) {
        if let Some(plan) = self.plans.get(rollout.index())
            && plan.pending.add(arm, add)
        {
            self.dirty.borrow_mut().push(rollout.index());
        }
    }

    /// Tells the proxy what its metrics are to count, where no tick will.
    pub(crate) fn tell_without_ticks(&self) {
        if !self.has_ticks.get() {
            metrics::tell();
        }
    }

    /// Shares what was counted of a rollout if that is much, or if the proxy has no ticks to do it.
    pub(crate) fn fold_much(&self, rollout: RolloutId) {
        let many = match self.has_ticks.get() {
            true => MANY_ANSWERS,
            false => 1,
        };
        let plan = self.plans.get(rollout.index());
        if plan.is_some_and(|plan| plan.pending.answers() >= many) {
            self.fold_one(rollout.index(), host::now(), false);
        }
    }

    /// Shares what was counted of a rollout, and lets its judge look, at once.
    pub(crate) fn fold_urgently(&self, rollout: RolloutId) {
        self.fold_one(rollout.index(), host::now(), true);
    }

    /// Shares all that was counted.
    pub(crate) fn fold(&self, now: Timestamp) {
        metrics::tell();
        for place in self.dirty.take() {
            self.fold_one(place, now, false);
        }
    }

    /// Lets the trials of a new configuration begin, some with each tick, so that the operator sees them
    /// before there is traffic.
    pub(crate) fn begin_trials(&self) {
        let from = self.unbegun.get();
        for (place, plan) in self.plans.iter().enumerate().skip(from).take(TRIALS_A_TICK) {
            self.unbegun.set(place.saturating_add(1));
            if plan.judge.is_some() && !plan.pending.dirty.replace(true) {
                self.dirty.borrow_mut().push(place);
            }
        }
    }

    /// Adds what was counted of one rollout to what all workers have counted, and lets the judge look. A
    /// machine that dies loses what it has not folded, a tick's worth; nothing is ever added twice.
    fn fold_one(&self, place: usize, now: Timestamp, urgent: bool) {
        let plan = self.plans.get(place);
        let Some((plan, rollout)) = plan.zip(self.live.policy().rollouts.get(place)) else {
            return;
        };
        if !plan.pending.dirty.replace(false) {
            return;
        }
        let in_force = self.live.refresh();
        let Some(in_force) = in_force.get(place) else {
            return;
        };
        let news = plan.pending.news.take();
        let look = Look {
            news: &news,
            standing: in_force.standing(now),
            now,
            urgent,
            is_newest: &|| self.live.is_newest(),
            kill: &|in_flight| self.live.roll_back(place, in_flight),
        };
        let mut seen = Seen::All;
        let mut change = |record: &mut Record| {
            record.add(&news);
            seen = plan.look(record, &look);
        };
        let store = self.live.store();
        let named = |other: &[u8]| self.live.names(other);
        let shared = match store.change_record(&rollout.name, named, &mut change) {
            Err(StoreError::Host(_)) => {
                change(&mut plan.pending.alone.borrow_mut());
                true
            }
            shared => shared.is_ok(),
        };
        match &seen {
            _ if !shared => plan.pending.news.borrow_mut().add(&news),
            Seen::All => return,
            Seen::Later => {}
            Seen::Tripped(verdict, generation) => {
                return self.tell(&rollout.name, plan, verdict, *generation);
            }
        }
        // The rest with the next tick.
        if !plan.pending.dirty.replace(true) {
            self.dirty.borrow_mut().push(place);
        }
    }

    fn tell(&self, name: &Name, plan: &RolloutPlan, verdict: &Verdict, generation: Generation) {
        let signal = verdict.0.signal.as_str();
        plan.metrics.judge_trips(signal).increment();
        let message = format!(
            "rollout {name}: the judge sends everyone to stable with generation {generation}: {verdict}"
        );
        host::log(Level::Warn, &message);
    }
}

impl RolloutPlan {
    fn look(&self, record: &mut Record, look: &Look<'_>) -> Seen {
        match &self.judge {
            Some(judge) => judge.look(record, look),
            None => {
                if record.judged.is_some() && (look.is_newest)() {
                    record.judged = None;
                }
                Seen::All
            }
        }
    }
}

/// Answers that are shared at once: on a busy worker a tick is a long time.
const MANY_ANSWERS: u64 = 64;
/// Trials that begin on one tick: requests wait meanwhile.
const TRIALS_A_TICK: usize = 64;
