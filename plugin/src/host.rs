//! What a proxy offers, as functions that return a [`Status`] and never panic.
//!
//! The SDK's own calls panic on statuses that they do not expect, and some proxies return statuses
//! that the SDK does not know (APISIX 12, Kong 5 and 9). So the hot path and everything else that
//! runs per request goes through this layer; the SDK's dispatcher above it stays.
#![allow(unsafe_code)]

mod sys;

use std::fmt;
use std::ptr;
use std::time::Duration;

use breakglass_policy::Timestamp;

/// A status other than success, as the proxy returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u32);

/// How grave a log line is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// Which headers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Map {
    Request = 0,
    Response = 2,
}

/// Which bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    PluginConfiguration = 7,
}

/// What a metric does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MetricKind {
    Counter = 0,
    Gauge = 1,
}

/// A metric of this virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetricId(u32);

/// The compare-and-swap number of a shared value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cas(u32);

/// All headers of one map, as the proxy serialised them.
#[derive(Debug, Default)]
pub(crate) struct HeaderPairs {
    bytes: Vec<u8>,
}

/// Memory that the proxy may fill through `proxy_on_memory_allocate`.
struct Returned {
    data: *mut u8,
    size: usize,
}

pub(crate) fn log(level: Level, message: &str) {
    // SAFETY: pointer and length are of a live string. A failed log has nobody to tell.
    unsafe { sys::proxy_log(level as u32, message.as_ptr(), message.len()) };
}

/// The proxy's clock. A proxy without one stands at the epoch, where no lease lapses and no timed
/// step is taken: exposure stays as low as it was.
pub(crate) fn now() -> Timestamp {
    let mut nanos = 0;
    // SAFETY: the pointer is to a live u64.
    match check(unsafe { sys::proxy_get_current_time_nanoseconds(&mut nanos) }) {
        Ok(()) => Timestamp::from_nanos(nanos),
        Err(_) => Timestamp::EPOCH,
    }
}

/// Asks for ticks of the calling root; zero ends them.
pub(crate) fn set_tick_period(period: Duration) -> Result<(), Status> {
    let millis = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    // SAFETY: no pointers.
    check(unsafe { sys::proxy_set_tick_period_milliseconds(millis) })
}

/// Makes `context` the one that the following calls are about.
pub(crate) fn set_effective_context(context: u32) -> Result<(), Status> {
    // SAFETY: no pointers.
    check(unsafe { sys::proxy_set_effective_context(context) })
}

/// At most `size` bytes of a buffer from `start` on.
pub(crate) fn buffer(buffer: Buffer, start: usize, size: usize) -> Result<Vec<u8>, Status> {
    let mut returned = Returned::NOTHING;
    // SAFETY: both pointers are to live fields of `returned`.
    check(unsafe {
        sys::proxy_get_buffer_bytes(
            buffer as u32,
            start,
            size,
            &mut returned.data,
            &mut returned.size,
        )
    })?;
    Ok(returned.into_vec())
}

/// Puts `bytes` in the place of the first `size` bytes of a buffer.
pub(crate) fn replace_buffer(buffer: Buffer, size: usize, bytes: &[u8]) -> Result<(), Status> {
    // SAFETY: pointer and length are of a live slice.
    check(unsafe {
        sys::proxy_set_buffer_bytes(buffer as u32, 0, size, bytes.as_ptr(), bytes.len())
    })
}

/// All headers of a map, in one call.
pub(crate) fn header_pairs(map: Map) -> Result<HeaderPairs, Status> {
    let mut returned = Returned::NOTHING;
    // SAFETY: both pointers are to live fields of `returned`.
    check(unsafe {
        sys::proxy_get_header_map_pairs(map as u32, &mut returned.data, &mut returned.size)
    })?;
    Ok(HeaderPairs {
        bytes: returned.into_vec(),
    })
}

/// One header's value; `None` if there is none or if the map is gone.
pub(crate) fn header(map: Map, name: &str) -> Option<Vec<u8>> {
    let mut returned = Returned::NOTHING;
    // SAFETY: the pointers are to a live string and to live fields of `returned`.
    check(unsafe {
        sys::proxy_get_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            &mut returned.data,
            &mut returned.size,
        )
    })
    .ok()?;
    // Proxies tell "no such header" by a status or by a null value.
    (!returned.data.is_null()).then(|| returned.into_vec())
}

