//! One kill: everybody to the canary, streams open, the order, what came after it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use breakglass_examples::http::Answer;
use breakglass_examples::load::{End, Load, Plan, Protocol, Record, Shape, Update, users};
use breakglass_examples::people::Team;
use breakglass_examples::stack::Stack;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;

/// What one kill came to. Times are milliseconds from the order.
#[derive(Debug)]
pub(super) struct Round {
    /// The generation of the canary that was killed.
    armed: u64,
    ordered: Instant,
    confirmed: Instant,
    pub(super) receipt: f64,
    pub(super) last_begun: f64,
    pub(super) last_seen: f64,
    pub(super) last_event: f64,
    pub(super) begun_after_receipt: usize,
    /// Requests that got 503 and `retry-after: 0`.
    pub(super) told: usize,
    pub(super) streams: Vec<Cut>,
}

/// A stream that was open.
#[derive(Debug)]
pub(super) struct Cut {
    /// Events that came to the client after the order was sent.
    pub(super) after_order: usize,
    /// Those of them that came after the receipt.
    pub(super) after_receipt: usize,
    /// With an error event, and `[DONE]`.
    pub(super) ended_well: bool,
}

/// The proxy under load.
pub(super) struct Field<'a> {
    stack: &'a Stack,
    team: &'a Team,
    loads: Vec<Load>,
    news: UnboundedReceiver<Update>,
    /// What was answered since the start: the round that it belongs to may not have begun to count.
    answers: Vec<Met>,
    /// The streams of each round, as soon as they are over.
    cut: Vec<JoinHandle<Vec<Record>>>,
}

/// What of a request counts.
#[derive(Clone, Copy, Debug)]
struct Met {
    started: Instant,
    finished: Instant,
    generation: Option<u64>,
    /// To ask again: 503 and `retry-after: 0`.
    told: bool,
}

// === impl Field ===

impl<'a> Field<'a> {
    /// Starts the load: requests without an end over both protocols and many connections, with a pause
    /// between them, so that they do not take the machine from Envoy.
    pub(super) fn new(stack: &'a Stack, team: &'a Team) -> Self {
        let (updates, news) = mpsc::unbounded_channel();
        let loads = [Protocol::Http1, Protocol::Http2].map(|protocol| {
            let mut plan = Plan::new(stack.traffic(), users(500));
            (plan.protocol, plan.concurrency, plan.passes) = (protocol, 24, None);
            plan.pause = Duration::from_millis(10);
            plan.start(updates.clone())
        });
        Self {
            stack,
            team,
            loads: loads.into(),
            news,
            answers: Vec::new(),
            cut: Vec::new(),
        }
    }

    /// Raises to everybody with this generation, and kills with the next one.
    pub(super) async fn round(&mut self, armed: u64) -> Result<Round> {
        let operator = self.stack.operator();
        // Approved after the kill before.
        let raise = self.team.raise(armed, 100, armed - 1);
        let canary = &self.stack.agents().canary;
        canary.forget();
        in_force(&operator.signed(&raise).await?, armed)?;
        self.served(|met| met.generation == Some(armed)).await?;

        let (updates, mut news) = mpsc::unbounded_channel();
        let mut streams = Plan::new(self.stack.traffic(), users(STREAMS));
        (streams.shape, streams.concurrency) = (Shape::Stream { tokens: ENDLESS }, STREAMS);
        let load = streams.start(updates);
        let mut open = 0;
        while open < STREAMS {
            match news.recv().await.context("the streams are gone")? {
                Update::Streaming { .. } => open += 1,
                Update::Finished(record) => bail!("over before the kill: {record:?}"),
            }
        }

        let kill = self.team.kill(armed + 1, "cut");
        let ordered = Instant::now();
        let answer = operator.signed(&kill).await?;
        let confirmed = Instant::now();
        in_force(&answer, armed + 1)?;
        self.served(|met| met.started > confirmed).await?;
        let mut round = Round::new(armed, ordered, confirmed);
        // Their connections end some time after their last event: nobody waits for that.
        self.cut.push(tokio::spawn(async move {
            let _load = load;
            let mut records = Vec::new();
            while let Some(update) = news.recv().await {
                if let Update::Finished(record) = update {
                    records.push(*record);
                }
            }
            records
        }));
        let seen = canary.seen();
        let last = seen
            .iter()
            .filter(|seen| !seen.stream)
            .map(|seen| seen.at)
            .max();
        round.last_seen = round.after_order(last.context("no request at the canary's agent")?);
        Ok(round)
    }

