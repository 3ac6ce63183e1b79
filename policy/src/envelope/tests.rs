use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{
    ENGINEER, PLATFORM, Person, SECURITY, SECURITY_2, STRANGER, envelope, trust, trust_json,
};

const KINDS: [PayloadType; 4] = [
    PayloadType::OrderJson,
    PayloadType::OrderMsgPack,
    PayloadType::WarrantJson,
    PayloadType::WarrantMsgPack,
];
const ORDER: &[u8] = br#"{"rollout": "r", "generation": 8, "kill": {"mode": "rollback"}}"#;

/// The encoding as the protocol's text defines it, written a second time.
fn encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| bytes.len().to_string().into_bytes();
    let parts = [
        b"DSSEv1".to_vec(),
        length(kind.as_bytes()),
        kind.as_bytes().to_vec(),
        length(payload),
        payload.to_vec(),
    ];
    parts.join(&b' ')
}

/// What these people signed, as it travels.
fn signed(people: &[Person]) -> Value {
    serde_json::to_value(envelope(PayloadType::OrderJson, ORDER.to_vec(), people)).unwrap()
}

fn read(json: &Value) -> Result<Envelope, DocumentError> {
    Envelope::from_json(json.to_string().as_bytes())
}

fn ids(envelope: &Envelope, trust: &Trust) -> Result<Vec<String>, SignatureRefused> {
    let signers = envelope.signers(trust)?;
    Ok(signers.iter().map(|key| key.id.to_string()).collect())
}

fn bad(person: Person) -> Result<Vec<String>, SignatureRefused> {
    Err(SignatureRefused::Bad(person.id.into()))
}

#[test]
fn what_is_signed_is_the_encoding_of_dsse() {
    // The vector of the protocol, github.com/secure-systems-lab/dsse, protocol.md.
    assert_eq!(
        encoding("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    for kind in KINDS {
        for payload in [&b""[..], b"hello world", b"\0 8 \xff\n", ORDER] {
            let envelope = Envelope::new(kind, payload.to_vec());
            assert_eq!(
                envelope.pre_authentication_encoding(),
                encoding(kind.as_str(), payload),
                "{kind:?}"
            );
        }
    }
    let order = Envelope::new(PayloadType::OrderJson, b"hello world".to_vec());
    assert_eq!(
        order.pre_authentication_encoding(),
        b"DSSEv1 37 application/vnd.breakglass.order+json 11 hello world"
    );
}

#[test]
fn lengths_are_of_bytes_not_of_characters() {
    let envelope = Envelope::new(PayloadType::OrderJson, "नमस्ते".into());
    let encoding = envelope.pre_authentication_encoding();
    let head = b"DSSEv1 37 application/vnd.breakglass.order+json 18 ";
    assert!(encoding.starts_with(head));
}

#[test]
fn a_payload_type_is_written_as_it_is_read() {
    for kind in KINDS {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
        assert_eq!(
            serde_json::from_value::<PayloadType>(json!(kind.as_str())).unwrap(),
            kind
        );
    }
}

#[test]
fn both_alphabets_are_read() {
    // 0xfb and 0xff are written with the characters in which the two differ.
    let payload = [0xfb, 0xef, 0xbe, 0xff, 0xff, 0xfe, 0xfb];
    let envelope = envelope(PayloadType::OrderJson, payload.to_vec(), &[SECURITY]);
    let standard = serde_json::to_value(&envelope).unwrap();
    let written = standard["payload"].as_str().unwrap();
    assert!(written.contains('+') && written.contains('/'), "{written}");
    let url_safe = |text: &Value| json!(text.as_str().unwrap().replace('+', "-").replace('/', "_"));
    let mut other = standard.clone();
    other["payload"] = url_safe(&standard["payload"]);
    other["signatures"][0]["sig"] = url_safe(&standard["signatures"][0]["sig"]);
    assert_ne!(standard, other);
    for json in [&standard, &other] {
        let read = read(json).unwrap();
        assert_eq!(read, envelope);
        assert_eq!(ids(&read, &trust(1)).unwrap(), [SECURITY.id]);
    }
}

#[test]
fn members_that_nobody_knows_are_ignored() {
    let mut json = signed(&[SECURITY]);
    json["comment"] = json!({"payload": "no"});
    json["signatures"][0]["cert"] = json!(["-----BEGIN CERTIFICATE-----"]);
    let envelope = read(&json).unwrap();
    assert_eq!(ids(&envelope, &trust(1)).unwrap(), [SECURITY.id]);
}

#[test]
fn broken_envelopes_name_the_path() {
    let with = |change: fn(&mut Value)| {
        let mut json = signed(&[SECURITY]);
        change(&mut json);
        json
    };
    #[rustfmt::skip]
    let table = [
        (json!([]), "", "invalid type: list, expected an object"),
        (json!({}), "signatures", "missing field `signatures`"),
        (with(|json| json["payload"] = json!(7)), "payload", "invalid type: integer `7`, expected base64 with its padding"),
        (with(|json| json["payload"] = json!("e30")), "payload", "invalid value: string \"e30\", expected base64 with its padding"),
        (with(|json| json["payload"] = json!("e3 0=")), "payload", "invalid value: "),
        // Bits that the padding leaves over: another text of the same bytes.
        (with(|json| json["payload"] = json!("e31=")), "payload", "invalid value: "),
        (with(|json| json["payload"] = json!("-/8=")), "payload", "invalid value: "),
        (with(|json| json["payloadType"] = json!("application/json")), "payloadType", "unknown variant `application/json`, expected one of `application/vnd.breakglass.order+json`"),
        (with(|json| json["payloadType"] = json!("Application/vnd.breakglass.order+json")), "payloadType", "unknown variant"),
        (with(|json| json["signatures"] = json!([])), "signatures", "0 signatures, expected 1 to 16"),
        (with(|json| json["signatures"][0]["keyid"] = json!("k".repeat(257))), "signatures[0].keyid", "257 bytes, expected at most 256"),
        (with(|json| json["signatures"][0]["keyid"] = json!(null)), "signatures[0].keyid", "invalid type: null, expected a string"),
    ];
    for (json, path, message) in table {
        let error = read(&json).unwrap_err();
        // A missing member has no place of its own.
        let path = if message.starts_with("missing") {
            ""
        } else {
            path
        };
        assert_eq!(error.path(), path, "{json}: {error}");
        assert!(error.message().starts_with(message), "{json}: {error}");
    }
}

#[test]
fn as_many_signatures_as_there_may_be_and_no_more() {
    let mut envelope = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY]);
    for number in 1..limits::SIGNATURES {
        envelope.sign(&format!("k{number}"), [0; SIGNATURE_BYTES]);
    }
    let json = serde_json::to_value(&envelope).unwrap();
    assert_eq!(
        ids(&read(&json).unwrap(), &trust(1)).unwrap(),
        [SECURITY.id]
    );
    envelope.sign("one-more", [0; SIGNATURE_BYTES]);
    let error = read(&serde_json::to_value(&envelope).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "signatures: 17 signatures, expected 1 to 16"
    );
}

