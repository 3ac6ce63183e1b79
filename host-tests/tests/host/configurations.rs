//! Configurations: refused, taken worker by worker, overlapping.

use breakglass_host_tests::{Error, FailurePolicy, Last, More, Plugin, Proxy, Thread};

use crate::{OK, guest, said};

#[test]
fn each_configuration_visits_the_trial_then_main_then_workers() {
    let proxy = Proxy::builder(guest("configure")).workers(2).build();
    proxy.plugin("p").configure("a").expect("it is taken");
    let logs = proxy.logs();
    let configured = logs
        .iter()
        .filter(|line| line.message.starts_with("configured"));
    let threads: Vec<_> = configured.map(|line| line.thread).collect();
    assert_eq!(
        threads,
        [
            Thread::Trial,
            Thread::Main,
            Thread::Worker(0),
            Thread::Worker(1)
        ]
    );
}

#[test]
fn a_refused_update_changes_nothing() {
    for (refused, reason) in [("n", "returned false"), ("t", "trapped")] {
        let (proxy, plugin) = serve_one("a");
        let Err(Error::Refused { reason: told, logs }) = plugin.update(refused) else {
            panic!("{refused} was taken");
        };
        assert!(told.contains(reason), "{told}");
        assert_eq!(logs.last().map(|line| line.thread), Some(Thread::Trial));
        assert_eq!(config_of(&proxy, 0, &plugin), "a");
        assert_eq!(proxy.worker(0).vms()[0].roots, 1);
    }
}

#[test]
fn a_refused_configuration_is_not_tried_again() {
    let (proxy, plugin) = serve_one("a");
    plugin.update("n").expect_err("n is refused");
    proxy.take_logs();
    let error = plugin.update("n").expect_err("n is still refused");
    assert!(error.to_string().contains("remembers"), "{error}");
    assert_eq!(said(&proxy), [""; 0]);
}

#[test]
fn workers_switch_when_told() {
    let proxy = Proxy::builder(guest("configure")).workers(2).build();
    let plugin = proxy.plugin("p").configure("a").expect("it is taken");
    let mut staged = plugin.stage("b").expect("it is taken");
    assert_eq!(config_of(&proxy, 0, &plugin), "a");
    staged.switch(1);
    assert_eq!(config_of(&proxy, 0, &plugin), "a");
    assert_eq!(config_of(&proxy, 1, &plugin), "b");
    staged.finish();
    assert_eq!(config_of(&proxy, 0, &plugin), "b");
}

#[test]
fn an_open_stream_keeps_its_root_alive_and_no_longer() {
    let (proxy, plugin) = serve_one("a");
    let mut old = proxy.worker(0).open(&plugin);
    plugin.update("b").expect("it is taken");
    let roots = || proxy.worker(0).vms()[0].roots;
    assert_eq!(roots(), 2);
    old.request([(":path", "/")], Last);
    assert_eq!(config_seen(&old), "a");
    old.response(OK, Last);
    assert_eq!(roots(), 1);
    assert_eq!(proxy.worker(0).vms().len(), 1, "one VM held both roots");
}

#[test]
fn going_back_while_the_old_root_lives_finds_it_again() {
    let (proxy, plugin) = serve_one("a");
    let old = proxy.worker(0).open(&plugin);
    plugin.update("b").expect("it is taken");
    plugin.update("a").expect("it is taken");
    assert_eq!(proxy.worker(0).vms()[0].roots, 1);
    drop(old);
    assert_eq!(proxy.worker(0).vms()[0].roots, 1);
    assert_eq!(config_of(&proxy, 0, &plugin), "a");
}

#[test]
fn two_plugins_of_one_vm_id_share_a_vm_and_each_has_its_root() {
    let proxy = Proxy::builder(guest("configure")).build();
    let plugin = |name, config| proxy.plugin(name).vm_id("vm").configure(config);
    let traffic = plugin("traffic", "t2").err();
    assert!(traffic.is_some(), "configurations that begin with t trap");
    let traffic = plugin("traffic", "a").expect("it is taken");
    let operator = plugin("operator", "b").expect("it is taken");
    assert_eq!(config_of(&proxy, 0, &traffic), "a");
    assert_eq!(config_of(&proxy, 0, &operator), "b");
    let vms = proxy.worker(0).vms();
    assert_eq!((vms.len(), vms[0].roots), (1, 2));
    assert_eq!(proxy.main_vms().len(), 1);
    operator.remove();
    assert_eq!(proxy.worker(0).vms()[0].roots, 1);
}

#[test]
fn another_vm_configuration_or_module_is_another_vm() {
    let proxy = Proxy::builder(guest("configure")).build();
    let first = proxy
        .plugin("p")
        .vm_id("vm")
        .configure("a")
        .expect("it is taken");
    let other = proxy.plugin("p").vm_id("vm").vm_configuration("x");
    let _second = other.configure("a").expect("it is taken");
    assert_eq!(proxy.worker(0).vms().len(), 2);
    let open = proxy.worker(0).open(&first);
    first.upgrade(&guest("route")).expect("it is taken");
    assert_eq!(
        proxy.worker(0).vms().len(),
        3,
        "an open stream keeps the old module"
    );
    drop(open);
    assert_eq!(proxy.worker(0).vms().len(), 2);
}

#[test]
fn a_configuration_that_fails_after_the_trial_leaves_threads_without_the_filter() {
    for (policy, status) in [(FailurePolicy::Closed, 503), (FailurePolicy::Open, 200)] {
        let proxy = Proxy::builder(guest("configure")).build();
        let plugin = proxy.plugin("p").failure_policy(policy);
        let plugin = plugin.configure("o").expect("the trial takes it");
        let threads: Vec<_> = plugin
            .failures()
            .into_iter()
            .map(|(thread, _)| thread)
            .collect();
        assert_eq!(threads, [Thread::Main, Thread::Worker(0)]);
        let mut stream = proxy.worker(0).open(&plugin);
        stream.request([(":path", "/")], More);
        stream.response(OK, Last);
        assert_eq!(stream.finish().client.status(), status);
    }
}

fn serve_one(configuration: &str) -> (Proxy, Plugin) {
    let proxy = Proxy::builder(guest("configure")).build();
    let plugin = proxy
        .plugin("p")
        .configure(configuration)
        .expect("it is taken");
    (proxy, plugin)
}

fn config_of(proxy: &Proxy, worker: usize, plugin: &Plugin) -> String {
    let mut stream = proxy.worker(worker).open(plugin);
    stream.request([(":path", "/")], Last);
    config_seen(&stream)
}

fn config_seen(stream: &breakglass_host_tests::Stream) -> String {
    let upstream = stream.upstream().expect("the request went on");
    upstream.headers.text("x-config").expect("the guest set it")
}
