//! Whose signatures count, as the policy says it.

use base64ct::{Base64, Encoding};
use serde::Serialize;

use crate::document::{
    DocumentError, FromTree, Map, Members, Tree, read_by_serde, read_struct, read_words,
};
use crate::name::{Name, checked_text};

/// The keys that orders and warrants are checked against, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trust {
    /// The known keys.
    pub keys: Vec<TrustedKey>,
    /// To raise exposure, every role of one of these sets must have signed.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(inner(length(min = 1))))]
    pub raise: Vec<Vec<Name>>,
    /// Who may lower exposure.
    #[serde(default)]
    pub lower: Lower,
}

/// One key and the role of its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrustedKey {
    /// What signatures call the key.
    pub id: Name,
    /// The holder's role.
    pub role: Name,
    /// The key itself.
    pub key: PublicKey,
}

/// Who may lower exposure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Lower {
    /// Any trusted key alone.
    #[default]
    Any,
}

/// An Ed25519 public key as OpenSSH writes it: `ssh-ed25519 AAAA… comment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Box<str>);

// === impl Trust ===

impl FromTree for Trust {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["keys", "raise", "lower"])?;
        let trust = Self {
            keys: members.required("keys")?,
            raise: members.or_default("raise")?,
            lower: members.or_default("lower")?,
        };
        trust.check_ids().map_err(|error| error.under_key("keys"))?;
        if trust.raise.iter().any(Vec::is_empty) {
            // All of nobody would always have signed.
            let message =
                "an empty set would let anybody raise exposure; expected at least one role in each";
            return Err(DocumentError::whole(message).under_key("raise"));
        }
        Ok(trust)
    }
}

impl Trust {
    /// A signature names its key, so the names differ.
    fn check_ids(&self) -> Result<(), DocumentError> {
        let mut ids = Map::default();
        match self
            .keys
            .iter()
            .find(|key| ids.insert(&key.id, ()).is_some())
        {
            Some(TrustedKey { id, .. }) => Err(DocumentError::whole(format_args!(
                "two keys are named `{id}`"
            ))),
            None => Ok(()),
        }
    }
}

read_by_serde!(Trust);

// === impl TrustedKey ===

read_struct!(TrustedKey {
    id: required "id",
    role: required "role",
    key: required "key",
});

// === impl Lower ===

read_words!(Lower { "any" => Any });

// === impl PublicKey ===

impl PublicKey {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let (Some(ALGORITHM), Some(encoded)) = (words.next(), words.next()) else {
            return None;
        };
        let blob = Base64::decode_vec(encoded).ok()?;
        let key = blob.strip_prefix(BLOB_PREFIX)?;
        (key.len() == KEY_BYTES).then(|| Self(text.into()))
    }
}

checked_text!(
    PublicKey,
    "an OpenSSH public key of type ssh-ed25519, such as the line in ~/.ssh/id_ed25519.pub",
    "pattern": r"^\s*ssh-ed25519\s+AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}(\s.*)?$"
);

const ALGORITHM: &str = "ssh-ed25519";
/// RFC 8709, section 4: the algorithm's name and the key, each after its length.
const BLOB_PREFIX: &[u8] = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20";
const KEY_BYTES: usize = 32;
