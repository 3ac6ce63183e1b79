//! Every limit of the scanner, each with its reason.

/// Characters of the longest match that is held back until it is certain. Whatever is longer is
/// confirmed on its beginning, replaced, and swallowed to its end.
pub const HELD_CHARS: usize = 80;
/// Bytes that are held back at the most, with those that a verdict waits for behind a match, written
/// as escapes, and where several matches overlap. Ordinary text is held back by a word.
pub const HELD_BYTES: usize = 768;
/// Bytes before the text in hand that are kept to see what stands left of a match: its neighbours
/// and context words.
pub const BEHIND_BYTES: usize = 128;
/// Bytes of one event that are kept until it is whole. A longer one is redacted string by string
/// as it passes. Memory grows by doubling, and a stream may take 16 KiB in all.
pub const EVENT_BYTES: usize = 8 << 10;
/// Channels of text that stream side by side in one answer; the texts of further ones are redacted
/// each by itself.
pub const CHANNELS: usize = 32;
/// Objects and lists within each other; what is deeper is redacted string by string.
pub const DEPTH: usize = 64;
/// Entities that one profile may define.
pub const CUSTOM_ENTITIES: usize = 32;
/// Literals and shapes of one such entity.
pub const CUSTOM_PATTERNS: usize = 256;
/// Characters of a literal or shape: less would match everywhere, more could not be held back.
pub const CUSTOM_CHARS: std::ops::RangeInclusive<usize> = 4..=64;
