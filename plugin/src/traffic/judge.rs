//! The judge of one rollout, at work over what all workers have counted.

use std::cell::RefCell;
use std::hash::Hasher;
use std::ops::Deref;

use breakglass_policy::judge::Verdict;
use breakglass_policy::{
    Arm, Generation, InFlight, Increment, Judge, Rollout, SignalName, Tallies, Timestamp, Trial,
};
use rustc_hash::FxHasher;

use crate::live::Standing;
use crate::store::{Judged, Record, StoreError, Trip};
use crate::vm;

thread_local! {
    /// The trials that this machine looked at last, by their encoding, the last one first.
    static KEPT: RefCell<Vec<(Vec<u8>, Trial)>> = const { RefCell::new(Vec::new()) };
}

/// What a rollout's trial is about.
#[derive(Debug)]
pub(crate) struct JudgePlan {
    judge: Judge,
    /// Tells trials apart: another judge or another version begins another one.
    identity: u64,
}

/// What a worker brings to a look at the trial.
pub(crate) struct Look<'a> {
    /// What it has counted, which is part of the record already.
    pub(crate) news: &'a Tallies,
    pub(crate) standing: Standing,
    pub(crate) now: Timestamp,
    /// Whether it may not wait.
    pub(crate) urgent: bool,
    /// Whether the policy at hand is the one that was published last.
    pub(crate) is_newest: &'a dyn Fn() -> bool,
    /// Puts a kill in force and tells its generation.
    pub(crate) kill: &'a dyn Fn(InFlight) -> Result<Generation, StoreError>,
}

/// What came of a look.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// All that there is.
    All,
    /// Another worker has just looked: what came since then waits.
    Later,
    /// The canary is worse, and everyone is on stable from this generation on.
    Tripped(Verdict, Generation),
}

// === impl JudgePlan ===

impl JudgePlan {
    pub(crate) fn new(rollout: &Rollout) -> Option<Self> {
        let judge = rollout.judge.clone()?;
        let mut hasher = FxHasher::default();
        for arm in Arm::BOTH {
            hasher.write(rollout.arms.get(arm).version.as_str().as_bytes());
            hasher.write_u8(0);
        }
        hasher.write(&serde_json::to_vec(&judge).unwrap_or_default());
        Some(Self {
            judge,
            identity: hasher.finish(),
        })
    }

    /// Shows the trial what came since the last look. If it trips, the kill is in force before anybody
    /// can read why.
    pub(crate) fn look(&self, record: &mut Record, look: &Look<'_>) -> Seen {
        let Standing {
            generation,
            killed,
            share,
        } = look.standing;
        let Record { sums, judged } = record;
        if let Some(other) = judged
            && other.identity != self.identity
            && !(look.is_newest)()
        {
            // Of versions that have been replaced: counted, but not in this trial.
            other.seen.add(look.news);
            return Seen::All;
        }
        let known = judged.take().filter(|it| it.identity == self.identity);
        let judged =
            judged.insert(known.unwrap_or_else(|| self.begin(sums.since(look.news), look)));
        if killed && generation >= judged.began {
            judged.ended = judged.ended.max(Some(generation));
        }
        match judged.ended {
            // Somebody has armed it again.
            Some(ended) if !killed && generation > ended => {
                *judged = self.begin(sums.clone(), look);
            }
            Some(_) => return Seen::All,
            None => {}
        }
        if *sums == judged.seen {
            return Seen::All;
        }
        let me = vm::worker();
        let pause = match judged.looked_by == me {
            true => PAUSE_MILLIS,
            false => OTHERS_PAUSE_MILLIS,
        };
        let (now, last) = (look.now.millis(), judged.looked_at.millis());
        if !look.urgent && now.abs_diff(last) < pause {
            return Seen::Later;
        }
        let mut trial = self.trial(&judged.trial);
        let increment = Increment::between(&judged.seen, sums, share, look.now);
        let verdict = trial.observe(&increment);
        let mut seen = Seen::All;
        if let Some(verdict) = verdict {
            let in_flight = match verdict.0.signal {
                // What is open leaks as well; of anything else most open answers are good.
                SignalName::ZeroTolerance => InFlight::Cut,
                _ => InFlight::Drain,
            };
            let Ok(generation) = (look.kill)(in_flight) else {
                return Seen::Later;
            };
            judged.ended = Some(generation);
            judged.trip = Some(Trip {
                at: look.now,
                generation,
            });
            seen = Seen::Tripped(verdict, generation);
        }
        judged.looked_at = look.now;
        judged.looked_by = me;
        judged.seen = sums.clone();
        judged.trial = trial.encode().unwrap_or_default();
        KEPT.with_borrow_mut(|kept| {
            kept.truncate(TRIALS_KEPT.saturating_sub(1));
            kept.insert(0, (judged.trial.clone(), trial));
        });
        seen
    }

    /// Reads a trial. One that cannot be read begins anew.
    fn trial(&self, bytes: &[u8]) -> Trial {
        let kept = KEPT.with_borrow_mut(|kept| {
            let place = kept.iter().position(|(known, _)| known == bytes);
            place.map(|place| kept.remove(place).1)
        });
        let read = || Trial::decode(bytes).unwrap_or_else(|_| Trial::new(&self.judge));
        kept.unwrap_or_else(read)
    }

    fn begin(&self, seen: Tallies, look: &Look<'_>) -> Judged {
        Judged {
            identity: self.identity,
            began: look.standing.generation,
            ended: None,
            looked_at: Timestamp::EPOCH,
            looked_by: vm::worker(),
            seen,
            trip: None,
            trial: Trial::new(&self.judge).encode().unwrap_or_default(),
        }
    }
}

impl Deref for JudgePlan {
    type Target = Judge;

    fn deref(&self) -> &Judge {
        &self.judge
    }
}

/// Between two looks: less than a tick, and no more often however many workers there are.
const PAUSE_MILLIS: u64 = 15;
/// As long as somebody else looks with every tick, it stays with that worker, which knows the trial:
/// to read one takes three times as long as to look.
const OTHERS_PAUSE_MILLIS: u64 = 35;
/// Trials that a worker keeps as it wrote them last.
const TRIALS_KEPT: usize = 32;
