//! One HTTP stream as the host sees it: what it holds, what it has let through, how it ended.

use std::{collections::BTreeMap, fmt};

use crate::headers::{Headers, MapType};

/// A message on its way through the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// Whether more of a message follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More follows.
    More,
    /// This was the last of it.
    Last,
}

/// A stream and its two messages.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) root: u32,
    /// The handle on the plugin that the stream keeps alive.
    pub(crate) handle: u64,
    /// In nanoseconds since the Unix epoch.
    pub(crate) created_at: u64,
    pub(crate) fail_open: bool,
    /// Envoy's `allow_on_headers_stop_iteration`.
    pub(crate) bodies_pass_paused_headers: bool,
    pub(crate) request: Half,
    pub(crate) response: Half,
    /// `proxy_on_context_create` was called for it.
    pub(crate) created: bool,
    pub(crate) phase: Phase,
    /// The host has answered for a dead VM; the filter is not asked again.
    pub(crate) failed: bool,
    pub(crate) effects: Effects,
}

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Bytes may flow.
    Open,
    /// Over for the peers; the last callbacks run.
    Logging,
    /// The filter has forgotten it.
    Gone,
}

/// One message of a stream.
#[derive(Debug, Default)]
pub(crate) struct Half {
    pub(crate) headers: Option<Headers>,
    /// The filter may look at the headers: until it continues them.
    pub(crate) headers_visible: bool,
    pub(crate) headers_forwarded: bool,
    /// What the host holds back.
    pub(crate) held: Option<Vec<u8>>,
    /// The last body callback asked to buffer, so the filter sees all that is held, also in trailers.
    pub(crate) buffering: bool,
    /// The data of the running body callback.
    pub(crate) chunk: Option<Vec<u8>>,
    pub(crate) trailers: Option<Headers>,
    pub(crate) trailers_visible: bool,
    /// The peer has sent the end of the message.
    pub(crate) ended: bool,
    pub(crate) stopped: Stopped,
}

/// How far the filter has stopped a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stopped {
    #[default]
    No,
    /// This part is held; later parts still come to the filter.
    Here,
    /// Nothing comes to the filter until it continues the stream.
    All,
}

/// What a stream did to the world outside the proxy.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// What the upstream received: nothing until the filter lets the request headers go.
    pub upstream: Option<Received>,
    /// What the client received.
    pub client: Received,
    /// The answer that the proxy made up itself, if it did.
    pub local_reply: Option<LocalReply>,
    /// The stream ended without the end of its response.
    pub reset: Option<Reset>,
    /// Filter state by name: `set_property(["breakglass"])` is `wasm.breakglass` for the access log.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Calls of the foreign function `clear_route_cache`.
    pub route_cache_clears: u32,
    /// Instructions per callback, if the proxy counts them.
    pub fuel: Vec<(&'static str, u64)>,
}

/// A message as a peer received it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Headers; empty until they were sent.
    pub headers: Headers,
    /// Body, one entry per write.
    pub chunks: Vec<Vec<u8>>,
    /// Trailers, if any.
    pub trailers: Option<Headers>,
    /// The message is complete.
    pub ended: bool,
}

/// An answer by the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u32,
    /// `%RESPONSE_CODE_DETAILS%`, with white space made underscores.
    pub details: String,
    /// The client has it: a reply after the response headers becomes a reset instead.
    pub delivered: bool,
}

/// Who ended a stream early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The filter closed it.
    Filter,
    /// A local reply came when response headers were out already.
    LateReply(LocalReply),
    /// The client went away.
    Client,
    /// The upstream went away after its headers.
    Upstream,
}

// === impl Http ===

impl Http {
    pub(crate) fn new(root: u32, handle: u64, created_at: u64) -> Self {
        Self {
            root,
            handle,
            created_at,
            fail_open: false,
            bodies_pass_paused_headers: false,
            request: Half::default(),
            response: Half::default(),
            created: false,
            phase: Phase::Open,
            failed: false,
            effects: Effects::default(),
        }
    }

