//! An event that passes without being kept: too long to be put together, or nothing is looked for.

use memchr::{memchr, memchr2};

use super::bytes::{cut, is_space};
use super::json::Json;
use super::lines::Framing;
use crate::profile::Profile;
use crate::tally::Tally;

/// Where in an event its bytes have got to. Its texts are scanned each by itself.
#[derive(Debug)]
pub(super) struct Passing {
    framing: Framing,
    json: Json,
    is_active: bool,
    spot: Spot,
    after_cr: bool,
    /// Whether it is known what the data is.
    is_known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    LineStart,
    /// In a line of which this many bytes are those of [`DATA`].
    Field(usize),
    /// After the colon.
    Colon,
    Data,
    Other,
}

// === impl Passing ===

impl Passing {
    pub(super) fn new(framing: Framing) -> Self {
        let spot = Spot::start(framing);
        Self {
            framing,
            json: Json::default(),
            is_active: false,
            spot,
            after_cr: false,
            is_known: false,
        }
    }

    /// Whether an event has begun to pass and is not over.
    pub(super) fn is_active(&self) -> bool {
        self.is_active
    }

    /// Takes bytes of the event, up to its end, and returns how many.
    pub(super) fn push(
        &mut self,
        profile: &Profile,
        bytes: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        self.is_active = true;
        let mut at = 0;
        while at < bytes.len() && self.is_active && tally.blocked().is_none() {
            let rest = bytes.get(at..).unwrap_or_default();
            let size = match self.spot {
                Spot::Data => self.data(profile, rest, out, tally),
                _ => self.outside_data(profile, rest, out, tally),
            };
            at = at.saturating_add(size);
        }
        at
    }

    /// The body ends here.
    pub(super) fn finish(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.json.finish(profile, out, tally);
    }

    pub(super) fn release(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.json.release(profile, out, tally);
    }

    pub(super) fn held(&self) -> usize {
        self.json.held()
    }

    fn data(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        let end = match self.framing {
            Framing::Sse => memchr2(b'\n', b'\r', rest),
            Framing::Lines => memchr(b'\n', rest),
        };
        let piece = cut(rest, 0, end.unwrap_or(rest.len()));
        if !self.is_known
            && let Some(first) = piece.iter().find(|byte| !is_space(**byte))
        {
            self.is_known = true;
            if !matches!(first, b'{' | b'[' | b'"') {
                self.json.be_plain();
            }
        }
        self.json.push(profile, piece, out, tally);
        self.rest_of_line(profile, rest, end, out, tally)
    }

    /// What is before the line's `end` has been taken: takes the end, and returns the size of both.
    fn rest_of_line(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        end: Option<usize>,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        let Some(end) = end else {
            return rest.len();
        };
        let mark = cut(rest, end, end.saturating_add(1));
        end.saturating_add(self.end_line(profile, mark, out, tally))
    }

    /// Takes what is no data, and returns its size.
    fn outside_data(
        &mut self,
        profile: &Profile,
        rest: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        if self.spot == Spot::Other {
            let end = memchr2(b'\n', b'\r', rest);
            out.extend_from_slice(cut(rest, 0, end.unwrap_or(rest.len())));
            return self.rest_of_line(profile, rest, end, out, tally);
        }
        let first = cut(rest, 0, 1);
        let Some(byte) = first.first().copied() else {
            return 0;
        };
        let after_cr = std::mem::take(&mut self.after_cr);
        match (self.spot, byte) {
            (Spot::LineStart, b'\n') if after_cr => {}
            (Spot::LineStart, b'\n' | b'\r') => self.end_event(profile, out, tally),
            // A byte order mark may stand before the first line.
            (Spot::LineStart, 0xEF | 0xBB | 0xBF) => {}
            (_, b'\n' | b'\r') => return self.end_line(profile, first, out, tally),
            (Spot::LineStart, b'd') => self.spot = Spot::Field(1),
            (Spot::Field(size), b':') if size == DATA.len() => self.spot = Spot::Colon,
            (Spot::Field(size), byte) if DATA.get(size) == Some(&byte) => {
                self.spot = Spot::Field(size.saturating_add(1));
            }
            (Spot::Colon, b' ') => self.spot = Spot::Data,
            (Spot::Colon, _) => {
                self.spot = Spot::Data;
                return 0;
            }
            _ => self.spot = Spot::Other,
        }
        out.push(byte);
        1
    }

    /// A line ends: no text goes on in the next one.
    fn end_line(
        &mut self,
        profile: &Profile,
        end: &[u8],
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> usize {
        self.json.finish(profile, out, tally);
        self.spot = Spot::start(self.framing);
        self.after_cr = end == b"\r";
        if self.framing == Framing::Lines {
            self.end_event(profile, out, tally);
        }
        if tally.blocked().is_none() {
            out.extend_from_slice(end);
        }
        end.len()
    }

    fn end_event(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        self.json.finish(profile, out, tally);
        self.json.restart();
        self.is_active = false;
        self.is_known = false;
        self.after_cr = false;
    }
}

// === impl Spot ===

impl Spot {
    fn start(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::LineStart,
            Framing::Lines => Self::Data,
        }
    }
}

/// The name of the field that holds text.
const DATA: &[u8] = b"data";
