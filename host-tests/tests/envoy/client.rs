//! A client that sends what it is told to, over HTTP/1.1 or HTTP/2, or byte by byte.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use breakglass_examples::http::Answer;
use breakglass_examples::load::Protocol;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::HOST;
use hyper::{HeaderMap, Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Any body.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// One open connection.
pub(crate) enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

/// No body.
pub(crate) fn empty() -> Body {
    Empty::new().boxed_unsync()
}

/// A body of known length.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(addr: SocketAddr, protocol: Protocol, request: Request<Body>) -> Answer {
    let shown = format!("{protocol:?} {} {}", request.method(), request.uri());
    let answer = async { Client::connect(addr, protocol).await?.ask(request).await };
    match answer.await {
        Ok(answer) => answer,
        Err(error) => panic!("{shown}: {error:#}"),
    }
}

/// Sends these very bytes on a connection of its own, and reads until the other side closes it.
/// `None`: it closed without an answer.
pub(crate) async fn raw(addr: SocketAddr, bytes: &[u8]) -> Result<Option<Answer>> {
    let mut stream = TcpStream::connect(addr).await?;
    let mut answer = Vec::new();
    let exchange = async {
        // Envoy may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    let over = tokio::time::timeout(LIMIT, exchange).await;
    over.with_context(|| format!("not over within {LIMIT:?}"))?;
    match answer.is_empty() {
        true => Ok(None),
        false => parse(&answer).map(Some),
    }
}

/// An answer whose body ends with the connection or is as long as it says.
fn parse(bytes: &[u8]) -> Result<Answer> {
    let shown = || format!("no answer: {:?}", String::from_utf8_lossy(bytes));
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.with_context(shown)? + 4);
    let head = std::str::from_utf8(head)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.with_context(shown)?.parse()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(hyper::header::HeaderName::try_from(name)?, value.parse()?);
    }
    let body = Bytes::copy_from_slice(body);
    Ok(Answer {
        status,
        headers,
        body,
    })
}

// === impl Client ===

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, protocol: Protocol) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        // The connections end with their senders; what went wrong comes back through those.
        Ok(match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Self::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Self::Http2(sender)
            }
        })
    }

    /// Another sender on the same connection; HTTP/1.1 has none.
    pub(crate) fn beside(&self) -> Option<Self> {
        match self {
            Self::Http1(_) => None,
            Self::Http2(sender) => Some(Self::Http2(sender.clone())),
        }
    }

    /// Sends a request and returns when the answer's headers are there.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Result<Response<Incoming>> {
        let response = match self {
            Self::Http1(sender) => {
                if !request.headers().contains_key(HOST) {
                    request.headers_mut().insert(HOST, HOST_NAME.parse()?);
                }
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                let path = request.uri().to_string();
                *request.uri_mut() = Uri::try_from(format!("http://{HOST_NAME}{path}"))?;
                sender.ready().await?;
                sender.send_request(request).await
            }
        };
        Ok(response?)
    }

    /// Sends a request and collects the answer.
    pub(crate) async fn ask(&mut self, request: Request<Body>) -> Result<Answer> {
        let exchange = async {
            let (head, body) = self.send(request).await?.into_parts();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.collect().await?.to_bytes(),
            })
        };
        let over = tokio::time::timeout(LIMIT, exchange).await;
        over.with_context(|| format!("not over within {LIMIT:?}"))?
    }
}

/// The host that everybody asks for.
const HOST_NAME: &str = "agents.example.com";

/// Everything asked here is answered in milliseconds; more means that something hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// The version that the agent says it is.
pub(crate) fn version_in(answer: &Answer) -> String {
    let version = answer
        .json()
        .map(|json| json["version"].clone())
        .unwrap_or_default();
    version
        .as_str()
        .unwrap_or_else(|| panic!("{}: {}", answer.status, answer.text()))
        .to_owned()
}
