//! Whose signatures count, as the policy says it.

use std::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding};
use ed25519_dalek::VerifyingKey;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::control::Generation;
use crate::document::{
    DocumentError, FromTree, Map, Members, Tree, read_by_serde, read_struct, read_words,
};
use crate::envelope::SIGNATURE_BYTES;
use crate::limits;
use crate::name::{Name, checked_text};

/// The keys that orders and warrants are checked against, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trust {
    /// Counts the changes of the trust: of two policies' the higher generation holds, so that a policy
    /// from yesterday brings no revoked key back.
    #[serde(default)]
    pub generation: Generation,
    /// The known keys; no id and no key comes twice.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = limits::TRUSTED_KEYS)))]
    pub keys: Vec<TrustedKey>,
    /// To raise exposure, every role of one of these sets must have signed; a role that a set names
    /// twice, by two keys. Left out: nobody can.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::RAISE_SETS), inner(length(min = 1, max = limits::SIGNATURES))))]
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

/// Whose signatures are missing for exposure to be raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The sets of roles of which one must have signed.
    sets: Vec<Vec<Name>>,
    /// Of the set that is nearest: the roles that have not.
    roles: Vec<Name>,
}

// === impl Trust ===

impl FromTree for Trust {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["generation", "keys", "raise", "lower"])?;
        let trust = Self {
            generation: members.or_default("generation")?,
            keys: members.required("keys")?,
            raise: members.or_default("raise")?,
            lower: members.or_default("lower")?,
        };
        let under = |name| move |message: String| DocumentError::whole(message).under_key(name);
        trust.check_keys().map_err(under("keys"))?;
        trust.check_raise().map_err(under("raise"))?;
        Ok(trust)
    }
}

impl Trust {
    /// The key that a signature names, by its id or its fingerprint.
    pub fn key(&self, keyid: &str) -> Option<&TrustedKey> {
        let by_id = self.keys.iter().find(|key| key.id.as_str() == keyid);
        let by_fingerprint = || self.keys.iter().find(|key| key.key.fingerprint() == keyid);
        by_id.or_else(by_fingerprint)
    }

    /// Whether the keys suffice for one of the sets that may raise exposure, all signing together.
    pub fn can_raise(&self) -> bool {
        let roles: Vec<&Name> = self.keys.iter().map(|key| &key.role).collect();
        self.missing_to_raise(&roles).is_none()
    }

    /// What is missing where nobody has signed.
    pub(crate) fn missing(&self) -> Missing {
        let nearest = self.raise.iter().min_by_key(|set| set.len());
        Missing {
            roles: nearest.cloned().unwrap_or_default(),
            sets: self.raise.clone(),
        }
    }

    /// What is missing for keys of these roles to raise exposure together; `None` if nothing is.
    pub(crate) fn missing_to_raise(&self, roles: &[&Name]) -> Option<Missing> {
        let missing = self.raise.iter().map(|set| left_out(set, roles));
        let nearest = missing.min_by_key(Vec::len);
        match nearest {
            Some(roles) if roles.is_empty() => None,
            nearest => Some(Missing {
                sets: self.raise.clone(),
                roles: nearest.unwrap_or_default(),
            }),
        }
    }

    /// A signature names its key, so names differ; and two keys that are one would let its holder
    /// approve twice.
    fn check_keys(&self) -> Result<(), String> {
        let (mut ids, mut keys) = (Map::default(), Map::default());
        if !(1..=limits::TRUSTED_KEYS).contains(&self.keys.len()) {
            return Err(format!(
                "{} keys, expected 1 to {}: without a key nobody could give an order",
                self.keys.len(),
                limits::TRUSTED_KEYS
            ));
        }
        for TrustedKey { id, key, .. } in &self.keys {
            if ids.insert(id, ()).is_some() {
                return Err(format!("two keys are named `{id}`"));
            }
            if let Some(other) = keys.insert(key.bytes(), id) {
                return Err(format!(
                    "`{other}` and `{id}` are one key; expected a key for each, or one holder could sign for two"
                ));
            }
        }
        Ok(())
    }

    fn check_raise(&self) -> Result<(), String> {
        if self.raise.len() > limits::RAISE_SETS {
            let most = limits::RAISE_SETS;
            return Err(format!(
                "{} sets, expected at most {most}",
                self.raise.len()
            ));
        }
        for (place, set) in self.raise.iter().enumerate() {
            if !(1..=limits::SIGNATURES).contains(&set.len()) {
                // All of nobody would always have signed.
                return Err(format!(
                    "set {place} (counted from 0) has {} roles, expected 1 to {}: an empty one would let anybody raise exposure",
                    set.len(),
                    limits::SIGNATURES
                ));
            }
        }
        Ok(())
    }
}

/// The roles of a set that are left when each of `roles` has signed once.
fn left_out(set: &[Name], roles: &[&Name]) -> Vec<Name> {
    let mut left = set.to_vec();
    for role in roles {
        if let Some(place) = left.iter().position(|wanted| wanted == *role) {
            left.swap_remove(place);
        }
    }
    left
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
    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(BLOB_PREFIX);
        hash.update(self.bytes());
        format!("SHA256:{}", Base64Unpadded::encode_string(&hash.finalize()))
    }

    /// Whether this is the key's signature of the message. Strict: the one form that every
    /// implementation accepts.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature: Result<[u8; SIGNATURE_BYTES], _> = signature.try_into();
        let (Ok(signature), Ok(key)) = (signature, VerifyingKey::from_bytes(&self.bytes())) else {
            return false;
        };
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        key.verify_strict(message, &signature).is_ok()
    }

    fn bytes(&self) -> [u8; KEY_BYTES] {
        // Checked when the key was read.
        decode(&self.0).unwrap_or_default()
    }

    fn parse(text: &str) -> Option<Self> {
        let key = VerifyingKey::from_bytes(&decode(text)?).ok()?;
        // For a key of small order anybody can find signatures.
        (!key.is_weak()).then(|| Self(text.into()))
    }
}

fn decode(text: &str) -> Option<[u8; KEY_BYTES]> {
    let mut words = text.split_ascii_whitespace();
    let (Some(ALGORITHM), Some(encoded)) = (words.next(), words.next()) else {
        return None;
    };
    let blob = Base64::decode_vec(encoded).ok()?;
    blob.strip_prefix(BLOB_PREFIX)?.try_into().ok()
}

checked_text!(
    PublicKey,
    "an OpenSSH public key of type ssh-ed25519, such as the line in ~/.ssh/id_ed25519.pub",
    "pattern": r"^\s*ssh-ed25519\s+AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}(\s.*)?$"
);

// === impl Missing ===

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sets.is_empty() {
            return f
                .write_str("`trust.raise` of the policy in force names nobody who could sign one");
        }
        // Where nobody of the nearest set has signed there is nothing to tell apart.
        let nobody = self.sets.contains(&self.roles);
        if !nobody {
            f.write_str("missing the approval of ")?;
            list(f, &self.roles, " and ")?;
            f.write_str("; ")?;
        }
        f.write_str("expected the approval of ")?;
        for (place, set) in self.sets.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { ", or of " })?;
            list(f, set, " and ")?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, names: &[Name], separator: &str) -> fmt::Result {
    for (place, name) in names.iter().enumerate() {
        f.write_str(if place == 0 { "" } else { separator })?;
        f.write_str(name.as_str())?;
    }
    Ok(())
}

const ALGORITHM: &str = "ssh-ed25519";
/// RFC 8709, section 4: the algorithm's name and the key, each after its length.
const BLOB_PREFIX: &[u8] = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20";
const KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests;
