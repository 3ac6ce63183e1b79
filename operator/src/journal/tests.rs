//! The journal alone: nothing is lost, nothing is changed unseen.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::change::rules::Denial;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn noted(text: &str) -> Draft {
    Draft {
        change: None,
        event: Event::Noted { text: text.into() },
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> Journal {
    Journal::open(folder.path()).unwrap()
}

/// A journal with so many notes.
fn with_notes(count: usize) -> (TempDir, Journal) {
    let folder = folder();
    let mut journal = open(&folder);
    for number in 0..count {
        journal
            .write(&name("priya"), |_, _| {
                Ok(vec![noted(&format!("note {number}"))])
            })
            .unwrap();
    }
    (folder, journal)
}

fn broken(journal: &Journal) -> Broken {
    journal.verify().unwrap().unwrap_err()
}

/// What is done to the database, made from the line of the second entry.
type Statement = dyn Fn(&str) -> String;

/// A change to spool events of.
fn declare(journal: &mut Journal) -> ChangeId {
    let declared = json!({
        "kind": "declared", "title": "t", "rollout": "r", "category": "security", "evidence": {},
        "harm_of_waiting": "", "harm_of_bypassing": "", "cause": "prompt", "scope": "prompt", "impact": "limited",
        "versions": {"stable": "1", "canary": "2"}, "watcher": "priya", "message": "needed",
        "harm": {"measure": "errors", "at_most_per_1000": 1.0},
    });
    let id = name("chg-2026-0001");
    journal
        .append(
            &name("priya"),
            &id,
            serde_json::from_value(declared).unwrap(),
        )
        .unwrap();
    id
}

#[test]
fn two_writers_lose_nothing_and_keep_the_chain() {
    let folder = folder();
    let writers = ["priya", "ravi"];
    let begin = Arc::new(Barrier::new(writers.len()));
    thread::scope(|scope| {
        for writer in writers {
            let (folder, begin) = (folder.path(), begin.clone());
            scope.spawn(move || {
                // Each makes it, if nobody has.
                begin.wait();
                let mut journal = Journal::open(folder).unwrap();
                for number in 0..EACH {
                    let text = format!("{writer} {number}");
                    journal
                        .write(&name(writer), |_, _| Ok(vec![noted(&text)]))
                        .unwrap();
                }
            });
        }
    });
    let journal = open(&folder);
    let head = journal.verify().unwrap().unwrap();
    assert_eq!(head.entries, 2 * EACH);
    let texts = journal
        .entries()
        .unwrap()
        .into_iter()
        .map(|entry| match entry.event {
            Event::Noted { text } => text,
            other => panic!("{other:?}"),
        });
    let texts: BTreeSet<String> = texts.collect();
    assert_eq!(texts.len() as u64, 2 * EACH);
}

#[test]
fn who_decides_sees_all_that_others_have_written() {
    let folder = folder();
    let begin = Arc::new(Barrier::new(2));
    // Each writes what it counted: if one decided on what is out of date, a number came twice.
    thread::scope(|scope| {
        for _ in 0..2 {
            let (folder, begin) = (folder.path(), begin.clone());
            scope.spawn(move || {
                begin.wait();
                let mut journal = Journal::open(folder).unwrap();
                for _ in 0..EACH {
                    let decide = |ledger: &Ledger, _| {
                        let event = Event::RoutinePromoted {
                            rollout: name("r"),
                            version: ledger.routine.len().to_string(),
                        };
                        Ok(vec![Draft {
                            change: None,
                            event,
                        }])
                    };
                    journal.write(&name("ci"), decide).unwrap();
                }
            });
        }
    });
    for (entry, number) in open(&folder).entries().unwrap().iter().zip(0..) {
        let Event::RoutinePromoted { version, .. } = &entry.event else {
            panic!("{entry:?}");
        };
        assert_eq!(*version, i32::to_string(&number));
    }
}

#[test]
fn sqlite_itself_refuses_to_change_the_past() {
    let (folder, journal) = with_notes(3);
    let raw = Connection::open(folder.path().join(FILE)).unwrap();
    for statement in [
        "UPDATE events SET line = '{}'",
        "DELETE FROM events WHERE seq = 3",
    ] {
        let error = raw.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("the journal only grows"), "{error}");
    }
    assert_eq!(journal.verify().unwrap().unwrap().entries, 3);
}

