//! People as they are typed: `id:name:role:key` or `id:name:role:areas:key`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use breakglass_policy::{Name, PublicKey};
use serde_json::json;
use ssh_key::PrivateKey;

use crate::commands::init::Folder;
use crate::typed;

/// Somebody.
#[derive(Clone, Debug)]
pub(crate) struct PersonArgument {
    pub(super) id: Name,
    pub(super) name: String,
    pub(super) role: Name,
    pub(super) areas: Vec<Name>,
    pub(super) key: PublicKey,
    pub(super) key_file: Option<PathBuf>,
}

// === impl PersonArgument ===

impl PersonArgument {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected id:name:role:key or id:name:role:areas:key";
        let mut parts = text.splitn(4, ':').map(str::trim);
        let (Some(id), Some(name), Some(role), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(expected.into());
        };
        // A line of a key may have colons in its comment, and no list of areas has a space.
        let (areas, key) = match rest.split_once(':') {
            Some((areas, key)) if !areas.contains(' ') => (areas, key.trim()),
            _ => ("", rest),
        };
        let areas = areas
            .split(',')
            .map(str::trim)
            .filter(|area| !area.is_empty());
        let areas: Result<Vec<Name>, String> = areas.map(typed::name).collect();
        let (key, key_file) = read_key(key).map_err(|error| format!("{error:#}; {expected}"))?;
        Ok(Self {
            id: typed::name(id)?,
            name: match name {
                "" => id.to_owned(),
                name => name.to_owned(),
            },
            role: typed::name(role)?,
            areas: areas?,
            key,
            key_file,
        })
    }

    /// The same, with the file of the key as the project names it.
    pub(super) fn in_folder(self, folder: &Folder) -> Self {
        Self {
            key_file: self.key_file.map(|file| folder.path(&file)),
            ..self
        }
    }
}

/// The public key that is meant, and the file of its private half where that is here.
pub(super) fn read_key(text: &str) -> Result<(PublicKey, Option<PathBuf>)> {
    if text.is_empty() {
        bail!("no key is named");
    }
    if text.starts_with("ssh-") {
        return Ok((public(text)?, None));
    }
    let file = Path::new(text);
    let bytes = fs::read_to_string(file).with_context(|| format!("cannot read the key {text}"))?;
    if bytes.trim_start().starts_with("ssh-") {
        let private = text.strip_suffix(".pub").map(PathBuf::from);
        return Ok((public(bytes.trim())?, private.filter(|file| file.is_file())));
    }
    // The public half is in the clear, whatever passphrase the private one has.
    let key = PrivateKey::from_openssh(bytes.as_bytes());
    let key = key.with_context(|| format!("{text} is no key, neither private nor public"))?;
    let line = key.public_key().to_openssh()?;
    Ok((public(line.trim())?, Some(file.to_owned())))
}

fn public(line: &str) -> Result<PublicKey> {
    serde_json::from_value(json!(line)).context("this is no public key")
}