/// Sets a header in the place of every one with this name.
pub(crate) fn replace_header(map: Map, name: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: pointers and lengths are of live slices.
    check(unsafe {
        sys::proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Adds a header beside those with the same name.
pub(crate) fn add_header(map: Map, name: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: pointers and lengths are of live slices.
    check(unsafe {
        sys::proxy_add_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Removes every header with this name.
pub(crate) fn remove_header(map: Map, name: &[u8]) -> Result<(), Status> {
    // SAFETY: pointer and length are of a live slice.
    check(unsafe { sys::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// Whether the proxy is Envoy, or made of it: it is a node of a control plane, with or without one.
pub(crate) fn is_envoy() -> bool {
    let mut properties = NODE_PROPERTIES.iter();
    properties.any(|path| property(path).is_ok_and(|value| !value.is_empty()))
}

/// Whether the agent's side broke the answer of the effective context off, where the proxy tells.
pub(crate) fn upstream_failed() -> bool {
    let flags = property(b"response\0flags").unwrap_or_default();
    let flags = <[u8; 8]>::try_from(flags).map(u64::from_le_bytes);
    flags.is_ok_and(|flags| flags & UPSTREAM_FAILED != 0)
}

fn property(path: &[u8]) -> Result<Vec<u8>, Status> {
    let mut returned = Returned::NOTHING;
    // SAFETY: the pointers are to a live slice and to live fields of `returned`.
    check(unsafe {
        sys::proxy_get_property(
            path.as_ptr(),
            path.len(),
            &mut returned.data,
            &mut returned.size,
        )
    })?;
    Ok(returned.into_vec())
}

/// Sets a property of the stream; Envoy keeps `name` as filter state `wasm.name`.
pub(crate) fn set_property(name: &str, value: &[u8]) -> Result<(), Status> {
    // SAFETY: pointers and lengths are of live slices. A path of one element needs no separator.
    check(unsafe {
        sys::proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

/// A shared value and its compare-and-swap number; `None` if there is none.
pub(crate) fn shared(key: &str) -> Result<Option<(Vec<u8>, Cas)>, Status> {
    let mut returned = Returned::NOTHING;
    let mut cas = 0;
    // SAFETY: the pointers are to a live string, to live fields of `returned` and to a live u32.
    let status = check(unsafe {
        sys::proxy_get_shared_data(
            key.as_ptr(),
            key.len(),
            &mut returned.data,
            &mut returned.size,
            &mut cas,
        )
    });
    match status {
        Ok(()) => Ok(Some((returned.into_vec(), Cas(cas)))),
        Err(Status::NOT_FOUND) => Ok(None),
        Err(status) => Err(status),
    }
}

/// Writes a shared value if it still is the one that was read under `cas`.
pub(crate) fn set_shared(key: &str, value: &[u8], cas: Cas) -> Result<(), Status> {
    // SAFETY: pointers and lengths are of live slices.
    check(unsafe {
        sys::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas.0)
    })
}

/// The metric with this name, made if it does not exist.
pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<MetricId, Status> {
    let mut id = 0;
    // SAFETY: the pointers are to a live string and a live u32.
    check(unsafe { sys::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(MetricId(id))
}

pub(crate) fn increment_metric(metric: MetricId, by: u32) -> Result<(), Status> {
    // SAFETY: no pointers.
    check(unsafe { sys::proxy_increment_metric(metric.0, by.into()) })
}

pub(crate) fn record_metric(metric: MetricId, value: u64) -> Result<(), Status> {
    // SAFETY: no pointers.
    check(unsafe { sys::proxy_record_metric(metric.0, value) })
}

/// The value of a metric over all workers.
pub(crate) fn metric(metric: MetricId) -> Result<u64, Status> {
    let mut value = 0;
    // SAFETY: the pointer is to a live u64.
    check(unsafe { sys::proxy_get_metric(metric.0, &mut value) })?;
    Ok(value)
}

/// Answers the request of the effective context here and now.
pub(crate) fn respond(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Status> {
    let headers = serialize(headers);
    // SAFETY: pointers and lengths are of live slices.
    check(unsafe {
        sys::proxy_send_local_response(
            status.into(),
            DETAILS.as_ptr(),
            DETAILS.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Resets the response of the effective context; the proxy closes the upstream too.
pub(crate) fn reset_response() -> Result<(), Status> {
    // SAFETY: no pointers.
    check(unsafe { sys::proxy_close_stream(STREAM_RESPONSE) })
}

fn check(status: u32) -> Result<(), Status> {
    match status {
        0 => Ok(()),
        status => Err(Status(status)),
    }
}

/// The proxy's form of a header list: count, lengths, then names and values, each ended by a zero.
fn serialize(headers: &[(&str, &str)]) -> Vec<u8> {
    // The lists here are this crate's own, a few short headers.
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(0).to_le_bytes();
    let count = u32::try_from(headers.len()).unwrap_or(0);
    let mut bytes = count.to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend(length(name));
        bytes.extend(length(value));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

// === impl Status ===

impl Status {
    const NOT_FOUND: Self = Self(1);
    /// The value changed since it was read.
    pub(crate) const CAS_MISMATCH: Self = Self(8);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy returned status {}", self.0)
    }
}

// === impl Cas ===

impl Cas {
    /// Creates a value that does not exist yet, and loses against one that was created meanwhile.
    ///
    /// Envoy ignores the number where the key is missing and overwrites on 0. A number that no
    /// value has (it counts up from 1) creates, and mismatches as soon as the key exists.
    pub(crate) const CREATE: Self = Self(u32::MAX);
}

// === impl HeaderPairs ===

impl HeaderPairs {
    /// The first value of this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let mut pairs = self.iter();
        pairs.find_map(|(other, value)| (other == name).then_some(value))
    }

    /// Names and values in the request's order; stops at the first that does not fit its own
    /// length, which no proxy sends.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (count, rest) = self.bytes.split_first_chunk().unwrap_or((&[0; WORD], &[]));
        let table = word(*count).saturating_mul(2 * WORD);
        let (lengths, mut texts) = rest.split_at_checked(table).unwrap_or_default();
        let (lengths, _) = lengths.as_chunks::<WORD>().0.as_chunks();
        lengths.iter().map_while(move |[name, value]| {
            let (name, rest) = text(texts, word(*name))?;
            let (value, rest) = text(rest, word(*value))?;
            texts = rest;
            Some((name, value))
        })
    }
}

fn word(bytes: [u8; WORD]) -> usize {
    // The proxy's sizes are those of the module's memory, which fit.
    u32::from_le_bytes(bytes) as usize
}

/// A text of this length, and what follows the zero that ends it.
fn text(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let rest = bytes.get(length.checked_add(1)?..)?;
    Some((bytes.get(..length)?, rest))
}

// === impl Returned ===

impl Returned {
    const NOTHING: Self = Self {
        data: ptr::null_mut(),
        size: 0,
    };

    fn into_vec(self) -> Vec<u8> {
        if self.data.is_null() || self.size == 0 {
            return Vec::new();
        }
        // SAFETY: the proxy got this memory from `proxy_on_memory_allocate`, which hands out a boxed
        // slice of exactly `size` bytes and forgets it; nobody else owns it now.
        unsafe { Vec::from_raw_parts(self.data, self.size, self.size) }
    }
}

/// Paths of properties, with a zero between their parts: of Envoy as it is, and as it was.
const NODE_PROPERTIES: [&[u8]; 2] = [b"xds\0node", b"node"];
/// Envoy's response flags of an answer that its upstream did not bring to its end: a timeout (`UT`),
/// a reset (`UR`), a lost connection (`UF`, `UC`), silence (`SI`), too long a life (`UMSDR`, `DT`), a
/// broken protocol (`UPE`). A client that goes away sets others.
const UPSTREAM_FAILED: u64 = 0x4 | 0x10 | 0x20 | 0x40 | 0x1_0000 | 0x8_0000 | 0x40_0000 | 0x80_0000;
const WORD: usize = 4;
/// `WasmStreamType::Response`.
const STREAM_RESPONSE: u32 = 1;
const NO_GRPC_STATUS: i32 = -1;
/// Shows as the response code detail in access logs.
const DETAILS: &str = "breakglass";
