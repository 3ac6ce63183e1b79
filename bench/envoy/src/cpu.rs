//! Cores: who runs on which, and how much of one a process has used.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The core of the Envoy that is measured.
pub(crate) const ENVOY: usize = 0;
/// The core of everything else: the load, the upstream, an `ext_proc` server.
pub(crate) const OTHERS: usize = 1;

/// Has this thread, and all it starts but the Envoy that is measured, run on [`OTHERS`]; says what
/// the system allowed.
pub(crate) fn settle() -> String {
    match pin(OTHERS) {
        true => format!("Envoy to core {ENVOY}, everything else to core {OTHERS}"),
        false => "no".to_owned(),
    }
}

/// Runs this thread, and every process and thread that it starts from now on, on one core. Returns
/// whether the system allows it; if not, says so once and goes on.
pub(crate) fn pin(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    let pinned = sched_setaffinity(None, &cores).is_ok();
    if !pinned {
        static SAID: OnceLock<()> = OnceLock::new();
        SAID.get_or_init(|| eprintln!("rig: no core {core} to run on alone: figures are noisier"));
    }
    pinned
}

/// Runs `start` on another core: what it starts stays there, this thread comes back.
pub(crate) fn on_core<T>(core: usize, start: impl FnOnce() -> T) -> T {
    let before = sched_getaffinity(None);
    pin(core);
    let started = start();
    if let Ok(before) = before {
        let _ = sched_setaffinity(None, &before);
    }
    started
}

/// The user and system time of a process so far, all its threads.
///
/// # Errors
///
/// If the process is gone.
pub(crate) fn spent(pid: u32) -> Result<Duration> {
    let threads = format!("/proc/{pid}/task");
    let sum = scheduled(Path::new(&threads));
    match sum.filter(|spent| !spent.is_zero()) {
        Some(spent) => Ok(spent),
        None => ticks(pid),
    }
}

/// The sum over the threads of what the scheduler counted, in nanoseconds; `None` where the kernel
/// does not count.
fn scheduled(threads: &Path) -> Option<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(threads).ok()? {
        let counted = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += counted.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// User and system time as every kernel counts it: in hundredths of a second.
fn ticks(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name, in brackets, may have blanks in it.
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    let mut next = || fields.next().and_then(Result::ok);
    let ticks = next().zip(next()).map(|(user, system)| user + system);
    let ticks = ticks.with_context(|| format!("/proc/{pid}/stat has no times: {stat}"))?;
    Ok(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_in_either_way() {
        let own = std::process::id();
        let (by_thread, by_tick) = (spent(own).unwrap(), ticks(own).unwrap());
        let started = std::time::Instant::now();
        while started.elapsed() < Duration::from_millis(200) {
            std::hint::black_box(0);
        }
        // Others may have had the core for most of that time, not for all of it.
        assert!(spent(own).unwrap() > by_thread + Duration::from_millis(20));
        assert!(ticks(own).unwrap() >= by_tick + Duration::from_millis(10));
    }
}
