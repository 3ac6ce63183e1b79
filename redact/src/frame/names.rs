//! What the names of members say about the strings under them, and which strings need no look.

use super::bytes::is_letters;
use crate::profile::Profile;

/// Whether the string under this name belongs to the envelope of a model's answer and passes as it
/// is: ids, signatures and binary data are long runs of letters and digits, in which an entity is
/// found by chance once in some thousand, and a mask in them breaks the client.
pub(super) fn is_structural(name: &[u8]) -> bool {
    matches!(
        name,
        // Ids that providers give.
        b"id" | b"tool_call_id" | b"tool_use_id" | b"call_id" | b"item_id" | b"response_id"
            | b"previous_response_id" | b"message_id" | b"responseId"
            // What the answer is and which program made it, and when.
            | b"object" | b"model" | b"modelVersion" | b"system_fingerprint" | b"created" | b"created_at"
            // Signed or encrypted for the provider, who refuses them if they are changed.
            | b"signature" | b"thoughtSignature" | b"encrypted_content"
            // Noise against the guessing of lengths.
            | b"obfuscation"
            // Vectors and media.
            | b"embedding" | b"b64_json" | b"partial_image_b64"
    )
}

/// Whether the member repeats the text of the object that holds it token by token and byte by byte,
/// so that it would tell what the text no longer does.
pub(super) fn repeats_text(name: &[u8]) -> bool {
    name == b"logprobs"
}

/// Whether the member holds the text that [`repeats_text`] is about.
pub(super) fn holds_text(name: &[u8]) -> bool {
    matches!(name, b"text" | b"message" | b"delta" | b"content")
}

/// Whether no entity can be in a text: it is short and of letters only, as nearly all names and
/// types are, and every built-in entity needs a digit, a sign or more letters than that.
pub(super) fn is_harmless(profile: &Profile, text: &[u8]) -> bool {
    text.len() <= HARMLESS_BYTES && profile.patterns.is_empty() && is_letters(text)
}

/// Letters that are too few for a key of any vendor.
const HARMLESS_BYTES: usize = 16;
