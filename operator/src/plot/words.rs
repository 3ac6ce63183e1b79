//! The picture in words.

use super::{Arm, Plot, Series};

/// Everything that is to be seen, for those who listen.
pub(super) fn description(plot: &Plot) -> String {
    let mut sentences = vec![format!("{}.", plot.time.range())];
    let shares = plot.ramp.iter();
    let shares: Vec<_> = shares
        .map(|(at, percent)| format!("{} % from {}", number(*percent), plot.time.clock(*at)))
        .collect();
    if !shares.is_empty() {
        sentences.push(format!("The canary's share: {}.", shares.join(", ")));
    }
    sentences.extend(plot.series.iter().map(series));
    for mark in &plot.marks {
        sentences.push(format!(
            "{}: {}.",
            plot.time.clock(mark.at),
            mark.label.trim()
        ));
    }
    sentences.join(" ")
}

fn series(series: &Series) -> String {
    let Series {
        name, arm, unit, ..
    } = series;
    let what = format!("{name} of {}", arm.as_str());
    let values = series.points.iter().map(|(_, value)| *value);
    let values: Vec<_> = values.filter(|value| value.is_finite()).collect();
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match values.as_slice() {
        [] => format!("{what}: nothing measured."),
        [only] => format!("{what}: {}.", with_unit(*only, unit)),
        [first, .., last] => format!(
            "{what}: {} at first, {} at most, {} in the end.",
            with_unit(*first, unit),
            with_unit(highest, unit),
            with_unit(*last, unit)
        ),
    }
}

/// What stands at the end of a line.
pub(super) fn end(arm: Arm, value: f64) -> String {
    format!("{} {}", arm.as_str(), number(value))
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// As many places as it needs, and thousands apart.
pub(super) fn number(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 || size == 0.0 => 2,
        size if size >= 0.001 => 4,
        _ => 7,
    };
    let text = format!("{value:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let digits = whole.trim_start_matches('-').len();
    let mut grouped = String::new();
    for (at, c) in whole.trim_start_matches('-').chars().enumerate() {
        if at > 0 && (digits - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{rest}")
}
