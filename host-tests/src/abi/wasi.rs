//! The part of WASI preview 1 that proxies have, with Envoy's answers.

use wasmtime::{Caller, Linker};

use super::Guest;
use crate::{host::HostState, process::Level, status::HostResult};

type Host<'a> = Caller<'a, HostState>;

const SUCCESS: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const BAD_ADDRESS: u32 = 21;
const NO_SYSTEM_CALL: u32 = 52;
const NOT_SUPPORTED: u32 = 58;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Envoy has the real-time clock (0) and, of late, the monotonic one (1).
const LAST_CLOCK: u32 = 1;

/// Random bytes that one call may ask for; far above what seeds and ids need.
const RANDOM_LIMIT: u32 = 64 * 1024;

const MODULE: &str = "wasi_snapshot_preview1";

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            MODULE,
            "fd_write",
            |mut host: Host<'_>, fd: u32, vectors: u32, count: u32, written_at: u32| {
                let level = match fd {
                    STDOUT => Level::Info,
                    STDERR => Level::Error,
                    _ => return BAD_DESCRIPTOR,
                };
                let mut guest = Guest::new(&mut host);
                errno(fd_write(&mut guest, level, vectors, count, written_at))
            },
        )?
        .func_wrap(
            MODULE,
            "clock_time_get",
            |mut host: Host<'_>, clock: u32, _precision: u64, time_at: u32| {
                if clock > LAST_CLOCK {
                    return NOT_SUPPORTED;
                }
                let now = host.data().visible_nanos();
                errno(Guest::new(&mut host).write_u64(time_at, now))
            },
        )?
        .func_wrap(
            MODULE,
            "random_get",
            |mut host: Host<'_>, at: u32, len: u32| {
                let mut bytes = vec![0; len.min(RANDOM_LIMIT) as usize];
                host.data_mut().random.fill(&mut bytes);
                errno(Guest::new(&mut host).write(at, &bytes))
            },
        )?
        .func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> {
            // Envoy only notes it; what follows the call is `unreachable` in every libc.
            Err(wasmtime::Error::msg(format!(
                "the guest exited with code {code}"
            )))
        })?;
    link_environment(linker)?;
    link_files(linker)
}

/// No arguments, no environment variables.
fn link_environment(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    fn nothing(mut host: Host<'_>, count_at: u32, size_at: u32) -> u32 {
        let mut guest = Guest::new(&mut host);
        errno(
            guest
                .write_u32(count_at, 0)
                .and_then(|()| guest.write_u32(size_at, 0)),
        )
    }
    linker
        .func_wrap(MODULE, "environ_sizes_get", nothing)?
        .func_wrap(MODULE, "args_sizes_get", nothing)?
        .func_wrap(MODULE, "environ_get", |_: u32, _: u32| SUCCESS)?
        .func_wrap(MODULE, "args_get", |_: u32, _: u32| SUCCESS)?
        .func_wrap(MODULE, "sched_yield", || SUCCESS)?
        .func_wrap(MODULE, "poll_oneoff", |_: u32, _: u32, _: u32, _: u32| {
            NO_SYSTEM_CALL
        })?;
    Ok(())
}

/// No files.
fn link_files(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(MODULE, "fd_read", |_: u32, _: u32, _: u32, _: u32| {
            NO_SYSTEM_CALL
        })?
        .func_wrap(MODULE, "fd_seek", |_: u32, _: i64, _: u32, _: u32| SUCCESS)?
        .func_wrap(MODULE, "fd_close", |_: u32| SUCCESS)?
        .func_wrap(
            MODULE,
            "fd_fdstat_get",
            |mut host: Host<'_>, fd: u32, stat_at: u32| {
                // Rights: write, and nothing else.
                const STAT: [u8; 24] = {
                    let mut stat = [0; 24];
                    stat[8] = 64;
                    stat
                };
                match fd {
                    STDOUT | STDERR => errno(Guest::new(&mut host).write(stat_at, &STAT)),
                    _ => BAD_DESCRIPTOR,
                }
            },
        )?
        .func_wrap(MODULE, "fd_prestat_get", |_: u32, _: u32| BAD_DESCRIPTOR)?
        .func_wrap(MODULE, "fd_prestat_dir_name", |_: u32, _: u32, _: u32| {
            BAD_DESCRIPTOR
        })?
        .func_wrap(MODULE, "path_open", no_path_open)?;
    Ok(())
}

#[allow(clippy::too_many_arguments)] // WASI has them.
fn no_path_open(_: u32, _: u32, _: u32, _: u32, _: u32, _: u64, _: u64, _: u32, _: u32) -> u32 {
    NO_SYSTEM_CALL
}

/// Standard output and error become log lines, one a call, without the line end.
fn fd_write(
    guest: &mut Guest<'_, '_>,
    level: Level,
    vectors: u32,
    count: u32,
    written_at: u32,
) -> HostResult {
    let mut text = Vec::new();
    for n in 0..count {
        let vector = vectors.wrapping_add(n.wrapping_mul(8));
        let (at, len) = (
            guest.read_u32(vector)?,
            guest.read_u32(vector.wrapping_add(4))?,
        );
        text.extend(guest.read(at, len)?);
    }
    let written = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if !text.is_empty() {
        guest
            .host()
            .log(level, text.strip_suffix(b"\n").unwrap_or(&text));
    }
    guest.write_u32(written_at, written)
}

fn errno(result: HostResult) -> u32 {
    match result {
        Ok(()) => SUCCESS,
        Err(_) => BAD_ADDRESS,
    }
}
