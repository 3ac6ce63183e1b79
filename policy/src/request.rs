//! A request as the rules see it: header values by number.

/// The number of a header that a router asks for: 0, 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderId(pub(crate) u32);

/// The headers of one request.
pub trait Headers {
    /// The value of a header; values of a repeated header are joined by `,` in their order
    /// (RFC 9110, section 5.3), cookies by `;` (RFC 9113, section 8.2.3).
    fn get(&self, id: HeaderId) -> Option<&[u8]>;
}

// === impl HeaderId ===

impl HeaderId {
    /// The host asked for: `:authority`, or `host` where a proxy calls it so.
    pub const AUTHORITY: Self = Self(0);
    /// The path asked for: `:path`.
    pub const PATH: Self = Self(1);

    /// The number, for use as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
