//! What of the made-up personal data a user saw, and what stood in its place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::agent::PERSONAL;

/// What one answer exposed. The answer itself is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Entities of which a value was seen in clear, or as much of one as [`CLEAR_BYTES`].
    pub clear: BTreeSet<&'static str>,
    /// How many placeholders were seen, by their names.
    pub masked: BTreeMap<String, u64>,
}

/// Watches a text that comes piece by piece.
#[derive(Debug, Default)]
pub(super) struct Watch {
    exposure: Exposure,
    /// The last bytes, too few for [`CLEAR_BYTES`].
    tail: Vec<u8>,
    /// The name in an open bracket.
    name: Option<String>,
}

// === impl Exposure ===

impl Exposure {
    /// Of a whole text.
    pub fn of(text: &[u8]) -> Self {
        let mut watch = Watch::default();
        watch.push(text);
        watch.exposure
    }

    /// Whether a value was seen in clear.
    pub fn is_clear(&self) -> bool {
        !self.clear.is_empty()
    }
}

// === impl Watch ===

impl Watch {
    /// Takes the next piece.
    pub(super) fn push(&mut self, text: &[u8]) {
        for &byte in text {
            self.placeholder(byte);
        }
        self.tail.extend_from_slice(text);
        for seen in self.tail.windows(CLEAR_BYTES) {
            self.exposure.clear.extend(FRAGMENTS.get(seen));
        }
        let keep = self.tail.len().min(CLEAR_BYTES - 1);
        self.tail.drain(..self.tail.len() - keep);
    }

    pub(super) fn exposure(self) -> Exposure {
        self.exposure
    }

    fn placeholder(&mut self, byte: u8) {
        match (byte, &mut self.name) {
            (b'[', name) => *name = Some(String::new()),
            (b'A'..=b'Z' | b'0'..=b'9' | b'_', Some(name)) => name.push(byte.into()),
            (b']', name) => {
                if let Some(name) = name.take().filter(|name| !name.is_empty()) {
                    *self.exposure.masked.entry(name).or_default() += 1;
                }
            }
            (_, name) => *name = None,
        }
    }
}

/// So much of a value is a leak: more than a domain or a country code, less than half of any.
pub const CLEAR_BYTES: usize = 7;

/// Every part of a value that is a leak, and its entity.
static FRAGMENTS: LazyLock<HashMap<&[u8], &str>> = LazyLock::new(|| {
    let fragments = PERSONAL.iter().flat_map(|datum| {
        let parts = datum.text.as_bytes().windows(CLEAR_BYTES);
        parts.map(|part| (part, datum.entity))
    });
    fragments.collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Datum, EMAIL, SENTENCES};

    #[test]
    fn every_value_is_seen_however_the_text_is_cut() {
        for sentence in SENTENCES {
            let text = sentence.text();
            let expected: BTreeSet<&str> = sentence.data().map(|datum| datum.entity).collect();
            for size in 1..=text.len() {
                let mut watch = Watch::default();
                text.as_bytes()
                    .chunks(size)
                    .for_each(|piece| watch.push(piece));
                assert_eq!(watch.exposure().clear, expected, "{text} in {size}s");
            }
        }
    }

    #[test]
    fn a_half_is_a_leak_and_prose_is_none() {
        for Datum { entity, text } in PERSONAL {
            for half in [&text[..CLEAR_BYTES], &text[text.len() - CLEAR_BYTES..]] {
                let seen = Exposure::of(format!("the {half}[X]").as_bytes());
                assert_eq!(seen.clear, BTreeSet::from([entity]), "{half}");
            }
        }
        let others: Vec<String> = PERSONAL
            .iter()
            .map(|datum| format!("[{}]", datum.entity))
            .chain(SENTENCES.map(|sentence| {
                let text = sentence.text();
                sentence
                    .data()
                    .fold(text, |text, datum| text.replace(datum.text, "…"))
            }))
            .collect();
        let seen = Exposure::of(others.concat().as_bytes());
        assert_eq!(seen.clear, BTreeSet::new());
        assert_eq!(seen.masked.len(), PERSONAL.len());
    }

    #[test]
    fn placeholders_are_counted_by_name() {
        let text = b"[IN_PAN], [IN_PAN] [not one] [] [A[IN_UPI_ID] ] [OPEN";
        for size in 1..text.len() {
            let mut watch = Watch::default();
            text.chunks(size).for_each(|piece| watch.push(piece));
            let masked: Vec<_> = watch.exposure().masked.into_iter().collect();
            let expected = [("IN_PAN".to_owned(), 2), ("IN_UPI_ID".to_owned(), 1)];
            assert_eq!(masked, expected, "in {size}s");
        }
        assert!(Exposure::of(EMAIL.text.as_bytes()).is_clear());
    }
}
