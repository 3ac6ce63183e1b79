//! The unit: the sticky key of a request, and where it is found.

use std::borrow::Cow;
use std::ops::Deref;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;

use crate::document::{DocumentError, FromTree, Tree, read_by_serde, read_struct};
use crate::header::HeaderName;
use crate::limits;
use crate::name::checked_text;
use crate::time::Seconds;

/// One place where the unit of a request may be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum UnitSource {
    /// A header's value.
    Header(HeaderName),
    /// A cookie's value.
    Cookie(CookieName),
    /// A claim of the bearer token. The token's signature is not checked here: let the proxy's own
    /// JWT filter, in front of this one, do that.
    JwtClaim(ClaimName),
    /// A cookie that the filter sets itself where it is missing. Only as the last source.
    RandomCookie(RandomCookie),
}

/// A cookie that gives a request without any other unit one of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RandomCookie {
    /// The cookie's name.
    pub name: CookieName,
    /// How long clients keep it.
    pub max_age: Seconds,
}

/// The sources of a unit, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxItems" = limits::UNIT_SOURCES)))]
pub struct UnitSources(Vec<UnitSource>);

/// The name of a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(Box<str>);

/// The name of a claim at the top level of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimName(Box<str>);

/// The unit of one request, as far as its headers tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// The request has this one.
    Known(Cow<'a, [u8]>),
    /// The request has none; the caller mints an id, decides by it and sets this cookie.
    Mint(&'a RandomCookie),
    /// The request has none.
    Missing,
}

// === impl UnitSource ===

impl UnitSource {
    /// The name of the header that the unit is read from, in lower case.
    pub fn header_name(&self) -> &str {
        match self {
            Self::Header(name) => name.as_str(),
            Self::Cookie(_) | Self::RandomCookie(_) => COOKIE,
            Self::JwtClaim(_) => AUTHORIZATION,
        }
    }
}

// === impl UnitSources ===

impl UnitSources {
    fn new(sources: Vec<UnitSource>) -> Result<Self, String> {
        if sources.len() > limits::UNIT_SOURCES {
            let given = sources.len();
            return Err(format!(
                "{given} sources, expected at most {}",
                limits::UNIT_SOURCES
            ));
        }
        let random = |source: &UnitSource| matches!(source, UnitSource::RandomCookie(_));
        match sources.iter().rev().skip(1).any(random) {
            true => Err("`random_cookie` always has a unit; expected it as the last source".into()),
            false => Ok(Self(sources)),
        }
    }
}

impl Deref for UnitSources {
    type Target = [UnitSource];

    fn deref(&self) -> &[UnitSource] {
        &self.0
    }
}

impl FromTree for UnitSources {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        Self::new(Vec::from_tree(tree)?).map_err(DocumentError::whole)
    }
}

read_by_serde!(UnitSources);

// === impl CookieName ===

impl CookieName {
    fn parse(text: &str) -> Option<Self> {
        // A cookie's name is a token, as a header's name is (RFC 6265, section 4.1.1).
        HeaderName::new(text).map(|_| Self(text.into()))
    }
}

checked_text!(
    CookieName,
    "the name of a cookie, of at most 64 bytes",
    "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"
);

// === impl ClaimName ===

impl ClaimName {
    fn parse(text: &str) -> Option<Self> {
        (1..=limits::TEXT_BYTES)
            .contains(&text.len())
            .then(|| Self(text.into()))
    }
}

checked_text!(
    ClaimName,
    "the name of a claim, such as sub, of 1 to 1024 bytes",
    "minLength": 1,
    "maxLength": limits::TEXT_BYTES
);

/// Text that identifies somebody: not empty, not beyond all measure.
pub(crate) fn usable(unit: &[u8]) -> bool {
    (1..=limits::UNIT_BYTES).contains(&unit.len())
}

/// The first cookie of this name in a `cookie` header.
pub(crate) fn cookie<'a>(header: &'a [u8], name: &CookieName) -> Option<&'a [u8]> {
    header.split(|byte| *byte == b';').find_map(|pair| {
        let rest = pair.trim_ascii().strip_prefix(name.as_str().as_bytes())?;
        rest.strip_prefix(b"=")
    })
}

/// A claim of the bearer token in an `authorization` header: text as it is, whole numbers in
/// decimal. A token that cannot be read, or names the claim twice, has none.
pub(crate) fn jwt_claim(header: &[u8], claim: &ClaimName) -> Option<Vec<u8>> {
    let (scheme, token) = header.split_at_checked(BEARER.len())?;
    if !scheme.eq_ignore_ascii_case(BEARER) || token.len() > limits::JWT_BYTES {
        return None;
    }
    let mut parts = token.trim_ascii().split(|byte| *byte == b'.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let encoded = std::str::from_utf8(payload).ok()?;
    let payload = Base64UrlUnpadded::decode_vec(encoded).ok()?;
    let Tree::Object(claims) = serde_json::from_slice(&payload).ok()? else {
        return None;
    };
    let mut named = claims
        .into_iter()
        .filter(|(name, _)| name == claim.as_str());
    match (named.next()?, named.next()) {
        ((_, Tree::Text(text)), None) => Some(text.into_bytes()),
        ((_, Tree::Unsigned(number)), None) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

impl FromTree for UnitSource {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let known = ["header", "cookie", "jwt_claim", "random_cookie"];
        let (name, content) = tree.alternative(&known)?;
        let source = match name {
            "header" => HeaderName::from_tree(content).map(Self::Header),
            "cookie" => CookieName::from_tree(content).map(Self::Cookie),
            "jwt_claim" => ClaimName::from_tree(content).map(Self::JwtClaim),
            // `alternative` lets no other name through.
            _ => RandomCookie::from_tree(content).map(Self::RandomCookie),
        };
        source.map_err(|error| error.under_key(name))
    }
}

read_by_serde!(UnitSource);

// === impl RandomCookie ===

read_struct!(RandomCookie {
    name: required "name",
    max_age: required "max_age",
});

const COOKIE: &str = "cookie";
const AUTHORIZATION: &str = "authorization";
const BEARER: &[u8] = b"bearer ";

#[cfg(test)]
mod tests;
