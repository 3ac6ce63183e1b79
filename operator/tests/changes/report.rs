//! `report`, `rules`: the rate, and the table.

use serde_json::{Value, json};

use crate::project::{AUTHOR, Project, ROLLOUT, SENIOR};
use crate::run::breakglass;
use crate::seed;

/// Three emergencies: two in November by the clock of Kolkata, where one of them is in October in UTC.
fn told() -> Project {
    let project = Project::new(1);
    project.configure(
        "[[agents]]",
        "[windows]\ntime_zone = \"Asia/Kolkata\"\n\n[[agents]]",
    );
    for (change, at, edit) in [
        (
            "chg-2026-0001",
            "2026-10-02T10:00:00Z",
            json!({"cause": "model"}),
        ),
        (
            "chg-2026-0002",
            "2026-10-31T20:00:00Z",
            json!({"repeats": "chg-2026-0001"}),
        ),
        (
            "chg-2026-0003",
            "2026-11-20T20:00:00Z",
            json!({"category": "production_incident"}),
        ),
    ] {
        let mut event = serde_json::to_value(crate::project::declaration()).unwrap();
        event["kind"] = "declared".into();
        for (key, value) in edit.as_object().unwrap() {
            event[key] = value.clone();
        }
        seed::entry(&project, Some(change), AUTHOR, at_time(at), event);
    }
    let later = at_time("2026-11-21T00:00:00Z");
    let event =
        json!({"kind": "reclassified", "category": "missed_window", "why": "it could have waited"});
    seed::entry(&project, Some("chg-2026-0003"), SENIOR, later, event);
    for _ in 0..6 {
        let event =
            json!({"kind": "routine_promoted", "rollout": ROLLOUT, "version": "prompt-v43"});
        seed::entry(&project, None, SENIOR, later, event);
    }
    for rule in [
        "drill-first",
        "not-alone",
        "not-alone",
        "maximum-compression",
        "emergency",
    ] {
        let event =
            json!({"kind": "refused", "rule": rule, "why": "because", "attempted": "start"});
        seed::entry(&project, Some("chg-2026-0003"), AUTHOR, later, event);
    }
    project
}

fn at_time(text: &str) -> breakglass_policy::Timestamp {
    serde_json::from_value(json!(text)).unwrap()
}

fn report(project: &Project, more: &[&str]) -> Value {
    let told = project.done(AUTHOR, &[&["report", "--json"], more].concat());
    serde_json::from_str(&told).unwrap()
}

#[test]
fn emergencies_are_counted_by_the_month_of_the_project() {
    let project = told();
    let told = report(&project, &[]);
    assert_eq!(
        (&told["emergencies"], &told["routine"]),
        (&json!(3), &json!(6))
    );
    let months = told["months"].as_array().unwrap();
    let months: Vec<_> = months
        .iter()
        .map(|m| {
            (
                &m["month"],
                &m["emergencies"],
                &m["routine"],
                &m["share_percent"],
            )
        })
        .collect();
    assert_eq!(
        months,
        [
            (&json!("2026-10"), &json!(1), &json!(0), &json!(100.0)),
            (&json!("2026-11"), &json!(2), &json!(6), &json!(25.0)),
        ]
    );
    assert_eq!(
        told["by_category"],
        json!({"security": 2, "production_incident": 1})
    );
    assert_eq!(told["by_team"], json!({"support-platform": 3}));
    assert_eq!(told["by_cause"], json!({"model": 1, "prompt": 2}));
    assert_eq!(
        told["repeats"][0],
        json!({"change": "chg-2026-0002", "repeats": "chg-2026-0001"})
    );
    assert_eq!(told["reclassified"][0]["category"], "missed_window");
}

