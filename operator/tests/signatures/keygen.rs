//! New keys.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use ssh_key::PrivateKey;

use crate::people::{order, path, write};
use crate::run::breakglass;

#[test]
fn a_key_is_private_and_its_line_is_one_of_a_policy() {
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory.path().join("anna.key"));
    let made = breakglass(
        &[
            "keygen",
            "--out",
            &file,
            "--comment",
            "anna@example.com",
            "--no-passphrase",
        ],
        "",
    );
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let mode = |file: &str| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let public = std::fs::read_to_string(format!("{file}.pub")).unwrap();
    let key = PrivateKey::from_openssh(std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(key.public_key().to_openssh().unwrap(), public.trim_end());
    assert!(public.ends_with(" anna@example.com\n"), "{public}");

    let entry: Value = serde_json::from_str(made.stdout.lines().last().unwrap()).unwrap();
    let expected = json!({"id": "anna", "role": "operator", "key": public.trim_end()});
    assert_eq!(entry, expected);
    let trusted: breakglass_policy::TrustedKey = serde_json::from_value(entry).unwrap();
    assert!(
        made.stdout.contains(&trusted.key.fingerprint()),
        "{}",
        made.stdout
    );
    assert!(made.stdout.contains("NOT encrypted"), "{}", made.stdout);
}

#[test]
fn a_key_with_a_passphrase_signs_with_it_only() {
    let directory = tempfile::tempdir().unwrap();
    let file = path(&directory.path().join("key"));
    let passphrase = write(&directory, "passphrase", "correct horse\nmore\n");
    let made = breakglass(
        &[
            "keygen",
            "--out",
            &file,
            "--passphrase-file",
            &passphrase,
            "--role",
            "lead",
            "--id",
            "k-1",
            "--json",
        ],
        "",
    );
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made["encrypted"], json!(true));
    assert_eq!(
        (&made["trust_key"]["id"], &made["trust_key"]["role"]),
        (&json!("k-1"), &json!("lead"))
    );

    let document = write(&directory, "order.json", order().to_string());
    let sign =
        |more: &[&str]| breakglass(&[&["sign", "--key", &file, &document], more].concat(), "");
    let signed = sign(&["--passphrase-file", &passphrase]);
    assert_eq!(signed.status, Some(0), "{}", signed.stderr);
    let envelope: Value = serde_json::from_str(&signed.stdout).unwrap();
    assert_eq!(envelope["signatures"][0]["keyid"], made["fingerprint"]);

    let wrong = write(&directory, "wrong", "battery staple\n");
    let cases: &[(&[&str], &str)] = &[
        (&["--passphrase-file", &wrong], "the passphrase for"),
        (
            &[],
            "is encrypted, and there is no terminal to ask for its passphrase; expected --passphrase-file FILE",
        ),
    ];
    for (more, message) in cases {
        let refused = sign(more);
        assert_eq!(refused.status, Some(2));
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn no_key_is_overwritten_and_no_passphrase_is_guessed() {
    let directory = tempfile::tempdir().unwrap();
    let (file, empty) = (
        path(&directory.path().join("key")),
        write(&directory, "empty", "\n"),
    );
    let cases: &[(&[&str], &str)] = &[
        (&[], "expected --passphrase-file FILE or --no-passphrase"),
        (
            &["--passphrase-file", &empty],
            "is empty, expected a passphrase",
        ),
        (
            &["--no-passphrase", "--comment", "a\nb"],
            "--comment has several lines",
        ),
        (
            &["--no-passphrase", "--role", "a b"],
            "expected a name of 1 to 64 letters",
        ),
        (
            &["--no-passphrase", "--passphrase-file", &empty],
            "cannot be used with",
        ),
    ];
    for (more, message) in cases {
        let refused = breakglass(&[&["keygen", "--out", &file], *more].concat(), "");
        assert_eq!(refused.status, Some(2), "{more:?}");
        assert!(
            refused.stderr.contains(message),
            "{more:?}: {}",
            refused.stderr
        );
        assert!(!directory.path().join("key").exists(), "{more:?}");
    }
    for taken in ["key", "key.pub"] {
        let taken = write(&directory, taken, "precious");
        let refused = breakglass(&["keygen", "--out", &file, "--no-passphrase"], "");
        assert_eq!(refused.status, Some(2));
        assert!(
            refused.stderr.contains("is there already"),
            "{}",
            refused.stderr
        );
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious");
        std::fs::remove_file(&taken).unwrap();
    }
}

#[test]
fn ssh_keygen_reads_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let passphrase = write(&directory, "passphrase", "correct horse\n");
    let plain = path(&directory.path().join("plain"));
    let encrypted = path(&directory.path().join("encrypted"));
    for (file, how) in [
        (&plain, ["--no-passphrase", "--comment=a"]),
        (
            &encrypted,
            ["--comment=a", &format!("--passphrase-file={passphrase}")],
        ),
    ] {
        let made = breakglass(&["keygen", "--out", file, how[0], how[1]], "");
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        let read = Command::new("ssh-keygen")
            .args(["-y", "-P", "correct horse", "-f", file])
            .output();
        let Ok(read) = read else {
            // What the key's own format says is tested above, without it.
            eprintln!("no ssh-keygen here");
            return;
        };
        assert!(
            read.status.success(),
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
        let public = std::fs::read_to_string(format!("{file}.pub")).unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap(), public);
    }
}
