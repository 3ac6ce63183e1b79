//! Publishing a policy: its controls are joined into the state, as far as they may be.

use super::{Entry, Epoch, Published, State};
use crate::control::{Control, Generation};
use crate::envelope::Envelope;
use crate::name::Name;
use crate::policy::{Policy, Rollout};
use crate::time::Timestamp;
use crate::trust::Trust;
use crate::warrant::{Raise, Subject, Warrant, WarrantRefused};

/// What a policy offers for one rollout, and to whom it must be permitted.
struct Offer<'a> {
    trust: &'a Trust,
    policy: &'a Name,
    rollout: &'a Name,
    subject: &'a Subject,
    control: &'a Control,
    now: Timestamp,
}

// === impl State ===

impl State {
    /// Joins the trust and the controls of a policy into the state.
    ///
    /// A ramp that a join makes too long is cut short, which exposes less; a kill or a lease that came
    /// with it counts in any case. Where keys are trusted, a control that raises exposure needs a
    /// warrant; without one it is in force, so that no older control can be, but the rollout is closed.
    pub fn publish(&mut self, policy: &Policy, now: Timestamp) -> Published {
        let next = self.epoch.next();
        let (mut changed, trust_kept) = self.publish_trust(policy.trust.as_ref());
        let mut refused = Vec::new();
        for rollout in policy.rollouts.iter() {
            let name = &rollout.name;
            let (entry, refusal) = self.published(&policy.name, rollout, now);
            refused.extend(refusal.map(|refusal| (name.clone(), refusal)));
            if self.rollouts.get(name) != Some(&entry) {
                changed = true;
                let entry = entry.written(next, now, self.rollouts.get(name));
                self.rollouts.insert(name.clone(), entry);
            }
        }
        if changed {
            self.epoch = next;
            self.forget(&policy.rollouts);
        }
        Published {
            changed,
            refused,
            trust_kept,
        }
    }

    /// Checks whether a policy's trust may take the place of the one in force, or be ignored for it.
    ///
    /// # Errors
    /// It is another one of the same generation, so that nobody could tell which of them holds; or
    /// it would lock out everybody who may raise exposure.
    pub fn check_trust(&self, offered: &Trust) -> Result<(), String> {
        let Some(known) = &self.trust else {
            return Ok(());
        };
        if known.generation == offered.generation && known != offered {
            return Err(format!(
                "trust: differs from the one in force and has its generation, {}; expected a higher `generation`",
                known.generation
            ));
        }
        let newer = offered.generation > known.generation;
        if newer && known.can_raise() && !offered.can_raise() {
            return Err(
                "trust.raise: no set could ever sign with these keys, which would lock everybody out; expected a key for each role of at least one set".to_owned(),
            );
        }
        Ok(())
    }

    fn publish_trust(&mut self, offered: Option<&Trust>) -> (bool, Option<Generation>) {
        match (&self.trust, offered) {
            (Some(known), Some(offered)) if known.generation >= offered.generation => {
                let kept = (known != offered).then_some(known.generation);
                (false, kept)
            }
            (_, Some(offered)) => {
                self.trust = Some(offered.clone());
                (true, None)
            }
            (_, None) => (false, None),
        }
    }

    /// What a rollout of a policy makes of its entry, and why it is closed if it is for want of a
    /// warrant.
    fn published(
        &self,
        policy: &Name,
        rollout: &Rollout,
        now: Timestamp,
    ) -> (Entry, Option<WarrantRefused>) {
        let Rollout { name, control, .. } = rollout;
        let known = self.rollouts.get(name);
        let mut entry = Entry::joined(known, control);
        let Some(trust) = &self.trust else {
            return (entry, None);
        };
        let subject = Subject::of(rollout);
        // Only what permitted something is held.
        entry.control.warrant = known.and_then(|known| known.control.warrant.clone());
        let stale = known.is_some_and(|known| control.generation < known.control.generation);
        // A lapsed lease waits for a newer control.
        let refused = if stale || entry.lapsed {
            None
        } else {
            let offer = Offer {
                trust,
                policy,
                rollout: name,
                subject: &subject,
                control,
                now,
            };
            entry.admit(known, offer)
        };
        entry.subject = Some(subject);
        (entry, refused)
    }
}

// === impl Offer ===

impl Offer<'_> {
    /// The warrant that the policy brings, if it permits `control`, seen from what is `known`.
    fn permit(&self, known: Option<&Entry>, control: &Control) -> Result<Warrant, WarrantRefused> {
        let raise = Raise {
            policy: self.policy,
            rollout: self.rollout,
            subject: Some(self.subject),
            control,
            unmasks: known.is_some_and(|known| control.redaction < known.control.redaction),
            floor: known.map_or(Generation::default(), |known| known.floor),
            now: self.now,
        };
        self.trust.permit(self.control.warrant.as_deref(), raise)
    }
}