    /// Ends the load and tells every kill about the requests that it met. Returns how many there were.
    pub(super) async fn finish(mut self, rounds: &mut [Round]) -> Result<usize> {
        for load in std::mem::take(&mut self.loads) {
            load.stop().await;
        }
        while let Some(update) = self.news.recv().await {
            self.note(update);
        }
        for met in &self.answers {
            let of = |round: &&mut Round| met.generation == Some(round.armed);
            let before = |round: &&mut Round| met.told && met.finished > round.ordered;
            if let Some(round) = rounds.iter_mut().find(of) {
                round.answered(met.started);
            } else if let Some(round) = rounds.iter_mut().rev().find(before) {
                // Decided for the canary, or nobody would have told it.
                round.answered(met.started);
                round.told += 1;
            }
        }
        for (round, cut) in rounds.iter_mut().zip(self.cut) {
            for record in cut.await? {
                round.stream(&record)?;
            }
        }
        Ok(self.answers.len())
    }

    /// Waits until some requests count.
    async fn served(&mut self, counts: impl Fn(&Met) -> bool) -> Result<()> {
        let mut served = 0;
        while served < SOME {
            let update = self.news.recv().await.context("the load is gone")?;
            if let Some(met) = self.note(update) {
                served += usize::from(counts(&met));
            }
        }
        Ok(())
    }

    fn note(&mut self, update: Update) -> Option<Met> {
        let Update::Finished(record) = update else {
            return None;
        };
        let met = Met {
            started: record.started,
            finished: record.finished,
            generation: record.generation(),
            told: record.status == Some(503) && record.retry_after.as_deref() == Some("0"),
        };
        self.answers.push(met);
        Some(met)
    }
}

// === impl Round ===

impl Round {
    fn new(armed: u64, ordered: Instant, confirmed: Instant) -> Self {
        let mut round = Self {
            armed,
            ordered,
            confirmed,
            receipt: 0.0,
            last_begun: 0.0,
            last_seen: 0.0,
            last_event: 0.0,
            begun_after_receipt: 0,
            told: 0,
            streams: Vec::new(),
        };
        round.receipt = round.after_order(confirmed);
        round
    }

    /// Takes a request that was decided for the canary, by when it began.
    fn answered(&mut self, started: Instant) {
        self.last_begun = self.last_begun.max(self.after_order(started));
        self.begun_after_receipt += usize::from(started > self.confirmed);
    }

    fn stream(&mut self, record: &Record) -> Result<()> {
        ensure!(
            record.generation() == Some(self.armed),
            "a stream of another arm: {record:?}"
        );
        let last = record.tokens.last().context("a stream without a word")?;
        self.last_event = self.last_event.max(self.after_order(*last));
        let after = |moment| record.tokens.iter().filter(|at| **at > moment).count();
        self.streams.push(Cut {
            after_order: after(self.ordered),
            after_receipt: after(self.confirmed),
            ended_well: matches!(record.end, End::Error { .. }) && record.done.is_some(),
        });
        Ok(())
    }

    /// Milliseconds; 0 of what was before.
    fn after_order(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.ordered).as_secs_f64() * 1e3
    }
}

/// Fails unless the answer says that every worker has the generation in force.
fn in_force(answer: &Answer, generation: u64) -> Result<()> {
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let receipt = answer.json()?;
    let workers = &receipt["workers"];
    ensure!(
        receipt["generation"] == generation && workers["in_force"] == workers["total"],
        "not in force: {receipt}"
    );
    Ok(())
}

/// Requests before and after each order: a few on every connection.
const SOME: usize = 100;

/// Token streams that are open when a kill comes.
const STREAMS: usize = 16;

/// Words of a stream that nobody cuts: ten seconds. The agent makes up all of them before it begins.
const ENDLESS: usize = 2_000;
