//! The live traffic: the same users at both proxies, with plain answers and streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use breakglass_examples::load::{Load, Plan, Protocol, Shape, users};
use breakglass_examples::stack::Stack;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

use crate::book::Book;

/// Traffic on its way, and the book about it.
pub(crate) struct Traffic {
    loads: Vec<Load>,
    book: Arc<Mutex<Book>>,
    writer: JoinHandle<()>,
}

// === impl Traffic ===

impl Traffic {
    pub(crate) fn start(edges: &[Stack]) -> Self {
        let (updates, mut news) = unbounded_channel();
        let mut loads = Vec::new();
        let protocols = [Protocol::Http1, Protocol::Http2];
        for (edge, protocol) in edges.iter().zip(protocols.into_iter().cycle()) {
            let plain = Plan {
                protocol,
                concurrency: PLAIN,
                passes: None,
                pause: PAUSE,
                ..Plan::new(edge.traffic(), users(USERS))
            };
            let streams = Plan {
                shape: Shape::Stream { tokens: WORDS },
                path: "/v1/agents/support/chat/completions".to_owned(),
                concurrency: STREAMS,
                ..plain.clone()
            };
            loads.push(plain.start(updates.clone()));
            loads.push(streams.start(updates.clone()));
        }
        let book = Arc::new(Mutex::new(Book::new()));
        let written = Arc::clone(&book);
        let writer = tokio::spawn(async move {
            while let Some(update) = news.recv().await {
                lock(&written).add(&update);
            }
        });
        Self {
            loads,
            book,
            writer,
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Lets the traffic flow until this is so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Book) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is(&self.book()) {
            ensure!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Lets so many answers come, under what is in force now.
    pub(crate) async fn chapter(&self, answers: usize) -> Result<()> {
        self.book().new_chapter();
        self.until("answers", |book| book.chapter.answers >= answers)
            .await
    }

    /// Sends nothing more, waits for what is on its way, and closes the book.
    pub(crate) async fn stop(self) {
        for load in self.loads {
            load.stop().await;
        }
        let _ = self.writer.await;
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enough that one percent of them are some people.
pub(crate) const USERS: usize = 800;

/// Of each proxy, at once.
const PLAIN: usize = 8;
const STREAMS: usize = 2;
const WORDS: usize = 12;

/// Of each sender, between two requests: two cores have everything to serve.
const PAUSE: Duration = Duration::from_millis(20);

/// What takes longer than this is not coming.
const PATIENCE: Duration = Duration::from_secs(30);