#[test]
fn an_envelope_beyond_the_limit_is_refused_before_it_is_read() {
    let json = format!("{}{}", signed(&[SECURITY]), " ".repeat(limits::ORDER_BYTES));
    let error = Envelope::from_json(json.as_bytes()).unwrap_err();
    assert!(
        error.message().ends_with("expected at most 65536"),
        "{error}"
    );
}

#[test]
fn a_truncated_envelope_is_none() {
    let json = signed(&[SECURITY, PLATFORM]).to_string();
    for end in 0..json.len() {
        assert!(
            Envelope::from_json(&json.as_bytes()[..end]).is_err(),
            "{end} bytes"
        );
    }
}

#[test]
fn signers_are_those_of_trusted_keys() {
    let forged = |mut envelope: Envelope, keyid: &str| {
        envelope.sign(keyid, [7; SIGNATURE_BYTES]);
        envelope
    };
    let sealed = |people: &[Person]| envelope(PayloadType::OrderJson, ORDER.to_vec(), people);
    let named = |people: &[Person]| Ok(people.iter().map(|person| person.id.to_owned()).collect());
    let unknown = |keyid: &str| Err(SignatureRefused::UnknownKey(keyid.into()));
    #[rustfmt::skip]
    let table = [
        ("one", sealed(&[SECURITY]), named(&[SECURITY])),
        ("three", sealed(&[PLATFORM, SECURITY, SECURITY_2]), named(&[PLATFORM, SECURITY, SECURITY_2])),
        ("unknown ones are passed over", sealed(&[STRANGER, ENGINEER]), named(&[ENGINEER])),
        ("forged ones of unknown keys too", forged(sealed(&[ENGINEER]), "who"), named(&[ENGINEER])),
        ("nobody", Envelope::new(PayloadType::OrderJson, ORDER.to_vec()), unknown("")),
        ("only unknown ones", forged(sealed(&[STRANGER]), "who"), unknown(STRANGER.id)),
        ("a forged one of a trusted key spoils all", forged(sealed(&[SECURITY]), PLATFORM.id), bad(PLATFORM)),
        ("a trusted name is not a trusted key", forged(sealed(&[]), SECURITY.id), bad(SECURITY)),
    ];
    for (case, envelope, expected) in table {
        assert_eq!(ids(&envelope, &trust(1)), expected, "{case}");
    }
}

