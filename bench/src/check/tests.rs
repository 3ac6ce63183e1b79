use super::*;

fn baseline(cases: &[(&str, u64)]) -> Baseline {
    let case = |&(name, instructions): &(&str, u64)| Case::new(name, "a \"count\"", instructions);
    Baseline {
        tools: vec!["rustc 1".to_owned()],
        cases: cases.iter().map(case).collect(),
    }
}

#[test]
fn what_is_written_is_read_again_and_has_a_line_for_each_case() {
    let written = baseline(&[("one", 1), ("two", 20_000)]);
    let text = written.write();
    assert_eq!(Baseline::read(&text), Ok(written));
    assert_eq!(text.lines().filter(|line| line.contains("name")).count(), 2);
}

#[test]
fn what_cannot_be_read_says_where() {
    for (text, expected) in [
        ("{\"tools\": []}", "cases: expected a list"),
        (
            "{\"tools\": [], \"cases\": [{\"name\": \"a\", \"counts\": \"b\"}]}",
            "cases[0].instructions: expected a number",
        ),
        (
            "{\"tools\": [1], \"cases\": []}",
            "tools: expected a text, found 1",
        ),
    ] {
        assert_eq!(Baseline::read(text), Err(expected.to_owned()));
    }
}

#[test]
fn five_per_cent_more_pass_and_a_little_over_fails() {
    let before = baseline(&[("case", 1_000)]);
    for (now, passes, word) in [
        (1_050, true, "No case"),
        (1_051, false, "WORSE"),
        (950, true, "No case"),
        (949, true, "better"),
    ] {
        let comparison = before.compare(&baseline(&[("case", now)]));
        assert_eq!(comparison.passes(), passes, "{now}");
        let shown = comparison.to_string();
        assert!(shown.contains(word), "{now}: {shown}");
    }
}

#[test]
fn a_case_that_only_one_side_has_fails() {
    let (one, two) = (baseline(&[("a", 1)]), baseline(&[("a", 1), ("b", 1)]));
    for (before, now, word) in [
        (&one, &two, "NOT IN THE BASELINE"),
        (&two, &one, "NOT COUNTED ANY MORE"),
    ] {
        let comparison = before.compare(now);
        assert!(!comparison.passes());
        assert!(comparison.to_string().contains(word), "{comparison}");
    }
}

#[test]
fn other_tools_are_told() {
    let before = baseline(&[("a", 1)]);
    let mut now = before.clone();
    now.tools = vec!["rustc 2".to_owned()];
    let comparison = before.compare(&now);
    assert!(comparison.passes());
    let shown = comparison.to_string();
    assert!(
        shown.contains("rustc 1") && shown.contains("rustc 2"),
        "{shown}"
    );
}
