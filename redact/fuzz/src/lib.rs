//! What must hold for any body, however it is cut: one function per fuzz target, each of which
//! panics where its property is broken.
//!
//! `redact/tests/fuzz_findings.rs` compiles this file too and tries it on every finding and on the
//! corpus, so that what fuzzing once found stays fixed without a fuzzer.

mod body;
mod events;
mod json;
mod scanner;
mod shape;

pub use events::{ndjson, sse};
pub use json::json;
pub use scanner::scanner;

/// One input: three bytes that say what is tried, then the text.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Which property, under which profile; written as a digit or letter in hand-made inputs.
    pub mode: u8,
    /// Where the text is cut.
    pub seed: u16,
    pub text: &'a [u8],
}

// === impl Input ===

impl<'a> Input<'a> {
    /// Takes an input apart; one that is too short for it is none.
    pub fn of(data: &'a [u8]) -> Option<Self> {
        let (&[mode, a, b], text) = data.split_first_chunk()?;
        Some(Self {
            mode,
            seed: u16::from_le_bytes([a, b]),
            text,
        })
    }
}
