use proptest::prelude::*;

use super::*;
use crate::detect::find;

/// What comes out of one scanner that is given these pieces.
fn redacted<'a>(profile: &Profile, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Tally) {
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    for piece in pieces {
        scanner.push(profile, b"", piece, &mut out, &mut tally);
    }
    scanner.finish(profile, b"", &mut out, &mut tally);
    (out, tally)
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The redaction of a text by what [`find`] lists in it.
fn by_spans(profile: &Profile, text: &[u8]) -> Vec<u8> {
    let (mut out, mut from) = (Vec::new(), 0);
    for span in find(profile, text, false) {
        out.extend_from_slice(&text[from..span.start]);
        mask::placeholder(profile.name(span.kind), &mut out);
        from = span.end;
    }
    out.extend_from_slice(&text[from..]);
    out
}

#[test]
fn every_case_comes_out_the_same_in_two_pieces_and_byte_by_byte() {
    let profile = Profile::all(Action::Mask);
    for text in crate::detect::tests::texts() {
        let whole = by_spans(&profile, text);
        let (bytes, _) = redacted(&profile, text.chunks(1));
        assert_eq!(show(&bytes), show(&whole), "byte by byte: {}", show(text));
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            let (halves, _) = redacted(&profile, [a, b]);
            assert_eq!(show(&halves), show(&whole), "{} | {}", show(a), show(b));
        }
    }
}

#[test]
fn every_case_comes_out_the_same_in_three_pieces() {
    let profile = Profile::all(Action::Mask);
    for text in crate::detect::tests::texts() {
        let whole = by_spans(&profile, text);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let (thirds, _) = redacted(&profile, pieces);
                assert_eq!(show(&thirds), show(&whole), "{:?}", pieces.map(show));
            }
        }
    }
}

