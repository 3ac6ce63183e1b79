//! What happens to PII, as the policy says it.

use serde::Serialize;

use crate::document::{Map, read_struct, read_words};
use crate::name::checked_text;

/// Actions by entity, for each direction. The entity `*` stands for all that are not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redaction {
    /// In answers.
    #[serde(default)]
    pub response: Map<Entity, Action>,
    /// In requests.
    #[serde(default)]
    pub request: Map<Entity, Action>,
}

/// A PII type, named as Microsoft Presidio names it, or `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity(Box<str>);

/// What happens where an entity is found, in order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Action {
    /// It passes and is counted.
    Count,
    /// It is replaced by a placeholder.
    Mask,
    /// The message that carries it is withheld.
    Block,
}

// === impl Redaction ===

read_struct!(Redaction {
    response: or_default "response",
    request: or_default "request",
});

// === impl Action ===

read_words!(Action { "count" => Count, "mask" => Mask, "block" => Block });

// === impl Entity ===

impl Entity {
    fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let named = (1..=MAX_ENTITY_BYTES).contains(&text.len()) && text.bytes().all(legal);
        (named || text == "*").then(|| Self(text.into()))
    }
}

checked_text!(
    Entity,
    "an entity in capitals, such as EMAIL_ADDRESS, or * for all others",
    "pattern": r"^([A-Z0-9_]{1,64}|\*)$"
);

const MAX_ENTITY_BYTES: usize = 64;
