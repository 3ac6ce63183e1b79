//! Bodies and configurations.

use wasmtime::{Caller, Linker};

use super::{Guest, allowed, call};
use crate::{
    host::HostState,
    status::{HostResult, Refusal, Status},
};

/// The buffer types that this host has something for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Buffer {
    RequestBody,
    ResponseBody,
    VmConfiguration,
    PluginConfiguration,
    /// Buffers of TCP streams and of calls to other services.
    Other,
}

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_get_buffer_bytes",
            |host: Caller<'_, HostState>, buffer: u32, start: u32, max: u32, at: u32, len: u32| {
                call(host, "proxy_get_buffer_bytes", |guest| {
                    let bytes = read(guest, Buffer::from_abi(buffer)?, start, max)?;
                    match bytes {
                        Some(bytes) => guest.give(&bytes, at, len),
                        // Envoy leaves the return values alone when there is nothing to read.
                        None => Ok(()),
                    }
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_buffer_status",
            |host: Caller<'_, HostState>, buffer: u32, len_at: u32, flags_at: u32| {
                call(host, "proxy_get_buffer_status", |guest| {
                    let len = contents(guest.host(), Buffer::from_abi(buffer)?)?.len();
                    guest.write_u32(len_at, u32::try_from(len).unwrap_or(u32::MAX))?;
                    guest.write_u32(flags_at, 0)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_set_buffer_bytes",
            |host: Caller<'_, HostState>, buffer: u32, start: u32, len: u32, at: u32, size: u32| {
                call(host, "proxy_set_buffer_bytes", |guest| {
                    let buffer = Buffer::from_abi(buffer)?;
                    let data = guest.read(at, size)?;
                    write(guest.host(), buffer, start, len, &data)
                })
            },
        )?;
    Ok(())
}

/// Bytes from `start`, at most `max`; `None` when there are none. A `start` behind the end makes Envoy's
/// length underflow: the host aborts or the guest's allocator does, so it is a trap here.
fn read(
    guest: &mut Guest<'_, '_>,
    buffer: Buffer,
    start: u32,
    max: u32,
) -> HostResult<Option<Vec<u8>>> {
    let end = start.checked_add(max).ok_or(Status::BadArgument)?;
    let bytes = contents(guest.host(), buffer)?;
    let (start, end) = (start as usize, (end as usize).min(bytes.len()));
    if start > bytes.len() {
        let len = bytes.len();
        return Err(Refusal::trap(format!(
            "a read of a buffer of {len} bytes from {start} on: Envoy's length underflows"
        )));
    }
    Ok((start < end).then(|| bytes[start..end].to_vec()))
}

/// A body that is not there reads as empty in Envoy; a configuration that is not there is an error.
fn contents(host: &mut HostState, buffer: Buffer) -> HostResult<&[u8]> {
    match buffer {
        Buffer::VmConfiguration => Ok(&host.vm_configuration),
        Buffer::PluginConfiguration => host
            .configuring
            .as_deref()
            .ok_or_else(|| Status::NotFound.into()),
        Buffer::Other => Err(Status::NotFound.into()),
        Buffer::RequestBody | Buffer::ResponseBody => {
            Ok(body(host, buffer).map_or(&[], |bytes| bytes.as_slice()))
        }
    }
}

/// Envoy's three ways to write: replace the first `len` bytes (`start` 0), append (`start` at or behind the
/// end), and nothing in between.
fn write(host: &mut HostState, buffer: Buffer, start: u32, len: u32, data: &[u8]) -> HostResult {
    let profile = &host.process.profile;
    let (rewriting, wrong_phase) = (profile.body_rewriting, profile.wrong_phase);
    let Some(bytes) = body(host, buffer) else {
        allowed(wrong_phase, "a change of a buffer that is not there")?;
        return Ok(());
    };
    if !allowed(rewriting, "a change of a body")? {
        return Ok(());
    }
    let (start, len) = (start as usize, len as usize);
    if start == 0 {
        let end = len.min(bytes.len());
        bytes.splice(..end, data.iter().copied());
        Ok(())
    } else if start >= bytes.len() {
        bytes.extend_from_slice(data);
        Ok(())
    } else {
        Err(Status::BadArgument.into())
    }
}

fn body(host: &mut HostState, buffer: Buffer) -> Option<&mut Vec<u8>> {
    let http = host.stream()?;
    match buffer {
        Buffer::RequestBody => http.request.body(),
        Buffer::ResponseBody => http.response.body(),
        _ => None,
    }
}

// === impl Buffer ===

impl Buffer {
    fn from_abi(buffer: u32) -> HostResult<Self> {
        match buffer {
            0 => Ok(Self::RequestBody),
            1 => Ok(Self::ResponseBody),
            6 => Ok(Self::VmConfiguration),
            7 => Ok(Self::PluginConfiguration),
            2..=5 | 8 => Ok(Self::Other),
            _ => Err(Status::BadArgument.into()),
        }
    }
}
