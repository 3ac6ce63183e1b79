//! The agent's HTTP/1.1 server.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::channel::Channel;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::answer::{self, Ask, Draft};
use super::log::Number;
use super::{AgentConfig, Ending, Failure, Seen, Shared};
use crate::UNIT_HEADER;

/// With the error that breaks it off.
type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Accepts connections until the task is aborted, which ends the connections too.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        // Running out of file descriptors passes: try the next connection.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small writes are the point of this server.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
            // A client that goes away is no news.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    Ok(match (&head.method, head.uri.path()) {
        (&Method::GET, "/_seen") => json(StatusCode::OK, shared.log.json().to_string()),
        (_, path) if path.ends_with(ECHO) => echo(&head, body, &shared).await,
        (&Method::POST, path) if answers(path) => {
            let (number, at) = (shared.log.add(seen(&head)), Instant::now());
            let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
                shared
                    .log
                    .update(number, |seen| seen.ending = Ending::Dropped);
                return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, "{}".to_owned()));
            };
            let ask = Ask::read(path, &head.headers, &body.to_bytes());
            chat(ask, number, at, shared).await
        }
        _ => {
            // Read to the end, or the connection closes while the proxy takes it for its next request.
            let _ = Limited::new(body, BODY_LIMIT).collect().await;
            let error = r#"{"error":{"message":"no such agent"}}"#;
            json(StatusCode::NOT_FOUND, error.to_owned())
        }
    })
}

fn answers(path: &str) -> bool {
    path == PATH || ENDS.iter().any(|end| path.ends_with(end))
}

/// Says back the whole request, as it came.
async fn echo(head: &Parts, body: Incoming, shared: &Shared) -> Response<Body> {
    let number = shared.log.add(seen(head));
    let collected = Limited::new(body, BODY_LIMIT).collect().await;
    let ending = match collected {
        Ok(_) => Ending::Written,
        Err(_) => Ending::Dropped,
    };
    shared.log.update(number, |seen| seen.ending = ending);
    let Ok(body) = collected else {
        return json(StatusCode::BAD_REQUEST, "{}".to_owned());
    };
    let version = &shared.config().version;
    let echo = answer::echo(version, head, &body.to_bytes());
    json(StatusCode::OK, echo)
}

async fn chat(ask: Ask, number: Number, at: Instant, shared: Arc<Shared>) -> Response<Body> {
    let config = shared.config();
    shared.log.update(number, |seen| seen.stream = ask.stream);
    let open = Open {
        number,
        shared,
        ending: Ending::Dropped,
    };
    tokio::time::sleep_until((at + config.latency).into()).await;

    let failure = config.error_rate.hits(number).then_some(config.failure);
    let said_by_status = match failure {
        Some(Failure::Status) => true,
        Some(Failure::ErrorEvent) => !ask.stream,
        Some(Failure::BreakOff) | None => false,
    };
    let (status, content_type, parts) = if said_by_status {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            JSON,
            vec![answer::error(&config)],
        )
    } else {
        let draft = Draft::new(&config, &ask, number, config.pii_rate.hit(number));
        open.shared.log.leak(&draft.leaks);
        let (content_type, mut parts) = match ask.stream {
            true => ("text/event-stream", draft.events(&config, &ask)),
            false => (JSON, halves(draft.json(&config, &ask), failure)),
        };
        if let Some(failure) = failure {
            parts.truncate(parts.len() / 2);
            let last = match failure {
                Failure::ErrorEvent => Some(Draft::error_event(&config, &ask)),
                Failure::Status | Failure::BreakOff => None,
            };
            parts.extend(last);
        }
        (StatusCode::OK, content_type, parts)
    };
    let breaks_off = failure == Some(Failure::BreakOff);
    let mut response = Response::new(written(parts, config, open, breaks_off));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, content_type.parse().expect("a content type"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, "no-store".parse().expect("a directive"));
    response
}

/// A document in parts, of which the first half can be written.
fn halves(json: String, failure: Option<Failure>) -> Vec<String> {
    match failure {
        Some(_) => {
            let (first, second) = json.split_at(json.len() / 2);
            vec![first.to_owned(), second.to_owned()]
        }
        None => vec![json],
    }
}

/// A body that is written part by part, with the configured cuts and pauses.
fn written(mut parts: Vec<String>, config: Arc<AgentConfig>, open: Open, breaks_off: bool) -> Body {
    if let ([part], super::Writes::Event, false) = (parts.as_mut_slice(), config.writes, breaks_off)
    {
        open.written();
        return whole(std::mem::take(part));
    }
    // One frame at a time: each becomes a write of its own.
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                tokio::time::sleep(config.token_delay).await;
            }
            for (cut, piece) in answer::cut(part, config.writes).into_iter().enumerate() {
                if cut > 0 && !config.write_delay.is_zero() {
                    tokio::time::sleep(config.write_delay).await;
                }
                if sender
                    .send_data(Bytes::copy_from_slice(piece))
                    .await
                    .is_err()
                {
                    return;
                }
                // Lets the connection flush before the next piece is there.
                tokio::task::yield_now().await;
            }
        }
        match breaks_off {
            // What was written so far goes out first.
            true => {
                tokio::time::sleep(BREAK_OFF_AFTER).await;
                sender.abort(io::ErrorKind::ConnectionAborted.into());
            }
            false => open.written(),
        }
    });
    body.boxed_unsync()
}

fn whole(text: String) -> Body {
    Full::from(text)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn seen(head: &Parts) -> Seen {
    Seen {
        at: Instant::now(),
        path: head.uri.path().to_owned(),
        unit: text(&head.headers, UNIT_HEADER),
        rollout: text(&head.headers, "x-breakglass-rollout"),
        arm: text(&head.headers, "x-breakglass-arm"),
        generation: text(&head.headers, "x-breakglass-generation")
            .and_then(|text| text.parse().ok()),
        stream: false,
        ending: Ending::Open,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, JSON.parse().expect("a content type"));
    response
}

/// An answer that is on its way; says how it ended when it is dropped, whichever way that comes.
struct Open {
    number: Number,
    shared: Arc<Shared>,
    ending: Ending,
}

// === impl Open ===

impl Open {
    fn written(mut self) {
        self.ending = Ending::Written;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared
            .log
            .update(self.number, |seen| seen.ending = self.ending);
    }
}

const JSON: &str = "application/json";

const BREAK_OFF_AFTER: std::time::Duration = std::time::Duration::from_millis(1);

/// Where the agent answers, and what the other paths end with where it does: those of the clients
/// of both providers.
const PATH: &str = "/v1/agents/support";
const ENDS: [&str; 2] = ["/chat/completions", answer::MESSAGES];

/// What the path of a request ends with that wants to be said back.
const ECHO: &str = "/echo";

/// The largest request: more than any test sends, less than what would hurt the machine.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
