//! Entries put into a journal as the tool itself would write them: for what takes days, or an engine.

use std::time::{Duration, SystemTime};

use breakglass_policy::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::project::{AUTHOR, Project, declaration};

/// A time so many minutes ago.
pub(crate) fn minutes_ago(minutes: u64) -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap() - Duration::from_secs(60 * minutes);
    Timestamp::from_millis(since.as_millis().try_into().unwrap())
}

/// Appends an entry.
pub(crate) fn entry(
    project: &Project,
    change: Option<&str>,
    by: &str,
    at: Timestamp,
    event: Value,
) {
    // The tool makes the journal.
    project.done(by, &["journal", "verify"]);
    let database = Connection::open(project.file(".breakglass/journal.db")).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let last = database.query_row(
        "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
    );
    let (seq, prev) = last.unwrap_or_else(|_| (0, format!("sha256:{}", "0".repeat(64))));
    let mut line = json!({"seq": seq + 1, "at": at, "by": by, "prev": prev, "event": event});
    if let Some(change) = change {
        line["change"] = change.into();
    }
    let line = line.to_string();
    database
        .execute(
            "INSERT INTO events (seq, line, hash) VALUES (?1, ?2, ?3)",
            (seq + 1, &line, hash(&line)),
        )
        .unwrap();
}

/// The hash of a line.
pub(crate) fn hash(line: &str) -> String {
    let digest = Sha256::digest(line.as_bytes());
    let digits: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", digits.concat())
}

/// Declares so many minutes ago.
pub(crate) fn declared(project: &Project, change: &str, minutes: u64) {
    declared_as(project, change, minutes, |_| {});
}

/// The same, with something else in the record.
pub(crate) fn declared_as(
    project: &Project,
    change: &str,
    minutes: u64,
    edit: impl FnOnce(&mut Value),
) {
    let mut event = serde_json::to_value(declaration()).unwrap();
    event["kind"] = "declared".into();
    edit(&mut event);
    entry(project, Some(change), AUTHOR, minutes_ago(minutes), event);
}

/// Starts the ramp so many minutes ago, with everybody on the canary at once.
pub(crate) fn started(project: &Project, change: &str, minutes: u64) {
    let at = minutes_ago(minutes);
    let plan = json!([{"percent": 10, "hold": "10m"}, {"percent": 100, "hold": "10m"}]);
    let put = |event| entry(project, Some(change), AUTHOR, at, event);
    put(json!({"kind": "ramp_started", "engine": "e-1", "plan": plan}));
    for (step, percent) in [(0, 10), (1, 100)] {
        put(json!({"kind": "step_begun", "engine": "e-1", "step": step, "percent": percent}));
        put(json!({
            "kind": "step_in_force", "engine": "e-1", "step": step, "generation": 8 + step, "delivered": delivered(),
        }));
    }
}

/// Ends the ramp well so many minutes ago.
pub(crate) fn completed(project: &Project, change: &str, minutes: u64) {
    entry(
        project,
        Some(change),
        AUTHOR,
        minutes_ago(minutes),
        json!({"kind": "completed"}),
    );
}

/// What the arms had answered so many minutes ago: answers, and of these with an Aadhaar number.
pub(crate) fn observed(
    project: &Project,
    change: &str,
    minutes: u64,
    stable: (u64, u64),
    canary: (u64, u64),
) {
    let arm = |(answers, found): (u64, u64)| {
        json!({
            "requests": answers, "answers": answers,
            "redactions": {"IN_AADHAAR": {"answers": found, "found": found}},
        })
    };
    let tallies = json!({"stable": arm(stable), "canary": arm(canary)});
    let event = json!({"kind": "observed", "percent": 100, "tallies": tallies});
    entry(project, Some(change), AUTHOR, minutes_ago(minutes), event);
}

/// An order that every proxy has carried out.
pub(crate) fn delivered() -> Value {
    let workers = json!({"total": 2, "in_force": 2});
    let receipt = json!({"generation": 8, "workers": workers});
    json!({
        "generation": 8, "control": null, "files": [], "elapsed_ms": 12,
        "proxies": [{"name": "10.0.0.7:10001", "elapsed_ms": 12, "receipt": receipt}],
    })
}
