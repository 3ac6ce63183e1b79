//! What the benchmarks of redaction have in common.

use breakglass_redact::{Action, Format, Profile, Redactor, Tally};

use crate::corpus::{Corpus, Shape};

/// How bodies come to the redactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// As a proxy reads them from a busy connection.
    Chunks,
    /// One event at a time, as a model writes them.
    Events,
}

/// A redactor at work: all entities, masked.
#[derive(Debug)]
pub struct Work {
    profile: Profile,
    format: Format,
    bodies: Vec<Vec<Vec<u8>>>,
    out: Vec<u8>,
    bytes: usize,
}

// === impl Work ===

impl Work {
    /// Prepares to redact this corpus.
    pub fn new(shape: Shape, pieces: Pieces, corpus: &Corpus) -> Self {
        let format = match shape {
            Shape::Json => Format::Json,
            Shape::OpenAi | Shape::Anthropic => Format::Sse,
            Shape::Prose | Shape::Code | Shape::Numbers => Format::Text,
        };
        let cut = |body: &Vec<u8>| -> Vec<Vec<u8>> {
            match pieces {
                Pieces::Chunks => body.chunks(CHUNK).map(<[u8]>::to_vec).collect(),
                Pieces::Events => events(body).map(<[u8]>::to_vec).collect(),
            }
        };
        Self {
            profile: Profile::all(Action::Mask),
            format,
            bodies: corpus.bodies.iter().map(cut).collect(),
            out: Vec::with_capacity(1 << 20),
            bytes: corpus.bytes(),
        }
    }

    /// Bytes that go in.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Redacts every body; returns the bytes that came out and how much was found.
    pub fn run(&mut self) -> (usize, usize) {
        let mut tally = Tally::default();
        let mut bytes = 0;
        for body in &self.bodies {
            let mut redactor = Redactor::new(self.format);
            for piece in body {
                self.out.clear();
                redactor.push(&self.profile, piece, &mut self.out, &mut tally);
                bytes += self.out.len();
            }
            self.out.clear();
            redactor.finish(&self.profile, &mut self.out, &mut tally);
            bytes += self.out.len();
        }
        let found: u32 = tally.iter().map(|(_, _, count)| count).sum();
        (bytes, found as usize)
    }
}

/// The events of a body, one by one.
pub fn events(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|pair| pair == b"\n\n");
        let (event, after) = rest.split_at(end.map_or(rest.len(), |at| at + 2));
        rest = after;
        Some(event)
    })
}

/// What Envoy hands to a filter at once, at most: one slice of a buffer.
const CHUNK: usize = 16 << 10;
