//! Files that hold no key to sign with, and what is said about them.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use ssh_key::private::{RsaKeypair, RsaPrivateKey};
use ssh_key::public::RsaPublicKey;
use ssh_key::{LineEnding, Mpint, PrivateKey};

use crate::people::{ANNA, order, path, private_file, write};
use crate::run::breakglass;

fn refused(key: &str, document: &str) -> String {
    let run = breakglass(&["sign", "--key", key, document], "");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(2), ""),
        "{}",
        run.stderr
    );
    run.stderr
}

#[test]
fn what_is_no_private_key_is_named_for_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    let key = std::fs::read_to_string(ANNA.key_file(&directory)).unwrap();
    let cases = [
        (
            ANNA.public_line(),
            "is a public key, expected the private one",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n".into(),
            "is a private key in PEM, expected one in OpenSSH's format",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMC4=\n-----END RSA PRIVATE KEY-----\n".into(),
            "is a private key in PEM",
        ),
        (
            "{}".into(),
            "is no private key, expected one in OpenSSH's format",
        ),
        (
            key[..key.len() / 2].into(),
            "is no whole OpenSSH private key",
        ),
    ];
    for (text, message) in cases {
        let file = private_file(&directory.path().join("key"), &text);
        let stderr = refused(&file, &document);
        assert!(
            stderr.contains(message) && stderr.contains(&file),
            "{stderr}"
        );
    }
    let stderr = refused("/nowhere/key", &document);
    assert!(stderr.contains("cannot open /nowhere/key"), "{stderr}");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    let key = ANNA.key_file(&directory);
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        let stderr = refused(&key, &document);
        let message = format!(
            "has mode {mode:04o}: others may read this private key; expected 0600: chmod 600 {key}"
        );
        assert!(stderr.contains(&message), "{stderr}");
    }
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o400)).unwrap();
    assert_eq!(
        breakglass(&["sign", "--key", &key, &document], "").status,
        Some(0)
    );
}

#[test]
fn keys_of_other_types_are_refused_before_their_passphrase_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    // Of a size that makes no key, but a file of one.
    let number = Mpint::from_positive_bytes(&[3]).unwrap();
    let public = RsaPublicKey {
        e: number.clone(),
        n: number.clone(),
    };
    let private = RsaPrivateKey {
        d: number.clone(),
        iqmp: number.clone(),
        p: number.clone(),
        q: number,
    };
    let rsa = PrivateKey::from(RsaKeypair { public, private });
    let rsa = rsa.to_openssh(LineEnding::LF).unwrap();
    let file = private_file(&directory.path().join("small"), &rsa);
    let stderr = refused(&file, &document);
    assert!(
        stderr.contains(
            "is a key of type ssh-rsa, expected ssh-ed25519, such as `breakglass keygen` makes"
        ),
        "{stderr}"
    );
    for (kind, name) in [("rsa", "of type ssh-rsa"), ("ecdsa", "of another type")] {
        let file = path(&directory.path().join(kind));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", "secret", "-f", &file])
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("no ssh-keygen here");
            return;
        }
        let stderr = refused(&file, &document);
        let message = format!("is a key {name}, expected ssh-ed25519");
        assert!(stderr.contains(&message), "{stderr}");
    }
}

#[test]
fn a_key_of_ssh_keygen_signs() {
    let directory = tempfile::tempdir().unwrap();
    let document = write(&directory, "order.json", order().to_string());
    let file = path(&directory.path().join("key"));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "secret", "-f", &file])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        // The same format is tested with the keys of `breakglass keygen`.
        eprintln!("no ssh-keygen here");
        return;
    }
    let passphrase = write(&directory, "passphrase", "secret");
    let signed = breakglass(
        &[
            "sign",
            "--key",
            &file,
            "--passphrase-file",
            &passphrase,
            &document,
        ],
        "",
    );
    assert_eq!(signed.status, Some(0), "{}", signed.stderr);
}