#[test]
fn a_key_may_be_named_by_its_fingerprint_and_counts_once() {
    let trust = trust(1);
    let mut envelope = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY]);
    let signature: [u8; SIGNATURE_BYTES] = envelope.signatures()[0].bytes().try_into().unwrap();
    let fingerprint = trust.key(SECURITY.id).unwrap().key.fingerprint();
    envelope.sign(&fingerprint, signature);
    assert_eq!(envelope.signatures().len(), 2);
    assert_eq!(ids(&envelope, &trust).unwrap(), [SECURITY.id]);
    let mut alone = Envelope::new(PayloadType::OrderJson, ORDER.to_vec());
    alone.sign(&fingerprint, signature);
    assert_eq!(ids(&alone, &trust).unwrap(), [SECURITY.id]);
}

#[test]
fn who_signs_again_signs_once() {
    let mut envelope = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY]);
    let before = envelope.clone();
    SECURITY.sign(&mut envelope);
    assert_eq!(envelope, before);
}

#[test]
fn a_bad_signature_spoils_all_wherever_it_stands() {
    let trust = trust(1);
    let fingerprint = trust.key(SECURITY.id).unwrap().key.fingerprint();
    for (good, forged) in [(SECURITY.id, &*fingerprint), (&*fingerprint, SECURITY.id)] {
        for good_first in [true, false] {
            let mut envelope = Envelope::new(PayloadType::OrderJson, ORDER.to_vec());
            let mut signed = envelope.clone();
            SECURITY.sign(&mut signed);
            let signature = signed.signatures()[0].bytes().try_into().unwrap();
            let mut signatures = [(good, signature), (forged, [7; SIGNATURE_BYTES])];
            if !good_first {
                signatures.reverse();
            }
            for (keyid, signature) in signatures {
                envelope.sign(keyid, signature);
            }
            let refused = Err(SignatureRefused::Bad(forged.into()));
            assert_eq!(ids(&envelope, &trust), refused, "good first: {good_first}");
        }
    }
}

#[test]
fn signatures_of_another_length_by_unknown_keys_are_passed_over() {
    let mut json = signed(&[SECURITY]);
    let ecdsa = json!({"keyid": "cosign", "sig": Base64::encode_string(&[48; 71])});
    json["signatures"].as_array_mut().unwrap().push(ecdsa);
    assert_eq!(
        ids(&read(&json).unwrap(), &trust(1)).unwrap(),
        [SECURITY.id]
    );
}

#[test]
fn a_signature_is_of_its_payload_type_too() {
    let order = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY]);
    for kind in KINDS {
        let mut json = serde_json::to_value(&order).unwrap();
        json["payloadType"] = json!(kind.as_str());
        let expected = match kind {
            PayloadType::OrderJson => Ok(vec![SECURITY.id.to_owned()]),
            _ => bad(SECURITY),
        };
        assert_eq!(ids(&read(&json).unwrap(), &trust(1)), expected, "{kind:?}");
    }
}

#[test]
fn every_single_bit_of_payload_and_signature_counts() {
    let trust = serde_json::from_value(trust_json(1, &[SECURITY])).unwrap();
    let good = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY]);
    for bit in 0..ORDER.len() * 8 {
        let mut flipped = good.clone();
        flipped.payload.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            ids(&flipped, &trust),
            bad(SECURITY),
            "bit {bit} of the payload"
        );
    }
    for bit in 0..SIGNATURE_BYTES * 8 {
        let mut flipped = good.clone();
        flipped.signatures[0].sig.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            ids(&flipped, &trust),
            bad(SECURITY),
            "bit {bit} of the signature"
        );
    }
    assert_eq!(ids(&good, &trust).unwrap(), [SECURITY.id]);
}

