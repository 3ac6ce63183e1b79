//! A client that notes when it has read each event, and what of the text is there by then.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use breakglass_examples::http;
use serde_json::Value;

use super::agent::{Agent, Pace};
use super::prose;

/// What one client saw of one stream.
#[derive(Debug)]
pub(super) struct Reading {
    /// Of each event, from the agent's write until it was read whole.
    pub(super) delays: Vec<Duration>,
    /// From the request to the first event, connecting included.
    pub(super) first: Duration,
    /// Events that came later than the agent's next one: there is something between that waits. Not those
    /// of which the next was written at once, which come together.
    pub(super) events_missing: usize,
    /// Events after which more of the text was missing than the current word.
    pub(super) beyond_word: usize,
    /// The most of the text that was missing after an event, in bytes.
    pub(super) most_held: usize,
    pub(super) text: String,
    /// Whether the filter's headers reached the agent.
    pub(super) stamped: bool,
}

/// Asks for a stream and reads it to its end.
pub(super) async fn read(addr: Option<SocketAddr>, agent: &Agent, pace: Pace) -> Result<Reading> {
    let addr = addr.context("nobody listens")?;
    let (id, path) = agent.expect(pace);
    let asked = Instant::now();
    let user = [("x-user-id", "user-000007")];
    let mut events = http::events(addr, &path, &user, &Value::Null).await?;
    ensure!(events.status == 200, "status {}", events.status);
    let (mut arrived, mut texts) = (Vec::with_capacity(pace.events), Vec::new());
    while let Some(event) = events.next().await? {
        let now = Instant::now();
        if event.is_done() {
            break;
        }
        let json = event.json().context("an event without JSON")?;
        let text = json
            .pointer("/choices/0/delta/content")
            .and_then(Value::as_str);
        arrived.push(now);
        texts.push(text.unwrap_or_default().to_owned());
    }
    let (written, stamped) = agent.take(id)?;
    let tokens = prose::tokens(pace.events, pace.personal);
    let text = texts.concat();
    if !pace.personal {
        ensure!(
            arrived.len() >= written.len(),
            "{} of {} events came",
            arrived.len(),
            written.len()
        );
        ensure!(text == tokens.concat(), "another text: {text}");
    }
    let mut reading = Reading {
        delays: Vec::with_capacity(written.len()),
        first: arrived.first().context("no event")?.duration_since(asked),
        events_missing: 0,
        beyond_word: 0,
        most_held: 0,
        text,
        stamped,
    };
    let (mut said, mut seen) = (String::new(), 0);
    for (number, (at, token)) in written.iter().zip(&tokens).enumerate() {
        let Some(came) = arrived.get(number) else {
            break;
        };
        reading.delays.push(came.saturating_duration_since(*at));
        let next = written.get(number + 1);
        let late = next.is_some_and(|next| came > next && !pace.pause.is_zero());
        reading.events_missing += usize::from(late);
        said += token;
        seen += texts[number].len();
        if !pace.personal {
            let held = said.get(seen..).unwrap_or_default();
            reading.most_held = reading.most_held.max(held.len());
            reading.beyond_word += usize::from(held.trim_start().contains(' '));
        }
    }
    Ok(reading)
}
