//! A request and its response, driven by the test from both ends.

use crate::{
    http::{Direction, Effects, End, Http, Received, Reset},
    thread::{SharedThread, lock},
    vm::Vm,
};

/// A stream on a worker. The test plays the client (`request…`) and the upstream (`response…`).
///
/// What a peer writes after the stream is over is dropped, as on a real proxy. A stream that is let go of
/// while it is open is a client that disconnects.
#[derive(Debug)]
pub struct Stream {
    thread: SharedThread,
    vm: u64,
    id: u32,
    finished: bool,
}

// === impl Stream ===

impl Stream {
    pub(crate) fn new(thread: SharedThread, vm: u64, id: u32) -> Self {
        Self {
            thread,
            vm,
            id,
            finished: false,
        }
    }

    /// The id of the stream's context in the guest.
    pub fn context_id(&self) -> u32 {
        self.id
    }

    /// The client sends its headers.
    #[track_caller]
    pub fn request<K, V>(&mut self, headers: impl IntoIterator<Item = (K, V)>, end: End)
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let seen = self.with(|http| http.request.headers.is_some());
        assert!(!seen, "the client has sent its headers already");
        self.drive(|vm, id| vm.headers(id, Direction::Request, headers.into_iter().collect(), end));
    }

    /// The client sends a part of its body. Returns what the upstream got because of it.
    #[track_caller]
    pub fn request_body(&mut self, chunk: impl AsRef<[u8]>, end: End) -> Vec<u8> {
        self.write(Direction::Request, chunk.as_ref(), end)
    }

    /// The client ends its body with trailers.
    #[track_caller]
    pub fn request_trailers<K, V>(&mut self, trailers: impl IntoIterator<Item = (K, V)>)
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        self.expect_begun(Direction::Request);
        self.drive(|vm, id| vm.trailers(id, Direction::Request, trailers.into_iter().collect()));
    }

    /// The upstream sends its headers.
    ///
    /// # Panics
    /// If the stream is open and the upstream has not received a request.
    #[track_caller]
    pub fn response<K, V>(&mut self, headers: impl IntoIterator<Item = (K, V)>, end: End)
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        if self.is_over() {
            return;
        }
        let ready = self.with(|http| http.effects.upstream.is_some());
        assert!(
            ready,
            "the upstream has not received a request, so it cannot answer"
        );
        let seen = self.with(|http| http.response.headers.is_some());
        assert!(!seen, "the upstream has sent its headers already");
        self.drive(|vm, id| {
            vm.headers(id, Direction::Response, headers.into_iter().collect(), end)
        });
    }

    /// The upstream sends a part of its body. Returns what the client got because of it.
    #[track_caller]
    pub fn response_body(&mut self, chunk: impl AsRef<[u8]>, end: End) -> Vec<u8> {
        self.write(Direction::Response, chunk.as_ref(), end)
    }

    /// The upstream ends its body with trailers.
    #[track_caller]
    pub fn response_trailers<K, V>(&mut self, trailers: impl IntoIterator<Item = (K, V)>)
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        self.expect_begun(Direction::Response);
        self.drive(|vm, id| vm.trailers(id, Direction::Response, trailers.into_iter().collect()));
    }

    /// The client goes away.
    pub fn client_reset(&mut self) {
        self.drive(|vm, id| vm.reset(id, Reset::Client));
    }

    /// The upstream goes away. Before its headers Envoy answers 503; after them it resets the client.
    pub fn upstream_reset(&mut self) {
        let begun = self.with(|http| http.response.headers.is_some());
        self.drive(|vm, id| match begun {
            true => vm.reset(id, Reset::Upstream),
            false => vm.answer_for_lost_upstream(id),
        });
    }

    /// Whether the stream has ended, in whatever way.
    pub fn is_over(&self) -> bool {
        self.with(|http| !http.is_open())
    }

    /// What the client has received so far.
    pub fn client(&self) -> Received {
        self.with(|http| http.effects.client.clone())
    }

    /// What the upstream has received so far; `None` while the request headers are held.
    pub fn upstream(&self) -> Option<Received> {
        self.with(|http| http.effects.upstream.clone())
    }

    /// Everything that the stream did so far.
    pub fn effects(&self) -> Effects {
        self.with(|http| http.effects.clone())
    }

    /// Ends the stream, by a disconnect of the client if it is still open, and tells what it did.
    pub fn finish(mut self) -> Effects {
        self.close().unwrap_or_default()
    }

    #[track_caller]
    fn write(&mut self, direction: Direction, chunk: &[u8], end: End) -> Vec<u8> {
        if self.is_over() {
            return Vec::new();
        }
        self.expect_begun(direction);
        let before = self.with(|http| written(http, direction).len());
        self.drive(|vm, id| {
            let limit = vm.host().process.profile.chunk_limit.unwrap_or(usize::MAX);
            for (part, end) in parts(chunk, limit, end) {
                vm.data(id, direction, part.to_vec(), end);
            }
        });
        self.with(|http| written(http, direction)[before..].concat())
    }

    #[track_caller]
    fn expect_begun(&self, direction: Direction) {
        let begun = self.with(|http| !http.is_open() || http.half(direction).headers.is_some());
        assert!(begun, "a {direction:?} cannot go on before its headers");
        let ended = self.with(|http| http.is_open() && http.half(direction).ended);
        assert!(!ended, "the {direction:?} has ended already");
    }

    fn drive(&self, run: impl FnOnce(&mut Vm, u32)) {
        let mut thread = lock(&self.thread);
        if let Some(vm) = thread.vm(self.vm) {
            run(vm, self.id);
        }
        thread.settle();
    }

    fn with<T>(&self, read: impl FnOnce(&Http) -> T) -> T {
        let mut thread = lock(&self.thread);
        let http = thread
            .vm(self.vm)
            .and_then(|vm| vm.host_mut().any_stream(self.id));
        match http {
            Some(http) => read(http),
            None => unreachable!("a stream lives as long as its handle"),
        }
    }

    fn close(&mut self) -> Option<Effects> {
        if std::mem::replace(&mut self.finished, true) {
            return None;
        }
        self.drive(|vm, id| {
            let begun = vm.open_stream(id).is_some_and(|http| http.created);
            match begun {
                true => vm.reset(id, Reset::Client),
                false => vm.abandon(id),
            }
        });
        let http = lock(&self.thread).forget(self.vm, self.id)?;
        Some(http.effects)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}

fn written(http: &Http, direction: Direction) -> &[Vec<u8>] {
    match (direction, &http.effects.upstream) {
        (Direction::Response, _) => &http.effects.client.chunks,
        (Direction::Request, Some(upstream)) => &upstream.chunks,
        (Direction::Request, None) => &[],
    }
}

/// A write in parts of at most `limit` bytes; the last one carries the end.
fn parts(chunk: &[u8], limit: usize, end: End) -> Vec<(&[u8], End)> {
    if chunk.len() <= limit {
        return vec![(chunk, end)];
    }
    let mut parts: Vec<_> = chunk.chunks(limit).map(|part| (part, End::More)).collect();
    if let Some((_, last)) = parts.last_mut() {
        *last = end;
    }
    parts
}
