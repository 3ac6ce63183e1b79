use proptest::prelude::*;

use super::*;
use crate::entity::Entity;
use crate::profile::{Action, Custom, Rules};

thread_local! {
    /// Whether nothing is passed over unseen.
    pub(super) static LOOKS_AT_ALL: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The case table, without its marks.
pub(crate) fn texts() -> impl Iterator<Item = &'static [u8]> {
    use std::sync::OnceLock;
    static TEXTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    TEXTS
        .get_or_init(|| cases().map(|(text, _)| text.into_bytes()).collect())
        .iter()
        .map(Vec::as_slice)
}

/// The case table: each text, and what is found in it.
fn cases() -> impl Iterator<Item = (String, Vec<(String, String)>)> {
    let lines = include_str!("../../cases/text.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let (mut text, mut found) = (String::new(), Vec::new());
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('⟦') {
            let (mark, after) = after.split_once('⟧').expect(line);
            let (entity, value) = mark.split_once(':').expect(line);
            text.push_str(before);
            text.push_str(value);
            found.push((entity.to_owned(), value.to_owned()));
            rest = after;
        }
        text.push_str(rest);
        (text, found)
    })
}

fn found(profile: &Profile, text: &str, bare: bool) -> Vec<(String, String)> {
    let spans = find(profile, text.as_bytes(), bare);
    spans
        .iter()
        .map(|span| {
            (
                profile.name(span.kind).to_owned(),
                text[span.start..span.end].to_owned(),
            )
        })
        .collect()
}

