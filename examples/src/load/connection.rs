//! Connections that are opened when needed and opened anew when they broke.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::{Plan, Protocol, STREAMS_PER_CONNECTION};

/// A way to send requests one after the other.
#[derive(Debug)]
pub(super) enum Connection {
    Http1 {
        target: SocketAddr,
        open: Option<http1::SendRequest<Full<Bytes>>>,
    },
    Http2 {
        target: SocketAddr,
        shared: Arc<Mutex<Option<http2::SendRequest<Full<Bytes>>>>>,
    },
}

/// A connection for each of `count` senders.
pub(super) fn pool(plan: &Plan, count: usize) -> Vec<Connection> {
    let target = plan.target;
    match plan.protocol {
        Protocol::Http1 => (0..count)
            .map(|_| Connection::Http1 { target, open: None })
            .collect(),
        Protocol::Http2 => {
            let shared: Vec<_> = (0..count.div_ceil(STREAMS_PER_CONNECTION))
                .map(|_| Arc::default())
                .collect();
            (0..count)
                .map(|index| Connection::Http2 {
                    target,
                    shared: Arc::clone(&shared[index / STREAMS_PER_CONNECTION]),
                })
                .collect()
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Sends a request; connects first if there is no connection that works.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>> {
        match self {
            Self::Http1 { target, open } => {
                // A connection whose last answer was broken off never gets ready again.
                let ready = match open.take() {
                    Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
                    None => None,
                };
                let mut sender = match ready {
                    Some(sender) => sender,
                    None => {
                        let (sender, connection) =
                            http1::handshake(connect(*target).await?).await?;
                        tokio::spawn(connection);
                        sender
                    }
                };
                let response = sender.send_request(request).await?;
                *open = Some(sender);
                Ok(response)
            }
            Self::Http2 { target, shared } => {
                let mut sender = {
                    let mut open = shared.lock().await;
                    match open.take().filter(|sender| !sender.is_closed()) {
                        Some(sender) => open.insert(sender).clone(),
                        None => {
                            let io = connect(*target).await?;
                            let (sender, connection) =
                                http2::handshake(TokioExecutor::new(), io).await?;
                            tokio::spawn(connection);
                            open.insert(sender).clone()
                        }
                    }
                };
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }

    /// Whether requests carry their target in full, as HTTP/2 wants it.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2 { .. })
    }
}

async fn connect(target: SocketAddr) -> Result<TokioIo<TcpStream>> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}
