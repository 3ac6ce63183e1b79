//! `journal`: the chain shows what was changed, and nothing else comes in.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::project::{AUTHOR, Project, SENIOR};
use crate::run::breakglass;
use crate::seed;

/// A project with some entries.
fn told() -> Project {
    let project = Project::new(1);
    seed::declared(&project, "chg-2026-0001", 90);
    seed::started(&project, "chg-2026-0001", 60);
    seed::completed(&project, "chg-2026-0001", 30);
    project
}

fn exported(project: &Project) -> Vec<String> {
    let text = project.done(AUTHOR, &["journal", "export"]);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_export_is_what_was_hashed_and_needs_no_project() {
    let project = told();
    let lines = exported(&project);
    for pair in lines.windows(2) {
        let next: Value = serde_json::from_str(&pair[1]).unwrap();
        assert_eq!(next["prev"], seed::hash(&pair[0]));
    }
    let head = seed::hash(lines.last().unwrap());
    let file = project.path("journal.jsonl");
    let told = project.done(AUTHOR, &["journal", "export", "-o", &file]);
    assert!(told.contains(&head), "{told}");
    let run = breakglass(&["journal", "verify", &file, "--head", &head, "--json"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        told,
        json!({"holds": true, "entries": lines.len(), "head": head})
    );
}

#[test]
fn what_was_changed_in_an_export_is_found_and_named() {
    let project = told();
    let lines = exported(&project);
    let last = lines.len();
    let edit = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        edit(&mut lines);
        lines.join("\n") + "\n"
    };
    let forged = |lines: &mut Vec<String>| {
        // As if it had been in place all along, with a hash that fits.
        let mut entry: Value = serde_json::from_str(&lines[2]).unwrap();
        entry["prev"] = seed::hash(&lines[1]).into();
        entry["seq"] = 3.into();
        lines.insert(2, entry.to_string());
    };
    for (what, text, entry) in [
        (
            "a changed word",
            edit(&|lines| lines[1] = lines[1].replace("ramp_started", "ramp_startet")),
            3,
        ),
        (
            "a changed time",
            edit(&|lines| lines[0] = lines[0].replacen("2026", "2025", 1)),
            2,
        ),
        ("a missing entry", edit(&|lines| drop(lines.remove(2))), 3),
        ("the first missing", edit(&|lines| drop(lines.remove(0))), 1),
        ("an inserted one", edit(&forged), 4),
        ("two swapped", edit(&|lines| lines.swap(1, 2)), 2),
        ("no entry at all", edit(&|lines| lines[3] = "{}".into()), 4),
    ] {
        assert_ne!(
            text,
            lines.join("\n") + "\n",
            "{what}: the test changes nothing"
        );
        let file = project.write("journal.jsonl", &text);
        let run = breakglass(&["journal", "verify", &file], "");
        assert_eq!(run.status, Some(1), "{what}: {}", run.stdout);
        let expected = format!("BROKEN: entry {entry}: ");
        assert!(run.stdout.starts_with(&expected), "{what}: {}", run.stdout);
    }
    // The end is missing: only who knows the head can tell.
    let file = project.write("journal.jsonl", &edit(&|lines| drop(lines.pop())));
    let head = seed::hash(&lines[last - 1]);
    assert_eq!(
        breakglass(&["journal", "verify", &file], "").status,
        Some(0)
    );
    let run = breakglass(&["journal", "verify", &file, "--head", &head], "");
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("cut off at the end"), "{}", run.stdout);
    // An older head is still one of its entries.
    let older = seed::hash(&lines[0]);
    assert_eq!(
        breakglass(&["journal", "verify", &file, "--head", &older], "").status,
        Some(0)
    );
}

#[test]
fn what_was_changed_in_the_database_is_found() {
    let project = told();
    let database = Connection::open(project.file(".breakglass/journal.db")).unwrap();
    let change = "UPDATE events SET line = replace(line, 'Aadhaar', 'invoice') WHERE seq = 1";
    assert!(
        database
            .execute(change, [])
            .unwrap_err()
            .to_string()
            .contains("only grows")
    );
    database.execute_batch("DROP TRIGGER events_stay").unwrap();
    assert_eq!(database.execute(change, []).unwrap(), 1);
    let run = project.run(AUTHOR, &["journal", "verify", "--json"]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&told["holds"], &told["entry"]), (&json!(false), &json!(1)));
}