#[test]
fn nothing_of_a_match_leaves_before_it_is_whole() {
    let profile = Profile::all(Action::Mask);
    for text in crate::detect::tests::texts() {
        let whole = by_spans(&profile, text);
        let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
        for piece in text.chunks(1) {
            scanner.push(&profile, b"", piece, &mut out, &mut tally);
            assert!(
                whole.starts_with(&out),
                "{} is not how {} begins",
                show(&out),
                show(&whole)
            );
            assert!(
                scanner.held() <= limits::HELD_BYTES,
                "{} held of {}",
                scanner.held(),
                show(text)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    /// Cases joined by all kinds of glue, some bytes changed, cut anywhere.
    #[test]
    fn any_text_comes_out_the_same_however_it_is_cut(
        parts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        hidden in 0..3_u8,
    ) {
        let texts: Vec<_> = crate::detect::tests::texts().collect();
        let mut text = Vec::new();
        for (part, glue) in parts {
            text.extend_from_slice(texts[part.index(texts.len())]);
            text.extend_from_slice(GLUE[glue.index(GLUE.len())].as_bytes());
        }
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = BYTES[byte.index(BYTES.len())];
        }
        let mut profile = Profile::all(Action::Mask);
        if hidden == 1 {
            let custom = vec![crate::Custom { name: "EMPLOYEE", literals: vec!["Jane Roe of Leeds"], shapes: vec!["EMP-####", "##@@##"] }];
            let rules = crate::Rules { actions: vec![("*", Action::Mask)], custom, ..Default::default() };
            profile = Profile::new(&rules).unwrap();
        }
        let whole = by_spans(&profile, &text);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        let mut from = 0;
        let pieces: Vec<&[u8]> = cuts.iter().map(|cut| { let piece = &text[from..*cut]; from = *cut; piece }).collect();
        let (cut, _) = redacted(&profile, pieces.iter().copied());
        prop_assert_eq!(show(&cut), show(&whole));
        let (bytes, _) = redacted(&profile, text.chunks(1));
        prop_assert_eq!(show(&bytes), show(&whole));
    }

    #[test]
    fn any_bytes_come_out_the_same_however_they_are_cut(text in prop::collection::vec(any::<u8>(), 0..300), size in 1..9_usize) {
        let profile = Profile::all(Action::Mask);
        let whole = by_spans(&profile, &text);
        let (cut, _) = redacted(&profile, text.chunks(size));
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn plain_prose_waits_for_its_last_word_only() {
    let profile = Profile::all(Action::Mask);
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    let mut given = 0;
    for word in
        "Thank you for waiting, I have 2 answers in 24 hours: the parcel (a large one) left at 9."
            .split_inclusive(' ')
    {
        scanner.push(&profile, b"", word.as_bytes(), &mut out, &mut tally);
        given += word.len();
        assert!(
            given - out.len() <= word.len(),
            "{word:?} waits with {:?} out",
            show(&out)
        );
    }
}

#[test]
fn a_number_that_is_nothing_leaves_with_the_next_word() {
    let profile = Profile::all(Action::Mask);
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    scanner.push(&profile, b"", b"it took 98765", &mut out, &mut tally);
    assert_eq!(show(&out), "it took ");
    scanner.push(&profile, b"", b" steps", &mut out, &mut tally);
    assert_eq!(show(&out), "it took 98765 ");
}

#[test]
fn what_waits_for_ever_is_released_and_the_rest_of_a_match_is_masked() {
    let profile = Profile::all(Action::Mask);
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    scanner.push(&profile, b"", b"call 98765 432", &mut out, &mut tally);
    assert_eq!(show(&out), "call ");
    scanner.release(&profile, b"", &mut out, &mut tally);
    assert_eq!((show(&out).as_str(), scanner.held()), ("call 98765 432", 0));
    scanner.push(&profile, b"", b"10 today", &mut out, &mut tally);
    scanner.finish(&profile, b"", &mut out, &mut tally);
    assert_eq!(show(&out), "call 98765 432[PHONE_NUMBER] today");
    assert_eq!(tally.of(crate::Entity::PhoneNumber), 1);
}

#[test]
fn what_is_whole_when_it_is_released_is_masked_first() {
    let profile = Profile::all(Action::Mask);
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    scanner.push(
        &profile,
        b"",
        b"write to jo@example.com",
        &mut out,
        &mut tally,
    );
    scanner.release(&profile, b"", &mut out, &mut tally);
    assert_eq!(show(&out), "write to [EMAIL_ADDRESS]");
}

#[test]
fn long_keys_are_replaced_once_and_swallowed() {
    let profile = Profile::all(Action::Mask);
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEA7b+/Ab".repeat(60)
    );
    let token = format!(
        "eyJhbGciOiJIUzI1NiJ9.{}.{}",
        "eyJzdWIiOiIxMjM0NTY3ODkw".repeat(20),
        "dozjgNryP4J3jVmNHl0w5N".repeat(3)
    );
    for (secret, text) in [
        (&key, format!("a {key} b")),
        (&token, format!("a {token}, b")),
    ] {
        for size in [1, 7, 64, 1000, 10_000] {
            let (out, tally) = redacted(&profile, text.as_bytes().chunks(size));
            assert_eq!(
                show(&out),
                text.replace(secret.as_str(), "[SECRET]"),
                "in pieces of {size}"
            );
            assert_eq!(tally.of(crate::Entity::Secret), 1);
        }
    }
}

#[test]
fn a_block_ends_the_text_before_the_match() {
    let rules = crate::Rules {
        actions: vec![
            ("CREDIT_CARD", Action::Block),
            ("EMAIL_ADDRESS", Action::Mask),
        ],
        ..Default::default()
    };
    let profile = Profile::new(&rules).unwrap();
    let (out, tally) = redacted(
        &profile,
        [
            &b"jo@example.com has 4111 1111 1111 1111 and more"[..],
            b" and more",
        ],
    );
    assert_eq!(show(&out), "[EMAIL_ADDRESS] has ");
    assert_eq!(tally.blocked(), Some(crate::Entity::CreditCard.into()));
}

#[test]
fn counting_leaves_the_text_as_it_is() {
    let profile = Profile::all(Action::Count);
    for text in crate::detect::tests::texts() {
        let (out, tally) = redacted(&profile, text.chunks(3));
        assert_eq!(show(&out), show(text));
        let found: u32 = tally.iter().map(|(_, _, count)| count).sum();
        assert_eq!(
            found as usize,
            find(&profile, text, false).len(),
            "{}",
            show(text)
        );
    }
}

const GLUE: [&str; 12] = [
    " ", "", ". ", ", ", "\\n", "\n", "-", "(", "@", " +", "\\\"", " AA ",
];
const BYTES: &[u8] = b"0 9aZ@.-:+_\\%&#(x\xEF\xBC\xA0\xE0";

#[test]
fn a_word_that_is_released_twice_leaves_once() {
    let profile = Profile::all(Action::Mask);
    let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
    for piece in ["987", "65 4", "32"] {
        scanner.push(&profile, b"", piece.as_bytes(), &mut out, &mut tally);
        scanner.release(&profile, b"", &mut out, &mut tally);
    }
    assert_eq!(show(&out), "98765 432");
    scanner.push(&profile, b"", b"10, then", &mut out, &mut tally);
    scanner.finish(&profile, b"", &mut out, &mut tally);
    assert_eq!(show(&out), "98765 432[PHONE_NUMBER], then");
}

#[test]
fn a_time_leaves_with_the_next_word() {
    let profile = Profile::all(Action::Mask);
    for text in [
        "at 10:30 we ",
        "in 2024 we ",
        "on 24-11 we ",
        "to 3.5 we ",
        "a 1/2 we ",
        "the B12 we ",
    ] {
        let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
        scanner.push(&profile, b"", text.as_bytes(), &mut out, &mut tally);
        assert!(
            scanner.held() <= "we ".len(),
            "{text:?}: {:?} out",
            show(&out)
        );
    }
}

#[test]
fn what_is_held_is_bounded_whatever_comes() {
    let profile = Profile::all(Action::Mask);
    let hostile = [
        "jo@example.",
        "4111\u{200b}",
        "1\u{200b}",
        "GB33_\u{200b}\u{966}",
        "&#64;KA.com",
        "@1.XXXXXXXX&#64;",
        "4111 1111 ",
        "a@b.co",
        "@",
        "1 ",
        "12-34-",
        "::1",
        "\\u0031",
        "%31",
        "-----BEGIN ",
        "XXXX ",
        "+91 ",
        "(415) ",
        "a",
        "\u{e9}",
        "\u{d83}",
    ];
    for piece in hostile {
        let text = piece.repeat(6_000 / piece.len());
        let whole = by_spans(&profile, text.as_bytes());
        for size in [1, 97] {
            let (mut scanner, mut out, mut tally) =
                (Scanner::default(), Vec::new(), Tally::default());
            for part in text.as_bytes().chunks(size) {
                scanner.push(&profile, b"", part, &mut out, &mut tally);
                assert!(
                    scanner.held() <= limits::HELD_BYTES,
                    "{} held of {piece:?}",
                    scanner.held()
                );
            }
            scanner.finish(&profile, b"", &mut out, &mut tally);
            assert_eq!(show(&out), show(&whole), "{piece:?} in pieces of {size}");
        }
    }
}

#[test]
fn no_piece_that_leaves_ends_in_an_escape() {
    let profile = Profile::all(Action::Mask);
    for piece in [
        "\\ufffd",
        "\\u0e01\\u0e02",
        "\\ud83d\\ude00",
        "\\n\\t",
        "\\\\u0040",
        "a\\u0016",
        "\\\\",
        "\\\\\\\\\\\\\\\\\\\\\\n",
        "\\\\\\\\n",
    ] {
        let (mut scanner, mut out, mut tally) = (Scanner::default(), Vec::new(), Tally::default());
        for _ in 0..60 {
            scanner.push(&profile, b"", piece.as_bytes(), &mut out, &mut tally);
            let text = format!("\"{}\"", show(&out));
            assert!(
                serde_json::from_str::<String>(&text).is_ok(),
                "{text} is no JSON string"
            );
        }
    }
}

#[test]
fn a_chain_of_matches_that_is_too_long_for_one_is_cut_the_same_however_it_comes() {
    let chains = [
        "98765\u{a0}".repeat(40),
        format!(
            "{}8{}r",
            "123\u{a0}\u{a0}".repeat(40),
            "\\u0031 ".repeat(50)
        ),
        format!("{} and no more", "98765 ".repeat(60)),
        format!("{}4111 1111 1111 1111", "1(".repeat(140)),
    ];
    for (chain, action) in chains
        .iter()
        .flat_map(|chain| [(chain, Action::Mask), (chain, Action::Count)])
    {
        let (text, profile) = (chain.as_bytes(), Profile::all(action));
        let redacted = |size: usize| {
            let (mut scanner, mut out, mut tally) =
                (Scanner::default(), Vec::new(), Tally::default());
            for piece in text.chunks(size) {
                scanner.push(&profile, b"phone", piece, &mut out, &mut tally);
                assert!(scanner.held() <= limits::HELD_BYTES);
            }
            scanner.finish(&profile, b"phone", &mut out, &mut tally);
            let count: u32 = tally.iter().map(|(_, _, count)| count).sum();
            (show(&out), count)
        };
        let whole = redacted(text.len());
        assert!(whole.1 > 1, "{whole:?} is no chain that was cut");
        for size in 1..text.len() {
            assert_eq!(redacted(size), whole, "{chain} in pieces of {size}");
        }
    }
}
