//! Placeholders: ASCII without quotes or backslashes, so that they are safe in JSON at any depth.

/// Writes what stands in the place of a match: `[EMAIL_ADDRESS]`.
pub(crate) fn placeholder(name: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    out.extend_from_slice(name.as_bytes());
    out.push(b']');
}
