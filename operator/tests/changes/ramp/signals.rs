//! Any concerning signal takes everybody back, without a person.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::proxy::{Health, Proxy, Traffic};
use super::running::Ramp;

/// Runs a ramp to its second step, lets something go wrong, and waits until everybody is back.
fn rolled_back(ramp: Ramp, wrong: impl FnOnce(&[Proxy])) -> (Ramp, Value) {
    let (engine, watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.confirm();
    ramp.await_events("step_in_force", 2);
    wrong(&ramp.proxies);
    assert_eq!(engine.ended(), Some(1));
    assert_eq!(watch.ended(), Some(1));
    // Never further than it was.
    assert_eq!(ramp.steps("step_begun"), [0, 1]);
    let signal = ramp.project.events("signal").remove(0);
    (ramp, signal)
}

fn is_back(proxy: &Proxy) -> bool {
    proxy.in_force() == (0.0, true)
}

#[test]
fn more_errors_than_the_stable_version_beside_it() {
    let (ramp, signal) = rolled_back(Ramp::ready(2), |proxies| {
        for proxy in proxies {
            proxy.traffic(|traffic| traffic.errors = [5.0, 100.0]);
        }
    });
    assert_eq!(signal["signal"], "error_rate");
    assert!(ramp.proxies.iter().all(is_back));
    assert_eq!(ramp.project.events("rolled_back").len(), 1);
    // A restart finds the kill too.
    assert_eq!(ramp.project.control()["kill"]["mode"], "rollback");
}

#[test]
fn errors_that_both_versions_have_are_no_reason() {
    let ramp = Ramp::ready(1);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.proxies[0].traffic(|traffic| traffic.errors = [200.0, 200.0]);
    for step in 0..4 {
        ramp.await_events("step_in_force", step + 1);
        ramp.confirm();
    }
    assert_eq!(engine.ended(), Some(0));
}

#[test]
fn an_entity_that_the_stable_version_does_not_show() {
    let leaks = |traffic: &mut Traffic| {
        traffic.redactions[1].insert("CREDIT_CARD", 50.0);
    };
    let (_, signal) = rolled_back(Ramp::ready(2), |proxies| {
        for proxy in proxies {
            proxy.traffic(leaks);
        }
    });
    assert_eq!(signal["signal"], "redactions");
    assert_eq!(signal["detail"]["entity"], "CREDIT_CARD");
    assert_eq!(signal["detail"]["side"], "more");
}

#[test]
fn a_redactor_that_falls_silent() {
    let (_, signal) = rolled_back(Ramp::ready(2), |proxies| {
        for proxy in proxies {
            proxy.traffic(|traffic| {
                traffic.requests = 10_000.0;
                traffic.redactions[1] = BTreeMap::new();
            });
        }
    });
    assert_eq!(signal["signal"], "redactions");
    assert_eq!(signal["detail"]["side"], "fewer");
}

#[test]
fn one_finding_of_an_entity_of_which_there_must_be_none() {
    let ramp = Ramp::configured(1, |project| {
        let judge = "min_answers = 0\njudge = {alpha = 0.001, signals = [{zero_tolerance = [\"IN_AADHAAR\"]}]}";
        project.configure("min_answers = 0", judge);
    });
    let (_, signal) = rolled_back(ramp, |proxies| {
        proxies[0].traffic(|traffic| {
            traffic.redactions[1].insert("IN_AADHAAR", 10.0);
        });
    });
    assert_eq!(signal["signal"], "zero_tolerance");
}

#[test]
fn a_proxy_that_is_gone() {
    let (ramp, signal) = rolled_back(Ramp::ready(3), |proxies| proxies[1].health(Health::Gone));
    assert_eq!(signal["signal"], "missing_data");
    assert!(is_back(&ramp.proxies[0]) && is_back(&ramp.proxies[2]));
    // The one that was gone is followed until its lease is over.
    assert_eq!(ramp.proxies[1].in_force().0, 0.0);
    let named = ramp.project.events("rolled_back").remove(0).to_string();
    assert!(named.contains(&ramp.project.proxies[1].target()), "{named}");
}

#[test]
fn a_proxy_that_comes_back_is_taken_back_too() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.proxies[0].traffic(|traffic| traffic.errors = [5.0, 900.0]);
    ramp.proxies[1].health(Health::Gone);
    ramp.await_events("rolled_back", 1);
    ramp.proxies[1].health(Health::Well);
    assert_eq!(engine.ended(), Some(1));
    assert!(ramp.proxies.iter().all(is_back));
}

#[test]
fn a_filter_that_counts_nothing() {
    let (_, signal) = rolled_back(Ramp::ready(1), |proxies| {
        proxies[0].health(Health::Uncounted);
    });
    assert_eq!(signal["signal"], "missing_data");
}

#[test]
fn the_judge_of_a_proxys_own_filter() {
    let (ramp, signal) = rolled_back(Ramp::ready(2), |proxies| {
        proxies[0].trip(json!({"signal": "error_rate", "text": "canary 9 of 90"}));
    });
    assert_eq!(signal["signal"], "filter_judge");
    assert!(
        signal["verdict"]
            .as_str()
            .unwrap()
            .contains("canary 9 of 90")
    );
    // The other proxy's filter has not noticed anything.
    assert!(ramp.proxies.iter().all(is_back));
}

#[test]
fn a_share_that_somebody_lowers_is_not_raised_again() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    let mut lower = ramp.proxies[0].ramp();
    lower[0]["percent"] = json!(0.5);
    ramp.order(0, &["--ramp", &lower.to_string()]);
    assert_eq!(engine.ended(), Some(1));
    let signal = ramp.project.events("signal").remove(0);
    assert_eq!(signal["signal"], "share_lowered");
    assert!(ramp.proxies.iter().all(is_back));
}

#[test]
fn a_kill_at_one_proxy_by_somebody_else_is_one_for_all() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.order(0, &["--kill", "rollback"]);
    assert_eq!(engine.ended(), Some(1));
    let signal = ramp.project.events("signal").remove(0);
    assert_eq!(signal["signal"], "killed_elsewhere");
    assert!(ramp.proxies.iter().all(is_back));
}
