use proptest::prelude::*;

use super::cases::CASES;
use super::iban::COUNTRIES;
use super::india::UPI_HANDLES;
use super::keccak::keccak256;
use super::secret::RULES;
use super::sum::{luhn, verhoeff};
use super::*;

#[test]
fn takes_examples_and_refuses_near_misses() {
    let mut wrong = Vec::new();
    for (name, check, good, bad) in CASES {
        let refused = good
            .split_whitespace()
            .filter(|text| !check(text.as_bytes()));
        let taken = bad
            .split_whitespace()
            .chain([""])
            .filter(|text| check(text.as_bytes()));
        wrong.extend(refused.map(|text| format!("{name} refuses {text}")));
        wrong.extend(taken.map(|text| format!("{name} takes {text}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn cards_are_known_by_prefix_and_length() {
    let cases = [
        ("4222222222222", Some(Issuer::Known)),
        ("4111111111111111", Some(Issuer::Known)),
        ("5555555555554444", Some(Issuer::Known)),
        ("2223003122003222", Some(Issuer::Known)),
        ("2720990000000007", Some(Issuer::Known)),
        ("378282246310005", Some(Issuer::Known)),
        ("6011111111111117", Some(Issuer::Known)),
        ("30569309025904", Some(Issuer::Known)),
        ("3530111333300000", Some(Issuer::Known)),
        ("6200000000000005", Some(Issuer::Known)),
        ("6759649826438453", Some(Issuer::Known)),
        ("6304000000000000", Some(Issuer::Known)),
        ("2200000000000004", Some(Issuer::Known)),
        ("6521111111111110", Some(Issuer::Known)),
        // A Visa of 14 digits, a 2-series one past its end, a short 6, a number of nobody.
        ("41111111111114", Some(Issuer::Unknown)),
        ("2721000000000004", Some(Issuer::Unknown)),
        ("612345678900", Some(Issuer::Unknown)),
        ("9999999999999995", Some(Issuer::Unknown)),
        ("4111111111111112", None),
        ("0000000000000000", None),
        ("42222222222", None),
        ("42222222222222222222", None),
        ("411111111111111a", None),
    ];
    let found = cases.map(|(digits, _)| (digits, card(digits.as_bytes())));
    assert_eq!(found, cases);
}

#[test]
fn gstin_tells_shape_from_check() {
    let cases = [
        ("27AAPFU0939F1ZV", Gstin::Checked),
        ("29AAGCB7383J1Z4", Gstin::Checked),
        ("27AAPFU0939F1ZW", Gstin::Shape),
        ("29ABCDE1234F1Z5", Gstin::Shape),
        ("97AAPFU0939F1ZV", Gstin::Shape),
        ("39AAPFU0939F1ZV", Gstin::No),
        ("00AAPFU0939F1ZV", Gstin::No),
        ("27AAPFU0939F0ZV", Gstin::No),
        ("27AAPFU0939F1AV", Gstin::No),
        ("27AAPFU0939F1Z", Gstin::No),
    ];
    for (text, expected) in cases {
        assert_eq!(gstin(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn dates_are_of_the_calendar() {
    let good = [(2000, 2, 29), (2024, 2, 29), (1999, 12, 31), (2023, 4, 30)];
    let bad = [
        (1900, 2, 29),
        (2023, 2, 29),
        (2023, 4, 31),
        (2023, 13, 1),
        (2023, 0, 1),
        (2023, 1, 0),
        (2023, 1, 32),
    ];
    for (year, month, day) in good {
        assert!(super::date::real(year, month, day), "{year}-{month}-{day}");
    }
    for (year, month, day) in bad {
        assert!(!super::date::real(year, month, day), "{year}-{month}-{day}");
    }
}

/// From the registry's own examples, and of banks outside it.
#[rustfmt::skip]
const IBANS: &[&str] = &[
    "AE070331234567890123456", "BE68539007547034", "BI4210000100010000332045181",
    "BR1800360305000010009795493C1", "BY13NBRB3600900000002Z00AB00", "CR05015202001026284066",
    "DE89370400440532013000", "DJ2100010000000154000100186", "DZ580002100001113000000570",
    "EG380019000500000000263180002", "FK88SC123456789012", "FR1420041010050500013M02606",
    "GB29NWBK60161331926819", "GE29NB0000000101904917", "GT82TRAJ01020000001210029690",
    "HN88CABF00000000000250005469", "IL620108000000099999999", "IQ98NBIQ850123456789012",
    "IR580540105180021273113007", "JO94CBJO0010000000000131000302", "KZ86125KZT5004100100",
    "LC55HEMM000100010012001200023015", "LY83002048000020100120361",
    "MA64011519000001205000534921", "MN121234123456789123", "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR", "NI45BAPR00000013000003558124", "NO9386011117947",
    "OM810180000001299123456", "PK36SCBL0000001123456702", "RU0304452522540817810538091310419",
    "SA0380000000608010167519", "SC18SSCB11010000000000001497USD", "SD2129010501234001",
    "SN08SN0100152000048500003035", "SO211000001001000100141", "SV62CENR00000000000000700025",
    "TL380080012345678910157", "TR330006100519786457841326", "VA59001123000012345678",
    "XK051212012345678906", "YE15CBYE0001018861234567891234",
];

#[test]
fn ibans_of_the_registry_pass_and_so_does_every_beginning() {
    for text in IBANS {
        let text = text.as_bytes();
        assert!(iban(text), "{}", text.escape_ascii());
        assert_eq!(iban_length([text[0], text[1]]), Some(text.len()));
        for end in 0..=text.len() {
            assert!(iban_prefix(&text[..end]), "{}", text[..end].escape_ascii());
            assert!(end == text.len() || !iban(&text[..end]));
        }
        let longer = [text, b"0"].concat();
        assert!(!iban_prefix(&longer) && !iban(&longer));
    }
}

#[test]
fn ibans_stop_at_the_first_character_that_cannot_be() {
    let refused = [
        "QQ",
        "Z",
        "1",
        "GBA",
        "GB2A",
        "GB00",
        "GB01",
        "GB99",
        "GB291",
        "GB29NWB1",
        "GB29NWBKA",
        "DE8937040044A",
        "GB29NWBK601613319268191",
        "gb",
    ];
    for text in refused {
        assert!(!iban_prefix(text.as_bytes()), "{text}");
    }
    assert!(!iban(b"GB29NWBK60161331926818"));
    assert!(!iban(b"") && !iban(b"GB29"));
    assert_eq!(iban_length(*b"US"), None);
}

#[test]
fn tables_are_in_order() {
    assert!(COUNTRIES.is_sorted_by(|a, b| a.0 < b.0));
    assert!(COUNTRIES.iter().all(|(country, _)| {
        iban_length(*country).is_some_and(|length| (15..=34).contains(&length))
    }));
    assert!(UPI_HANDLES.is_sorted_by(|a, b| a < b));
    // A rule that stands behind a shorter prefix of the same bytes would never be found.
    assert!(RULES.is_sorted_by(|a, b| {
        (a.prefix[0], b.prefix.len(), a.prefix) < (b.prefix[0], a.prefix.len(), b.prefix)
    }));
}

#[test]
fn every_secret_is_found_by_the_longest_prefix() {
    for rule in RULES {
        assert!(
            rule.min <= 60 && usize::from(rule.min) > rule.prefix.len() + 13,
            "{rule:?}"
        );
        let filler = b"A".repeat(60);
        assert!(filler.iter().all(|&byte| rule.alphabet.takes(byte)));
        assert_eq!(secret_prefix(&[rule.prefix, &filler].concat()), Some(*rule));
        assert_eq!(secret_prefix(rule.prefix), Some(*rule));
    }
    let prefixes = [
        ("sk-proj-abc", Some("sk-proj-")),
        ("sk-abc", Some("sk-")),
        ("sk_live_abc", Some("sk_live_")),
        ("sk_abc", Some("sk_")),
        ("ghp", None),
        ("github_pa", None),
        ("Ghp_abc", None),
        ("", None),
    ];
    for (token, prefix) in prefixes {
        let found = secret_prefix(token.as_bytes()).map(|rule| rule.prefix);
        assert_eq!(found, prefix.map(str::as_bytes), "{token}");
    }
}

#[test]
fn alphabets_take_what_they_say() {
    let cases = [
        (Alphabet::Alnum, 62),
        (Alphabet::Base64Url, 64),
        (Alphabet::Dotted, 65),
        (Alphabet::Hex, 22),
        (Alphabet::UpperAlnum, 36),
    ];
    for (alphabet, size) in cases {
        let takes = (0..=255).filter(|&byte| alphabet.takes(byte)).count();
        assert_eq!(takes, size, "{alphabet:?}");
    }
}

#[test]
fn luhn_and_verhoeff_catch_every_wrong_digit() {
    for (check, number) in [
        (luhn as fn(&[u8]) -> bool, *b"4111111111111111"),
        (verhoeff, *b"9123456789012346"),
        (luhn, *b"0123456789012347"),
    ] {
        assert!(check(&number));
        for place in 0..number.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = number;
                wrong[place] = digit;
                assert_eq!(
                    check(&wrong),
                    digit == number[place],
                    "{}",
                    wrong.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn verhoeff_catches_every_swap_of_neighbours() {
    // Each pair in each of the eight places that the permutations go round in.
    for place in 0..8 {
        for pair in 0..100u8 {
            let mut number = *b"000000000";
            number[place] = b'0' + pair / 10;
            number[place + 1] = b'0' + pair % 10;
            let mut swapped = number;
            swapped.swap(place, place + 1);
            let both = verhoeff(&number) && verhoeff(&swapped);
            assert!(number == swapped || !both, "{}", number.escape_ascii());
        }
    }
}

#[test]
fn keccak_is_not_sha3() {
    let hex = |message: &[u8]| keccak256(message).map(|hash| hash[..4].to_vec());
    assert_eq!(hex(b""), Some(vec![0xc5, 0xd2, 0x46, 0x01]));
    assert_eq!(hex(b"abc"), Some(vec![0x4e, 0x03, 0x65, 0x7a]));
    assert!(keccak256(&[0; 135]).is_some());
    assert!(keccak256(&[0; 136]).is_none());
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let alphabets = [
        &b"0123456789"[..],
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        b"bc1qpzry9x8",
    ];
    let alphabet = proptest::sample::select(alphabets.to_vec());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        alphabet.prop_flat_map(|bytes| {
            proptest::collection::vec(proptest::sample::select(bytes), 0..40)
        }),
        // What begins as an IBAN, or as a country's plate, goes further in.
        (proptest::sample::select(IBANS), 0..34usize, any::<u8>()).prop_map(|(text, at, byte)| {
            let mut text = text.as_bytes().to_vec();
            let at = at % text.len();
            text[at] = byte;
            text
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_check_panics(text in any_text(), year: u16, month: u8, day: u8) {
        for (_, check, ..) in CASES {
            check(&text);
        }
        card(&text);
        gstin(&text);
        secret_prefix(&text);
        keccak256(&text);
        super::date::real(year.into(), month.into(), day.into());
        if let [first, second, ..] = text[..] {
            iban_length([first, second]);
        }
        // What is an IBAN in the end may not have been stopped before.
        let stopped = (0..=text.len()).any(|end| !iban_prefix(&text[..end]));
        prop_assert!(!(iban(&text) && stopped));
    }

    #[test]
    fn one_wrong_character_breaks_a_bech32_address(at in 3..42usize, byte in proptest::sample::select(&b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"[..])) {
        let mut text = b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4".to_vec();
        let right = text[at] == byte;
        text[at] = byte;
        prop_assert_eq!(bech32_address(&text), right);
    }
}
