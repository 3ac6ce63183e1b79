//! `status`: one screen, the next command on it.

use serde_json::{Value, json};

use crate::project::{AUTHOR, Project, SECURITY, SENIOR};
use crate::seed;

fn next(project: &Project, change: &str) -> String {
    let told = project.done(AUTHOR, &["status", change, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let shown = project.done(AUTHOR, &["status", change]);
    let text = told["changes"][0]["next"]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(shown.contains(&format!("\nnext       {text}\n")), "{shown}");
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines.len() <= 24, "{} lines:\n{shown}", lines.len());
    for line in lines.iter().filter(|line| !line.starts_with("next ")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    text
}

#[test]
fn the_next_step_is_a_command_until_there_is_none() {
    let project = Project::new(1);
    let change = project.declared();
    let change = change.as_str();
    let command = |text: &str| text.replace("ID", change);
    assert_eq!(next(&project, change), command("breakglass drill ID"));
    project.done(AUTHOR, &["drill", change]);
    assert_eq!(next(&project, change), command("breakglass approve ID"));
    for approver in [SENIOR, SECURITY] {
        project.done(approver, &["approve", change, "--yes"]);
    }
    assert_eq!(
        next(&project, change),
        command("breakglass message draft ID")
    );
    project.done(
        AUTHOR,
        &[
            "message",
            "draft",
            change,
            "--text",
            crate::project::MESSAGE,
        ],
    );
    project.done(
        AUTHOR,
        &["message", "queue", change, "--channel", "status page"],
    );
    assert_eq!(next(&project, change), command("breakglass start ID"));
    seed::started(&project, change, 0);
    assert_eq!(next(&project, change), command("breakglass watch ID"));
    seed::entry(
        &project,
        Some(change),
        AUTHOR,
        seed::minutes_ago(0),
        json!({"kind": "watching"}),
    );
    assert_eq!(next(&project, change), command("breakglass confirm ID"));
    let held = json!({"kind": "held", "why": "an odd answer"});
    seed::entry(&project, Some(change), AUTHOR, seed::minutes_ago(0), held);
    assert_eq!(next(&project, change), command("breakglass resume ID"));
    seed::completed(&project, change, 0);
    assert_eq!(next(&project, change), command("breakglass verify-harm ID"));
    let killed =
        json!({"kind": "killed", "why": "it answers in Latin", "delivered": seed::delivered()});
    seed::entry(&project, Some(change), AUTHOR, seed::minutes_ago(0), killed);
    assert_eq!(next(&project, change), command("breakglass rearm ID"));
    let shown = project.done(AUTHOR, &["status", change]);
    assert!(
        shown.contains("stage      killed by priya: it answers in Latin\n"),
        "{shown}"
    );
    // What did not help is closed when another takes it on.
    seed::declared_as(&project, "chg-2026-0900", 0, |declared| {
        declared["repeats"] = change.into();
    });
    assert_eq!(
        next(&project, change),
        command("breakglass gate run ID eval")
    );
}

#[test]
fn everything_about_a_change_fits_on_a_screen() {
    let project = Project::new(1);
    project.configure("[[gates]]", "[[gates]]\nname = \"safety\"\n\n[[gates]]\nname = \"tone\"\n\n[[gates]]\nname = \"cost\"\n\n[[gates]]");
    // Overdue twice over, and another change with its own.
    for change in ["chg-2026-0001", "chg-2026-0002"] {
        seed::declared_as(&project, change, 60 * 24 * 20, |declared| {
            declared["title"] = "A title that is much longer than any screen is wide, so that it has to be cut off somewhere".into();
            let mut more = declared["bypass"].as_array().unwrap().clone();
            for what in ["change_window", "freeze_period", "multi_change"] {
                let mut bypass = more[1].clone();
                bypass["what"] = what.into();
                more.push(bypass);
            }
            declared["bypass"] = more.into();
        });
        seed::started(&project, change, 60 * 24 * 20);
        seed::completed(&project, change, 60 * 24 * 20);
    }
    next(&project, "chg-2026-0001");
    let shown = project.done(AUTHOR, &["status", "chg-2026-0001"]);
    for part in [
        "OVERDUE    eval_gate of chg-2026-0001",
        "more: breakglass debt list --overdue",
        "bypassed   eval_gate, canary, change_window",
        "debt       3 more: breakglass debt list",
        "journal    ",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
}

#[test]
fn without_a_change_all_that_are_open_are_listed() {
    let project = Project::new(1);
    let shown = project.done(AUTHOR, &["status"]);
    assert!(shown.starts_with("no change is open\n"), "{shown}");
    for change in ["chg-2026-0001", "chg-2026-0002"] {
        seed::declared(&project, change, 5);
    }
    let withdrawn = json!({"kind": "withdrawn", "why": "it was no emergency"});
    seed::declared(&project, "chg-2026-0003", 5);
    seed::entry(
        &project,
        Some("chg-2026-0003"),
        AUTHOR,
        seed::minutes_ago(1),
        withdrawn,
    );
    let shown = project.done(AUTHOR, &["status"]);
    for part in [
        "chg-2026-0001  declared, on support-agent\n",
        "chg-2026-0002  declared, on support-agent\n",
        "  next     breakglass drill chg-2026-0002\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("chg-2026-0003"), "{shown}");
    let json: Value = serde_json::from_str(&project.done(AUTHOR, &["status", "--json"])).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 2);
    assert_eq!(json["journal"]["entries"], project.entries().len());
}

#[test]
fn status_asks_nobody_who_they_are() {
    let project = Project::new(1);
    seed::declared(&project, "chg-2026-0001", 5);
    let folder = project.folder().to_str().unwrap();
    for command in [
        "status",
        "report",
        "debt list",
        "rules chg-2026-0001",
        "journal show",
    ] {
        let arguments: Vec<_> = command.split(' ').chain(["--project", folder]).collect();
        let run = crate::run::breakglass(&arguments, "");
        assert_eq!(run.status, Some(0), "{command}: {}", run.stderr);
    }
}
