//! The host is tested before it is trusted: small guests, written by hand, do one thing right or wrong each.
//!
//! One binary, one module per subject; the guests are in `guests/`.

mod bodies;
mod configurations;
mod headers;
mod imports;
mod metrics;
mod misuse;
mod profiles;
mod replies;
mod shared_data;
mod stress;
mod ticks;
mod traps;

use std::path::Path;

use breakglass_host_tests::{End, Module, Plugin, Profile, Proxy, Stream};

/// A guest by its name. Those that are not whole modules begin with the fields of `prelude.wat`.
pub(crate) fn guest(name: &str) -> Module {
    let text = read(name);
    match text.contains("(module") {
        true => Module::from_bytes(name, text),
        false => Module::from_bytes(name, format!("(module {}\n{text})", read("prelude"))),
    }
}

/// A proxy with one worker and one plugin, configured with nothing.
pub(crate) fn serve(name: &str) -> (Proxy, Plugin) {
    serve_as(name, Profile::envoy(), "")
}

/// As [`serve`], on another host and with a configuration.
pub(crate) fn serve_as(name: &str, profile: Profile, configuration: &str) -> (Proxy, Plugin) {
    let proxy = Proxy::builder(guest(name)).profile(profile).build();
    let plugin = proxy
        .plugin(name)
        .vm_id("vm")
        .configure(configuration)
        .expect("the guest takes its configuration");
    (proxy, plugin)
}

/// A stream on the first worker whose request headers are sent, with one header of the test's.
pub(crate) fn get(proxy: &Proxy, plugin: &Plugin, header: (&str, &str), end: End) -> Stream {
    let mut stream = proxy.worker(0).open(plugin);
    let headers = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", "a"),
        header,
    ];
    stream.request(headers, end);
    stream
}

/// What the guests said, in order.
pub(crate) fn said(proxy: &Proxy) -> Vec<String> {
    proxy.logs().into_iter().map(|line| line.message).collect()
}

pub(crate) const OK: [(&str, &str); 1] = [(":status", "200")];

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("guests")
        .join(format!("{name}.wat"));
    match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
