//! All proxies of a project and the files that they start from, as one: to be ordered, and to be asked.
#![cfg_attr(
    not(test),
    expect(
        dead_code,
        unused_imports,
        reason = "the commands of a change are to come"
    )
)]

mod compose;
mod deliver;
mod delivered;
mod keep;
mod observed;
mod survey;
mod terms;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use breakglass_policy::{Generation, Name};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use delivered::{Delivered, Failed, ProxyOutcome, Receipt};
pub(crate) use keep::{FileOutcome, Kept};
pub(crate) use observed::{Answers, ArmSeen, Observed, ProxySeen, Redactions, RolloutSeen};
pub(crate) use terms::Terms;

use crate::answer::{ReceiptsAnswer, StateAnswer};
use crate::clock;
use crate::fleet::compose::Composer;
use crate::fleet::deliver::Delivery;
use crate::fleet::keep::Keeper;
use crate::fleet::survey::Survey;
use crate::proxy::{self, Proxy};
use crate::signer::Signer;
use crate::targets::Targets;

/// The proxies of a project, and the files that they start from.
pub(crate) struct Fleet {
    targets: Targets,
    durable: Vec<PathBuf>,
}

/// What became of an order in one place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told<'a> {
    /// A proxy has answered, or will not.
    Proxy {
        outcome: &'a ProxyOutcome,
        /// As it wrote it; or what there is instead.
        json: &'a Value,
    },
    /// A file has been dealt with.
    File(&'a FileOutcome),
}

// === impl Fleet ===

impl Fleet {
    pub(crate) fn new(targets: Targets, durable: Vec<PathBuf>) -> Self {
        Self { targets, durable }
    }

