//! Logging, time, ticks, and calls that this host answers with "unimplemented".

use wasmtime::{Caller, Linker};

use super::{Guest, allowed, call};
use crate::{
    host::{Deferred, HostState},
    process::Level,
    profile::Support,
    status::{HostResult, Status},
};

type Host<'a> = Caller<'a, HostState>;

const NANOS_PER_MILLI: u64 = 1_000_000;

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_log",
            |host: Host<'_>, level: u32, at: u32, len: u32| {
                call(host, "proxy_log", |guest| log(guest, level, at, len))
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_log_level",
            |host: Host<'_>, level_at: u32| {
                call(host, "proxy_get_log_level", |guest| {
                    let level = guest.host().process.settings.log_level;
                    guest.write_u32(level_at, level as u32)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_current_time_nanoseconds",
            |host: Host<'_>, time_at: u32| {
                call(host, "proxy_get_current_time_nanoseconds", |guest| {
                    let now = guest.host().visible_nanos();
                    guest.write_u64(time_at, now)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_set_tick_period_milliseconds",
            |host: Host<'_>, period: u32| {
                call(host, "proxy_set_tick_period_milliseconds", |guest| {
                    set_tick_period(guest, period)
                })
            },
        )?
        .func_wrap("env", "proxy_done", |host: Host<'_>| {
            call(host, "proxy_done", done)
        })?
        .func_wrap(
            "env",
            "proxy_set_effective_context",
            |host: Host<'_>, context: u32| {
                call(host, "proxy_set_effective_context", |guest| {
                    set_effective_context(guest, context)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_status",
            |host: Host<'_>, code_at: u32, text_at: u32, text_len_at: u32| {
                call(host, "proxy_get_status", |guest| {
                    guest.write_u32(code_at, 0)?;
                    guest.give(b"", text_at, text_len_at)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_call_foreign_function",
            |host: Host<'_>, name: u32, name_len: u32, _: u32, _: u32, at: u32, len: u32| {
                call(host, "proxy_call_foreign_function", |guest| {
                    let name = guest.read_text(name, name_len)?;
                    call_foreign_function(guest, &name)?;
                    guest.give(b"", at, len)
                })
            },
        )?;
    link_unimplemented(linker)
}

fn log(guest: &mut Guest<'_, '_>, level: u32, at: u32, len: u32) -> HostResult {
    let level = Level::from_abi(level).ok_or(Status::BadArgument)?;
    let message = guest.read(at, len)?;
    guest.host().log(level, &message);
    Ok(())
}

fn set_tick_period(guest: &mut Guest<'_, '_>, millis: u32) -> HostResult {
    let host = guest.host();
    if !allowed(host.process.profile.ticks, "a tick period")? {
        return Ok(());
    }
    let root = host.root_context();
    let again = host.timers.contains_key(&root) || host.stream().is_some();
    if host.process.profile.one_tick_period && again {
        // ngx_wasm_module: "tick_period already set", "can only set tick_period in root context".
        allowed(Support::Traps, "a second tick period, or one for a stream,")?;
    }
    host.set_timer(root, u64::from(millis) * NANOS_PER_MILLI);
    Ok(())
}

fn done(guest: &mut Guest<'_, '_>) -> HostResult {
    let host = guest.host();
    let context = host.context();
    match host.roots.get(&context) {
        Some(root) if root.done_pending => {
            host.call.deferred.push(Deferred::RootDone(context));
            Ok(())
        }
        _ => Err(Status::NotFound.into()),
    }
}

fn set_effective_context(guest: &mut Guest<'_, '_>, context: u32) -> HostResult {
    let host = guest.host();
    if !host.has_context(context) {
        return Err(Status::BadArgument.into());
    }
    host.set_effective(context);
    Ok(())
}

fn call_foreign_function(guest: &mut Guest<'_, '_>, name: &str) -> HostResult {
    let host = guest.host();
    if !host.process.profile.foreign_functions.contains(&name) {
        let unknown = host.process.profile.unknown_foreign_function;
        allowed(unknown, &format!("the foreign function {name:?}"))?;
        return Ok(());
    }
    if let Some(http) = host.stream().filter(|_| name == "clear_route_cache") {
        http.effects.route_cache_clears += 1;
    }
    Ok(())
}

/// Queues and calls to other services: linked, so that the SDK's imports resolve, and answered so.
fn link_unimplemented(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    const NO: u32 = Status::Unimplemented as u32;
    linker
        .func_wrap(
            "env",
            "proxy_register_shared_queue",
            |_: u32, _: u32, _: u32| NO,
        )?
        .func_wrap(
            "env",
            "proxy_resolve_shared_queue",
            |_: u32, _: u32, _: u32, _: u32, _: u32| NO,
        )?
        .func_wrap(
            "env",
            "proxy_dequeue_shared_queue",
            |_: u32, _: u32, _: u32| NO,
        )?
        .func_wrap(
            "env",
            "proxy_enqueue_shared_queue",
            |_: u32, _: u32, _: u32| NO,
        )?
        .func_wrap("env", "proxy_http_call", no_http_call)?
        .func_wrap("env", "proxy_grpc_call", no_grpc_call)?
        .func_wrap("env", "proxy_grpc_stream", no_grpc_stream)?
        .func_wrap(
            "env",
            "proxy_grpc_send",
            |_: u32, _: u32, _: u32, _: u32| NO,
        )?
        .func_wrap("env", "proxy_grpc_cancel", |_: u32| NO)?
        .func_wrap("env", "proxy_grpc_close", |_: u32| NO)?;
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The ABI has them.
fn no_http_call(
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> u32 {
    Status::Unimplemented as u32
}

#[allow(clippy::too_many_arguments)] // The ABI has them.
fn no_grpc_call(
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
    _: u32,
) -> u32 {
    Status::Unimplemented as u32
}

#[allow(clippy::too_many_arguments)] // The ABI has them.
fn no_grpc_stream(_: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32) -> u32 {
    Status::Unimplemented as u32
}
