//! A stream of events: each is kept until it is whole.

use super::event::Rewriter;
use super::lines::{EventEnd, Framing};
use super::passing::Passing;
use crate::limits;
use crate::profile::Profile;
use crate::tally::Tally;

/// Where in a stream its bytes have got to.
#[derive(Debug)]
pub(super) struct Events {
    framing: Framing,
    /// The event that is not whole yet, and what is known of its end.
    kept: Vec<u8>,
    end: EventEnd,
    /// Whether the last event ended with a CR, so that an LF still belongs to it.
    may_end: bool,
    /// Whether that LF is bound to come: the line before ended with one.
    must_end: bool,
    rewriter: Rewriter,
    passing: Passing,
}

// === impl Events ===

impl Events {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            kept: Vec::new(),
            end: EventEnd::default(),
            may_end: false,
            must_end: false,
            rewriter: Rewriter::new(framing),
            passing: Passing::new(framing),
        }
    }

    pub(super) fn push(
        &mut self,
        profile: &Profile,
        chunk: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let is_idle = profile.is_idle();
        self.rewriter.begin(profile);
        if is_idle {
            self.rewriter.finish(profile, out, tally);
        }
        let mut rest = chunk;
        while !rest.is_empty() && tally.blocked().is_none() {
            let size = self.step(profile, rest, is_idle, out, tally);
            rest = rest.get(size..).unwrap_or_default();
        }
        self.rewriter.settle(out);
    }

    pub(super) fn finish(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.passing.finish(profile, out, tally);
        let kept = std::mem::take(&mut self.kept);
        if !kept.is_empty() {
            self.rewriter.event(profile, &kept, true, out, tally);
        }
        self.rewriter.finish(profile, out, tally);
    }

    pub(super) fn release(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        if self.passing.is_active() {
            self.passing.release(profile, out, tally);
        } else if !self.must_end {
            self.rewriter.release(profile, out, tally);
        }
    }

    pub(super) fn held(&self) -> usize {
        self.rewriter.held().saturating_add(self.passing.held())
    }

    /// Whether what has left ends between events.
    pub(super) fn is_between(&self) -> bool {
        !self.passing.is_active() && !self.must_end
    }

    /// Whether nothing of the next event has come.
    fn is_blank(&self) -> bool {
        self.kept.is_empty() && !self.passing.is_active()
    }

    /// Takes an event or a part of one, and returns its size.
    fn step(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        is_idle: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        self.must_end = false;
        if std::mem::take(&mut self.may_end) && rest.starts_with(b"\n") {
            out.push(b'\n');
            return 1;
        }
        if let (true, Some(b'\n' | b'\r')) = (self.is_blank(), rest.first()) {
            // An event of nothing.
            self.note_end(rest.get(..1).unwrap_or_default());
            out.extend(rest.first());
            return 1;
        }
        if self.passing.is_active() {
            let size = self.passing.push(profile, rest, out, tally);
            if !self.passing.is_active() {
                self.note_end(rest.get(..size).unwrap_or_default());
            }
            return size;
        }
        if is_idle {
            if self.kept.is_empty()
                && let Some(size) = self.end.find(self.framing, rest)
            {
                let event = rest.get(..size).unwrap_or_default();
                out.extend_from_slice(event);
                self.note_end(event);
                return size;
            }
            self.pass(profile, out, tally);
            return 0;
        }
        if self.kept.is_empty()
            && let Some(size) = self.rewriter.follow(profile, rest, out, tally)
        {
            self.note_end(rest.get(..size).unwrap_or_default());
            return size;
        }
        let room = limits::EVENT_BYTES.saturating_sub(self.kept.len());
        let window = rest.get(..room).unwrap_or(rest);
        let Some(size) = self.end.find(self.framing, window) else {
            if window.len() == room {
                tally.count_oversized_event();
                self.rewriter.finish(profile, out, tally);
                self.pass(profile, out, tally);
                return 0;
            }
            self.kept.extend_from_slice(window);
            return window.len();
        };
        let event = window.get(..size).unwrap_or_default();
        self.note_end(event);
        if self.kept.is_empty() {
            self.rewriter.event(profile, event, false, out, tally);
        } else {
            self.kept.extend_from_slice(event);
            let follows = self
                .rewriter
                .follow(profile, &self.kept, out, tally)
                .is_some();
            if !follows {
                self.rewriter.event(profile, &self.kept, false, out, tally);
            }
            self.forget_kept();
        }
        size
    }

    /// Lets the event at hand pass: what is kept of it now, the rest as it comes.
    fn pass(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        let kept = std::mem::take(&mut self.kept);
        self.passing.push(profile, &kept, out, tally);
        self.kept = kept;
        self.forget_kept();
    }

    fn forget_kept(&mut self) {
        if self.kept.capacity() > KEPT_BYTES {
            self.kept = Vec::new();
        }
        self.kept.clear();
        self.end = EventEnd::default();
    }

    /// An event is over that ends with these bytes.
    fn note_end(&mut self, event: &[u8]) {
        self.end = EventEnd::default();
        self.may_end = event.ends_with(b"\r");
        self.must_end = event.ends_with(b"\n\r");
    }
}

/// Bytes whose memory is kept from event to event.
const KEPT_BYTES: usize = 4 << 10;