#[test]
fn what_was_changed_past_sqlite_is_found() {
    let forge = |line: &str| {
        // With a hash that fits it, as somebody would who knows how.
        let line = line.replace("note 1", "NOTE 1");
        let hash = chain::hash(&line);
        format!("UPDATE events SET line = '{line}', hash = '{hash}' WHERE seq = 2")
    };
    let plain = |statement: &'static str| move |_: &str| statement.to_owned();
    let cases: [(&str, &Statement, u64); 5] = [
        (
            "a byte",
            &plain("UPDATE events SET line = replace(line, 'note 1', 'note 7') WHERE seq = 2"),
            2,
        ),
        (
            "a hash",
            &plain("UPDATE events SET hash = 'sha256:00' WHERE seq = 2"),
            2,
        ),
        ("both", &forge, 3),
        ("one less", &plain("DELETE FROM events WHERE seq = 2"), 2),
        (
            "no text",
            &plain("UPDATE events SET line = 'x' WHERE seq = 3"),
            3,
        ),
    ];
    for (what, statement, entry) in cases {
        let (folder, journal) = with_notes(3);
        let second = journal.lines().unwrap().remove(1).0;
        let raw = Connection::open(folder.path().join(FILE)).unwrap();
        raw.execute_batch("DROP TRIGGER events_stay; DROP TRIGGER events_remain")
            .unwrap();
        assert_eq!(raw.execute(&statement(&second), []).unwrap(), 1, "{what}");
        assert_eq!(
            broken(&journal).entry,
            entry,
            "{what}: {}",
            broken(&journal)
        );
    }
}

#[test]
fn what_waits_is_written_once() {
    let folder = folder();
    let mut journal = open(&folder);
    let change = declare(&mut journal);
    let event = Event::Held {
        why: "the disk was full".into(),
    };
    let at = Timestamp::from_millis(clock::now().millis() - 60_000);
    let spooled = Spooled::new(&name("ravi"), Some(&change), at, event).unwrap();
    let (file, beside) = spooled.save(folder.path()).unwrap();
    assert!(beside);
    let kept = fs::read(&file).unwrap();
    assert_eq!(journal.waiting(), 1);
    for _ in 0..2 {
        journal
            .write(&name("priya"), |_, _| Ok(vec![noted("next")]))
            .unwrap();
        assert!(!file.exists());
        // As if it could not be removed.
        fs::write(&file, &kept).unwrap();
    }
    let entries = journal.entries().unwrap();
    let late: Vec<_> = entries.iter().filter(|entry| entry.late).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(
        (late[0].at, &late[0].by, late[0].seq),
        (at, &name("ravi"), 2)
    );
    assert!(!journal.take_in(Spooled::read(&file).unwrap()).unwrap());
    journal.verify().unwrap().unwrap();
}

#[test]
fn half_a_file_waits_on() {
    let folder = folder();
    let mut journal = open(&folder);
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    fs::write(spool.join("half.json"), r#"{"id": "4f"#).unwrap();
    journal
        .write(&name("priya"), |_, _| Ok(vec![noted("next")]))
        .unwrap();
    assert!(spool.join("half.json").exists());
    assert_eq!(journal.entries().unwrap().len(), 1);
}

#[test]
fn a_journal_of_a_newer_tool_is_left_alone() {
    let (folder, journal) = with_notes(1);
    drop(journal);
    let raw = Connection::open(folder.path().join(FILE)).unwrap();
    raw.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    let error = format!("{:#}", Journal::open(folder.path()).unwrap_err());
    assert!(
        error.contains("it has format 2, this tool knows 1; expected a newer `breakglass`"),
        "{error}"
    );
}

#[test]
fn what_is_no_journal_is_said_to_be_none() {
    let folder = folder();
    fs::write(
        folder.path().join(FILE),
        "not a database, but long enough to be looked at as one",
    )
    .unwrap();
    let error = format!("{:#}", Journal::open(folder.path()).unwrap_err());
    assert!(
        error.starts_with("cannot") && error.contains("not a database"),
        "{error}"
    );
}

#[test]
fn whoever_has_no_time_learns_that_somebody_else_writes() {
    let (folder, _) = with_notes(1);
    let mut raw = Connection::open(folder.path().join(FILE)).unwrap();
    let writes = raw
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .unwrap();
    let opened = Journal::open_within(folder.path(), Duration::from_millis(10));
    let error = match opened {
        Err(error) => error,
        Ok(mut journal) => journal
            .write(&name("ravi"), |_, _| Ok(vec![noted("late")]))
            .unwrap_err(),
    };
    let error = format!("{error:#}");
    assert!(
        error.contains("journal") && error.contains("locked"),
        "{error}"
    );
    drop(writes);
    open(&folder)
        .write(&name("ravi"), |_, _| Ok(vec![noted("late")]))
        .unwrap();
}

#[test]
fn a_refusal_is_an_error_and_is_kept() {
    let (_folder, mut journal) = with_notes(1);
    let refused = journal.write(&name("priya"), |_, _| {
        let denial = Denial::new("no drill", "drill");
        Err(Refusal::one("start", None, "drill-first", denial).into())
    });
    assert!(refused.unwrap_err().downcast_ref::<Refusal>().is_some());
    let ledger = journal.ledger().unwrap();
    assert_eq!(
        (ledger.refused.len(), ledger.refused[0].rule.as_str()),
        (1, "drill-first")
    );
    // Any other error leaves no trace.
    let failed = journal.write(&name("priya"), |_, _| bail!("the network is down"));
    assert_eq!(failed.unwrap_err().to_string(), "the network is down");
    assert_eq!(journal.entries().unwrap().len(), 2);
}

const EACH: u64 = 40;
