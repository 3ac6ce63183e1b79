//! An engine may die anywhere: it is taken up where it was, or everybody has fallen back. No step is
//! skipped.

use super::running::Ramp;
use crate::project::AUTHOR;

/// Where the engine is killed.
enum Cut {
    /// As soon as the journal has so many events of this kind.
    After(&'static str, usize),
    /// When so many steps are in force and the next one's order has come to the proxy, which carries it
    /// out only when the engine is gone.
    InFlight(usize),
}

fn survives(cut: &Cut) {
    let ramp = Ramp::ready(2);
    let _watch = ramp.watch();
    let engine = ramp.start();
    match cut {
        Cut::After(kind, count) => {
            // What goes before it is confirmed, so that it comes.
            let steps = match *kind {
                "step_begun" => count - 1,
                _ => *count,
            };
            for step in 1..=steps {
                ramp.await_events("step_in_force", step);
                if step < *count || *kind != "step_in_force" {
                    ramp.confirm();
                }
            }
            ramp.await_events(kind, *count);
            engine.cut_off();
        }
        Cut::InFlight(steps) => {
            for step in 1..=*steps {
                ramp.await_events("step_in_force", step);
                if step == *steps {
                    // Renewals of the lease go through before.
                    ramp.proxies[1].close_gate();
                }
                ramp.confirm();
            }
            if *steps == 0 {
                ramp.proxies[1].close_gate();
            }
            ramp.await_events("step_begun", steps + 1);
            ramp.proxies[1].await_order();
            engine.cut_off();
            ramp.proxies[1].open_gate();
        }
    }
    // Taken up again, it goes on to the end.
    let engine = ramp.start();
    for step in 0..4 {
        ramp.until("in force", || {
            ramp.steps("step_in_force").contains(&step) || ended(&ramp)
        });
        if ended(&ramp) {
            break;
        }
        let confirmed = ramp.steps("confirmed");
        if !confirmed.contains(&step) {
            ramp.until("confirmed", || {
                ramp.project.run(AUTHOR, &["confirm", &ramp.change]).status == Some(0)
                    || ended(&ramp)
            });
        }
    }
    let status = engine.ended();
    let shares: Vec<_> = ramp.proxies.iter().map(|proxy| proxy.in_force()).collect();
    match status {
        Some(0) => assert_eq!(shares, [(100.0, false); 2]),
        // It was away too long: then nobody is on the canary.
        Some(1) => assert_eq!(shares, [(0.0, true); 2]),
        status => panic!("{status:?}"),
    }
    // Each step that began is the one before or the next: none was left out.
    let steps = ramp.steps("step_begun");
    let mut highest = None;
    for step in &steps {
        let next = highest.map_or(0, |highest: u64| highest + 1);
        assert!(*step <= next, "{steps:?}");
        highest = highest.max(Some(*step));
    }
    ramp.project.done(AUTHOR, &["journal", "verify"]);
}

fn ended(ramp: &Ramp) -> bool {
    ["completed", "rolled_back", "lapsed"]
        .iter()
        .any(|kind| !ramp.project.events(kind).is_empty())
}

#[test]
fn killed_when_it_had_just_begun() {
    survives(&Cut::After("ramp_started", 1));
}

#[test]
fn killed_before_each_step_was_pushed() {
    for step in 1..=4 {
        survives(&Cut::After("step_begun", step));
    }
}

#[test]
fn killed_while_each_step_was_on_its_way() {
    for steps in 0..4 {
        survives(&Cut::InFlight(steps));
    }
}

#[test]
fn killed_after_each_step_was_in_force() {
    for step in 1..=4 {
        survives(&Cut::After("step_in_force", step));
    }
}

#[test]
fn killed_after_each_confirmation() {
    for step in 1..=3 {
        survives(&Cut::After("confirmed", step));
    }
}

#[test]
fn killed_while_it_took_everybody_back() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.proxies[1].close_gate();
    ramp.proxies[0].traffic(|traffic| traffic.errors = [5.0, 900.0]);
    ramp.proxies[1].await_order();
    engine.cut_off();
    ramp.proxies[1].open_gate();
    // One proxy is killed, the other has the order too; nothing is in the journal.
    assert!(ramp.project.events("rolled_back").is_empty());
    let engine = ramp.start();
    assert_eq!(engine.ended(), Some(1));
    assert_eq!(ramp.project.events("rolled_back").len(), 1);
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (0.0, true));
    }
}
