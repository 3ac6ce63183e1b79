//! Where text is in a body, and how a redacted body stays well formed.
//!
//! A body is never put together. A JSON document passes byte by byte, string by string; of a stream
//! of events one event is kept until it is whole. Text goes to a [`Scanner`] as it is written in its
//! string, escapes and all, and what a scanner holds back leaves at the front of a later string of
//! the same text, in an event of its own, or at the end of its string.

mod bytes;
#[cfg(test)]
mod cases;
mod channel;
mod event;
mod events;
mod json;
mod lines;
mod names;
mod own;
mod passing;
mod plan;
mod reader;
mod repeat;
mod shapes;
mod template;
mod walk;

use crate::profile::Profile;
use crate::stream::Scanner;
use crate::tally::Tally;

use events::Events;
use json::Json;
use lines::Framing;

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON document; every string is a text of its own.
    Json,
    /// Server-sent events, with JSON or plain text in `data`.
    Sse,
    /// JSON documents, one a line.
    NdJson,
    /// Plain text in UTF-8.
    Text,
}

/// Redacts one body as it passes.
///
/// Once [`Tally::blocked`] is some, nothing leaves any more: the caller ends the message.
#[derive(Debug)]
pub struct Redactor {
    body: Body,
}

#[derive(Debug)]
enum Body {
    Json(Box<Json>),
    Events(Box<Events>),
    Text(Scanner),
}

// === impl Redactor ===

impl Redactor {
    /// For a body of this format.
    pub fn new(format: Format) -> Self {
        let body = match format {
            Format::Json => Body::Json(Box::default()),
            Format::Sse => Body::Events(Box::new(Events::new(Framing::Sse))),
            Format::NdJson => Body::Events(Box::new(Events::new(Framing::Lines))),
            Format::Text => Body::Text(Scanner::default()),
        };
        Self { body }
    }

    /// Takes a chunk and appends to `out` what may leave. The profile may be another one than before,
    /// for what comes from here on.
    pub fn push(&mut self, profile: &Profile, chunk: &[u8], out: &mut Vec<u8>, tally: &mut Tally) {
        if tally.blocked().is_some() {
            return;
        }
        match &mut self.body {
            Body::Json(json) => json.push(profile, chunk, out, tally),
            Body::Events(events) => events.push(profile, chunk, out, tally),
            Body::Text(text) => text.push(profile, b"", chunk, out, tally),
        }
    }

    /// The body ends: appends all that is left.
    pub fn finish(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        if tally.blocked().is_some() {
            return;
        }
        match &mut self.body {
            Body::Json(json) => json.finish(profile, out, tally),
            Body::Events(events) => events.finish(profile, out, tally),
            Body::Text(text) => text.finish(profile, b"", out, tally),
        }
    }

    /// Nothing may wait for ever: appends text that no further event completed, as an event of its
    /// own where the format has events. Text in an event that is not whole yet stays.
    pub fn release(&mut self, profile: &Profile, out: &mut Vec<u8>, tally: &mut Tally) {
        if tally.blocked().is_some() {
            return;
        }
        match &mut self.body {
            Body::Json(json) => json.release(profile, out, tally),
            Body::Events(events) => events.release(profile, out, tally),
            Body::Text(text) => text.release(profile, b"", out, tally),
        }
    }

    /// Bytes of text that are held back.
    pub fn held(&self) -> usize {
        match &self.body {
            Body::Json(json) => json.held(),
            Body::Events(events) => events.held(),
            Body::Text(text) => text.held(),
        }
    }

    /// Whether the format has events, between which others may be put.
    pub fn is_streaming(&self) -> bool {
        matches!(self.body, Body::Events(_))
    }

    /// Whether what has left so far ends between events; never in a format that has none.
    pub fn between_events(&self) -> bool {
        match &self.body {
            Body::Events(events) => events.is_between(),
            Body::Json(_) | Body::Text(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
