//! Calls that move, end or answer a stream. Envoy puts each off until the guest has returned.

use wasmtime::{Caller, Linker};

use super::{Guest, call};
use crate::{
    headers::Headers,
    host::{Deferred, HostState, Reply},
    http::Direction,
    status::{HostResult, Status},
};

/// What a stream call acts on.
#[derive(Clone, Copy, Debug)]
enum StreamType {
    Http(Direction),
    Downstream,
    Upstream,
}

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_continue_stream",
            |host: Caller<'_, HostState>, stream: u32| {
                call(host, "proxy_continue_stream", |guest| {
                    continue_stream(guest, StreamType::from_abi(stream)?)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_close_stream",
            |host: Caller<'_, HostState>, stream: u32| {
                call(host, "proxy_close_stream", |guest| {
                    close_stream(guest, StreamType::from_abi(stream)?)
                })
            },
        )?
        .func_wrap("env", "proxy_send_local_response", send_local_response)?;
    Ok(())
}

fn continue_stream(guest: &mut Guest<'_, '_>, stream: StreamType) -> HostResult {
    match stream {
        StreamType::Http(direction) => {
            let host = guest.host();
            let context = host.context();
            if host.stream().is_some() {
                let action = Deferred::Continue(context, direction);
                host.call.deferred.push(action);
            }
            Ok(())
        }
        StreamType::Downstream => Ok(()),
        StreamType::Upstream => Err(Status::Unimplemented.into()),
    }
}

fn close_stream(guest: &mut Guest<'_, '_>, stream: StreamType) -> HostResult {
    let host = guest.host();
    let context = host.context();
    if matches!(stream, StreamType::Http(_)) && host.stream().is_some() {
        host.call.deferred.push(Deferred::Close(context));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The ABI has them.
fn send_local_response(
    host: Caller<'_, HostState>,
    status: u32,
    details: u32,
    details_len: u32,
    body: u32,
    body_len: u32,
    headers: u32,
    headers_len: u32,
    _grpc_status: i32,
) -> wasmtime::Result<u32> {
    call(host, "proxy_send_local_response", |guest| {
        let details = guest.read_text(details, details_len)?;
        let body = guest.read(body, body_len)?;
        let headers = guest.read(headers, headers_len)?;
        let host = guest.host();
        let headers = Headers::decode(&headers).unwrap_or_else(|| {
            host.complain("proxy_send_local_response with malformed headers: Envoy sends none");
            Headers::default()
        });
        let reply = Reply {
            status,
            details: details.replace(|c: char| c.is_ascii_whitespace(), "_"),
            headers,
            body,
        };
        let context = host.context();
        if host.stream().is_some() {
            host.call.deferred.push(Deferred::Reply(context, reply));
        }
        host.call.stop_iteration = true;
        Ok(())
    })
}

// === impl StreamType ===

impl StreamType {
    fn from_abi(stream: u32) -> HostResult<Self> {
        match stream {
            0 => Ok(Self::Http(Direction::Request)),
            1 => Ok(Self::Http(Direction::Response)),
            2 => Ok(Self::Downstream),
            3 => Ok(Self::Upstream),
            _ => Err(Status::BadArgument.into()),
        }
    }
}
