//! Properties: filter state that the filter writes, and the few attributes that every stream has.

use wasmtime::{Caller, Linker};

use super::call;
use crate::{
    headers::MapType,
    host::HostState,
    http::Reset,
    status::{HostResult, Status},
};

/// Envoy puts what a filter sets under this prefix in the filter state of the stream.
pub(crate) const FILTER_STATE_PREFIX: &str = "wasm.";

/// Path segments end with this byte in the ABI.
const SEPARATOR: char = '\0';

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_get_property",
            |host: Caller<'_, HostState>, path: u32, path_len: u32, at: u32, len: u32| {
                call(host, "proxy_get_property", |guest| {
                    let path = guest.read_text(path, path_len)?;
                    let value = property(guest.host(), &path)?;
                    guest.give(&value, at, len)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_set_property",
            |host: Caller<'_, HostState>, path: u32, path_len: u32, value: u32, value_len: u32| {
                call(host, "proxy_set_property", |guest| {
                    let path = guest.read_text(path, path_len)?;
                    let value = guest.read(value, value_len)?;
                    let http = guest.host().stream().ok_or(Status::NotFound)?;
                    let name = format!("{FILTER_STATE_PREFIX}{path}");
                    http.effects.filter_state.insert(name, value);
                    Ok(())
                })
            },
        )?;
    Ok(())
}

/// The attributes that this host knows: `xds.node`, `plugin_name`, `plugin_root_id`, `plugin_vm_id`, `request.*` of the
/// headers that are there, `response.flags`, and what the filter set itself. All others are not found.
fn property(host: &mut HostState, path: &str) -> HostResult<Vec<u8>> {
    let parts: Vec<_> = path.split(SEPARATOR).collect();
    let found = match parts.as_slice() {
        ["xds", "node"] => host
            .process
            .profile
            .node
            .map(|node| node.as_bytes().to_vec()),
        ["plugin_vm_id"] => Some(host.vm_id.clone().into_bytes()),
        ["plugin_name"] => root(host, |root| &root.name),
        ["plugin_root_id"] => root(host, |root| &root.root_id),
        ["request", "headers", name] => header(host, name),
        ["request", "path"] => header(host, ":path"),
        ["request", "method"] => header(host, ":method"),
        ["request", "host"] => header(host, ":authority"),
        ["request", "scheme"] => header(host, ":scheme"),
        ["response", "flags"] => host.stream().map(|http| {
            response_flags(http.effects.reset.as_ref())
                .to_le_bytes()
                .to_vec()
        }),
        [name] => host
            .stream()
            .and_then(|http| {
                http.effects
                    .filter_state
                    .get(&format!("{FILTER_STATE_PREFIX}{name}"))
            })
            .cloned(),
        _ => None,
    };
    found.ok_or_else(|| Status::NotFound.into())
}

/// Envoy's response flags as far as they say who broke an answer off: `UC`, `DC`, `LR`.
fn response_flags(reset: Option<&Reset>) -> u64 {
    match reset {
        None => 0,
        Some(Reset::Upstream) => 0x40,
        Some(Reset::Client) => 0x4000,
        Some(Reset::Filter | Reset::LateReply(_)) => 0x8,
    }
}

fn root(host: &HostState, field: impl Fn(&crate::host::Root) -> &String) -> Option<Vec<u8>> {
    let root = host.roots.get(&host.root_context())?;
    Some(field(root).clone().into_bytes())
}

fn header(host: &mut HostState, name: &str) -> Option<Vec<u8>> {
    let headers = host.stream()?.map(MapType::RequestHeaders)?;
    headers.get(name).map(<[u8]>::to_vec)
}
