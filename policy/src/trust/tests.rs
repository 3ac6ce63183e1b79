use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{
    ENGINEER, PLATFORM, SECURITY, SECURITY_2, STRANGER, changed, name, openssh, trust, trust_json,
};

/// The tests of RFC 8032, section 7.1: public key, message, signature.
const VECTORS: [(&str, &str, &str); 3] = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];
/// The points of small order, every encoding that is canonical and the two of a signed zero.
const SMALL_ORDER: [&str; 10] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let pairs = digits.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn public_key(hex: &str) -> PublicKey {
    PublicKey::new(&openssh(&bytes(hex))).unwrap()
}

fn read(json: &Value) -> Result<Trust, DocumentError> {
    // Through the reader of policies, so that paths are seen from there.
    let policy = json!({"policy": "p", "trust": json});
    let policy = crate::Policy::from_json(policy.to_string().as_bytes())?;
    Ok(policy.trust.unwrap())
}

fn raise_by(sets: Value) -> Trust {
    read(&changed(&base(), "/raise", sets)).unwrap()
}

fn base() -> Value {
    trust_json(1, &[SECURITY, SECURITY_2, PLATFORM, ENGINEER])
}

#[test]
fn verifies_the_vectors_of_rfc_8032() {
    for (key, message, signature) in VECTORS {
        let (key, message, signature) = (public_key(key), bytes(message), bytes(signature));
        assert!(key.verifies(&message, &signature), "{key}");
        let longer = [&message[..], b"\0"].concat();
        assert!(!key.verifies(&longer, &signature), "{key}: another message");
        for other in VECTORS {
            if other.1 != VECTORS[0].1 || other.0 != key.as_str() {
                let crossed = public_key(other.0);
                assert_eq!(crossed.verifies(&message, &signature), crossed == key);
            }
        }
        for length in [0, 32, 63, 65] {
            let cut: Vec<u8> = signature.iter().copied().cycle().take(length).collect();
            assert!(!key.verifies(&message, &cut), "{key}: {length} bytes");
        }
    }
}

