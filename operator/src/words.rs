//! Small forms of text that several commands write.

use std::time::Duration;

use breakglass_policy::Timestamp;

use crate::answer::clean;

/// Text of anybody's in one line that is fit for a terminal.
pub(crate) fn one_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The same, of so many letters at most.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let text = one_line(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A duration as people say it: two units at most.
pub(crate) fn rough(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m {}s", seconds % 60),
        3600..172_800 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// `in 3h 12m`, `2d 1h ago`.
pub(crate) fn from_now(time: Timestamp, now: Timestamp) -> String {
    match time < now {
        true => format!("{} ago", rough(now.since(time))),
        false => format!("in {}", rough(time.since(now))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (3599, "59m 59s"),
            (3600, "1h 0m"),
            (172_799, "47h 59m"),
            (172_800, "2d 0h"),
        ] {
            assert_eq!(rough(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn text_that_is_cut_says_so_and_moves_no_cursor() {
        assert_eq!(cut("one\ntwo  three", 20), "one two three");
        assert_eq!(cut("one two three", 8), "one two…");
        assert_eq!(cut("\u{1b}[2Jx", 20), "\u{fffd}[2Jx");
    }
}
