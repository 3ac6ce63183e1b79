//! `message`, `note`, `withdraw`, `reclassify`: what else goes into the record.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::project::{AUTHOR, MESSAGE, Project, SENIOR};

#[test]
fn a_message_is_drafted_queued_and_sent() {
    let project = Project::new(1);
    let change = project.declared();
    let early = project.run(AUTHOR, &["message", "queue", "--channel", "status page"]);
    assert_eq!(early.status, Some(2));
    assert!(
        early
            .stderr
            .contains(&format!("breakglass message draft {change}")),
        "{}",
        early.stderr
    );
    project.done(AUTHOR, &["message", "draft", "--text", MESSAGE]);
    let run = project.run(AUTHOR, &["message", "queue"]);
    assert!(
        run.stderr.contains("--channel is missing"),
        "{}",
        run.stderr
    );
    let shown = project.done(
        AUTHOR,
        &["message", "queue", &change, "--channel", "status page"],
    );
    assert!(
        shown.starts_with(&format!("{change}: the message is queued: status page\n")),
        "{shown}"
    );
    let shown = project.done(SENIOR, &["message", "sent", "--json"]);
    assert_eq!(
        shown.trim(),
        json!({"change": change, "sent": "as queued"}).to_string()
    );
    assert_eq!(
        project.kinds()[1..],
        ["message_drafted", "message_queued", "message_sent"]
    );
    assert_eq!(project.events("message_drafted")[0]["text"], MESSAGE);
    let again = project.run(AUTHOR, &["message", "draft", "--text", "another"]);
    assert!(again.stderr.contains("has been sent"), "{}", again.stderr);
}

#[test]
fn another_draft_is_queued_anew() {
    let project = Project::new(1);
    let change = project.ready();
    project.done(AUTHOR, &["message", "draft", &change, "--template"]);
    let made = &project.events("message_drafted")[1]["text"];
    assert!(
        made.as_str()
            .unwrap()
            .contains("Stop the support agent from repeating Aadhaar numbers"),
        "{made}"
    );
    assert!(made.as_str().unwrap().contains(&change), "{made}");
    project.refused(AUTHOR, &["start", &change], "communication");
}

#[test]
fn a_message_may_come_from_a_file() {
    let project = Project::new(1);
    project.declared();
    let run = project.run_with(
        AUTHOR,
        &["message", "draft", "--file", "-"],
        "From outside.\n",
    );
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(
        project.events("message_drafted")[0]["text"],
        "From outside.\n"
    );
    for (arguments, expected) in [
        (
            &["message", "draft"][..],
            "expected --text TEXT, --file FILE, or --template",
        ),
        (&["message", "draft", "--text", " "], "the message is empty"),
    ] {
        let run = project.run(AUTHOR, arguments);
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn a_message_may_be_written_in_an_editor() {
    let project = Project::new(1);
    project.declared();
    let editor = project.file("editor");
    std::fs::write(&editor, "#!/bin/sh\necho 'And more.' >> \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o755)).unwrap();
    let folder = project.path("");
    let arguments = ["message", "draft", "--project", &folder, "--as", AUTHOR];
    let variables = [("VISUAL", ""), ("EDITOR", editor.to_str().unwrap())];
    let Some(session) = crate::terminal::Session::begin(&arguments, &variables) else {
        eprintln!("no setsid here");
        return;
    };
    let (shown, ended) = session.end();
    assert_eq!(ended, Some(0), "{shown}");
    let text = project.events("message_drafted")[0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.starts_with("We found that answers") && text.ends_with("And more.\n"),
        "{text}"
    );
}

#[test]
fn notes_belong_to_the_record() {
    let project = Project::new(1);
    let change = project.declared();
    let shown = project.done(SENIOR, &["note", "the customer has called twice"]);
    assert_eq!(shown, format!("{change}: noted\n"));
    assert_eq!(
        project.events("noted")[0]["text"],
        "the customer has called twice"
    );
    project.declared();
    let run = project.run(SENIOR, &["note", "of which?"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("several changes are open"),
        "{}",
        run.stderr
    );
    project.done(SENIOR, &["note", "of this", "--change", &change]);
}

#[test]
fn a_change_may_be_withdrawn_before_it_starts() {
    let project = Project::new(1);
    let change = project.approved();
    for arguments in [
        &["withdraw", &change][..],
        &["withdraw", &change, "--why", ""],
    ] {
        assert_eq!(project.run(AUTHOR, arguments).status, Some(2));
    }
    project.done(
        AUTHOR,
        &["withdraw", &change, "--why", "the vendor has mended it"],
    );
    let run = project.run(AUTHOR, &["withdraw", &change, "--why", "again"]);
    assert!(
        run.stderr.contains("is withdrawn already"),
        "{}",
        run.stderr
    );
    project.refused(AUTHOR, &["start", &change], "not-ended");
    project.refused(SENIOR, &["approve", &change, "--yes"], "not-ended");
}

#[test]
fn what_was_no_emergency_is_counted_as_such() {
    let project = Project::new(1);
    let change = project.declared();
    let run = project.run(
        AUTHOR,
        &["reclassify", &change, "--to", "promised_date", "--why", "x"],
    );
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("customer_blocking, routine"),
        "{}",
        run.stderr
    );
    let run = project.run(
        AUTHOR,
        &["reclassify", &change, "--to", "security", "--why", "x"],
    );
    assert!(
        run.stderr.contains("counts as security already"),
        "{}",
        run.stderr
    );
    project.done(
        SENIOR,
        &[
            "reclassify",
            &change,
            "--to",
            "routine",
            "--why",
            "nobody was exposed",
        ],
    );
    let event = &project.events("reclassified")[0];
    assert_eq!(
        (&event["category"], &event["why"]),
        (&json!("routine"), &json!("nobody was exposed"))
    );
}
