//! `drill`: the rollback, tried out and timed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, nobody};
use crate::project::{AUTHOR, GENERATION, Project, ROLLOUT};

#[test]
fn a_drill_is_a_real_rollback_everywhere_with_a_signed_receipt() {
    let project = Project::new(3);
    let change = project.declared();
    let shown = project.done(AUTHOR, &["drill"]);
    for proxy in &project.proxies {
        let line = format!("{}  carried out  generation 8  workers 2/2", proxy.target());
        assert!(shown.contains(&line), "{shown}");
        assert_eq!(proxy.orders().len(), 1);
    }
    assert!(
        shown.contains("  durable      holds generation 8\n"),
        "{shown}"
    );
    assert!(shown.contains("\ntimes        p50 "), "{shown}");
    assert!(
        shown.contains("\nPASSED: back on stable everywhere; proves the rollback until "),
        "{shown}"
    );
    assert!(
        shown.ends_with(&format!(
            "\nnext: breakglass approve {change}, by each approver\n"
        )),
        "{shown}"
    );
    assert_eq!(
        project.control()["kill"],
        json!({"mode": "rollback", "in_flight": "cut"})
    );

    let drilled = project.events("drilled");
    let receipt = &drilled[0]["receipt"];
    assert_eq!(drilled[0]["passed"], json!(true));
    assert_eq!(
        receipt["payloadType"],
        "application/vnd.breakglass.drill+json"
    );
    assert_eq!(receipt["signatures"][0]["keyid"], AUTHOR);
    let told: Value =
        serde_json::from_str(&project.done(AUTHOR, &["drill", &change, "--json"])).unwrap();
    assert_eq!(told["passed"], json!(true));
    assert_eq!(told["delivered"]["generation"], json!(GENERATION + 2));
    assert_eq!(told["delivered"]["proxies"].as_array().unwrap().len(), 3);
    for time in ["p50_ms", "p99_ms", "max_ms"] {
        assert!(told[time].is_u64(), "{told}");
    }
}

#[test]
fn a_drill_that_misses_anybody_has_failed() {
    let project = Project::new(2);
    let gone = nobody();
    let change = project.declared();
    project.configure(&project.proxies[1].target(), &gone);
    let run = project.run(AUTHOR, &["drill", &change]);
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("\nFAILED: carried out by 1 of 2 proxies"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains(&format!("without it: {gone}")),
        "{}",
        run.stderr
    );
    assert_eq!(project.events("drilled")[0]["passed"], json!(false));
    let run = project.refused("sana", &["approve", &change, "--yes"], "drill-first");
    assert!(
        run.stderr.contains("the last drill failed"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_worker_that_is_late_fails_it() {
    let project = Project::of(|policy| {
        let filter = Filter::new(policy);
        let endpoint = Endpoint::of(move |request| {
            let mut reply = filter.answer(request);
            if request.line == "POST /v1/orders" {
                let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
                json["workers"]["in_force"] = json!(1);
                json["workers"]["stragglers"] = json!(["w-2"]);
                reply = Reply::json(&json);
            }
            reply
        });
        vec![endpoint]
    });
    let change = project.declared();
    let run = project.run(AUTHOR, &["drill", &change]);
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("workers 1/2"), "{}", run.stdout);
    assert_eq!(project.events("drilled")[0]["passed"], json!(false));
}

#[test]
fn proxies_that_all_refuse_fail_it() {
    // Whose key they do not trust.
    let project = Project::of(|policy| {
        let mut policy = policy.clone();
        policy["trust"]["keys"]
            .as_array_mut()
            .unwrap()
            .retain(|key| key["id"] != AUTHOR);
        vec![Endpoint::filter(&policy)]
    });
    project.configure("durable = [\"policy.json\"]", "");
    let change = project.declared();
    let policy = project.path("policy.json");
    let run = project.run(AUTHOR, &["drill", &change, "--policy", &policy]);
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("FAILED: carried out by 0 of 1 proxies, refused: 1"),
        "{}",
        run.stdout
    );
    assert_eq!(project.events("drilled")[0]["passed"], json!(false));
}

#[test]
fn there_is_no_drill_while_somebody_is_on_the_canary() {
    let project = Project::of(|policy| {
        let mut raised = policy.clone();
        raised.as_object_mut().unwrap().remove("trust");
        raised["rollouts"][0]["control"]["ramp"]["percent"] = json!(10);
        vec![Endpoint::filter(&raised)]
    });
    let change = project.declared();
    let run = project.refused(AUTHOR, &["drill", &change], "quiet-drill");
    assert!(
        run.stderr.contains("have 10 % of the units on the canary"),
        "{}",
        run.stderr
    );
    assert!(project.proxies[0].orders().is_empty());
    assert!(project.events("drilled").is_empty());
}

#[test]
fn there_is_no_drill_under_a_running_ramp() {
    let project = Project::new(1);
    let (change, other) = (project.ready(), project.declared());
    let folder = project.path("");
    let mut engine = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["start", &change, "--project", &folder, "--as", AUTHOR])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut told = BufReader::new(engine.stderr.take().unwrap());
    told.read_line(&mut line).unwrap();
    assert!(line.contains(": started;"), "{line}");
    // Of whichever change: everybody would be taken back.
    for id in [&change, &other] {
        let run = project.refused(AUTHOR, &["drill", id], "quiet-drill");
        let why = format!("no drill under a running ramp: `{change}` is ramping");
        assert!(run.stderr.contains(&why), "{}", run.stderr);
    }
    engine.kill().unwrap();
    engine.wait().unwrap();
    assert_eq!(project.events("drilled").len(), 1);
}

#[test]
fn a_drill_is_for_the_versions_that_were_declared() {
    let project = Project::new(1);
    let change = project.declared();
    let text = std::fs::read_to_string(project.durable()).unwrap();
    std::fs::write(project.durable(), text.replace("prompt-v42", "prompt-v43")).unwrap();
    let run = project.refused(AUTHOR, &["drill", &change], "record");
    assert!(
        run.stderr
            .contains("has prompt-v41 → prompt-v43, declared is prompt-v41 → prompt-v42"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains(&format!("push a policy in which the arms of `{ROLLOUT}`")),
        "{}",
        run.stderr
    );
    assert!(project.proxies[0].orders().is_empty());
}

#[test]
fn what_was_withdrawn_is_not_drilled() {
    let project = Project::new(1);
    let change = project.declared();
    project.done(
        AUTHOR,
        &["withdraw", &change, "--why", "the vendor has mended it"],
    );
    project.refused(AUTHOR, &["drill", &change], "not-ended");
}

#[test]
fn without_a_policy_nobody_can_sign_for_it() {
    let project = Project::new(1);
    project.configure("durable = [\"policy.json\"]", "");
    let change = project.declared();
    let run = project.run(AUTHOR, &["drill", &change]);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("or --policy FILE"), "{}", run.stderr);
    let policy = project.path("policy.json");
    project.done(AUTHOR, &["drill", &change, "--policy", &policy]);
    assert!(project.control()["kill"].is_null(), "it is only read");
}
