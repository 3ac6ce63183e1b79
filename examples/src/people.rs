//! People with keys, who sign orders and warrants: apart from the filter's own code.

mod team;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use team::{RAISE, Subject, Team, at};

/// Somebody with a key and a role.
#[derive(Clone, Debug)]
pub struct Person {
    id: String,
    role: String,
    key: SigningKey,
}

/// The media types of what people sign.
pub const ORDER: &str = "application/vnd.breakglass.order+json";
pub const WARRANT: &str = "application/vnd.breakglass.warrant+json";
/// The media type of an envelope.
pub const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The policy's `trust`: these people's keys, and the sets of roles that may raise exposure.
pub fn trust(generation: u64, people: &[&Person], raise: &[&[&str]]) -> Value {
    let keys: Vec<_> = people.iter().map(|person| person.trusted()).collect();
    json!({"generation": generation, "keys": keys, "raise": raise, "lower": "any"})
}

/// An envelope of this document with the signatures of these people.
pub fn sign(kind: &str, document: &Value, people: &[&Person]) -> Value {
    seal(kind, document.to_string().as_bytes(), people)
}

/// An envelope of these bytes with the signatures of these people.
pub fn seal(kind: &str, payload: &[u8], people: &[&Person]) -> Value {
    let mut encoding = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    encoding.extend_from_slice(payload);
    let signatures = people.iter().map(|person| {
        let signature = person.key.sign(&encoding).to_bytes();
        json!({"keyid": person.id, "sig": Base64::encode_string(&signature)})
    });
    json!({
        "payloadType": kind,
        "payload": Base64::encode_string(payload),
        "signatures": signatures.collect::<Vec<_>>(),
    })
}

/// The name of the document in an envelope, by which an order can name its warrant.
pub fn digest(envelope: &Value) -> String {
    let payload = envelope["payload"].as_str().unwrap_or_default();
    let payload = Base64::decode_vec(payload).unwrap_or_default();
    let digits = Sha256::digest(&payload);
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", digits.collect::<String>())
}

// === impl Person ===

impl Person {
    /// Somebody with this id, whose key follows from it: for examples only.
    pub fn new(id: &str, role: &str) -> Self {
        let seed: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        Self {
            id: id.to_owned(),
            role: role.to_owned(),
            key: SigningKey::from_bytes(&seed),
        }
    }

    /// What the policy calls the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The approver as a warrant names them.
    pub fn approver(&self) -> Value {
        json!({"id": self.id, "role": self.role})
    }

    /// The public key as OpenSSH writes it.
    pub fn public_key(&self) -> String {
        const PREFIX: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
        let blob = [PREFIX, self.key.verifying_key().as_bytes()].concat();
        format!("ssh-ed25519 {}", Base64::encode_string(&blob))
    }

    fn trusted(&self) -> Value {
        json!({"id": self.id, "role": self.role, "key": self.public_key()})
    }
}
