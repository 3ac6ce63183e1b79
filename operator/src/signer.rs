//! Who signs: a private key's file, or a running ssh-agent.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use breakglass_policy::{Envelope, PublicKey, limits};
use clap::Args;
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::HashAlg;
use ssh_key::public::{Ed25519PublicKey, KeyData};

use crate::agent::{Agent, Identity};
use crate::key;

/// Whose signature it shall be.
#[derive(Debug, Args)]
#[command(next_help_heading = "Signature")]
pub(crate) struct SignerArguments {
    /// Sign with this private key: OpenSSH's format, type ssh-ed25519
    #[arg(long, value_name = "FILE", group = "signer")]
    key: Option<PathBuf>,
    /// Sign with a key that ssh-agent holds ($SSH_AUTH_SOCK)
    #[arg(long, group = "signer")]
    agent: bool,
    /// Which one: its fingerprint, its comment, or the file with its public key
    #[arg(long, value_name = "KEY", requires = "agent")]
    agent_key: Option<String>,
    /// What the signature calls the key: its id in the policy [default: its fingerprint, SHA256:…]
    #[arg(long = "id", value_name = "KEYID", requires = "signer")]
    keyid: Option<String>,
    /// Read the passphrase of the key from this file instead of asking
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
}

/// One who signs.
#[derive(Debug)]
pub(crate) struct Signer {
    keyid: String,
    hand: Hand,
}

#[derive(Debug)]
enum Hand {
    Key(Box<SigningKey>),
    Agent(Agent, Box<Identity>),
}

// === impl SignerArguments ===

impl SignerArguments {
    /// The signer; `None` where nobody shall sign.
    pub(crate) fn signer(&self) -> Result<Option<Signer>> {
        let keyid = self.keyid.as_deref();
        match (&self.key, self.agent) {
            (Some(file), _) => {
                let key = key::read(file, self.passphrase_file.as_deref())?;
                Ok(Some(Signer::new(Hand::Key(Box::new(key)), keyid)))
            }
            (None, true) => Signer::held(self.agent_key.as_deref(), keyid).map(Some),
            (None, false) => Ok(None),
        }
    }
}

// === impl Hand ===

impl Hand {
    fn fingerprint(&self) -> String {
        match self {
            Self::Key(key) => {
                let key = KeyData::Ed25519(Ed25519PublicKey(key.verifying_key().to_bytes()));
                key.fingerprint(HashAlg::Sha256).to_string()
            }
            Self::Agent(_, identity) => identity.fingerprint(),
        }
    }
}

// === impl Signer ===

impl Signer {
    /// The holder of the private key in this file, for whose passphrase the terminal is asked if it has
    /// one. `keyid`: what the signatures call the key.
    ///
    /// # Errors
    /// What the file holds instead.
    pub(crate) fn from_file(file: &Path, keyid: &str) -> Result<Self> {
        let key = key::read(file, None)?;
        Ok(Self::new(Hand::Key(Box::new(key)), Some(keyid)))
    }

    /// The holder of this key in the ssh-agent of the session.
    ///
    /// # Errors
    /// That no agent runs here, or that it does not hold the key.
    pub(crate) fn from_agent(key: &PublicKey, keyid: &str) -> Result<Self> {
        Self::held(Some(&key.fingerprint()), Some(keyid))
    }

    /// The holder of a key in ssh-agent: by fingerprint, comment or file; the only one where nothing is
    /// said.
    fn held(wanted: Option<&str>, keyid: Option<&str>) -> Result<Self> {
        let agent = Agent::of_session()?;
        let identity = agent.identity(wanted)?;
        Ok(Self::new(Hand::Agent(agent, Box::new(identity)), keyid))
    }

    fn new(hand: Hand, keyid: Option<&str>) -> Self {
        let keyid = keyid.map_or_else(|| hand.fingerprint(), str::to_owned);
        Self { keyid, hand }
    }

    /// What the signatures call the key.
    pub(crate) fn keyid(&self) -> &str {
        &self.keyid
    }

    /// Adds this signer's signature to the envelope.
    pub(crate) fn sign(&self, envelope: &mut Envelope) -> Result<()> {
        let message = envelope.pre_authentication_encoding();
        let signature = match &self.hand {
            Hand::Key(key) => key.sign(&message).to_bytes(),
            Hand::Agent(agent, identity) => agent.sign(identity, &message)?,
        };
        envelope.sign(&self.keyid, signature);
        let count = envelope.signatures().len();
        if count > limits::SIGNATURES {
            bail!(
                "the envelope would have {count} signatures, expected at most {}",
                limits::SIGNATURES
            );
        }
        Ok(())
    }
}
