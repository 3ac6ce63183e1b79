//! One request on one connection, and its answer, whole or event by event: enough for the admin and
//! the operator endpoint, and for watching one stream.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::sse::{Event, Parser};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer that is a stream of events, read as they come.
#[derive(Debug)]
pub struct Events {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    parser: Parser,
    /// Read, and not yet asked for.
    ready: VecDeque<Event>,
}

/// Sends one request to `addr` and collects the answer. Sets `host` if the request has none.
pub async fn send(addr: SocketAddr, mut request: Request<Full<Bytes>>) -> Result<Answer> {
    let target = format!("{} http://{addr}{}", request.method(), request.uri());
    if !request.headers().contains_key(HOST) {
        request
            .headers_mut()
            .insert(HOST, addr.to_string().parse()?);
    }
    tokio::time::timeout(LIMIT, exchange(addr, request))
        .await
        .with_context(|| format!("{target}: no answer within {LIMIT:?}"))?
        .with_context(|| target)
}

/// `GET path` from `addr`.
pub async fn get(addr: SocketAddr, path: &str) -> Result<Answer> {
    send(addr, Request::get(path).body(Full::default())?).await
}

/// `POST path` to `addr`.
pub async fn post(
    addr: SocketAddr,
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let request = Request::post(path)
        .header(CONTENT_TYPE, content_type)
        .body(Full::new(body.into()))?;
    send(addr, request).await
}

/// `POST path` to `addr` with JSON and these headers; the answer is read event by event.
pub async fn events(
    addr: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Events> {
    let mut request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .header(HOST, addr.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_string()))?;
    let (head, body) = tokio::time::timeout(LIMIT, open(addr, request))
        .await
        .with_context(|| format!("{path}: no answer within {LIMIT:?}"))?
        .with_context(|| path.to_owned())?
        .into_parts();
    Ok(Events {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
        parser: Parser::default(),
        ready: VecDeque::new(),
    })
}

async fn open(addr: SocketAddr, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer's body; its errors come back through `sender` and the body.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

async fn exchange(addr: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer> {
    let (head, body) = open(addr, request).await?.into_parts();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
    })
}

// === impl Answer ===

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: {}", self.status, self.text()))
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A response header, if it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

// === impl Events ===

impl Events {
    /// The next event; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let frame = tokio::time::timeout(LIMIT, self.body.frame())
                .await
                .with_context(|| format!("no event within {LIMIT:?}"))?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            if let Some(bytes) = frame?.data_ref() {
                self.ready.extend(self.parser.push(bytes));
            }
        }
    }
}

/// Everything asked through this module answers in milliseconds; more means that something hangs.
const LIMIT: Duration = Duration::from_secs(10);
