//! `routine`: what the usual promotions keep to. Overdue debts are in `closing`.

use std::collections::BTreeSet;
use std::thread;

use crate::project::{Project, ROLLOUT, SENIOR};
use crate::seed;

#[test]
fn routine_promotions_keep_to_window_freeze_and_active_changes() {
    let project = Project::new(1);
    let check = ["routine", "check", ROLLOUT];
    assert_eq!(
        project.done(SENIOR, &check),
        "support-agent: may be promoted now\n"
    );
    project.configure("[[agents]]", "[windows]\nfreezes = [{name = \"sale\", from = \"2000-01-01T00:00:00\", to = \"2100-01-01T00:00:00\"}]\n\n[[agents]]");
    assert!(
        project
            .refused(SENIOR, &check, "freeze")
            .stderr
            .contains("`sale`")
    );
    // A window that is open on no day near now.
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(days_since_monday() + 3) % 7];
    project.configure(
        "freezes = [{name = \"sale\", from = \"2000-01-01T00:00:00\", to = \"2100-01-01T00:00:00\"}]",
        &format!("change = [{{days = [\"{day}\"], from = \"09:00\", to = \"17:00\"}}]"),
    );
    project.refused(SENIOR, &check, "change-window");
    project.configure(
        &format!(
            "[windows]\nchange = [{{days = [\"{day}\"], from = \"09:00\", to = \"17:00\"}}]\n"
        ),
        "",
    );
    seed::declared(&project, "chg-2026-0001", 5);
    project.done(SENIOR, &check);
    seed::started(&project, "chg-2026-0001", 2);
    assert!(
        project
            .refused(SENIOR, &check, "one-change")
            .stderr
            .contains("`chg-2026-0001` is active")
    );
    let run = project.run(SENIOR, &["routine", "check", "sales-agent"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr
            .contains("no agent with the rollout `sales-agent`, expected one of: support-agent"),
        "{}",
        run.stderr
    );
}

/// In UTC, as the project without a zone has it.
fn days_since_monday() -> usize {
    // 1970-01-01 was a Thursday.
    let days = seed::minutes_ago(0).millis() / 86_400_000;
    ((days + 3) % 7).try_into().unwrap()
}

#[test]
fn of_many_who_write_at_once_nobody_is_lost() {
    let project = Project::new(1);
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let project = &project;
            scope.spawn(move || {
                let version = format!("prompt-v{number}");
                project.done(SENIOR, &["routine", "record", ROLLOUT, &version]);
            });
        }
    });
    let versions = project.events("routine_promoted").into_iter();
    let versions: BTreeSet<String> = versions.map(|event| event["version"].to_string()).collect();
    assert_eq!(versions.len(), WRITERS);
    project.done(SENIOR, &["journal", "verify"]);
}

const WRITERS: usize = 8;
