//! Reading types from a [`Tree`].
//!
//! Written out instead of derived: `serde`'s derived code for these documents is 100 KB of the
//! filter, this is a quarter of that. Everybody else reads them through `serde` all the same.

use std::fmt;

use super::{DocumentError, Tree};

/// A type that can be read from a document, or says what it expected instead.
pub(crate) trait FromTree: Sized {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError>;
}

/// The members of an object; every name is known and given once.
pub(crate) struct Members<'a> {
    members: &'a [(String, Tree)],
}

/// Reads a struct from an object whose members are exactly these. Each is `required`,
/// `or_default` where it is absent, or `given` as `Some` where it is there, if only as `null`.
macro_rules! read_struct {
    ($type:ident { $($field:ident: $how:ident $name:literal),* $(,)? }) => {
        impl $crate::document::FromTree for $type {
            fn from_tree(
                tree: &$crate::document::Tree,
            ) -> Result<Self, $crate::document::DocumentError> {
                let members = $crate::document::Members::of(tree, &[$($name),*])?;
                Ok(Self { $($field: members.$how($name)?),* })
            }
        }

        $crate::document::read_by_serde!($type);
    };
}

/// Reads an enum without content from its words.
macro_rules! read_words {
    ($type:ident { $($word:literal => $variant:ident),* $(,)? }) => {
        impl $crate::document::FromTree for $type {
            fn from_tree(
                tree: &$crate::document::Tree,
            ) -> Result<Self, $crate::document::DocumentError> {
                const WORDS: &[&str] = &[$($word),*];
                let word = tree.text(&$crate::document::Words(WORDS))?;
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::document::DocumentError::unknown("variant", word, WORDS)),
                }
            }
        }

        $crate::document::read_by_serde!($type);
    };
}

/// Lets `serde` read a type as [`FromTree`] does.
macro_rules! read_by_serde {
    ($type:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let tree = $crate::document::Tree::deserialize(deserializer)?;
                let read = $crate::document::FromTree::from_tree(&tree);
                read.map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {read_by_serde, read_struct, read_words};

/// Reads a text that `parse` accepts.
pub(crate) fn checked<T>(
    tree: &Tree,
    parse: fn(&str) -> Option<T>,
    expected: &dyn fmt::Display,
) -> Result<T, DocumentError> {
    match parse(tree.text(expected)?) {
        Some(value) => Ok(value),
        None => DocumentError::invalid(tree, expected),
    }
}

// === impl Members ===

impl<'a> Members<'a> {
    /// The members of an object, all of which must be `known`.
    pub(crate) fn of(tree: &'a Tree, known: &[&str]) -> Result<Self, DocumentError> {
        let members = tree.object()?;
        let unknown = |(name, _): &&(String, Tree)| !known.contains(&name.as_str());
        if let Some((name, _)) = members.iter().find(unknown) {
            return Err(DocumentError::unknown("field", name, known).under_key(name));
        }
        Self::among_others(tree)
    }

    /// The members of an object that may have others, for formats that are not ours. Each is given
    /// once all the same: of two, other readers may take the other.
    pub(crate) fn among_others(tree: &'a Tree) -> Result<Self, DocumentError> {
        let members = tree.object()?;
        for (place, (name, _)) in members.iter().enumerate() {
            let mut later = members.iter().skip(place.saturating_add(1));
            if later.any(|(other, _)| other == name) {
                return Err(DocumentError::twice(name).under_key(name));
            }
        }
        Ok(Self { members })
    }

    pub(crate) fn required<T: FromTree>(&self, name: &str) -> Result<T, DocumentError> {
        let given = self.given(name)?;
        given.ok_or_else(|| DocumentError::whole(format_args!("missing field `{name}`")))
    }

    pub(crate) fn or_default<T: FromTree + Default>(&self, name: &str) -> Result<T, DocumentError> {
        Ok(self.given(name)?.unwrap_or_default())
    }

    pub(crate) fn given<T: FromTree>(&self, name: &str) -> Result<Option<T>, DocumentError> {
        match self.get(name).map(T::from_tree) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(error)) => Err(error.under_key(name)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Tree> {
        let named = self.members.iter().find(|(member, _)| member == name);
        named.map(|(_, tree)| tree)
    }
}

// === impl Tree ===

impl Tree {
    /// The members of an object, in order.
    pub(crate) fn object(&self) -> Result<&[(String, Self)], DocumentError> {
        match self {
            Self::Object(members) => Ok(members),
            other => other.mismatch(&"an object"),
        }
    }

    /// A text; otherwise an error that expects `what`.
    pub(crate) fn text(&self, what: &dyn fmt::Display) -> Result<&str, DocumentError> {
        match self {
            Self::Text(text) => Ok(text),
            other => other.mismatch(what),
        }
    }

    /// The one member of an object that stands for an alternative.
    pub(crate) fn alternative(&self, known: &[&str]) -> Result<(&str, &Self), DocumentError> {
        let members = self.object()?;
        let unknown = |(name, _): &&(String, Self)| !known.contains(&name.as_str());
        if let Some((name, _)) = members.iter().find(unknown) {
            return Err(DocumentError::unknown("variant", name, known).under_key(name));
        }
        match members {
            [(name, content)] => Ok((name, content)),
            _ => Err(DocumentError::whole(format_args!(
                "expected an object with one member, {}",
                Words(known)
            ))),
        }
    }
}

impl FromTree for bool {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match tree {
            Tree::Bool(bool) => Ok(*bool),
            other => other.mismatch(&"a boolean"),
        }
    }
}

impl FromTree for String {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        tree.text(&"a string").map(str::to_owned)
    }
}

impl FromTree for u64 {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match tree {
            Tree::Unsigned(number) => Ok(*number),
            other => other.mismatch(&"a whole number from 0 on"),
        }
    }
}

impl FromTree for f64 {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match tree {
            Tree::Float(number) => Ok(*number),
            Tree::Unsigned(number) => Ok(*number as f64),
            Tree::Signed(number) => Ok(*number as f64),
            other => other.mismatch(&"a number"),
        }
    }
}

impl FromTree for Tree {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        Ok(tree.clone())
    }
}

impl<T: FromTree> FromTree for Option<T> {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        match tree {
            Tree::Null => Ok(None),
            given => T::from_tree(given).map(Some),
        }
    }
}

impl<T: FromTree> FromTree for Box<T> {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        T::from_tree(tree).map(Self::new)
    }
}

impl<T: FromTree> FromTree for Vec<T> {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let elements = match tree {
            Tree::List(elements) => elements,
            other => return other.mismatch(&"a list"),
        };
        let mut values = Self::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            values.push(T::from_tree(element).map_err(|error| error.under_index(index))?);
        }
        Ok(values)
    }
}

// === impl DocumentError ===

impl DocumentError {
    /// A name that comes twice.
    pub(crate) fn twice(name: &str) -> Self {
        Self::whole(format_args!("`{name}` is given twice"))
    }

    /// A word that none of the `known` ones is.
    pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> Self {
        Self::whole(format_args!(
            "unknown {what} `{word}`, expected {}",
            Words(known)
        ))
    }
}

/// The words that are known in one place, as a reader is told of them.
pub(crate) struct Words<'a>(pub(crate) &'a [&'a str]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > 1 {
            f.write_str("one of ")?;
        }
        for (place, word) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}`{word}`")?;
        }
        Ok(())
    }
}
