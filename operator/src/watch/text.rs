//! Words and numbers as people read them.

use std::time::Duration;

use ratatui::text::Span;

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Without what a terminal would obey or what would turn the order of letters: titles and reasons are
/// written by others.
pub(crate) fn clean(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.filter(|c| !turns(*c)).collect()
}

/// Cleaned, and cut to so many columns, which shows.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    let text = clean(text);
    if width(&text) <= columns {
        return text;
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if width(&kept) >= columns {
            kept.pop();
            break;
        }
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Clipped and filled to exactly so many columns.
pub(crate) fn left(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    let gap = columns.saturating_sub(width(&text));
    text + &" ".repeat(gap)
}

/// The same, at the right edge.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    " ".repeat(columns.saturating_sub(width(&text))) + &text
}

/// 1,234,567
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The digits that count: 0.42, 9.87, 41.3, 1,234, 4.8e12.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let size = value.abs();
    let places = match size {
        _ if size >= 1e7 => return format!("{value:.1e}"),
        _ if size >= 99.95 => return count_signed(value),
        _ if size >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// As a number, with the sign: "9.87 %". What is not nothing is not told as 0, nor what is not all as 100.
pub(crate) fn percent(value: f64) -> String {
    match value {
        _ if value > 0.0 && value < 0.005 => "<0.01 %".into(),
        _ if (99.95..100.0).contains(&value) => ">99.9 %".into(),
        _ => format!("{} %", number(value)),
    }
}

/// The two units that matter: "4m 10s", "2h 5m", "3d".
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let Some(first) = parts.iter().position(|(amount, _)| *amount > 0) else {
        return "0s".into();
    };
    let parts = parts.iter().skip(first).take(2);
    let parts: Vec<_> = parts
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, unit)| format!("{amount}{unit}"))
        .collect();
    parts.join(" ")
}

/// "1 proxy", "3 proxies".
pub(crate) fn plural(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", count(number as u64))
}

fn count_signed(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    // Saturates: more than anybody counts.
    format!("{sign}{}", count(value.abs().round() as u64))
}
