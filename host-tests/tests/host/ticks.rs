//! Timers, of roots that live and of roots that do not.

use std::time::Duration;

use breakglass_host_tests::{Proxy, VmStats};

use crate::{guest, said};

const PERIOD: Duration = Duration::from_millis(100);

#[test]
fn every_thread_ticks() {
    let (proxy, _plugin) = serve("a", 2);
    proxy.advance(PERIOD * 3);
    assert_eq!(proxy.counter("ticks"), 3 * 3, "main and two workers");
    proxy.advance(PERIOD / 2);
    assert_eq!(proxy.counter("ticks"), 9, "nothing is due");
}

#[test]
fn ticks_happen_at_their_time() {
    let (proxy, _plugin) = serve("a", 1);
    let start = proxy.now();
    proxy.advance(PERIOD * 2);
    assert_eq!(proxy.now().duration_since(start).ok(), Some(PERIOD * 2));
}

#[test]
fn the_timer_of_a_dead_root_wakes_envoy_for_ever() {
    let (proxy, plugin) = serve("a", 1);
    plugin.update("b").expect("it is taken");
    proxy.advance(PERIOD * 5);
    assert_eq!(proxy.counter("ticks"), 2 * 5, "only the new root ticks");
    let vm = vm(&proxy);
    assert_eq!((vm.timers, vm.dead_timers, vm.dead_wakeups), (1, 1, 5));
}

#[test]
fn the_timers_of_a_vm_go_with_it() {
    let (proxy, plugin) = serve("a", 0);
    let other = proxy
        .plugin("q")
        .vm_id("other")
        .configure("a")
        .expect("it is taken");
    plugin.remove();
    proxy.advance(PERIOD);
    assert_eq!(proxy.counter("ticks"), 1, "of the other VM");
    other.remove();
    assert_eq!(proxy.main_vms(), []);
}

#[test]
fn a_root_that_stops_its_timer_in_done_leaves_none() {
    let (proxy, plugin) = serve("s", 1);
    plugin.update("s2").expect("it is taken");
    proxy.advance(PERIOD);
    let vm = vm(&proxy);
    assert_eq!((vm.timers, vm.dead_timers, vm.dead_wakeups), (1, 0, 0));
}

#[test]
fn a_root_gets_done_and_delete() {
    let (proxy, plugin) = serve("s", 0);
    plugin.update("s2").expect("it is taken");
    assert_eq!(said(&proxy), ["done 1", "delete 1"]);
}

#[test]
fn a_root_that_asks_for_time_ticks_until_it_is_done() {
    let (proxy, plugin) = serve("l", 0);
    plugin.update("l2").expect("it is taken");
    assert_eq!(said(&proxy), ["done 1"]);
    assert_eq!(proxy.main_vms()[0].roots, 2);
    proxy.advance(PERIOD);
    assert_eq!(said(&proxy), ["done 1", "delete 1"]);
    assert_eq!(proxy.main_vms()[0].roots, 1);
}

fn serve(configuration: &str, workers: usize) -> (Proxy, breakglass_host_tests::Plugin) {
    let proxy = Proxy::builder(guest("ticks")).workers(workers).build();
    let plugin = proxy
        .plugin("p")
        .configure(configuration)
        .expect("it is taken");
    (proxy, plugin)
}

fn vm(proxy: &Proxy) -> VmStats {
    proxy.worker(0).vms().remove(0)
}
