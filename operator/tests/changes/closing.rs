//! `debt`, `verify-harm`, `close`: nothing is over before all of it is done.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, nobody};
use crate::project::{AUTHOR, Project, ROLLOUT, SENIOR};
use crate::seed;

const CHANGE: &str = "chg-2026-0001";
const PAID: &str = "Read two hundred answers of the first hour, ticket 4711";
const ACTIONS: &str = r#"
[[cause]]
what = "Redact numbers before the retrieval index is built"
owner = "priya"
due = "2026-12-10"
[[discipline]]
what = "Give the evaluation a short form of ten minutes"
owner = "sana"
due = "2026-12-04"
"#;

/// A proxy at which everybody is on the canary, and whose arms have answered so often: answers, and of
/// these with an Aadhaar number.
fn proxy(policy: &Value, percent: u64, canary: Arc<Mutex<(u64, u64)>>) -> Endpoint {
    let mut policy = policy.clone();
    // Nobody need permit the share.
    policy.as_object_mut().unwrap().remove("trust");
    policy["rollouts"][0]["control"]["ramp"] = json!({"percent": percent});
    let filter = Filter::new(&policy);
    Endpoint::of(move |request| {
        let reply = filter.answer(request);
        if request.line != "GET /v1/state" {
            return reply;
        }
        let arm = |(ended, found): (u64, u64)| {
            let redactions = json!({"IN_AADHAAR": {"answers": found, "found": found}});
            json!({"requests": ended, "answers": {"ended": ended, "errors": 0, "redactions": redactions}})
        };
        let mut state: Value = serde_json::from_slice(&reply.body).unwrap();
        let canary = *canary.lock().unwrap();
        state["rollouts"][0]["arms"] = json!({"stable": arm((0, 0)), "canary": arm(canary)});
        Reply::json(&state)
    })
}

/// A project with a change that is complete, and whose canary is at this share.
fn complete_at(percent: u64) -> Project {
    let counts = Arc::new(Mutex::new((0, 0)));
    let project = Project::of(|policy| vec![proxy(policy, percent, counts)]);
    seed::declared(&project, CHANGE, 90);
    seed::started(&project, CHANGE, 60);
    project
}

fn complete() -> Project {
    let project = complete_at(100);
    seed::completed(&project, CHANGE, 30);
    project
}

fn pay(project: &Project, debt: &str, how: &str) -> crate::run::Run {
    project.run(AUTHOR, &["debt", "pay", CHANGE, debt, "--how", how])
}