    /// Gives an order to all at once, and has the files hold what it comes to. `told` learns of each as
    /// it happens, the proxies before the files.
    ///
    /// A kill does not wait for who is slow, is given again where somebody else's order was faster, and
    /// is in the files before any proxy has answered. What was signed before is sent as it is, whoever
    /// the signer.
    pub(crate) fn order(
        &self,
        terms: &Terms,
        signer: Option<&Signer>,
        told: &mut dyn FnMut(Told<'_>),
    ) -> Delivered {
        let began = Instant::now();
        let rollout = &terms.order().rollout;
        // What the files say counts for the generation, and is read before it changes.
        let said = keep::said(&self.durable, rollout);
        let mut delivered = Delivered::default();
        thread::scope(|scope| {
            // Neither channel waits for the other.
            let files = self.durable.iter();
            let keepers = files.map(|file| Keeper::begin(file, terms, scope));
            let keepers: Vec<_> = keepers.collect();
            self.deliver(terms, signer, &said, &mut delivered, told);
            for keeper in keepers {
                let outcome = keeper.finish(rollout, delivered.control.as_ref());
                told(Told::File(&outcome));
                delivered.files.push(outcome);
            }
        });
        delivered.elapsed_ms = millis_since(began);
        delivered
    }

    /// Asks all at once what they have of a rollout, and what came to its arms.
    pub(crate) fn observe(&self, rollout: &Name) -> Observed {
        let at = clock::now();
        let seen = self.ask("/v1/state", |state: &StateAnswer| {
            RolloutSeen::of(state, rollout)
        });
        let seen = seen
            .into_iter()
            .map(|(name, _, seen)| ProxySeen { name, seen });
        Observed {
            at,
            proxies: seen.collect(),
        }
    }

    /// Asks all at once which workers have this generation of a rollout in force, or a higher one.
    pub(crate) fn receipts(&self, rollout: &Name, generation: Generation) -> Vec<ProxyOutcome> {
        let path = format!("/v1/receipts/{generation}");
        let receipts = self.ask(&path, |answer: &ReceiptsAnswer| {
            let mut receipts = answer.rollouts.iter();
            let receipt = receipts.find(|receipt| receipt.rollout == rollout.as_str());
            let receipt = receipt.map(|receipt| Receipt {
                generation: receipt.generation,
                workers: receipt.workers.clone(),
            });
            receipt.ok_or_else(|| {
                Failed::absent(format!("{rollout} has not reached generation {generation}"))
            })
        });
        let receipts = receipts.into_iter();
        let outcomes = receipts.map(|(name, elapsed_ms, result)| ProxyOutcome {
            name,
            elapsed_ms,
            result,
        });
        outcomes.collect()
    }

    fn deliver(
        &self,
        terms: &Terms,
        signer: Option<&Signer>,
        said: &[(Name, Generation)],
        delivered: &mut Delivered,
        told: &mut dyn FnMut(Told<'_>),
    ) {
        let proxies = self.targets.proxies();
        let composer = Composer::new(terms, signer);
        let needs_policy = composer.needs_policy();
        let rollout = &terms.order().rollout;
        let survey = Survey::new(rollout, proxies.len(), needs_policy, terms.kills());
        for (policy, generation) in said {
            survey.note(policy, *generation);
        }
        let asks = terms.generation().is_none() || needs_policy;
        let delivery = Delivery {
            terms,
            composer,
            survey: asks.then_some(&survey),
        };
        let work = |proxy: &Proxy| {
            let began = Instant::now();
            (delivery.to(proxy), millis_since(began))
        };
        proxy::each(&proxies, work, |proxy, (answer, elapsed_ms)| {
            let (result, json) = match answer {
                Ok(answer) => {
                    delivered.note(&answer.read);
                    (Ok(Receipt::from(answer.read)), answer.json)
                }
                Err(failure) => (Err(Failed::from(&failure)), failure.to_json()),
            };
            let outcome = ProxyOutcome {
                name: proxy.name().into(),
                elapsed_ms,
                result,
            };
            told(Told::Proxy {
                outcome: &outcome,
                json: &json,
            });
            delivered.proxies.push(outcome);
        });
        let place = |outcome: &ProxyOutcome| place(&proxies, &outcome.name);
        delivered.proxies.sort_by_cached_key(place);
    }

    /// Has `work` done for every proxy at the same time; what came of it, in the order of the targets.
    pub(crate) fn each<T: Send>(&self, work: impl Fn(&Proxy) -> T + Sync) -> Vec<(String, T)> {
        let proxies = self.targets.proxies();
        let mut results = Vec::new();
        proxy::each(&proxies, work, |proxy, result| {
            results.push((proxy.name().to_owned(), result));
        });
        results.sort_by_cached_key(|(name, _)| place(&proxies, name));
        results
    }

    /// Asks all at once; what each answers, after how many milliseconds, in the order of the targets.
    fn ask<T: DeserializeOwned + Send, U: Send>(
        &self,
        path: &str,
        read: impl Fn(&T) -> Result<U, Failed> + Sync,
    ) -> Vec<(String, u64, Result<U, Failed>)> {
        let proxies = self.targets.proxies();
        let mut answers = Vec::new();
        let work = |proxy: &Proxy| {
            let began = Instant::now();
            let answer = proxy.get::<T>(path);
            let elapsed_ms = millis_since(began);
            let read = match answer {
                Ok(answer) => read(&answer.read),
                Err(failure) => Err(Failed::from(&failure)),
            };
            (elapsed_ms, read)
        };
        proxy::each(&proxies, work, |proxy, (elapsed_ms, read)| {
            answers.push((proxy.name().to_owned(), elapsed_ms, read));
        });
        answers.sort_by_cached_key(|(name, ..)| place(&proxies, name));
        answers
    }
}

/// Where a proxy stands among the others.
fn place(proxies: &[Proxy], name: &str) -> Option<usize> {
    proxies.iter().position(|proxy| proxy.name() == name)
}

fn millis_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

// === impl Told ===

impl Told<'_> {
    /// The proxy or the file.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Proxy { outcome, .. } => &outcome.name,
            Self::File(outcome) => &outcome.file,
        }
    }

    /// The line about it: `10.0.0.7:10001  carried out  generation 8  workers 3/3  …`.
    pub(crate) fn to_text(self) -> String {
        let text = match self {
            Self::Proxy { outcome, .. } => outcome.to_text(),
            Self::File(outcome) => outcome.to_text(),
        };
        format!("{}  {text}", self.name())
    }
}
