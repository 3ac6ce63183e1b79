//! One person, one command, no gate: whatever else is broken.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::proxy::Health;
use super::running::Ramp;
use crate::fake::nobody;
use crate::project::{AUTHOR, Project, ROLLOUT, SENIOR};

#[test]
fn a_kill_ends_the_ramp_and_nothing_rises_before_it_is_approved_anew() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    let told = ramp
        .project
        .done(SENIOR, &["kill", "--why", "it still leaks"]);
    assert!(told.contains("carried out by 2 of 2 proxies"), "{told}");
    assert_eq!(engine.ended(), Some(1));
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (0.0, true));
    }
    let killed = ramp.project.events("killed").remove(0);
    assert_eq!(killed["why"], "it still leaks");

    let change = &ramp.change;
    ramp.project
        .refused(AUTHOR, &["start", change], "not-ended");
    ramp.project.done(
        AUTHOR,
        &[
            "rearm",
            change,
            "--why",
            "the second sentence of the prompt is gone",
        ],
    );
    ramp.project
        .refused(AUTHOR, &["start", change], "drill-first");
    ramp.project.done(AUTHOR, &["drill", change]);
    ramp.project.refused(AUTHOR, &["start", change], "approved");
    ramp.project.done(SENIOR, &["approve", change, "--yes"]);
    ramp.project
        .done(crate::project::SECURITY, &["approve", change, "--yes"]);
    let (_engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 2);
    assert_eq!(ramp.proxies[0].in_force(), (1.0, false));
}

#[test]
fn with_one_proxy_down_the_others_are_killed_and_it_is_named() {
    let down = nobody();
    let ramp = Ramp::ready(3);
    ramp.project
        .configure(&ramp.project.proxies[1].target(), &down);
    let run = ramp.project.run(SENIOR, &["kill", "--rollout", ROLLOUT]);
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains(&format!("NOT reached: {down}")),
        "{}",
        run.stdout
    );
    assert_eq!(ramp.proxies[0].in_force(), (0.0, true));
    assert_eq!(ramp.proxies[2].in_force(), (0.0, true));
}

#[test]
fn a_locked_store_stops_no_kill() {
    let ramp = Ramp::ready(2);
    let (engine, _watch) = (ramp.start(), ramp.watch());
    ramp.await_events("step_in_force", 1);
    let store = ramp.project.file(".breakglass/journal.db");
    let lock = Connection::open(store).unwrap();
    lock.busy_timeout(Duration::from_secs(10)).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let since = Instant::now();
    let run = ramp.project.run(SENIOR, &["kill", &ramp.change]);
    // Everybody is back long before it gives the journal up.
    let took = since.elapsed();
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("the kill waits in"), "{}", run.stdout);
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (0.0, true));
    }
    assert!(took < Duration::from_secs(30), "{took:?}");
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    assert_eq!(engine.ended(), Some(1));
    // Whoever writes next takes it in, once.
    ramp.project.done(AUTHOR, &["note", "the store was locked"]);
    assert_eq!(ramp.project.events("killed").len(), 1);
    ramp.project.done(AUTHOR, &["journal", "verify"]);
}

#[test]
fn a_full_disk_stops_no_kill() {
    let ramp = Ramp::ready(2);
    let change = &ramp.change;
    let binary = env!("CARGO_BIN_EXE_breakglass");
    let folder = ramp.project.folder().to_str().unwrap();
    // No file may grow by a byte, and the signal that says so is ignored: writing fails, as on a full disk.
    let script = format!(
        "ulimit -f 0; trap '' XFSZ; exec {binary} kill {change} --project {folder} --as {SENIOR}"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    for proxy in &ramp.proxies {
        assert_eq!(proxy.in_force(), (0.0, true), "{stdout}{stderr}");
    }
    assert!(
        stdout.contains("carried out by 2 of 2 proxies"),
        "{stdout}{stderr}"
    );
    assert!(stdout.contains("waits nowhere"), "{stdout}{stderr}");
    // The file that proxies start from could not be written either: that is told.
    assert_eq!(output.status.code(), Some(3), "{stdout}{stderr}");
    ramp.project.done(AUTHOR, &["journal", "verify"]);
}

#[test]
fn without_a_journal_the_configuration_knows_the_rollout() {
    let ramp = Ramp::ready(1);
    fs::remove_file(ramp.project.file(".breakglass/journal.db")).unwrap();
    fs::create_dir(ramp.project.file(".breakglass/journal.db")).unwrap();
    let run = ramp.project.run(SENIOR, &["kill", &ramp.change]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(ramp.proxies[0].in_force(), (0.0, true));
}

#[test]
fn without_a_change_it_is_written_down_all_the_same() {
    let project = Project::new(1);
    project.done(SENIOR, &["kill"]);
    let why = project.events("killed").remove(0)["why"].to_string();
    assert!(why.contains("of support-agent"), "{why}");
    project.done(AUTHOR, &["journal", "verify"]);
}

#[test]
fn a_change_that_was_never_declared_does_not_spoil_the_journal() {
    let ramp = Ramp::ready(1);
    let store = ramp.project.file(".breakglass/journal.db");
    let lock = Connection::open(store).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // It cannot be looked up before the kill; it can be written after.
    let proxy = ramp.proxies[0].clone();
    proxy.close_gate();
    let free = thread::spawn(move || {
        proxy.await_order();
        lock.execute_batch("ROLLBACK").unwrap();
        proxy.open_gate();
    });
    let run = ramp.project.run(SENIOR, &["kill", "chg-1999-0001"]);
    free.join().unwrap();
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(ramp.proxies[0].in_force(), (0.0, true));
    assert_eq!(ramp.project.events("killed").len(), 1);
    ramp.project.done(AUTHOR, &["status"]);
}

#[test]
fn nobody_to_be_reached_is_said_so() {
    let ramp = Ramp::ready(1);
    ramp.proxies[0].health(Health::Gone);
    let run = ramp.project.run(SENIOR, &["kill"]);
    // The file that it starts from has it.
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert_eq!(ramp.project.control()["kill"]["mode"], "rollback");
}