#[test]
fn a_timeline_goes_by_the_clock_of_the_project() {
    let project = told();
    project.configure(
        "[[agents]]",
        "[windows]\ntime_zone = \"Asia/Kolkata\"\n\n[[agents]]",
    );
    let shown = project.done(AUTHOR, &["journal", "show", "chg-2026-0001"]);
    let lines: Vec<_> = shown.lines().collect();
    assert!(
        lines[0].contains(" +05:30  priya       declared (security): Stop"),
        "{shown}"
    );
    assert!(lines.last().unwrap().ends_with("ramp complete"), "{shown}");
    assert!(!shown.contains("on its way"), "{shown}");
    let all = project.done(AUTHOR, &["journal", "show", "chg-2026-0001", "--all"]);
    assert!(all.contains("10 % on its way"), "{all}");
    let json: Value =
        serde_json::from_str(&project.done(AUTHOR, &["journal", "show", "--json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), exported(&project).len());
    let run = project.run(AUTHOR, &["journal", "show", "chg-2026-0009"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("there is no change `chg-2026-0009`"),
        "{}",
        run.stderr
    );
}

#[test]
fn text_in_the_journal_moves_no_cursor() {
    let project = Project::new(1);
    seed::declared_as(&project, "chg-2026-0001", 5, |declared| {
        declared["title"] = "Calm\u{1b}[2J\nand a second line".into();
    });
    let shown = project.done(AUTHOR, &["journal", "show"]);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// An event that waits somewhere, as `kill` leaves it.
fn waiting(change: &str, event: &Value) -> String {
    json!({
        "id": "4f1d0000000000000000000000000000", "at": seed::minutes_ago(20), "by": SENIOR,
        "change": change, "event": event,
    })
    .to_string()
}

fn kill() -> Value {
    json!({"kind": "killed", "why": "it answers in Latin", "delivered": seed::delivered()})
}

#[test]
fn an_event_from_elsewhere_is_written_once_and_marked() {
    let project = told();
    let file = project.write("kill.json", &waiting("chg-2026-0001", &kill()));
    let told = project.done(AUTHOR, &["journal", "add", &file]);
    assert!(
        told.starts_with("added: ") && told.contains("KILLED: it answers in Latin"),
        "{told}"
    );
    let entries = project.entries();
    let last = entries.last().unwrap();
    assert_eq!((&last["late"], &last["by"]), (&json!(true), &json!(SENIOR)));
    let told = project.done(AUTHOR, &["journal", "add", &file]);
    assert!(told.starts_with("known already: "), "{told}");
    assert_eq!(project.entries().len(), entries.len());
    project.done(AUTHOR, &["journal", "verify"]);
    let shown = project.done(AUTHOR, &["journal", "show"]);
    assert!(
        shown.lines().last().unwrap().ends_with("(written later)"),
        "{shown}"
    );
}

#[test]
fn what_waits_beside_the_journal_is_taken_in_by_whoever_writes_next() {
    let project = told();
    let spool = project.file(".breakglass/spool");
    fs::create_dir_all(&spool).unwrap();
    fs::write(spool.join("kill.json"), waiting("chg-2026-0001", &kill())).unwrap();
    // Of another journal: it would make this one unreadable.
    fs::write(
        spool.join("foreign.json"),
        waiting("chg-2020-0001", &kill()).replace("4f1d", "5f1d"),
    )
    .unwrap();
    let status = project.done(AUTHOR, &["status"]);
    assert!(status.contains("2 events wait for the journal"), "{status}");
    project.run(AUTHOR, &["routine", "check", "support-agent"]);
    assert_eq!(project.events("killed").len(), 1);
    assert!(!spool.join("kill.json").exists());
    assert!(spool.join("foreign.json").exists());
    project.done(AUTHOR, &["journal", "verify"]);
}

#[test]
fn what_raises_or_settles_anything_is_not_taken_in_late() {
    let project = told();
    let before = project.entries().len();
    for (what, change, event) in [
        ("closed", "chg-2026-0001", json!({"kind": "closed"})),
        (
            "debt canary paid",
            "chg-2026-0001",
            json!({"kind": "debt_paid", "debt": "canary", "how": "somehow"}),
        ),
        ("there is no change", "chg-2026-0002", kill()),
        ("no event that waits", "", json!({"kind": "no_such"})),
    ] {
        let file = project.write("event.json", &waiting(change, &event));
        let run = project.run(AUTHOR, &["journal", "add", &file]);
        assert_eq!(run.status, Some(2), "{what}: {}", run.stdout);
        assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
    }
    assert_eq!(project.entries().len(), before);
}