// === impl Trust ===

impl Trust {
    /// The warrant in `envelope`, if it permits the raise.
    pub(super) fn permit(
        &self,
        envelope: Option<&Envelope>,
        raise: Raise<'_>,
    ) -> Result<Warrant, WarrantRefused> {
        let Some(envelope) = envelope else {
            return Err(self.without_warrant());
        };
        let warrant = Warrant::open(envelope, self)?;
        warrant.permits(raise)?;
        Ok(warrant)
    }

    /// That there is none, and whose approval it needs.
    pub(super) fn without_warrant(&self) -> WarrantRefused {
        WarrantRefused::Missing(self.missing())
    }
}

// === impl Entry ===

impl Entry {
    /// The entry that follows from having seen `control` too, whoever permits it.
    pub(super) fn joined(known: Option<&Self>, control: &Control) -> Self {
        let live = |known: &Self| known.control.kill.is_none();
        let floor = match (control.kill, known) {
            // Whoever approved at this generation may have seen it alive.
            (Some(_), Some(known))
                if live(known) && known.control.generation == control.generation =>
            {
                control.generation.next()
            }
            (Some(_), _) => control.generation,
            (None, _) => Generation::default(),
        };
        let Some(known) = known else {
            return Self {
                control: control.clone(),
                since: Epoch::default(),
                at: Timestamp::EPOCH,
                lapsed: false,
                subject: None,
                approved: None,
                floor,
            };
        };
        let newer = control.generation > known.control.generation;
        let control = known.control.join(control).fitted();
        Self {
            // What was approved before a kill is approved no more.
            approved: known.approved.clone().filter(|_| control.kill.is_none()),
            control,
            lapsed: known.lapsed && !newer,
            floor: known.floor.max(floor),
            ..known.clone()
        }
    }

    /// Notes that the control rests on this warrant, which came in that envelope.
    pub(super) fn approve(&mut self, warrant: Warrant, envelope: Option<Box<Envelope>>) {
        self.floor = self.floor.max(warrant.after);
        let killed = self.control.kill.is_some();
        self.approved = (!killed).then_some(warrant.subject);
        self.control.warrant = envelope;
    }

    /// Judges what a policy made of this entry; where it is not permitted, takes back what it can.
    fn admit(&mut self, known: Option<&Self>, offer: Offer<'_>) -> Option<WarrantRefused> {
        let newer = known.is_none_or(|known| offer.control.generation > known.control.generation);
        let permitted = known.is_some_and(|known| known.permits(&self.control, offer.subject));
        let before = known.map(|known| &known.control);
        let loosens = before.is_some_and(|before| !self.control.restrains_as(before));
        if permitted {
            // Who needs none may bring a newer one for what comes next.
            if offer.control.warrant != self.control.warrant
                && let Ok(warrant) = offer.permit(known, &self.control)
            {
                self.approve(warrant, offer.control.warrant.clone());
            }
            return None;
        }
        if !loosens && !self.control.exposes(!offer.subject.pins.is_empty()) {
            // Nobody had to permit it, so nothing later rests on it.
            if newer {
                self.approved = None;
            }
            return None;
        }
        let mut refused = None;
        let mut result = offer.permit(known, &self.control);
        if let (Err(WarrantRefused::Exceeded(MASK)), Some(before)) = (&result, before) {
            // The rest may be permitted all the same.
            refused = Some(WarrantRefused::Exceeded(MASK));
            self.control.redaction = before.redaction;
            result = offer.permit(known, &self.control);
        }
        match result {
            Ok(warrant) => self.approve(warrant, offer.control.warrant.clone()),
            Err(error) => {
                refused = Some(error);
                if newer {
                    self.approved = None;
                    self.control.restrain(before);
                }
            }
        }
        refused
    }

    /// The entry as it is written at this moment. The order in force is a new one where the control or
    /// what it rests on is.
    pub(super) fn written(self, epoch: Epoch, now: Timestamp, before: Option<&Self>) -> Self {
        let same = before.is_some_and(|before| {
            (&before.control, &before.approved) == (&self.control, &self.approved)
        });
        match same {
            true => self,
            false => Self {
                since: epoch,
                at: now,
                ..self
            },
        }
    }

    /// Whether `control` may take this one's place, for a rollout described so, without a warrant of
    /// its own.
    fn permits(&self, control: &Control, subject: &Subject) -> bool {
        !self.lapsed && self.is_approved(subject) && control.exposes_no_more_than(&self.control)
    }
}

/// The term by which a warrant says that `mask_all` may be taken back.
const MASK: &str = "redaction";
