//! One body that is scanned as it passes.

use std::borrow::Cow;

use breakglass_policy::Direction;
use breakglass_redact::{Action, Format, Kind, Profile, Redactor, Tally};

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
            strict: None,
            found: Tally::default(),
        }
    }

    /// Whether nothing was looked for so far.
    pub(crate) fn is_idle(&self) -> bool {
        self.redactor.is_none()
    }

    /// A chunk passes that nobody looks at.
    pub(crate) fn pass_unseen(&mut self) {
        self.begun = true;
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
        let profile = match masks_all {
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
        let held = self.redactor.as_ref().map_or(0, Redactor::held);
        if self.rewrites { held } else { 0 }
    }

    pub(crate) fn rewrites(&self) -> bool {
        self.rewrites
    }

    /// Counts what one chunk brought.
    pub(crate) fn count(
        &self,
        plan: &RolloutPlan,
        arm: breakglass_policy::Arm,
        profile: &Profile,
        news: &Tally,
    ) {
        for (kind, action, times) in news.iter() {
            let counter =
                plan.metrics
                    .redactions(arm, profile.name(kind), self.direction, as_str(action));
            counter.add(times);
        }
        for _ in 0..news.oversized_events() {
            plan.metrics
                .unscanned(Reason::Oversized.as_str())
                .increment();
        }
    }

    /// What was found so far, for the access log: `EMAIL_ADDRESS:2,IN_PAN:1`. Counts, never values.
    pub(crate) fn summary(&self, profile: &Profile) -> Option<String> {
        let mut summary = String::new();
        let mut named: Vec<Kind> = Vec::new();
        for (kind, _, _) in self.found.iter() {
            if named.contains(&kind) {
                continue;
            }
            named.push(kind);
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

/// How a body is read whose beginning was not: events and lines are found again, the strings of one
/// document are not, so it is read as text.
fn joined(format: Format) -> Format {
    match format {
        Format::Sse | Format::NdJson => format,
        Format::Json | Format::Text => Format::Text,
    }
}

fn as_str(action: Action) -> &'static str {
    match action {
        Action::Count => "count",
        Action::Mask => "mask",
        Action::Block => "block",
    }
}
