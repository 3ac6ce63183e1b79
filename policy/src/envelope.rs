//! Envelopes: documents with signatures, in DSSE (Dead Simple Signing Envelope, version 1).
//!
//! A signature is Ed25519 (RFC 8032) over the pre-authentication encoding of payload type and
//! payload, so that a signed order can never pass for a signed warrant.

use std::fmt;

use base64ct::{Base64, Base64Url, Encoding};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::document::{
    self, DocumentError, FromTree, Members, Tree, checked, read_by_serde, read_words,
};
use crate::limits;
use crate::name::checked_text;
use crate::order::Order;
use crate::trust::{Trust, TrustedKey};
use crate::warrant::Warrant;

/// A signed document. What it says is not known before [`Envelope::signers`] has been asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// The document's bytes, in base64 (RFC 4648, either alphabet).
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    payload: Bytes,
    /// What the payload is.
    payload_type: PayloadType,
    /// At least one; those of keys that are not trusted are passed over.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = limits::SIGNATURES)))]
    signatures: Vec<Signature>,
}

/// What an envelope carries: the media type of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PayloadType {
    /// An order in JSON.
    #[serde(rename = "application/vnd.breakglass.order+json")]
    OrderJson,
    /// An order in MessagePack.
    #[serde(rename = "application/vnd.breakglass.order+msgpack")]
    OrderMsgPack,
    /// A warrant in JSON.
    #[serde(rename = "application/vnd.breakglass.warrant+json")]
    WarrantJson,
    /// A warrant in MessagePack.
    #[serde(rename = "application/vnd.breakglass.warrant+msgpack")]
    WarrantMsgPack,
    /// The receipt of a drill, in JSON: for operators, proxies ask only for its digest.
    #[serde(rename = "application/vnd.breakglass.drill+json")]
    DrillJson,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signature {
    /// The signer's key, by the policy's id of it or by its OpenSSH fingerprint, `SHA256:…`.
    pub keyid: Box<str>,
    /// The 64 bytes of an Ed25519 signature, in base64.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    sig: Bytes,
}

/// Names a document by its bytes: `sha256:` and 64 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(Box<str>);

/// Why the signatures of an envelope count for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureRefused {
    /// None is of a trusted key; the id that the first one names.
    UnknownKey(Box<str>),
    /// The one that names this trusted key is not its signature of this payload.
    Bad(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bytes(Vec<u8>);

// === impl Envelope ===

impl Envelope {
    /// An envelope that nobody has signed yet.
    pub fn new(payload_type: PayloadType, payload: Vec<u8>) -> Self {
        Self {
            payload: Bytes(payload),
            payload_type,
            signatures: Vec::new(),
        }
    }

    /// Reads an envelope from its JSON form.
    ///
    /// # Errors
    /// The path of what is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        document::from_json(json, limits::ORDER_BYTES)
    }

    /// What the payload is.
    pub fn payload_type(&self) -> PayloadType {
        self.payload_type
    }

    /// The document's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload.0
    }

    /// The signatures, checked or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The name of the payload, whoever signed it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.payload())
    }

    /// The bytes that are signed: DSSE's pre-authentication encoding.
    pub fn pre_authentication_encoding(&self) -> Vec<u8> {
        let kind = self.payload_type.as_str();
        let (kind_bytes, payload_bytes) = (kind.len(), self.payload().len());
        let mut encoding = format!("DSSEv1 {kind_bytes} {kind} {payload_bytes} ").into_bytes();
        encoding.extend_from_slice(self.payload());
        encoding
    }

    /// Adds a signature of [`Self::pre_authentication_encoding`]; one by the same key goes.
    pub fn sign(&mut self, keyid: &str, signature: [u8; SIGNATURE_BYTES]) {
        self.signatures.retain(|known| &*known.keyid != keyid);
        self.signatures.push(Signature {
            keyid: keyid.into(),
            sig: Bytes(signature.to_vec()),
        });
    }

    /// Adds the signatures of another envelope of the same payload.
    pub fn join(&mut self, other: &Self) {
        for signature in &other.signatures {
            self.signatures
                .retain(|known| known.keyid != signature.keyid);
            self.signatures.push(signature.clone());
        }
    }

    /// The trusted keys that signed, each once.
    ///
    /// Signatures of other keys are passed over, so that a document outlives the change of a key; a
    /// bad one of a trusted key spoils all. No envelope costs more than [`limits::SIGNATURES`] checks,
    /// and a forged one costs one.
    ///
    /// # Errors
    /// No trusted key signed, or one's signature is bad.
    pub fn signers<'t>(&self, trust: &'t Trust) -> Result<Vec<&'t TrustedKey>, SignatureRefused> {
        let encoding = self.pre_authentication_encoding();
        let mut signers: Vec<&TrustedKey> = Vec::new();
        for Signature { keyid, sig } in &self.signatures {
            let Some(trusted) = trust.key(keyid) else {
                continue;
            };
            if !trusted.key.verifies(&encoding, &sig.0) {
                return Err(SignatureRefused::Bad(keyid.clone()));
            }
            if signers.iter().all(|known| known.id != trusted.id) {
                signers.push(trusted);
            }
        }
        if signers.is_empty() {
            let first = self.signatures.first();
            let named = first.map(|signature| signature.keyid.clone());
            return Err(SignatureRefused::UnknownKey(named.unwrap_or_default()));
        }
        Ok(signers)
    }

    /// The order inside, signed by whomever.
    ///
    /// # Errors
    /// The payload is no order: the path of what is wrong and what was expected there.
    pub fn order(&self) -> Result<Order, DocumentError> {
        let order = match self.payload_type {
            PayloadType::OrderJson => Order::from_json(self.payload()),
            PayloadType::OrderMsgPack => Order::from_msgpack(self.payload()),
            _ => return Err(self.carries_no("order")),
        };
        order.map_err(|error| error.under_key("payload"))
    }

    /// The warrant inside, signed by whomever.
    ///
    /// # Errors
    /// The payload is no warrant: the path of what is wrong and what was expected there.
    pub fn warrant(&self) -> Result<Warrant, DocumentError> {
        let warrant = match self.payload_type {
            PayloadType::WarrantJson => Warrant::from_json(self.payload()),
            PayloadType::WarrantMsgPack => Warrant::from_msgpack(self.payload()),
            _ => return Err(self.carries_no("warrant")),
        };
        warrant.map_err(|error| error.under_key("payload"))
    }

    fn carries_no(&self, document: &str) -> DocumentError {
        let kind = self.payload_type.as_str();
        let error = DocumentError::whole(format_args!(
            "`{kind}` is not that of {document}s, expected application/vnd.breakglass.{document}+json or +msgpack"
        ));
        error.under_key("payloadType")
    }
}

