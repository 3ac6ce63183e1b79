//! The bytes of an order: with its generation, its policy and its time, signed or not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use breakglass_policy::{Envelope, Generation, Name, PayloadType, limits};

use crate::clock;
use crate::fleet::terms::Terms;
use crate::signer::Signer;

/// Writes an order, once for each generation: whoever signs is asked no more often than needed.
pub(crate) struct Composer<'a> {
    terms: &'a Terms,
    signer: Option<&'a Signer>,
    composed: Mutex<BTreeMap<Generation, Result<Arc<Posting>, String>>>,
}

/// An order as it is sent.
#[derive(Debug)]
pub(crate) struct Posting {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

// === impl Composer ===

impl<'a> Composer<'a> {
    pub(crate) fn new(terms: &'a Terms, signer: Option<&'a Signer>) -> Self {
        Self {
            terms,
            signer,
            composed: Mutex::default(),
        }
    }

    /// Whether the order still lacks the name of its policy.
    pub(crate) fn needs_policy(&self) -> bool {
        self.signer.is_some() && self.is_free() && self.terms.order().policy.is_none()
    }

    /// Whether the order may be written again, with another generation.
    pub(crate) fn is_free(&self) -> bool {
        self.terms.envelope().is_none()
    }

    /// The order of this generation, for this policy where it names none.
    pub(crate) fn posting(
        &self,
        generation: Generation,
        policy: Option<&Name>,
    ) -> Result<Arc<Posting>, String> {
        let mut composed = self.composed.lock().unwrap_or_else(PoisonError::into_inner);
        let posting = composed.entry(generation).or_insert_with(|| {
            let posting = self.compose(generation, policy);
            posting
                .map(Arc::new)
                .map_err(|error| format!("not sent: {error:#}"))
        });
        posting.clone()
    }

    fn compose(&self, generation: Generation, policy: Option<&Name>) -> Result<Posting> {
        if let Some(envelope) = self.terms.envelope() {
            return Posting::signed(envelope);
        }
        let mut order = self.terms.order().clone();
        order.generation = generation;
        let Some(signer) = self.signer else {
            return Posting::new(ORDER, serde_json::to_vec(&order)?);
        };
        order.policy = order.policy.or_else(|| policy.cloned());
        order.issued_at = order.issued_at.or_else(|| Some(clock::now()));
        let mut envelope = Envelope::new(PayloadType::OrderJson, serde_json::to_vec(&order)?);
        signer.sign(&mut envelope)?;
        Posting::signed(&envelope)
    }
}

// === impl Posting ===

impl Posting {
    fn signed(envelope: &Envelope) -> Result<Self> {
        Self::new(ENVELOPE, serde_json::to_vec(envelope)?)
    }

    fn new(content_type: &'static str, body: Vec<u8>) -> Result<Self> {
        if body.len() > limits::ORDER_BYTES {
            anyhow::bail!(
                "the order has {} bytes, expected at most {}; a warrant that the proxies hold can be named by its digest",
                body.len(),
                limits::ORDER_BYTES
            );
        }
        Ok(Self { content_type, body })
    }
}

const ORDER: &str = "application/vnd.breakglass.order+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
