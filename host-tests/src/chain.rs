//! The way of one stream through the filter: Envoy's filter manager with one filter in the chain.
//!
//! Read it beside `source/common/http/filter_manager.cc` and the Wasm `Context` of Envoy. In order, for each part
//! of a message: the callback runs; what it put off happens (local reply, reset, continue); then its return
//! value decides whether the part goes on, is held, or stops everything.

use crate::{
    headers::Headers,
    host::Deferred,
    http::{Direction, End, Half, Http, Reset, Stopped},
    vm::{self, Callback, Called, Vm},
};

/// What the filter said about a part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Continue,
    /// `Pause`.
    Hold,
    /// Hold, without the buffer limit (Envoy's watermark variants, which the Rust SDK cannot return).
    HoldUnbounded,
    /// The part is dropped and nothing follows: after a local reply, or on a dead VM.
    Stop,
}

/// Values of the ABI's action; the SDK knows the first two.
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;
const PAUSE_WITH_WATERMARK: u32 = 2;

impl Vm {
    /// Headers of a message arrive.
    pub(crate) fn headers(&mut self, id: u32, direction: Direction, headers: Headers, end: End) {
        let count = u32::try_from(headers.len()).unwrap_or(u32::MAX);
        let Some(half) = self.half(id, direction) else {
            return;
        };
        half.headers = Some(headers);
        half.headers_visible = true;
        half.ended = end == End::Last;
        if direction == Direction::Request {
            self.create_stream(id);
        }
        let callback = match direction {
            Direction::Request => &vm::ON_REQUEST_HEADERS,
            Direction::Response => &vm::ON_RESPONSE_HEADERS,
        };
        let verdict = self.ask(id, direction, callback, (id, count, end as u32));
        let Some(http) = self.open_stream(id) else {
            return;
        };
        let bodies_pass = http.bodies_pass_paused_headers;
        let half = http.half_mut(direction);
        match verdict {
            Verdict::Continue => {
                half.headers_visible = false;
                self.forward_headers(id, direction, end);
            }
            Verdict::Hold if bodies_pass => half.stopped = Stopped::Here,
            Verdict::Hold | Verdict::HoldUnbounded | Verdict::Stop => half.stopped = Stopped::All,
        }
    }

