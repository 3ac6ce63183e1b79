//! Where the texts of one event are.

use super::shapes::{End, Key};

/// What was found in an event, in the order of the bytes.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) sites: Vec<Site>,
    pub(super) spans: Vec<Span>,
    /// The texts that are over with this event.
    pub(super) ends: Vec<End>,
}

/// A string, number or container of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the name of the member is that holds it.
    pub(super) name: (usize, usize),
    pub(super) role: Role,
    /// Whether it is known that nothing is in it.
    pub(super) clean: bool,
}

/// What becomes of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A text by itself.
    Own,
    /// The same, but the meaning of the event hangs on it.
    Fixed,
    /// The name of a member, a text by itself.
    Name,
    /// A string that passes.
    Passed,
    /// The value of a line that is no data.
    Line,
    /// A number on which nothing hangs.
    Number,
    /// A piece of a text that streams.
    Channel(Key),
    /// A list or object that repeats the text of this choice.
    Logprobs(Option<u32>),
    /// Counts so far.
    Usage,
    /// Calls that are whole.
    Tools,
}

/// A list or object that a repeated event is cut down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) part: Part,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All choices, within their brackets.
    Choices,
    /// One of them.
    Choice,
    /// What is new in it.
    Delta,
}

// === impl Plan ===

impl Plan {
    pub(super) fn clear(&mut self) {
        // One big event must not keep its memory for the rest of the stream.
        if self.sites.capacity() > KEPT_SITES {
            self.sites = Vec::new();
        }
        self.sites.clear();
        self.sites.reserve(FEW_SITES);
        self.spans.clear();
        self.ends.clear();
    }

    pub(super) fn is_end_of(&self, key: Key) -> bool {
        self.ends.iter().any(|end| end.covers(key))
    }

    /// Whether a site from `from` on continues the text of `key`.
    pub(super) fn continues(&self, key: Key, from: usize) -> bool {
        self.sites
            .iter()
            .skip(from)
            .any(|site| site.role == Role::Channel(key))
    }
}

// === impl Site ===

impl Site {
    pub(super) fn new(start: usize, end: usize, name: (usize, usize), role: Role) -> Self {
        Self {
            start,
            end,
            name,
            role,
            clean: false,
        }
    }

    pub(super) fn key(&self) -> Option<Key> {
        match self.role {
            Role::Channel(key) => Some(key),
            _ => None,
        }
    }

    /// Whether it is a text that is scanned by itself.
    pub(super) fn is_own_text(&self) -> bool {
        matches!(self.role, Role::Own | Role::Fixed | Role::Name)
    }
}

/// Sites of an ordinary event.
const FEW_SITES: usize = 16;
/// Sites whose memory is kept from event to event.
const KEPT_SITES: usize = 64;
