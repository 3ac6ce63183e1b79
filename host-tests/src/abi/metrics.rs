//! Metrics.

use wasmtime::{Caller, Linker};

use super::{Guest, allowed, call};
use crate::{host::HostState, metrics::MetricKind, status::HostResult};

type Host<'a> = Caller<'a, HostState>;

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_define_metric",
            |host: Host<'_>, kind: u32, name: u32, name_len: u32, id_at: u32| {
                call(host, "proxy_define_metric", |guest| {
                    if !supported(guest)? {
                        return Ok(());
                    }
                    let name = guest.read_text(name, name_len)?;
                    let kind = MetricKind::from_abi(kind)?;
                    let host = guest.host();
                    let id = host.metric_ids.define(&host.process.metrics, kind, &name);
                    guest.write_u32(id_at, id)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_increment_metric",
            |host: Host<'_>, id: u32, offset: i64| {
                call(host, "proxy_increment_metric", |guest| {
                    increment(guest, id, offset)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_record_metric",
            |host: Host<'_>, id: u32, value: u64| {
                call(host, "proxy_record_metric", |guest| {
                    if supported(guest)? {
                        guest.host().metric_ids.record(id, value)?;
                    }
                    Ok(())
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_metric",
            |host: Host<'_>, id: u32, value_at: u32| {
                call(host, "proxy_get_metric", |guest| {
                    if !supported(guest)? {
                        return Ok(());
                    }
                    let value = guest.host().metric_ids.value(id)?;
                    guest.write_u64(value_at, value)
                })
            },
        )?;
    Ok(())
}

fn increment(guest: &mut Guest<'_, '_>, id: u32, offset: i64) -> HostResult {
    if !supported(guest)? {
        return Ok(());
    }
    let host = guest.host();
    let fell = host.metric_ids.increment(id, offset)?;
    if let Some(name) = fell {
        host.complain(format!("gauge {name} fell below zero: Envoy wraps it"));
    }
    Ok(())
}

fn supported(guest: &mut Guest<'_, '_>) -> HostResult<bool> {
    allowed(guest.host().process.profile.metrics, "metrics")
}
