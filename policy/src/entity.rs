//! Entities: the PII types that a policy names, and those that it defines.

use serde::Serialize;

use crate::document::{DocumentError, FromTree, Map, Members, Tree, check_entries, read_by_serde};
use crate::limits;
use crate::name::checked_text;

/// A PII type, named as Microsoft Presidio names it or as the policy defines it; or `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity(Box<str>);

/// The name of a PII type that the policy defines; it becomes the placeholder and a metric label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityName(Box<str>);

/// PII types of the operator's own, such as employee numbers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxProperties" = limits::DEFINED_ENTITIES)))]
pub struct Definitions(Map<EntityName, Definition>);

/// What one of them looks like: at least one literal or shape, found as a whole word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Definition {
    /// Texts that are found in any case.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::PATTERNS)))]
    literals: Vec<Literal>,
    /// Texts with places for digits and letters.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::PATTERNS)))]
    shapes: Vec<Shape>,
}

/// A text to be found, such as `Project Bluebird`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal(Box<str>);

/// A text with places for any digit (`#`), letter (`@`) or either (`*`), such as `EMP-######`;
/// after `\` a character stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Box<str>);

// === impl Entity ===

impl Entity {
    fn parse(text: &str) -> Option<Self> {
        (text == "*" || is_name(text)).then(|| Self(text.into()))
    }
}

checked_text!(
    Entity,
    "an entity in capitals, such as EMAIL_ADDRESS, or * for all others",
    "pattern": r"^([A-Z][A-Z0-9_]{0,63}|\*)$"
);

// === impl EntityName ===

impl EntityName {
    fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.into()))
    }
}

checked_text!(
    EntityName,
    "a name for the entity in 1 to 64 capitals, digits and underscores, such as EMPLOYEE_ID",
    "pattern": "^[A-Z][A-Z0-9_]{0,63}$"
);

fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let sized = text.len() <= limits::NAME_BYTES;
    sized && text.starts_with(|first: char| first.is_ascii_uppercase()) && text.bytes().all(legal)
}

// === impl Definitions ===

impl Definitions {
    /// Whether nothing is defined.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entities that are defined, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&EntityName, &Definition)> {
        self.0.iter()
    }
}

impl FromTree for Definitions {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let map = Map::from_tree(tree)?;
        check_entries(map.len(), limits::DEFINED_ENTITIES)?;
        Ok(Self(map))
    }
}

read_by_serde!(Definitions);

// === impl Definition ===

impl Definition {
    /// The literals, as they were written.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.literals.iter().map(Literal::as_str)
    }

    /// The shapes, as they were written.
    pub fn shapes(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().map(Shape::as_str)
    }
}

impl FromTree for Definition {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["literals", "shapes"])?;
        let literals: Vec<_> = members.or_default("literals")?;
        let shapes: Vec<_> = members.or_default("shapes")?;
        let given = literals.len().saturating_add(shapes.len());
        if !(1..=limits::PATTERNS).contains(&given) {
            let limit = limits::PATTERNS;
            return Err(DocumentError::whole(format_args!(
                "{given} literals and shapes, expected 1 to {limit}"
            )));
        }
        Ok(Self { literals, shapes })
    }
}

read_by_serde!(Definition);

// === impl Literal ===

impl Literal {
    fn parse(text: &str) -> Option<Self> {
        let words = text.bytes().map(|byte| byte.is_ascii_alphanumeric());
        is_pattern(text, &words.collect::<Vec<_>>()).then(|| Self(text.into()))
    }
}

checked_text!(
    Literal,
    "4 to 64 visible ASCII characters and spaces that begin and end with a letter or digit",
    "pattern": "^[A-Za-z0-9][ -~]{2,62}[A-Za-z0-9]$"
);

// === impl Shape ===

impl Shape {
    fn parse(text: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            words.push(match byte {
                b'#' | b'@' | b'*' => true,
                b'\\' => bytes.next()?.is_ascii_alphanumeric(),
                byte => byte.is_ascii_alphanumeric(),
            });
        }
        is_pattern(text, &words).then(|| Self(text.into()))
    }
}

checked_text!(
    Shape,
    r"4 to 64 visible ASCII characters and spaces that begin and end with a letter or digit, where # is any digit, @ any letter, * either and \ takes such a meaning away",
    "pattern": r"^([#@*]|\\?[A-Za-z0-9])([ -\[\]-~]|\\[ -~]){2,62}([#@*]|\\?[A-Za-z0-9])$"
);

/// Whether a text is fit to be looked for; `words` tells of each of its characters whether it is,
/// or stands for, a letter or digit. It begins and ends with one because it is found as a whole
/// word, and words end where letters and digits do.
fn is_pattern(text: &str, words: &[bool]) -> bool {
    let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let ends = [words.first(), words.last()];
    visible && limits::PATTERN_CHARS.contains(&words.len()) && ends == [Some(&true); 2]
}

#[cfg(test)]
mod tests;
