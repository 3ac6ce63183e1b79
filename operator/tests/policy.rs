//! Commands that read a policy.

mod run;

use run::{Run, breakglass};
use serde_json::{Value, json};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/policies");

fn policy(redaction: &Value) -> Value {
    json!({
        "policy": "support",
        "rollouts": [{
            "name": "agent",
            "unit": [{"header": "x-user-id"}],
            "salt": "chg-2026-0117",
            "arms": {"stable": {"version": "v1"}, "canary": {"version": "v2"}},
            "control": {"generation": 1, "ramp": {"percent": 10}},
            "redaction": redaction,
        }]
    })
}

/// Runs a command that reads `document` as the file `{}` among its arguments.
fn with_policy(document: &Value, arguments: &[&str], input: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let arguments: Vec<_> = arguments
        .iter()
        .map(|word| if *word == "{}" { file } else { word })
        .collect();
    let mut run = breakglass(&arguments, input);
    run.stdout = run.stdout.replace(file, "FILE");
    run.stderr = run.stderr.replace(file, "FILE");
    run
}

#[test]
fn lint_takes_the_policies_of_the_examples() {
    for name in ["ramp-10", "pins", "timed-ramp", "two-rollouts", "json-edit"] {
        let file = format!("{EXAMPLES}/{name}.json");
        let run = breakglass(&["lint", &file], "");
        assert_eq!((run.status, run.stdout), (Some(0), format!("{file}: ok\n")));
    }
}

#[test]
fn lint_names_the_path_of_what_is_wrong() {
    let actions = |place: &str, name: &str| match place {
        "response" => json!({"response": {name: "mask"}}),
        "request" => json!({"request": {name: "mask"}}),
        _ => json!({"arms": {"canary": {"response": {name: "block"}}}}),
    };
    let cases = [
        (
            actions("response", "EMIAL_ADDRESS"),
            "redaction.response.EMIAL_ADDRESS",
            "did you mean `EMAIL_ADDRESS`?",
        ),
        (
            actions("request", "IN_ADHAAR"),
            "redaction.request.IN_ADHAAR",
            "did you mean `IN_AADHAAR`?",
        ),
        (
            actions("arm", "CREDIT_CRD"),
            "redaction.arms.canary.response.CREDIT_CRD",
            "did you mean `CREDIT_CARD`?",
        ),
        (
            json!({"response": {"CRYPTO": "hide"}}),
            "redaction.response.CRYPTO",
            "hide",
        ),
        (
            json!({"entities": {"CRYPTO": {"literals": ["abcd"]}}}),
            "redaction.entities.CRYPTO",
            "already",
        ),
        (
            json!({"entities": {"OWN": {"shapes": ["##"]}}}),
            "redaction.entities.OWN.shapes[0]",
            "4 to 64",
        ),
    ];
    for (redaction, path, part) in cases {
        let document = policy(&redaction);
        let run = with_policy(&document, &["lint", "{}"], "");
        assert_eq!(run.status, Some(1), "{redaction}");
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
        assert!(
            run.stdout
                .starts_with(&format!("FILE: rollouts[0].{path}: ")),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains(part), "{}", run.stdout);
        let run = with_policy(&document, &["lint", "--json", "{}"], "");
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            (run.status, &answer["ok"], &answer["file"]),
            (Some(1), &json!(false), &json!("FILE"))
        );
        assert_eq!(answer["errors"][0]["path"], format!("rollouts[0].{path}"));
    }
}

#[test]
fn lint_refuses_a_judge_that_watches_what_nobody_finds() {
    let mut document = policy(
        &json!({"response": {"OWN": "mask"}, "entities": {"OWN": {"literals": ["bluebird"]}}}),
    );
    let signals =
        json!([{"redactions": {"entity": "*"}}, {"zero_tolerance": ["OWN", "IN_ADHAAR"]}]);
    document["rollouts"][0]["judge"] = json!({"alpha": 0.01, "signals": signals});
    let run = with_policy(&document, &["lint", "{}"], "");
    assert_eq!(run.status, Some(1));
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    assert!(
        run.stdout
            .starts_with("FILE: rollouts[0].judge.signals[1].zero_tolerance[1]: "),
        "{}",
        run.stdout
    );
}

#[test]
fn lint_tells_what_is_refused_from_what_cannot_be_read() {
    let broken = breakglass(&["lint", "-"], "{\"policy\": ");
    assert_eq!(broken.status, Some(1));
    let missing = breakglass(&["lint", "/nonexistent/policy.json"], "");
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("/nonexistent/policy.json"));
}

