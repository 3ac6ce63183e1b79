//! Private keys in OpenSSH's format.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use ed25519_dalek::SigningKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Algorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::secret;

/// Reads the private key in `file`; asks for its passphrase if it has one and no file holds it.
///
/// # Errors
/// What the file holds instead, that others may read it, or that the passphrase is wrong.
pub(crate) fn read(file: &Path, passphrase_file: Option<&Path>) -> Result<SigningKey> {
    let name = file.display();
    let mut opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
    let mut text = Zeroizing::new(String::new());
    let read = opened
        .by_ref()
        .take(KEY_FILE_BYTES)
        .read_to_string(&mut text);
    read.with_context(|| format!("cannot read {name}"))?;
    if !text.trim_start().starts_with(OPENSSH_BEGIN) {
        bail!("{name} {}", what_instead(&text));
    }
    check_access(&opened, file)?;

    let key = PrivateKey::from_openssh(text.as_bytes()).map_err(|error| match error {
        ssh_key::Error::AlgorithmUnknown => {
            anyhow!("{name} is a key of another type, {EXPECTED_TYPE}")
        }
        error => anyhow!("{name} is no whole OpenSSH private key: {error}"),
    })?;
    // The public half is in the clear: nobody is asked for the passphrase of a key that is of no use.
    if key.algorithm() != Algorithm::Ed25519 {
        bail!(
            "{name} is a key of type {}, {EXPECTED_TYPE}",
            key.algorithm()
        );
    }
    let key = match key.is_encrypted() {
        true => decrypt(&key, file, passphrase_file)?,
        false => key,
    };
    match key.key_data() {
        KeypairData::Ed25519(pair) => signing_key(pair)
            .with_context(|| format!("the two halves of {name} do not belong together")),
        _ => bail!("{name} holds no ssh-ed25519 key"),
    }
}

fn decrypt(key: &PrivateKey, file: &Path, passphrase_file: Option<&Path>) -> Result<PrivateKey> {
    let name = file.display();
    let passphrase = match passphrase_file {
        Some(file) => secret::from_file(file)?,
        None => secret::ask(&format!("Passphrase for {name}: "))?.with_context(|| {
            format!(
                "{name} is encrypted, and there is no terminal to ask for its passphrase; expected --passphrase-file FILE, or --agent"
            )
        })?,
    };
    key.decrypt(passphrase.as_bytes())
        .map_err(|_| anyhow!("the passphrase for {name} is wrong"))
}

fn signing_key(pair: &Ed25519Keypair) -> Option<SigningKey> {
    let key = SigningKey::from_bytes(&pair.private.to_bytes());
    (key.verifying_key().as_bytes() == &pair.public.0).then_some(key)
}

/// As OpenSSH: a key of our own that others may read is one that they may have read. Whose file is
/// another's, such as a mounted secret, is another's business.
fn check_access(opened: &File, file: &Path) -> Result<()> {
    let metadata = opened.metadata();
    let metadata = metadata.with_context(|| format!("cannot read {}", file.display()))?;
    let mode = metadata.mode() & 0o777;
    let ours = metadata.uid() == rustix::process::getuid().as_raw();
    if ours && mode & 0o077 != 0 {
        bail!(
            "{name} has mode {mode:04o}: others may read this private key; expected 0600: chmod 600 {name}",
            name = file.display()
        );
    }
    Ok(())
}

/// Completes the sentence "FILE …" for a text that is no OpenSSH private key.
fn what_instead(text: &str) -> &'static str {
    let first = text.trim_start();
    if ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|kind| first.starts_with(kind))
    {
        "is a public key, expected the private one: most likely the file without `.pub`"
    } else if first.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        "is a private key in PEM, expected one in OpenSSH's format and of type ssh-ed25519, such as `breakglass keygen` makes"
    } else {
        "is no private key, expected one in OpenSSH's format, which begins `-----BEGIN OPENSSH PRIVATE KEY-----`"
    }
}

const EXPECTED_TYPE: &str = "expected ssh-ed25519, such as `breakglass keygen` makes";
const OPENSSH_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
/// Many times the largest RSA key.
const KEY_FILE_BYTES: u64 = 64 << 10;
