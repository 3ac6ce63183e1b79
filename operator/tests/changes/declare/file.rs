//! `declare --file`: a declaration in TOML or JSON.

use serde_json::{Value, json};
use toml::Table;

use super::{FILE, bypass, set};
use crate::project::{AUTHOR, Project, SECURITY, SENIOR, declaration};

#[test]
fn json_says_the_same_as_toml() {
    let project = Project::new(1);
    let json = serde_json::to_string(&declaration()).unwrap();
    let run = project.run_with(AUTHOR, &[&FILE[..], &["--json"]].concat(), &json);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        told["approvers"],
        json!([{"id": SENIOR, "role": "senior_engineer"}, {"id": SECURITY, "role": "security_lead"}])
    );
    let file = project.write("change.json", &json);
    project.done(AUTHOR, &["declare", "--file", &file]);
    let declared = project.events("declared");
    assert_eq!(declared[0], declared[1]);
}

#[test]
fn mistakes_in_a_file_are_told_with_their_place() {
    let project = Project::new(1);
    for (text, expected) in [
        (
            format!("titel = \"x\"\n{}", declaration()),
            "unknown field `titel`",
        ),
        (set(&["category"], "vip_customer"), "category"),
        (set(&["scope"], "world"), "unknown variant `world`"),
        (
            declaration().to_string().replace("title", "# title"),
            "missing field `title`",
        ),
        ("title = ".to_owned(), "line 1"),
        ("{\"title\": 1,}".to_owned(), "line 1 column"),
        (bypass(1, "due", "soon"), "expected a duration"),
        (
            bypass(1, "what", "everything"),
            "unknown variant `everything`",
        ),
    ] {
        let run = project.run_with(AUTHOR, &FILE, &text);
        assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
        assert!(
            run.stderr
                .starts_with("breakglass: standard input is refused: "),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    let run = project.run(AUTHOR, &["declare"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("expected --file FILE"),
        "{}",
        run.stderr
    );
    assert!(project.entries().is_empty());
}

#[test]
fn a_check_writes_nothing() {
    let project = Project::new(1);
    let check = [&FILE[..], &["--check"]].concat();
    let run = project.run_with(AUTHOR, &check, &declaration().to_string());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    for text in [
        set(&["harm_of_waiting"], "bad"),
        set(&["category"], "missed_window"),
    ] {
        let run = project.run_with(AUTHOR, &check, &text);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("refused: declare"), "{}", run.stderr);
    }
    assert!(!project.file(".breakglass").exists());
}

#[test]
fn the_template_is_a_file_that_lacks_only_what_is_to_be_filled_in() {
    let project = Project::new(1);
    let template = project.done(AUTHOR, &["declare", "--template"]);
    let run = project.run_with(
        AUTHOR,
        &FILE,
        &template
            .replace("\"\"", "\"x\"")
            .replace("approvers = []", "approvers = [\"sana\"]"),
    );
    // It can be read; what it says is nothing.
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let mut filled: Table = template.parse().unwrap();
    for (name, value) in declaration() {
        assert!(
            filled.insert(name.clone(), value).is_some(),
            "{name} is not in the template"
        );
    }
    let run = project.run_with(AUTHOR, &FILE, &filled.to_string());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}
