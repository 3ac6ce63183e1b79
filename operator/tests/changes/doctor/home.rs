//! What is here: configuration, journal, programs, people and keys.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use serde_json::json;

use super::{doctor, found, healthy, only};
use crate::project::{AUTHOR, EXECUTIVE, SENIOR};

#[test]
fn approvals_that_the_proxies_would_not_take_are_found() {
    let project = healthy(1);
    let mut policy = project.policy();
    policy["trust"]["raise"] = json!([["security_lead", "platform_lead"]]);
    fs::write(project.durable(), policy.to_string()).unwrap();
    let (run, told) = doctor(&project);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    let faults = found(&told, "fail", "approvals");
    let prompt = faults
        .iter()
        .find(|fault| fault.contains("3 of 16 kinds, such as regulatory/prompt/limited"));
    assert!(
        prompt
            .unwrap()
            .contains("add security_lead + platform_lead in a rule of [[approvals]]")
    );
    assert!(
        faults
            .iter()
            .all(|fault| !fault.contains("security/platform")),
        "those fit: {faults:?}"
    );
}

#[test]
fn who_could_not_declare_since_they_must_approve_is_told() {
    let project = healthy(1);
    // Everything needs everybody who is not the author.
    let rule = "\n[[approvals]]\nroles = [\"senior_engineer\", \"security_lead\", \"platform_lead\", \"executive\"]\n";
    project.configure("\n[[gates]]", &format!("{rule}\n[[gates]]"));
    only(
        &project,
        "warning",
        "people",
        "only priya could declare 16 of 16 kinds",
    );
    project.configure("\"executive\"]", "\"executive\", \"engineer\"]");
    let run = only(
        &project,
        "fail",
        "people",
        "nobody could declare 16 of 16 kinds",
    );
    assert_eq!(run.status, Some(1));
}

#[test]
fn keys_that_the_policy_knows_otherwise_are_found() {
    let project = healthy(1);
    let mut policy = project.policy();
    policy["trust"]["keys"][1]["role"] = json!("platform_lead");
    fs::write(project.durable(), policy.to_string()).unwrap();
    only(
        &project,
        "fail",
        "keys",
        "`sana` is senior_engineer here and platform_lead in the policy",
    );
}

#[test]
fn a_key_that_cannot_sign_is_found() {
    let project = healthy(1);
    let file = project.file(&format!("{AUTHOR}.key"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    only(&project, "fail", "key", "chmod 600");
    // And one that is somebody else's.
    fs::remove_file(&file).unwrap();
    fs::copy(project.file(&format!("{SENIOR}.key")), &file).unwrap();
    let run = only(&project, "fail", "key", "`priya` could not sign");
    assert_eq!(run.status, Some(1));
    let run = project.run(EXECUTIVE, &["doctor"]);
    assert_eq!(run.status, Some(0), "another's key is: {}", run.stdout);
}

#[test]
fn a_journal_that_was_changed_is_found() {
    let project = healthy(1);
    project.declared();
    let database = Connection::open(project.file(".breakglass/journal.db")).unwrap();
    database.execute_batch("DROP TRIGGER events_stay; UPDATE events SET line = replace(line, 'priya', 'sana') WHERE seq = 1;").unwrap();
    let run = only(
        &project,
        "fail",
        "journal",
        "entry 1: it was changed after it was written",
    );
    assert_eq!(run.status, Some(1));
}

#[test]
fn events_that_wait_are_told() {
    let project = healthy(1);
    project.declared();
    fs::create_dir_all(project.file(".breakglass/spool")).unwrap();
    project.write(".breakglass/spool/half.json", "{");
    let (run, told) = doctor(&project);
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    let waiting = found(&told, "warning", "spool");
    assert!(
        waiting.iter().any(|one| one.contains("half.json")),
        "{waiting:?}"
    );
    // And where a kill could write nowhere else.
    let name = format!("breakglass-{}.json", "0a".repeat(16));
    project.write(&name, "{}");
    project.write("breakglass-notes.json", "{}");
    let (_, told) = doctor(&project);
    let elsewhere = found(&told, "warning", "spool");
    let elsewhere = elsewhere
        .iter()
        .find(|one| one.contains("journal add FILE"));
    assert!(elsewhere.unwrap().contains(&format!(
        "1 events wait in the temporary folder, since the journal's could not be written: {}",
        project.path(&name)
    )));
}

#[test]
fn programs_that_are_not_there_are_found() {
    let project = healthy(1);
    project.configure("command = [\"true\"]", "command = [\"evals/run.sh\"]");
    only(&project, "fail", "gates", "evals/run.sh is not there");
    fs::create_dir(project.file("evals")).unwrap();
    project.write("evals/run.sh", "#!/bin/sh\n");
    only(&project, "fail", "gates", "cannot be run");
    fs::set_permissions(
        project.file("evals/run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    only(&project, "ok", "gates", "evals/run.sh");
    project.configure(
        "\n[[gates]]",
        "\n[[notify]]\ncommand = [\"no-such-pager\"]\n\n[[gates]]",
    );
    only(
        &project,
        "fail",
        "notify",
        "no program `no-such-pager` is in $PATH",
    );
}

#[test]
fn a_configuration_that_is_refused_is_a_finding_with_its_place() {
    let project = healthy(1);
    project.configure("lease = \"5s\"", "lease = \"5 parsecs\"");
    let run = only(&project, "fail", "config", "breakglass.toml is refused");
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("lease"), "{}", run.stdout);
}

#[test]
fn windows_and_freezes_are_told_in_the_zone() {
    let project = healthy(1);
    let windows = "\n[windows]\ntime_zone = \"Asia/Kolkata\"\nchange = [{days = [\"mon\"], from = \"09:00\", to = \"09:01\"}]\nfreezes = [{name = \"audit\", from = \"2020-01-01T00:00\", to = \"2090-01-01T00:00\"}]\n";
    project.configure("\n[[gates]]", &format!("{windows}\n[[gates]]"));
    let run = only(&project, "ok", "windows", "Asia/Kolkata");
    assert!(
        run.stdout
            .contains("the freeze `audit` is on until 2090-01-01"),
        "{}",
        run.stdout
    );
}