#[test]
fn a_change_that_never_began_owes_nothing() {
    let project = Project::new(1);
    seed::declared(&project, CHANGE, 60 * 48);
    assert_eq!(project.done(AUTHOR, &["debt", "list"]), "nothing is owed\n");
    let run = pay(&project, "canary", PAID);
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(
        run.stderr.contains("owes nothing: declared"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_was_bypassed_is_owed_with_owner_and_due_time() {
    let project = complete();
    let listed = project.done(AUTHOR, &["debt", "list"]);
    let lines: Vec<_> = listed.lines().collect();
    assert!(
        lines[0].starts_with("chg-2026-0001  eval_gate      priya  due 20"),
        "{listed}"
    );
    assert!(
        lines[0].contains("(in 22h 2") || lines[0].contains("(in 22h 30m)"),
        "{listed}"
    );
    assert!(
        lines[1].contains("  canary         priya  due "),
        "{listed}"
    );
    assert!(
        lines[2].contains("  postmortem     priya  due "),
        "{listed}"
    );
    assert_eq!(
        project.done(AUTHOR, &["debt", "list", "--overdue"]),
        "nothing is overdue\n"
    );
}

#[test]
fn words_pay_only_what_words_can() {
    let project = complete();
    let refused = |debt, how| {
        project.refused(
            AUTHOR,
            &["debt", "pay", CHANGE, debt, "--how", how],
            "debts-paid",
        )
    };
    let run = refused(
        "eval_gate",
        "We have looked at all of the forty cases by hand",
    );
    assert!(run.stderr.contains("not by words"), "{}", run.stderr);
    refused(
        "postmortem",
        "We have talked about it in the weekly meeting",
    );
    refused("canary", "done asap");
    let run = pay(&project, "freeze_period", PAID);
    assert!(
        run.stderr
            .contains("owes no `freeze_period`, but: eval_gate, canary, postmortem"),
        "{}",
        run.stderr
    );
    let run = pay(&project, "canary", PAID);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("still owed: eval_gate, postmortem"),
        "{}",
        run.stdout
    );
    let run = pay(&project, "canary", PAID);
    assert!(
        run.stderr.contains("was paid by priya: Read two hundred"),
        "{}",
        run.stderr
    );
}

#[test]
fn one_gate_of_two_does_not_pay_for_both() {
    let project = complete();
    project.configure(
        "[[gates]]",
        "[[gates]]\nname = \"safety\"\ncommand = [\"true\"]\n\n[[gates]]",
    );
    project.done(AUTHOR, &["gate", "run", CHANGE, "eval"]);
    assert!(
        project
            .done(AUTHOR, &["debt", "list"])
            .contains("eval_gate")
    );
    project.done(AUTHOR, &["gate", "run", CHANGE, "safety"]);
    assert!(
        !project
            .done(AUTHOR, &["debt", "list"])
            .contains("eval_gate")
    );
}

#[test]
fn overdue_debt_is_shown_everywhere_and_blocks_routine_promotions() {
    let project = Project::new(1);
    seed::declared(&project, CHANGE, 60 * 30);
    seed::started(&project, CHANGE, 60 * 29);
    seed::completed(&project, CHANGE, 60 * 28);
    let run = project.run(AUTHOR, &["debt", "list", "--overdue"]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(
        run.stdout.contains("eval_gate      priya  OVERDUE since"),
        "{}",
        run.stdout
    );
    let status = project.done(AUTHOR, &["status"]);
    assert!(
        status.starts_with("OVERDUE    eval_gate of chg-2026-0001, priya, since "),
        "{status}"
    );
    let run = project.refused(SENIOR, &["routine", "check", ROLLOUT], "overdue-debt");
    assert!(
        run.stderr.contains("chg-2026-0001 eval_gate (priya, due "),
        "{}",
        run.stderr
    );
    project.refused(
        SENIOR,
        &["routine", "record", ROLLOUT, "prompt-v43"],
        "overdue-debt",
    );
    project.done(AUTHOR, &["gate", "run", CHANGE, "eval"]);
    let told = project.done(SENIOR, &["routine", "record", ROLLOUT, "prompt-v43"]);
    assert_eq!(told, "support-agent: promotion to prompt-v43 is recorded\n");
    assert_eq!(project.events("routine_promoted").len(), 1);
}

#[test]
fn the_harm_has_stopped_only_by_enough_counts_of_everybody() {
    let missing = |project: &Project, expected: &str| {
        let run = project.run(AUTHOR, &["verify-harm", CHANGE]);
        assert_eq!(run.status, Some(4), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(expected), "{}", run.stdout);
        assert!(project.events("harm_stopped").is_empty());
    };
    let project = Project::new(1);
    seed::declared(&project, CHANGE, 90);
    missing(&project, "the ramp has not been started");

    let project = complete();
    missing(&project, "nothing was counted since the ramp began");
    seed::observed(&project, CHANGE, 25, (50, 7), (3, 0));
    missing(
        &project,
        "7 more answers of the new version: it has given 3, expected at least 10",
    );
    seed::observed(&project, CHANGE, 24, (50, 7), (40, 2));
    let run = project.run(AUTHOR, &["verify-harm", CHANGE]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("the harm goes on: answers with IN_AADHAAR: 50.0 of 1000 over 40 answers"),
        "{}",
        run.stdout
    );
    seed::observed(&project, CHANGE, 23, (50, 7), (4000, 3));
    let told = project.done(AUTHOR, &["verify-harm", CHANGE]);
    assert!(
        told.contains(
            "harm stopped: answers with IN_AADHAAR: 0.8 of 1000 over 4000 answers, before 140.0"
        ),
        "{told}"
    );
    assert!(
        told.contains("next: breakglass close chg-2026-0001"),
        "{told}"
    );
    assert_eq!(project.events("harm_stopped")[0]["answers"], 4000);

    // One proxy that does not tell is one too few.
    let project = complete();
    seed::observed(&project, CHANGE, 25, (50, 7), (400, 0));
    let (there, gone) = (project.proxies[0].target(), nobody());
    project.configure(&format!("{there:?}"), &format!("{there:?}, {gone:?}"));
    missing(&project, &gone);
}

#[test]
fn the_harm_goes_on_where_not_everybody_is_on_the_new_version() {
    let project = complete_at(50);
    seed::observed(&project, CHANGE, 25, (50, 7), (400, 0));
    let run = project.run(AUTHOR, &["verify-harm", CHANGE]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(
        run.stdout.contains("the new version has 50 %"),
        "{}",
        run.stdout
    );
    // And after a kill it is back, whatever was known before.
    let project = complete();
    seed::observed(&project, CHANGE, 25, (50, 7), (400, 0));
    project.done(AUTHOR, &["verify-harm", CHANGE]);
    let kill =
        json!({"kind": "killed", "why": "it answers in Latin", "delivered": seed::delivered()});
    seed::entry(&project, Some(CHANGE), SENIOR, seed::minutes_ago(1), kill);
    let run = project.run(AUTHOR, &["verify-harm", CHANGE]);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("killed by sana"), "{}", run.stdout);
    project.refused(AUTHOR, &["close", CHANGE], "harm-stopped");
}

#[test]
fn a_change_is_closed_when_all_of_it_is_done_and_not_before() {
    let project = complete_at(100);
    let close = ["close", CHANGE];
    project.refused(AUTHOR, &close, "ramp-over");
    seed::completed(&project, CHANGE, 30);
    // All that is missing at once.
    let run = project.refused(AUTHOR, &close, "harm-stopped");
    let rules = [
        "harm-stopped",
        "gates-run",
        "debts-paid",
        "message-sent",
        "postmortem",
    ];
    for rule in rules {
        assert!(
            run.stderr.contains(&format!("\n  {rule}: ")),
            "{rule}: {}",
            run.stderr
        );
        assert!(project.attempts().contains(&rule.to_owned()), "{rule}");
    }
    seed::observed(&project, CHANGE, 25, (50, 7), (400, 0));
    project.done(AUTHOR, &["verify-harm", CHANGE]);
    project.done(AUTHOR, &["gate", "run", CHANGE, "eval"]);
    assert_eq!(pay(&project, "canary", PAID).status, Some(0));
    let at = seed::minutes_ago(1);
    for (kind, key, value) in [
        ("message_drafted", "text", "It is fixed."),
        ("message_queued", "channel", "status page"),
        ("message_sent", "channel", "status page"),
    ] {
        let event = json!({"kind": kind, key: value});
        seed::entry(&project, Some(CHANGE), AUTHOR, at, event);
    }
    let run = project.refused(AUTHOR, &close, "postmortem");
    assert!(!run.stderr.contains("debts-paid"), "{}", run.stderr);
    let file = project.path("postmortem.md");
    let actions = project.write("actions.toml", ACTIONS);
    project.done(
        AUTHOR,
        &["postmortem", CHANGE, "-o", &file, "--actions", &actions],
    );
    assert_eq!(project.done(AUTHOR, &close), "chg-2026-0001: closed\n");
    assert_eq!(project.events("closed").len(), 1);
    let run = project.run(AUTHOR, &close);
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("is closed already"), "{}", run.stderr);
    assert_eq!(project.done(AUTHOR, &["debt", "list"]), "nothing is owed\n");
}

#[test]
fn a_regression_that_nobody_has_decided_keeps_it_open() {
    let project = complete();
    project.configure("command = [\"true\"]", "command = [\"false\"]");
    assert_eq!(
        project.run(AUTHOR, &["gate", "run", CHANGE, "eval"]).status,
        Some(1)
    );
    let run = project.refused(AUTHOR, &["close", CHANGE], "gates-run");
    assert!(
        run.stderr.contains("nobody has decided what it is"),
        "{}",
        run.stderr
    );
    let note = "It refuses harmless questions about invoices";
    project.done(
        SENIOR,
        &["gate", "decide", CHANGE, "eval", "--real", "--note", note],
    );
    let run = project.refused(AUTHOR, &["close", CHANGE], "postmortem");
    assert!(!run.stderr.contains("gates-run"), "{}", run.stderr);
}

#[test]
fn a_follow_up_takes_the_harm_on() {
    let project = complete();
    project.refused(AUTHOR, &["close", CHANGE], "harm-stopped");
    seed::declared_as(&project, "chg-2026-0002", 5, |declared| {
        declared["repeats"] = CHANGE.into()
    });
    let run = project.refused(AUTHOR, &["close", CHANGE], "postmortem");
    assert!(!run.stderr.contains("harm-stopped"), "{}", run.stderr);
}
