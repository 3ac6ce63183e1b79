//! `breakglass scan` on JSON lines.

mod run;

use run::breakglass;
use serde_json::{Value, json};

fn answers(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_line_is_answered_in_order_with_offsets_in_code_points() {
    let cases = [
        (
            json!(1),
            "mail jo@example.com",
            json!([[5, 19, "EMAIL_ADDRESS"]]),
        ),
        (json!("two"), "nothing here", json!([])),
        // Two code units in UTF-16, four bytes in UTF-8, one code point.
        (
            json!(null),
            "💥💥 jo@example.com",
            json!([[3, 17, "EMAIL_ADDRESS"]]),
        ),
        (
            json!([3]),
            "ü𝒳\u{301}: jo@example.com",
            json!([[5, 19, "EMAIL_ADDRESS"]]),
        ),
        (json!({"a": {"b": 1}}), "", json!([])),
        (
            json!(-0.5),
            "é 4111 1111 1111 1111 𝄞 jo@example.com",
            json!([[2, 21, "CREDIT_CARD"], [24, 38, "EMAIL_ADDRESS"]]),
        ),
    ];
    let ask = |(id, text, _): &(Value, &str, Value)| {
        json!({"text": text, "id": id, "more": [1]}).to_string()
    };
    let input = cases.iter().map(ask).collect::<Vec<_>>().join("\n");
    let run = breakglass(&["scan"], &input);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let expected: Vec<_> = cases
        .iter()
        .map(|(id, _, spans)| json!({"id": id, "spans": spans}))
        .collect();
    assert_eq!(answers(&run.stdout), expected);
}

#[test]
fn ids_come_back_as_they_were_written() {
    for id in ["18446744073709551616", "1e400", "0.10", r#""\u00e9""#, "-0"] {
        let run = breakglass(&["scan"], &format!("{{\"id\": {id}, \"text\": \"\"}}\n"));
        assert_eq!(run.stdout, format!("{{\"id\":{id},\"spans\":[]}}\n"));
    }
}

#[test]
fn empty_lines_and_line_ends_of_windows_are_passed_over() {
    let run = breakglass(
        &["scan"],
        "\r\n{\"id\":1,\"text\":\"x\"}\r\n \t\n\n{\"id\":2,\"text\":\"y\"}",
    );
    assert_eq!(run.status, Some(0));
    assert_eq!(
        run.stdout,
        "{\"id\":1,\"spans\":[]}\n{\"id\":2,\"spans\":[]}\n"
    );
}

#[test]
fn the_first_bad_line_ends_the_scan_and_what_was_answered_stays() {
    let good = r#"{"id": 1, "text": "jo@example.com"}"#;
    for bad in [
        "jo@secret.example",
        r#"{"id": 1}"#,
        r#"{"text": "no id"}"#,
        r#"{"id": 1, "text": 4111111111111111}"#,
        r#"{"id": 1, "text": "jo@secret.example""#,
        r#"{"id": 1, "text": "a", "text": "b"}"#,
        r#"{"id": 1, "text": "\ud83d"}"#,
        r#"{"id": 1, "text": "a"} {"id": 2, "text": "b"}"#,
        r#"["jo@secret.example", "b"]"#,
    ] {
        let run = breakglass(&["scan"], &format!("{good}\n\n{bad}\n{good}\n"));
        assert_eq!(run.status, Some(2), "{bad}");
        assert_eq!(answers(&run.stdout).len(), 1, "{bad}");
        assert!(run.stderr.contains("-:3: "), "{bad}: {}", run.stderr);
        // The text may be PII: it is not for the screen.
        assert!(
            !run.stderr.contains("secret") && !run.stderr.contains("4111"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_text_is_one_field_unless_told_otherwise() {
    // A US health provider's number with the right check digit, and nothing that says so.
    let input = r#"{"id": 1, "text": "1234567893"}"#;
    let field = breakglass(&["scan", "--entities", "US_NPI"], input);
    assert_eq!(field.stdout, "{\"id\":1,\"spans\":[[0,10,\"US_NPI\"]]}\n");
    let text = breakglass(&["scan", "--entities", "US_NPI", "--no-bare"], input);
    assert_eq!(text.stdout, "{\"id\":1,\"spans\":[]}\n");
}

#[test]
fn entities_are_chosen_by_name() {
    let input = r#"{"id": 1, "text": "jo@example.com at 203.0.113.7"}"#;
    let cases = [
        ("EMAIL_ADDRESS", json!(["EMAIL_ADDRESS"])),
        (
            "EMAIL_ADDRESS, IP_ADDRESS",
            json!(["EMAIL_ADDRESS", "IP_ADDRESS"]),
        ),
        ("all,-EMAIL_ADDRESS", json!(["IP_ADDRESS"])),
        ("*,-IP_ADDRESS", json!(["EMAIL_ADDRESS"])),
        ("-IP_ADDRESS", json!(["EMAIL_ADDRESS"])),
        ("-IP_ADDRESS,-EMAIL_ADDRESS,CREDIT_CARD", json!([])),
    ];
    for (list, expected) in cases {
        let run = breakglass(&["scan", "--entities", list], input);
        assert_eq!(run.status, Some(0), "{list}: {}", run.stderr);
        let spans = answers(&run.stdout)[0]["spans"].as_array().unwrap().clone();
        let names: Vec<_> = spans.into_iter().map(|span| span[2].clone()).collect();
        assert_eq!(json!(names), expected, "{list}");
    }
}

#[test]
fn an_unknown_entity_is_refused_with_the_nearest_one() {
    for arguments in [
        ["scan", "--entities", "EMIAL_ADDRESS"],
        ["scan", "--entities", "all,-EMIAL_ADDRESS"],
        ["scan", "--fail-on", "EMIAL_ADDRESS"],
    ] {
        let run = breakglass(&arguments, "");
        assert_eq!(run.status, Some(2), "{arguments:?}");
        assert!(
            run.stderr.contains("did you mean `EMAIL_ADDRESS`?"),
            "{}",
            run.stderr
        );
    }
    let nothing = breakglass(&["scan", "--entities", "CRYPTO,-CRYPTO"], "");
    assert_eq!(nothing.status, Some(2));
}

#[test]
fn fail_on_turns_a_hit_into_status_1() {
    let input = r#"{"id": 1, "text": "jo@example.com"}"#;
    let cases = [
        ("any", 1),
        ("EMAIL_ADDRESS", 1),
        ("IP_ADDRESS,EMAIL_ADDRESS", 1),
        ("IP_ADDRESS", 0),
    ];
    for (list, status) in cases {
        let run = breakglass(&["scan", "--fail-on", list], input);
        assert_eq!(run.status, Some(status), "{list}");
        assert_eq!(answers(&run.stdout).len(), 1, "{list}");
    }
    // What nobody looks for can never be found: a check that cannot fail is refused.
    let run = breakglass(
        &[
            "scan",
            "--entities",
            "-IP_ADDRESS",
            "--fail-on",
            "IP_ADDRESS",
        ],
        input,
    );
    assert_eq!(run.status, Some(2));
}

#[test]
fn mask_adds_the_text_with_placeholders() {
    let input = r#"{"id": 1, "text": "💥 \"jo@example.com\" → 203.0.113.7."}"#;
    let run = breakglass(&["scan", "--mask"], input);
    assert_eq!(
        answers(&run.stdout)[0]["masked"],
        r#"💥 "[EMAIL_ADDRESS]" → [IP_ADDRESS]."#
    );
}

#[test]
fn answers_come_before_the_next_question() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .arg("scan")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(questions, "{{\"id\":{id},\"text\":\"x\"}}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, format!("{{\"id\":{id},\"spans\":[]}}\n"));
    }
    drop(questions);
    assert!(child.wait().unwrap().success());
}
