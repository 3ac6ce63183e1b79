//! Part five: the kill, under load and with streams open.

use std::time::{Duration, Instant};

use anyhow::Result;
use breakglass_examples::load::{End, Protocol, Record};
use breakglass_examples::stack::{InFlight, Kill, Stack};

use crate::ledger::{Meaning, Moments};
use crate::story::{
    self, CANARY, CANARY_STREAMS, PINNED_STREAMS, People, ROLLOUT, STABLE, STREAM_WORDS,
};
use crate::traffic::Traffic;
use crate::ui::{Ui, ms, thousands};

/// Kills with this generation.
pub(crate) async fn kill(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    people: &People,
    generation: u64,
) -> Result<()> {
    ui.part("5. Kill: one order, under load, with streams open");
    let faults = traffic.ledger.faults;
    let streams = open(ui, stack, traffic).await?;
    let moments = order(ui, stack, traffic, generation).await?;

    let everybody = people.all.len();
    let seen = |ledger: &crate::ledger::Ledger| ledger.users_seen(generation);
    traffic
        .until("users back on the old version", everybody, seen)
        .await?;
    // Before the streams are over: those of the old version still flow for seconds.
    let faults = traffic.ledger.faults - faults;
    requests(ui, stack, traffic, generation, faults, moments);
    traffic
        .until("streams over", streams, |ledger| ledger.streams.len())
        .await?;
    cut_streams(ui, &streams_of(traffic, CANARY.version), moments);
    kept_streams(ui, &streams_of(traffic, STABLE.version));
    Ok(())
}

/// Opens the streams, and waits until words flow in each. Returns how many.
async fn open(ui: &Ui, stack: &Stack, traffic: &mut Traffic) -> Result<usize> {
    let watchers = story::watchers();
    let (http1, http2) = watchers.split_at(watchers.len() / 2);
    traffic.open_streams(stack, http1.to_vec(), Protocol::Http1);
    traffic.open_streams(stack, http2.to_vec(), Protocol::Http2);
    traffic.open_streams(stack, story::vips(), Protocol::Http1);
    let streams = CANARY_STREAMS + PINNED_STREAMS;
    traffic
        .until("streams open", streams, |ledger| ledger.streaming.len())
        .await?;
    ui.line(format_args!(
        "{CANARY_STREAMS} streams flow from {}, {PINNED_STREAMS} from {} (pinned users); \
         plain requests go on",
        CANARY.version, STABLE.version,
    ));
    Ok(streams)
}

async fn order(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &mut Traffic,
    generation: u64,
) -> Result<Moments> {
    traffic.ledger.announce(generation, Meaning::Killed);
    let operator = stack.operator();
    let ordered = Instant::now();
    let answer = operator
        .kill(ROLLOUT, generation, Kill::Rollback, InFlight::Cut)
        .await?;
    let moments = Moments {
        ordered,
        confirmed: Instant::now(),
    };
    traffic.ledger.kill = Some(moments);
    let took = moments.confirmed - moments.ordered;
    let receipt = answer.json().unwrap_or_default();
    let accepted = answer.status == 200
        && receipt["generation"] == generation
        && receipt["workers"]["in_force"] == receipt["workers"]["total"];
    let found = if accepted {
        format!(
            "generation {generation} in force on all {} after {}",
            receipt["workers"]["total"],
            ms(took)
        )
    } else {
        format!(
            "status {} after {}: {}",
            answer.status,
            ms(took),
            answer.text().trim()
        )
    };
    ui.check(
        accepted,
        "the order is accepted, and in force on every worker",
        found,
    );
    Ok(moments)
}

