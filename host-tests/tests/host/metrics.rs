//! Metrics as guests see them.

use breakglass_host_tests::{Last, MetricKind, Proxy};

use crate::{OK, get, guest, said, serve};

#[test]
fn envoys_rules_for_every_kind() {
    let (proxy, plugin) = serve("metrics");
    get(&proxy, &plugin, ("a", "b"), Last);
    assert_eq!(
        said(&proxy),
        [
            "counter id 4",
            "add 0 2",
            "add -1 2",
            "add 2 0",
            "gauge -1 0",
            "add to histogram 2",
            "read histogram 2",
            "unknown 1",
            "bad kind 2",
        ]
    );
    assert_eq!(proxy.counter("counter"), 2);
    assert_eq!(proxy.gauge("gauge"), 4);
    assert_eq!(proxy.histogram("histogram"), [42]);
    assert!(
        proxy
            .metric_names()
            .contains(&(MetricKind::Gauge, "gauge".to_owned()))
    );
}

#[test]
fn one_name_is_one_metric_on_all_workers() {
    let proxy = Proxy::builder(guest("metrics")).workers(2).build();
    let plugin = proxy.plugin("p").configure("").expect("it takes anything");
    for worker in proxy.workers() {
        worker.open(&plugin).request([(":path", "/")], Last);
    }
    assert_eq!(proxy.counter("counter"), 4);
}

#[test]
fn a_definition_per_request_shows_in_the_ids() {
    let (proxy, plugin) = serve("metrics");
    let ids = || proxy.worker(0).vms()[0].metric_ids;
    let before = ids();
    get(&proxy, &plugin, ("a", "b"), Last);
    get(&proxy, &plugin, ("a", "b"), Last);
    assert_eq!(ids(), before + 4);
}

#[test]
fn a_gauge_below_zero_is_a_complaint() {
    let (proxy, plugin) = serve("metrics");
    let mut stream = get(&proxy, &plugin, ("a", "b"), Last);
    stream.response(OK, Last);
    let complaints = proxy.complaints();
    assert_eq!(complaints.len(), 1);
    assert!(
        complaints[0].contains("gauge fell below zero"),
        "{complaints:?}"
    );
}
