//! Obeying an order.

use super::{Entry, State};
use crate::control::Control;
use crate::limits;
use crate::name::Name;
use crate::order::{Order, OrderRefused, Posted};
use crate::time::Timestamp;
use crate::trust::Trust;
use crate::warrant::{Raise, WarrantReference, WarrantRefused};

impl State {
    /// Carries an order out, if who gave it may; tells whether that changed anything.
    ///
    /// Without trusted keys anybody may lower exposure and nobody raise it. With them, one trusted
    /// signature lowers, and a warrant raises too.
    ///
    /// # Errors
    /// Why it is refused; nothing has changed then.
    pub fn obey(
        &mut self,
        posted: &Posted,
        policy: &Name,
        now: Timestamp,
    ) -> Result<bool, OrderRefused> {
        posted.authenticate(policy, self.trust.as_ref(), now)?;
        let order = posted.order();
        let name = &order.rollout;
        let Some(entry) = self.rollouts.get(name) else {
            return Err(OrderRefused::UnknownRollout(name.clone()));
        };
        let current = entry.control.generation;
        if order.generation.get().saturating_sub(current.get()) > limits::GENERATION_JUMP {
            return Err(OrderRefused::TooFar { current });
        }
        let lowered = || entry.lowered(order, self.trust.as_ref());
        let ordered = match (&self.trust, &order.warrant) {
            (Some(trust), Some(reference)) => {
                let raised = entry.raised(order, trust, reference, policy, now);
                // A kill is not refused for the warrant that it brings.
                match (raised, order.kill) {
                    (Err(refused), Some(Some(_))) => lowered().map_err(|_| refused)?,
                    (raised, _) => raised?,
                }
            }
            _ => lowered()?,
        };
        if ordered == *entry {
            return Ok(false);
        }
        let next = self.epoch.next();
        let ordered = ordered.written(next, now, Some(entry));
        self.rollouts.insert(name.clone(), ordered);
        self.epoch = next;
        Ok(true)
    }
}

// === impl Entry ===

impl Entry {
    fn lowered(&self, order: &Order, trust: Option<&Trust>) -> Result<Self, OrderRefused> {
        // Nobody is on the canary of a closed rollout: who asks for a share there asks for more.
        let asks_for_share = order.ramp.as_ref().is_some_and(|ramp| !ramp.is_empty())
            && order.over(&self.control).kill.is_none()
            && order.generation > self.control.generation;
        if let Some(trust) = trust
            && asks_for_share
            && (self.lapsed || self.approved.is_none())
        {
            return Err(OrderRefused::Warrant(trust.without_warrant()));
        }
        let control = match (order.lower(&self.control), trust) {
            (Err(OrderRefused::Raises(_)), Some(trust)) => {
                return Err(OrderRefused::Warrant(trust.without_warrant()));
            }
            (result, _) => result?,
        };
        // The canary that the order leaves rests on what this one does.
        Ok(Self {
            lapsed: self.lapsed,
            ..Self::joined(Some(self), &control)
        })
    }

    fn raised(
        &self,
        order: &Order,
        trust: &Trust,
        reference: &WarrantReference,
        policy: &Name,
        now: Timestamp,
    ) -> Result<Self, OrderRefused> {
        let current = &self.control;
        let envelope = match (reference, &current.warrant) {
            (WarrantReference::Carried(envelope), _) => envelope,
            (WarrantReference::Named(digest), Some(held)) if held.digest() == *digest => held,
            (WarrantReference::Named(digest), _) => {
                let refused = WarrantRefused::NotHeld(digest.clone());
                return Err(OrderRefused::Warrant(refused));
            }
        };
        let ordered = Control {
            warrant: Some(envelope.clone()),
            ..order.over(current)
        };
        if order.generation <= current.generation {
            // Said again it is harmless; anything else needs a generation of its own.
            return match ordered == *current && !order.is_empty() {
                true => Ok(self.clone()),
                false => Err(OrderRefused::Stale {
                    current: current.generation,
                }),
            };
        }
        let mut raised = Self::joined(Some(self), &ordered);
        let raise = Raise {
            policy,
            rollout: &order.rollout,
            subject: self.subject(),
            control: &ordered,
            unmasks: current.redaction.is_some() && ordered.redaction.is_none(),
            floor: self.floor,
            now,
        };
        let warrant = trust.permit(Some(envelope), raise);
        let warrant = warrant.map_err(OrderRefused::Warrant)?;
        raised.approve(warrant, Some(envelope.clone()));
        Ok(raised)
    }
}
