//! The unit: the sticky key of a request, and where it is found.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::limits;
use crate::name::checked_text;
use crate::policy::HeaderName;
use crate::time::Seconds;

/// One place where the unit of a request may be found.
#[derive(Clone, Debug, PartialEq, Eq, DeriveDeserialize, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, DeriveDeserialize, Serialize)]
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

struct ClaimVisitor<'a>(&'a str);

// === impl UnitSources ===

impl UnitSources {
    /// Every header that a unit is read from, cookies and tokens apart.
    pub fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().filter_map(|source| match source {
            UnitSource::Header(name) => Some(name),
            _ => None,
        })
    }

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

impl<'de> Deserialize<'de> for UnitSources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

// === impl CookieName ===

impl CookieName {
    fn parse(text: &str) -> Option<Self> {
        // A cookie's name is a token, as a header's name is (RFC 6265, section 4.1.1).
        HeaderName::new(text).map(|_| Self(text.into()))
    }
}

checked_text!(CookieName, "the name of a cookie, of at most 64 bytes");

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
    "the name of a claim, such as sub, of 1 to 1024 bytes"
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
    let mut reader = serde_json::Deserializer::from_slice(&payload);
    let found = ClaimVisitor(claim.as_str()).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found.map(String::into_bytes)
}

const BEARER: &[u8] = b"bearer ";

// === impl ClaimVisitor ===

impl<'de> DeserializeSeed<'de> for ClaimVisitor<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ClaimVisitor<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Option<String>, A::Error> {
        #[derive(DeriveDeserialize)]
        #[serde(untagged)]
        enum Claim {
            Text(String),
            Number(u64),
            Other(IgnoredAny),
        }
        let mut found = None;
        while let Some(name) = claims.next_key::<Cow<'_, str>>()? {
            if name != self.0 {
                claims.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = match claims.next_value()? {
                Claim::Text(text) => Some(text),
                Claim::Number(number) => Some(number.to_string()),
                Claim::Other(_) => None,
            };
            if found.replace(value).is_some() {
                return Err(de::Error::custom("the claim is given twice"));
            }
        }
        Ok(found.flatten())
    }
}

#[cfg(test)]
mod tests;
