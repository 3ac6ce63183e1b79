//! Users who send requests, and remember what came back.
//!
//! ```no_run
//! # async fn example(traffic: std::net::SocketAddr) {
//! use breakglass_examples::load::{Plan, users};
//!
//! // Every user asks once; the records say which version answered whom.
//! let records = Plan::new(traffic, users(1000)).run().await;
//! assert!(records.iter().all(|record| record.version.is_some()));
//! # }
//! ```

mod connection;
mod exposure;
mod progress;
mod record;
mod user;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;

pub use exposure::{CLEAR_BYTES, Exposure};
pub use progress::Progress;
pub use record::{End, Record};

/// What to send, by whom, and how fast.
#[derive(Clone, Debug)]
pub struct Plan {
    pub target: SocketAddr,
    pub path: String,
    /// The users, in the order in which they are served.
    pub users: Vec<String>,
    pub protocol: Protocol,
    pub shape: Shape,
    /// Requests on their way at once.
    pub concurrency: usize,
    /// How often every user asks; `None`: until the load is stopped.
    pub passes: Option<usize>,
    /// The pause of each of the concurrent senders between two requests.
    pub pause: Duration,
    /// Sent with every request, beside the unit header.
    pub headers: Vec<(String, String)>,
}

/// What the users speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive, a connection for each concurrent request.
    #[default]
    Http1,
    /// HTTP/2 without TLS, up to [`STREAMS_PER_CONNECTION`] requests on each connection.
    Http2,
}

/// What the users ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A JSON answer.
    Json,
    /// A stream of so many words.
    Stream { tokens: usize },
    /// This very body.
    Body(Value),
}

/// News from a running load.
#[derive(Clone, Debug)]
pub enum Update {
    /// The first word of a stream is there: it is open and flows.
    Streaming {
        unit: String,
        version: Option<String>,
    },
    /// A request is over.
    Finished(Box<Record>),
}

/// A running load. Dropped, it breaks off what is on its way; see [`Load::stop`].
#[derive(Debug)]
pub struct Load {
    stopped: Arc<AtomicBool>,
    senders: JoinSet<()>,
}

/// `user-000001`, `user-000002`, …
pub fn users(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("user-{number:06}"))
        .collect()
}

// === impl Plan ===

impl Plan {
    /// Every user asks once for a JSON answer of the support agent, over HTTP/1.1.
    pub fn new(target: SocketAddr, users: Vec<String>) -> Self {
        Self {
            target,
            path: "/v1/agents/support".to_owned(),
            users,
            protocol: Protocol::default(),
            shape: Shape::Json,
            concurrency: 32,
            passes: Some(1),
            pause: Duration::ZERO,
            headers: Vec::new(),
        }
    }

    /// Runs to the end and returns a record for each request, in the order in which they ended.
    ///
    /// For a plan with a number of passes; one without would not come back.
    pub async fn run(self) -> Vec<Record> {
        let (updates, mut news) = mpsc::unbounded_channel();
        let _load = self.start(updates);
        let mut records = Vec::new();
        while let Some(update) = news.recv().await {
            if let Update::Finished(record) = update {
                records.push(*record);
            }
        }
        records
    }

    /// Starts in the background; tells `updates` about it. Several loads may share a channel: it
    /// closes when the last of them is over.
    pub fn start(self, updates: UnboundedSender<Update>) -> Load {
        let stopped = Arc::new(AtomicBool::new(false));
        let concurrency = self.concurrency.clamp(1, CONCURRENCY_LIMIT);
        let plan = Arc::new(self);
        let next = Arc::new(AtomicUsize::new(0));
        let connections = connection::pool(&plan, concurrency);
        let mut senders = JoinSet::new();
        for connection in connections {
            let sender = user::Sender {
                plan: Arc::clone(&plan),
                next: Arc::clone(&next),
                stopped: Arc::clone(&stopped),
                updates: updates.clone(),
                connection,
            };
            senders.spawn(sender.run());
        }
        Load { stopped, senders }
    }

    /// The user of the request with this number, counted from 0; `None` after the last one.
    fn user(&self, number: usize) -> Option<&str> {
        let pass = number.checked_div(self.users.len())?;
        if self.passes.is_some_and(|passes| pass >= passes) {
            return None;
        }
        Some(&self.users[number % self.users.len()])
    }

    fn body(&self) -> Value {
        let question = || json!([{"role": "user", "content": "Where is my order?"}]);
        match &self.shape {
            Shape::Json => json!({"model": "support", "messages": question()}),
            Shape::Stream { tokens } => {
                json!({"model": "support", "messages": question(), "stream": true, "max_tokens": tokens})
            }
            Shape::Body(body) => body.clone(),
        }
    }
}

// === impl Load ===

impl Load {
    /// Sends nothing more, and waits for what is on its way.
    pub async fn stop(mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        while self.senders.join_next().await.is_some() {}
    }
}

/// Requests on one HTTP/2 connection. Fewer than Envoy's default of 100 allowed at once, and few
/// enough that the connections spread over the workers.
pub const STREAMS_PER_CONNECTION: usize = 16;

/// Requests on their way at once: each needs a socket here and two in Envoy.
pub const CONCURRENCY_LIMIT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_asks_once_a_pass() {
        let mut plan = Plan::new(([127, 0, 0, 1], 1).into(), users(3));
        plan.passes = Some(2);
        let asked: Vec<&str> = (0..).map_while(|number| plan.user(number)).collect();
        assert_eq!(
            asked,
            ["user-000001", "user-000002", "user-000003"].repeat(2)
        );
        plan.users.clear();
        assert_eq!(plan.user(0), None);
    }
}
