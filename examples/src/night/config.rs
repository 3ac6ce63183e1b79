//! What the team changes in the `breakglass.toml` that `breakglass init` has written.

use std::time::SystemTime;

use anyhow::{Context, Result};

/// A change window that is not open now, so that the story is the same at any time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is night in Bengaluru: the usual window.
    Night,
    /// It is day there: a window of the small hours.
    Day,
}

// === impl Closed ===

impl Closed {
    /// As the clock in Bengaluru says.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self::at(since.unwrap_or_default().as_secs())
    }

    fn at(seconds: u64) -> Self {
        // India has one zone and changes no clocks.
        let minute = (seconds / 60 + AHEAD_MINUTES) % DAY_MINUTES;
        match (DAY.0 * 60..DAY.1 * 60).contains(&minute) {
            true => Self::Day,
            false => Self::Night,
        }
    }

    pub(super) fn window(self) -> &'static str {
        match self {
            Self::Night => "mon-sun 10:00-16:00",
            Self::Day => "mon-sun 02:00-05:00",
        }
    }
}

/// The file with what the team has decided in the place of what was proposed.
pub(super) fn edited(text: &str) -> Result<String> {
    let (before, after) = cut(text, "compressed = [\n", "\n]\n")?;
    let mut text = format!("{before}{COMPRESSED}{after}");
    for (term, value) in RAMP {
        let old = text
            .lines()
            .find(|line| line.starts_with(&format!("{term} = ")));
        let old = old.with_context(|| format!("`{term}` is gone"))?;
        text = text.replace(&format!("\n{old}\n"), &format!("\n{term} = {value}\n"));
    }
    let (before, after) = cut(&text, "#command = [", "\n")?;
    text = format!("{before}{COMMAND}{after}");
    // Before every other rule, since the first one that fits is the one.
    let place = text.find("\n[[approvals]]\n").unwrap_or(text.len());
    text.insert_str(place, APPROVALS);
    Ok(text)
}

/// What is before and after the text that begins and ends so.
fn cut<'t>(text: &'t str, begin: &str, end: &str) -> Result<(&'t str, &'t str)> {
    let gone = || format!("`{}` is gone", begin.trim());
    let (before, rest) = text.split_once(begin).with_context(gone)?;
    let (_, after) = rest.split_once(end).with_context(gone)?;
    Ok((before, after))
}

pub(super) const ZONE: &str = "Asia/Kolkata";

/// Steps of seconds: a real night takes five, ten and fifteen minutes.
const COMPRESSED: &str = "\
compressed = [
    {percent = 1, hold = \"12s\"},
    {percent = 10, hold = \"12s\"},
    {percent = 50, hold = \"12s\"},
    {percent = 100, hold = \"15s\"},
]
";

const RAMP: [(&str, &str); 4] = [
    ("lease", "\"30s\""),
    ("heartbeat", "\"8s\""),
    ("poll", "\"500ms\""),
    ("silence", "\"15s\""),
];

const COMMAND: &str = "command = [\"eval/run.sh\"]\n";

const APPROVALS: &str = "
# Whatever it is: security and platform approve it together, as the proxies ask.
[[approvals]]
roles = [\"security_lead\", \"platform_lead\"]
";

/// The same, to be shown.
pub(super) const EDITS: &str = "\
compressed = 1 % 12s, 10 % 12s, 50 % 12s, 100 % 15s    (minutes on a real night)
lease = \"30s\", heartbeat = \"8s\", poll = \"500ms\", silence = \"15s\"
[[gates]] name = \"eval\", command = [\"eval/run.sh\"]
[[approvals]] roles = [\"security_lead\", \"platform_lead\"]";

const AHEAD_MINUTES: u64 = 5 * 60 + 30;
const DAY_MINUTES: u64 = 24 * 60;
/// With an hour on both sides of the window by day.
const DAY: (u64, u64) = (9, 17);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_closed_at_any_time() {
        let midnight = 1_795_651_200;
        assert_eq!(midnight % 86_400, 0);
        for (hour, minute, expected) in [
            (3, 29, Closed::Night),
            (3, 30, Closed::Day),
            (11, 29, Closed::Day),
            (11, 30, Closed::Night),
            (20, 0, Closed::Night),
        ] {
            let at = midnight + (hour * 60 + minute) * 60;
            assert_eq!(Closed::at(at), expected, "{hour}:{minute} UTC");
        }
    }

    #[test]
    fn what_is_edited_must_be_there() {
        let error = edited("[canary]\n").unwrap_err().to_string();
        assert_eq!(error, "`compressed = [` is gone");
    }
}