#[test]
fn an_envelope_gives_only_what_its_type_says() {
    let order = Envelope::new(PayloadType::OrderJson, ORDER.to_vec());
    assert_eq!(order.order().unwrap(), Order::from_json(ORDER).unwrap());
    let packed = rmp_serde::to_vec_named(&Order::from_json(ORDER).unwrap()).unwrap();
    let same = Envelope::new(PayloadType::OrderMsgPack, packed);
    assert_eq!(same.order().unwrap(), order.order().unwrap());
    assert_ne!(same.digest(), order.digest());
    #[rustfmt::skip]
    let table = [
        (order.warrant().err(), "payloadType: `application/vnd.breakglass.order+json` is not that of warrants, expected application/vnd.breakglass.warrant+json or +msgpack"),
        (Envelope::new(PayloadType::WarrantJson, ORDER.to_vec()).order().err(), "payloadType: `application/vnd.breakglass.warrant+json` is not that of orders, expected application/vnd.breakglass.order+json or +msgpack"),
        (Envelope::new(PayloadType::WarrantJson, ORDER.to_vec()).warrant().err(), "payload.generation: unknown field `generation`"),
        (Envelope::new(PayloadType::OrderJson, b"{".to_vec()).order().err(), "payload: EOF while parsing an object"),
        (Envelope::new(PayloadType::OrderMsgPack, ORDER.to_vec()).order().err(), "payload: "),
        (Envelope::new(PayloadType::OrderJson, br#"{"rollout": "r", "generation": "8"}"#.to_vec()).order().err(), "payload.generation: invalid type: string \"8\", expected a generation"),
    ];
    for (error, expected) in table {
        let error = error.unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_digest_is_the_sha_256_of_the_payload() {
    // FIPS 180-4, as `printf abc | sha256sum` prints it.
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Digest::of(b"abc").as_str(), digest);
    let envelope = Envelope::new(PayloadType::WarrantJson, b"abc".to_vec());
    assert_eq!(Some(envelope.digest()), Digest::new(digest));
    for text in [
        "",
        "sha256:",
        &digest[7..],
        &digest[..70],
        &format!("{digest}0"),
        &digest.to_uppercase(),
        &digest.replace("sha256", "sha512"),
        &digest.replace('b', "g"),
    ] {
        assert_eq!(Digest::new(text), None, "{text}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    #[rustfmt::skip]
    let table = [
        (SignatureRefused::UnknownKey("k".into()), "no trusted key has signed; the first signature names `k`, expected the id or the fingerprint of a key in `trust.keys`"),
        (SignatureRefused::Bad("k".into()), "the signature of `k` is not that key's signature of this payload; sign what is sent"),
    ];
    for (refused, expected) in table {
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn reads_back_as_it_was_written(payload: Vec<u8>, kind in 0..KINDS.len(), seals in vec(("[ -~]{0,12}", any::<[u8; 32]>()), 1..5)) {
        let mut envelope = Envelope::new(KINDS[kind], payload);
        for (keyid, half) in &seals {
            envelope.sign(keyid, [*half, *half].concat().try_into().unwrap());
        }
        let json = serde_json::to_vec(&envelope).unwrap();
        prop_assert_eq!(&Envelope::from_json(&json).unwrap(), &envelope);
        let packed = rmp_serde::to_vec_named(&envelope).unwrap();
        prop_assert_eq!(&rmp_serde::from_slice::<Envelope>(&packed).unwrap(), &envelope);
    }

    #[test]
    fn a_mutated_envelope_verifies_only_if_what_was_signed_is_unchanged(
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let trust = serde_json::from_value(trust_json(1, &[SECURITY, PLATFORM])).unwrap();
        let good = envelope(PayloadType::OrderJson, ORDER.to_vec(), &[SECURITY, PLATFORM]);
        let mut json = serde_json::to_vec(&good).unwrap();
        for (at, byte, how) in edits {
            let at = at.index(json.len());
            match how {
                0 => json[at] = byte,
                1 => json[at] ^= 1 << (byte % 8),
                _ => drop(json.remove(at)),
            }
        }
        if let Ok(mutated) = Envelope::from_json(&json)
            && let Ok(signers) = mutated.signers(&trust)
        {
            prop_assert_eq!(mutated.payload(), good.payload());
            prop_assert_eq!(mutated.payload_type(), good.payload_type());
            for signer in signers {
                let by = |envelope: &Envelope| {
                    let mut signatures = envelope.signatures().iter();
                    let signature = signatures.find(|signature| &*signature.keyid == signer.id.as_str());
                    signature.map(|signature| signature.bytes().to_vec())
                };
                prop_assert_eq!(by(&mutated), by(&good));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, kind in 0..KINDS.len()) {
        let _ = Envelope::from_json(&bytes);
        let envelope = Envelope::new(KINDS[kind], bytes);
        let _ = envelope.order();
        let _ = envelope.warrant();
        prop_assert!(envelope.signers(&trust(1)).is_err());
    }
}
