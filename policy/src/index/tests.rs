use super::*;

#[test]
fn an_authority_is_matched_without_port_and_root_dot() {
    for (authority, host) in [
        ("api.example.com", "api.example.com"),
        ("api.example.com:443", "api.example.com"),
        ("api.example.com:", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("api.example.com.:8080", "api.example.com"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8080", "[::1]"),
        ("[2001:db8::1]:", "[2001:db8::1]"),
        ("::1", "::1"),
        ("2001:db8::8080", "2001:db8::8080"),
        ("host8", "host8"),
        ("8080", "8080"),
        (":80", ""),
        (":", ""),
        (".", ""),
        ("", ""),
    ] {
        let found = without_port(authority.as_bytes());
        assert_eq!(found, host.as_bytes(), "{authority}");
    }
}

#[test]
fn a_path_is_matched_without_query_and_fragment() {
    for (path, matched) in [
        ("/v1/a", "/v1/a"),
        ("/v1/a?x=/v2", "/v1/a"),
        ("/v1/a#x?y", "/v1/a"),
        ("/v1?a#b", "/v1"),
        ("?x", ""),
        ("", ""),
        ("*", "*"),
    ] {
        assert_eq!(without_query(path.as_bytes()), matched.as_bytes(), "{path}");
    }
}
