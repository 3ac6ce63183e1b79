//! Values as they are typed: in the documents' own forms, and with the documents' own errors.

use std::time::Duration;

use breakglass_policy::{Generation, Name, Percent, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::clock;

/// Reads the name of a policy, rollout, key or role.
pub(crate) fn name(text: &str) -> Result<Name, String> {
    value(json!(text))
}

/// Reads a time.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    value(json!(text))
}

/// Reads a time, or how far from now it is: `+30m`.
pub(crate) fn time_or_later(text: &str) -> Result<Timestamp, String> {
    let Some(later) = text.strip_prefix('+') else {
        return time(text).map_err(|error| format!("{error}, or +30m for one from now on"));
    };
    let later = duration(later)?;
    let millis = u64::try_from(later.as_millis()).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_millis(
        clock::now().millis().saturating_add(millis),
    ))
}

/// Reads a duration longer than none: `2s`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as 500ms, 90s, 30m, 12h, 2d";
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err(expected.into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; {expected}")),
    }
}

/// Reads a generation.
pub(crate) fn generation(text: &str) -> Result<Generation, String> {
    number(text)
}

/// Reads a share: `10`, `0.25`.
pub(crate) fn percent(text: &str) -> Result<Percent, String> {
    number(text.trim_end_matches('%').trim_end())
}

fn number<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // What is no number is no matter of the type's.
    let number: serde_json::Number =
        serde_json::from_str(text).map_err(|_| format!("`{text}` is no number"))?;
    value(json!(number))
}

fn value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}
