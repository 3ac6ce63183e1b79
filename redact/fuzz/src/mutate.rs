//! Mutations that know what the scanner looks for: every case, every entity in one, what joins them.

use std::sync::LazyLock;

use libfuzzer_sys::fuzzer_mutate;

/// Changes the first `size` bytes of `data` and returns how many there are then. Most changes are
/// libFuzzer's own.
pub(crate) fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = seed ^ 0x9E37_79B9;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random as usize % bound.max(1)
    };
    if size < HEADER || below(3) > 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let pieces = &*PIECES;
    let piece = if below(3) == 0 {
        GLUE[below(GLUE.len())].as_bytes()
    } else {
        pieces[below(pieces.len())]
    };
    let (from, to) = if below(4) == 0 {
        let from = below(piece.len());
        (from, from + below(piece.len() - from + 1))
    } else {
        (0, piece.len())
    };
    let piece = &piece[from..to];
    let at = HEADER + below(size - HEADER + 1);
    let gone = if below(3) == 0 {
        below(piece.len() + 1).min(size - at)
    } else {
        0
    };
    let new_size = size - gone + piece.len();
    if new_size > max_size.min(data.len()) {
        return fuzzer_mutate(data, size, max_size);
    }
    data.copy_within(at + gone..size, at + piece.len());
    data[at..at + piece.len()].copy_from_slice(piece);
    new_size
}

/// The cases, and each entity in them by itself.
static PIECES: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let mut pieces: Vec<&'static [u8]> = Vec::new();
    for line in CASES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        for part in line.split('⟦').skip(1) {
            let entity = part
                .split_once('⟧')
                .and_then(|(marked, _)| marked.split_once(':'));
            pieces.extend(entity.map(|(_, text)| text.as_bytes()));
        }
        let plain = line.split('⟦').map(|part| match part.split_once('⟧') {
            Some((marked, rest)) => {
                format!("{}{rest}", marked.split_once(':').unwrap_or_default().1)
            }
            None => part.to_owned(),
        });
        pieces.push(plain.collect::<String>().leak().as_bytes());
    }
    pieces
});

/// The bytes that say what is tried.
const HEADER: usize = 3;
const CASES: &str = include_str!("../../cases/text.txt");
const GLUE: [&str; 40] = [
    " ",
    ". ",
    ", ",
    "\\n",
    "\n",
    "\r\n",
    "\n\n",
    "-",
    "(",
    ")",
    "@",
    " +",
    "\\\"",
    " AA ",
    "XXXX ",
    "data: ",
    "event: ",
    "id: 1",
    "{\"",
    "\":\"",
    "\"}",
    "[",
    "]",
    ",",
    "\\u0040",
    "&#64;",
    "%40",
    "\u{a0}",
    "\u{200b}",
    "\u{ff20}",
    "eyJ",
    "sk-",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "account number",
    "ssn",
    "passport",
    "[DONE]",
    "::",
    "0",
];
