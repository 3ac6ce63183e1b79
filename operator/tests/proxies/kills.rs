//! Kills: they do not lose a race, and do not wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, policy};
use crate::run::{Run, breakglass};

fn kill(targets: &[String], more: &[&str]) -> Run {
    let targets = format!("--targets={}", targets.join(","));
    let arguments = [
        "order",
        &targets,
        "--rollout",
        "agent",
        "--kill",
        "rollback",
    ];
    breakglass(&[&arguments, more].concat(), "")
}

/// A proxy at which somebody else is faster so many times.
fn overtaken(times: usize, tells_control: bool) -> Endpoint {
    let (filter, count) = (Filter::new(&policy(7, 10)), AtomicUsize::new(0));
    Endpoint::of(move |request| {
        if request.line == "POST /v1/orders" && count.fetch_add(1, Ordering::SeqCst) < times {
            let order: Value = serde_json::from_slice(&request.body).unwrap();
            let generation = order["generation"].as_u64().unwrap() + 3;
            filter.overtake(
                &json!({"rollout": "agent", "generation": generation, "redaction": "mask_all"}),
            );
        }
        let mut reply = filter.answer(request);
        if reply.status == 409 && !tells_control {
            reply = Reply::problem(409, "stale", "something newer is in force");
        }
        reply
    })
}

fn generations(proxy: &Endpoint) -> Vec<u64> {
    let orders = proxy.orders();
    orders
        .iter()
        .map(|order| order["generation"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_kill_that_comes_too_late_is_ordered_again() {
    for tells_control in [true, false] {
        let (slow, fair) = (
            overtaken(3, tells_control),
            Endpoint::filter(&policy(7, 10)),
        );
        let run = kill(&[slow.target(), fair.target()], &[]);
        assert_eq!(run.status, Some(0), "{}", run.stdout);
        assert_eq!(
            generations(&slow),
            [8, 12, 16, 20],
            "control told: {tells_control}"
        );
        assert_eq!(generations(&fair), [8]);
        assert!(
            run.stdout
                .contains(&format!("{}  carried out  generation 20", slow.target())),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_kill_is_given_up_after_five_tries() {
    let proxy = overtaken(usize::MAX, true);
    let run = kill(&[proxy.target()], &[]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert_eq!(generations(&proxy).len(), 5);
    assert!(
        run.stdout.contains("409 urn:breakglass:stale"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_generation_that_was_chosen_too_low_is_no_reason_to_lose() {
    let proxy = Endpoint::filter(&policy(70, 10));
    let run = kill(&[proxy.target()], &["--generation", "8"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    assert_eq!(generations(&proxy), [8, 71]);
}

#[test]
fn a_kill_does_not_wait_for_who_is_slow() {
    // It says nothing of its state before the other has been killed.
    let killed = Arc::new((Mutex::new(false), Condvar::new()));
    let quick = {
        let (filter, killed) = (Filter::new(&policy(7, 10)), killed.clone());
        Endpoint::of(move |request| {
            let reply = filter.answer(request);
            if request.line == "POST /v1/orders" {
                *killed.0.lock().unwrap() = true;
                killed.1.notify_all();
            }
            reply
        })
    };
    let slow = {
        let filter = Filter::new(&policy(30, 10));
        Endpoint::of(move |request| {
            let waits = killed.0.lock().unwrap();
            drop(killed.1.wait_while(waits, |killed| !*killed).unwrap());
            filter.answer(request)
        })
    };
    let run = kill(&[slow.target(), quick.target()], &["--timeout", "60s"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    // Each is higher than what was in force there.
    assert_eq!(
        (generations(&quick), generations(&slow)),
        (vec![8], vec![31])
    );
}

#[test]
fn who_says_it_is_killed_but_is_not_is_not_believed() {
    let proxy = Endpoint::of(|request| {
        let reply = Filter::new(&policy(7, 10)).answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        if json["control"].is_object() {
            json["control"]["kill"] = Value::Null;
        }
        Reply::json(&json)
    });
    let run = kill(&[proxy.target()], &[]);
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    assert!(
        run.stdout.contains("the control that it tells has no kill"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_proxy_that_leaves_no_generation_does_not_save_the_others() {
    let last = breakglass_policy::limits::GENERATION;
    let (odd, fair) = (
        Endpoint::filter(&policy(last, 10)),
        Endpoint::filter(&policy(7, 10)),
    );
    let run = kill(&[odd.target(), fair.target()], &[]);
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    assert_eq!(generations(&fair), [8]);
    let line = format!(
        "{}  not sent: it has the highest generation that there is",
        odd.target()
    );
    assert!(run.stdout.contains(&line), "{}", run.stdout);
}

#[test]
fn a_kill_that_a_stricter_one_stands_against_says_so() {
    let filter = Filter::new(&policy(7, 10));
    filter.overtake(&json!({"rollout": "agent", "generation": 8, "kill": {"mode": "block", "in_flight": "cut"}}));
    let proxy = Endpoint::of(move |request| filter.answer(request));
    let run = kill(&[proxy.target()], &[]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(
        run.stdout.contains("its kill-switch is on: block, cut"),
        "{}",
        run.stdout
    );
}

#[test]
fn of_a_kill_that_nobody_answers_nothing_is_claimed() {
    let (answered, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let proxy = Endpoint::of(move |request| {
        if request.line == "POST /v1/orders" {
            // Until the test has its result.
            let _ = wait.lock().unwrap().recv();
        }
        Filter::new(&policy(7, 10)).answer(request)
    });
    let run = kill(&[proxy.target()], &["--timeout", "200ms"]);
    drop(answered);
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    let message = "no answer within 200ms; whether it has carried the order out is not known";
    assert!(run.stdout.contains(message), "{}", run.stdout);
}
