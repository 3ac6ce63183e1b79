//! Headers as a policy names them: conditions and edits.

use serde::Serialize;

use crate::document::{DocumentError, FromTree, Map, Tree, check_entries, read_by_serde};
use crate::limits;
use crate::name::checked_text;

/// The name of a header, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(Box<str>);

/// The value of a header: visible ASCII and spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderText(Box<str>);

/// Conditions on headers: each must have exactly this value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxProperties" = limits::EDITS)))]
pub struct HeaderMatches(Map<HeaderName, HeaderText>);

/// Headers to set; never one of the proxy's or of Breakglass's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxProperties" = limits::EDITS)))]
pub struct HeaderEdits(Map<HeaderName, HeaderText>);

// === impl HeaderName ===

impl HeaderName {
    fn parse(text: &str) -> Option<Self> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let sized = (1..=limits::NAME_BYTES).contains(&text.len());
        (sized && text.bytes().all(token)).then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// Whether an arm may set it.
    fn is_settable(&self) -> bool {
        !self.0.starts_with(BREAKGLASS_PREFIX) && !RESERVED_HEADERS.contains(&&*self.0)
    }
}

checked_text!(
    HeaderName,
    "the name of a header, such as x-user-id, of at most 64 bytes",
    "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"
);

// === impl HeaderText ===

impl HeaderText {
    fn parse(text: &str) -> Option<Self> {
        let legal = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let sized = (1..=limits::TEXT_BYTES).contains(&text.len());
        (sized && legal && text.trim() == text).then(|| Self(text.into()))
    }
}

checked_text!(
    HeaderText,
    "1 to 1024 visible ASCII characters, with spaces only inside",
    "pattern": "^[!-~]([ -~]*[!-~])?$",
    "maxLength": limits::TEXT_BYTES
);

// === impl HeaderMatches ===

impl HeaderMatches {
    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.keys()
    }

    /// The conditions, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderText)> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromTree for HeaderMatches {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let map = Map::from_tree(tree)?;
        check_entries(map.len(), limits::EDITS)?;
        Ok(Self(map))
    }
}

read_by_serde!(HeaderMatches);

// === impl HeaderEdits ===

impl HeaderEdits {
    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.keys()
    }

    /// The headers and their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderText)> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromTree for HeaderEdits {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let map: Map<HeaderName, HeaderText> = Map::from_tree(tree)?;
        check_entries(map.len(), limits::EDITS)?;
        if let Some(name) = map.keys().find(|name| !name.is_settable()) {
            return Err(DocumentError::whole(format_args!(
                "`{name}` belongs to HTTP or to Breakglass; expected a header of your own"
            )));
        }
        Ok(Self(map))
    }
}

read_by_serde!(HeaderEdits);

const BREAKGLASS_PREFIX: &str = "x-breakglass-";
/// What HTTP frames and routes by, and what tells who a client is. The filter removes what clients
/// send in a header that an arm sets, so an arm that set one of these would break every request.
const RESERVED_HEADERS: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
