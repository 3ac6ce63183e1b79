//! Part seven: the second kill-switch. What was only counted is masked, in open streams too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use breakglass_examples::UNIT_HEADER;
use breakglass_examples::agent::{AgentConfig, Rate, SENTENCES, Sentence};
use breakglass_examples::http::{self, Events};
use breakglass_examples::load::Exposure;
use breakglass_examples::stack::{Pushed, Stack};
use serde_json::json;

use crate::story::{self, COUNTED, COUNTED_PATH};
use crate::ui::{Ui, ms};

/// Pushes the rollout that only counts, opens a stream in it, and orders that everything be masked.
/// The other rollout stays as the kill of generation `killed` left it.
pub(crate) async fn mask_all(ui: &mut Ui, stack: &Stack, killed: u64) -> Result<()> {
    ui.part("7. Mask all: a second kill-switch, for a rollout that only counted");
    let pushed = stack
        .push_policy(&story::policy_that_counts(killed - 2, 50))
        .await?;
    if let Pushed::Refused { reason, .. } = pushed {
        anyhow::bail!("the policy that counts was refused: {reason}");
    }
    stack.in_force(COUNTED, 1).await?;

    let mut stream = leaky_stream(stack).await?;
    let (before, said) = until_it_leaks(&mut stream).await?;
    ui.line(format_args!(
        "a stream flows, \"*\": \"count\":  … {}",
        said.text()
    ));
    order(ui, stack).await?;
    let mut after = String::new();
    while let Some(more) = text(&mut stream).await? {
        after += &more;
    }
    ui.line(format_args!(
        "the same stream goes on:      … {}",
        first_masked(&after).as_deref().unwrap_or(&after)
    ));

    let [clear, rest] = [before, after].map(|text| Exposure::of(text.as_bytes()));
    let placeholders: u64 = rest.masked.values().sum();
    ui.check(
        clear.masked.is_empty() && !rest.is_clear() && placeholders > 0,
        "the open stream goes from clear to masked at its next event",
        format_args!(
            "before the order {} values in clear, after it {placeholders} placeholders and {} \
             values, and the stream came to its [DONE]",
            clear.clear.len(),
            rest.clear.len(),
        ),
    );
    let stats = stack.admin().stats().await?;
    let [counted, masked] = ["count", "mask"].map(|action| {
        let labels = [("rollout", COUNTED), ("action", action)];
        stats.sum("breakglass_redactions_total", &labels) as u64
    });
    ui.check(
        counted == clear.clear.len() as u64 && masked == placeholders,
        "and the counters tell the two apart",
        format_args!("action=count {counted}, action=mask {masked}"),
    );
    Ok(())
}

async fn order(ui: &mut Ui, stack: &Stack) -> Result<()> {
    let ordered = Instant::now();
    let answer = stack.operator().mask_all(COUNTED, 2).await?;
    let took = ordered.elapsed();
    let workers = answer.json().unwrap_or_default()["workers"].take();
    ui.check(
        answer.status == 200 && workers["in_force"] == workers["total"],
        "the order mask_all is accepted, and in force on every worker",
        format_args!(
            "status {}, on all {} after {}",
            answer.status,
            workers["total"],
            ms(took)
        ),
    );
    Ok(())
}

/// Reads until a sentence that leaks is over; returns all that was read, and the sentence.
async fn until_it_leaks(stream: &mut Events) -> Result<(String, &'static Sentence)> {
    let mut read = String::new();
    loop {
        let more = text(stream).await?;
        read += &more.context("the stream ended before it leaked")?;
        let over = |sentence: &&Sentence| read.ends_with(&sentence.text());
        if let Some(sentence) = SENTENCES.iter().find(over) {
            return Ok((read, sentence));
        }
    }
}

/// A stream of the old version that leaks again and again.
async fn leaky_stream(stack: &Stack) -> Result<Events> {
    let agent = &stack.agents().stable;
    let usual = agent.config();
    agent.reconfigure(AgentConfig {
        pii_rate: Rate::ALWAYS,
        token_delay: WORD_EVERY,
        ..AgentConfig::clone(&usual)
    });
    let ask = json!({"stream": true, "max_tokens": WORDS});
    let headers = [(UNIT_HEADER, "auditor-1")];
    let stream = http::events(stack.traffic(), COUNTED_PATH, &headers, &ask).await;
    agent.reconfigure(Arc::unwrap_or_clone(usual));
    let stream = stream?;
    ensure!(stream.status == 200, "the stream: status {}", stream.status);
    Ok(stream)
}

/// The text of the next event that has any; `None` at the `[DONE]`.
async fn text(stream: &mut Events) -> Result<Option<String>> {
    loop {
        let event = stream.next().await?;
        let event = event.context("the stream ended without [DONE]")?;
        if event.is_done() {
            return Ok(None);
        }
        ensure!(!event.is_error(), "the stream broke: {}", event.data);
        let chunk = event.json().unwrap_or_default();
        if let Some(text) = chunk.pointer("/choices/0/delta/content") {
            return Ok(text.as_str().map(str::to_owned));
        }
    }
}

/// The first of the leaky sentences in a text, as users should see it.
fn first_masked(text: &str) -> Option<String> {
    let masked = SENTENCES.iter().map(|sentence| {
        sentence.data().fold(sentence.text(), |text, datum| {
            text.replace(datum.text, &format!("[{}]", datum.entity))
        })
    });
    let found = masked.filter_map(|sentence| Some((text.find(&sentence)?, sentence)));
    found.min().map(|(_, sentence)| sentence)
}

/// Enough words for four leaks, with time for an order between two of them.
const WORDS: usize = 60;
const WORD_EVERY: Duration = Duration::from_millis(15);