#[test]
fn every_mistake_says_how_often_it_was_tried() {
    let project = told();
    let told = report(&project, &[]);
    assert_eq!(
        told["mistakes"],
        json!({
            "routine work framed as an emergency": 1, "acting alone": 2, "100 % at once": 1,
            "no rollback ready": 1, "nothing done afterwards": 0,
        })
    );
    assert_eq!(told["refused"]["not-alone"], 2);
    assert_eq!(told["attempts"].as_array().unwrap().len(), 5);
    let text = project.done(AUTHOR, &["report"]);
    assert!(text.contains("how often it was tried:\n"), "{text}");
    assert!(text.contains("     2  acting alone\n"), "{text}");
    assert!(text.contains("     0  nothing done afterwards\n"), "{text}");
}

#[test]
fn more_than_one_a_month_gets_the_question() {
    let project = told();
    let question =
        "2 in 2026-11: is the bar too low, or is something upstream creating false urgency?";
    assert_eq!(report(&project, &[])["question"], question);
    assert!(
        project
            .done(AUTHOR, &["report"])
            .ends_with(&format!("{question}\n"))
    );
    let october = report(&project, &["--month", "2026-10"]);
    assert_eq!(
        (&october["emergencies"], &october["question"]),
        (&json!(1), &Value::Null)
    );
}

#[test]
fn a_period_holds_its_first_and_its_last_day() {
    let project = told();
    for (more, expected) in [
        (&["--since", "2026-11-01"][..], 2),
        (&["--since", "2026-11-02"], 1),
        (&["--until", "2026-10-31"], 1),
        (&["--until", "2026-11-01"], 2),
        (&["--since", "2026-10-02", "--until", "2026-10-02"], 1),
        (&["--month", "2026-11"], 2),
        (&["--month", "2026-12"], 0),
    ] {
        assert_eq!(report(&project, more)["emergencies"], expected, "{more:?}");
    }
    for more in [["--month", "2026-13"], ["--since", "yesterday"]] {
        let run = project.run(AUTHOR, &[&["report"], &more[..]].concat());
        assert_eq!(run.status, Some(2), "{more:?}");
        assert!(
            run.stderr.contains("expected one such as 2026-11"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_table_of_rules_needs_no_project() {
    let run = breakglass(&["rules"], "");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    for name in ["emergency", "drill-first", "overdue-debt", "postmortem"] {
        assert!(
            run.stdout.lines().any(|line| line.starts_with(name)),
            "{}",
            run.stdout
        );
    }
    let rules: Value = serde_json::from_str(&breakglass(&["rules", "--json"], "").stdout).unwrap();
    let rules = rules.as_array().unwrap();
    assert_eq!(rules.len(), run.stdout.lines().count());
    for rule in rules {
        assert!(
            (1..=10).contains(&rule["paragraph"].as_u64().unwrap()),
            "{rule}"
        );
        assert!(!rule["when"].as_array().unwrap().is_empty(), "{rule}");
    }
}

#[test]
fn of_a_change_the_rules_say_how_it_stands_and_nothing_is_written() {
    let project = Project::new(1);
    seed::declared(&project, "chg-2026-0001", 5);
    let before = project.entries().len();
    let told = project.done(AUTHOR, &["rules", "chg-2026-0001"]);
    assert!(told.contains("not yet  drill-first"), "{told}");
    assert!(
        told.contains("→ try the rollback out: `breakglass drill chg-2026-0001`"),
        "{told}"
    );
    assert!(told.contains("passes   change-window"), "{told}");
    let told = project.done(AUTHOR, &["rules", "chg-2026-0001", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let rules = told["rules"].as_array().unwrap();
    assert!(
        rules.iter().all(|rule| rule["rule"] != "emergency"),
        "{rules:?}"
    );
    let drill = rules
        .iter()
        .find(|rule| rule["rule"] == "drill-first")
        .unwrap();
    assert_eq!(drill["passes"], false);
    assert_eq!(drill["denial"]["why"], "the rollback was not tried out");
    assert_eq!(project.entries().len(), before);
    // Of one that is complete only what is ahead.
    seed::started(&project, "chg-2026-0001", 4);
    seed::completed(&project, "chg-2026-0001", 3);
    let told = project.done(AUTHOR, &["rules", "chg-2026-0001"]);
    assert!(told.contains("passes   ramp-over"), "{told}");
    assert!(!told.contains("drill-first"), "{told}");
}
