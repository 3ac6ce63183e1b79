//! What shall be ordered, and what of it is still to be found out.

use anyhow::{Result, bail};
use breakglass_policy::{Envelope, Generation, Name, Order, WarrantReference};

/// An order that may still lack its generation, its policy and its time.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Its generation is the one that was chosen, or counts for nothing.
    order: Order,
    generation: Option<Generation>,
    /// The order as it was signed before.
    envelope: Option<Envelope>,
}

// === impl Terms ===

impl Terms {
    /// This order. `generation`: the one that it shall have, whatever it says itself; `None` for one more
    /// than the highest of all proxies and files. Who signs fills in policy and time where they are
    /// missing.
    pub(crate) fn of(order: Order, generation: Option<Generation>) -> Self {
        let order = Order {
            generation: generation.unwrap_or(order.generation),
            ..order
        };
        Self {
            order,
            generation,
            envelope: None,
        }
    }

    /// An order that stands as it was signed.
    ///
    /// # Errors
    /// That there is no order in the envelope, or what is wrong with it.
    pub(crate) fn signed(envelope: Envelope) -> Result<Self> {
        let order = envelope.order()?;
        Ok(Self {
            generation: Some(order.generation),
            order,
            envelope: Some(envelope),
        })
    }

    /// An order that changes nothing yet: `Order { ramp: …, ..Terms::blank(rollout) }`.
    pub(crate) fn blank(rollout: Name) -> Order {
        Order {
            policy: None,
            rollout,
            generation: Generation::default(),
            ramp: None,
            not_after: None,
            kill: None,
            redaction: None,
            warrant: None,
            issued_at: None,
        }
    }

    /// These terms with what permits them to raise exposure.
    ///
    /// # Errors
    /// That they have a warrant already, or were signed without.
    pub(crate) fn with_warrant(mut self, warrant: WarrantReference) -> Result<Self> {
        if self.order.warrant.is_some() {
            bail!("the order has a warrant already");
        }
        if self.envelope.is_some() {
            bail!("a signed order cannot be changed");
        }
        self.order.warrant = Some(warrant);
        Ok(self)
    }

    pub(crate) fn order(&self) -> &Order {
        &self.order
    }

    /// The generation that was chosen; `None` where the proxies are asked first.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.generation
    }

    pub(crate) fn envelope(&self) -> Option<&Envelope> {
        self.envelope.as_ref()
    }

    /// Whether it turns the kill-switch on.
    pub(crate) fn kills(&self) -> bool {
        matches!(self.order.kill, Some(Some(_)))
    }
}
