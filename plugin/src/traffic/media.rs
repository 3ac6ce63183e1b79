//! What the headers of a request or an answer say of its body.

use breakglass_redact::Format;

use crate::host::HeaderPairs;
use crate::traffic::redaction::Reason;

/// What headers say of a body.
#[derive(Debug, Default)]
pub(crate) struct Media {
    /// The media type without its parameters, in small letters.
    kind: Vec<u8>,
    is_encoded: bool,
    /// How many bytes it has, where that is told; none if what is told is no number.
    length: Option<Option<usize>>,
}

/// What a body is to the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(Format),
    /// It cannot be scanned, for this reason.
    Unscannable(Reason),
}

// === impl Media ===

impl Media {
    pub(crate) fn of(headers: &HeaderPairs) -> Self {
        let mut media = Self::default();
        for (name, value) in headers.iter() {
            // Told apart by length first; some proxies leave names as the upstream wrote them.
            match name.len() {
                12 if name.eq_ignore_ascii_case(b"content-type") => {
                    // A type that is given twice is none that is known.
                    if !media.kind.is_empty() {
                        media.kind.push(b',');
                    }
                    media.kind.extend_from_slice(value);
                }
                16 if name.eq_ignore_ascii_case(b"content-encoding") => {
                    let plain = value.is_empty() || value.eq_ignore_ascii_case(b"identity");
                    media.is_encoded |= !plain;
                }
                14 if name.eq_ignore_ascii_case(b"content-length") && !value.is_empty() => {
                    let text = std::str::from_utf8(value).ok();
                    media.length = Some(text.and_then(|text| text.parse().ok()));
                }
                _ => {}
            }
        }
        let end = media.kind.iter().position(|byte| *byte == b';');
        media.kind.truncate(end.unwrap_or(media.kind.len()));
        media.kind = media.kind.trim_ascii().to_ascii_lowercase();
        media
    }

    pub(crate) fn content(&self) -> Content {
        let kind = self.kind.as_slice();
        if self.is_encoded {
            Content::Unscannable(Reason::Compressed)
        } else if kind == b"text/event-stream" {
            Content::Text(Format::Sse)
        } else if LINES.contains(&kind) {
            Content::Text(Format::NdJson)
        } else if self.is_json() {
            Content::Text(Format::Json)
        } else if kind.starts_with(b"text/") || kind.ends_with(b"+xml") || TEXTS.contains(&kind) {
            Content::Text(Format::Text)
        } else {
            Content::Unscannable(Reason::Binary)
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        let kind = self.kind.as_slice();
        kind == b"application/json"
            || (kind.starts_with(b"application/") && kind.ends_with(b"+json"))
    }

    /// Whether it is told how long the body is.
    pub(crate) fn has_length(&self) -> bool {
        self.length.is_some()
    }

    /// How long the body is said to be; zero where nobody says so.
    pub(crate) fn declared_length(&self) -> usize {
        self.length.flatten().unwrap_or(0)
    }
}

const LINES: [&[u8]; 4] = [
    b"application/x-ndjson",
    b"application/jsonl",
    b"application/x-jsonlines",
    b"application/stream+json",
];
const TEXTS: [&[u8]; 5] = [
    b"",
    b"application/xml",
    b"application/x-www-form-urlencoded",
    b"application/javascript",
    b"application/yaml",
];
