//! Headers and trailers.

use wasmtime::{Caller, Linker};

use super::{Guest, allowed, call};
use crate::{
    headers::{Headers, MapType, splits_the_message},
    host::HostState,
    http::Phase,
    status::{HostResult, Status},
};

type Host<'a> = Caller<'a, HostState>;

pub(super) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    linker
        .func_wrap(
            "env",
            "proxy_get_header_map_pairs",
            |host: Host<'_>, map: u32, at: u32, len: u32| {
                call(host, "proxy_get_header_map_pairs", |guest| {
                    pairs(guest, MapType::from_abi(map)?, at, len)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_set_header_map_pairs",
            |host: Host<'_>, map: u32, at: u32, len: u32| {
                call(host, "proxy_set_header_map_pairs", |guest| {
                    set_pairs(guest, MapType::from_abi(map)?, at, len)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_header_map_size",
            |host: Host<'_>, map: u32, size_at: u32| {
                call(host, "proxy_get_header_map_size", |guest| {
                    let size = byte_size(guest.host(), MapType::from_abi(map)?)?;
                    guest.write_u32(size_at, u32::try_from(size).unwrap_or(u32::MAX))
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_get_header_map_value",
            |host: Host<'_>, map: u32, key: u32, key_len: u32, at: u32, len: u32| {
                call(host, "proxy_get_header_map_value", |guest| {
                    let key = guest.read(key, key_len)?;
                    let value = value(guest.host(), MapType::from_abi(map)?, &key)?;
                    guest.give(&value, at, len)
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_add_header_map_value",
            |host: Host<'_>, map: u32, key: u32, key_len: u32, value: u32, value_len: u32| {
                call(host, "proxy_add_header_map_value", |guest| {
                    let (key, value) = (guest.read(key, key_len)?, guest.read(value, value_len)?);
                    change(guest, map, &key, &value, |headers| {
                        headers.add(&key, &value)
                    })
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_replace_header_map_value",
            |host: Host<'_>, map: u32, key: u32, key_len: u32, value: u32, value_len: u32| {
                call(host, "proxy_replace_header_map_value", |guest| {
                    let (key, value) = (guest.read(key, key_len)?, guest.read(value, value_len)?);
                    change(guest, map, &key, &value, |headers| {
                        headers.set(&key, &value)
                    })
                })
            },
        )?
        .func_wrap(
            "env",
            "proxy_remove_header_map_value",
            |host: Host<'_>, map: u32, key: u32, key_len: u32| {
                call(host, "proxy_remove_header_map_value", |guest| {
                    let key = guest.read(key, key_len)?;
                    change(guest, map, &key, b"", |headers| headers.remove(&key))
                })
            },
        )?;
    Ok(())
}

/// Envoy answers a map that is not there with `Ok` and no pairs.
fn pairs(guest: &mut Guest<'_, '_>, map: MapType, at: u32, len: u32) -> HostResult {
    let headers = guest.host().stream().and_then(|http| http.map(map));
    let bytes = match headers {
        Some(headers) if !headers.is_empty() => headers.encode(),
        _ => Vec::new(),
    };
    guest.give(&bytes, at, len)
}

fn set_pairs(guest: &mut Guest<'_, '_>, map: MapType, at: u32, len: u32) -> HostResult {
    let bytes = guest.read(at, len)?;
    let headers = Headers::decode(&bytes);
    let host = guest.host();
    if headers.is_none() {
        host.complain("proxy_set_header_map_pairs with malformed pairs: Envoy empties the map");
    }
    match host.stream().and_then(|http| http.map_mut(map)) {
        Some(headers_now) => {
            *headers_now = headers.unwrap_or_default();
            Ok(())
        }
        None => not_there(host),
    }
}

/// One value. A map that is not there is a bad argument in Envoy, but not found in the log phase.
fn value(host: &mut HostState, map: MapType, key: &[u8]) -> HostResult<Vec<u8>> {
    let http = host.stream().ok_or(Status::BadArgument)?;
    let logging = http.phase == Phase::Logging;
    match http.map(map) {
        Some(headers) => {
            let value = headers.get(key).ok_or(Status::NotFound)?;
            Ok(value.to_vec())
        }
        None if logging => Err(Status::NotFound.into()),
        None => Err(Status::BadArgument.into()),
    }
}

fn byte_size(host: &mut HostState, map: MapType) -> HostResult<usize> {
    let headers = host
        .stream()
        .and_then(|http| http.map_mut(map))
        .ok_or(Status::BadArgument)?;
    Ok(headers
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum())
}

fn change(
    guest: &mut Guest<'_, '_>,
    map: u32,
    key: &[u8],
    value: &[u8],
    apply: impl FnOnce(&mut Headers),
) -> HostResult {
    let host = guest.host();
    if splits_the_message(key, value) {
        host.complain(format!(
            "header {:?} with bytes that end a line: Envoy would send them",
            String::from_utf8_lossy(key)
        ));
    }
    let map = MapType::from_abi(map)?;
    match host.stream().and_then(|http| http.map_mut(map)) {
        Some(headers) => {
            apply(headers);
            Ok(())
        }
        None => not_there(host),
    }
}

fn not_there(host: &HostState) -> HostResult {
    let wrong_phase = host.process.profile.wrong_phase;
    allowed(wrong_phase, "a change of headers that are not there").map(|_| ())
}
