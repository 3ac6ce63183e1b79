use proptest::prelude::*;

use super::*;

fn parse(json: &str) -> Option<u32> {
    serde_json::from_str::<Percent>(json).ok().map(Percent::ppm)
}

#[test]
fn reads_four_places_exactly() {
    for (json, ppm) in [
        ("0", 0),
        ("0.0001", 1),
        ("0.1", 1_000),
        ("1", 10_000),
        ("1.0", 10_000),
        ("33.3333", 333_333),
        ("99.9999", 999_999),
        ("100", 1_000_000),
        ("1e2", 1_000_000),
    ] {
        assert_eq!(parse(json), Some(ppm), "{json}");
    }
}

#[test]
fn refuses_what_it_would_have_to_round_or_clamp() {
    for json in [
        "0.00001", "33.33333", "100.0001", "101", "-1", "-0.5", "1e300", "\"10\"", "null", "true",
    ] {
        assert_eq!(parse(json), None, "{json}");
    }
}

#[test]
fn says_what_it_expects() {
    let error = serde_json::from_str::<Percent>("\"lots\"")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("invalid type: string \"lots\", expected a percentage from 0 to 100"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn every_part_per_million_survives_both_encodings(ppm in 0..=1_000_000u32) {
        let percent = Percent::from_ppm(ppm).unwrap();
        let json = serde_json::to_vec(&percent).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Percent>(&json).unwrap(), percent);
        let packed = rmp_serde::to_vec_named(&percent).unwrap();
        prop_assert_eq!(rmp_serde::from_slice::<Percent>(&packed).unwrap(), percent);
    }
}

#[test]
fn every_part_per_million_is_read_from_its_decimal() {
    for ppm in 0..=1_000_000u32 {
        let (whole, places) = (ppm / 10_000, ppm % 10_000);
        let json = format!("{whole}.{places:04}");
        assert_eq!(parse(&json), Some(ppm), "{json}");
    }
}

#[test]
fn integers_with_a_sign_are_read_from_message_pack() {
    // int8 10, int64 100, int8 -1, float32 0.5.
    let read = |bytes: &[u8]| {
        rmp_serde::from_slice::<Percent>(bytes)
            .ok()
            .map(Percent::ppm)
    };
    assert_eq!(read(&[0xd0, 10]), Some(100_000));
    assert_eq!(read(&[0xd3, 0, 0, 0, 0, 0, 0, 0, 100]), Some(1_000_000));
    assert_eq!(read(&[0xd0, 0xff]), None);
    assert_eq!(read(&[0xca, 0x3f, 0, 0, 0]), Some(5_000));
}