fn requests(
    ui: &mut Ui,
    stack: &Stack,
    traffic: &Traffic,
    generation: u64,
    faults: usize,
    moments: Moments,
) {
    let ledger = &traffic.ledger;
    let last = stack.agents().canary.seen().last().map(|seen| seen.at);
    let since = |moment| last.and_then(|last| last.checked_duration_since(moment));
    ui.line(format_args!(
        "last request that {} saw: {}",
        CANARY.version,
        match since(moments.ordered) {
            Some(after) => format!("{} after the order was sent", ms(after)),
            None => "before the order was sent".to_owned(),
        }
    ));

    // One that was decided before the answer to the order may reach the agent after it; one that
    // was sent after it may not.
    let on_the_wire = since(moments.confirmed);
    ui.check(
        ledger.late == 0 && on_the_wire.is_none_or(|late| late < ON_THE_WIRE),
        "after the answer to the order, no request goes to the new version",
        match on_the_wire {
            None => format!("{} went", ledger.late),
            Some(late) => format!(
                "{} went; one from before was on the wire for {} more",
                ledger.late,
                ms(late)
            ),
        },
    );
    let tally = &ledger.tallies[&generation];
    ui.check(
        tally.wrong == 0 && tally.on_canary.is_empty() && faults == 0,
        "everybody is back on the old version",
        format_args!(
            "{} requests by {} users",
            thousands(tally.requests),
            thousands(tally.users.len())
        ),
    );
    ui.line(format_args!(
        "plain requests that were under way: {} told to retry (503, retry-after: 0), {} broken off",
        ledger.cut.told_to_retry, ledger.cut.reset,
    ));
}

fn streams_of<'a>(traffic: &'a Traffic, version: &str) -> Vec<&'a Record> {
    let streams = traffic.ledger.streams.iter();
    streams
        .filter(|record| record.version.as_deref() == Some(version))
        .collect()
}

fn cut_streams(ui: &mut Ui, streams: &[&Record], moments: Moments) {
    let (mut proper, mut reset_after, mut otherwise) = (0, 0, Vec::new());
    for record in streams {
        match &record.end {
            End::Error { reset, .. } if record.done.is_some() => {
                proper += 1;
                reset_after += usize::from(reset.is_some());
            }
            end => otherwise.push(format!("{}: {end:?}", record.unit)),
        }
    }
    let mut found = format!("{proper} of {}", streams.len());
    if reset_after > 0 {
        found += &format!(", {reset_after} of them closed by a reset after that");
    }
    if let Some(example) = otherwise.first() {
        found += &format!("; {} ended otherwise, like {example}", otherwise.len());
    }
    ui.check(
        proper == streams.len() && proper == CANARY_STREAMS,
        "every open stream of the new version ends with an error event and [DONE]",
        found,
    );

    let late_words = |record: &&Record| {
        record
            .tokens
            .iter()
            .filter(|&&at| at > moments.confirmed)
            .count()
    };
    let most = streams.iter().map(late_words).max().unwrap_or_default();
    let slowest = streams.iter().filter_map(|record| record.done).max();
    let slowest = slowest.map(|done| done.saturating_duration_since(moments.ordered));
    ui.check(
        most <= 1 && slowest.is_some_and(|slowest| slowest < CHUNK_LIMIT),
        "and that within one chunk",
        format_args!(
            "at most {most} words after the answer; the last [DONE] {} after the order \
             (a word comes every {})",
            slowest.map_or("never".to_owned(), ms),
            ms(story::WORD_EVERY),
        ),
    );
    if let Some(End::Error { event, .. }) = streams.first().map(|record| &record.end) {
        let name = event.name.as_deref().unwrap_or("message");
        ui.faint(format_args!("event {name}: {}", event.data));
    }
}

fn kept_streams(ui: &mut Ui, streams: &[&Record]) {
    // A leak adds to the words.
    let is_whole =
        |record: &&&Record| record.end == End::Done && record.tokens.len() >= STREAM_WORDS;
    let whole = streams.iter().filter(is_whole).count();
    ui.check(
        whole == PINNED_STREAMS && streams.len() == PINNED_STREAMS,
        "streams of the old version are left alone",
        format_args!(
            "{whole} of {} came to their end with all {STREAM_WORDS} words",
            streams.len()
        ),
    );
}

/// How long a request may be on its way from the filter to the agent on a busy machine.
const ON_THE_WIRE: Duration = Duration::from_millis(100);

/// One chunk: the next word is due within this time, even on a busy machine.
const CHUNK_LIMIT: Duration = Duration::from_millis(500);
