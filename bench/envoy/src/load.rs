//! The load: a few connections that ask again as soon as they are answered, on one thread.

mod http1;
mod http2;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use http::Request;
use tokio::task::JoinSet;

/// Connections that are open and wait for their next turn.
#[derive(Debug)]
pub(crate) struct Load {
    connections: Vec<Connection>,
}

/// What the load speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A connection for each request that is on its way.
    Http1,
    /// Several requests on each connection, without TLS.
    Http2,
}

/// One that asks, one request at a time.
#[derive(Debug)]
enum Connection {
    Http1(http1::Connection),
    Http2(http2::Stream),
}

/// What came back in one turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// How long each took.
    pub(crate) latencies: Vec<Duration>,
    /// Bytes of all bodies.
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

/// What is asked: the request's headers, `:method` and the like first, for each of some users.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    headers: Vec<(&'static str, String)>,
}

// === impl Load ===

impl Load {
    /// Opens the connections.
    ///
    /// # Errors
    ///
    /// If nobody listens there.
    pub(crate) async fn open(
        addr: SocketAddr,
        requests: &Requests,
        protocol: Protocol,
    ) -> Result<Self> {
        let mut connections = Vec::new();
        match protocol {
            Protocol::Http1 => {
                let texts = requests.http1();
                for number in 0..CONNECTIONS {
                    // Each begins with other users.
                    let first = number * USERS / CONNECTIONS;
                    let opened = http1::Connection::open(addr, Arc::clone(&texts), first).await?;
                    connections.push(Connection::Http1(opened));
                }
            }
            Protocol::Http2 => {
                let requests = requests.http2()?;
                for number in 0..HTTP2_CONNECTIONS {
                    let first = number * USERS / HTTP2_CONNECTIONS;
                    let opened = http2::Stream::open(addr, &requests, first, STREAMS).await?;
                    connections.extend(opened.into_iter().map(Connection::Http2));
                }
            }
        }
        Ok(Self { connections })
    }

    /// Asks for so long, and until the last answer is there.
    ///
    /// # Errors
    ///
    /// If an answer has another status than 200, or a connection breaks.
    pub(crate) async fn turn(&mut self, length: Duration) -> Result<Answers> {
        let started = Instant::now();
        let until = started + length;
        let mut running = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            running.spawn(async move {
                let answers = match &mut connection {
                    Connection::Http1(connection) => connection.ask(until).await?,
                    Connection::Http2(stream) => stream.ask(until).await?,
                };
                anyhow::Ok((connection, answers))
            });
        }
        let mut all = Answers::default();
        while let Some(done) = running.join_next().await {
            let (connection, answers) = done??;
            self.connections.push(connection);
            all.latencies.extend(answers.latencies);
            all.bytes += answers.bytes;
        }
        all.took = started.elapsed();
        Ok(all)
    }
}

// === impl Requests ===

impl Requests {
    /// These headers, with another `x-user-id` each time.
    pub(crate) fn new(headers: Vec<(&'static str, String)>) -> Self {
        Self { headers }
    }

    /// The same to another path.
    pub(crate) fn path(mut self, path: &str) -> Self {
        for (name, value) in &mut self.headers {
            if *name == ":path" {
                *value = path.to_owned();
            }
        }
        self
    }

    /// The headers of a user's request.
    pub(crate) fn of(&self, user: usize) -> Vec<(&'static str, String)> {
        let mut headers = self.headers.clone();
        for (name, value) in &mut headers {
            if *name == "x-user-id" {
                *value = format!("user-2024{user:04}");
            }
        }
        headers
    }

    /// Every user's request as HTTP/1.1 writes it, without a body.
    fn http1(&self) -> Arc<[Vec<u8>]> {
        let write = |user| {
            let headers = self.of(user);
            let pseudo = |name| value(&headers, name);
            let (method, path) = (pseudo(":method"), pseudo(":path"));
            let mut text = format!(
                "{method} {path} HTTP/1.1\r\nhost: {}\r\n",
                pseudo(":authority")
            );
            for (name, value) in headers.iter().filter(|(name, _)| !name.starts_with(':')) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("content-length: 0\r\n\r\n");
            text.into_bytes()
        };
        (0..USERS).map(write).collect()
    }

    /// Every user's request for HTTP/2.
    fn http2(&self) -> Result<Arc<[Request<()>]>> {
        let build = |user| {
            let headers = self.of(user);
            let pseudo = |name| value(&headers, name);
            let uri = format!("http://{}{}", pseudo(":authority"), pseudo(":path"));
            let mut request = Request::builder().method(pseudo(":method")).uri(uri);
            for (name, value) in headers.iter().filter(|(name, _)| !name.starts_with(':')) {
                request = request.header(*name, value);
            }
            Ok(request.body(())?)
        };
        (0..USERS).map(build).collect()
    }
}

/// A header's value; empty if there is none.
fn value<'headers>(headers: &'headers [(&str, String)], wanted: &str) -> &'headers str {
    let found = headers.iter().find(|(name, _)| *name == wanted);
    found.map_or("", |(_, value)| value.as_str())
}

/// Connections of HTTP/1.1: enough to keep a worker busy.
pub(crate) const CONNECTIONS: usize = 16;

/// Connections of HTTP/2.
pub(crate) const HTTP2_CONNECTIONS: usize = 4;

/// Requests on each of them at once.
pub(crate) const STREAMS: usize = 8;

/// Users that ask: both arms get some.
pub(crate) const USERS: usize = 1_000;
