//! Shared data.

use wasmtime::{Caller, Linker};

use super::{Guest, allowed, call};
use crate::{
    host::HostState,
    status::{HostResult, Status},
};

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_get_shared_data",
            |host: Caller<'_, HostState>,
             key: u32,
             key_len: u32,
             at: u32,
             len: u32,
             cas_at: u32| {
                call(host, "proxy_get_shared_data", |guest| {
                    if !supported(guest)? {
                        return Ok(());
                    }
                    let key = guest.read(key, key_len)?;
                    let host = guest.host();
                    let found = host.process.shared.get(&host.vm_id, key);
                    let (value, cas) = found.ok_or(Status::NotFound)?;
                    guest.give(&value, at, len)?;
                    guest.write_u32(cas_at, cas)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_set_shared_data",
            |host: Caller<'_, HostState>, key: u32, key_len: u32, at: u32, len: u32, cas: u32| {
                call(host, "proxy_set_shared_data", |guest| {
                    if !supported(guest)? {
                        return Ok(());
                    }
                    let (key, value) = (guest.read(key, key_len)?, guest.read(at, len)?);
                    let host = guest.host();
                    host.process.shared.set(&host.vm_id, key, value, cas)?;
                    Ok(())
                })
            },
        )?;
    Ok(())
}

fn supported(guest: &mut Guest<'_, '_>) -> HostResult<bool> {
    allowed(guest.host().process.profile.shared_data, "shared data")
}
