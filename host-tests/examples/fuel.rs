//! Prints how many WebAssembly instructions the built filter spends on one request.
//!
//! Counts, not times: they are the same on every machine, whatever else it is doing. `make bench`
//! runs this beside the native benchmarks.

use breakglass_bench::{DifferBy, policy_json, request_headers};
use breakglass_host_tests::{Effects, Error, Last, Plugin, Proxy, module};

fn main() -> Result<(), Error> {
    println!(
        "{:<28} {:>16} {:>16}",
        "instructions", "request headers", "all callbacks"
    );
    for differ_by in [DifferBy::Path, DifferBy::Header] {
        for rollouts in [1, 1_000] {
            let proxy = Proxy::builder(module()).workers(1).count_fuel().build();
            let plugin = proxy.plugin("traffic").vm_id("breakglass");
            let plugin = plugin.configure(policy_json(rollouts, differ_by).to_string())?;
            let headers = request_headers(rollouts);
            // The first request publishes the policy; the second is like all that follow.
            exchange(&proxy, &plugin, &headers);
            let fuel = exchange(&proxy, &plugin, &headers).fuel;

            let name = format!("{rollouts} rollouts by {differ_by:?}").to_lowercase();
            let all: u64 = fuel.iter().map(|(_, fuel)| fuel).sum();
            let mut callbacks = fuel.iter();
            let headers = callbacks.find(|(callback, _)| *callback == "proxy_on_request_headers");
            let headers = headers.map_or(0, |(_, fuel)| *fuel);
            println!("{name:<28} {headers:>16} {all:>16}");
        }
    }
    Ok(())
}

fn exchange(proxy: &Proxy, plugin: &Plugin, headers: &[(&str, String)]) -> Effects {
    let mut stream = proxy.worker(0).open(plugin);
    stream.request(
        headers.iter().map(|(name, value)| (*name, value.as_str())),
        Last,
    );
    stream.response(
        [(":status", "200"), ("content-type", "application/json")],
        Last,
    );
    stream.finish()
}
