//! Reading documents: JSON or MessagePack in, a type that cannot be wrong or the path of the error out.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};

/// Why a document was refused, and where.
///
/// The path is written as a reader would point at it: `rollouts[0].control.ramp[1].percent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    path: String,
    message: String,
}

struct UniqueMap<K, V>(PhantomData<(K, V)>);

// === impl DocumentError ===

impl DocumentError {
    /// Where in the document the error is; empty for the document as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was found there and what was expected instead.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            message: message.into(),
        }
    }

    fn at<E: fmt::Display>(error: serde_path_to_error::Error<E>) -> Self {
        let path = match error.path().to_string() {
            // The library's word for the document itself.
            whole if whole == "." => String::new(),
            path => path,
        };
        Self {
            path,
            message: error.into_inner().to_string(),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for DocumentError {}

/// Reads one JSON document of at most `limit` bytes and nothing after it.
pub(crate) fn from_json<T: DeserializeOwned>(
    json: &[u8],
    limit: usize,
) -> Result<T, DocumentError> {
    check_size(json, limit)?;
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(DocumentError::at)?;
    reader
        .end()
        .map_err(|error| DocumentError::whole(error.to_string()))?;
    Ok(value)
}

/// Reads one MessagePack document of at most `limit` bytes and nothing after it.
pub(crate) fn from_msgpack<T: DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, DocumentError> {
    check_size(bytes, limit)?;
    let mut rest = bytes;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(DocumentError::at)?;
    if !rest.is_empty() {
        let message = format!("{} bytes follow the document", rest.len());
        return Err(DocumentError::whole(message));
    }
    Ok(value)
}

/// Reads a map and refuses a key that comes twice; `serde` would keep the last one in silence.
pub(crate) fn unique_map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(UniqueMap(PhantomData))
}

fn check_size(bytes: &[u8], limit: usize) -> Result<(), DocumentError> {
    if bytes.len() <= limit {
        return Ok(());
    }
    let message = format!("{} bytes, expected at most {limit}", bytes.len());
    Err(DocumentError::whole(message))
}

// === impl UniqueMap ===

impl<'de, K, V> Visitor<'de> for UniqueMap<K, V>
where
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry::<K, V>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` is given twice")));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}
