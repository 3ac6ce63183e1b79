//! Steps: from one share to the next, when everything that it waits for is there.

use std::time::Instant;

use anyhow::{Result, anyhow};
use breakglass_policy::Timestamp;

use crate::change::event::Event;
use crate::change::ramp::{End, Phase};
use crate::change::rules::{self, When};
use crate::clock;
use crate::engine::signals::Concern;
use crate::engine::{Engine, Flow, orders};
use crate::fleet::Delivered;
use crate::proxy::FailureKind;
use crate::session::Deciding;

// === impl Engine ===

impl Engine {
    /// Does what the ramp is ready for.
    pub(super) fn step(&mut self, now: Timestamp, attended: bool) -> Result<Flow> {
        self.memory.waits_for = self.waits_for(now, attended)?;
        if !self.memory.waits_for.is_empty() {
            return Ok(Flow::On);
        }
        match self.change.ramp.phase.clone() {
            Phase::NotStarted | Phase::Started => self.begin(0),
            Phase::Begun { step } => self.push(step),
            Phase::InForce { step, .. } if self.change.ramp.percent(step + 1).is_some() => {
                self.begin(step + 1)
            }
            Phase::InForce { step, .. } => self.complete(step),
            Phase::Ended { end, .. } => Ok(Flow::Over(end)),
        }
    }

    /// What the next step waits for, in words.
    fn waits_for(&self, now: Timestamp, attended: bool) -> Result<Vec<String>> {
        let mut waits = Vec::new();
        let id = &self.change.id;
        if self.journal_trouble {
            waits.push("the journal".into());
        }
        if !attended {
            waits.push(format!("somebody to watch (`breakglass watch {id}`)"));
        }
        let deciding = Deciding::of(&self.session, &self.ledger)?;
        let change = self.ledger.change(id)?;
        if let Err(refusal) = rules::check(When::Step, "step", &deciding.case(change)) {
            waits.extend(refusal.denied.into_iter().map(|denied| denied.denial.why));
        }
        let Phase::InForce { step, since, .. } = self.change.ramp.phase else {
            return Ok(waits);
        };
        let plan = self.change.ramp.plan.as_ref();
        let hold = plan.and_then(|plan| plan.steps().get(step));
        let hold = hold.map_or(0, |step| step.hold.millis());
        let over = since.millis().saturating_add(hold);
        if let Some(left) = over.checked_sub(now.millis()).filter(|left| *left > 0) {
            waits.push(format!("{} s", left.div_ceil(1000)));
        }
        let (answers, least) = (
            self.memory.answers_in_step(),
            self.session.project.config.ramp.min_answers,
        );
        if answers < least {
            // No data is never a pass.
            waits.push(format!(
                "answers of the canary in this step: {answers} of {least}"
            ));
        }
        if !self.change.ramp.confirmed.contains(&step) {
            waits.push(format!(
                "the watcher's word (`breakglass confirm {id}`, or c in `watch`)"
            ));
        }
        Ok(waits)
    }

    /// Writes down that a step begins, and begins it.
    fn begin(&mut self, step: usize) -> Result<Flow> {
        let percent = self.change.ramp.percent(step);
        let percent = percent.ok_or_else(|| anyhow!("the plan has no step {}", step + 1))?;
        let engine = self.memory.engine.clone();
        let begun = Event::StepBegun {
            engine,
            step,
            percent,
        };
        if !self.write(begun) {
            return Ok(Flow::On);
        }
        self.read_journal()?;
        self.push(step)
    }

    /// Brings the share of a step to the proxies. Until every one of them has it, it is tried again.
    fn push(&mut self, step: usize) -> Result<Flow> {
        let until = self.lease_end(clock::now());
        let terms = orders::share(&self.change, step, Some(until))?;
        let delivered = self.fleet.order(&terms, Some(&self.signer), &mut |_| {});
        let tally = delivered.proxy_tally();
        if tally.done < delivered.proxies.len() {
            return self.undelivered(&delivered);
        }
        self.stuck = None;
        self.memory.lease_until = Some(until);
        self.memory.ordered(&delivered);
        self.memory.at_step = self.memory.totals.clone();
        let percent = self.change.ramp.percent(step).unwrap_or_default();
        self.tell(&format!("{percent} in force: {}", delivered.summary()));
        let engine = self.memory.engine.clone();
        self.write(Event::StepInForce {
            engine,
            step,
            generation: delivered.generation.unwrap_or_default(),
            delivered: bare(delivered),
        });
        Ok(Flow::On)
    }

    /// Some proxies did not take the step. What all of them refuse is for a person to mend; else they
    /// have a while before everybody is taken back.
    fn undelivered(&mut self, delivered: &Delivered) -> Result<Flow> {
        let refused = |outcome: &crate::fleet::ProxyOutcome| match &outcome.result {
            Err(failed) => failed.kind == FailureKind::Refused,
            Ok(_) => false,
        };
        let missing = delivered.missing().join(", ");
        let first = delivered
            .proxies
            .iter()
            .find(|outcome| outcome.result.is_err());
        let first = first.map_or_else(String::new, |outcome| outcome.to_text());
        if delivered.proxies.iter().all(refused) {
            self.write(Event::Held {
                why: format!("every proxy refuses the share: {first}"),
            });
            return Ok(Flow::On);
        }
        self.tell(&format!(
            "not every proxy has taken the share, {missing}: {first}"
        ));
        let since = self.stuck.get_or_insert_with(Instant::now).elapsed();
        if since < self.session.project.config.ramp.silence.duration() {
            return Ok(Flow::On);
        }
        let concern = Concern::Missing {
            proxy: missing,
            why: first,
            since,
        };
        self.retreat(&concern)
    }

    /// Everybody stays: the lease goes.
    fn complete(&mut self, step: usize) -> Result<Flow> {
        let terms = orders::share(&self.change, step, None)?;
        let delivered = self.fleet.order(&terms, Some(&self.signer), &mut |_| {});
        if delivered.proxy_tally().done < delivered.proxies.len() {
            return self.undelivered(&delivered);
        }
        self.memory.lease_until = None;
        self.write(self.observation());
        match self.write(Event::Completed) {
            true => Ok(Flow::Over(End::Completed)),
            false => Ok(Flow::On),
        }
    }
}

/// Without the control, which has the whole warrant in it.
pub(super) fn bare(delivered: Delivered) -> Delivered {
    Delivered {
        control: None,
        ..delivered
    }
}
