//! `breakglass scan` on plain text and on bodies.

mod run;

use std::fs;

use run::breakglass;
use serde_json::{Value, json};

const TEXT: &str = "first line\n💥 write to jo@example.com\r\nhost 203.0.113.7, jo@example.com\n";

#[test]
fn hits_have_file_line_and_column_and_no_value() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log.txt");
    fs::write(&file, TEXT).unwrap();
    let file = file.to_str().unwrap();
    let run = breakglass(&["scan", "--text", file, "-"], "jo@example.com");
    let expected = format!(
        "{file}:2:12: EMAIL_ADDRESS\n{file}:3:6: IP_ADDRESS\n{file}:3:19: EMAIL_ADDRESS\n-:1:1: EMAIL_ADDRESS\n"
    );
    assert_eq!((run.status, run.stdout), (Some(0), expected));
    let summary: Vec<_> = run.stderr.split_whitespace().collect();
    assert_eq!(
        summary.join(" "),
        "EMAIL_ADDRESS 3 IP_ADDRESS 1 in 2 inputs, 4 lines"
    );
}

#[test]
fn values_are_printed_on_demand_only_and_cannot_command_a_terminal() {
    let input = "\u{1b}[31m jo@example.com";
    for mode in [&["scan", "--text"][..], &["scan", "--text", "--json"]] {
        let run = breakglass(mode, input);
        assert!(
            !format!("{}{}", run.stdout, run.stderr).contains("jo@"),
            "{mode:?}"
        );
        let shown = breakglass(&[mode, &["--show-values"]].concat(), input);
        assert!(shown.stdout.contains("jo@example.com"), "{mode:?}");
        assert!(!shown.stdout.contains('\u{1b}'), "{mode:?}");
    }
}

#[test]
fn json_has_one_object_for_each_hit_and_a_summary() {
    let run = breakglass(
        &["scan", "--text", "--json", "--fail-on", "IP_ADDRESS"],
        TEXT,
    );
    let lines: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [
        json!({"file": "-", "line": 2, "column": 12, "end_column": 26, "entity": "EMAIL_ADDRESS"}),
        json!({"file": "-", "line": 3, "column": 6, "end_column": 17, "entity": "IP_ADDRESS"}),
        json!({"file": "-", "line": 3, "column": 19, "end_column": 33, "entity": "EMAIL_ADDRESS"}),
        json!({"summary": {"files": 1, "lines": 3, "hits": {"EMAIL_ADDRESS": 2, "IP_ADDRESS": 1}}}),
    ];
    assert_eq!((run.status, lines), (Some(1), expected.to_vec()));
}

#[test]
fn text_that_is_no_utf8_is_scanned_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("latin1.txt");
    fs::write(&file, b"gr\xfc\xdfe an jo@example.com\n").unwrap();
    let run = breakglass(&["scan", "--text", file.to_str().unwrap()], "");
    assert!(
        run.stdout.ends_with(":1:10: EMAIL_ADDRESS\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_unreadable_file_is_status_2_after_what_could_be_read() {
    let run = breakglass(
        &["scan", "--text", "-", "/nonexistent/file"],
        "jo@example.com\n",
    );
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stdout, "-:1:1: EMAIL_ADDRESS\n");
    assert!(run.stderr.contains("/nonexistent/file"), "{}", run.stderr);
}

#[test]
fn masked_text_goes_to_standard_output_and_the_summary_elsewhere() {
    for arguments in [
        &["scan", "--text", "--mask"][..],
        &["scan", "--mask", "--format", "text"],
    ] {
        let run = breakglass(arguments, TEXT);
        let expected = TEXT
            .replace("jo@example.com", "[EMAIL_ADDRESS]")
            .replace("203.0.113.7", "[IP_ADDRESS]");
        assert_eq!(
            (run.status, run.stdout),
            (Some(0), expected),
            "{arguments:?}"
        );
        assert!(run.stderr.contains("EMAIL_ADDRESS"), "{arguments:?}");
    }
}

#[test]
fn a_large_text_is_masked_as_it_streams() {
    let filler = "The quick brown fox jumps over the lazy dog. ".repeat(2_000);
    let input = format!("{filler}jo@example.com ").repeat(20);
    let run = breakglass(&["scan", "--text", "--mask", "--json"], &input);
    assert_eq!(
        run.stdout,
        input.replace("jo@example.com", "[EMAIL_ADDRESS]")
    );
    let summary: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(
        summary,
        json!({"summary": {"files": 1, "hits": {"EMAIL_ADDRESS": 20}}})
    );
}

#[test]
fn bodies_are_redacted_within_their_format() {
    let cases = [
        (
            "json",
            r#"{"id": "4111111111111111", "choices": [{"message": {"content": "mail jo@example.com"}}]}"#,
            r#"{"id": "4111111111111111", "choices": [{"message": {"content": "mail [EMAIL_ADDRESS]"}}]}"#,
        ),
        (
            "ndjson",
            "{\"text\": \"jo@example.com\"}\n{\"text\": \"x\"}\n",
            "{\"text\": \"[EMAIL_ADDRESS]\"}\n{\"text\": \"x\"}\n",
        ),
        (
            "sse",
            "data: {\"text\": \"jo@example.com \"}\n\ndata: [DONE]\n\n",
            "data: {\"text\": \"[EMAIL_ADDRESS] \"}\n\ndata: [DONE]\n\n",
        ),
    ];
    for (format, body, expected) in cases {
        let run = breakglass(&["scan", "--mask", "--format", format], body);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (Some(0), expected),
            "{format}"
        );
    }
}

#[test]
fn the_list_names_every_entity() {
    let text = breakglass(&["scan", "--list"], "");
    let json = breakglass(&["scan", "--list", "--json"], "");
    let entities = breakglass_redact::Entity::ALL;
    assert_eq!(text.stdout.lines().count(), entities.len() + 1);
    let rows: Vec<Value> = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), entities.len());
    for (entity, row) in entities.iter().zip(&rows) {
        assert_eq!(row["entity"], entity.name());
        assert_eq!(row["about"], entity.about());
        let evidence = row["evidence"].as_str().unwrap();
        let line = text
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("{} ", entity.name())));
        assert!(line.unwrap().contains(evidence), "{}", entity.name());
    }
}
