//! Many requests, and workers on real threads.

use breakglass_host_tests::{Last, Proxy};

use crate::{OK, guest};

#[test]
fn a_hundred_thousand_requests_leave_nothing_behind() {
    const REQUESTS: u64 = 100_000;
    let proxy = Proxy::builder(guest("route")).build();
    let plugin = proxy.plugin("p").configure("").expect("it takes anything");
    let worker = proxy.worker(0);
    let before = worker.vms();
    for _ in 0..REQUESTS {
        let mut stream = worker.open(&plugin);
        stream.request([(":method", "GET"), (":path", "/"), ("x-user", "u")], Last);
        stream.response(OK, Last);
        assert!(stream.finish().client.ended);
    }
    assert_eq!(proxy.counter("requests"), REQUESTS);
    assert_eq!(worker.vms(), before);
}

#[test]
fn workers_on_real_threads_lose_no_update() {
    const WORKERS: usize = 4;
    const REQUESTS: u32 = 500;
    let proxy = Proxy::builder(guest("shared")).workers(WORKERS).build();
    let plugin = proxy
        .plugin("p")
        .vm_id("vm")
        .configure("")
        .expect("it takes anything");
    std::thread::scope(|scope| {
        for worker in proxy.workers() {
            let plugin = &plugin;
            scope.spawn(move || {
                for _ in 0..REQUESTS {
                    worker.open(plugin).request([(":path", "/")], Last);
                }
            });
        }
    });
    let (value, _) = proxy.shared_data().get("vm", "n").expect("it was written");
    assert_eq!(value, (REQUESTS * WORKERS as u32).to_le_bytes());
}

#[test]
fn two_hundred_updates_leave_one_root_and_the_memory_as_it_was() {
    let proxy = Proxy::builder(guest("configure")).build();
    let plugin = proxy.plugin("p").configure("a").expect("it is taken");
    let before = proxy.worker(0).vms();
    for n in 0..200 {
        plugin.update(format!("a{n}")).expect("it is taken");
    }
    assert_eq!(proxy.worker(0).vms(), before);
}
