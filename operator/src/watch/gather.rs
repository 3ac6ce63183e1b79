//! What the view shows, gathered: from the journal, from the engine's mind, from the proxies.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Result;
use breakglass_policy::{ArmTally, Name, Tallies, Timestamp};
use serde_json::{Value, json};

use super::view::{
    ArmView, JudgeView, Phase, ProxyView, RedactionView, StepState, StepView, Trends, View,
    WatcherView,
};
use crate::change::event::Event;
use crate::change::ramp::{End, Phase as Stand};
use crate::change::record::ChangeId;
use crate::change::{Change, Ledger};
use crate::clock;
use crate::engine::lock::Lock;
use crate::engine::memory::Memory;
use crate::engine::presence::Presence;
use crate::engine::signals::tally;
use crate::fleet::{Fleet, Observed, ProxySeen};
use crate::session::Session;

/// A view with what belongs to it.
pub(crate) struct Gathered {
    pub(crate) view: View,
    pub(crate) rollout: Name,
    /// Of the day, in the project's zone.
    pub(crate) time: String,
    pub(crate) json: Value,
}

/// Gathers views, one after the other.
pub(crate) struct Gatherer {
    session: Session,
    fleet: Fleet,
    presence: Presence,
    ledger: Ledger,
    change: Change,
    trends: VecDeque<(Timestamp, Tallies)>,
    trouble: Option<String>,
}

// === impl Gatherer ===

impl Gatherer {
    pub(crate) fn new(session: Session, id: &ChangeId) -> Result<Self> {
        let ledger = session.ledger()?;
        let change = ledger.change(id)?.clone();
        Ok(Self {
            fleet: session.project.proxies_alone()?,
            presence: Presence::of(&session.project.store(), id),
            session,
            ledger,
            change,
            trends: VecDeque::new(),
            trouble: None,
        })
    }

    /// How it is now. What cannot be found out now is as it was.
    pub(crate) fn gather(&mut self) -> Gathered {
        let read = self.session.ledger().and_then(|ledger| {
            self.change = ledger.change(&self.change.id)?.clone();
            self.ledger = ledger;
            Ok(())
        });
        self.trouble = read.err().map(|error| format!("{error:#}"));
        self.presence.look();
        let now = clock::now();
        let observed = self.fleet.observe(&self.change.declared.rollout);
        let memory = Memory::read(&self.session.project.store(), &self.change.id);
        // One from before it was rearmed says nothing about now.
        let memory = memory.filter(|_| self.change.ramp.phase != Stand::NotStarted);
        let totals = memory.as_ref().map(|memory| memory.totals.clone());
        self.remember(now, totals.unwrap_or_else(|| sums(&observed)));
        let view = self.view(now, memory.as_ref(), &observed);
        let windows = &self.session.project.config.windows;
        Gathered {
            json: self.json(now, memory.as_ref(), &observed),
            rollout: self.change.declared.rollout.clone(),
            time: windows.time_of_day(now),
            view,
        }
    }

    fn view(&self, now: Timestamp, memory: Option<&Memory>, observed: &Observed) -> View {
        let (change, ramp) = (&self.change, &self.change.ramp);
        let config = &self.session.project.config;
        let share = ramp.share();
        let within = config.ramp.heartbeat.duration();
        let engine = memory.map(|memory| {
            let ago = now.since(memory.at).as_secs();
            format!("{}, {ago} s ago", memory.engine)
        });
        let lease = memory.and_then(|memory| memory.lease_until);
        let overdue = self.ledger.changes().filter(|change| change.is_open());
        let overdue = overdue.flat_map(|change| change.debts(config));
        let overdue = overdue.filter(|debt| debt.is_overdue(now));
        View {
            change: change.id.to_string(),
            title: change.declared.title.clone(),
            rollout: change.declared.rollout.to_string(),
            stable_version: change.declared.versions.stable.clone(),
            canary_version: change.declared.versions.canary.clone(),
            status: self.status(now, memory),
            steps: self.steps(),
            lease_left: lease.map(|until| until.since(now)),
            // The engine renews it when a third of it is over.
            short_lease: config.ramp.lease.duration() / 3,
            engine,
            engine_alive: Lock::is_taken(&self.session.project.store(), &change.id)
                || memory.is_some_and(|memory| now.since(memory.at) <= ENGINE_SILENCE),
            watchers: self.watchers(within),
            asked_percent: percent(share),
            achieved_percent: self.achieved(),
            arms: self.arms(),
            judge: memory.map_or_else(Vec::new, judged),
            proxies: observed
                .proxies
                .iter()
                .map(|proxy| self.proxy(proxy))
                .collect(),
            messages: self.messages(),
            debts_overdue: overdue.count(),
        }
    }

