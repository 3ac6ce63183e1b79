//! From the first percent to everybody, and what the ramp waits for.

use serde_json::json;

use super::running::Ramp;
use crate::project::{AUTHOR, EXECUTIVE, SENIOR};

#[test]
fn a_ramp_goes_from_one_percent_to_everybody() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    for step in 0..4 {
        ramp.await_events("step_in_force", step + 1);
        ramp.confirm();
    }
    assert_eq!(engine.ended(), Some(0));
    assert_eq!(ramp.steps("step_begun"), [0, 1, 2, 3]);
    assert_eq!(ramp.steps("step_in_force"), [0, 1, 2, 3]);
    assert_eq!(ramp.project.events("completed").len(), 1);
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (100.0, false));
    }
    // What proxies start from has it too, without a lease.
    let control = ramp.project.control();
    assert_eq!(control["not_after"], json!(null));
    assert_eq!(control["ramp"][0]["percent"], json!(100));
}

#[test]
fn without_somebody_who_watches_nobody_gets_the_new_version() {
    let ramp = Ramp::ready(1);
    let _engine = ramp.start();
    ramp.await_events("ramp_started", 1);
    let waits = || {
        let told = ramp.project.done(AUTHOR, &["watch", "--once", "--json"]);
        told.contains("somebody to watch")
    };
    ramp.until("waiting", waits);
    assert!(ramp.project.events("step_begun").is_empty());
    assert_eq!(ramp.proxies[0].in_force(), (0.0, true));
}

#[test]
fn no_step_without_the_watchers_word() {
    let ramp = Ramp::ready(1);
    let (_engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    let waits = || {
        let told = ramp.project.done(AUTHOR, &["watch", "--once", "--json"]);
        // The word is all that it waits for.
        told.contains(r#""waits_for":["the watcher's word"#)
    };
    ramp.until("waiting for the word", waits);
    // Somebody who does not watch has none.
    ramp.project
        .refused(EXECUTIVE, &["confirm", &ramp.change], "attended");
    assert_eq!(ramp.steps("step_begun"), [0]);
}

#[test]
fn a_ramp_that_is_held_waits_for_a_person() {
    let ramp = Ramp::ready(1);
    let (_engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.project
        .done(SENIOR, &["hold", &ramp.change, "--why", "looks odd"]);
    ramp.confirm();
    let held = || {
        let told = ramp.project.done(AUTHOR, &["watch", "--once", "--json"]);
        told.contains("it is held: looks odd")
    };
    ramp.until("held", held);
    assert_eq!(ramp.steps("step_begun"), [0]);
    ramp.project.done(SENIOR, &["resume", &ramp.change]);
    ramp.await_events("step_in_force", 2);
}

#[test]
fn a_step_needs_answers_of_the_canary() {
    let ramp = Ramp::configured(1, |project| {
        project.configure("min_answers = 0", "min_answers = 1000000");
    });
    let (_engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    ramp.confirm();
    let waits = || {
        let told = ramp.project.done(AUTHOR, &["watch", "--once", "--json"]);
        told.contains("answers of the canary in this step")
    };
    ramp.until("waiting for answers", waits);
    assert_eq!(ramp.steps("step_begun"), [0]);
}

#[test]
fn when_the_watcher_leaves_the_lease_runs_out_and_everybody_is_back() {
    let ramp = Ramp::configured(2, |project| {
        // Longer than a heartbeat may be missing.
        project.configure(
            r#"{percent = 1, hold = "1s"}"#,
            r#"{percent = 1, hold = "4s"}"#,
        );
    });
    let (engine, watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    // A word given is no presence.
    ramp.confirm();
    watch.cut_off();
    assert_eq!(engine.ended(), Some(1));
    assert_eq!(ramp.steps("step_begun"), [0]);
    assert_eq!(ramp.project.events("lapsed").len(), 1);
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (0.0, true));
    }
}

#[test]
fn the_lease_is_renewed_while_somebody_watches() {
    let ramp = Ramp::ready(1);
    let (_engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    let lease = || ramp.proxies[0].lease();
    let first = lease();
    ramp.until("renewed", || lease() > first);
    assert_eq!(ramp.proxies[0].in_force(), (1.0, false));
}

#[test]
fn two_engines_do_not_run_one_change() {
    let ramp = Ramp::ready(1);
    let _engine = ramp.start();
    ramp.await_events("ramp_started", 1);
    let second = ramp.project.run(AUTHOR, &["start", &ramp.change]);
    assert_eq!(second.status, Some(2), "{}", second.stderr);
    assert!(
        second.stderr.contains("is run by another engine"),
        "{}",
        second.stderr
    );
    assert_eq!(ramp.project.events("ramp_started").len(), 1);
}
