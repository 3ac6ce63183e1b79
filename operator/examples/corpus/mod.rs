//! Text without PII that looks as much like PII as everyday text does.
//!
//! Source code, logs, chat envelopes, prose and tables, made from a seed: ids, hashes, timestamps,
//! versions, prices, coordinates, tickets, hex dumps, lock files. There is no e-mail address in it,
//! no IP or MAC address, no telephone number, no key. Forms about which honest people differ are
//! left out: `git@host`, `0x` and 40 hexadecimal digits, message ids.

mod chat;
mod code;
mod logs;
mod lures;
mod prose;
mod rng;
mod tables;

use rng::Rng;

/// One kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Source code, patches, lock files, manifests.
    Code,
    /// Logs of services, proxies, builds.
    Logs,
    /// Answers of language models as they come over the wire.
    Chat,
    /// Sentences with numbers.
    Prose,
    /// Comma-separated values, columns, query results.
    Tables,
    /// What a person would have to ask about; not among `all`.
    Lures,
    /// All of them but the lures, mixed.
    All,
}

/// Lines without end.
#[derive(Debug)]
pub(crate) struct Corpus {
    kind: Kind,
    rng: Rng,
    /// Lines of the block that was begun, the next one last.
    block: Vec<String>,
}

// === impl Kind ===

impl Kind {
    /// Every kind of everyday text.
    pub(crate) const EACH: [Self; 5] = [
        Self::Code,
        Self::Logs,
        Self::Chat,
        Self::Prose,
        Self::Tables,
    ];
}

// === impl Corpus ===

impl Corpus {
    /// The lines of this kind and seed: always the same ones.
    pub(crate) fn new(kind: Kind, seed: u64) -> Self {
        Self {
            kind,
            rng: Rng::new(seed),
            block: Vec::new(),
        }
    }
}

impl Iterator for Corpus {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.block.is_empty() {
            let rng = &mut self.rng;
            let kind = match self.kind {
                Kind::All => Kind::EACH[rng.below(5) as usize],
                kind => kind,
            };
            self.block = match kind {
                Kind::Code => code::block(rng),
                Kind::Logs => logs::block(rng),
                Kind::Chat => chat::block(rng),
                Kind::Prose => prose::block(rng),
                Kind::Lures => lures::block(rng),
                Kind::Tables | Kind::All => tables::block(rng),
            };
            self.block.reverse();
        }
        self.block.pop()
    }
}
