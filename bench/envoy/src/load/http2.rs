//! HTTP/2 without TLS: a few connections with several requests on their way on each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use h2::client::SendRequest;
use http::Request;
use hyper::body::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::Answers;

/// One that asks on a connection beside others.
#[derive(Debug)]
pub(super) struct Stream {
    sender: SendRequest<Bytes>,
    requests: Arc<[Request<()>]>,
    next: usize,
    _connection: Arc<Connection>,
}

/// What moves a connection's bytes; gone when its last stream is.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

// === impl Stream ===

impl Stream {
    /// Connects, for so many requests at once. They begin with the request of the number `first`.
    pub(super) async fn open(
        addr: SocketAddr,
        requests: &Arc<[Request<()>]>,
        first: usize,
        streams: usize,
    ) -> Result<Vec<Self>> {
        let stream = TcpStream::connect(addr)
            .await
            .with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::handshake(stream).await?;
        let connection = Arc::new(Connection(tokio::spawn(async {
            // An error comes back through the requests.
            let _ = connection.await;
        })));
        let open = |number| Self {
            sender: sender.clone(),
            requests: Arc::clone(requests),
            next: first + number,
            _connection: Arc::clone(&connection),
        };
        Ok((0..streams).map(open).collect())
    }

    /// Asks until then.
    pub(super) async fn ask(&mut self, until: Instant) -> Result<Answers> {
        let mut answers = Answers::default();
        let mut now = Instant::now();
        while now < until {
            let request = self.requests[self.next % self.requests.len()].clone();
            self.next += 1;
            self.sender.clone().ready().await?;
            let (answer, _) = self.sender.send_request(request, true)?;
            let answer = answer.await?;
            ensure!(answer.status() == 200, "{answer:?}");
            let mut body = answer.into_body();
            while let Some(bytes) = body.data().await {
                let bytes = bytes?.len();
                body.flow_control().release_capacity(bytes)?;
                answers.bytes += bytes as u64;
            }
            let answered = Instant::now();
            answers.latencies.push(answered - now);
            now = answered;
        }
        Ok(answers)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
