//! `approve`: who may, and what they sign.

mod elsewhere;

use serde_json::{Value, json};

use crate::project::{AUTHOR, EXECUTIVE, GENERATION, PLATFORM, Project, SECURITY, SENIOR};
use crate::run::{Run, breakglass};
use crate::terminal::Session;

/// The warrant that was asked for last.
fn warrant(project: &Project) -> Value {
    let asked = project.events("approval_asked");
    serde_json::from_str(asked.last().unwrap()["payload"].as_str().unwrap()).unwrap()
}

/// Runs a command without any project.
fn away(arguments: &[&str]) -> Run {
    breakglass(arguments, "")
}

#[test]
fn approvers_sign_one_warrant_for_what_is_in_force() {
    let project = Project::new(2);
    let change = project.drilled();
    let shown = project.done(SENIOR, &["approve", "--yes"]);
    assert_eq!(
        shown,
        format!("{change}: approved by sana (senior_engineer)\nwaits for ravi (security_lead)\n")
    );
    let shown = project.done(SECURITY, &["approve", &change, "--yes"]);
    assert!(
        shown.ends_with(&format!("\nnext: breakglass message draft {change}\n")),
        "{shown}"
    );
    assert_eq!(
        project.kinds()[2..],
        ["approval_asked", "approved", "approved"]
    );

    let warrant = warrant(&project);
    assert_eq!(warrant["change"], json!(change));
    assert_eq!(
        (&warrant["policy"], &warrant["rollout"]),
        (&json!("support"), &json!("support-agent"))
    );
    assert_eq!(
        warrant["subject"],
        json!({"stable": "prompt-v41", "canary": "prompt-v42", "salt": "chg-17", "pins": ["qa-1"]})
    );
    // The drill was a kill: it is seen, and a later one spends the warrant.
    assert_eq!(warrant["after"], json!(GENERATION + 1));
    assert_eq!(warrant["author"], AUTHOR);
    assert_eq!(
        warrant["approvers"],
        json!([{"id": SENIOR, "role": "senior_engineer"}, {"id": SECURITY, "role": "security_lead"}])
    );
    let steps = warrant["ramp"].as_array().unwrap();
    let percents: Vec<_> = steps.iter().map(|step| step["percent"].clone()).collect();
    assert_eq!(percents, [json!(1), json!(10), json!(50), json!(100)]);
    assert_eq!(steps[0]["at"], warrant["not_before"]);
    let folder = project.path("policy.json");
    let file = project.write(
        "warrant.dsse",
        &project.events("approved")[0]["warrant"].to_string(),
    );
    let verified = away(&["verify", "--policy", &folder, &file]);
    assert!(
        verified.stdout.contains("sana"),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    // Who has signed is not asked again.
    let again = project.run(SENIOR, &["approve", &change, "--yes"]);
    assert_eq!(again.status, Some(0));
    assert!(
        again.stderr.contains("`sana` has signed it already"),
        "{}",
        again.stderr
    );
    assert_eq!(project.events("approved").len(), 2);
}

#[test]
fn nobody_approves_alone_or_without_authority() {
    let project = Project::new(1);
    let change = project.declared();
    let run = project.refused(SENIOR, &["approve", &change, "--yes"], "drill-first");
    assert!(
        run.stderr.contains("the rollback was not tried out"),
        "{}",
        run.stderr
    );
    project.done(AUTHOR, &["drill", &change]);
    let run = project.refused(AUTHOR, &["approve", &change, "--yes"], "authority");
    assert!(
        run.stderr.contains("nobody approves their own change"),
        "{}",
        run.stderr
    );
    for other in [PLATFORM, EXECUTIVE] {
        let run = project.refused(other, &["approve", &change, "--yes"], "authority");
        assert!(
            run.stderr
                .contains("asked are: sana (senior_engineer), ravi (security_lead)"),
            "{}",
            run.stderr
        );
    }
    project.refused(
        AUTHOR,
        &["approve", &change, "--decline", "--why", "no"],
        "authority",
    );
    assert!(project.events("approved").is_empty());
    // One of two is not enough.
    project.done(SENIOR, &["approve", &change, "--yes"]);
    let run = project.refused(AUTHOR, &["start", &change], "approved");
    assert!(
        run.stderr
            .contains("not approved yet by ravi (security_lead)"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_senior_engineer_has_the_say_at_home() {
    let project = Project::new(1);
    let change = project.drilled();
    project.configure("area = \"support\"\n", "area = \"billing\"\n");
    let run = project.refused(SENIOR, &["approve", &change, "--yes"], "authority");
    assert!(
        run.stderr
            .contains("nobody but the author can approve as senior_engineer"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_key_that_is_not_the_persons_counts_for_nothing() {
    let project = Project::new(1);
    let change = project.drilled();
    let stranger = project.path("priya.key");
    let arguments = [
        "approve", &change, "--yes", "--key", &stranger, "--id", SENIOR,
    ];
    let run = project.refused(SENIOR, &arguments, "authority");
    assert!(
        run.stderr.contains("the signature does not hold"),
        "{}",
        run.stderr
    );
    // Somebody else's good one neither: they were not asked.
    let meera = project.path("meera.key");
    let arguments = [
        "approve", &change, "--yes", "--key", &meera, "--id", PLATFORM,
    ];
    let run = project.refused(SENIOR, &arguments, "authority");
    assert!(
        run.stderr
            .contains("`meera` signed it and was not asked to"),
        "{}",
        run.stderr
    );
    assert!(project.events("approved").is_empty());
}

#[test]
fn another_drill_or_a_kill_asks_anew() {
    let project = Project::new(1);
    let change = project.approved();
    let first = warrant(&project);
    project.done(AUTHOR, &["drill", &change]);
    project.refused(AUTHOR, &["start", &change], "approved");
    let shown = project.done(SENIOR, &["approve", &change, "--yes"]);
    assert!(shown.contains("waits for ravi"), "{shown}");
    let second = warrant(&project);
    assert_eq!(second["after"], json!(GENERATION + 2));
    assert_ne!(first["drill"], second["drill"]);
    // A kill by somebody else spends it, though the journal knows nothing of it.
    let target = project.proxies[0].target();
    let key = project.path("meera.key");
    let order = [
        "order",
        "--targets",
        &target,
        "--rollout",
        "support-agent",
        "--kill",
        "rollback",
        "--in-flight",
        "cut",
        "--key",
        &key,
        "--id",
        PLATFORM,
    ];
    let run = away(&order);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let shown = project.done(SECURITY, &["approve", &change, "--yes"]);
    assert!(shown.contains("waits for sana"), "{shown}");
    assert_eq!(warrant(&project)["after"], json!(GENERATION + 3));
    assert_eq!(project.events("approval_asked").len(), 3);
}

#[test]
fn what_the_proxies_have_is_what_is_signed() {
    let project = Project::new(1);
    let change = project.drilled();
    let text = std::fs::read_to_string(project.durable()).unwrap();
    std::fs::write(project.durable(), text.replace("prompt-v42", "prompt-v43")).unwrap();
    let run = project.refused(SENIOR, &["approve", &change, "--yes"], "record");
    assert!(
        run.stderr.contains("has prompt-v41 → prompt-v43"),
        "{}",
        run.stderr
    );
    // The same versions for other people: what was asked does not hold any more.
    std::fs::write(project.durable(), &text).unwrap();
    project.done(SENIOR, &["approve", &change, "--yes"]);
    std::fs::write(
        project.durable(),
        text.replace("\"qa-1\"", "\"qa-1\",\"ceo\""),
    )
    .unwrap();
    project.done(SECURITY, &["approve", &change, "--yes"]);
    assert_eq!(warrant(&project)["subject"]["pins"], json!(["ceo", "qa-1"]));
    assert_eq!(project.events("approval_asked").len(), 2);
}

#[test]
fn somebody_may_say_no() {
    let project = Project::new(1);
    let change = project.declared();
    let run = project.run(SECURITY, &["approve", &change, "--decline"]);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    let arguments = [
        "approve",
        &change,
        "--decline",
        "--why",
        "it can wait until the window at 23:00",
    ];
    project.done(SECURITY, &arguments);
    assert_eq!(
        project.events("declined")[0]["why"],
        "it can wait until the window at 23:00"
    );
}

#[test]
fn without_a_terminal_somebody_must_say_yes() {
    let project = Project::new(1);
    let change = project.drilled();
    let run = project.run(SENIOR, &["approve", &change]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("expected a terminal, or --yes"),
        "{}",
        run.stderr
    );
    assert!(project.events("approved").is_empty());
}

#[test]
fn an_approver_sees_the_whole_record() {
    let project = Project::new(1);
    let change = project.drilled();
    let folder = project.path("");
    let no = [
        "approve",
        &change,
        "--decline",
        "--why",
        "not before the call with the customer",
    ];
    project.done(SECURITY, &no);
    let arguments = ["approve", &change, "--project", &folder, "--as", SENIOR];
    for (keys, status) in [("n", 2), ("y", 0)] {
        let Some(mut session) = Session::begin(&arguments, &[]) else {
            eprintln!("no setsid here");
            return;
        };
        session.answer("Approve and sign this? [y/N]", keys);
        let (shown, ended) = session.end();
        assert_eq!(ended, Some(status), "{shown}");
        for expected in [
            "Stop the support agent from repeating Aadhaar numbers",
            "by priya, ",
            "support-agent: prompt-v41 → prompt-v42",
            "security: active exploitation or imminent exposure",
            "  exposure   Answers of the support agent repeat",
            "if it waits  Every hour some forty customers",
            "if it goes   The new prompt may refuse",
            "skipped      eval_gate: The evaluation takes five hours",
            "instead: eval_after_promotion; owed by priya within 1day",
            "not skipped  change_window, freeze_period, multi_change: checked at the start",
            "steps        1 % 1s, 10 % 1s, 50 % 1s, 100 % 1s",
            "message      needed, not drafted",
            "harm         has stopped at 1 of 1000 answers with IN_AADHAAR",
            "drill        passed ",
            "declined     by ravi: not before the call with the customer",
            "permits      1 % from ",
            "a kill after generation 8 ends it",
            "always on the canary: qa-1",
            "approvers    sana (senior_engineer), ravi (security_lead)",
        ] {
            assert!(shown.contains(expected), "{expected}:\n{shown}");
        }
        assert_eq!(project.events("approved").len(), usize::from(status == 0));
    }
}
