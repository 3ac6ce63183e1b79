//! What the data of an event is.

use super::bytes::is_space;
use super::lines::Framing;
use super::plan::{Plan, Role, Site};
use super::shapes::{End, Key, Stream};
use super::walk::{self, Levels};
use crate::limits;

/// Reads events. Of server-sent ones the first that has data decides what data is that no provider's shape explains: in
/// a stream of tokens it goes on from event to event, elsewhere it is a sign of life or an error.
#[derive(Debug)]
pub(super) struct Reader {
    first: Option<Sort>,
    levels: Levels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Json,
    Quoted,
    Plain,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(framing: Framing) -> Self {
        let first = match framing {
            Framing::Sse => None,
            Framing::Lines => Some(Sort::Json),
        };
        Self {
            first,
            levels: Levels::default(),
        }
    }

    /// A reader of a stream in which a text of this kind has been.
    pub(super) fn of_stream(stream: Stream) -> Self {
        let first = match stream {
            Stream::Quoted => Sort::Quoted,
            Stream::Plain => Sort::Plain,
            _ => Sort::Json,
        };
        Self {
            first: Some(first),
            levels: Levels::default(),
        }
    }

    /// Finds the texts in the data that ends `bytes` and begins at `from`.
    pub(super) fn read(&mut self, bytes: &[u8], from: usize, plan: &mut Plan) {
        let data = bytes.get(from..).unwrap_or_default();
        if data.trim_ascii() == DONE {
            plan.ends.push(End::All);
            return;
        }
        let sort = Sort::of(data);
        self.first = self.first.or(sort);
        let first = self.first.unwrap_or(Sort::Json);
        if !self.read_as_channel(first, sort, bytes, from, plan) && first != Sort::Json {
            // Tokens must not leave after what came after them.
            plan.ends.push(End::Tokens);
        }
        if plan.sites.len() > PIECES {
            plan.limit_pieces();
        }
    }

    /// The same, for data that is no end; returns whether all of it goes on from event to event.
    fn read_as_channel(
        &mut self,
        first: Sort,
        sort: Option<Sort>,
        bytes: &[u8],
        from: usize,
        plan: &mut Plan,
    ) -> bool {
        let before = plan.sites.len();
        let may_be_json = match sort {
            // A token may be a bracket or a quote.
            Some(Sort::Json) => first != Sort::Plain || is_closed(bytes),
            Some(Sort::Quoted) => first != Sort::Plain,
            Some(Sort::Plain) | None => false,
        };
        if may_be_json && walk::walk(bytes, from, plan, &mut self.levels) {
            if let (Some(Sort::Quoted), Sort::Quoted, Some([site])) =
                (sort, first, plan.sites.get_mut(before..))
            {
                site.role = Role::Channel(Key::new(Stream::Quoted));
                return true;
            }
            return false;
        }
        plan.sites.truncate(before);
        plan.spans.clear();
        plan.ends.clear();
        let is_token = first == Sort::Plain;
        let role = if is_token {
            Role::Channel(Key::new(Stream::Plain))
        } else {
            Role::Own
        };
        plan.sites.push(Site::new(from, bytes.len(), (0, 0), role));
        is_token
    }
}

// === impl Plan ===

impl Plan {
    /// Of an event with more pieces of texts than any provider sends, the last ones are texts by
    /// themselves, and no text goes on after it: they must not pass what is held back.
    fn limit_pieces(&mut self) {
        let pieces = self.sites.iter_mut().filter(|site| site.key().is_some());
        let mut ends = false;
        for site in pieces
            .skip(PIECES)
            .filter(|site| site.key().is_some_and(|key| !key.stream.is_signed()))
        {
            site.role = Role::Own;
            ends = true;
        }
        if ends {
            self.ends.clear();
            self.ends.push(End::All);
        }
    }
}

// === impl Sort ===

impl Sort {
    /// What data is by its beginning; nothing if it is blank.
    fn of(data: &[u8]) -> Option<Self> {
        let first = data.iter().find(|byte| !is_space(**byte))?;
        Some(match first {
            b'{' | b'[' => Self::Json,
            b'"' => Self::Quoted,
            _ => Self::Plain,
        })
    }
}

/// Whether data is a token for certain, in a stream of tokens: neither JSON nor the last event.
pub(super) fn is_token(data: &[u8]) -> bool {
    matches!(Sort::of(data), Some(Sort::Plain) | None)
}

fn is_closed(data: &[u8]) -> bool {
    matches!(data.trim_ascii_end().last(), Some(b'}' | b']'))
}

/// Pieces of texts in one event.
const PIECES: usize = limits::CHANNELS * 2;
/// The last event of an OpenAI stream.
const DONE: &[u8] = b"[DONE]";
