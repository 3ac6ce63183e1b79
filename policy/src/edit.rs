//! Edits of a JSON body by JSON pointers (RFC 6901), byte by byte: what is not edited stays as the
//! client wrote it, to the last digit and space.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::document::{DocumentError, FromTree, Map, Tree, check_entries, read_by_serde};
use crate::limits;
use crate::name::checked_text;

/// Values that a JSON body gets, by pointer; no pointer leads into another one's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maxProperties" = limits::EDITS)))]
pub struct JsonEdits(Map<JsonPointer, Tree>);

/// A JSON pointer to a member of an object, such as `/prompt/version`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPointer(Box<str>);

/// Why a body could not be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The body is not one JSON document.
    NotJson(String),
    /// On the way to the member there is something other than an object or a list's element.
    NoWay(Box<str>),
    /// A member on the way, or the member itself, is given twice.
    Twice(Box<str>),
}

/// What a token leads to at one step of a pointer's way.
enum Place<'a> {
    /// In an object: the member of this name, if there is one; and whether there is any at all.
    Member {
        value: Option<&'a RawValue>,
        twice: bool,
        empty: bool,
    },
    /// In a list: the element at this index, if there is one.
    Element(Option<&'a RawValue>),
    Nowhere,
}

/// Looks for a token in a value and keeps nothing else of it, however much there is.
struct Seek<'a>(&'a str);

// === impl JsonEdits ===

impl JsonEdits {
    /// Whether there is nothing to edit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The body with every edit made. Members that are missing are added, objects on the way too.
    ///
    /// ```
    /// # use breakglass_policy::edit::JsonEdits;
    /// let edits: JsonEdits = serde_json::from_str(r#"{"/prompt/version": "42"}"#)?;
    /// let body = br#"{"prompt": {"version": "41", "t": 1.0}}"#;
    /// assert_eq!(edits.apply(body).unwrap(), br#"{"prompt": {"version": "42", "t": 1.0}}"#);
    /// assert_eq!(edits.apply(b"{}").unwrap(), br#"{"prompt":{"version":"42"}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Why the body has no place for an edit; it is not changed then.
    pub fn apply(&self, body: &[u8]) -> Result<Vec<u8>, EditError> {
        let text =
            std::str::from_utf8(body).map_err(|error| EditError::NotJson(error.to_string()))?;
        let mut edited = text.to_owned();
        for (pointer, value) in self.0.iter() {
            let (range, insert) = pointer.find(&edited, value)?;
            edited.replace_range(range, &insert);
        }
        Ok(edited.into_bytes())
    }
}

impl FromTree for JsonEdits {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let map: Map<JsonPointer, Tree> = Map::from_tree(tree)?;
        check_entries(map.len(), limits::EDITS)?;
        for outer in map.keys() {
            if let Some(inner) = map.keys().find(|inner| inner.leads_into(outer)) {
                return Err(DocumentError::whole(format_args!(
                    "`{inner}` leads into the value that `{outer}` sets; expected only one of them"
                )));
            }
        }
        Ok(Self(map))
    }
}

read_by_serde!(JsonEdits);

// === impl JsonPointer ===

impl JsonPointer {
    fn parse(text: &str) -> Option<Self> {
        let sized = text.len() <= limits::TEXT_BYTES;
        let escapes_are_whole = text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        (sized && escapes_are_whole && text.starts_with('/')).then(|| Self(text.into()))
    }