    fn status(&self, now: Timestamp, memory: Option<&Memory>) -> Phase {
        let ramp = &self.change.ramp;
        let waiting_for = memory.map_or_else(Vec::new, |memory| memory.waits_for.clone());
        let plan = ramp.plan.as_ref().map_or(&[][..], |plan| plan.steps());
        let at = |step: usize, since: Option<Timestamp>| {
            let hold = plan.get(step).map(|step| step.hold.duration());
            let stood = since.map(|since| now.since(since));
            let left = hold
                .zip(stood)
                .map(|(hold, stood)| hold.saturating_sub(stood));
            Phase::Step {
                index: step + 1,
                of: plan.len(),
                percent: plain(percent(ramp.percent(step).unwrap_or_default())),
                asked_since: stood.unwrap_or_default(),
                hold_left: left.filter(|left| *left > Duration::ZERO),
                confirmed: ramp.confirmed.contains(&step),
                waiting_for: waiting_for.clone(),
            }
        };
        match (&ramp.phase, &ramp.held) {
            (Stand::Ended { end, .. }, _) => match end {
                End::Completed => Phase::Complete,
                End::Killed { by, why } => Phase::Killed {
                    by: by.to_string(),
                    why: why.clone(),
                },
                End::RolledBack { why } | End::Lapsed { why } => {
                    Phase::RolledBack { why: why.clone() }
                }
            },
            (Stand::NotStarted | Stand::Started, None) => Phase::Waiting,
            (_, Some(why)) => Phase::Held { why: why.clone() },
            (Stand::Begun { step }, None) => at(*step, None),
            (Stand::InForce { step, since, .. }, None) => at(*step, Some(*since)),
        }
    }

    fn steps(&self) -> Vec<StepView> {
        let ramp = &self.change.ramp;
        let now = match &ramp.phase {
            Stand::Begun { step } | Stand::InForce { step, .. } => Some(*step),
            _ => None,
        };
        let steps = ramp
            .plan
            .iter()
            .flat_map(|plan| plan.steps().iter().enumerate());
        let view = |(index, step): (usize, &crate::project::plan::Step)| StepView {
            percent: plain(percent(step.percent)),
            hold: step.hold.to_string(),
            state: match now {
                _ if ramp.is_completed() => StepState::Done,
                Some(now) if index < now => StepState::Done,
                Some(now) if index == now => StepState::Now,
                _ => StepState::Next,
            },
        };
        steps.map(view).collect()
    }

    fn watchers(&self, within: Duration) -> Vec<WatcherView> {
        let seen = self.presence.seen();
        let view = |(who, since): (&Name, Duration)| WatcherView {
            who: who.to_string(),
            since,
            fresh: since <= within,
        };
        seen.map(view).collect()
    }

    fn achieved(&self) -> Option<f64> {
        let (_, totals) = self.trends.back()?;
        let (stable, canary) = (totals.stable.requests, totals.canary.requests);
        let all = stable.saturating_add(canary);
        (all > 0).then(|| 100.0 * canary as f64 / all as f64)
    }

    fn arms(&self) -> [ArmView; 2] {
        [
            self.arm(|tallies| &tallies.stable),
            self.arm(|tallies| &tallies.canary),
        ]
    }

    fn arm(&self, arm: impl Fn(&Tallies) -> &ArmTally) -> ArmView {
        let Some((_, totals)) = self.trends.back() else {
            return ArmView::default();
        };
        let total = arm(totals);
        let rate = |count: fn(&ArmTally) -> u64| -> Vec<u64> {
            let pairs = self.trends.iter().zip(self.trends.iter().skip(1));
            let rate = |((before, was), (after, is)): (&(_, Tallies), &(_, Tallies))| {
                let millis = u64::try_from(Timestamp::since(*after, *before).as_millis());
                let grown = count(arm(is)).saturating_sub(count(arm(was)));
                grown.saturating_mul(1_000_000) / millis.unwrap_or(u64::MAX).max(1)
            };
            pairs.map(rate).collect()
        };
        let requests = rate(|arm| arm.requests);
        let answers = total.answers.max(1) as f64;
        let redactions = total
            .redactions
            .iter()
            .map(|(entity, found)| RedactionView {
                entity: entity.to_string(),
                per_1000: format!("{:.1}", 1000.0 * found.answers as f64 / answers),
            });
        ArmView {
            requests: total.requests,
            requests_per_s: requests
                .last()
                .map_or(0.0, |thousandths| *thousandths as f64 / 1e3),
            errors: total.errors,
            error_percent: (total.answers > 0).then(|| 100.0 * total.errors as f64 / answers),
            slow: total.slow + total.slow_first_byte,
            redactions: redactions.collect(),
            trends: Trends {
                requests,
                errors: rate(|arm| arm.errors),
                redactions: rate(|arm| arm.redactions.iter().map(|(_, found)| found.found).sum()),
            },
        }
    }

