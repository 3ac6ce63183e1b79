//! One sender: takes the next user, asks, reads the answer, tells about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, Response};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::connection::Connection;
use super::exposure::Watch;
use super::{End, Exposure, Plan, Record, Update};
use crate::UNIT_HEADER;
use crate::sse::Parser;

pub(super) struct Sender {
    pub(super) plan: Arc<Plan>,
    /// The number of the next request, shared by all senders of a load.
    pub(super) next: Arc<AtomicUsize>,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) updates: UnboundedSender<Update>,
    pub(super) connection: Connection,
}

// === impl Sender ===

impl Sender {
    pub(super) async fn run(mut self) {
        let plan = Arc::clone(&self.plan);
        while !self.stopped.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = plan.user(number) else {
                return;
            };
            let mut record = Record::sent(unit);
            let asked = tokio::time::timeout(REQUEST_LIMIT, self.ask(&mut record)).await;
            match asked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => record.broken(format!("{error:#}")),
                Err(_) => record.broken(format!("not over within {REQUEST_LIMIT:?}")),
            }
            record.finished = Instant::now();
            let refused = record.answered.is_none();
            if self
                .updates
                .send(Update::Finished(Box::new(record)))
                .is_err()
            {
                return;
            }
            if refused {
                // Nobody listens, perhaps: do not spin.
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
            if !plan.pause.is_zero() {
                tokio::time::sleep(plan.pause).await;
            }
        }
    }

    async fn ask(&mut self, record: &mut Record) -> Result<()> {
        let plan = &self.plan;
        let mut request = Request::post(plan.path.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(UNIT_HEADER, &record.unit);
        request = match self.connection.is_http2() {
            true => request.uri(format!("http://{HOST_NAME}{}", plan.path)),
            false => request.header(HOST, HOST_NAME),
        };
        for (name, value) in &plan.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(plan.body().to_string()))?;

        record.started = Instant::now();
        let response = self.connection.send(request).await?;
        record.answered = Some(Instant::now());
        record.status = Some(response.status().as_u16());
        record.retry_after = header(&response, RETRY_AFTER.as_str());
        match header(&response, CONTENT_TYPE.as_str()) {
            Some(kind) if kind.starts_with("text/event-stream") => {
                self.stream(record, response).await;
                Ok(())
            }
            _ => whole(record, response).await,
        }
    }

    async fn stream(&self, record: &mut Record, response: Response<Incoming>) {
        let mut body = response.into_body();
        let (mut parser, mut watch) = (Parser::default(), Watch::default());
        let (mut error, mut reset) = (None, None);
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(broken) => {
                    reset = Some(broken.to_string());
                    break;
                }
            };
            let Some(bytes) = frame.data_ref() else {
                continue;
            };
            for event in parser.push(bytes) {
                if event.is_done() {
                    record.done = Some(Instant::now());
                } else if event.is_error() {
                    error = Some(event);
                } else if let Some(chunk) = event.json() {
                    self.chunk(record, &mut watch, &chunk);
                }
            }
        }
        record.exposure = watch.exposure();
        record.end = match (error, reset) {
            (Some(event), reset) => End::Error { event, reset },
            (None, Some(reset)) => End::Reset(reset),
            (None, None) if record.done.is_some() && !parser.is_torn() => End::Done,
            (None, None) => End::Truncated,
        };
    }

    fn chunk(&self, record: &mut Record, watch: &mut Watch, chunk: &Value) {
        if let Some(received) = chunk.get("received") {
            record.received = received.clone();
        }
        if record.version.is_none() {
            record.version = chunk["version"].as_str().map(str::to_owned);
        }
        let texts = TEXTS.iter().filter_map(|text| chunk.pointer(text));
        let Some(text) = texts.filter_map(Value::as_str).next() else {
            return;
        };
        watch.push(text.as_bytes());
        record.tokens.push(Instant::now());
        if record.tokens.len() == 1 {
            let (unit, version) = (record.unit.clone(), record.version.clone());
            // The receiver may have had enough; the stream goes on.
            let _ = self.updates.send(Update::Streaming { unit, version });
        }
    }
}

async fn whole(record: &mut Record, response: Response<Incoming>) -> Result<()> {
    let body = response.into_body().collect().await?.to_bytes();
    record.exposure = Exposure::of(&body);
    record.end = End::Whole;
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
        return Ok(());
    };
    record.version = answer["version"].as_str().map(str::to_owned);
    record.received = answer.get("received").cloned().unwrap_or_default();
    Ok(())
}

fn header(response: &Response<Incoming>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

// === impl Record ===

impl Record {
    fn broken(&mut self, reason: String) {
        self.end = match self.answered {
            Some(_) => End::Reset(reason),
            None => End::None(reason),
        };
    }
}

/// The host that the users ask for; the agents live on loopback, whatever it says.
const HOST_NAME: &str = "agents.example.com";

/// Where the text is in an event, of an OpenAI-compatible service and of an Anthropic-compatible one.
const TEXTS: [&str; 2] = ["/choices/0/delta/content", "/delta/text"];

/// No answer takes this long, the longest stream of the demo included.
const REQUEST_LIMIT: Duration = Duration::from_secs(120);

/// After a request that nobody took.
const REFUSED_PAUSE: Duration = Duration::from_millis(20);
