//! The control: the live state of a rollout, and how several of them become one.

use std::fmt;

use serde::Serialize;

use crate::document::{DocumentError, FromTree, Tree, read_by_serde, read_struct, read_words};
use crate::envelope::Envelope;
use crate::limits;
use crate::percent::Percent;
use crate::ramp::Ramp;
use crate::time::Timestamp;

/// The live state of one rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Control {
    /// Counts the changes of this control; of two controls the higher generation wins.
    pub generation: Generation,
    /// The canary's share over time. Left out: nobody.
    #[serde(default)]
    pub ramp: Ramp,
    /// The lease: after this moment the control has lapsed. Left out: it never lapses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// What happens when the lease lapses.
    #[serde(default)]
    pub on_lapse: OnLapse,
    /// The kill-switch; `null` or left out while it is off.
    #[serde(default)]
    pub kill: Option<Kill>,
    /// The switch for redaction; `null` or left out: as the policy says.
    // Not written while it is off: workers of an older build read the shared state too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<LiveRedaction>,
    /// The warrant that the control rests on where the policy names trusted keys, as a DSSE envelope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warrant: Option<Box<Envelope>>,
}

/// Counts the changes of a control: 0 to 2^53 - 1, which every JSON reader holds exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Generation(u64);

/// The kill-switch of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Kill {
    /// Where requests go from now on.
    pub mode: KillMode,
    /// What happens to requests that are already under way on a killed arm.
    #[serde(default)]
    pub in_flight: InFlight,
}

/// Where requests of a killed rollout go, in order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KillMode {
    /// Everyone to stable; the canary is killed.
    Rollback,
    /// The agent answers nobody; both arms are killed.
    Block,
}

/// What happens to the open requests of a killed arm, in order of strictness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum InFlight {
    /// They may finish.
    #[default]
    Drain,
    /// Open answers end at their next chunk, waiting requests get 503.
    Cut,
}

/// What a lapsed lease does, in order of strictness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnLapse {
    /// The ramp stays where it stood.
    Hold,
    /// Everyone falls back to stable.
    #[default]
    Stable,
}

/// What is redacted beyond what the policy says, in order of strictness. It holds in both directions
/// and on both arms, for open streams too, and does not end with the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LiveRedaction {
    /// Every entity, built in or defined, is masked; those that the policy blocks stay blocked.
    MaskAll,
}

// === impl Control ===

read_struct!(Control {
    generation: required "generation",
    ramp: or_default "ramp",
    not_after: or_default "not_after",
    on_lapse: or_default "on_lapse",
    kill: or_default "kill",
    redaction: or_default "redaction",
    warrant: or_default "warrant",
});

impl Control {
    /// The control that follows from having seen both, whichever came first.
    ///
    /// The higher generation wins; at equal generation each term is the stricter of the two. This
    /// is commutative, associative and idempotent, so pushes, orders and restarts may arrive in
    /// any order, any number of times.
    pub fn join(&self, other: &Self) -> Self {
        match self.generation.cmp(&other.generation) {
            std::cmp::Ordering::Greater => self.clone(),
            std::cmp::Ordering::Less => other.clone(),
            std::cmp::Ordering::Equal => self.strictest(other),
        }
    }

    /// Whether this control exposes at no moment more than `other` does, generations apart.
    pub fn exposes_no_more_than(&self, other: &Self) -> bool {
        let strictest = Self {
            generation: self.generation,
            warrant: self.warrant.clone(),
            ..self.strictest(other)
        };
        strictest == *self
    }

    /// The canary's share of the units at `now`, pins apart: what kill, lease and ramp leave of it.
    pub fn share_at(&self, now: Timestamp) -> Percent {
        match (self.kill, self.not_after, self.on_lapse) {
            (Some(_), _, _) => Percent::ZERO,
            (None, Some(end), OnLapse::Stable) if now > end => Percent::ZERO,
            (None, Some(end), OnLapse::Hold) => self.ramp.percent_at(now.min(end)),
            (None, _, _) => self.ramp.percent_at(now),
        }
    }