#[test]
fn scan_does_what_the_policy_says_for_arm_and_direction() {
    let document = policy(&json!({
        "response": {"EMAIL_ADDRESS": "mask", "STAFF": "mask", "IP_ADDRESS": "count"},
        "request": {"*": "count"},
        "arms": {"canary": {"response": {"EMAIL_ADDRESS": "block"}}},
        "entities": {"STAFF": {"shapes": ["EMP-####"], "literals": ["Project Bluebird"]}},
        "private_ips": "ignore",
    }));
    let input = json!({"id": 1, "text": "EMP-1234 at 203.0.113.7 and 10.0.0.1: jo@example.com, project bluebird"}).to_string();
    let cases: [(&[&str], &str, Value); 3] = [
        (
            &[],
            "[STAFF] at 203.0.113.7 and 10.0.0.1: [EMAIL_ADDRESS], [STAFF]",
            Value::Null,
        ),
        (
            &["--arm", "canary"],
            "[STAFF] at 203.0.113.7 and 10.0.0.1: [EMAIL_ADDRESS]",
            json!("EMAIL_ADDRESS"),
        ),
        (
            &["--direction", "request"],
            "EMP-1234 at 203.0.113.7 and 10.0.0.1: jo@example.com, project bluebird",
            Value::Null,
        ),
    ];
    for (options, masked, blocked) in cases {
        let arguments = [&["scan", "--mask", "--policy", "{}"], options].concat();
        let run = with_policy(&document, &arguments, &input);
        let answer: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
        assert_eq!(answer["masked"], masked, "{options:?}");
        assert_eq!(answer["blocked"], blocked, "{options:?}");
        let names: Vec<_> = answer["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span[2].clone())
            .collect();
        assert_eq!(
            json!(names),
            json!(["STAFF", "IP_ADDRESS", "EMAIL_ADDRESS", "STAFF"]),
            "{options:?}"
        );
    }
    let blocked = with_policy(
        &document,
        &[
            "scan", "--mask", "--format", "text", "--policy", "{}", "--arm", "canary",
        ],
        "a jo@example.com b\n",
    );
    assert!(
        !blocked.stdout.contains("jo@") && !blocked.stdout.contains('b'),
        "{}",
        blocked.stdout
    );
    assert!(blocked.stderr.contains("withheld"), "{}", blocked.stderr);
}

#[test]
fn scan_obeys_a_control_that_masks_all() {
    let mut document = policy(&json!({"response": {"EMAIL_ADDRESS": "count"}}));
    document["rollouts"][0]["control"]["redaction"] = json!("mask_all");
    let run = with_policy(
        &document,
        &["scan", "--mask", "--policy", "{}"],
        r#"{"id": 1, "text": "jo@example.com, 203.0.113.7"}"#,
    );
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["masked"], "[EMAIL_ADDRESS], [IP_ADDRESS]");
}

#[test]
fn scan_refuses_a_policy_that_it_cannot_follow() {
    let mut two = policy(&json!({"response": {"CRYPTO": "mask"}}));
    let mut second = two["rollouts"][0].clone();
    second["name"] = json!("other");
    two["rollouts"].as_array_mut().unwrap().push(second);
    let cases: [(Value, &[&str], &str); 5] = [
        (
            policy(&json!({"response": {"CRIPTO": "mask"}})),
            &[],
            "did you mean `CRYPTO`?",
        ),
        (
            policy(&json!({"response": {"CRYPTO": "mask"}})),
            &["--direction", "request"],
            "looks for nothing",
        ),
        (policy(&Value::Null), &[], "redaction"),
        (two.clone(), &[], "agent, other"),
        (two, &["--rollout", "third"], "agent, other"),
    ];
    for (document, options, part) in cases {
        let arguments = [&["scan", "--policy", "{}"], options].concat();
        let run = with_policy(&document, &arguments, "{\"id\":1,\"text\":\"x\"}");
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(2), ""),
            "{options:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(part), "{options:?}: {}", run.stderr);
    }
}

/// The example with trusted keys, with one thing changed.
fn trusting(passage: &str, instead: &str) -> Value {
    let text = std::fs::read_to_string(format!("{EXAMPLES}/trust.json")).unwrap();
    assert!(text.contains(passage), "{passage}");
    serde_json::from_str(&text.replace(passage, instead)).unwrap()
}

#[test]
fn lint_warns_of_what_the_filter_would_not_permit() {
    let empty = r#""ramp": []"#;
    for (passage, instead, warning) in [
        (empty, empty, None),
        (
            empty,
            r#""ramp": {"percent": 10}"#,
            Some(
                "rollouts[0].control.warrant: everyone stays on stable: raising exposure needs a warrant; expected the approval of security_lead and platform_lead",
            ),
        ),
        (
            r#""role": "platform_lead""#,
            r#""role": "somebody""#,
            Some("trust.raise: no set can sign with these keys, so nobody can raise exposure"),
        ),
    ] {
        let run = with_policy(&trusting(passage, instead), &["lint", "{}"], "");
        assert_eq!(run.status, Some(0), "{instead}: {run:?}");
        let warned = run
            .stdout
            .lines()
            .find_map(|line| line.split_once("warning: "));
        assert_eq!(warned.map(|(_, warning)| warning), warning, "{instead}");
    }
}

#[test]
fn explain_knows_that_a_canary_needs_a_warrant() {
    let raised = trusting(r#""ramp": []"#, r#""ramp": {"percent": 100}"#);
    let arguments = ["explain", "--policy", "{}", "--unit", "u", "--json"];
    let run = with_policy(&raised, &arguments, "");
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (told["arm"].as_str(), told["reason"].as_str()),
        (Some("stable"), Some("no_warrant"))
    );
}
