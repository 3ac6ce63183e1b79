//! People with keys, the policy that trusts them, and what they sign.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{LineEnding, PrivateKey};
use tempfile::TempDir;

/// Somebody with a key: every byte of the private key is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) role: &'static str,
    seed: u8,
}

pub(crate) const ANNA: Person = Person {
    id: "anna",
    role: "security_lead",
    seed: 1,
};
pub(crate) const BOB: Person = Person {
    id: "bob",
    role: "platform_lead",
    seed: 2,
};
/// Whose key nobody trusts.
pub(crate) const STRANGER: Person = Person {
    id: "stranger",
    role: "security_lead",
    seed: 3,
};

impl Person {
    pub(crate) fn signing_key(self) -> SigningKey {
        SigningKey::from_bytes(&[self.seed; 32])
    }

    pub(crate) fn key(self) -> PrivateKey {
        let pair = Ed25519Keypair {
            public: Ed25519PublicKey(self.signing_key().verifying_key().to_bytes()),
            private: Ed25519PrivateKey::from_bytes(&[self.seed; 32]),
        };
        PrivateKey::new(KeypairData::Ed25519(pair), self.id).unwrap()
    }

    pub(crate) fn public_line(self) -> String {
        self.key().public_key().to_openssh().unwrap()
    }

    pub(crate) fn fingerprint(self) -> String {
        self.key().fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    /// Writes the private key, which only we may read.
    pub(crate) fn key_file(self, directory: &TempDir) -> String {
        let file = directory.path().join(format!("{}.key", self.id));
        private_file(&file, &self.key().to_openssh(LineEnding::LF).unwrap())
    }
}

pub(crate) fn private_file(file: &Path, text: &str) -> String {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    path(file)
}

pub(crate) fn path(file: &Path) -> String {
    file.to_str().unwrap().to_owned()
}

pub(crate) fn write(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let file: PathBuf = directory.path().join(name);
    std::fs::write(&file, content).unwrap();
    path(&file)
}

/// A policy that trusts Anna and Bob, who can only raise exposure together.
pub(crate) fn policy() -> Value {
    let key =
        |person: Person| json!({"id": person.id, "role": person.role, "key": person.public_line()});
    json!({
        "policy": "support",
        "trust": {"generation": 1, "keys": [key(ANNA), key(BOB)], "raise": [["security_lead", "platform_lead"]]},
        "rollouts": [{
            "name": "agent",
            "unit": [{"header": "x-user-id"}],
            "salt": "chg-17",
            "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
            "control": {"generation": 7, "kill": null},
        }],
    })
}

pub(crate) fn warrant() -> Value {
    json!({
        "change": "chg-17",
        "policy": "support",
        "rollout": "agent",
        "subject": {"stable": "v1", "canary": "v2", "salt": "chg-17"},
        "ramp": [{"percent": 1}, {"percent": 25, "at": "2026-11-23T21:00:00Z"}],
        "unmask": true,
        "after": 7,
        "not_before": "2026-11-23T20:00:00Z",
        "not_after": "2026-11-24T20:00:00Z",
        "drill": {"receipt": format!("sha256:{}", "0".repeat(64)), "at": "2026-11-22T20:00:00Z"},
        "author": "carol",
        "approvers": [{"id": "anna", "role": "security_lead"}, {"id": "bob", "role": "platform_lead"}],
    })
}

pub(crate) fn order() -> Value {
    json!({
        "policy": "support",
        "rollout": "agent",
        "generation": 8,
        "kill": {"mode": "rollback", "in_flight": "cut"},
        "issued_at": "2026-11-23T20:00:00Z",
    })
}
