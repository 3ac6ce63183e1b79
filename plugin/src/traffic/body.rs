//! One body that is scanned as it passes.

use std::borrow::Cow;

use breakglass_policy::{Arm, ArmTally, Direction, Entity, Redactions};
use breakglass_redact::{Action, Format, Kind, Profile, Redactor, Tally};

use crate::sse::{self, Boundary};
use crate::traffic::plan::RolloutPlan;
use crate::traffic::redaction::Reason;

/// The scan of one body.
#[derive(Debug)]
pub(crate) struct Body {
    direction: Direction,
    format: Format,
    /// `None` until there is something to look for.
    redactor: Option<Redactor>,
    /// Whether what leaves comes from the redactor. Otherwise it only watches.
    rewrites: bool,
    /// Whether a chunk has passed.
    begun: bool,
    /// Whether it has the length that its headers tell, so that it can be watched but not rewritten.
    has_length: bool,
    /// How what has passed unchanged ends.
    passed: Boundary,
    /// The rest of the event in whose middle the rewriting began, which is read as text.
    torn: Option<Redactor>,
    /// The profile while a control masks everything.
    strict: Option<Box<Profile>>,
    /// What was found in all.
    found: Tally,
}

/// What becomes of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// It passes as it is.
    Passes,
    /// What was written leaves in its place.
    Replaced,
    /// What was written leaves in its place, and nothing after it: this was found.
    Withheld(Kind),
    /// As [`Self::Withheld`]: it cannot be scanned as a whole, and the policy does not let it pass.
    Oversized,
}

// === impl Body ===

impl Body {
    pub(crate) fn new(direction: Direction, format: Format) -> Self {
        Self {
            direction,
            format,
            redactor: None,
            rewrites: false,
            begun: false,
            has_length: false,
            passed: Boundary::START,
            torn: None,
            strict: None,
            found: Tally::default(),
        }
    }

