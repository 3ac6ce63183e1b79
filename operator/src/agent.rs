//! A running ssh-agent: the two messages of its protocol (draft-ietf-sshm-ssh-agent) that signing needs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, VerifyingKey};
use ssh_key::{HashAlg, PublicKey};

/// The agent that listens at a socket.
#[derive(Debug)]
pub(crate) struct Agent {
    socket: PathBuf,
}

/// An Ed25519 key that the agent holds.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    blob: Vec<u8>,
    key: PublicKey,
    comment: String,
}

/// What is left to read of a message.
struct Message<'a>(&'a [u8]);

// === impl Agent ===

impl Agent {
    /// The agent of this session.
    pub(crate) fn of_session() -> Result<Self> {
        match std::env::var_os(SOCKET) {
            Some(socket) if !socket.is_empty() => Ok(Self {
                socket: socket.into(),
            }),
            _ => bail!(
                "no ssh-agent runs here: {SOCKET} is not set; start one and add a key (ssh-add), or use --key FILE"
            ),
        }
    }

    /// The key that is meant by a fingerprint, a comment or a file with the public key; where nothing is
    /// said, the only one there is.
    pub(crate) fn identity(&self, wanted: Option<&str>) -> Result<Identity> {
        let held = self.identities()?;
        let listed = || held.iter().map(Identity::describe).collect::<Vec<_>>();
        let listed = || listed().join(", ");
        if held.is_empty() {
            bail!("ssh-agent holds no key of type ssh-ed25519; add one: ssh-add FILE");
        }
        let Some(wanted) = wanted else {
            return match held.as_slice() {
                [only] => Ok(only.clone()),
                _ => bail!(
                    "ssh-agent holds several keys, choose one with --agent-key: {}",
                    listed()
                ),
            };
        };
        let blob = public_key_file(wanted)?;
        let is_wanted = |identity: &&Identity| match &blob {
            Some(key) => identity.key.key_data() == key.key_data(),
            None => identity.fingerprint() == wanted || identity.comment == wanted,
        };
        let mut found = held.iter().filter(is_wanted);
        match (found.next(), found.next()) {
            (Some(identity), None) => Ok(identity.clone()),
            (Some(_), Some(_)) => bail!(
                "ssh-agent holds several keys `{wanted}`, choose one by its fingerprint: {}",
                listed()
            ),
            (None, _) => bail!("ssh-agent holds no key `{wanted}`; it holds {}", listed()),
        }
    }

    /// The identity's signature of the message. The agent may ask its owner first.
    pub(crate) fn sign(
        &self,
        identity: &Identity,
        message: &[u8],
    ) -> Result<[u8; SIGNATURE_LENGTH]> {
        let mut request = vec![SIGN_REQUEST];
        for part in [&identity.blob, message] {
            request.extend(u32::try_from(part.len())?.to_be_bytes());
            request.extend(part);
        }
        // No flags: those are for RSA.
        request.extend(0_u32.to_be_bytes());
        let answer = self.ask(&request)?;
        let mut answer = match answer.split_first() {
            Some((&SIGN_RESPONSE, rest)) => Message(rest),
            Some((&FAILURE, _)) => bail!(
                "ssh-agent did not sign with {}; was it not confirmed, or is the agent locked?",
                identity.describe()
            ),
            _ => bail!(NONSENSE),
        };
        let mut blob = Message(answer.string().context(NONSENSE)?);
        let algorithm = blob.string().context(NONSENSE)?;
        let signature = blob.string().context(NONSENSE)?;
        let signature = signature.try_into();
        match (algorithm, signature) {
            (ALGORITHM, Ok(signature)) if identity.verifies(message, &signature) => Ok(signature),
            _ => bail!(
                "what ssh-agent answered is no signature of {}",
                identity.describe()
            ),
        }
    }

    fn identities(&self) -> Result<Vec<Identity>> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        let mut answer = match answer.split_first() {
            Some((&IDENTITIES_ANSWER, rest)) => Message(rest),
            Some((&FAILURE, _)) => bail!("ssh-agent does not tell its keys"),
            _ => bail!(NONSENSE),
        };
        let count = answer.number().context(NONSENSE)?;
        let mut identities = Vec::new();
        for _ in 0..count {
            let blob = answer.string().context(NONSENSE)?;
            let comment = answer.string().context(NONSENSE)?;
            // Keys of other types, and certificates, are of no use here.
            identities.extend(Identity::new(blob, comment));
        }
        Ok(identities)
    }

    /// Sends a message, reads the answer.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>> {
        let socket = self.socket.display();
        let mut stream = UnixStream::connect(&self.socket)
            .with_context(|| format!("cannot reach ssh-agent at {socket} ({SOCKET})"))?;
        let mut exchange = || {
            let length = u32::try_from(request.len()).map_err(std::io::Error::other)?;
            stream.write_all(&length.to_be_bytes())?;
            stream.write_all(request)?;
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let length = u32::from_be_bytes(length);
            if length > MESSAGE_BYTES {
                return Err(std::io::Error::other(NONSENSE));
            }
            let mut answer = Vec::new();
            let read = Read::take(&mut stream, length.into()).read_to_end(&mut answer)?;
            match read == length as usize {
                true => Ok(answer),
                false => Err(std::io::ErrorKind::UnexpectedEof.into()),
            }
        };
        exchange().with_context(|| format!("cannot talk to ssh-agent at {socket} ({SOCKET})"))
    }
}

// === impl Identity ===

impl Identity {
    fn new(blob: &[u8], comment: &[u8]) -> Option<Self> {
        let key = PublicKey::from_bytes(blob).ok()?;
        key.key_data().ed25519()?;
        Some(Self {
            blob: blob.to_vec(),
            key,
            comment: String::from_utf8_lossy(comment).into_owned(),
        })
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    fn describe(&self) -> String {
        format!("{} ({})", self.fingerprint(), self.comment.escape_debug())
    }

    fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LENGTH]) -> bool {
        let key = self.key.key_data().ed25519();
        let key = key.and_then(|key| VerifyingKey::from_bytes(&key.0).ok());
        let signature = Signature::from_bytes(signature);
        key.is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// The public key in the file of this name; `None` where the name is not that of a file.
fn public_key_file(wanted: &str) -> Result<Option<PublicKey>> {
    if !Path::new(wanted).is_file() {
        return Ok(None);
    }
    let read = PublicKey::read_openssh_file(Path::new(wanted));
    let key = read.with_context(|| {
        format!("{wanted} holds no OpenSSH public key; expected a file such as id_ed25519.pub")
    })?;
    Ok(Some(key))
}

// === impl Message ===

impl<'a> Message<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

const SOCKET: &str = "SSH_AUTH_SOCK";
const ALGORITHM: &[u8] = b"ssh-ed25519";
const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// As OpenSSH's own agent.
const MESSAGE_BYTES: u32 = 256 << 10;
const NONSENSE: &str = "what listens at SSH_AUTH_SOCK does not answer as an ssh-agent";
