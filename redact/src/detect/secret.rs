//! Keys, tokens and private keys: told by how they begin, replaced once, swallowed to their end.

use crate::check::{self, Alphabet};
use crate::entity::Entity;

use super::text::LETTER;
use super::{Candidate, Sight};

/// How far a match goes on that was certain before its end was there; the furthest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Swallow {
    /// To the end of a domain.
    Domain,
    /// As long as characters of a key come.
    Key(Alphabet),
    /// To the line that ends a private key.
    Pem,
}

/// Looks for a key whose token the run at `start` belongs to; its first digit is at `index`.
pub(super) fn look(sight: &mut Sight<'_>, start: usize, index: usize) {
    if !sight.profile.wants(Entity::Secret) {
        return;
    }
    // No key begins with a digit.
    if start == index && !matches!(sight.text.before(start), b'_' | b'-' | b'.') {
        return;
    }
    let mut begin = start;
    while begin > 0 && is_key_char(sight.text.before(begin)) {
        begin = begin.saturating_sub(1);
    }
    // The anchor at an earlier digit of the token has seen it all.
    if (begin..index).any(|at| sight.text.get(at).is_ascii_digit()) && begin < start {
        let earlier = (begin..start).any(|at| sight.text.get(at).is_ascii_digit());
        if earlier {
            return;
        }
    }
    let left = sight.left_of(begin);
    if left.is_ascii_alphanumeric() || matches!(left, b'_' | LETTER) {
        return;
    }
    while begin < start && matches!(sight.text.get(begin), b'-' | b'.') {
        begin = begin.saturating_add(1);
    }
    let mut token = [0; LONGEST_PREFIX];
    for (slot, at) in token.iter_mut().zip(begin..) {
        *slot = sight.text.get(at);
        if !is_key_char(*slot) {
            break;
        }
    }
    if let Some(rule) = check::secret_prefix(&token) {
        return key(
            sight,
            begin,
            usize::from(rule.min),
            rule.alphabet,
            rule.prefix.len(),
        );
    }
    if token.starts_with(b"eyJ") {
        web_token(sight, begin, &token);
    }
}

/// A key that begins at `begin` and is certain once it has `least` characters.
fn key(sight: &mut Sight<'_>, begin: usize, least: usize, alphabet: Alphabet, prefix: usize) {
    let mut end = begin.saturating_add(prefix);
    while alphabet.takes(sight.text.get(end)) && end.saturating_sub(begin) < least {
        end = end.saturating_add(1);
    }
    if end.saturating_sub(begin) >= least {
        certain(sight, begin, end, alphabet);
    }
}

/// A key of which enough has been read, and which goes on as long as its alphabet does.
fn certain(sight: &mut Sight<'_>, start: usize, end: usize, alphabet: Alphabet) {
    sight.put(Candidate {
        start,
        end,
        kind: Entity::Secret.into(),
        strength: 30,
        goes_on: Some(Swallow::Key(alphabet)),
    });
}

/// A JSON Web Token (RFC 7519): its header is the base64 of `{"`. A header that names an algorithm
/// or a type is one in any case, another one if a second part follows.
fn web_token(sight: &mut Sight<'_>, begin: usize, token: &[u8]) {
    if HEADERS.iter().any(|header| token.starts_with(header)) {
        return key(sight, begin, 40, Alphabet::Dotted, 3);
    }
    let mut at = begin;
    while Alphabet::Base64Url.takes(sight.text.get(at)) && at.saturating_sub(begin) < 60 {
        at = at.saturating_add(1);
    }
    let second = at.saturating_add(1);
    let dotted = sight.text.get(at) == b'.'
        && (0..10)
            .all(|step| Alphabet::Base64Url.takes(sight.text.get(second.saturating_add(step))));
    if dotted {
        certain(sight, begin, second.saturating_add(10), Alphabet::Dotted);
    }
}

/// A private key in PEM (RFC 7468), from the dashes at `at` on.
pub(super) fn look_for_pem(sight: &mut Sight<'_>, at: usize) {
    if !sight.profile.wants(Entity::Secret) || !matches_at(sight, at, b"-----BEGIN ") {
        return;
    }
    let mut index = at.saturating_add(11);
    let from = index;
    while matches!(sight.text.get(index), b'A'..=b'Z' | b'0'..=b'9' | b' ')
        && index.saturating_sub(from) < 40
    {
        if matches_at(sight, index, b"PRIVATE KEY") {
            let end = index.saturating_add(11);
            let goes_on = Some(Swallow::Pem);
            sight.put(Candidate {
                start: at,
                end,
                kind: Entity::Secret.into(),
                strength: 60,
                goes_on,
            });
            return;
        }
        index = index.saturating_add(1);
    }
}

