//! What this worker has counted of its rollouts and not yet shared.

use std::cell::{Cell, RefCell};

use breakglass_policy::{Arm, ArmTally, RolloutId, Tallies};

use crate::store::{Record, StoreError};
use crate::traffic::Traffic;
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
            self.dirty.borrow_mut().push(rollout);
        }
    }

    /// Shares what was counted of a rollout if that is much, or if the proxy has no ticks to do it.
    pub(crate) fn fold_much(&self, rollout: RolloutId) {
        let many = match self.has_ticks.get() {
            true => MANY_ANSWERS,
            false => 1,
        };
        if let Some(plan) = self.plans.get(rollout.index())
            && plan.pending.answers() >= many
        {
            self.fold_one(rollout, plan);
        }
    }

    /// Shares all that was counted.
    pub(crate) fn fold(&self) {
        for rollout in self.dirty.take() {
            if let Some(plan) = self.plans.get(rollout.index()) {
                self.fold_one(rollout, plan);
            }
        }
    }

    /// Adds what was counted of one rollout to what all workers have counted. A machine that dies loses
    /// what it has not folded, a tick's worth; nothing is ever added twice.
    fn fold_one(&self, rollout: RolloutId, plan: &RolloutPlan) {
        if !plan.pending.dirty.replace(false) {
            return;
        }
        let Some(name) = self.live.rollout(rollout).map(|rollout| &rollout.name) else {
            return;
        };
        let news = plan.pending.news.take();
        let folded = self.live.store().change_record(
            name,
            |other| self.live.names(other),
            |record| record.add(&news),
        );
        match folded {
            Ok(_) => {}
            Err(StoreError::Host(_)) => plan.pending.alone.borrow_mut().add(&news),
            // With the next tick.
            Err(_) => {
                plan.pending.news.borrow_mut().add(&news);
                plan.pending.dirty.set(true);
                self.dirty.borrow_mut().push(rollout);
            }
        }
    }
}

/// Answers that are shared at once: on a busy worker a tick is a long time.
const MANY_ANSWERS: u64 = 64;
