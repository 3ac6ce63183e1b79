//! From the last step to the end of all duties.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::running::Ramp;
use crate::project::{AUTHOR, SENIOR};

/// A ramp whose old version shows the harm, up to everybody on the new one.
fn complete() -> Ramp {
    let ramp = Ramp::ready(2);
    for proxy in &ramp.proxies {
        proxy.traffic(|traffic| {
            traffic.redactions = [BTreeMap::from([("IN_AADHAAR", 40.0)]), BTreeMap::new()];
        });
    }
    {
        let (engine, _watch) = (ramp.start(), ramp.watch());
        for step in 0..4 {
            ramp.await_events("step_in_force", step + 1);
            ramp.confirm();
        }
        assert_eq!(engine.ended(), Some(0));
    }
    ramp
}

#[test]
fn a_change_is_closed_when_all_that_was_skipped_is_done() {
    let ramp = complete();
    let (project, change) = (&ramp.project, ramp.change.as_str());
    let run = project.refused(AUTHOR, &["close"], "harm-stopped");
    for rule in ["gates-run", "debts-paid", "message-sent", "postmortem"] {
        assert!(run.stderr.contains(rule), "{rule}: {}", run.stderr);
    }
    let told = project.done(AUTHOR, &["verify-harm", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let verdict = &told["verdict"];
    assert_eq!(
        (&verdict["harm"], &verdict["after_per_1000"]),
        (&json!("stopped"), &json!(0.0))
    );
    // As the old version did while the ramp grew, but for what floors away.
    let before = verdict["before_per_1000"].as_f64().unwrap();
    assert!((39.0..=41.0).contains(&before), "{told}");
    project.done(SENIOR, &["gate", "run", change, "eval"]);
    let how = "Read two hundred answers of the first hour, ticket 4711";
    project.done(AUTHOR, &["debt", "pay", change, "canary", "--how", how]);
    project.done(
        AUTHOR,
        &["message", "sent", change, "--channel", "status page"],
    );
    let actions = r#"
        cause = [{what = "Redact numbers before the retrieval index is built", owner = "priya", due = "2026-12-10"}]
        discipline = [{what = "Give the evaluation a short form of ten minutes", owner = "sana", due = "2026-12-04"}]
    "#;
    let actions = project.write("actions.toml", actions);
    let file = project.path("postmortem.md");
    project.done(
        AUTHOR,
        &["postmortem", change, "-o", &file, "--actions", &actions],
    );
    assert_eq!(
        project.done(AUTHOR, &["close"]),
        format!("{change}: closed\n")
    );
    project.done(AUTHOR, &["journal", "verify"]);

    let page = fs::read_to_string(&file).unwrap();
    for part in [
        "| sana (sana) | senior_engineer | ",
        "| ravi (ravi) | security_lead | ",
        "Passed at ",
        "| 1 % | ",
        "| 100 % | ",
        "step 4 in force: carried out by 2 of 2 proxies",
        "No signal was of concern.",
        "| answers with IN_AADHAAR | ",
        "- **Time to harm stopped**: ",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let picture = fs::read_to_string(project.file("postmortem.svg")).unwrap();
    assert!(picture.contains("Answers with IN_AADHAAR"), "{picture}");
}

#[test]
fn a_new_version_that_harms_too_is_told() {
    let ramp = complete();
    for proxy in &ramp.proxies {
        proxy.traffic(|traffic| {
            traffic.redactions[1] = BTreeMap::from([("IN_AADHAAR", 900.0)]);
        });
    }
    // Each look finds a thousand answers more.
    let goes_on = || ramp.project.run(AUTHOR, &["verify-harm"]).status == Some(1);
    ramp.until("seen", goes_on);
    ramp.project.refused(AUTHOR, &["close"], "harm-stopped");
}