#[test]
fn every_case_is_found_and_nothing_else() {
    let profile = Profile::all(Action::Mask);
    let wrong: Vec<_> = cases()
        .filter_map(|(text, expected)| {
            let found = found(&profile, &text, false);
            (found != expected)
                .then(|| format!("{text}\n  expected {expected:?}\n  found    {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_entity_has_a_case() {
    let named: Vec<_> = cases()
        .flat_map(|(_, found)| found)
        .map(|(entity, _)| entity)
        .collect();
    for entity in Entity::ALL {
        assert!(
            named.iter().any(|name| name == entity.name()),
            "{entity} has none"
        );
    }
}

#[test]
fn one_entity_alone_covers_what_all_of_them_cover_of_it() {
    // Monotone: looking for more never uncovers anything.
    let all = Profile::all(Action::Mask);
    for (text, _) in cases() {
        let covered = find(&all, text.as_bytes(), false);
        for entity in Entity::ALL {
            let rules = Rules {
                actions: vec![(entity.name(), Action::Mask)],
                ..Rules::default()
            };
            let alone = Profile::new(&rules).unwrap();
            for span in find(&alone, text.as_bytes(), false) {
                assert!(
                    covered
                        .iter()
                        .any(|all| all.start <= span.start && span.end <= all.end),
                    "{entity} alone finds {:?}, all together do not cover it in {text}",
                    &text[span.start..span.end]
                );
            }
        }
    }
}

#[test]
fn vectors_find_what_the_scalar_search_finds() {
    let mut text = [b'x'; 320];
    for at in 0..text.len() {
        for byte in [
            b'0', b'9', b':', b'@', b'-', 0xEF, 0xE0, b'/', b';', b'?', b'A', b',', b'.', 0xEE,
            0xE1, 0x7F, 0x80,
        ] {
            (text[at], text[at / 2]) = (byte, byte);
            for from in [0, 1, 7, 63, 64, 65] {
                let blocks = text[from..].as_chunks().0;
                assert_eq!(
                    class::vector::first(blocks),
                    class::scalar::first(blocks),
                    "{byte:#x} at {at} from {from}"
                );
            }
            (text[at], text[at / 2]) = (b'x', b'x');
        }
    }
}

#[test]
fn every_anchor_is_found_wherever_the_search_begins() {
    for size in [0, 1, 15, 63, 64, 65, 127, 128, 200] {
        for step in [1, 2, 5, 31, 63, 64, 90] {
            let text: Vec<u8> = (0..size)
                .map(|at| if at % step == 0 { b'7' } else { b'x' })
                .collect();
            for from in 0..=size {
                let mut anchors = class::Anchors::NONE;
                let (mut at, mut found) = (from, Vec::new());
                while let Some(anchor) = anchors.next(&text, at) {
                    found.push(anchor);
                    at = anchor + 1;
                }
                let expected: Vec<_> = (from..size).filter(|at| at % step == 0).collect();
                assert_eq!(found, expected, "{size} bytes, one in {step}, from {from}");
            }
        }
    }
}

#[test]
fn a_number_that_is_all_of_a_field_needs_no_words() {
    let profile = Profile::all(Action::Mask);
    for (text, entity) in [
        ("1234567893", "US_NPI"),
        (" 85031512344 ", "PL_PESEL"),
        ("987654321012", "IN_AADHAAR"),
        ("10000000146", "TR_NATIONAL_ID"),
    ] {
        assert_eq!(
            found(&profile, text, true),
            [(entity.to_owned(), text.trim().to_owned())]
        );
        assert_eq!(found(&profile, &format!("it was {text}"), true), []);
        assert_eq!(found(&profile, text, false), []);
    }
}

#[test]
fn long_local_parts_are_found_however_the_sign_is_written() {
    let profile = Profile::all(Action::Mask);
    for sign in [
        "@",
        "\u{FF20}",
        "%40",
        "&#64;",
        "&#x40;",
        "\\u0040",
        "\\\\u0040",
    ] {
        for size in [1, 40, 60, 64, 65] {
            let text = format!(
                "to {}{sign}example.com.",
                "abcdefgh".repeat(9).get(..size).unwrap()
            );
            let expected = usize::from(size <= 64);
            assert_eq!(found(&profile, &text, false).len(), expected, "{text}");
        }
    }
}

#[test]
fn the_name_of_a_member_is_context() {
    let profile = Profile::all(Action::Mask);
    for (key, text, entity) in [
        ("phone", "9876543210", Some("PHONE_NUMBER")),
        ("aadhaarNumber", "987654321012", Some("IN_AADHAAR")),
        ("bank_account_no", "50100123456789", Some("IN_BANK_ACCOUNT")),
        ("order", "50100123456789", None),
        ("discount", "50100123456789", None),
    ] {
        let hints = Hints {
            key: key.as_bytes(),
            bare: false,
        };
        let mut kinds = Vec::new();
        scan(&profile, hints, text.as_bytes(), 0, true, &mut |found| {
            kinds.push(profile.name(found.kind))
        });
        assert_eq!(kinds, Vec::from_iter(entity), "{key}: {text}");
    }
}

#[test]
fn a_stricter_action_names_what_overlaps() {
    let actions = vec![("PHONE_NUMBER", Action::Count), ("IN_UPI_ID", Action::Mask)];
    let profile = Profile::new(&Rules {
        actions,
        ..Rules::default()
    })
    .unwrap();
    let text = "pay +91 98765 43210@ybl now";
    let spans = find(&profile, text.as_bytes(), false);
    assert!(
        spans
            .iter()
            .any(|span| profile.name(span.kind) == "IN_UPI_ID"),
        "{spans:?}"
    );
}

#[test]
fn private_addresses_pass_where_the_profile_says_so() {
    let rules = Rules {
        actions: vec![("*", Action::Mask)],
        ignore_private_ips: true,
        ..Rules::default()
    };
    let profile = Profile::new(&rules).unwrap();
    let text =
        "127.0.0.1 10.1.2.3 192.168.0.1 ::1 fe80::7:8 fd00::1:2 but 203.0.113.7 and 2001:db8::1:2";
    let found: Vec<_> = found(&profile, text, false)
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(found, ["203.0.113.7", "2001:db8::1:2"]);
}

#[test]
fn defined_entities_are_found_as_whole_words() {
    let custom = vec![
        Custom {
            name: "EMPLOYEE",
            shapes: vec!["EMP-######", "@@##"],
            ..Custom::default()
        },
        Custom {
            name: "PROJECT",
            literals: vec!["Project Bluebird"],
            ..Custom::default()
        },
    ];
    let profile = Profile::new(&Rules {
        actions: vec![("*", Action::Mask)],
        custom,
        ..Rules::default()
    })
    .unwrap();
    let text =
        "emp-123456 of project bluebird, xEMP-123456, EMP-1234567, ab12, ab123 Project Bluebirds";
    let expected = [
        ("EMPLOYEE", "emp-123456"),
        ("PROJECT", "project bluebird"),
        ("EMPLOYEE", "ab12"),
    ];
    assert_eq!(
        found(&profile, text, false),
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn a_wrong_rule_is_refused_with_the_likely_meaning() {
    let refused = |rules: Rules<'_>| Profile::new(&rules).unwrap_err().to_string();
    let unknown = refused(Rules {
        actions: vec![("EMIAL_ADDRESS", Action::Mask)],
        ..Rules::default()
    });
    assert!(
        unknown.contains("EMIAL_ADDRESS: unknown entity") && unknown.contains("`EMAIL_ADDRESS`"),
        "{unknown}"
    );
    let custom = |shape| Rules {
        custom: vec![Custom {
            name: "EMP",
            shapes: vec![shape],
            ..Custom::default()
        }],
        ..Rules::default()
    };
    for (shape, expected) in [
        ("ab", "2 characters"),
        ("-abcd", "begins and ends"),
        ("äbcd", "ASCII"),
    ] {
        let refused = refused(custom(shape));
        assert!(
            refused.starts_with("EMP: ") && refused.contains(expected),
            "{shape}: {refused}"
        );
    }
    let twice = refused(Rules {
        custom: vec![Custom {
            name: "SECRET",
            literals: vec!["abcd"],
            ..Custom::default()
        }],
        ..Rules::default()
    });
    assert!(twice.contains("already"), "{twice}");
}

/// What stands between cases where passing over too much would show.
const SEAMS: [&str; 62] = [
    " ",
    "",
    ". ",
    ", ",
    "\\n",
    "\n",
    "-",
    "(",
    "@",
    " +",
    "\\\"",
    " AA ",
    ")",
    "). ",
    "::",
    "1",
    "12",
    "9.1 ",
    "107,901 ",
    "\\n3. ",
    "u32::",
    "(33).x",
    "$",
    "%",
    ":",
    " 98",
    ".",
    "x",
    "AB",
    " AB ",
    "\\t",
    " kg",
    " {",
    " =",
    "<",
    ">",
    "ab",
    "/",
    "fe",
    "5 ",
    "|",
    "'",
    "1 2 3 ",
    "12 34 ",
    "1-2-",
    "10:30 ",
    " ORD-123456;",
    " 2025-11-24;",
    "2025-11-24, ",
    "49.90;",
    "1.2) ",
    "1234 5678 1234 5678 ",
    "1234 5678 ",
    ",12,",
    "|7|",
    "'8'",
    "`9`",
    "]3;",
    "XXXX-",
    "-",
    ")15)",
    " sk-",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_passed_over_was_nothing(
        parts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let texts: Vec<_> = texts().collect();
        let mut text = Vec::new();
        for (case, before, at, part) in parts {
            let case = texts[case.index(texts.len())];
            let (head, tail) = case.split_at(at.index(case.len() + 1));
            text.extend_from_slice(SEAMS[before.index(SEAMS.len())].as_bytes());
            text.extend_from_slice(match part {
                0..100 => b"",
                100..180 => tail,
                180..220 => head,
                _ => case,
            });
            text.extend_from_slice(SEAMS[at.index(SEAMS.len())].as_bytes());
        }
        let profile = Profile::all(Action::Mask);
        let found = find(&profile, &text, false);
        LOOKS_AT_ALL.set(true);
        let all = find(&profile, &text, false);
        LOOKS_AT_ALL.set(false);
        prop_assert_eq!(found, all, "{}", String::from_utf8_lossy(&text));
    }
}