#[test]
fn a_signature_has_one_form_only() {
    // The order of the group, RFC 8032, section 5.1: S + L would be the same number.
    let order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for (key, message, signature) in VECTORS {
        let mut signature = bytes(signature);
        let mut carry = 0;
        for (digit, add) in signature[32..].iter_mut().zip(&order) {
            let sum = u16::from(*digit) + u16::from(*add) + carry;
            (*digit, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(carry, 0);
        assert!(
            !public_key(key).verifies(&bytes(message), &signature),
            "{key}"
        );
    }
}

#[test]
fn keys_that_anybody_can_sign_for_are_refused() {
    for hex in SMALL_ORDER {
        assert_eq!(PublicKey::new(&openssh(&bytes(hex))), None, "{hex}");
    }
}

#[test]
fn a_signature_that_some_implementations_refuse_is_refused() {
    let (key, message, _) = VECTORS[0];
    let key = public_key(key);
    for hex in SMALL_ORDER {
        let signature = [bytes(hex), vec![0; 32]].concat();
        assert!(!key.verifies(&bytes(message), &signature), "{hex}");
    }
    // Made with the private key and a nonce of zero: the equation holds, but its first half is a point
    // of small order.
    let signature = "0100000000000000000000000000000000000000000000000000000000000000756cf9b1d6f0d7a979b9d2af3dc2bc1294ec7cb6daa20eaff534c024fc57920f";
    let loose: ed25519_dalek::Signature = bytes(signature).as_slice().try_into().unwrap();
    let verifying = VerifyingKey::from_bytes(&key.bytes()).unwrap();
    assert!(ed25519_dalek::Verifier::verify(&verifying, &bytes(message), &loose).is_ok());
    assert!(!key.verifies(&bytes(message), &bytes(signature)));
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    // `ssh-keygen -lf` of these lines, OpenSSH 9.
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    for line in [key, &format!("{key} rfc8032"), &format!("  {key}\tA B\n")] {
        let fingerprint = PublicKey::new(line).unwrap().fingerprint();
        assert_eq!(
            fingerprint,
            "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8"
        );
    }
}

#[test]
fn what_is_no_ed25519_key_is_refused() {
    let line = SECURITY.line();
    let blob = line.strip_prefix("ssh-ed25519 ").unwrap();
    let off_curve = openssh(&bytes(
        "0200000000000000000000000000000000000000000000000000000000000000",
    ));
    let long = openssh(&[7; 33]);
    for text in [
        "",
        "ssh-ed25519",
        blob,
        &line.replace("ssh-ed25519 ", "ssh-rsa "),
        &line.replace("ssh-ed25519", "SSH-ED25519"),
        &line.replace("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
        &format!("restrict {line}"),
        &line[..line.len() - 4],
        &format!("{line}AAAA"),
        &format!("{line}="),
        &long,
        &off_curve,
        "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY=",
    ] {
        assert_eq!(PublicKey::new(text), None, "{text}");
    }
}

#[test]
fn a_key_is_found_by_its_id_or_its_fingerprint() {
    let trust = trust(1);
    for person in [SECURITY, SECURITY_2, PLATFORM, ENGINEER] {
        let key = trust.key(person.id).unwrap();
        assert_eq!(key.role.as_str(), person.role);
        assert_eq!(trust.key(&key.key.fingerprint()), Some(key));
    }
    let stranger = PublicKey::new(&STRANGER.line()).unwrap().fingerprint();
    let fingerprint = trust.key(SECURITY.id).unwrap().key.fingerprint();
    for keyid in [
        "",
        STRANGER.id,
        &stranger,
        "security-lead-",
        "SECURITY-LEAD-1",
        "security-lead-1 ",
        // The fingerprint without its algorithm, and with base64's padding.
        &fingerprint[7..],
        &format!("{fingerprint}="),
    ] {
        assert_eq!(trust.key(keyid), None, "{keyid}");
    }
}

#[test]
fn what_is_left_out_lets_nobody_raise() {
    let trust = read(&json!({"keys": base()["keys"]})).unwrap();
    assert_eq!(trust.generation, Generation::default());
    assert_eq!(trust.lower, Lower::Any);
    assert!(!trust.can_raise());
    let every_role: Vec<&Name> = trust.keys.iter().map(|key| &key.role).collect();
    let missing = trust.missing_to_raise(&every_role).unwrap();
    assert_eq!(missing, trust.missing());
    assert_eq!(
        missing.to_string(),
        "`trust.raise` of the policy in force names nobody who could sign one"
    );
}

#[test]
fn broken_trust_names_the_path() {
    let line = SECURITY.line();
    let many = |number: usize| -> Value {
        let key = |seed: usize| {
            let secret = ed25519_dalek::SigningKey::from_bytes(&[seed as u8 + 100; 32]);
            let key = openssh(&secret.verifying_key().to_bytes());
            json!({"id": format!("k{seed}"), "role": "r", "key": key})
        };
        (0..number).map(key).collect()
    };
    #[rustfmt::skip]
    let table = [
        ("/keys", json!(null), "trust", "missing field `keys`"),
        ("/keys", json!([]), "trust.keys", "0 keys, expected 1 to 64: without a key nobody could give an order"),
        ("/keys", many(65), "trust.keys", "65 keys, expected 1 to 64"),
        ("/keys/1/id", json!(SECURITY.id), "trust.keys", "two keys are named `security-lead-1`"),
        ("/keys/1/key", json!(format!("{line} another comment")), "trust.keys", "`security-lead-1` and `security-lead-2` are one key; expected a key for each"),
        ("/keys/1/key", json!(format!(" {}", line.replace(' ', "\t"))), "trust.keys", "`security-lead-1` and `security-lead-2` are one key"),
        ("/keys/2/key", json!("ssh-rsa AAAA"), "trust.keys[2].key", "invalid value: string \"ssh-rsa AAAA\", expected an OpenSSH public key of type ssh-ed25519"),
        ("/keys/2/key", json!(null), "trust.keys[2]", "missing field `key`"),
        ("/keys/0/id", json!("SHA256:x"), "trust.keys[0].id", "invalid value: string \"SHA256:x\", expected a name"),
        ("/keys/0/rank", json!(1), "trust.keys[0].rank", "unknown field `rank`"),
        ("/raise", json!([["security_lead"], []]), "trust.raise", "set 1 (counted from 0) has 0 roles, expected 1 to 16: an empty one would let anybody raise exposure"),
        ("/raise", json!([vec!["r"; 17]]), "trust.raise", "set 0 (counted from 0) has 17 roles, expected 1 to 16"),
        ("/raise", json!(vec![["r"]; 17]), "trust.raise", "17 sets, expected at most 16"),
        ("/raise", json!(["security_lead"]), "trust.raise[0]", "invalid type: string \"security_lead\", expected a list"),
        ("/raise/0/1", json!(7), "trust.raise[0][1]", "invalid type: integer `7`, expected a name"),
        ("/lower", json!("nobody"), "trust.lower", "unknown variant `nobody`, expected `any`"),
        ("/generation", json!(-1), "trust.generation", "invalid value: integer `-1`, expected a generation"),
        ("/rise", json!([]), "trust.rise", "unknown field `rise`"),
    ];
    for (pointer, value, path, message) in table {
        let error = read(&changed(&base(), pointer, value)).unwrap_err();
        assert_eq!(error.path(), path, "{pointer}: {error}");
        assert!(error.message().starts_with(message), "{pointer}: {error}");
    }
    assert!(read(&changed(&base(), "/keys", many(64))).is_ok());
}

#[test]
fn of_one_set_every_role_as_often_as_it_is_named() {
    let both = json!([["security_lead", "platform_lead"]]);
    let twice = json!([["security_lead", "security_lead"]]);
    let either = json!([
        ["executive"],
        ["security_lead", "platform_lead", "senior_engineer"]
    ]);
    let wide = json!([
        ["security_lead", "platform_lead", "senior_engineer"],
        ["executive", "executive"]
    ]);
    #[rustfmt::skip]
    let table: &[(&Value, &[&str], Option<&str>)] = &[
        (&both, &["security_lead", "platform_lead"], None),
        (&both, &["platform_lead", "senior_engineer", "security_lead"], None),
        (&both, &[], Some("expected the approval of security_lead and platform_lead")),
        (&both, &["security_lead"], Some("missing the approval of platform_lead; expected the approval of security_lead and platform_lead")),
        (&both, &["security_lead", "security_lead"], Some("missing the approval of platform_lead;")),
        (&both, &["senior_engineer"], Some("expected the approval of security_lead and platform_lead")),
        (&twice, &["security_lead"], Some("missing the approval of security_lead; expected the approval of security_lead and security_lead")),
        (&twice, &["security_lead", "platform_lead"], Some("missing the approval of security_lead;")),
        (&twice, &["security_lead", "security_lead"], None),
        (&either, &["executive"], None),
        // Where the nearest set is one of which nobody has signed, only what would do.
        (&either, &["security_lead", "platform_lead"], Some("expected the approval of executive, or of security_lead and platform_lead and senior_engineer")),
        (&wide, &["security_lead", "platform_lead"], Some("missing the approval of senior_engineer; expected the approval of security_lead and platform_lead and senior_engineer, or of executive and executive")),
        (&either, &["senior_engineer", "security_lead", "platform_lead"], None),
    ];
    for (sets, signed, missing) in table {
        let signed: Vec<Name> = signed.iter().map(|role| name(role)).collect();
        let found = raise_by((*sets).clone()).missing_to_raise(&signed.iter().collect::<Vec<_>>());
        match (found, missing) {
            (None, None) => {}
            (Some(found), Some(missing)) => {
                assert!(found.to_string().starts_with(missing), "{sets}: {found}");
            }
            (found, missing) => panic!("{sets}: {found:?}, expected {missing:?}"),
        }
    }
}

#[test]
fn keys_can_raise_if_they_fill_one_set() {
    for (sets, can) in [
        (json!([]), false),
        (json!([["security_lead"]]), true),
        (json!([["security_lead", "security_lead"]]), true),
        (
            json!([["security_lead", "security_lead", "security_lead"]]),
            false,
        ),
        (json!([["executive"]]), false),
        (json!([["executive"], ["platform_lead"]]), true),
    ] {
        assert_eq!(raise_by(sets.clone()).can_raise(), can, "{sets}");
    }
}

proptest! {
    #[test]
    fn missing_roles_are_those_that_counting_says(
        set in vec(0..3usize, 1..5),
        signed in vec(0..3usize, 0..6),
    ) {
        let roles = ["security_lead", "platform_lead", "executive"];
        let words = |places: &[usize]| places.iter().map(|place| roles[*place]).collect::<Vec<_>>();
        let trust = raise_by(json!([words(&set)]));
        let names: Vec<Name> = words(&signed).into_iter().map(name).collect();
        let missing = trust.missing_to_raise(&names.iter().collect::<Vec<_>>());
        let count = |places: &[usize], role| places.iter().filter(|place| **place == role).count();
        for (place, role) in roles.iter().enumerate() {
            let expected = count(&set, place).saturating_sub(count(&signed, place));
            let told = missing.iter().flat_map(|missing| &missing.roles);
            prop_assert_eq!(told.filter(|told| told.as_str() == *role).count(), expected);
        }
        // Whoever else signs, what was enough stays enough.
        let more = [&names[..], &[name("anybody")]].concat();
        let still = trust.missing_to_raise(&more.iter().collect::<Vec<_>>());
        prop_assert_eq!(missing.is_none(), still.is_none());
    }

    #[test]
    fn every_public_key_reads_back(seed: [u8; 32], comment in "( [ -~]{0,20})?") {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let line = format!("{}{comment}", openssh(&key.to_bytes()));
        let read = PublicKey::new(&line).unwrap();
        prop_assert_eq!(read.as_str(), line);
        prop_assert_eq!(read.bytes(), key.to_bytes());
    }

    #[test]
    fn arbitrary_lines_never_panic(line: String, blob: Vec<u8>) {
        let _ = PublicKey::new(&line);
        let _ = PublicKey::new(&format!("ssh-ed25519 {line}"));
        let _ = PublicKey::new(&openssh(&blob));
    }
}

#[test]
fn reads_back_as_it_was_written() {
    let trust = trust(7);
    let json = serde_json::to_value(&trust).unwrap();
    assert_eq!(read(&json).unwrap(), trust);
    let packed = rmp_serde::to_vec_named(&trust).unwrap();
    assert_eq!(rmp_serde::from_slice::<Trust>(&packed).unwrap(), trust);
}
