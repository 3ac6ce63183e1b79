use super::*;

fn read(signals: &str) -> Result<Judge, String> {
    let json = format!(r#"{{"alpha": 0.001, "signals": {signals}}}"#);
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

#[test]
fn every_signal_has_defaults_and_reads_back() {
    let judge = read(
        r#"[{"error_rate": {}}, {"latency": {"answer": "1m 30s"}}, {"redactions": {"entity": "*"}},
            {"redactions": {"entity": "IN_PAN"}}, {"zero_tolerance": []}, {"unscanned": {}}, {"sample_ratio": {}}]"#,
    )
    .unwrap();
    let json = serde_json::to_value(&judge).unwrap();
    for (place, expected) in [
        (
            0,
            r#"{"error_rate": {"worse_by": 2.0, "statuses": ["5xx"]}}"#,
        ),
        (1, r#"{"latency": {"answer": "1m 30s", "worse_by": 2.0}}"#),
        (
            2,
            r#"{"redactions": {"entity": "*", "two_sided": false, "worse_by": 2.0}}"#,
        ),
        (5, r#"{"unscanned": {"worse_by": 2.0}}"#),
        (
            6,
            r#"{"sample_ratio": {"heaviest_unit": 20, "requests_per_unit": 100}}"#,
        ),
    ] {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(json["signals"][place], expected);
    }
    assert_eq!(serde_json::from_value::<Judge>(json).unwrap(), judge);
    let latency = judge.latency().and_then(|latency| latency.answer);
    assert_eq!(latency.map(Millis::get), Some(90_000));
}

#[test]
fn what_is_wrong_with_a_signal_is_told_where_it_stands() {
    for (signals, expected) in [
        (
            r#"[{"error_rate": {}}, {"error_rate": {"worse_by": 3}}]"#,
            "signals[1]: the judge watches this already, expected each signal once",
        ),
        (
            r#"[{"redactions": {"entity": "*"}}, {"redactions": {"entity": "*"}}]"#,
            "signals[1]: the judge watches this already",
        ),
        (
            r#"[{"latency": {}}]"#,
            "signals[0].latency: no bound, expected `first_byte` or `answer`",
        ),
        (
            r#"[{"latency": {"answer": "fast"}}]"#,
            "signals[0].latency.answer: invalid value: string \"fast\", expected a duration of whole milliseconds",
        ),
        (
            r#"[{"error_rate": {"statuses": ["5xx", "600"]}}]"#,
            "signals[0].error_rate.statuses[1]: invalid value: string \"600\", expected a status",
        ),
        (
            r#"[{"sample_ratio": {"requests_per_unit": 0}}]"#,
            "signals[0].sample_ratio.requests_per_unit: invalid value: integer `0`",
        ),
        (
            r#"[{"errors": {}}]"#,
            "signals[0].errors: unknown variant `errors`, expected one of `error_rate`, `latency`",
        ),
    ] {
        let error = read(signals).unwrap_err();
        assert!(error.starts_with(expected), "{error}, expected {expected}");
    }
}

#[test]
fn statuses_are_numbers_or_classes() {
    let judge = read(r#"[{"error_rate": {"statuses": ["5xx", "429"]}}]"#).unwrap();
    let errors = (100..700).filter(|status| judge.is_error(*status));
    assert_eq!(
        errors.collect::<Vec<_>>(),
        std::iter::once(429).chain(500..600).collect::<Vec<_>>()
    );
    assert!(read("[]").unwrap().is_error(503));
    for text in [
        "", "xx", "0xx", "5x", "05x", "99", "1000", "5XX", "+50", "6xx", "50xx",
    ] {
        assert_eq!(Status::parse(text), None, "{text}");
    }
}
