//! What came of one request.

use std::time::Instant;

use serde_json::Value;

use super::Exposure;
use crate::sse::Event;

/// One request from start to end, as its user saw it.
#[derive(Clone, Debug)]
pub struct Record {
    pub unit: String,
    /// When it was sent.
    pub started: Instant,
    /// When the answer's headers came.
    pub answered: Option<Instant>,
    /// When it was over.
    pub finished: Instant,
    /// The status; `None` if there was no answer.
    pub status: Option<u16>,
    /// The version that answered, as it says itself.
    pub version: Option<String>,
    /// The headers that reached the agent, of those that Breakglass or the arms set.
    pub received: Value,
    /// `retry-after` of the answer.
    pub retry_after: Option<String>,
    /// When each word of a stream came.
    pub tokens: Vec<Instant>,
    /// When a stream's `[DONE]` came.
    pub done: Option<Instant>,
    /// What the text of the answer exposed.
    pub exposure: Exposure,
    pub end: End,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A whole answer that is no stream.
    Whole,
    /// A stream that came to its `[DONE]`.
    Done,
    /// A stream with an error event. Whether `[DONE]` followed says [`Record::done`]; `reset`: what
    /// broke the stream off after the event, if it did not end cleanly.
    Error { event: Event, reset: Option<String> },
    /// A stream that ended cleanly but without `[DONE]`.
    Truncated,
    /// Broken off: the connection or the stream was reset.
    Reset(String),
    /// No answer at all.
    None(String),
}

// === impl Record ===

impl Record {
    /// A request that has just been sent.
    pub(super) fn sent(unit: &str) -> Self {
        let now = Instant::now();
        Self {
            unit: unit.to_owned(),
            started: now,
            answered: None,
            finished: now,
            status: None,
            version: None,
            received: Value::Null,
            retry_after: None,
            tokens: Vec::new(),
            done: None,
            exposure: Exposure::default(),
            end: End::None(String::new()),
        }
    }

    /// The generation by which the filter decided, as it told the agent.
    pub fn generation(&self) -> Option<u64> {
        self.received("x-breakglass-generation")?.parse().ok()
    }

    /// The arm, as the filter told the agent.
    pub fn arm(&self) -> Option<&str> {
        self.received("x-breakglass-arm")
    }

    /// A header that reached the agent, if it was there exactly once.
    pub fn received(&self, header: &str) -> Option<&str> {
        self.received.get("headers")?.get(header)?.as_str()
    }

    /// Whether the answer is what the user hoped for: status 2xx and a proper end.
    pub fn is_good(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
            && matches!(self.end, End::Whole | End::Done)
    }
}