    pub(crate) fn half(&self, direction: Direction) -> &Half {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    pub(crate) fn half_mut(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// The peer that receives a direction's message.
    pub(crate) fn receiver(&mut self, direction: Direction) -> &mut Received {
        match direction {
            Direction::Request => self.effects.upstream.get_or_insert_default(),
            Direction::Response => &mut self.effects.client,
        }
    }

    /// A map for reading. In `proxy_on_log` Envoy shows the headers once more, and response trailers.
    pub(crate) fn map(&self, map: MapType) -> Option<&Headers> {
        let logging = self.phase == Phase::Logging;
        match map {
            MapType::RequestHeaders => self.request.headers(logging),
            MapType::ResponseHeaders => self.response.headers(logging),
            MapType::RequestTrailers if logging => None,
            MapType::RequestTrailers => self.request.trailers(false),
            MapType::ResponseTrailers => self.response.trailers(logging),
            MapType::OfCall => None,
        }
    }

    /// A map for writing. Envoy makes trailers out of nothing in the last body callback.
    pub(crate) fn map_mut(&mut self, map: MapType) -> Option<&mut Headers> {
        match map {
            MapType::RequestHeaders => self.request.headers_mut(),
            MapType::ResponseHeaders => self.response.headers_mut(),
            MapType::RequestTrailers => self.request.trailers_mut(),
            MapType::ResponseTrailers => self.response.trailers_mut(),
            MapType::OfCall => None,
        }
    }
}

// === impl Half ===

impl Half {
    /// The body that the filter may read and change now.
    pub(crate) fn body(&mut self) -> Option<&mut Vec<u8>> {
        match self.buffering {
            true => Some(self.held.get_or_insert_default()),
            false => self.chunk.as_mut(),
        }
    }

    fn headers(&self, logging: bool) -> Option<&Headers> {
        self.headers
            .as_ref()
            .filter(|_| self.headers_visible || logging)
    }

    fn headers_mut(&mut self) -> Option<&mut Headers> {
        self.headers.as_mut().filter(|_| self.headers_visible)
    }

    fn trailers(&self, logging: bool) -> Option<&Headers> {
        self.trailers
            .as_ref()
            .filter(|_| self.trailers_visible || logging)
    }

    fn trailers_mut(&mut self) -> Option<&mut Headers> {
        if self.trailers.is_none() && self.chunk.is_some() && self.ended {
            self.trailers = Some(Headers::default());
            self.trailers_visible = true;
        }
        self.trailers.as_mut().filter(|_| self.trailers_visible)
    }
}

// === impl Effects ===

impl Effects {
    /// Filter state as text; bytes that are not UTF-8 show as U+FFFD.
    pub fn filter_state_text(&self, name: &str) -> Option<String> {
        let value = self.filter_state.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// For the message of a failed assertion: bytes are shown as text.
impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.filter_state.iter();
        let state: Vec<_> = state.map(|(name, value)| (name, escape(value))).collect();
        f.debug_struct("Effects")
            .field("upstream", &self.upstream)
            .field("client", &self.client)
            .field("local_reply", &self.local_reply)
            .field("reset", &self.reset)
            .field("filter_state", &state)
            .field("route_cache_clears", &self.route_cache_clears)
            .field("fuel", &self.fuel)
            .finish()
    }
}

// === impl Received ===

impl Received {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    /// The whole body as text; bytes that are not UTF-8 show as U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body()).into_owned()
    }

    /// The status of a response, 0 before it has one.
    pub fn status(&self) -> u32 {
        let status = self.headers.text(":status");
        status.and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks: Vec<_> = self.chunks.iter().map(|chunk| escape(chunk)).collect();
        f.debug_struct("Received")
            .field("headers", &self.headers)
            .field("chunks", &chunks)
            .field("trailers", &self.trailers)
            .field("ended", &self.ended)
            .finish()
    }
}

fn escape(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
