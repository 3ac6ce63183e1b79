//! Host personalities, as data.
//!
//! Envoy is the rule; every other profile says where its host differs. A profile is a plain value: a test that
//! needs one more difference sets the field.

use crate::status::Status;

/// How a host answers a group of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As Envoy does.
    Works,
    /// With a status, and nothing happens.
    Returns(Status),
    /// With `Ok`, and nothing happens.
    Ignored,
    /// By ending the guest's run. A filter cannot probe for it.
    Traps,
}

/// When time passes for the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockRule {
    /// With the proxy's clock.
    Runs,
    /// Not while a context lives: calls answer the time at which their root or stream was created.
    FrozenInContext,
}

/// What a host allows, and how it says no.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name of the host, for messages.
    pub name: &'static str,
    /// The property `xds.node`: what Envoy tells control planes of itself.
    pub node: Option<&'static str>,
    /// `proxy_get_shared_data`, `proxy_set_shared_data`.
    pub shared_data: Support,
    /// The four metric calls.
    pub metrics: Support,
    /// `proxy_set_tick_period_milliseconds`.
    pub ticks: Support,
    /// A period can be set once, and from a root: any further call traps, even with 0, and so does one for a
    /// stream.
    pub one_tick_period: bool,
    /// A foreign function the host does not know.
    pub unknown_foreign_function: Support,
    /// Foreign functions the host knows. They do nothing here but count.
    pub foreign_functions: &'static [&'static str],
    /// A change of headers or body at a time when they are not there.
    pub wrong_phase: Support,
    /// `proxy_set_buffer_bytes` on a body in its phase.
    pub body_rewriting: Support,
    /// Whether `Pause` from a body or trailers callback holds the body back.
    pub pause_holds_body: bool,
    /// The largest body chunk that reaches the filter, in bytes.
    pub chunk_limit: Option<usize>,
    /// The clock that the guest reads.
    pub clock: ClockRule,
    /// Linear memory a VM may have, in bytes.
    pub memory_limit: Option<usize>,
    /// Imports the host links, as `module.name`.
    pub imports: Vec<&'static str>,
}

/// Google Service Extensions hand the filter at most this much of a body at once.
pub const SERVICE_EXTENSIONS_CHUNK_BYTES: usize = 128 * 1024;

/// Google Service Extensions give a VM this much memory, for up to a thousand streams.
pub const SERVICE_EXTENSIONS_MEMORY_BYTES: usize = 16 * 1024 * 1024;

// === impl Profile ===

impl Default for Profile {
    fn default() -> Self {
        Self::envoy()
    }
}

impl Profile {
    /// Envoy, Istio and Envoy Gateway. Istio leaves `vm_id` empty, Envoy Gateway sets it to the name.
    pub fn envoy() -> Self {
        Self {
            name: "envoy",
            node: Some("envoy"),
            shared_data: Support::Works,
            metrics: Support::Works,
            ticks: Support::Works,
            one_tick_period: false,
            unknown_foreign_function: Support::Returns(Status::NotFound),
            foreign_functions: &["clear_route_cache"],
            wrong_phase: Support::Returns(Status::BadArgument),
            body_rewriting: Support::Works,
            pause_holds_body: true,
            chunk_limit: None,
            clock: ClockRule::Runs,
            memory_limit: None,
            imports: [COMMON_IMPORTS, LOG_LEVEL_IMPORT, ENVOY_IMPORTS].concat(),
        }
    }

    /// Google Service Extensions: stateless, and a body callback cannot hold anything back.
    pub fn service_extensions() -> Self {
        Self {
            name: "google-service-extensions",
            shared_data: Support::Returns(Status::Unimplemented),
            metrics: Support::Returns(Status::Unimplemented),
            ticks: Support::Returns(Status::Unimplemented),
            pause_holds_body: false,
            chunk_limit: Some(SERVICE_EXTENSIONS_CHUNK_BYTES),
            clock: ClockRule::FrozenInContext,
            memory_limit: Some(SERVICE_EXTENSIONS_MEMORY_BYTES),
            imports: [COMMON_IMPORTS, LOG_LEVEL_IMPORT].concat(),
            ..Self::envoy()
        }
    }

    /// Apache APISIX: headers only.
    pub fn apisix() -> Self {
        Self {
            name: "apisix",
            node: None,
            shared_data: Support::Returns(Status::Unimplemented),
            metrics: Support::Returns(Status::Unimplemented),
            ticks: Support::Returns(Status::Unimplemented),
            unknown_foreign_function: Support::Returns(Status::Unimplemented),
            foreign_functions: &[],
            body_rewriting: Support::Returns(Status::Unimplemented),
            imports: [COMMON_IMPORTS, LOG_LEVEL_IMPORT].concat(),
            ..Self::envoy()
        }
    }

    /// Kong with ngx_wasm_module: everything works, and what is wrong traps.
    pub fn kong() -> Self {
        Self {
            name: "kong",
            node: None,
            one_tick_period: true,
            unknown_foreign_function: Support::Traps,
            foreign_functions: &[],
            wrong_phase: Support::Traps,
            imports: COMMON_IMPORTS.to_vec(),
            ..Self::envoy()
        }
    }

    /// Every profile that the filter is offered for.
    pub fn all() -> [Self; 4] {
        [
            Self::envoy(),
            Self::service_extensions(),
            Self::apisix(),
            Self::kong(),
        ]
    }
}

/// What every host links: the calls of the ABI that hosts have had since 0.2.0, and the part of WASI that the
/// standard library of Rust touches on start, on a panic and for random bytes.
const COMMON_IMPORTS: &[&str] = &[
    "env.proxy_add_header_map_value",
    "env.proxy_call_foreign_function",
    "env.proxy_close_stream",
    "env.proxy_continue_stream",
    "env.proxy_define_metric",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_buffer_status",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_size",
    "env.proxy_get_header_map_value",
    "env.proxy_get_metric",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_get_status",
    "env.proxy_grpc_call",
    "env.proxy_grpc_cancel",
    "env.proxy_grpc_close",
    "env.proxy_grpc_send",
    "env.proxy_grpc_stream",
    "env.proxy_http_call",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_send_local_response",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_effective_context",
    "env.proxy_set_header_map_pairs",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
    "env.proxy_set_tick_period_milliseconds",
    "wasi_snapshot_preview1.args_get",
    "wasi_snapshot_preview1.args_sizes_get",
    "wasi_snapshot_preview1.clock_time_get",
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_close",
    "wasi_snapshot_preview1.fd_fdstat_get",
    "wasi_snapshot_preview1.fd_prestat_dir_name",
    "wasi_snapshot_preview1.fd_prestat_get",
    "wasi_snapshot_preview1.fd_read",
    "wasi_snapshot_preview1.fd_seek",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.path_open",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
];

/// New in 0.2.1. ngx_wasm_module links it with two parameters, so a module that imports it does not load there.
const LOG_LEVEL_IMPORT: &[&str] = &["env.proxy_get_log_level"];

/// What Envoy has of WASI beyond the others.
const ENVOY_IMPORTS: &[&str] = &[
    "wasi_snapshot_preview1.poll_oneoff",
    "wasi_snapshot_preview1.sched_yield",
];
