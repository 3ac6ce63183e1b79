//! The durable channel: files with policies.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Endpoint, Filter, Reply, nobody, policy};
use crate::run::{Run, breakglass};

const ECDS: &str = r#"# The policy of the proxies.
resources:
  - name: breakglass
    configuration:
      "@type": type.googleapis.com/google.protobuf.StringValue
      # The policy, as JSON.
      value: |
        {
          "policy": "support",
          "rollouts": [
            {"name": "other", "unit": [{"header": "x-user-id"}], "salt": "o",
             "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
             "control": {"generation": 3, "kill": null}},

            {
              "name": "agent",   "unit": [{"header": "x-user-id"}],
              "salt": "chg-17", "pins": {"stable": ["ä–ö"]},
              "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
              "control": CONTROL,
              "expose": true
            }
          ]
        }
    # And after it.
    failure_policy: FAIL_RELOAD
"#;
const OLD: &str = r#"{"generation": 7, "ramp": {"percent": 10}, "kill": null}"#;
const KILLED: &str = r#"{"generation": 8, "ramp": [{"percent": 10}], "on_lapse": "stable", "kill": {"mode": "rollback", "in_flight": "drain"}}"#;

fn write(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn order(targets: &[String], file: &Path, more: &[&str]) -> Run {
    let targets = format!("--targets={}", targets.join(","));
    let file = file.to_str().unwrap();
    breakglass(
        &[
            &["order", &targets, "--rollout", "agent", "--durable", file],
            more,
        ]
        .concat(),
        "",
    )
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn control(file: &Path) -> Value {
    let policy: Value = serde_json::from_str(&read(file)).unwrap();
    policy["rollouts"][0]["control"].clone()
}

#[test]
fn only_the_control_changes() {
    let directory = tempfile::tempdir().unwrap();
    for (old, new) in [
        (OLD, KILLED.to_owned()),
        (
            "{\n                \"generation\": 7, \"ramp\": {\"percent\": 10}}",
            "{\n                \"generation\": 8,\n                \"ramp\": [\n                  {\n                    \"percent\": 10\n                  }\n                ],\n                \"on_lapse\": \"stable\",\n                \"kill\": {\n                  \"mode\": \"rollback\",\n                  \"in_flight\": \"drain\"\n                }\n              }".into(),
        ),
    ] {
        let file = write(&directory, "ecds.yaml", &ECDS.replace("CONTROL", old));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        let before = std::fs::metadata(&file).unwrap();
        let proxy = Endpoint::filter(&policy(7, 10));
        let run = order(&[proxy.target()], &file, &["--kill", "rollback"]);
        assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
        assert_eq!(read(&file), ECDS.replace("CONTROL", &new));
        assert!(run.stdout.contains(&format!("{}  durable      holds generation 8\n", file.display())), "{}", run.stdout);
        assert!(run.stdout.contains("; held by 1 of 1 files; "), "{}", run.stdout);
        let after = std::fs::metadata(&file).unwrap();
        assert_ne!(before.ino(), after.ino(), "renamed, not written over");
        assert_eq!(after.mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left over");
    }
}

#[test]
fn a_policy_without_yaml_around_it_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let text = policy(7, 10).to_string();
    let file = write(&directory, "policy.json", &text);
    let link = directory.path().join("link.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let proxy = Endpoint::filter(&policy(7, 10));
    let run = order(&[proxy.target()], &link, &["--percent", "1"]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(link.is_symlink());
    assert_eq!(control(&file)["generation"], json!(8));
    assert_eq!(control(&file)["ramp"], json!([{"percent": 1}]));
}

#[test]
fn a_kill_is_durable_though_no_proxy_can_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "ecds.yaml", &ECDS.replace("CONTROL", OLD));
    let run = order(&[nobody()], &file, &["--kill", "rollback"]);
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert_eq!(read(&file), ECDS.replace("CONTROL", KILLED));
    assert!(
        run.stdout.contains("carried out by 0 of 1 proxies"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .contains("with --generation N it gets a higher one"),
        "{}",
        run.stderr
    );
    let higher = order(
        &[nobody()],
        &file,
        &["--kill", "block", "--generation", "50"],
    );
    assert_eq!(higher.status, Some(3));
    assert!(
        read(&file).contains(r#"{"generation": 50, "ramp""#),
        "{}",
        read(&file)
    );
    assert!(
        read(&file).contains(r#""mode": "block""#),
        "{}",
        read(&file)
    );
    assert_eq!(higher.stderr, "");
}

#[test]
fn a_kill_is_durable_before_any_proxy_has_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "policy.json", &policy(7, 10).to_string());
    let (filter, seen) = (Filter::new(&policy(7, 10)), file.clone());
    let proxy = Endpoint::of(move |request| {
        // Waits for the file, not for so long: without the kill in it this never ends.
        while control(&seen)["kill"].is_null() {
            std::thread::yield_now();
        }
        filter.answer(request)
    });
    let run = order(
        &[proxy.target()],
        &file,
        &["--kill", "rollback", "--timeout", "60s"],
    );
    assert_eq!(run.status, Some(0), "{}", run.stdout);
}

#[test]
fn a_kill_ends_with_the_generation_of_the_proxies() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "policy.json", &policy(7, 50).to_string());
    let proxy = Endpoint::filter(&policy(20, 5));
    let run = order(&[proxy.target()], &file, &["--kill", "rollback"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    assert_eq!(control(&file)["generation"], json!(21));
    assert_eq!(control(&file)["ramp"], json!([{"percent": 5}]));
    // And the file's own generation counts among theirs.
    let newer = write(&directory, "newer.json", &policy(40, 50).to_string());
    let run = order(&[proxy.target()], &newer, &["--kill", "block"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout);
    assert_eq!(proxy.orders().last().unwrap()["generation"], json!(41));
    assert_eq!(control(&newer)["generation"], json!(41));
    // Of two shares with one generation the smaller is in force: so the file says it too.
    assert_eq!(control(&newer)["ramp"], json!([{"percent": 5}]));
}

#[test]
fn a_kill_lowers_what_else_it_orders_and_raises_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "policy.json", &policy(7, 10).to_string());
    order(
        &[nobody()],
        &file,
        &["--kill", "rollback", "--percent", "50", "--mask-all"],
    );
    let control = control(&file);
    assert_eq!(
        (&control["ramp"], &control["redaction"]),
        (&json!([{"percent": 10}]), &json!("mask_all"))
    );
}

#[test]
fn an_order_that_nobody_carries_out_does_not_become_durable() {
    let directory = tempfile::tempdir().unwrap();
    let text = policy(7, 10).to_string();
    let file = write(&directory, "policy.json", &text);
    let refuses = Endpoint::filter(&policy(7, 10));
    for (target, status) in [(refuses.target(), 1), (nobody(), 4)] {
        let run = order(&[target], &file, &["--percent", "50"]);
        assert_eq!(run.status, Some(status), "{}", run.stdout);
        assert!(
            run.stdout.contains("durable      not written: no proxy"),
            "{}",
            run.stdout
        );
        assert_eq!(read(&file), text);
    }
}

#[test]
fn a_file_that_is_ahead_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = policy(40, 10).to_string();
    let file = write(&directory, "policy.json", &text);
    let proxy = Endpoint::filter(&policy(7, 10));
    let run = order(
        &[proxy.target()],
        &file,
        &["--percent", "1", "--generation", "8"],
    );
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    assert!(
        run.stdout.contains("left alone: it has generation 40"),
        "{}",
        run.stdout
    );
    assert_eq!(read(&file), text);
    // A kill is in it all the same.
    let killed = order(
        &[proxy.target()],
        &file,
        &["--kill", "rollback", "--generation", "9"],
    );
    assert_eq!(killed.status, Some(0), "{}", killed.stdout);
    assert_eq!(
        (
            &control(&file)["generation"],
            &control(&file)["kill"]["mode"]
        ),
        (&json!(41), &json!("rollback"))
    );
}

#[test]
fn a_file_that_fails_is_told_and_the_proxies_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = policy(7, 10);
    other["rollouts"][0]["name"] = json!("other");
    let twice = format!(
        "a:\n  value: |\n    {}\nb:\n  value: |\n    {{}}\n",
        policy(7, 10)
    );
    let cases = [
        (
            other.to_string(),
            "has no rollout `agent`; nothing was written to it",
        ),
        (
            "resources: []\n".into(),
            "is refused: neither a policy in JSON nor an Envoy ECDS file",
        ),
        (
            "a:\n  value: |\nb: 1\n".into(),
            "is refused: nothing stands below `value: |`, indented more than it",
        ),
        (twice, "several `value: |`, expected one"),
        (r#"{"policy": "a b"}"#.into(), "is refused: policy: "),
        ("{".into(), "is refused: EOF"),
    ];
    for (text, message) in cases {
        let file = write(&directory, "policy.json", &text);
        for what in [["--kill", "rollback"], ["--percent", "1"]] {
            let proxy = Endpoint::filter(&policy(7, 10));
            let run = order(&[proxy.target()], &file, &what);
            assert_eq!(run.status, Some(3), "{message}: {}", run.stdout);
            assert!(
                run.stdout.contains("durable      FAILED: ") && run.stdout.contains(message),
                "{message}: {}",
                run.stdout
            );
            assert!(
                run.stdout
                    .contains("carried out by 1 of 1 proxies; held by 0 of 1 files"),
                "{}",
                run.stdout
            );
            assert_eq!(read(&file), text);
        }
    }
    let missing = directory.path().join("missing.json");
    let run = order(&[nobody()], &missing, &["--kill", "rollback", "--json"]);
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let error = told["durable"][missing.to_str().unwrap()]["error"]
        .as_str()
        .unwrap();
    assert!(error.contains("cannot open"), "{told}");
    assert!(!missing.exists());
}

#[test]
fn a_control_that_nobody_here_can_read_is_not_made_durable() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(&directory, "policy.json", &policy(7, 10).to_string());
    let newer = Endpoint::of(|request| {
        let reply = Filter::new(&policy(7, 10)).answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        if json["control"].is_object() {
            json["control"]["mood"] = json!("calm");
        }
        Reply::json(&json)
    });
    let run = order(&[newer.target()], &file, &["--percent", "1"]);
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("not written: no proxy has told the control"),
        "{}",
        run.stdout
    );
    assert_eq!(control(&file)["generation"], json!(7));
}

#[test]
fn kills_at_the_same_time_are_all_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("agent-{number}")).collect();
    let mut policy = policy(7, 10);
    let rollouts = names.iter().map(|name| {
        let mut rollout = policy["rollouts"][0].clone();
        rollout["name"] = json!(name);
        rollout["match"] = json!({"path_prefix": format!("/{name}")});
        rollout
    });
    policy["rollouts"] = rollouts.collect();
    let file = write(&directory, "policy.json", &policy.to_string());
    let path = file.to_str().unwrap();
    let targets = format!("--targets={}", nobody());
    std::thread::scope(|scope| {
        for name in &names {
            let arguments = [
                "order",
                &targets,
                "--rollout",
                name,
                "--durable",
                path,
                "--kill",
                "block",
            ];
            scope.spawn(move || breakglass(&arguments, ""));
        }
    });
    let policy: Value = serde_json::from_str(&read(&file)).unwrap();
    for rollout in policy["rollouts"].as_array().unwrap() {
        assert_eq!(
            rollout["control"]["kill"]["mode"],
            json!("block"),
            "{rollout}"
        );
    }
}
