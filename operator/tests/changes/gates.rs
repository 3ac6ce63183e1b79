//! `gate`: what runs, for how long, and what a regression asks.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::project::{AUTHOR, Project, SENIOR};
use crate::seed;

const CHANGE: &str = "chg-2026-0001";

/// A project whose gate is this shell script, with a change that has begun or not.
fn project(script: &str, started: bool) -> Project {
    let project = Project::new(1);
    let command = serde_json::to_string(&["sh", "-c", script]).unwrap();
    project.configure("command = [\"true\"]", &format!("command = {command}"));
    seed::declared(&project, CHANGE, 90);
    if started {
        seed::started(&project, CHANGE, 60);
        seed::completed(&project, CHANGE, 30);
    }
    project
}

fn gate(project: &Project, arguments: &[&str]) -> crate::run::Run {
    project.run(AUTHOR, &[&["gate"], arguments].concat())
}

#[test]
fn a_gate_learns_the_change_and_0_is_a_pass() {
    let script = "echo $BREAKGLASS_CHANGE $BREAKGLASS_ROLLOUT $BREAKGLASS_STABLE $BREAKGLASS_CANARY; ls breakglass.toml";
    let project = project(script, false);
    let run = gate(&project, &["run", CHANGE, "eval", "--json"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&told["result"], &told["late"]),
        (&json!("pass"), &json!(false))
    );
    assert_eq!(told["question"], Value::Null);
    let expected = "chg-2026-0001 support-agent prompt-v41 prompt-v42\nbreakglass.toml";
    assert_eq!(project.events("gate_run")[0]["detail"], expected);
    // Whoever waits sees it work.
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn a_regression_before_the_start_keeps_it_from_starting() {
    let project = project("echo 3 of 40 cases worse; exit 1", false);
    let run = gate(&project, &["run", CHANGE, "eval"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stdout
            .contains("gate eval: REGRESSION\nnext: refine the version"),
        "{}",
        run.stdout
    );
    let run = project.refused(AUTHOR, &["start", CHANGE], "eval-gate");
    assert!(
        run.stderr
            .contains("the gate `eval` has shown a regression"),
        "{}",
        run.stderr
    );
    // Nor does a decision make it go.
    let run = gate(
        &project,
        &[
            "decide",
            CHANGE,
            "eval",
            "--intended",
            "--note",
            "They are harmless cases of politeness",
        ],
    );
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("has not begun"), "{}", run.stderr);
}

#[test]
fn what_is_neither_pass_nor_regression_is_no_result() {
    for (script, expected) in [
        (
            "echo no such model; exit 7",
            "ended with status 7, expected 0 for a pass or 1 for a regression",
        ),
        ("kill -9 $$", "or died"),
    ] {
        let project = project(script, true);
        let run = gate(&project, &["run", CHANGE, "eval"]);
        assert_eq!(run.status, Some(2), "{script}: {}", run.stdout);
        assert!(run.stderr.contains(expected), "{script}: {}", run.stderr);
        assert!(project.events("gate_run").is_empty(), "{script}");
    }
    let project = project("true", true);
    project.configure("\"sh\"", "\"no-such-program\"");
    let run = gate(&project, &["run", CHANGE, "eval"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("gate eval: cannot run no-such-program"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_gate_that_takes_too_long_ends_with_all_that_it_started() {
    let project = project("echo $$ > shell; sleep 600 & echo $! > child; wait", true);
    project.configure("name = \"eval\"", "name = \"eval\"\ntimeout = \"1s\"");
    let began = Instant::now();
    let run = gate(&project, &["run", CHANGE, "eval"]);
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(
        run.stderr.contains("was not done within 1s and was ended"),
        "{}",
        run.stderr
    );
    assert!(began.elapsed() < Duration::from_secs(60));
    for name in ["shell", "child"] {
        let id = fs::read_to_string(project.file(name)).unwrap();
        // Gone, or a zombie that nobody has collected yet. A busy machine takes its time to end it.
        let stat = Path::new("/proc").join(id.trim()).join("stat");
        let goes_on = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        while goes_on() {
            assert!(began.elapsed() < Duration::from_secs(60), "{name} goes on");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_late_regression_asks_whether_it_is_real_or_intended() {
    let project = project("exit 1", true);
    let run = gate(&project, &["run", CHANGE, "eval"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    for part in [
        "gate eval: REGRESSION, after the start",
        "Is the regression real or intended?",
        "next: breakglass kill chg-2026-0001",
        "next: breakglass gate decide chg-2026-0001 eval --real|--intended",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let decide = ["gate", "decide", CHANGE, "eval"];
    project.refused(
        AUTHOR,
        &[&decide[..], &["--real", "--note", "it is needed"]].concat(),
        "gates-run",
    );
    let usage = project.run(
        AUTHOR,
        &[
            &decide[..],
            &["--note", "Neither real nor intended, so to say"],
        ]
        .concat(),
    );
    assert_eq!(usage.status, Some(2), "{}", usage.stdout);
    let note = "It refuses harmless questions about invoices";
    let told = project.done(SENIOR, &[&decide[..], &["--real", "--note", note]].concat());
    assert!(told.contains("repeats = \"chg-2026-0001\""), "{told}");
    assert_eq!(project.events("regression_decided")[0]["decision"], "real");
    // What was decided of one result says nothing of the next.
    gate(&project, &["run", CHANGE, "eval"]);
    let run = project.run(AUTHOR, &["gate", "list", CHANGE, "--json"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&told["gates"][0]["result"], &told["gates"][0]["decision"]),
        (&json!("regression"), &Value::Null)
    );
    let told = project.done(
        SENIOR,
        &[&decide[..], &["--intended", "--note", note]].concat(),
    );
    assert!(told.contains("update the eval set of `eval`"), "{told}");
    let listed = project.done(AUTHOR, &["gate", "list"]);
    assert!(listed.contains("REGRESSION late, intended, 20"), "{listed}");
}

#[test]
fn a_result_from_elsewhere_says_where_it_is() {
    let project = project("exit 1", true);
    let attach = |more: &[&str]| {
        gate(
            &project,
            &[&["attach", CHANGE, "eval", "--result", "pass"], more].concat(),
        )
    };
    for (more, expected) in [
        (&["--detail", "ok"][..], "`ok` is no result"),
        (&[], "--detail"),
    ] {
        let run = attach(more);
        assert_eq!(run.status, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    let empty = project.write("empty.json", "\n");
    assert!(
        attach(&["--file", &empty])
            .stderr
            .contains("is empty, expected a result")
    );
    let results = project.write("results.json", "40 of 40 passed\n");
    assert_eq!(attach(&["--file", &results]).status, Some(0));
    assert_eq!(
        attach(&["--detail", "https://ci.example.com/runs/7"]).status,
        Some(0)
    );
    let runs = project.events("gate_run");
    let detail = runs[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains(&seed::hash("40 of 40 passed\n")) && detail.ends_with(":\n40 of 40 passed"),
        "{detail}"
    );
    assert_eq!(runs[0]["late"], true);
    // A word does not make a regression go away that was seen.
    assert_eq!(gate(&project, &["run", CHANGE, "eval"]).status, Some(1));
    let again = [
        "gate",
        "attach",
        CHANGE,
        "eval",
        "--result",
        "pass",
        "--detail",
        "https://ci.example.com/runs/8",
    ];
    project.refused(AUTHOR, &again, "eval-gate");
}

#[test]
fn a_gate_that_is_not_there_is_told_with_those_that_are() {
    let project = project("true", true);
    for arguments in [
        &["run", CHANGE, "evil"][..],
        &["decide", CHANGE, "evil", "--real", "--note", "x"],
    ] {
        let run = gate(&project, arguments);
        assert_eq!(run.status, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains("`evil`"), "{}", run.stderr);
    }
    let run = gate(&project, &["run", CHANGE, "evil"]);
    assert!(
        run.stderr.contains("knows no gate `evil`; it knows: eval"),
        "{}",
        run.stderr
    );
    project.configure("command = [\"sh\",\"-c\",\"true\"]", "command = []");
    let run = gate(&project, &["run", CHANGE, "eval"]);
    assert!(
        run.stderr
            .contains("breakglass gate attach chg-2026-0001 eval"),
        "{}",
        run.stderr
    );
}
