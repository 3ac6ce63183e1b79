//! Bringing an order to one proxy.

use breakglass_policy::{Generation, Name};

use crate::answer::{OrderAnswer, StateAnswer};
use crate::fleet::compose::Composer;
use crate::fleet::survey::{Plan, Survey, next};
use crate::fleet::terms::Terms;
use crate::proxy::{Answer, Failure, Proxy};

/// How an order is brought to every proxy.
pub(crate) struct Delivery<'a> {
    pub(crate) terms: &'a Terms,
    pub(crate) composer: Composer<'a>,
    /// What there is to be known first; `None` where nothing is.
    pub(crate) survey: Option<&'a Survey>,
}

// === impl Delivery ===

impl Delivery<'_> {
    /// Sends the order; a kill that comes too late again, with a higher generation.
    pub(crate) fn to(&self, proxy: &Proxy) -> Result<Answer<OrderAnswer>, Failure> {
        let (plan, current) = match self.survey {
            Some(survey) => {
                let current = survey.record(proxy.get::<StateAnswer>("/v1/state"));
                (survey.plan(), current.map(Some))
            }
            None => (Plan::default(), Ok(None)),
        };
        let policy = match plan.policy {
            Ok(policy) => policy,
            // Who cannot be reached is that above all.
            Err(why) => return Err(current.err().unwrap_or(Failure::Unsent(why))),
        };
        // Whose state could not be read may obey all the same, if the others know the generation. And if
        // one of them is at the last that there is, the rest still have a next of their own.
        let own = current.as_ref().ok().copied().flatten();
        let planned = self.terms.generation().or(plan.generation);
        let Some(mut generation) = planned.or_else(|| own.and_then(next)) else {
            return Err(current.err().unwrap_or_else(|| {
                Failure::Unsent("not sent: it has the highest generation that there is".into())
            }));
        };
        if let (Some(current), true) = (own, self.may_rise()) {
            // Of a proxy that spoke up after the rest had gone.
            generation = generation.max(next(current).unwrap_or(generation));
        }
        let mut tries = 1;
        loop {
            let failure = match self.send(proxy, generation, policy.as_ref()) {
                Ok(answer) => return self.checked(answer),
                Err(failure) => failure,
            };
            let stale = matches!(&failure, Failure::Problem(problem) if problem.is_stale());
            if !stale || !self.may_rise() || tries == TRIES {
                return Err(failure);
            }
            match self.beyond(proxy, generation, &failure) {
                Some(higher) => generation = higher,
                None => return Err(failure),
            }
            tries += 1;
        }
    }

    fn send(
        &self,
        proxy: &Proxy,
        generation: Generation,
        policy: Option<&Name>,
    ) -> Result<Answer<OrderAnswer>, Failure> {
        let posting = self.composer.posting(generation, policy);
        let posting = posting.map_err(Failure::Unsent)?;
        proxy.post("/v1/orders", posting.content_type, &posting.body)
    }

    /// Whether the order may get a higher generation than was planned: only a kill must not lose a race.
    fn may_rise(&self) -> bool {
        self.terms.kills() && self.composer.is_free()
    }

    /// A generation higher than the one that was refused and the one that is in force.
    fn beyond(&self, proxy: &Proxy, refused: Generation, failure: &Failure) -> Option<Generation> {
        let told = match failure {
            Failure::Problem(problem) => problem.current(),
            _ => None,
        };
        let current = told.or_else(|| {
            let state = proxy.get::<StateAnswer>("/v1/state").ok()?.read;
            state.rollout(&self.terms.order().rollout)?.generation()
        });
        next(refused.max(current?))
    }

    /// Who says that a kill was carried out has it in the control that it tells.
    fn checked(&self, answer: Answer<OrderAnswer>) -> Result<Answer<OrderAnswer>, Failure> {
        match self.terms.kills() && answer.read.is_armed() {
            true => Err(Failure::Malformed(
                "answered 200, but the control that it tells has no kill".into(),
            )),
            false => Ok(answer),
        }
    }
}

// === impl Plan ===

impl Default for Plan {
    fn default() -> Self {
        Self {
            generation: None,
            policy: Ok(None),
        }
    }
}

/// How often a kill is ordered until somebody else's changes let it through.
const TRIES: u32 = 5;
