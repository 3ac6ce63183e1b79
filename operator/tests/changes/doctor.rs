//! `breakglass doctor` finds what would not work, and says what to do.

mod home;

use std::fs;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fake::{Endpoint, Filter, Reply, nobody, now};
use crate::project::{AUTHOR, Project};
use crate::run::{Run, breakglass_with};

/// A proxy that has taken the policy and tells all that the filter tells; `change` is what is not well.
fn proxy(policy: &Value, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Endpoint {
    let filter = Arc::new(Filter::new(policy));
    let keys: Vec<Value> = policy["trust"]["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].clone())
        .collect();
    Endpoint::of(move |request| {
        let mut reply = filter.answer(request);
        if request.line == "GET /v1/state" {
            let mut state: Value = serde_json::from_slice(&reply.body).unwrap();
            state["trust"] = json!({"generation": 1, "keys": keys});
            let answers =
                json!({"requests": 0, "responses": {}, "answers": {"ended": 0, "errors": 0}});
            state["rollouts"][0]["arms"] = json!({"stable": answers, "canary": answers});
            state["rollouts"][0]["judge"] = json!({"trip": null, "signals": []});
            change(&mut state);
            reply.body = state.to_string().into();
        }
        reply
    })
}

fn healthy(proxies: usize) -> Project {
    Project::of(|policy| (0..proxies).map(|_| proxy(policy, |_| {})).collect())
}

/// The second of two proxies is not well in this way.
fn with(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Project {
    Project::of(|policy| vec![proxy(policy, |_| {}), proxy(policy, change)])
}

fn doctor(project: &Project) -> (Run, Value) {
    let [text, json] =
        [&["doctor"][..], &["doctor", "--json"]].map(|arguments| run(project, arguments));
    assert_eq!(text.status, json.status, "{}{}", text.stdout, json.stdout);
    let told = serde_json::from_str(&json.stdout).unwrap();
    (text, told)
}

/// With a temporary folder of its own: other tests leave events there.
fn run(project: &Project, arguments: &[&str]) -> Run {
    let folder = project.path("");
    let whose = ["--project", &folder, "--as", AUTHOR];
    breakglass_with(&[arguments, &whose].concat(), "", &[("TMPDIR", &folder)])
}

/// What was found of this check at this level, and what to do.
fn found(told: &Value, level: &str, check: &str) -> Vec<String> {
    let checks = told["checks"].as_array().unwrap().iter();
    let found = checks.filter(|one| one["level"] == level && one["check"] == check);
    found
        .map(|one| {
            let (found, way_out) = (one["found"].as_str().unwrap(), one["do"].as_str());
            assert_eq!(level != "ok", way_out.is_some(), "{one}");
            format!("{found} → {}", way_out.unwrap_or_default())
        })
        .collect()
}

/// Exactly one thing of this level and check was found, with this text.
fn only(project: &Project, level: &str, check: &str, text: &str) -> Run {
    let (run, told) = doctor(project);
    let found = found(&told, level, check);
    assert_eq!(found.len(), 1, "{level} {check}:\n{}", run.stdout);
    assert!(found[0].contains(text), "{} lacks {text:?}", found[0]);
    run
}

#[test]
fn a_project_at_which_all_is_well_has_a_line_for_each_proxy() {
    let project = healthy(2);
    project.declared();
    let (run, told) = doctor(&project);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(
        (&told["fails"], &told["warnings"]),
        (&json!(0), &json!(0)),
        "{}",
        run.stdout
    );
    for proxy in &project.proxies {
        let lines = run
            .stdout
            .lines()
            .filter(|line| line.contains(&proxy.target()));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{}", run.stdout);
        for part in [
            "ok  ",
            "filter 0.1.0",
            "policy support",
            "workers 2/2",
            "trusts 5 keys",
            "clock",
        ] {
            assert!(lines[0].contains(part), "{part:?}: {}", lines[0]);
        }
    }
    for check in [
        "config",
        "journal",
        "spool",
        "disk",
        "windows",
        "people",
        "approvals",
        "keys",
        "key",
        "gates",
        "judge",
        "proxies",
        "durable",
    ] {
        assert_eq!(
            found(&told, "ok", check).len(),
            1,
            "{check}:\n{}",
            run.stdout
        );
    }
}

#[test]
fn nothing_is_changed_by_looking() {
    let project = healthy(1);
    let before = fs::read(project.durable()).unwrap();
    project.run(AUTHOR, &["doctor"]);
    assert!(!project.file(".breakglass").exists(), "no journal is made");
    assert_eq!(fs::read(project.durable()).unwrap(), before);
    let orders = project.proxies[0].orders();
    assert_eq!(
        orders,
        [json!({"probe": "breakglass doctor"})],
        "which no filter takes for an order"
    );
}

#[test]
fn what_is_not_well_at_one_of_two_proxies_is_status_3() {
    type Change = fn(&mut Value);
    let cases: &[(&str, &str, Change)] = &[
        (
            "trust",
            "anybody can lower exposure, nobody can raise it",
            |state| state["trust"] = json!(null),
        ),
        ("trust", "the keys of sana, who approve", |state| {
            drop(state["trust"]["keys"].as_array_mut().unwrap().remove(1))
        }),
        (
            "rollout",
            "no rollout `support-agent` is in force there; there are: other",
            |state| state["rollouts"][0]["name"] = json!("other"),
        ),
        ("workers", "missing: w-3", |state| {
            let late = json!({"id": "w-3", "epoch": 0});
            state["workers"].as_array_mut().unwrap().push(late);
            state["rollouts"][0]["since_epoch"] = json!(1);
        }),
        ("workers", "no worker has told anything", |state| {
            state["workers"] = json!([])
        }),
        ("counts", "does not count answers", |state| {
            drop(
                state["rollouts"][0]["arms"]["canary"]
                    .as_object_mut()
                    .unwrap()
                    .remove("answers"),
            )
        }),
    ];
    for (check, text, change) in cases {
        let run = only(&with(change), "fail", check, text);
        assert_eq!(run.status, Some(3), "{check}: {}", run.stdout);
        assert!(run.stdout.contains("\n         → "), "{}", run.stdout);
    }
}

#[test]
fn what_is_only_worth_a_look_is_a_warning_and_status_0() {
    type Change = fn(&mut Value);
    let cases: &[(&str, &str, Change)] = &[
        (
            "trust",
            "keys of priya: their kill would be refused",
            |state| drop(state["trust"]["keys"].as_array_mut().unwrap().remove(0)),
        ),
        ("trust", "keys of nobody here: old-lead", |state| {
            state["trust"]["keys"]
                .as_array_mut()
                .unwrap()
                .push(json!("old-lead"))
        }),
        (
            "trust",
            "of generation 4, the durable file's of 1",
            |state| state["trust"]["generation"] = json!(4),
        ),
        ("rollout", "kill-switch is on", |state| {
            state["rollouts"][0]["control"]["kill"] = json!({"mode": "block", "in_flight": "cut"})
        }),
        ("rollout", "no_warrant", |state| {
            state["rollouts"][0]["closed"] = json!("no_warrant");
            state["rollouts"][0]["control"]["ramp"] =
                json!([{"percent": 10, "at": "2026-01-01T00:00:00Z"}]);
        }),
        ("filter", "its version is 9.9.9", |state| {
            state["filter"]["version"] = json!("9.9.9")
        }),
        ("judge", "1 of 2 proxies", |state| {
            state["rollouts"][0]["judge"] = json!(null)
        }),
        (
            "policy",
            "`marketing`, which no durable file holds",
            |state| state["policy"] = json!("marketing"),
        ),
    ];
    for (check, text, change) in cases {
        let run = only(&with(change), "warning", check, text);
        assert_eq!(run.status, Some(0), "{check}: {}", run.stdout);
    }
}

#[test]
fn a_clock_that_is_apart_is_told_before_it_spoils_an_order() {
    let ahead = |millis: u64| {
        with(move |state| {
            let at = now().millis() + millis;
            state["at"] = json!(breakglass_policy::Timestamp::from_millis(at));
        })
    };
    // The fixture's lease is 5 s.
    let run = only(
        &ahead(90_000),
        "fail",
        "clock",
        "ahead of ours: signed orders would be refused, or leases of 5s lapse",
    );
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    let run = only(&ahead(1_700), "warning", "clock", "NTP");
    assert_eq!(run.status, Some(0), "{}", run.stdout);
}

#[test]
fn who_cannot_be_reached_is_status_3_and_1_where_that_is_everybody() {
    let project = healthy(1);
    let target = project.proxies[0].target();
    project.configure(
        &format!("\"{target}\""),
        &format!("\"{target}\", \"{}\"", nobody()),
    );
    let run = only(
        &project,
        "fail",
        "reached",
        "is its operator listener there",
    );
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    project.configure(&format!("\"{target}\", "), "");
    let run = only(
        &project,
        "fail",
        "reached",
        "is its operator listener there",
    );
    assert_eq!(run.status, Some(1), "{}", run.stdout);
}

#[test]
fn an_operator_listener_that_does_not_answer_orders_is_found() {
    // As Envoy where `allow_on_headers_stop_iteration` is not set.
    let silent = |policy: &Value| {
        let policy = policy.clone();
        let filter = Filter::new(&policy);
        Endpoint::of(move |request| match request.line.as_str() {
            "POST /v1/orders" => Reply::of(404, "no route"),
            _ => filter.answer(request),
        })
    };
    let project = Project::of(|policy| vec![silent(policy)]);
    only(
        &project,
        "fail",
        "orders",
        "allow_on_headers_stop_iteration",
    );
}

#[test]
fn proxies_that_differ_are_found() {
    let project = with(|state| state["rollouts"][0]["control"]["generation"] = json!(9));
    let (run, told) = doctor(&project);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    let differ = &found(&told, "fail", "proxies")[0];
    let [first, second] = [0, 1].map(|index| project.proxies[index].target());
    assert!(
        differ.contains(&format!("7 at {first}; 9 at {second}")),
        "{differ}"
    );
    let behind = &found(&told, "fail", "durable")[0];
    assert!(
        behind.contains("is of generation 7, the proxies are at 9"),
        "{behind}"
    );
}

#[test]
fn the_files_that_proxies_start_from_are_looked_at() {
    let project = healthy(1);
    project.configure("durable = [\"policy.json\"]", "");
    only(
        &project,
        "warning",
        "durable",
        "a proxy that restarts knows nothing of a kill",
    );

    let project = healthy(1);
    fs::write(project.durable(), "{").unwrap();
    let (run, told) = doctor(&project);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(found(&told, "fail", "durable")[0].contains("policy.json"));

    let project = healthy(1);
    let mut policy = project.policy();
    policy["rollouts"][0]["control"]["generation"] = json!(12);
    fs::write(project.durable(), policy.to_string()).unwrap();
    only(
        &project,
        "warning",
        "durable",
        "is of generation 12, the proxies are at 7",
    );
}

#[test]
fn while_a_ramp_is_on_the_files_may_be_behind() {
    let change = |state: &mut Value| state["rollouts"][0]["control"]["generation"] = json!(9);
    let project = Project::of(|policy| vec![proxy(policy, change)]);
    let change = project.declared();
    only(
        &project,
        "fail",
        "durable",
        "one that restarts would begin with what is over",
    );
    // As the engine writes it.
    let database = Connection::open(project.file(".breakglass/journal.db")).unwrap();
    let hash = "SELECT hash FROM events WHERE seq = 1";
    let prev: String = database.query_row(hash, [], |row| row.get(0)).unwrap();
    let line = json!({
        "seq": 2, "at": now(), "by": AUTHOR, "change": change, "prev": prev,
        "event": {"kind": "ramp_started", "engine": "here", "plan": [{"percent": 100, "hold": "1s"}]},
    });
    let line = line.to_string();
    let hash: String = Sha256::digest(&line)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let insert = "INSERT INTO events (seq, line, hash) VALUES (2, ?1, ?2)";
    database
        .execute(insert, [line, format!("sha256:{hash}")])
        .unwrap();
    only(
        &project,
        "ok",
        "durable",
        "a ramp is on, whose leases are not written there",
    );
}
