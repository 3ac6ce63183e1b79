//! Scales and clocks.

use crate::plot::TimeAxis;
use crate::plot::axis::Scale;
use crate::plot::words::number;

/// 2026-11-23T20:00:00Z
const EVENING: u64 = 1_795_464_000_000;
const MINUTE: u64 = 60_000;

fn axis(start: u64, minutes: u64, offset_minutes: i32) -> TimeAxis {
    TimeAxis {
        start,
        end: start + minutes * MINUTE,
        offset_minutes,
    }
}

fn labels(axis: &TimeAxis) -> Vec<String> {
    axis.ticks().into_iter().map(|(_, label)| label).collect()
}

#[test]
fn ticks_are_round_on_the_readers_clock() {
    let utc = axis(EVENING + 3 * MINUTE, 24, 0);
    assert_eq!(labels(&utc), ["20:05", "20:10", "20:15", "20:20", "20:25"]);
    // Half an hour apart from everybody else, and on the next day.
    let india = axis(EVENING, 240, 330);
    let expected = [
        "01:30", "02:00", "02:30", "03:00", "03:30", "04:00", "04:30", "05:00", "05:30",
    ];
    assert_eq!(labels(&india), expected);
    assert_eq!(india.ticks()[0].0, EVENING);
}

#[test]
fn where_a_day_begins_the_day_is_told() {
    let night = axis(EVENING, 8 * 60, 0);
    let expected = [
        "20:00", "21:00", "22:00", "23:00", "24 Nov", "01:00", "02:00", "03:00", "04:00",
    ];
    assert_eq!(labels(&night), expected);
    assert_eq!(
        labels(&axis(EVENING, 3 * 24 * 60, 0)),
        ["24 Nov", "12:00", "25 Nov", "12:00", "26 Nov", "12:00",]
    );
}

#[test]
fn short_times_have_seconds() {
    let short = TimeAxis {
        start: EVENING,
        end: EVENING + 9_000,
        offset_minutes: 0,
    };
    assert_eq!(labels(&short)[..2], ["20:00:00", "20:00:01"]);
}

#[test]
fn the_range_names_days_and_zone() {
    assert_eq!(
        axis(EVENING, 90, 0).range(),
        "2026-11-23, 20:00:00 to 21:30:00 UTC"
    );
    let west = axis(EVENING, 24 * 60, -210).range();
    assert_eq!(
        west,
        "2026-11-23, 16:30:00 to 2026-11-24, 16:30:00 UTC-03:30"
    );
}

#[test]
fn scales_end_at_round_values() {
    let cases: [(f64, &[f64]); 6] = [
        (0.0, &[0.0, 0.25, 0.5, 0.75, 1.0]),
        (6.04, &[0.0, 2.0, 4.0, 6.0, 8.0]),
        (41.0, &[0.0, 20.0, 40.0, 60.0]),
        (1_170.0, &[0.0, 500.0, 1_000.0, 1_500.0]),
        (1.0, &[0.0, 0.25, 0.5, 0.75, 1.0]),
        (10.0, &[0.0, 2.5, 5.0, 7.5, 10.0]),
    ];
    for (highest, ticks) in cases {
        assert_eq!(Scale::up_to(highest).ticks, ticks, "{highest}");
    }
}

#[test]
fn every_scale_holds_its_highest_and_has_few_ticks() {
    for power in -12..300 {
        for digit in [1.0, 1.7, 2.0, 2.5, 3.0, 4.9, 5.0, 7.3, 9.99] {
            let highest = digit * 10_f64.powi(power);
            let scale = Scale::up_to(highest);
            assert!(
                (3..=6).contains(&scale.ticks.len()),
                "{highest}: {:?}",
                scale.ticks
            );
            let last = scale.ticks.last().unwrap();
            assert!(*last >= highest * (1.0 - 1e-9), "{highest}: {last}");
        }
    }
}

#[test]
fn times_that_no_calendar_has_do_no_harm() {
    for start in [0, EVENING, u64::MAX - 1] {
        for end in [0, EVENING, u64::MAX] {
            for offset_minutes in [i32::MIN, -720, 0, 840, i32::MAX] {
                let axis = TimeAxis {
                    start,
                    end,
                    offset_minutes,
                };
                assert!(axis.ticks().len() <= 11);
                axis.range();
            }
        }
    }
}

#[test]
fn numbers_are_as_long_as_they_need_to_be() {
    let cases = [
        (0.0, "0"),
        (0.25, "0.25"),
        (0.0972, "0.0972"),
        (0.00025, "0.00025"),
        (6.04, "6.04"),
        (41.23, "41.2"),
        (1_170.4, "1,170"),
        (-1_234.0, "-1,234"),
        (100.0, "100"),
    ];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
}
