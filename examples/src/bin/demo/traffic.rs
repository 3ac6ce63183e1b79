//! The live traffic: several loads that report to one ledger.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use breakglass_examples::load::{Load, Plan, Progress, Protocol, Record, Shape, Update};
use breakglass_examples::stack::Stack;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::story::{self, People};

/// Traffic on its way, and the book about it.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) ledger: Ledger,
    loads: Vec<Load>,
    updates: UnboundedSender<Update>,
    news: UnboundedReceiver<Update>,
}

// === impl Traffic ===

impl Traffic {
    /// Starts everybody: over HTTP/1.1, over HTTP/2, and the liars.
    pub(crate) fn start(stack: &Stack, people: &People, ledger: Ledger) -> Self {
        let (updates, news) = unbounded_channel();
        let mut traffic = Self {
            ledger,
            loads: Vec::new(),
            updates,
            news,
        };
        let plan = |users: &[String], concurrency| Plan {
            concurrency,
            passes: None,
            pause: PAUSE,
            ..Plan::new(stack.traffic(), users.to_vec())
        };
        traffic.load(plan(&people.http1, 16));
        traffic.load(Plan {
            protocol: Protocol::Http2,
            ..plan(&people.http2, 16)
        });
        traffic.load(Plan {
            headers: story::lies(),
            ..plan(&people.lying, 8)
        });
        traffic
    }

    /// Opens streams: each user asks for one, all at once.
    pub(crate) fn open_streams(&mut self, stack: &Stack, users: Vec<String>, protocol: Protocol) {
        self.load(Plan {
            protocol,
            shape: Shape::Stream {
                tokens: story::STREAM_WORDS,
            },
            concurrency: users.len(),
            ..Plan::new(stack.traffic(), users)
        });
    }

    /// Has every reader read a stream, and puts them into the book.
    pub(crate) async fn read_streams(&mut self, stack: &Stack) {
        for record in readings(stack).await {
            self.ledger.read(&record);
        }
    }

    fn load(&mut self, plan: Plan) {
        self.loads.push(plan.start(self.updates.clone()));
    }

    /// Lets the traffic flow until `done` of `total` are there; shows how far it is.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        total: usize,
        done: impl Fn(&Ledger) -> usize,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut progress = Progress::stdout();
        loop {
            let now = done(&self.ledger);
            if now >= total {
                return Ok(());
            }
            progress.show(now, total, format_args!("{what}: {now} of {total}"));
            match tokio::time::timeout_at(deadline.into(), self.news.recv()).await {
                Ok(Some(update)) => self.ledger.add(update),
                // This side holds a sender, so the channel cannot be closed.
                Ok(None) => {}
                Err(_) => bail!(
                    "{what}: {now} of {total} after {PATIENCE:?}; {:?}",
                    self.ledger.complaints
                ),
            }
        }
    }

    /// Sends nothing more, waits for what is on its way, and closes the book.
    pub(crate) async fn stop(mut self) -> Ledger {
        for load in self.loads {
            load.stop().await;
        }
        drop(self.updates);
        while let Some(update) = self.news.recv().await {
            self.ledger.add(update);
        }
        self.ledger
    }
}

/// Everybody asks once for a plain answer, then every reader for a stream, and nobody else asks for
/// anything: so that all counts can be exact.
pub(crate) async fn once(stack: &Stack, people: &People, ledger: &mut Ledger) {
    let plan = |users: &[String]| Plan::new(stack.traffic(), users.to_vec());
    let http2 = Plan {
        protocol: Protocol::Http2,
        ..plan(&people.http2)
    };
    let lying = Plan {
        headers: story::lies(),
        ..plan(&people.lying)
    };
    let (http1, http2, lying) = tokio::join!(plan(&people.http1).run(), http2.run(), lying.run());
    for record in http1.into_iter().chain(http2).chain(lying) {
        ledger.add(Update::Finished(Box::new(record)));
    }
    for record in readings(stack).await {
        ledger.read(&record);
    }
}

/// Every reader reads a stream: of each shape half of them, and of each half over HTTP/2.
async fn readings(stack: &Stack) -> Vec<Record> {
    let users = story::readers();
    let kinds = story::READER_PATHS.into_iter().flat_map(|path| {
        [Protocol::Http1, Protocol::Http2].map(|protocol| (path.to_owned(), protocol))
    });
    let mut running = JoinSet::new();
    for ((path, protocol), users) in kinds.zip(users.chunks(story::READERS / 4)) {
        let plan = Plan {
            path,
            protocol,
            shape: Shape::Stream {
                tokens: story::READER_WORDS,
            },
            concurrency: users.len(),
            ..Plan::new(stack.traffic(), users.to_vec())
        };
        running.spawn(plan.run());
    }
    running.join_all().await.concat()
}

/// Of each sender, between two requests. People read; and two cores have an Envoy, two agents and
/// all users to serve.
const PAUSE: Duration = Duration::from_millis(4);

/// What takes longer than this is not coming.
const PATIENCE: Duration = Duration::from_secs(20);
