//! A proxy-wasm host that follows Envoy's rules, to test the built filter on.
//!
//! A [`Proxy`] is one process: a main thread, workers, the throw-away VM that tries each configuration, and one
//! store of shared data. A test configures plugins, opens streams on a worker, plays the client and the
//! upstream, moves the clock, and then looks at *effects*: what the upstream and the client received, local
//! replies and resets, filter state, metrics and logs. It never asserts which host calls were made.
//!
//! # A scenario
//!
//! The filter of a scenario is [`module()`]; this one is small enough to stand here. It answers `403` to
//! whoever brings a body.
//!
//! ```
//! use breakglass_host_tests::{Last, Module, More, Profile, Proxy};
//!
//! # let module = Module::from_bytes("no bodies", r#"(module
//! #   (import "env" "proxy_send_local_response"
//! #     (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
//! #   (memory (export "memory") 1)
//! #   (func (export "proxy_abi_version_0_2_1"))
//! #   (func (export "malloc") (param i32) (result i32) (i32.const 1024))
//! #   (func (export "proxy_on_request_headers") (param i32 i32) (param $last i32) (result i32)
//! #     (if (i32.eqz (local.get $last)) (then (drop (call $reply (i32.const 403)
//! #       (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))))
//! #     (i32.const 0)))"#);
//! let proxy = Proxy::builder(module).workers(2).profile(Profile::envoy()).build();
//! let traffic = proxy.plugin("traffic").vm_id("breakglass").configure(r#"{"policy": "support"}"#)?;
//!
//! let mut stream = proxy.worker(0).open(&traffic);
//! stream.request([(":method", "GET"), (":path", "/"), (":authority", "a")], Last);
//! assert!(stream.upstream().is_some_and(|upstream| upstream.ended));
//! stream.response([(":status", "200"), ("content-type", "text/event-stream")], More);
//! assert_eq!(stream.response_body("data: hello\n\n", More), b"data: hello\n\n");
//! assert_eq!(stream.response_body("data: [DONE]\n\n", Last), b"data: [DONE]\n\n");
//! assert_eq!(stream.finish().client.status(), 200);
//!
//! let mut refused = proxy.worker(1).open(&traffic);
//! refused.request([(":method", "POST"), (":path", "/"), (":authority", "a")], More);
//! let effects = refused.finish();
//! assert_eq!(effects.client.status(), 403);
//! assert_eq!(effects.upstream, None);
//! # Ok::<(), breakglass_host_tests::Error>(())
//! ```
//!
//! - [`Plugin::update`] replaces a configuration on all threads, [`Plugin::stage`] lets each worker switch when
//!   the test says so. Open streams keep their root; the last one to go takes it along.
//! - [`Proxy::advance`] moves the clock and fires what is due; nothing in the host reads the machine's clock.
//! - [`Profile`] is the personality of the host. Envoy is the rule, the others are differences.
//! - [`Worker`] is `Send`: a stress test drives each worker from a thread of its own.
//! - [`ProxyBuilder::count_fuel`] counts instructions per callback; [`Worker::vms`] tells memory, contexts and
//!   timers of each VM.
//!
//! # What is true to Envoy, and from where
//!
//! The rules are read from Envoy's `source/extensions/common/wasm`, `source/common/http/filter_manager.cc` and
//! proxy-wasm-cpp-host. The ones that surprise:
//!
//! - A configuration is refused by the throw-away VM or not at all. If it fails later on a thread, that thread
//!   has no filter and its streams get 503 ([`Plugin::failures`]). What that VM said about a configuration is
//!   remembered: the same bytes are not tried again, whatever shared data says by then.
//! - `proxy_on_vm_start` is called for every root. Roots get `proxy_on_done` and `proxy_on_delete`, no
//!   `proxy_on_log`. The timer of a root that is gone re-arms for ever ([`VmStats::dead_timers`]).
//! - Streams end with `proxy_on_log`, `proxy_on_done`, `proxy_on_delete`, in this order.
//! - Once headers are continued their map is gone: reading one value is a bad argument (2), reading all pairs is
//!   `Ok` and empty, changing is a bad argument. `proxy_on_log` can read them again, but not change them.
//! - A body that is not there reads as empty and cannot be written. A body that is *held* is still there in
//!   trailers. A read from behind the end underflows in Envoy; here it is a trap.
//! - A local reply before response headers passes through the filter; in response headers it passes by it; after
//!   them it is a reset. Replies, resets and continues happen when the callback has returned, before its chunk
//!   goes on.
//! - `Pause` at headers holds everything without a limit; `Pause` at a body holds it up to the buffer limit.
//!
//! # What is not modelled
//!
//! TCP filters, HTTP and gRPC calls, shared queues (all answer `Unimplemented`), several filters in a chain,
//! retries, trailers-only gRPC replies, the joining of repeated values that Envoy does for some well-known headers,
//! attributes of requests beyond a few, and the late `proxy_on_log` of HTTP/3.

mod abi;
mod chain;
mod clock;
mod engine;
mod error;
mod exports;
mod headers;
mod host;
mod http;
mod lifecycle;
mod metrics;
mod module;
mod plugin;
mod process;
mod profile;
mod proxy;
mod random;
mod reply;
mod shared;
mod spec;
mod status;
mod stream;
mod thread;
mod vm;

pub use crate::{
    error::Error,
    headers::Headers,
    http::{
        Effects,
        End::{self, Last, More},
        LocalReply, Received, Reset,
    },
    metrics::MetricKind,
    module::{MODULE_ENV, Module, module, try_module},
    plugin::{Plugin, PluginBuilder, Staged},
    process::{FuelUse, Level, LogLine, Thread, Trap},
    profile::{
        ClockRule, Profile, SERVICE_EXTENSIONS_CHUNK_BYTES, SERVICE_EXTENSIONS_MEMORY_BYTES,
        Support,
    },
    proxy::{DEFAULT_BUFFER_LIMIT, DEFAULT_FUEL_LIMIT, Proxy, ProxyBuilder, Worker},
    reply::{FAIL_STREAM_DETAILS, REQUEST_TOO_LARGE_DETAILS, RESPONSE_TOO_LARGE_DETAILS},
    shared::SharedData,
    spec::FailurePolicy,
    status::Status,
    stream::Stream,
    thread::{RELOAD_BACKOFF, VmStats},
};
