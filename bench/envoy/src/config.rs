//! Envoy's configuration, in pieces: listeners, routes, clusters, filters.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// A listener on a free port of the loopback that speaks HTTP/1 and HTTP/2, with these filters
/// before the router.
pub(crate) fn listener(name: &str, filters: &[Value], routes: &[Value]) -> Value {
    let mut filters = filters.to_vec();
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    filters.push(json!({
        "name": "envoy.filters.http.router", "typed_config": {"@type": router},
    }));
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3\
                  .HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {
            "max_direct_response_body_size_bytes": 1 << 20,
            "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}],
        },
        "http_filters": filters,
    });
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
        }]}],
    })
}

/// Whatever matches is answered at once with this body.
pub(crate) fn direct(matching: Value, body: Value) -> Value {
    json!({"match": matching, "direct_response": {"status": 200, "body": body}})
}

/// A cluster of one endpoint, over HTTP/1.
pub(crate) fn cluster(name: &str, addr: SocketAddr) -> Value {
    let address = json!({"address": addr.ip().to_string(), "port_value": addr.port()});
    let endpoint = json!({"endpoint": {"address": {"socket_address": address}}});
    json!({
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    })
}

/// Has Envoy speak HTTP/2 to a cluster, as gRPC needs it.
pub(crate) fn speak_http2(cluster: &mut Value) {
    let kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    cluster["typed_extension_protocol_options"] = json!({kind: {
        "@type": format!("type.googleapis.com/{kind}"),
        "explicit_http_config": {"http2_protocol_options": {}},
    }});
}

/// A WebAssembly filter in a virtual machine of its own, which two listeners with the same `name` share.
pub(crate) fn wasm(name: &str, module: &Path, configuration: Option<&Value>) -> Value {
    let mut config = json!({
        "name": name,
        "failure_policy": "FAIL_CLOSED",
        "vm_config": {
            "vm_id": name,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": module}},
        },
    });
    if let Some(configuration) = configuration {
        config["configuration"] = json!({
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration.to_string(),
        });
    }
    filter(name, "wasm.v3.Wasm", json!({"config": config}))
}

/// A script of Envoy's Lua filter.
pub(crate) fn lua(name: &str, script: &str) -> Value {
    filter(
        name,
        "lua.v3.Lua",
        json!({"default_source_code": {"inline_string": script}}),
    )
}

/// An HTTP filter, by the end of its type.
pub(crate) fn filter(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/envoy.extensions.filters.http.{kind}").into();
    json!({"name": name, "typed_config": config})
}

/// A header as Envoy's configuration sets it, whatever was there.
pub(crate) fn header(name: &str, value: &str) -> Value {
    json!({
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    })
}
