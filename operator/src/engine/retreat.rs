//! The way back: the proxies first, the journal after.

use std::thread;

use anyhow::Result;
use breakglass_policy::{InFlight, Percent};

use crate::change::event::Event;
use crate::change::ramp::End;
use crate::clock;
use crate::engine::signals::Concern;
use crate::engine::steps::bare;
use crate::engine::{Engine, Flow, orders};
use crate::fleet::Told;
use crate::journal::Spooled;
use crate::outcome::note;

// === impl Engine ===

impl Engine {
    /// Takes everybody back, asking nobody.
    pub(super) fn retreat(&mut self, concern: &Concern) -> Result<Flow> {
        let in_flight = match concern.cuts() {
            true => InFlight::Cut,
            false => InFlight::Drain,
        };
        let terms = orders::back(&self.change.declared.rollout, in_flight);
        let delivered = self.fleet.order(&terms, Some(&self.signer), &mut told);
        let why = concern.to_string();
        note(&format!("ROLLED BACK: {why}; {}", delivered.summary()));
        self.keep(self.observation());
        self.keep(Event::Signal {
            signal: concern.name().into(),
            verdict: why.clone(),
            detail: concern.detail(),
        });
        let reached = delivered.everywhere();
        let (event, end) = match concern {
            Concern::Lapsed { .. } => (Event::Lapsed { why: why.clone() }, End::Lapsed { why }),
            _ => (
                Event::RolledBack {
                    why: why.clone(),
                    delivered: bare(delivered),
                },
                End::RolledBack { why },
            ),
        };
        self.keep(event);
        match reached {
            true => Ok(Flow::Over(end)),
            false => self.follow(end),
        }
    }

    /// Follows those who were not reached until they are, or until their lease is over.
    pub(super) fn follow(&mut self, end: End) -> Result<Flow> {
        let ramp = &self.session.project.config.ramp;
        let (poll, rollout) = (ramp.poll.duration(), self.change.declared.rollout.clone());
        if end == End::Completed {
            return Ok(Flow::Over(end));
        }
        loop {
            let observed = self.proxies.observe(&rollout);
            let exposed = observed.proxies.iter().filter(|proxy| match &proxy.seen {
                Ok(seen) => !seen.killed && seen.percent != Some(Percent::ZERO),
                Err(_) => true,
            });
            let exposed: Vec<_> = exposed.map(|proxy| proxy.name.clone()).collect();
            if exposed.is_empty() {
                return Ok(Flow::Over(end));
            }
            let lease = self.memory.lease_until.unwrap_or_default();
            if lease < clock::now() {
                note(&format!(
                    "not reached: {}; their lease ended at {lease}, with it their canary",
                    exposed.join(", ")
                ));
                return Ok(Flow::Over(end));
            }
            self.tell(&format!(
                "not back yet, tried again until {lease}: {}",
                exposed.join(", ")
            ));
            // The strictest: at a proxy that has it already a milder one would be a raise.
            let terms = orders::back(&rollout, InFlight::Cut);
            self.fleet.order(&terms, Some(&self.signer), &mut |_| {});
            thread::sleep(poll);
        }
    }

    /// Writes an event down, or leaves it where it is found when the journal can be written again.
    fn keep(&mut self, event: Event) {
        if self.write(event.clone()) {
            return;
        }
        let store = self.session.project.store();
        let spooled = Spooled::new(&self.by, Some(&self.change.id), clock::now(), event);
        match spooled.and_then(|spooled| spooled.save(&store)) {
            Ok((_, true)) => {}
            Ok((file, false)) => note(&format!(
                "an event waits in {}; `breakglass journal add` takes it in",
                file.display()
            )),
            Err(error) => note(&format!("an event is lost to the journal: {error:#}")),
        }
    }
}

fn told(told: Told<'_>) {
    note(&told.to_text());
}
