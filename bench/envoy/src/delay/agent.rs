//! An agent that notes when it writes each event.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::prose;

/// A running agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _task: Arc<Task>,
}

#[derive(Debug)]
struct Shared {
    next: AtomicU64,
    streams: Mutex<HashMap<u64, Stream>>,
}

/// What is to be said to one client, and when it was.
#[derive(Debug)]
struct Stream {
    pace: Pace,
    written: Vec<Instant>,
    /// Whether the filter's headers came along.
    stamped: bool,
}

/// Stopped when the last handle of the agent is gone.
#[derive(Debug)]
struct Task(JoinHandle<()>);

/// How an agent talks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) events: usize,
    pub(super) pause: Duration,
    /// Of each way, in a round.
    pub(super) streams: usize,
    /// Whether there is an address in the text.
    pub(super) personal: bool,
}

// === impl Pace ===

impl Pace {
    pub(super) const EVERY_5_MS: Self = Self {
        name: "an event every 5 ms",
        about: "200 events of plain prose a stream, three streams of each way side by side.",
        events: 200,
        pause: Duration::from_millis(5),
        streams: 3,
        personal: false,
    };
    pub(super) const AT_ONCE: Self = Self {
        name: "as fast as it goes",
        about: "2,000 events of plain prose a stream, each written by itself and without a pause, one stream \
                after the other: what is in front of an event is what it waits for.",
        events: 2_000,
        pause: Duration::ZERO,
        streams: 2,
        personal: false,
    };
    /// To see what a way does.
    pub(super) const CHECK: Self = Self {
        name: "check",
        about: "",
        events: 40,
        pause: Duration::from_micros(100),
        streams: 1,
        personal: true,
    };
}

// === impl Agent ===

impl Agent {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            next: AtomicU64::new(0),
            streams: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            addr,
            shared,
            _task: Arc::new(Task(task)),
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Prepares a stream; returns the path to ask for.
    pub(super) fn expect(&self, pace: Pace) -> (u64, String) {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let stream = Stream {
            pace,
            written: Vec::with_capacity(pace.events),
            stamped: false,
        };
        self.shared.with(|streams| streams.insert(id, stream));
        (id, format!("{PATH}?stream={id}"))
    }

    /// When each event of a stream was written, and whether the filter's headers came along.
    pub(super) fn take(&self, id: u64) -> Result<(Vec<Instant>, bool)> {
        let stream = self.shared.with(|streams| streams.remove(&id));
        let stream = stream.with_context(|| format!("the agent has no stream {id}"))?;
        Ok((stream.written, stream.stamped))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn with<T>(&self, run: impl FnOnce(&mut HashMap<u64, Stream>) -> T) -> T {
        run(&mut self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client that went away is no concern of the agent.
            let _ = converse(connection, &shared).await;
        });
    }
}

/// Answers requests, one after the other. Envoy sends their bodies with a length.
async fn converse(mut connection: TcpStream, shared: &Shared) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if connection.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head: Vec<u8> = read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let body = head.split_once("content-length: ").and_then(|(_, rest)| {
            let digits = rest.split("\r\n").next()?;
            digits.parse::<usize>().ok()
        });
        while read.len() < body.unwrap_or(0) {
            if connection.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        read.drain(..body.unwrap_or(0));
        let id = head.split_once("?stream=").and_then(|(_, rest)| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        });
        let id = id.with_context(|| format!("a request for no stream: {head}"))?;
        talk(
            &mut connection,
            shared,
            id,
            head.contains("x-breakglass-arm:"),
        )
        .await?;
    }
}

async fn talk(connection: &mut TcpStream, shared: &Shared, id: u64, stamped: bool) -> Result<()> {
    let pace = shared.with(|streams| {
        let stream = streams.get_mut(&id)?;
        stream.stamped = stamped;
        Some(stream.pace)
    });
    let pace = pace.with_context(|| format!("nobody expects stream {id}"))?;
    let tokens = prose::tokens(pace.events, pace.personal);
    let mut out = HEAD.as_bytes().to_vec();
    for token in &tokens {
        chunk(&mut out, &prose::event(token));
        let now = Instant::now();
        shared.with(|streams| {
            if let Some(stream) = streams.get_mut(&id) {
                stream.written.push(now);
            }
        });
        connection.write_all(&out).await?;
        out.clear();
        match pace.pause {
            Duration::ZERO => tokio::task::yield_now().await,
            pause => tokio::time::sleep(pause).await,
        }
    }
    chunk(&mut out, prose::END);
    out.extend_from_slice(b"0\r\n\r\n");
    connection.write_all(&out).await?;
    Ok(())
}

fn chunk(out: &mut Vec<u8>, data: &str) {
    out.extend_from_slice(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes());
}

/// What the rollout matches.
pub(super) const PATH: &str = "/v1/agents/support";

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
