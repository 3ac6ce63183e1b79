//! One channel of text, scanned as it streams: what may still become a match is held back.

use std::ops::Range;

use crate::detect::{self, Hints, Match, Swallow};
use crate::limits;
use crate::mask;
use crate::profile::{Action, Profile};
use crate::tally::Tally;

/// The state of one channel of text. The text is that of a JSON string as it is written, escapes
/// and all, or plain text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// The end of the text that has left, and the text that is held back.
    text: Vec<u8>,
    /// Where in `text` what is held back begins.
    held_from: usize,
    /// How much of what stands before that left undecided, because it would have waited for ever.
    released: usize,
    /// A match that was certain before its end, and goes on.
    swallow: Option<Swallow>,
}

/// A text, or the part of it at hand, and where it stands.
struct Part<'a> {
    bytes: &'a [u8],
    text: Range<usize>,
    /// Where in the text there is something new.
    from: usize,
    ends: bool,
}

// === impl Scanner ===

impl Scanner {
    /// Takes more of the text and appends to `out` what is certain. `key` is the name of the JSON
    /// member that holds the text; empty if there is none.
    pub(crate) fn push(
        &mut self,
        profile: &Profile,
        key: &[u8],
        text: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        if self.text.is_empty() && self.swallow.is_none() {
            // The text is scanned where it is, and only its end is kept.
            let (held, left) = Self::scan(
                profile,
                key,
                text,
                0,
                0,
                false,
                out,
                tally,
                &mut self.swallow,
            );
            self.keep(text, held, left);
            return;
        }
        self.text.extend_from_slice(text);
        self.step(profile, key, false, out, tally);
    }

    /// The text ends: appends all that was held back.
    pub(crate) fn finish(
        &mut self,
        profile: &Profile,
        key: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        if !self.text.is_empty() {
            self.step(profile, key, true, out, tally);
        }
        self.text.clear();
        self.held_from = 0;
        self.released = 0;
        self.swallow = None;
    }

    /// Nothing may wait for ever: appends all that was held back, scanned as if the text ended here.
    /// What follows still belongs to the same text: the rest of a match that left in part is masked.
    pub(crate) fn release(
        &mut self,
        profile: &Profile,
        key: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        // Of a private key there is nothing to release, and its last line must be seen as a whole.
        if self.held() > 0 && self.swallow != Some(Swallow::Pem) {
            let swallow = self.swallow;
            let waited = self.held().saturating_add(self.released);
            self.step(profile, key, true, out, tally);
            self.swallow = swallow;
            self.released = waited.min(self.held_from);
        }
    }

    /// Bytes that are held back.
    pub(crate) fn held(&self) -> usize {
        self.text.len().saturating_sub(self.held_from)
    }

    /// Scans what is held back with what has come. Of a token of a few letters, calls would be much
    /// of the work.
    #[inline(always)]
    fn step(
        &mut self,
        profile: &Profile,
        key: &[u8],
        ends: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let mut from = self.held_from;
        if let Some(swallow) = self.swallow {
            let (end, over) = swallow.pass(&self.text, from, ends);
            let kept = tally.blocked().is_none() && self.counts_only(profile);
            if kept {
                out.extend_from_slice(self.text.get(from..end).unwrap_or_default());
            }
            from = end;
            if over {
                self.swallow = None;
            } else {
                self.forget(end, end);
                return;
            }
        }
        let released = std::mem::take(&mut self.released);
        let (held, left) = Self::scan(
            profile,
            key,
            &self.text,
            from.saturating_sub(released),
            from,
            ends,
            out,
            tally,
            &mut self.swallow,
        );
        // Of a word that left in part, or of a chain of matches, what is new is held; the rest is out.
        self.released = left.saturating_sub(held);
        self.forget(held, left);
    }

