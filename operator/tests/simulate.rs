//! `breakglass simulate`: the same numbers for the same seed, and what they say.

mod run;

use run::breakglass;
use serde_json::{Value, json};

/// The rows of a run, by canary and rule.
fn rows(options: &[&str], input: &str) -> Vec<Value> {
    let arguments = [&["simulate", "--json", "--trials", "40"], options].concat();
    let run = breakglass(&arguments, input);
    assert_eq!(run.status, Some(0), "{options:?}: {}", run.stderr);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    answer["rows"].as_array().unwrap().clone()
}

fn row<'a>(rows: &'a [Value], times: f64, rule: &str) -> &'a Value {
    let found = rows
        .iter()
        .find(|row| row["times"] == json!(times) && row["rule"] == json!(rule));
    found.unwrap_or_else(|| panic!("no {rule} at {times} in {rows:?}"))
}

#[test]
fn the_judge_finds_a_bad_canary_before_the_others_do_and_leaves_a_good_one() {
    let rows = rows(&["--compare", "--times", "10", "--for", "62m"], "");
    let judge = row(&rows, 10.0, "judge");
    assert_eq!(judge["rolled_back"], 40);
    let median = |row: &Value| row["seconds"]["median"].as_u64().unwrap();
    assert!(median(judge) < 180, "{judge}");
    for (rule, soonest) in [("bound 99 %", 300), ("ranks", 3_000), ("hourly", 3_600)] {
        let other = row(&rows, 10.0, rule);
        assert!(
            median(other) >= soonest && median(other) > median(judge),
            "{other}"
        );
    }
    let alarms = row(&rows, 1.0, "judge")["rolled_back"].as_u64().unwrap();
    assert!(alarms <= 1, "{alarms}");
    // A bound where the rate is: half of the minutes of a good canary are below it.
    assert_eq!(row(&rows, 1.0, "bound 99 %")["rolled_back"], 40);
}

#[test]
fn the_judge_is_the_policys() {
    let mut policy: Value =
        serde_json::from_str(include_str!("../../policy/src/policy/full.json")).unwrap();
    let mut rows = |signals: Value, options: &[&str]| {
        policy["rollouts"][0]["judge"] = json!({"alpha": 0.001, "signals": signals});
        let options = [&["--policy", "-", "--rate", "50", "--for", "20m"], options].concat();
        rows(&options, &policy.to_string())
    };
    let silence = ["--signal", "redactions", "--bad", "5", "--times", "0"];
    let two_sided = json!([{"redactions": {"entity": "*", "two_sided": true}}]);
    assert_eq!(
        row(&rows(two_sided, &silence), 0.0, "judge")["rolled_back"],
        40
    );
    let one_sided = json!([{"redactions": {"entity": "IN_PAN"}}]);
    assert_eq!(
        row(&rows(one_sided, &silence), 0.0, "judge")["rolled_back"],
        0
    );
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let options = |seed| {
        [
            "simulate",
            "--trials",
            "20",
            "--for",
            "5m",
            "--pattern",
            "bursty",
            "--share",
            "1,50@1m",
            "--seed",
            seed,
        ]
    };
    let [one, again, other] = ["1", "1", "2"].map(|seed| breakglass(&options(seed), "").stdout);
    assert_eq!(one, again);
    assert_ne!(one, other);
}

#[test]
fn people_read_a_table_and_a_plot_and_the_svg_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("judge.svg");
    let arguments = [
        "simulate",
        "--trials",
        "10",
        "--for",
        "5m",
        "--svg",
        file.to_str().unwrap(),
    ];
    let run = breakglass(&arguments, "");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    for part in [
        "canary requests (median)",
        "\ngood    judge  ",
        "\n10 ×    judge  100 %",
        "judge, good canary  ···",
        "█\n",
    ] {
        assert!(run.stdout.contains(part), "{part:?}: {}", run.stdout);
    }
    let svg = std::fs::read_to_string(file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<polyline ").count(), 4);
}

#[test]
fn what_cannot_be_tried_is_status_2_and_says_why() {
    let policy = include_str!("../../policy/src/policy/full.json");
    let cases: &[(&[&str], &str)] = &[
        (&["--alpha", "0.7"], "at most 0.5"),
        (&["--worse-by", "1"], "above 1"),
        (&["--times=-1"], "a factor from 0 on"),
        (
            &["--share", "5@3m"],
            "--share begins with the share at the start",
        ),
        (&["--share", "5,1,9@1m"], "its steps follow each other"),
        (&["--bad", "0"], "--bad must be above 0"),
        (&["--for", "60d"], "expected 1s to 30d"),
        (&["--rate", "0"], "above 0"),
        (&["--trials", "0"], "--trials"),
        (
            &["--policy", "-", "--signal", "slow"],
            "the judge does not watch slow",
        ),
        (&["--policy", "-", "--alpha", "0.1"], "cannot be used with"),
        (&["--policy", "/nowhere"], "/nowhere"),
        (
            &[
                "--svg",
                "/nowhere/judge.svg",
                "--trials",
                "1",
                "--for",
                "1s",
            ],
            "/nowhere/judge.svg",
        ),
    ];
    for (options, part) in cases {
        let run = breakglass(&[&["simulate"], *options].concat(), policy);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{options:?}"
        );
        assert!(run.stderr.contains(part), "{options:?}: {}", run.stderr);
    }
}
