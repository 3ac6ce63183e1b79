//! More listeners beside the shipped ones: the same filter and policy, another way in.
//!
//! Their files and ports are those of `envoy/bootstrap.yaml`, and replaced like them.

/// A listener over TCP. `options` and `filters` are YAML, a line an item: of the HTTP connection
/// manager, and of its filters before Breakglass.
pub(crate) fn tcp(name: &str, options: &[&str], filters: &[String]) -> String {
    let chain = chain(name, "AUTO", options, filters);
    format!(
        "- name: {name}\n  address:\n    socket_address: {{address: 127.0.0.1, port_value: 10000}}\n  filter_chains:\n{chain}"
    )
}

/// A listener over QUIC, with this certificate and key in PEM.
pub(crate) fn quic(name: &str, certificate: &str, key: &str) -> String {
    let chain = chain(name, "HTTP3", &["http3_protocol_options: {}"], &[]);
    let [certificate, key] = [certificate, key].map(serde_json::Value::from);
    format!(
        r#"- name: {name}
  address:
    socket_address: {{protocol: UDP, address: 127.0.0.1, port_value: 10000}}
  udp_listener_config:
    quic_options: {{}}
  filter_chains:
{chain}
      transport_socket:
        name: envoy.transport_sockets.quic
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport
          downstream_tls_context:
            common_tls_context:
              tls_certificates:
                - certificate_chain: {{inline_string: {certificate}}}
                  private_key: {{inline_string: {key}}}"#
    )
}

/// A filter made of a module in a file, without a configuration.
pub(crate) fn wasm_filter(name: &str, module: &str, failure_policy: &str) -> String {
    format!(
        r#"{{name: {name}, typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{name: {name}, failure_policy: {failure_policy}, vm_config: {{vm_id: {name}, runtime: envoy.wasm.runtime.v8, code: {{local: {{filename: {module}}}}}}}}}}}}}"#
    )
}

fn chain(name: &str, codec: &str, options: &[&str], filters: &[String]) -> String {
    let options: String = options
        .iter()
        .map(|option| format!("            {option}\n"))
        .collect();
    let filters: String = filters
        .iter()
        .map(|filter| format!("              - {filter}\n"))
        .collect();
    format!(
        r#"    - filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            stat_prefix: {name}
            codec_type: {codec}
{options}            http_filters:
{filters}              - name: breakglass
                config_discovery:
                  config_source:
                    resource_api_version: V3
                    path_config_source:
                      path: envoy/ecds/breakglass.yaml
                  type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
              - name: envoy.filters.http.router
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
            route_config:
              name: {name}
              virtual_hosts:
                - name: {name}
                  domains: ["*"]
                  routes:
                    - match: {{prefix: /v1/agents/support/nowhere}}
                      direct_response: {{status: 200, body: {{inline_string: "nowhere"}}}}
                    - match: {{prefix: /, headers: [{{name: x-breakglass-cluster, present_match: true}}]}}
                      route: {{cluster_header: x-breakglass-cluster, timeout: 0s}}
                    - match: {{prefix: /}}
                      route: {{cluster: agent-v41, timeout: 0s}}"#
    )
}