fn matches_at(sight: &mut Sight<'_>, at: usize, text: &[u8]) -> bool {
    text.iter()
        .zip(at..)
        .all(|(byte, index)| sight.text.get(index) == *byte)
}

fn is_key_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

// === impl Swallow ===

impl Swallow {
    /// How far the match goes on in `raw` from `from` on, and whether it is over there.
    pub(crate) fn pass(self, raw: &[u8], from: usize, ends: bool) -> (usize, bool) {
        let rest = raw.get(from..).unwrap_or_default();
        let size = match self {
            Self::Key(alphabet) => rest
                .iter()
                .take_while(|byte| alphabet.takes(**byte))
                .count(),
            // As far as any key goes too: an address in front of one must not uncover its end.
            Self::Domain => rest
                .iter()
                .take_while(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | 0x80..)
                })
                .count(),
            Self::Pem => return pass_pem(raw, from, ends),
        };
        let taken = rest.get(..size).unwrap_or_default();
        let goes_on = !ends && size == rest.len();
        // A private key may follow at once, and must be seen from its first dash on.
        let (size, over) = match find(taken, 0, PEM_DASHES) {
            Some(begin) => (begin, true),
            None if goes_on => (size.saturating_sub(dashes_at_end(taken)), false),
            None => (size, true),
        };
        let mut end = from.saturating_add(size);
        // The full stop of a sentence is not part of it; whether it is one, what follows tells.
        while end > from
            && raw
                .get(end.saturating_sub(1))
                .is_some_and(|byte| *byte == b'.')
        {
            end = end.saturating_sub(1);
        }
        (end, over)
    }
}

fn dashes_at_end(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| **byte == b'-').count()
}

fn pass_pem(raw: &[u8], from: usize, ends: bool) -> (usize, bool) {
    let rest = raw.get(from..).unwrap_or_default();
    let mut at = 0;
    // The line that ends the key has its name between dashes, and is not longer than any.
    while let Some(last) = find(rest, at, PEM_END) {
        let name = last.saturating_add(PEM_END.len());
        let closing = find(rest, name, PEM_DASHES)
            .filter(|close| close.saturating_sub(last) <= PEM_LAST_LINE);
        match closing {
            Some(close) => return (from.saturating_add(close).saturating_add(5), true),
            None if !ends && rest.len().saturating_sub(last) <= PEM_LAST_LINE.saturating_add(5) => {
                return (from.saturating_add(last), false);
            }
            None => at = name,
        }
    }
    if ends {
        return (raw.len(), true);
    }
    // What may be the beginning of the last line is looked at again with what follows.
    let tail = rest.len().saturating_sub(PEM_END.len()).max(at);
    let open = rest.get(tail..).unwrap_or_default();
    let dash = (0..open.len()).find(|skip| {
        open.get(*skip..)
            .is_some_and(|end| PEM_END.starts_with(end))
    });
    let kept = dash.unwrap_or(open.len());
    (from.saturating_add(tail).saturating_add(kept), false)
}

/// Where dashes and what follows them begin, from `from` on, in a text that has few dashes.
fn find(text: &[u8], from: usize, dashes: &[u8]) -> Option<usize> {
    let rest = text.get(from..)?;
    let starts = |at: &usize| rest.get(*at..).is_some_and(|rest| rest.starts_with(dashes));
    let at = memchr::memchr_iter(b'-', rest).find(starts)?;
    Some(from.saturating_add(at))
}

/// Characters of a token by which its vendor is known.
const LONGEST_PREFIX: usize = 24;
const PEM_END: &[u8] = b"-----END ";
/// What the first and the last line of a private key begin and end with.
const PEM_DASHES: &[u8] = b"-----";
/// Bytes of the line that ends the longest kind of private key, but for its last dashes.
const PEM_LAST_LINE: usize = 64;
/// The base64 of `{"alg":`, `{"typ":` and so on.
const HEADERS: [&[u8]; 7] = [
    b"eyJhbGciOi",
    b"eyJ0eXAiOi",
    b"eyJraWQiOi",
    b"eyJlbmMiOi",
    b"eyJjdHkiOi",
    b"eyJ4NXQiOi",
    b"eyJqa3UiOi",
];
