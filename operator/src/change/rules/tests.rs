//! Each rule with a case that it lets through and one that it does not.

mod cases;
mod scene;

use std::collections::BTreeSet;

use super::*;
use cases::CASES;
use scene::Scene;

/// A case: what is different from [`Scene::new`], and what its rule makes of it.
struct Try {
    rule: &'static str,
    what: &'static str,
    scene: fn(Scene) -> Scene,
    /// None: it passes. Else a part of why not.
    denied: Option<&'static str>,
}

#[test]
fn every_rule_lets_through_what_it_should_and_nothing_else() {
    for Try {
        rule,
        what,
        scene,
        denied,
    } in CASES
    {
        let checked = scene(Scene::new()).check(rule);
        match (checked, denied) {
            (Ok(()), None) => {}
            (Err(denial), Some(part)) => {
                assert!(denial.why.contains(part), "{rule}, {what}: {}", denial.why);
                assert!(!denial.way_out.is_empty(), "{rule}, {what}");
            }
            (checked, _) => panic!("{rule}, {what}: {checked:?}"),
        }
    }
}

#[test]
fn every_rule_is_tried_both_ways() {
    for rule in RULES {
        for passes in [true, false] {
            let mut tried = CASES.iter().filter(|case| case.rule == rule.name);
            assert!(
                tried.any(|case| case.denied.is_none() == passes),
                "no case of `{}` that {}",
                rule.name,
                if passes { "passes" } else { "is refused" }
            );
        }
    }
}

#[test]
fn names_are_used_once_and_every_rule_has_its_moment() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
    assert!(
        RULES
            .iter()
            .all(|rule| !rule.when.is_empty() && (1..=10).contains(&rule.paragraph))
    );
}

#[test]
fn all_that_is_refused_is_told_at_once_and_kept() {
    let refusal = Scene::new()
        .event("priya", serde_json::json!({"kind": "ramp_started", "engine": "e-1", "plan": [{"percent": 100, "hold": "1m"}]}))
        .event("priya", serde_json::json!({"kind": "completed"}))
        .check_all(When::Close)
        .unwrap_err();
    let denied: Vec<_> = refusal.denied.iter().map(|denied| denied.rule).collect();
    assert_eq!(
        denied,
        [
            "harm-stopped",
            "gates-run",
            "debts-paid",
            "message-sent",
            "postmortem"
        ]
    );
    let text = refusal.to_string();
    assert!(
        text.starts_with("refused: try chg-2026-0001\n  harm-stopped: "),
        "{text}"
    );
    assert_eq!(text.matches("\n    → ").count(), denied.len(), "{text}");
    let kept = refusal.drafts();
    assert_eq!(kept.len(), denied.len());
    assert!(matches!(&kept[4].event, Event::Refused { rule, .. } if rule == "postmortem"));
}

#[test]
fn words_that_fit_every_case_say_nothing() {
    for (text, expected) in [
        ("", false),
        ("urgent", false),
        (
            "We need to fix this as soon as possible, it is very important for the business.",
            false,
        ),
        ("tbd tbd tbd", false),
        ("Customers read numbers", true),
        ("Kunden lesen fremde Nummern", true),
        ("ग्राहक दूसरों के नंबर पढ़ते हैं", true),
    ] {
        assert_eq!(is_specific(text), expected, "{text}");
    }
}
