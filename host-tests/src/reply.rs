//! Answers that the proxy makes up itself: by the filter's wish, for a dead VM, for a body too large.

use crate::{
    headers::Headers,
    host::Reply,
    http::{Direction, End, Half, LocalReply, Reset},
    vm::Vm,
};

/// Envoy's `%RESPONSE_CODE_DETAILS%` for streams of a dead VM.
pub const FAIL_STREAM_DETAILS: &str = "wasm_fail_stream";

/// Envoy's details for a request that outgrows the buffer.
pub const REQUEST_TOO_LARGE_DETAILS: &str = "request_payload_too_large";

/// Envoy's details for a response that outgrows the buffer.
pub const RESPONSE_TOO_LARGE_DETAILS: &str = "response_payload_too_large";

const SERVICE_UNAVAILABLE: u32 = 503;
const PAYLOAD_TOO_LARGE: u32 = 413;
const INTERNAL_SERVER_ERROR: u32 = 500;

impl Vm {
    /// Answers the client. Before any response headers the answer goes through the filter's response
    /// callbacks; while the filter holds the upstream's headers it goes past the filter; after they are out
    /// nothing is left but a reset.
    pub(crate) fn local_reply(&mut self, id: u32, reply: Reply) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        let mut record = LocalReply {
            status: reply.status,
            details: reply.details.clone(),
            delivered: true,
        };
        if http.response.headers_forwarded {
            record.delivered = false;
            http.effects.local_reply = Some(record.clone());
            return self.reset(id, Reset::LateReply(record));
        }
        http.effects.local_reply = Some(record);
        let past_filter = http.response.headers.is_some();
        let of_head = http.request.headers.as_ref().and_then(|h| h.get(":method")) == Some(b"HEAD");
        let headers = headers_of(&reply);
        let body = match of_head {
            true => Vec::new(),
            false => reply.body,
        };
        if past_filter {
            return self.send_past_filter(id, headers, body);
        }
        let end = End::from(body.is_empty());
        self.headers(id, Direction::Response, headers, end);
        if end == End::More {
            self.data(id, Direction::Response, body, End::Last);
        }
    }

    /// What the host gives for a stream whose VM is dead, under `FAIL_CLOSED` and `FAIL_RELOAD`.
    pub(crate) fn answer_for_dead_vm(&mut self, id: u32) {
        self.local_reply(id, plain(SERVICE_UNAVAILABLE, FAIL_STREAM_DETAILS, ""));
    }

    /// What the host does when a held body outgrows the stream's buffer limit.
    pub(crate) fn too_large(&mut self, id: u32, direction: Direction) {
        let reply = match direction {
            Direction::Request => plain(
                PAYLOAD_TOO_LARGE,
                REQUEST_TOO_LARGE_DETAILS,
                "Payload Too Large",
            ),
            Direction::Response => plain(
                INTERNAL_SERVER_ERROR,
                RESPONSE_TOO_LARGE_DETAILS,
                "Internal Server Error",
            ),
        };
        self.local_reply(id, reply);
    }

    /// What the router answers when the upstream goes away before its headers.
    pub(crate) fn answer_for_lost_upstream(&mut self, id: u32) {
        let reply = plain(
            SERVICE_UNAVAILABLE,
            "upstream_reset_before_response_started{remote_reset}",
            "upstream connect error or disconnect/reset before headers. reset reason: remote reset",
        );
        self.local_reply(id, reply);
    }

    fn send_past_filter(&mut self, id: u32, headers: Headers, body: Vec<u8>) {
        let Some(http) = self.open_stream(id) else {
            return;
        };
        http.response = Half {
            headers: Some(headers),
            ..Half::default()
        };
        if !body.is_empty() {
            http.effects.client.chunks.push(body);
        }
        self.forward_headers(id, Direction::Response, End::Last);
    }
}

/// Envoy's order: the status, what the filter adds, then length and type of a body.
fn headers_of(reply: &Reply) -> Headers {
    let mut headers = Headers::default();
    headers.add(b":status", reply.status.to_string().as_bytes());
    for (name, value) in reply.headers.iter() {
        headers.add(name, value);
    }
    if !reply.body.is_empty() {
        headers.set(b"content-length", reply.body.len().to_string().as_bytes());
        if !headers.has("content-type") {
            headers.add(b"content-type", b"text/plain");
        }
    }
    headers
}

fn plain(status: u32, details: &str, body: &str) -> Reply {
    Reply {
        status,
        details: details.to_owned(),
        headers: Headers::default(),
        body: body.as_bytes().to_vec(),
    }
}
