//! Texts to redact, made up and the same on every machine: answers of chat models as JSON and as
//! streams of tokens, prose, source code. A few say something personal, or none does.

mod code;
mod dice;
mod pii;
mod prose;
mod wire;

use dice::Dice;

/// What the bodies of a corpus are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Answers of OpenAI's `chat.completion`, whole.
    Json,
    /// The same as a stream of `chat.completion.chunk`, one token an event.
    OpenAi,
    /// The same as Anthropic streams them.
    Anthropic,
    /// English, with the numbers that prose has.
    Prose,
    /// Source code.
    Code,
    /// Lines of a table with a number in every cell: about the worst that a scanner can meet.
    Numbers,
}

/// Bodies of one shape.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Each one message.
    pub bodies: Vec<Vec<u8>>,
    /// How many of them have something personal in them.
    pub personal: usize,
}

// === impl Shape ===

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 6] = [
        Self::Json,
        Self::OpenAi,
        Self::Anthropic,
        Self::Prose,
        Self::Code,
        Self::Numbers,
    ];

    /// As tables and files call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "chat-json",
            Self::OpenAi => "openai-sse",
            Self::Anthropic => "anthropic-sse",
            Self::Prose => "prose",
            Self::Code => "code",
            Self::Numbers => "numbers",
        }
    }
}

// === impl Corpus ===

impl Corpus {
    /// Bodies of this shape, about [`BYTES`] in all. With `personal`, every [`EVERY`]th of them has
    /// something personal in it.
    pub fn new(shape: Shape, personal: bool) -> Self {
        let mut dice = Dice::new(7 + shape as u64);
        let mut corpus = Self {
            bodies: Vec::new(),
            personal: 0,
        };
        let mut bytes = 0;
        while bytes < BYTES {
            let leaks = personal && corpus.bodies.len() % EVERY == EVERY / 2;
            corpus.personal += usize::from(leaks);
            let body = body(shape, &mut dice, leaks);
            bytes += body.len();
            corpus.bodies.push(body);
        }
        corpus
    }

    /// Bytes of all bodies.
    pub fn bytes(&self) -> usize {
        self.bodies.iter().map(Vec::len).sum()
    }
}

fn body(shape: Shape, dice: &mut Dice, leaks: bool) -> Vec<u8> {
    let mut text = match shape {
        Shape::Code => code::file(dice),
        Shape::Numbers => prose::table(dice),
        Shape::Json | Shape::Prose => {
            let paragraphs = 4 + dice.below(8);
            prose::answer(dice, paragraphs)
        }
        // An event is sixty times the token in it.
        Shape::OpenAi | Shape::Anthropic => prose::answer(dice, 1),
    };
    if leaks {
        text.push_str(pii::sentence(dice));
    }
    let wired = match shape {
        Shape::Json => wire::completion(dice, &text),
        Shape::OpenAi => wire::openai(dice, &text),
        Shape::Anthropic => wire::anthropic(dice, &text),
        Shape::Prose | Shape::Code | Shape::Numbers => text,
    };
    wired.into_bytes()
}

/// Bytes of a corpus: more than any cache of the second level.
pub const BYTES: usize = 4 << 20;
/// One body of so many is personal.
pub const EVERY: usize = 100;

#[cfg(test)]
mod tests;
