//! Shared data as guests see it. The store's own rules are tested beside it.

use breakglass_host_tests::{Last, Proxy};

use crate::{get, guest, said, serve};

#[test]
fn a_write_on_one_worker_is_read_on_the_next() {
    let proxy = Proxy::builder(guest("shared")).workers(3).build();
    let plugin = proxy
        .plugin("p")
        .vm_id("vm")
        .configure("")
        .expect("it takes anything");
    for worker in proxy.workers() {
        worker.open(&plugin).request([(":path", "/")], Last);
    }
    let (value, _) = proxy.shared_data().get("vm", "n").expect("it was written");
    assert_eq!(value, 3u32.to_le_bytes());
}

#[test]
fn namespaces_are_vm_ids() {
    let (proxy, plugin) = serve("shared");
    get(&proxy, &plugin, ("a", "b"), Last);
    let other = proxy
        .plugin("p")
        .vm_id("other")
        .configure("")
        .expect("it takes anything");
    get(&proxy, &other, ("a", "b"), Last);
    let value = |vm_id| proxy.shared_data().get(vm_id, "n").map(|(value, _)| value);
    assert_eq!(value("vm"), Some(vec![1, 0, 0, 0]));
    assert_eq!(value("other"), Some(vec![1, 0, 0, 0]));
    assert_eq!(value(""), None);
}

#[test]
fn a_stale_number_is_a_mismatch_and_an_empty_value_a_null_pointer() {
    let (proxy, plugin) = serve("shared");
    proxy
        .shared_data()
        .set("vm", "n", "1234", 0)
        .expect("0 overwrites");
    get(&proxy, &plugin, ("x-try", "w"), Last);
    assert_eq!(said(&proxy), ["wrong number 8", "empty value 0"]);
}

#[test]
fn a_guest_sees_what_another_plugin_wrote() {
    let (proxy, plugin) = serve("shared");
    proxy
        .shared_data()
        .set("vm", "n", 41u32.to_le_bytes(), 0)
        .expect("0 overwrites");
    get(&proxy, &plugin, ("a", "b"), Last);
    let (value, _) = proxy.shared_data().get("vm", "n").expect("it was written");
    assert_eq!(value, 42u32.to_le_bytes());
}
