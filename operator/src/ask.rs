//! Asking every proxy one thing and telling what each answers.

use anyhow::Result;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::output::Output;
use crate::proxy::{self, Answer, Failure, Proxy};

/// Asks all proxies at once and writes what `told` makes of each answer as soon as it is there; or, as
/// JSON, one value with the answer of each when all are.
pub(crate) fn ask<T: DeserializeOwned + Send>(
    proxies: &[Proxy],
    path: &str,
    json: bool,
    mut told: impl FnMut(&Proxy, &Result<Answer<T>, Failure>) -> String,
) -> Result<()> {
    let mut answers = Map::new();
    let mut output = Output::new();
    let mut written = Ok(());
    proxy::each(
        proxies,
        |proxy| proxy.get::<T>(path),
        |proxy, answer| {
            // Counted in any case.
            let text = told(proxy, &answer);
            if json {
                let json = answer.map_or_else(|failure| failure.to_json(), |answer| answer.json);
                answers.insert(proxy.name().into(), json);
            } else if written.is_ok() {
                written = output.write(text.as_bytes()).and_then(|()| output.flush());
            }
        },
    );
    written?;
    if json {
        output.json(&Value::Object(answers))?;
    }
    output.finish()
}