    /// A part of a body arrives.
    pub(crate) fn data(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, end: End) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        if direction == Direction::Request && http.effects.local_reply.is_some() {
            return; // Envoy aborts the request's side once a local reply is under way.
        }
        let half = http.half_mut(direction);
        half.ended = end == End::Last;
        if half.stopped == Stopped::All {
            // Held without a limit: Envoy turns Pause at headers into StopAllIterationAndWatermark.
            half.held.get_or_insert_default().extend(chunk);
            return;
        }
        self.data_to_filter(id, direction, chunk, end);
    }

    /// Trailers arrive, which end a message.
    pub(crate) fn trailers(&mut self, id: u32, direction: Direction, trailers: Headers) {
        let Some(half) = self.half(id, direction) else {
            return;
        };
        half.trailers = Some(trailers);
        half.ended = true;
        if half.stopped != Stopped::All {
            self.trailers_to_filter(id, direction);
        }
    }

    /// The stream ends early: the peer or the filter closed it.
    pub(crate) fn reset(&mut self, id: u32, reset: Reset) {
        if let Some(http) = self.open_stream(id) {
            http.effects.reset = Some(reset);
            self.complete(id);
        }
    }

    /// Does what the guest put off during the call that just returned.
    pub(crate) fn run_deferred(&mut self) {
        let deferred = std::mem::take(&mut self.host_mut().call.deferred);
        for action in deferred {
            match action {
                Deferred::Continue(id, direction) => self.continue_stream(id, direction),
                Deferred::Close(id) => self.reset(id, Reset::Filter),
                Deferred::Reply(id, reply) => self.local_reply(id, reply),
                Deferred::RootDone(id) => self.delete_root(id),
            }
        }
    }

    /// The stream, while bytes may flow.
    pub(crate) fn open_stream(&mut self, id: u32) -> Option<&mut Http> {
        let http = self.host_mut().streams.get_mut(&id)?;
        http.is_open().then_some(http)
    }

    /// The message of an open stream.
    pub(crate) fn half(&mut self, id: u32, direction: Direction) -> Option<&mut Half> {
        Some(self.open_stream(id)?.half_mut(direction))
    }

    /// Sends headers on to the peer.
    pub(crate) fn forward_headers(&mut self, id: u32, direction: Direction, end: End) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        let half = http.half_mut(direction);
        half.headers_forwarded = true;
        let headers = half.headers.clone().unwrap_or_default();
        let receiver = http.receiver(direction);
        receiver.headers = headers;
        self.forward_end(id, direction, end);
    }

    fn data_to_filter(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, end: End) {
        let limit = self.host().process.settings.buffer_limit;
        let Some(half) = self.half(id, direction) else {
            return;
        };
        let mut chunk = chunk;
        if half.buffering {
            let held = half.held.get_or_insert_default();
            held.append(&mut chunk);
            if held.len() > limit {
                return self.too_large(id, direction);
            }
        }
        half.chunk = Some(chunk);
        let size = half.body().map_or(0, |body| body.len());
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let callback = match direction {
            Direction::Request => &vm::ON_REQUEST_BODY,
            Direction::Response => &vm::ON_RESPONSE_BODY,
        };
        let verdict = self.ask(id, direction, callback, (id, size, end as u32));
        let Some(half) = self.half(id, direction) else {
            return;
        };
        half.buffering = false;
        let chunk = half.chunk.take().unwrap_or_default();
        match verdict {
            Verdict::Continue if half.stopped == Stopped::Here => {
                half.held.get_or_insert_default().extend(chunk);
                self.resume(id, direction);
            }
            Verdict::Continue => self.forward_data(id, direction, chunk, end),
            Verdict::Hold | Verdict::HoldUnbounded => {
                half.stopped = Stopped::Here;
                half.buffering = verdict == Verdict::Hold;
                let held = half.held.get_or_insert_default();
                held.extend(chunk);
                if verdict == Verdict::Hold && held.len() > limit {
                    self.too_large(id, direction);
                }
            }
            Verdict::Stop => half.stopped = Stopped::Here,
        }
    }

    fn trailers_to_filter(&mut self, id: u32, direction: Direction) {
        let Some(half) = self.half(id, direction) else {
            return;
        };
        half.trailers_visible = true;
        let count = half.trailers.as_ref().map_or(0, Headers::len);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let callback = match direction {
            Direction::Request => &vm::ON_REQUEST_TRAILERS,
            Direction::Response => &vm::ON_RESPONSE_TRAILERS,
        };
        let verdict = self.ask(id, direction, callback, (id, count));
        let Some(half) = self.half(id, direction) else {
            return;
        };
        match verdict {
            Verdict::Continue => {
                half.trailers_visible = false;
                match half.stopped {
                    Stopped::Here => self.resume(id, direction),
                    _ => self.forward_trailers(id, direction),
                }
            }
            _ => half.stopped = Stopped::Here,
        }
    }

    /// `proxy_continue_stream`. Envoy hides every part of the *request* whatever direction is continued.
    fn continue_stream(&mut self, id: u32, direction: Direction) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        http.request.headers_visible = false;
        http.request.trailers_visible = false;
        let half = http.half_mut(direction);
        half.headers_visible = false;
        half.trailers_visible = false;
        if half.stopped == Stopped::No {
            let text = "proxy_continue_stream on a message that is not paused: Envoy asserts";
            return self.host().complain(text);
        }
        self.resume(id, direction);
    }

    /// Envoy's `commonContinue`: headers, then what is held, then trailers. After a stop at the headers the
    /// held body comes to the filter first; after a stop at the body it has seen it.
    fn resume(&mut self, id: u32, direction: Direction) {
        let Some(half) = self.half(id, direction) else {
            return;
        };
        let unseen = half.stopped == Stopped::All;
        half.stopped = Stopped::No;
        half.buffering = false;
        let (ended, trailers) = (half.ended, half.trailers.is_some());
        if !half.headers_forwarded {
            let alone = ended && half.held.is_none() && !trailers;
            self.forward_headers(id, direction, End::from(alone));
        }
        let held = self.half(id, direction).and_then(|half| half.held.take());
        if let Some(held) = held {
            let end = End::from(ended && !trailers);
            match unseen {
                true => self.data_to_filter(id, direction, held, end),
                false => self.forward_data(id, direction, held, end),
            }
        }
        if trailers {
            match unseen {
                true => self.trailers_to_filter(id, direction),
                false => self.forward_trailers(id, direction),
            }
        }
    }

    fn forward_data(&mut self, id: u32, direction: Direction, chunk: Vec<u8>, end: End) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        if !chunk.is_empty() {
            http.receiver(direction).chunks.push(chunk);
        }
        let made_trailers = end == End::Last && http.half(direction).trailers.is_some();
        match made_trailers {
            // The filter added trailers in the last body callback.
            true => self.forward_trailers(id, direction),
            false => self.forward_end(id, direction, end),
        }
    }

    fn forward_trailers(&mut self, id: u32, direction: Direction) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        let trailers = http.half(direction).trailers.clone();
        http.receiver(direction).trailers = trailers;
        self.forward_end(id, direction, End::Last);
    }

    /// The end of the response is the end of the stream.
    fn forward_end(&mut self, id: u32, direction: Direction, end: End) {
        if end == End::More {
            return;
        }
        if let Some(http) = self.open_stream(id) {
            http.receiver(direction).ended = true;
        }
        if direction == Direction::Response {
            self.complete(id);
        }
    }

    /// Calls back about a part of a message and does what the guest put off.
    fn ask<P: wasmtime::WasmParams>(
        &mut self,
        id: u32,
        direction: Direction,
        callback: &Callback<P, u32>,
        arguments: P,
    ) -> Verdict {
        if self.is_past_asking(id, direction) {
            return Verdict::Continue;
        }
        let called = self.call(id, callback, arguments);
        let stop = std::mem::take(&mut self.host_mut().call.stop_iteration);
        match called {
            Called::Missing => Verdict::Continue,
            Called::Failed => {
                let verdict = self.fail_stream(id);
                self.run_deferred();
                verdict
            }
            Called::Returned(value) => {
                self.run_deferred();
                self.verdict(value, stop, callback.name)
            }
        }
    }

    fn verdict(&self, value: u32, stop: bool, callback: &str) -> Verdict {
        let of_headers = callback.ends_with("_headers");
        let ignored = !of_headers && !self.host().process.profile.pause_holds_body;
        match value {
            _ if stop => Verdict::Stop,
            CONTINUE => Verdict::Continue,
            PAUSE | PAUSE_WITH_WATERMARK if ignored => Verdict::Continue,
            PAUSE => Verdict::Hold,
            PAUSE_WITH_WATERMARK => Verdict::HoldUnbounded,
            _ => Verdict::Stop,
        }
    }

    /// Envoy does not ask about responses once it has answered for a dead VM, nor about streams that the VM
    /// has never heard of.
    fn is_past_asking(&mut self, id: u32, direction: Direction) -> bool {
        match self.open_stream(id) {
            Some(http) => direction == Direction::Response && (http.failed || !http.created),
            None => true,
        }
    }

    fn fail_stream(&mut self, id: u32) -> Verdict {
        let Some(http) = self.open_stream(id) else {
            return Verdict::Stop;
        };
        if http.fail_open {
            return Verdict::Continue;
        }
        if !std::mem::replace(&mut http.failed, true) {
            self.answer_for_dead_vm(id);
        }
        Verdict::Stop
    }
}

// === impl End ===

impl From<bool> for End {
    fn from(last: bool) -> Self {
        match last {
            true => Self::Last,
            false => Self::More,
        }
    }
}