    /// Whether this pointer leads into the value at `outer`.
    fn leads_into(&self, outer: &Self) -> bool {
        let rest = self.0.strip_prefix(&*outer.0);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The names on the way, unescaped.
    fn tokens(&self) -> impl Iterator<Item = String> {
        let tokens = self.0.split('/').skip(1);
        tokens.map(|token| {
            let mut text = String::with_capacity(token.len());
            let mut rest = token.chars();
            while let Some(char) = rest.next() {
                text.push(match char {
                    // Whole escapes only, as `parse` saw to.
                    '~' if rest.next() == Some('1') => '/',
                    char => char,
                });
            }
            text
        })
    }

    /// Which bytes of `text` to replace, and by what, so that `value` stands at this pointer.
    fn find(&self, text: &str, value: &Tree) -> Result<(Range<usize>, String), EditError> {
        let mut here: &RawValue = parse(text)?;
        let mut tokens = self.tokens();
        while let Some(token) = tokens.next() {
            here = match Seek(&token).within(here)? {
                Place::Member { twice: true, .. } => return Err(EditError::Twice(self.0.clone())),
                Place::Member {
                    value: None, empty, ..
                } => {
                    let at = start_of(here, text).saturating_add(1);
                    let separator = if empty { "" } else { "," };
                    let member = member(&token, tokens, value);
                    return Ok((at..at, format!("{member}{separator}")));
                }
                Place::Member {
                    value: Some(next), ..
                }
                | Place::Element(Some(next)) => next,
                Place::Element(None) | Place::Nowhere => {
                    return Err(EditError::NoWay(self.0.clone()));
                }
            };
        }
        let start = start_of(here, text);
        let end = start.saturating_add(here.get().len());
        Ok((start..end, value.to_json()))
    }
}

checked_text!(
    JsonPointer,
    "a JSON pointer to a member, such as /prompt/version",
    "pattern": "^(/([^~/]|~[01])*)+$",
    "maxLength": limits::TEXT_BYTES
);

/// `"token":value`, wrapped in the objects that the remaining tokens name.
fn member(token: &str, rest: impl Iterator<Item = String>, value: &Tree) -> String {
    let quoted = |token: &str| Tree::Text(token.to_owned()).to_json();
    let mut text = format!("{}:", quoted(token));
    let mut depth: usize = 0;
    for token in rest {
        text.push('{');
        text.push_str(&quoted(&token));
        text.push(':');
        depth = depth.saturating_add(1);
    }
    text.push_str(&value.to_json());
    text.extend(std::iter::repeat_n('}', depth));
    text
}

/// The place in a list that a token names: digits without a sign or leading zeros (RFC 6901,
/// section 4), so that no two pointers lead to one element.
fn list_index(token: &str) -> Option<usize> {
    let index: usize = token.parse().ok()?;
    (index.to_string() == token).then_some(index)
}

fn parse(text: &str) -> Result<&RawValue, EditError> {
    serde_json::from_str(text).map_err(|error| EditError::NotJson(error.to_string()))
}

/// Where a value that was read out of `text` begins in it.
fn start_of(value: &RawValue, text: &str) -> usize {
    let (value, text) = (value.get().as_ptr().addr(), text.as_ptr().addr());
    value.saturating_sub(text)
}

// === impl Seek ===

impl Seek<'_> {
    fn within<'a>(self, value: &'a RawValue) -> Result<Place<'a>, EditError> {
        let mut reader = serde_json::Deserializer::from_str(value.get());
        let place = (&mut reader).deserialize_any(self);
        place.map_err(|error| EditError::NotJson(error.to_string()))
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Place<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Place<'de>, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(transparent)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
        let (mut value, mut twice, mut empty) = (None, false, true);
        while let Some((Key(name), member)) = map.next_entry::<_, &RawValue>()? {
            empty = false;
            if name == self.0 {
                twice |= value.replace(member).is_some();
            }
        }
        Ok(Place::Member {
            value,
            twice,
            empty,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Place<'de>, A::Error> {
        let index = list_index(self.0);
        let (mut found, mut at) = (None, 0_usize);
        while let Some(element) = list.next_element()? {
            if Some(at) == index {
                found = Some(element);
            }
            at = at.saturating_add(1);
        }
        Ok(Place::Element(found))
    }

    fn visit_unit<E>(self) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }

    fn visit_str<E>(self, _: &str) -> Result<Place<'de>, E> {
        Ok(Place::Nowhere)
    }
}

// === impl EditError ===

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => write!(f, "the body is not JSON: {error}"),
            Self::NoWay(pointer) => write!(f, "the body has no object where `{pointer}` leads"),
            Self::Twice(pointer) => write!(f, "the body gives a member of `{pointer}` twice"),
        }
    }
}

impl std::error::Error for EditError {}

#[cfg(test)]
mod tests;