    fn proxy(&self, proxy: &ProxySeen) -> ProxyView {
        let share = self.change.ramp.share();
        match &proxy.seen {
            Ok(seen) => {
                let running = matches!(self.change.ramp.phase, Stand::InForce { .. });
                let text = match (&seen.closed, seen.killed) {
                    (_, true) => "killed".to_owned(),
                    (Some(why), _) => format!("closed: {why}"),
                    (None, false) if running && seen.percent != Some(share) => {
                        format!("{} in force", seen.percent.unwrap_or_default())
                    }
                    _ => String::new(),
                };
                ProxyView {
                    name: proxy.name.clone(),
                    ok: seen.workers.all() && (text.is_empty() || !running),
                    generation: Some(seen.generation.get()),
                    workers: format!("{}/{}", seen.workers.in_force, seen.workers.total),
                    text,
                }
            }
            Err(failed) => ProxyView {
                name: proxy.name.clone(),
                ok: false,
                generation: None,
                workers: "–".into(),
                text: failed.to_text(),
            },
        }
    }

    fn messages(&self) -> Vec<String> {
        let windows = &self.session.project.config.windows;
        let entries = self.change.entries.iter().rev();
        let telling = entries.filter(|entry| !matches!(entry.event, Event::Observed(_)));
        let lines = telling.take(MESSAGES).map(|entry| {
            let time = windows.time_of_day(entry.at);
            format!("{time} {}: {}", entry.by, entry.event.to_text())
        });
        let mut lines: Vec<_> = lines.collect();
        lines.reverse();
        lines.extend(self.trouble.clone());
        lines
    }

    fn remember(&mut self, now: Timestamp, totals: Tallies) {
        self.trends.push_back((now, totals));
        if self.trends.len() > SAMPLES {
            self.trends.pop_front();
        }
    }

    fn json(&self, now: Timestamp, memory: Option<&Memory>, observed: &Observed) -> Value {
        json!({
            "at": now,
            "change": self.change.id,
            "stage": self.change.stage(),
            "share": self.change.ramp.share(),
            "held": self.change.ramp.held,
            "waits_for": memory.map(|memory| &memory.waits_for),
            "lease_until": memory.and_then(|memory| memory.lease_until),
            "engine": memory.map(|memory| json!({"id": memory.engine, "at": memory.at})),
            "watching": self.presence.seen().map(|(who, _)| who).collect::<Vec<_>>(),
            "tallies": self.trends.back().map(|(_, totals)| totals),
            "signals": memory.map(|memory| &memory.reports),
            "proxies": observed.proxies,
        })
    }
}

/// What all proxies have counted since they started: until an engine counts from the ramp's beginning.
fn sums(observed: &Observed) -> Tallies {
    let mut sums = Tallies::default();
    for (_, seen) in observed.seen() {
        for (sum, arm) in [
            (&mut sums.stable, &seen.stable),
            (&mut sums.canary, &seen.canary),
        ] {
            sum.add(&tally(arm).unwrap_or_default());
        }
    }
    sums
}

fn judged(memory: &Memory) -> Vec<JudgeView> {
    let reports = memory.reports.iter();
    let view = |report: &breakglass_policy::SignalReport| JudgeView {
        signal: match &report.entity {
            Some(entity) => format!("{} {entity}", report.signal.as_str()),
            None => report.signal.as_str().to_owned(),
        },
        text: format!(
            "canary {} of {}, stable {} of {}",
            report.canary.bad, report.canary.of, report.stable.bad, report.stable.of
        ),
        e_value: report.e_value,
        threshold: report.threshold,
        tripped: report.tripped(),
    };
    reports.map(view).collect()
}

fn percent(share: breakglass_policy::Percent) -> f64 {
    f64::from(share.ppm()) / 10_000.0
}

fn plain(percent: f64) -> String {
    format!("{percent}")
}

/// A minute of seconds.
const SAMPLES: usize = 61;
const MESSAGES: usize = 8;
/// An engine looks every second or so.
const ENGINE_SILENCE: Duration = Duration::from_secs(10);
