//! Numbers and words.

use std::time::Duration;

use crate::watch::text::{clip, count, duration, left, number, percent, right};

#[test]
fn numbers_are_as_long_as_they_need_to_be() {
    let cases = [
        (0.0, "0"),
        (0.003, "0"),
        (0.42, "0.42"),
        (9.87, "9.87"),
        (9.999, "10"),
        (41.26, "41.3"),
        (99.97, "100"),
        (1_234.4, "1,234"),
        (48_211.7, "48,212"),
        (4.81e12, "4.8e12"),
        (-1_234.0, "-1,234"),
        (f64::NAN, "–"),
        (f64::INFINITY, "–"),
    ];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
}

#[test]
fn nearly_nothing_is_not_nothing_and_nearly_all_is_not_all() {
    let cases = [
        (0.0, "0 %"),
        (0.0001, "<0.01 %"),
        (0.0972, "0.1 %"),
        (99.94, "99.9 %"),
        (99.96, ">99.9 %"),
        (100.0, "100 %"),
    ];
    for (value, text) in cases {
        assert_eq!(percent(value), text);
    }
}

#[test]
fn durations_have_two_units_at_most() {
    let cases = [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (192, "3m 12s"),
        (7_503, "2h 5m"),
        (3_605, "1h"),
        (90_000, "1d 1h"),
    ];
    for (seconds, text) in cases {
        assert_eq!(duration(Duration::from_secs(seconds)), text);
    }
}

#[test]
fn texts_are_cut_by_columns_not_letters() {
    assert_eq!(clip("abcdef", 6), "abcdef");
    assert_eq!(clip("abcdef", 4), "abc…");
    assert_eq!(clip("漢字漢字", 5), "漢字…");
    assert_eq!(clip("漢字漢字", 4), "漢…");
    assert_eq!(clip("ab", 0), "");
    assert_eq!(left("漢", 4), "漢  ");
    assert_eq!(right("漢", 4), "  漢");
    assert_eq!(count(1_234_567), "1,234,567");
}
