//! Approvers at another machine: the request, their signature, and the way back.

use serde_json::{Value, json};

use super::away;
use crate::project::{AUTHOR, Project, SECURITY, SENIOR};

#[test]
fn approvers_may_sit_at_another_machine() {
    let project = Project::new(1);
    let change = project.drilled();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = |name: &str| elsewhere.path().join(name).to_str().unwrap().to_owned();
    let (request, signed) = (file("request.json"), file("signed.json"));
    // The author may ask.
    let shown = project.done(AUTHOR, &["approve", &change, "--export", &request]);
    assert!(
        shown.contains("the request for sana (senior_engineer), ravi (security_lead)"),
        "{shown}"
    );
    let (sana, ravi) = (project.path("sana.key"), project.path("ravi.key"));
    let sign = [
        "approve", "--sign", &request, "-o", &signed, "--key", &sana, "--id", SENIOR,
    ];
    let run = away(&sign);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
    let run = away(&[&sign[..], &["--yes"]].concat());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    // Whoever brings it is not who gave it.
    project.done(AUTHOR, &["approve", &change, "--import", &signed]);
    let approved = &project.events("approved")[0];
    assert_eq!(
        (&approved["approver"], &approved["role"]),
        (&json!(SENIOR), &json!("senior_engineer"))
    );
    // A second time it is known.
    project.done(AUTHOR, &["approve", &change, "--import", &signed]);
    assert_eq!(project.events("approved").len(), 1);
    // The same request for the next, by the fingerprint of the key.
    let run = away(&[
        "approve", "--sign", &request, "-o", &signed, "--key", &ravi, "--yes",
    ]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let shown = project.done(AUTHOR, &["approve", &change, "--import", &signed, "--json"]);
    let told: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&told["signed"], &told["missing"]),
        (&json!([SENIOR, SECURITY]), &json!([]))
    );
    assert_eq!(project.events("approval_asked").len(), 1);
}

#[test]
fn a_forged_approval_is_not_taken_in() {
    let project = Project::new(1);
    let change = project.drilled();
    let (request, signed) = (project.path("request.json"), project.path("signed.json"));
    project.done(AUTHOR, &["approve", &change, "--export", &request]);
    // The author signs as somebody else.
    let key = project.path("priya.key");
    for (id, expected) in [
        (SENIOR, "the signature does not hold"),
        (AUTHOR, "`priya` signed it and was not asked to"),
        ("stranger", "the signature does not hold"),
    ] {
        let run = away(&[
            "approve", "--sign", &request, "-o", &signed, "--key", &key, "--id", id, "--yes",
        ]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let run = project.refused(
            AUTHOR,
            &["approve", &change, "--import", &signed],
            "authority",
        );
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    // A good signature of another warrant.
    let sana = project.path("sana.key");
    let run = away(&[
        "approve", "--sign", &request, "-o", &signed, "--key", &sana, "--id", SENIOR, "--yes",
    ]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    project.done(AUTHOR, &["drill", &change]);
    project.done(AUTHOR, &["approve", &change, "--export", &request]);
    let run = project.run(AUTHOR, &["approve", &change, "--import", &signed]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("signed for another warrant"),
        "{}",
        run.stderr
    );
    assert!(project.events("approved").is_empty());
}

#[test]
fn a_request_that_shows_something_else_is_not_signed() {
    let project = Project::new(1);
    let change = project.drilled();
    let request = project.path("request.json");
    project.done(AUTHOR, &["approve", &change, "--export", &request]);
    let text = std::fs::read_to_string(&request).unwrap();
    let (signed, key) = (project.path("signed.json"), project.path("sana.key"));
    for (pointer, value, what) in [
        ("/author", json!("omar"), "the author"),
        (
            "/declaration/versions/canary",
            json!("prompt-v44"),
            "the new version",
        ),
        (
            "/declaration/rollout",
            json!("billing-agent"),
            "the rollout",
        ),
        ("/plan/0/percent", json!(5), "the steps"),
    ] {
        let mut changed: Value = serde_json::from_str(&text).unwrap();
        *changed.pointer_mut(pointer).unwrap() = value;
        let file = project.write("changed.json", &changed.to_string());
        let run = away(&[
            "approve", "--sign", &file, "-o", &signed, "--key", &key, "--yes",
        ]);
        assert_eq!(run.status, Some(2), "{}", run.stderr);
        assert!(
            run.stderr
                .contains(&format!("{what} of the record is not that of the warrant")),
            "{}",
            run.stderr
        );
    }
    assert!(!project.file("signed.json").exists());
}