impl FromTree for Envelope {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        // DSSE: whoever reads an envelope ignores members that it does not know.
        let members = Members::among_others(tree)?;
        let signatures: Vec<Signature> = members.required("signatures")?;
        if !(1..=limits::SIGNATURES).contains(&signatures.len()) {
            let message = format!(
                "{} signatures, expected 1 to {}",
                signatures.len(),
                limits::SIGNATURES
            );
            return Err(DocumentError::whole(message).under_key("signatures"));
        }
        Ok(Self {
            payload: members.required("payload")?,
            payload_type: members.required("payloadType")?,
            signatures,
        })
    }
}

read_by_serde!(Envelope);

// === impl PayloadType ===

read_words!(PayloadType {
    "application/vnd.breakglass.order+json" => OrderJson,
    "application/vnd.breakglass.order+msgpack" => OrderMsgPack,
    "application/vnd.breakglass.warrant+json" => WarrantJson,
    "application/vnd.breakglass.warrant+msgpack" => WarrantMsgPack,
    "application/vnd.breakglass.drill+json" => DrillJson,
});

impl PayloadType {
    /// The media type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderJson => "application/vnd.breakglass.order+json",
            Self::OrderMsgPack => "application/vnd.breakglass.order+msgpack",
            Self::WarrantJson => "application/vnd.breakglass.warrant+json",
            Self::WarrantMsgPack => "application/vnd.breakglass.warrant+msgpack",
            Self::DrillJson => "application/vnd.breakglass.drill+json",
        }
    }
}

// === impl Signature ===

impl Signature {
    /// The signature's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.sig.0
    }
}

impl FromTree for Signature {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::among_others(tree)?;
        let keyid: String = members.required("keyid")?;
        if keyid.len() > limits::KEYID_BYTES {
            let message = format!(
                "{} bytes, expected at most {}",
                keyid.len(),
                limits::KEYID_BYTES
            );
            return Err(DocumentError::whole(message).under_key("keyid"));
        }
        Ok(Self {
            keyid: keyid.into(),
            // How long a signature is, its algorithm says: those of other keys are none of our business.
            sig: members.required("sig")?,
        })
    }
}

// === impl Digest ===

impl Digest {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digits = Sha256::digest(bytes);
        let digits = digits.iter().map(|byte| format!("{byte:02x}"));
        Self(format!("{DIGEST_PREFIX}{}", digits.collect::<String>()).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(DIGEST_PREFIX)?;
        let legal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 64 && digits.bytes().all(legal)).then(|| Self(text.into()))
    }
}

checked_text!(
    Digest,
    "`sha256:` and 64 hexadecimal digits in lower case",
    "pattern": "^sha256:[0-9a-f]{64}$"
);

// === impl Bytes ===

impl Bytes {
    fn parse(text: &str) -> Option<Self> {
        // DSSE: either alphabet is accepted.
        let standard = Base64::decode_vec(text);
        let bytes = standard.or_else(|_| Base64Url::decode_vec(text));
        bytes.ok().map(Self)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64::encode_string(&self.0))
    }
}

impl FromTree for Bytes {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        checked(tree, Self::parse, &"base64 with its padding")
    }
}

// === impl SignatureRefused ===

impl fmt::Display for SignatureRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(id) => write!(
                f,
                "no trusted key has signed; the first signature names `{id}`, expected the id or the fingerprint of a key in `trust.keys` of the policy in force"
            ),
            Self::Bad(id) => write!(
                f,
                "the signature of `{id}` is not that key's signature of this payload; sign what is sent, byte for byte, and send what was signed"
            ),
        }
    }
}

impl std::error::Error for SignatureRefused {}

/// RFC 8032, section 5.1.6.
pub(crate) const SIGNATURE_BYTES: usize = 64;
const DIGEST_PREFIX: &str = "sha256:";

#[cfg(test)]
mod tests;
