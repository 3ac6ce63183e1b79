//! What is known before an order is sent: the generations in force and the policy's name.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use breakglass_policy::{Generation, Name};

use crate::answer::{RolloutState, StateAnswer};
use crate::proxy::{Answer, Failure};

/// What proxies and files say of a rollout, gathered while others are still asked.
pub(crate) struct Survey {
    rollout: Name,
    /// How many proxies are asked.
    asked: usize,
    /// How long a kill waits for the rest once it knows what it needs.
    patience: Option<Duration>,
    began: Instant,
    needs_policy: bool,
    known: Mutex<Known>,
    news: Condvar,
}

/// What all agree to send.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `None` where nobody knows the rollout.
    pub(crate) generation: Option<Generation>,
    pub(crate) policy: Result<Option<Name>, String>,
}

#[derive(Default)]
struct Known {
    answered: usize,
    highest: Option<Generation>,
    policies: BTreeSet<Name>,
    plan: Option<Plan>,
}

// === impl Survey ===

impl Survey {
    /// A survey of so many proxies. A kill does not wait for the slowest of them.
    pub(crate) fn new(rollout: &Name, asked: usize, needs_policy: bool, kills: bool) -> Self {
        Self {
            rollout: rollout.clone(),
            asked,
            patience: kills.then_some(PATIENCE),
            began: Instant::now(),
            needs_policy,
            known: Mutex::default(),
            news: Condvar::new(),
        }
    }

    /// Notes what a file says.
    pub(crate) fn note(&self, policy: &Name, generation: Generation) {
        let mut known = self.known();
        known.policies.insert(policy.clone());
        known.highest = known.highest.max(Some(generation));
    }

    /// Notes what a proxy says, or that it says nothing. Returns the generation in force there.
    pub(crate) fn record(
        &self,
        state: Result<Answer<StateAnswer>, Failure>,
    ) -> Result<Generation, Failure> {
        let state = state.map(|answer| answer.read);
        let found = state.as_ref().ok();
        let found = found.and_then(|state| state.rollout(&self.rollout));
        let current = found.and_then(RolloutState::generation);
        let mut known = self.known();
        known.answered += 1;
        known.highest = known.highest.max(current);
        if let (Ok(state), Some(_)) = (&state, current) {
            known.policies.extend(Name::new(&state.policy));
        }
        drop(known);
        self.news.notify_all();
        let state = state?;
        current.ok_or_else(|| Failure::Unsent(format!("not sent: {}", state.lacks(&self.rollout))))
    }

    /// Waits until it is known what to send. The first who knows decides for all.
    pub(crate) fn plan(&self) -> Plan {
        let mut known = self.known();
        loop {
            if let Some(plan) = &known.plan {
                return plan.clone();
            }
            let knows =
                known.highest.is_some() && (!self.needs_policy || !known.policies.is_empty());
            let left = self
                .patience
                .map(|patience| patience.saturating_sub(self.began.elapsed()));
            if known.answered >= self.asked || (knows && left == Some(Duration::ZERO)) {
                break;
            }
            known = match left.filter(|_| knows) {
                Some(left) => {
                    let waited = self.news.wait_timeout(known, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .news
                    .wait(known)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
        let plan = Plan {
            generation: known.highest.and_then(next),
            policy: self.policy(&known),
        };
        known.plan = Some(plan.clone());
        drop(known);
        self.news.notify_all();
        plan
    }

    fn policy(&self, known: &Known) -> Result<Option<Name>, String> {
        let mut names = known.policies.iter();
        match (names.next(), names.next()) {
            _ if !self.needs_policy => Ok(None),
            (Some(name), None) => Ok(Some(name.clone())),
            (None, _) => Err(
                "not sent: a signed order names its policy, and nobody says which; expected --policy-name"
                    .into(),
            ),
            // A proxy that names another's policy must not get an order for it.
            (Some(_), Some(_)) => {
                let names = known.policies.iter().map(Name::as_str);
                let names = names.collect::<Vec<_>>().join(", ");
                Err(format!(
                    "not sent: a signed order names its policy, and there are several ({names}); say which with --policy-name"
                ))
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The generation after this one.
pub(crate) fn next(generation: Generation) -> Option<Generation> {
    Generation::new(generation.get().saturating_add(1))
}

/// Far longer than a proxy takes that is well, far shorter than one takes that is gone.
const PATIENCE: Duration = Duration::from_millis(250);
