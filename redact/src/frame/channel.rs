//! The texts of a stream that go on from event to event.

use std::ops::Range;

use super::lines::Framing;
use super::own::Counter;
use super::repeat;
use super::shapes::Key;
use crate::limits;
use crate::profile::Profile;
use crate::stream::Scanner;
use crate::tally::Tally;

/// Every text that streams, side by side.
#[derive(Debug, Default)]
pub(super) struct Channels {
    channels: Vec<Channel>,
    counter: Counter,
    /// Text on its way into an event; kept for its memory only.
    text: Vec<u8>,
}

/// One text that streams.
#[derive(Debug, Default)]
struct Channel {
    /// Which text it is; nothing if it is over and another may take its place.
    key: Option<Key>,
    text: Scanner,
    /// The last event that carried some of it, as it left; empty if nothing is held back.
    envelope: Vec<u8>,
    /// Where that event stands in what this push appends: it is copied only once the push is over.
    fresh: Option<Range<usize>>,
}

// === impl Channels ===

impl Channels {
    /// Takes a piece of the text of `key`, and all that is left of it if it `ends`; appends what may
    /// leave. Returns whether there was room for another text.
    pub(super) fn push(
        &mut self,
        profile: &Profile,
        key: Key,
        piece: &[u8],
        ends: bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> bool {
        let Self {
            channels, counter, ..
        } = self;
        let Some(channel) = Channel::of(channels, key) else {
            return false;
        };
        let (text, name) = (&mut channel.text, key.stream.name());
        if key.stream.is_signed() {
            counter.push(profile, text, name, piece, tally);
            out.extend_from_slice(piece);
        } else {
            text.push(profile, name, piece, out, tally);
        }
        if ends {
            channel.finish(profile, counter, out, tally);
        }
        true
    }

    /// Keeps the event at `place` in what is appended, of which text of `key` is held back, to release
    /// that text in an event like it. `brought` says whether the event brought some of it.
    pub(super) fn keep(&mut self, key: Key, place: Range<usize>, brought: bool) {
        let known = self
            .channels
            .iter_mut()
            .find(|channel| channel.key == Some(key));
        let Some(channel) = known.filter(|channel| channel.held() > 0) else {
            return;
        };
        if brought || (channel.envelope.is_empty() && channel.fresh.is_none()) {
            channel.fresh = Some(place);
        }
    }

    /// What has been appended goes away: copies what is kept of it.
    pub(super) fn settle(&mut self, out: &[u8]) {
        for channel in &mut self.channels {
            channel.settle(out);
        }
    }

    /// Ends every text that `ends` is true for: appends what was held back in events of its own.
    pub(super) fn finish(
        &mut self,
        profile: &Profile,
        framing: Framing,
        ends: impl Fn(Key) -> bool,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Self {
            channels,
            counter,
            text,
        } = self;
        for channel in channels {
            let Some(key) = channel.key.filter(|key| ends(*key)) else {
                continue;
            };
            text.clear();
            channel.settle(out);
            channel.finish(profile, counter, text, tally);
            channel.repeat(framing, key, text, out, tally);
            channel.forget_envelope();
        }
    }

    /// Appends what is held back, in events of its own; the texts go on.
    pub(super) fn release(
        &mut self,
        profile: &Profile,
        framing: Framing,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Self { channels, text, .. } = self;
        for channel in channels.iter_mut().filter(|channel| channel.held() > 0) {
            let Some(key) = channel.key else { continue };
            text.clear();
            channel.settle(out);
            channel
                .text
                .release(profile, key.stream.name(), text, tally);
            channel.repeat(framing, key, text, out, tally);
        }
    }

    pub(super) fn held(&self) -> usize {
        self.channels
            .iter()
            .fold(0, |sum, channel| sum.saturating_add(channel.held()))
    }
}

// === impl Channel ===

impl Channel {
    /// The channel of `key`, which may be new.
    fn of(channels: &mut Vec<Self>, key: Key) -> Option<&mut Self> {
        let known = channels.iter().position(|channel| channel.key == Some(key));
        let free = || channels.iter().position(|channel| channel.key.is_none());
        let place = match known.or_else(free) {
            Some(place) => place,
            None if channels.len() < limits::CHANNELS => {
                channels.push(Self::default());
                channels.len().wrapping_sub(1)
            }
            None => return None,
        };
        let channel = channels.get_mut(place)?;
        channel.key = Some(key);
        Some(channel)
    }

    /// Bytes that wait for an event to leave in.
    fn held(&self) -> usize {
        match self.key {
            Some(key) if !key.stream.is_signed() => self.text.held(),
            _ => 0,
        }
    }

    /// The text is over. What was held back of a signed one has left already.
    fn finish(
        &mut self,
        profile: &Profile,
        counter: &mut Counter,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) {
        let Some(key) = self.key.take() else { return };
        let name = key.stream.name();
        if key.stream.is_signed() {
            counter.finish(profile, &mut self.text, name, tally);
        } else {
            self.text.finish(profile, name, out, tally);
        }
    }

    /// Appends the kept event with `text` in it.
    fn repeat(&self, framing: Framing, key: Key, text: &[u8], out: &mut Vec<u8>, tally: &Tally) {
        if !text.is_empty() && tally.blocked().is_none() {
            repeat::repeat(framing, &self.envelope, key, text, out);
        }
    }

    fn settle(&mut self, out: &[u8]) {
        let Some(place) = self.fresh.take() else {
            return;
        };
        let event = out.get(place).unwrap_or_default();
        self.forget_envelope();
        self.envelope.extend_from_slice(event);
        // The LF of the last line end is still to come.
        if event.ends_with(b"\n\r") {
            self.envelope.push(b'\n');
        }
    }

    fn forget_envelope(&mut self) {
        if self.envelope.capacity() > ENVELOPE_BYTES {
            self.envelope = Vec::new();
        }
        self.envelope.clear();
    }
}

/// Bytes of an envelope whose memory is kept for the next text.
const ENVELOPE_BYTES: usize = 2 << 10;