    /// The length that the headers tell stays: an order that comes in the middle of it is too late.
    pub(crate) fn with_length(self) -> Self {
        Self {
            has_length: true,
            ..self
        }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether nothing was looked for so far.
    pub(crate) fn is_idle(&self) -> bool {
        self.redactor.is_none()
    }

    /// A chunk that ends like this passes, and nobody looks at it.
    pub(crate) fn pass_unseen(&mut self, tail: &[u8]) {
        self.begun = true;
        self.passed.pass(tail);
    }

    /// Scans a chunk; the last one where the body `ends`. Writes into `out`, which is empty, what
    /// leaves in its place.
    pub(crate) fn pass(
        &mut self,
        usual: &Profile,
        masks_all: bool,
        chunk: &[u8],
        ends: bool,
        out: &mut Vec<u8>,
        news: &mut Tally,
    ) -> Chunk {
        let begun = std::mem::replace(&mut self.begun, true);
        // Once strict, strict to the end: the policy that takes the order's place is not the one that
        // this body was opened under.
        let masks_all = masks_all || self.strict.is_some();
        let profile = match masks_all && !self.has_length {
            true => self
                .strict
                .get_or_insert_with(|| Box::new(usual.mask_all())),
            false => usual,
        };
        if self.redactor.is_none() && profile.is_idle() {
            return Chunk::Passes;
        }
        // A switch in the middle of a body: what was only watched has left already.
        let joins = profile.changes_text() && !self.rewrites && begun;
        self.rewrites |= profile.changes_text();
        let format = if begun {
            joined(self.format)
        } else {
            self.format
        };
        let redactor = self.redactor.get_or_insert_with(|| Redactor::new(format));
        if joins {
            *redactor = Redactor::new(format);
            let torn = !is_between(format, self.passed);
            self.torn = torn.then(|| Redactor::new(Format::Text));
        }
        let mut chunk = chunk;
        if let Some(torn) = &mut self.torn {
            let (rest, others) = split(format, &mut self.passed, chunk);
            torn.push(profile, rest, out, news);
            chunk = others;
            if ends || is_between(format, self.passed) {
                torn.finish(profile, out, news);
                self.torn = None;
            }
        }
        if !self.rewrites {
            self.passed.pass(tail(chunk));
        }
        redactor.push(profile, chunk, out, news);
        if ends {
            redactor.finish(profile, out, news);
        }
        self.found.add(news);
        match (news.blocked(), self.rewrites) {
            (Some(kind), _) => Chunk::Withheld(kind),
            (None, true) => Chunk::Replaced,
            (None, false) => Chunk::Passes,
        }
    }

    /// Bytes of text that wait for what follows.
    pub(crate) fn held(&self) -> usize {
        let redactors = [&self.redactor, &self.torn].into_iter().flatten();
        let held = redactors.fold(0, |sum: usize, one| sum.saturating_add(one.held()));
        if self.rewrites { held } else { 0 }
    }

    pub(crate) fn has_length(&self) -> bool {
        self.has_length
    }

    pub(crate) fn rewrites(&self) -> bool {
        self.rewrites
    }

    /// Counts what one chunk brought.
    pub(crate) fn count(&self, plan: &RolloutPlan, arm: Arm, profile: &Profile, news: &Tally) {
        for (kind, action, times) in news.iter() {
            let counter =
                plan.metrics
                    .redactions(arm, profile.name(kind), self.direction, as_str(action));
            counter.add(times);
        }
        if news.oversized_events() > 0 {
            plan.metrics
                .unscanned(Reason::Oversized.as_str())
                .add(news.oversized_events());
        }
    }

    /// Whether a part of it was not scanned as it should be.
    pub(crate) fn has_gaps(&self) -> bool {
        self.found.oversized_events() > 0
    }

    /// Adds to a tally what was found in all of it, apart from what [`Self::add_intolerable`] has added.
    pub(crate) fn add_found(&self, plan: &RolloutPlan, arm: Arm, tally: &mut ArmTally) {
        let profile = plan.redaction.profile(arm, self.direction);
        for kind in kinds(&self.found) {
            let name = profile.name(kind);
            if !plan.is_zero_tolerance(name)
                && let Some(entity) = Entity::new(name)
            {
                tally.redacted(&entity, self.found.of(kind).into());
            }
        }
    }

    /// Adds to a tally what a chunk brought that must not be found at all; tells whether it brought
    /// any. The answer counts with the first.
    pub(crate) fn add_intolerable(
        &self,
        plan: &RolloutPlan,
        arm: Arm,
        news: &Tally,
        tally: &mut ArmTally,
    ) -> bool {
        let profile = plan.redaction.profile(arm, self.direction);
        let mut any = false;
        for kind in kinds(news) {
            let name = profile.name(kind);
            let Some(entity) = Entity::new(name).filter(|_| plan.is_zero_tolerance(name)) else {
                continue;
            };
            any = true;
            let is_first = self.found.of(kind) <= news.of(kind);
            let redactions = Redactions {
                answers: is_first.into(),
                found: news.of(kind).into(),
            };
            tally.add(&ArmTally {
                redactions: [(entity, redactions)].into_iter().collect(),
                ..ArmTally::default()
            });
        }
        any
    }

    /// What was found so far, for the access log: `EMAIL_ADDRESS:2,IN_PAN:1`. Counts, never values.
    pub(crate) fn summary(&self, profile: &Profile) -> Option<String> {
        let mut summary = String::new();
        for kind in kinds(&self.found) {
            let separator = if summary.is_empty() { "" } else { "," };
            summary.push_str(&format!(
                "{separator}{}:{}",
                profile.name(kind),
                self.found.of(kind)
            ));
        }
        let member: Cow<'_, str> = match self.direction {
            Direction::Request => "request_redactions=".into(),
            Direction::Response => "redactions=".into(),
        };
        (!summary.is_empty()).then(|| format!("{member}{summary}"))
    }
}

/// What was found, each kind once.
fn kinds(tally: &Tally) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (kind, _, _) in tally.iter() {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// How a body is read whose beginning was not: events and lines are found again, the strings of one
/// document are not, so it is read as text.
fn joined(format: Format) -> Format {
    match format {
        Format::Sse | Format::NdJson => format,
        Format::Json | Format::Text => Format::Text,
    }
}

/// Whether what has passed ends between events or lines.
fn is_between(format: Format, passed: Boundary) -> bool {
    match format {
        Format::Sse => passed.is_between_events(),
        Format::NdJson => passed.is_between_lines(),
        Format::Json | Format::Text => true,
    }
}

/// Cuts a chunk where the event that is open ends, if it does, and notes that this far has passed.
fn split<'a>(format: Format, passed: &mut Boundary, chunk: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let mut others = chunk.iter();
    while !is_between(format, *passed) {
        let Some(byte) = others.next() else {
            break;
        };
        passed.pass(&[*byte]);
    }
    let others = others.as_slice();
    (chunk.strip_suffix(others).unwrap_or(chunk), others)
}

/// As much of the end of a chunk as a [`Boundary`] needs to see.
pub(crate) fn tail(chunk: &[u8]) -> &[u8] {
    let from = chunk.len().saturating_sub(sse::TAIL);
    chunk.get(from..).unwrap_or_default()
}

fn as_str(action: Action) -> &'static str {
    match action {
        Action::Count => "count",
        Action::Mask => "mask",
        Action::Block => "block",
    }
}
