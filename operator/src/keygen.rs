//! `breakglass keygen`: a pair of keys to sign with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use breakglass_policy::Name;
use clap::Args;
use ed25519_dalek::SigningKey;
use serde_json::json;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{Cipher, HashAlg, Kdf, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use crate::files;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::secret;
use crate::typed::name;

/// Makes a pair of keys to sign orders and warrants with.
///
/// Writes an Ed25519 key in OpenSSH's format to FILE (mode 0600) and its public half to FILE.pub, as
/// ssh-keygen does; ssh-add and ssh-keygen read both, and keys of `ssh-keygen -t ed25519` do as well.
/// The passphrase that encrypts the key is asked for twice. Neither file may be there yet.
///
/// Prints the key's fingerprint and the line for `trust.keys` of the policy; choose its id and role.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    /// Where the private key goes; the public one goes to FILE.pub
    #[arg(long, value_name = "FILE", default_value = "breakglass_ed25519")]
    out: PathBuf,
    /// Whose key it is; part of the public key
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Encrypt the key with the passphrase in this file (its first line) instead of asking
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    passphrase_file: Option<PathBuf>,
    /// Do not encrypt the key: whoever reads the file can sign
    #[arg(long)]
    no_passphrase: bool,
    /// The id in the line for the policy [default: the comment, or the file's name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    id: Option<Name>,
    /// The role in the line for the policy
    #[arg(long, value_name = "NAME", value_parser = name, default_value = "operator")]
    role: Name,
    /// Write one JSON value
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let file = &arguments.out;
    let public_file = public_file(file);
    for file in [file, &public_file] {
        // Asked again when it is made: this is only so that nobody types a passphrase in vain.
        if file.symlink_metadata().is_ok() {
            bail!(
                "{} is there already; expected another name, with --out: no key is ever overwritten",
                file.display()
            );
        }
    }
    if arguments.comment.contains(['\n', '\r']) {
        bail!("--comment has several lines, expected one");
    }
    let key = new_key(&arguments.comment)?;
    let public = key.public_key();
    let (line, fingerprint) = (public.to_openssh()?, public.fingerprint(HashAlg::Sha256));
    let key = match passphrase(arguments)? {
        Some(passphrase) => encrypt(&key, &passphrase)?,
        None => key,
    };
    files::create(file, key.to_openssh(LineEnding::LF)?.as_bytes(), 0o600)?;
    files::create(&public_file, format!("{line}\n").as_bytes(), 0o644)?;

    let id = arguments.id.clone().unwrap_or_else(|| id(arguments));
    // Members in the order in which a policy is read.
    let entry = format!(
        r#"{{"id": {}, "role": {}, "key": {}}}"#,
        json!(id),
        json!(arguments.role),
        json!(line)
    );
    let mut output = Output::new();
    if arguments.json {
        output.json(&json!({
            "file": file.display().to_string(),
            "public_file": public_file.display().to_string(),
            "fingerprint": fingerprint.to_string(),
            "encrypted": key.is_encrypted(),
            "trust_key": {"id": id, "role": arguments.role, "key": line},
        }))?;
    } else {
        let encrypted = match key.is_encrypted() {
            true => "encrypted",
            false => "NOT encrypted: whoever reads it can sign",
        };
        output.line(&format!("private key  {} ({encrypted})", file.display()))?;
        output.line(&format!("public key   {}", public_file.display()))?;
        output.line(&format!("fingerprint  {fingerprint}"))?;
        output.line("for `trust.keys` of the policy:")?;
        output.line(&entry)?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn new_key(comment: &str) -> Result<PrivateKey> {
    let mut seed = Zeroizing::new([0; Ed25519PrivateKey::BYTE_SIZE]);
    random(&mut *seed)?;
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(public.to_bytes()),
        private: Ed25519PrivateKey::from_bytes(&seed),
    };
    Ok(PrivateKey::new(KeypairData::Ed25519(pair), comment)?)
}

fn passphrase(arguments: &Arguments) -> Result<Option<Zeroizing<String>>> {
    match (&arguments.passphrase_file, arguments.no_passphrase) {
        (Some(file), _) => secret::from_file(file).map(Some),
        (None, true) => Ok(None),
        (None, false) => secret::ask_twice()?.map(Some).context(
            "there is no terminal to ask for a passphrase; expected --passphrase-file FILE or --no-passphrase",
        ),
    }
}

/// As ssh-keygen encrypts its keys.
fn encrypt(key: &PrivateKey, passphrase: &str) -> Result<PrivateKey> {
    let (mut salt, mut check) = ([0; SALT_BYTES], [0; 4]);
    random(&mut salt)?;
    random(&mut check)?;
    let kdf = Kdf::Bcrypt {
        salt: salt.to_vec(),
        rounds: BCRYPT_ROUNDS,
    };
    let check = u32::from_ne_bytes(check);
    Ok(key.encrypt_with(Cipher::Aes256Ctr, kdf, check, passphrase)?)
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))
}

fn public_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// An id that is likely to be wanted.
fn id(arguments: &Arguments) -> Name {
    let stem = arguments.out.file_name().unwrap_or_default();
    let stem = stem.to_string_lossy();
    let word = |text: &str| text.split(['@', ' ']).next().and_then(Name::new);
    let id = word(&arguments.comment).or_else(|| word(&stem));
    id.or_else(|| Name::new("key"))
        .unwrap_or_else(|| arguments.role.clone())
}

const SALT_BYTES: usize = 16;
/// As OpenSSH since 9.5.
const BCRYPT_ROUNDS: u32 = 24;

const EXAMPLES: &str = "\
Examples:
  breakglass keygen --out ~/.ssh/breakglass_anna --comment anna@example.com
  breakglass keygen --out ci.key --comment ci --role pipeline --no-passphrase --json
  breakglass keygen --out anna.key --passphrase-file /run/secrets/passphrase";
