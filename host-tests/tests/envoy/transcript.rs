//! Streams of events: opened, watched in the background, and judged by what came.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use breakglass_examples::UNIT_HEADER;
use breakglass_examples::load::Protocol;
use breakglass_examples::sse::{Event, Parser};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::client::{Body, Client, full};
use crate::policy::PATH;

/// Everything that came in one stream of events.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) events: Vec<Event>,
    /// When the last event came.
    pub(crate) last: Option<Instant>,
    /// What broke the stream off, if it did not end cleanly.
    pub(crate) reset: Option<String>,
    parser: Parser,
}

/// A stream that is open and flows.
pub(crate) struct Watch {
    pub(crate) user: String,
    pub(crate) version: String,
    rest: JoinHandle<Transcript>,
    // An HTTP/1.1 connection ends with its sender.
    _client: Client,
}

/// Asks for a stream of so many words as this user.
pub(crate) fn stream_request(user: &str, tokens: usize) -> Request<Body> {
    let question = json!({"messages": [], "stream": true, "max_tokens": tokens});
    Request::post(PATH)
        .header("content-type", "application/json")
        .header(UNIT_HEADER, user)
        .body(full(question.to_string()))
        .expect("a request")
}

/// Opens a stream, and waits until the first word flows.
pub(crate) async fn open(addr: SocketAddr, protocol: Protocol, user: &str, tokens: usize) -> Watch {
    let mut client = Client::connect(addr, protocol).await.expect("a connection");
    let response = client.send(stream_request(user, tokens)).await;
    let response = response.unwrap_or_else(|error| panic!("{user}: {error:#}"));
    assert_eq!(response.status(), 200, "{user}: {:?}", response.headers());
    let mut body = response.into_body();
    let mut transcript = Transcript::default();
    while transcript.words() == 0 {
        let more = next(&mut body, &mut transcript).await;
        assert!(more, "{user}: over before the first word: {transcript:?}");
    }
    let version = transcript.version().unwrap_or_default();
    let rest = tokio::spawn(async move {
        while next(&mut body, &mut transcript).await {}
        transcript
    });
    Watch {
        user: user.to_owned(),
        version,
        rest,
        _client: client,
    }
}

async fn next(body: &mut Incoming, transcript: &mut Transcript) -> bool {
    match body.frame().await {
        None => false,
        Some(Ok(frame)) => {
            transcript.push(frame.data_ref().unwrap_or(&Bytes::new()));
            true
        }
        Some(Err(broken)) => {
            transcript.reset = Some(broken.to_string());
            false
        }
    }
}

// === impl Watch ===

impl Watch {
    /// Waits until the stream is over.
    pub(crate) async fn end(self) -> Transcript {
        match tokio::time::timeout(STREAM_LIMIT, self.rest).await {
            Ok(transcript) => transcript.expect("a reader"),
            Err(_) => panic!(
                "{}: the stream is still open after {STREAM_LIMIT:?}",
                self.user
            ),
        }
    }
}

// === impl Transcript ===

impl Transcript {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let events = self.parser.push(bytes);
        if !events.is_empty() {
            self.last = Some(Instant::now());
        }
        self.events.extend(events);
    }

    /// Words of the answer so far.
    pub(crate) fn words(&self) -> usize {
        let is_word = |event: &&Event| {
            let json = event.json();
            json.is_some_and(|json| json.pointer("/choices/0/delta/content").is_some())
        };
        self.events.iter().filter(is_word).count()
    }

    /// The version that answers, as it says itself.
    pub(crate) fn version(&self) -> Option<String> {
        let first = self.events.first()?.json()?;
        first["version"].as_str().map(str::to_owned)
    }

    /// Fails unless the stream came to its own end with all its words.
    pub(crate) fn assert_whole(&self, words: usize, of: &str) {
        let done = self.events.last().is_some_and(Event::is_done);
        let errors = self.events.iter().filter(|event| event.is_error()).count();
        let seen = (
            self.words(),
            done,
            errors,
            self.parser.is_torn(),
            self.reset.as_deref(),
        );
        assert_eq!(
            seen,
            (words, true, 0, false, None),
            "{of}: words, [DONE], errors, torn, reset"
        );
    }

    /// Fails unless the stream was ended by the filter in good form: one error event that is JSON,
    /// `[DONE]`, and nothing after it. Returns whether the event before was broken off in its
    /// middle, which happens where an upstream writes less than an event at once.
    pub(crate) fn assert_cut(&self, of: &str) -> bool {
        let tail = &self.events[self.events.len().saturating_sub(4)..];
        let shown = format!(
            "{of}: the stream's end is {tail:#?}, torn {}",
            self.parser.is_torn()
        );
        let [before @ .., error, done] = self.events.as_slice() else {
            panic!("{shown}");
        };
        assert!(
            done.is_done() && !self.parser.is_torn(),
            "no [DONE] at the end; {shown}"
        );
        assert!(
            error.is_error() && error.name.as_deref() == Some("error"),
            "no error event; {shown}"
        );
        let json = error
            .json()
            .unwrap_or_else(|| panic!("the error event is no JSON; {shown}"));
        assert_eq!(json["error"]["code"], "breakglass_killed", "{shown}");
        let early = before
            .iter()
            .filter(|event| event.is_error() || event.is_done())
            .count();
        assert_eq!(early, 0, "more than one error event or [DONE]; {shown}");
        let broken = before.iter().position(|event| event.json().is_none());
        assert!(
            broken.is_none_or(|index| index + 1 == before.len()),
            "an event is broken that is not the last one; {shown}"
        );
        broken.is_some()
    }
}

/// No stream of the tests takes this long.
const STREAM_LIMIT: Duration = Duration::from_secs(60);
