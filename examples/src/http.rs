//! One request, one connection, one whole answer: enough for the admin and the operator endpoint.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
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

async fn exchange(addr: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer> {
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends when `sender` is dropped; its errors come back through `sender`.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
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

/// Everything asked through this module answers in milliseconds; more means that something hangs.
const LIMIT: Duration = Duration::from_secs(10);
