//! Guests that misuse the host: it answers, and lives.

use breakglass_host_tests::{Last, Proxy};

use crate::{get, guest, said, serve};

#[test]
fn pointers_outside_memory_are_a_status() {
    let (proxy, plugin) = serve("pointers");
    get(&proxy, &plugin, ("a", "b"), Last);
    assert_eq!(said(&proxy), ["log 6", "wraps 6", "header 6", "return 6"]);
    assert_eq!(proxy.traps(), []);
}

#[test]
fn host_calls_while_the_vm_starts_are_refused() {
    let proxy = Proxy::builder(guest("early")).build();
    let error = proxy
        .plugin("p")
        .configure("")
        .expect_err("Envoy forbids it");
    assert!(error.to_string().contains("while the VM starts"), "{error}");
}

#[test]
fn wasi_answers_as_envoy_does() {
    let (proxy, plugin) = serve("wasi");
    get(&proxy, &plugin, ("a", "b"), Last);
    let said = said(&proxy);
    assert_eq!(said[..3], ["out", "err", "bad descriptor 8"]);
    assert_eq!(said[3..5], ["seconds 1795464000", "cpu clock 58"]);
}

#[test]
fn random_bytes_follow_the_seed() {
    let random = |seed| {
        let proxy = Proxy::builder(guest("wasi")).seed(seed).build();
        let plugin = proxy.plugin("p").configure("").expect("it takes anything");
        get(&proxy, &plugin, ("a", "b"), Last);
        said(&proxy).pop()
    };
    assert_eq!(random(1), random(1));
    assert_ne!(random(1), random(2));
}

#[test]
#[should_panic(expected = "the upstream has not received a request")]
fn a_test_cannot_answer_for_an_upstream_that_was_not_asked() {
    let (proxy, plugin) = serve("pause");
    let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
    stream.response([(":status", "200")], Last);
}

#[test]
#[should_panic(expected = "has been removed")]
fn a_test_cannot_open_a_stream_on_a_plugin_that_is_gone() {
    let (proxy, plugin) = serve("route");
    plugin.clone().remove();
    proxy.worker(0).open(&plugin);
}
