//! Reading documents: JSON or MessagePack in, a type that cannot be wrong or the path of the error out.
//!
//! Bytes of either form are read into one [`Tree`], and types are read from that. So the code of
//! each type exists once in the filter, not once per form, and an error knows its path.

mod map;
mod read;
mod tree;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::limits;

pub use map::Map;
pub(crate) use read::{FromTree, Members, Words, checked, read_by_serde, read_struct, read_words};
pub(crate) use tree::Tree;

/// Why a document was refused, and where.
///
/// The path is written as a reader would point at it: `rollouts[0].control.ramp[1].percent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    // One pointer: errors are rare, and every step of reading hands a result on.
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    path: String,
    message: String,
}

// === impl DocumentError ===

impl DocumentError {
    /// Where in the document the error is; empty for the document as a whole.
    pub fn path(&self) -> &str {
        &self.inner.path
    }

    /// What was found there and what was expected instead.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    pub(crate) fn whole(message: impl fmt::Display) -> Self {
        let inner = Box::new(Inner {
            path: String::new(),
            message: message.to_string(),
        });
        Self { inner }
    }

    /// A value that is of the right type but not one of those expected.
    pub(crate) fn invalid<T>(found: &Tree, expected: &dyn fmt::Display) -> Result<T, Self> {
        Err(Self::mismatch("value", found, expected))
    }

    fn mismatch(what: &str, found: &Tree, expected: &dyn fmt::Display) -> Self {
        let found = match found {
            Tree::Null => "null".to_owned(),
            Tree::List(_) => "list".to_owned(),
            Tree::Object(_) => "object".to_owned(),
            // Numbers are written by the JSON writer: the standard library's would make the filter
            // larger by a twentieth.
            Tree::Bool(_) => format!("boolean `{}`", found.to_json()),
            Tree::Unsigned(_) | Tree::Signed(_) => format!("integer `{}`", found.to_json()),
            Tree::Float(_) => format!("floating point `{}`", found.to_json()),
            Tree::Text(_) => format!("string {}", found.to_json()),
        };
        Self::whole(format_args!("invalid {what}: {found}, expected {expected}"))
    }

    /// The same error, seen from the object that holds it in the member `key`.
    pub(crate) fn under_key(self, key: &str) -> Self {
        self.under(key.to_owned())
    }

    /// The same error, seen from the list that holds it at `index`.
    pub(crate) fn under_index(self, index: usize) -> Self {
        self.under(format!("[{index}]"))
    }

    fn under(mut self, mut path: String) -> Self {
        let inner = &mut self.inner;
        if !inner.path.is_empty() && !inner.path.starts_with('[') {
            path.push('.');
        }
        path.push_str(&inner.path);
        inner.path = path;
        self
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, message } = &*self.inner;
        if path.is_empty() {
            f.write_str(message)
        } else {
            write!(f, "{path}: {message}")
        }
    }
}

impl std::error::Error for DocumentError {}

/// Reads one JSON document of at most `limit` bytes and nothing after it.
pub(crate) fn from_json<T: FromTree>(json: &[u8], limit: usize) -> Result<T, DocumentError> {
    check_size(json, limit)?;
    let tree: Tree = serde_json::from_slice(json).map_err(DocumentError::whole)?;
    T::from_tree(&tree)
}

/// Reads one MessagePack document of at most `limit` bytes and nothing after it.
pub(crate) fn from_msgpack<T: FromTree>(bytes: &[u8], limit: usize) -> Result<T, DocumentError> {
    check_size(bytes, limit)?;
    let mut rest = bytes;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    reader.set_max_depth(limits::DEPTH);
    let tree = Tree::deserialize(&mut reader).map_err(DocumentError::whole)?;
    if !rest.is_empty() {
        let message = format!("{} bytes follow the document", rest.len());
        return Err(DocumentError::whole(message));
    }
    T::from_tree(&tree)
}

/// Writes a document as MessagePack: maps with the same field names as the JSON form.
pub(crate) fn to_msgpack(document: &impl Serialize) -> Result<Vec<u8>, DocumentError> {
    rmp_serde::to_vec_named(document).map_err(DocumentError::whole)
}

/// At most so many members of one object.
pub(crate) fn check_entries(given: usize, limit: usize) -> Result<(), DocumentError> {
    if given <= limit {
        return Ok(());
    }
    Err(DocumentError::whole(format_args!(
        "{given} entries, expected at most {limit}"
    )))
}

fn check_size(bytes: &[u8], limit: usize) -> Result<(), DocumentError> {
    if bytes.len() <= limit {
        return Ok(());
    }
    let message = format!("{} bytes, expected at most {limit}", bytes.len());
    Err(DocumentError::whole(message))
}