    /// Whether kill and redaction are at least as strict as those of `before`.
    pub(crate) fn restrains_as(&self, before: &Self) -> bool {
        let mut strictest = self.clone();
        strictest.restrain(Some(before));
        strictest == *self
    }

    /// Keeps kill and redaction at least as strict as those of `before`.
    pub(crate) fn restrain(&mut self, before: Option<&Self>) {
        let Some(before) = before else {
            return;
        };
        self.kill = strictest(self.kill, before.kill);
        self.redaction = self.redaction.max(before.redaction);
    }

    /// Whether it has a lease that ends at stable.
    pub fn falls_back(&self) -> bool {
        self.not_after.is_some() && self.on_lapse == OnLapse::Stable
    }

    /// Whether anybody can be on the canary, now or later; `pinned`: somebody is by hand.
    pub(crate) fn exposes(&self, pinned: bool) -> bool {
        self.kill.is_none() && (pinned || !self.ramp.is_empty())
    }

    /// Whether the ramp still has a length that a proxy holds; only joins can make it too long.
    pub fn fits(&self) -> bool {
        self.ramp.steps().len() <= limits::RAMP_STEPS
    }

    /// This control with a ramp that fits: one that is too long stops growing at its last step
    /// within the limit, so the control never exposes more than before.
    pub(crate) fn fitted(mut self) -> Self {
        self.ramp.truncate(limits::RAMP_STEPS);
        self
    }

    fn strictest(&self, other: &Self) -> Self {
        Self {
            generation: self.generation,
            ramp: self.ramp.min(&other.ramp),
            not_after: earlier(self.not_after, other.not_after),
            on_lapse: self.on_lapse.max(other.on_lapse),
            kill: strictest(self.kill, other.kill),
            // None is the least of all.
            redaction: self.redaction.max(other.redaction),
            // Evidence, not exposure: any one of the two, the same whichever came first.
            warrant: self.warrant.as_ref().max(other.warrant.as_ref()).cloned(),
        }
    }
}

/// The stricter of two kills, term by term; no kill is the least strict.
fn strictest(a: Option<Kill>, b: Option<Kill>) -> Option<Kill> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.strictest(b)),
        (a, b) => a.or(b),
    }
}

/// The earlier of two leases; no lease is the latest.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

// === impl KillMode, InFlight, OnLapse, LiveRedaction ===

read_words!(KillMode { "rollback" => Rollback, "block" => Block });
read_words!(InFlight { "drain" => Drain, "cut" => Cut });
read_words!(OnLapse { "hold" => Hold, "stable" => Stable });
read_words!(LiveRedaction { "mask_all" => MaskAll });

// === impl Generation ===

impl Generation {
    /// The generation with this number; `None` above 2^53 - 1.
    pub fn new(number: u64) -> Option<Self> {
        (number <= limits::GENERATION).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The generation after this one; of the last one, itself.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1).min(limits::GENERATION))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromTree for Generation {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let expected = "a generation from 0 to 9007199254740991";
        let number = match tree {
            Tree::Unsigned(number) => Self::new(*number),
            Tree::Signed(_) => None,
            other => return other.mismatch(&expected),
        };
        match number {
            Some(generation) => Ok(generation),
            None => DocumentError::invalid(tree, &expected),
        }
    }
}

read_by_serde!(Generation);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Generation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Generation".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Counts the changes of a control; of two controls the higher generation wins.",
            "type": "integer",
            "minimum": 0,
            "maximum": limits::GENERATION
        })
    }
}

// === impl Kill ===

read_struct!(Kill {
    mode: required "mode",
    in_flight: or_default "in_flight",
});

impl Kill {
    /// Whether open requests of the killed arms are cut.
    pub fn cuts(self) -> bool {
        self.in_flight == InFlight::Cut
    }

    fn strictest(self, other: Self) -> Self {
        Self {
            mode: self.mode.max(other.mode),
            in_flight: self.in_flight.max(other.in_flight),
        }
    }
}

#[cfg(test)]
mod tests;