    /// Scans `text` from `from` on, appends what is certain from `left` on, and returns where what
    /// is not begins, and how far the text has left now.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a scanner has, taken apart so that the text may be its own or not"
    )]
    #[inline(always)]
    fn scan(
        profile: &Profile,
        key: &[u8],
        text: &[u8],
        from: usize,
        left: usize,
        ends: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
        swallow: &mut Option<Swallow>,
    ) -> (usize, usize) {
        let all = Part {
            bytes: text,
            text: 0..text.len(),
            from,
            ends,
        };
        let mut written = left;
        let (held, certain) = all.scan(profile, key, &mut written, out, tally, swallow);
        let left = certain.max(held).max(left);
        if tally.blocked().is_none() {
            out.extend_from_slice(text.get(written..left).unwrap_or_default());
        }
        (held, left)
    }

    /// The text up to `left` has left, and from `held` on is looked at again: forgets what stands so
    /// far before that that no verdict looks back at it.
    fn forget(&mut self, held: usize, left: usize) {
        let from = held.saturating_sub(limits::BEHIND_BYTES);
        // Not for every token: the rest has to move.
        if from < FORGOTTEN_BYTES {
            self.held_from = left;
            return;
        }
        self.text.drain(..from.min(self.text.len()));
        self.held_from = left.saturating_sub(from);
    }

    /// The same for a text that is not its own: keeps the rest.
    fn keep(&mut self, text: &[u8], held: usize, left: usize) {
        let from = held.saturating_sub(limits::BEHIND_BYTES);
        self.text.clear();
        // Not step by step, for a text that comes token by token.
        self.text.reserve(KEPT_BYTES);
        self.text
            .extend_from_slice(text.get(from..).unwrap_or_default());
        self.held_from = left.saturating_sub(from);
        self.released = left.saturating_sub(held);
    }

    /// Whether a match that goes on passes as it is: only keys and addresses do, and both are
    /// counted under their entities.
    fn counts_only(&self, profile: &Profile) -> bool {
        let entity = match self.swallow {
            Some(Swallow::Domain) => crate::Entity::EmailAddress,
            _ => crate::Entity::Secret,
        };
        profile.action(entity.into()) == Some(Action::Count)
    }
}

/// Scans the text in `range` of `bytes`, which is whole and no part of a longer one. Of the bytes,
/// those before `left` have left; appends those from there on up to the end of the last match that
/// is replaced, and returns where that is. All behind it may leave as it is.
pub(crate) fn whole(
    profile: &Profile,
    key: &[u8],
    bytes: &[u8],
    range: Range<usize>,
    left: usize,
    out: &mut Vec<u8>,
    tally: &mut Tally,
) -> usize {
    let part = Part {
        bytes,
        text: range,
        from: 0,
        ends: true,
    };
    let mut left = left;
    part.scan(profile, key, &mut left, out, tally, &mut None);
    left
}

// === impl Part ===

impl Part<'_> {
    /// Scans the text. Appends the bytes from `left` on up to the last match that is replaced, and
    /// moves `left` there. Returns where in the text what is not certain begins, and up to where the
    /// bytes have matches that are: in a chain of them that is further.
    #[inline]
    fn scan(
        &self,
        profile: &Profile,
        key: &[u8],
        left: &mut usize,
        out: &mut Vec<u8>,
        tally: &mut Tally,
        swallow: &mut Option<Swallow>,
    ) -> (usize, usize) {
        let Self { bytes, from, .. } = *self;
        let text = bytes.get(self.text.clone()).unwrap_or_default();
        if profile.wanted == 0 && profile.is_idle() {
            return (text.len(), *left);
        }
        let before = *left;
        let mut certain = before;
        let hints = Hints { key, bare: false };
        let held = detect::scan(
            profile,
            hints,
            text,
            from,
            self.ends,
            &mut |found: Match| {
                let start = self.text.start.saturating_add(found.start);
                let end = self.text.start.saturating_add(found.end);
                // What left before it was certain has been counted then.
                if end <= before {
                    return;
                }
                certain = end;
                let Some(action) = profile.action(found.kind) else {
                    return;
                };
                let is_blocked = tally.blocked().is_some();
                tally.count(found.kind, action);
                *swallow = found.goes_on;
                // What is only counted leaves with what is around it.
                if is_blocked || action == Action::Count {
                    return;
                }
                out.extend_from_slice(bytes.get(*left..start.max(*left)).unwrap_or_default());
                *left = end;
                if action == Action::Mask {
                    mask::placeholder(profile.name(found.kind), out);
                }
            },
        );
        (held, certain)
    }
}

/// Bytes that a scanner has memory for: what it keeps of ordinary text.
const KEPT_BYTES: usize = limits::BEHIND_BYTES + FORGOTTEN_BYTES + 64;
/// Bytes that are forgotten at once.
const FORGOTTEN_BYTES: usize = limits::BEHIND_BYTES;

#[cfg(test)]
mod tests;
