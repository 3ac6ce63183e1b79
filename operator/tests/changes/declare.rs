//! `declare`: what is an emergency, what is none, and what a record must say.

mod file;

use serde_json::{Value, json};
use toml::Table;

use crate::fake::nobody;
use crate::project::{AUTHOR, EXECUTIVE, PLATFORM, Project, SECURITY, SENIOR, declaration};

const FILE: [&str; 3] = ["declare", "--file", "-"];

/// The declaration, changed.
fn with(change: impl FnOnce(&mut Table)) -> String {
    let mut declaration = declaration();
    change(&mut declaration);
    declaration.to_string()
}

fn set(path: &[&str], value: impl Into<toml::Value>) -> String {
    with(|declaration| {
        let (last, above) = path.split_last().unwrap();
        let mut table = declaration;
        for name in above {
            table = table[*name].as_table_mut().unwrap();
        }
        table.insert((*last).into(), value.into());
    })
}

/// A bypass of the declaration, changed.
fn bypass(index: usize, term: &str, value: &str) -> String {
    with(|declaration| {
        let bypasses = declaration["bypass"].as_array_mut().unwrap();
        bypasses[index]
            .as_table_mut()
            .unwrap()
            .insert(term.into(), value.into());
    })
}

#[test]
fn what_every_rule_lets_through_is_a_change() {
    let project = Project::new(1);
    let run = project.run_with(AUTHOR, &FILE, &declaration().to_string());
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    let expected = "\
chg-2026-0001: declared, security
skipped      eval_gate, canary
approvers    sana (senior_engineer), ravi (security_lead)
next: breakglass drill chg-2026-0001; and breakglass message draft chg-2026-0001
";
    let year = &project.declared()[4..8].to_owned();
    assert_eq!(run.stdout, expected.replace("2026", year));
    let entries = project.entries();
    let declared: Vec<_> = entries
        .iter()
        .filter(|entry| entry["event"]["kind"] == "declared")
        .collect();
    assert_eq!(declared[0]["by"], AUTHOR);
    assert_eq!(declared[1]["change"], format!("chg-{year}-0002"));
    assert_eq!(
        declared[0]["event"]["evidence"]["seen"],
        "Ticket 4711 and the redaction counts of the gateway since 21:40."
    );
}

#[test]
fn what_is_no_emergency_is_told_what_to_do_instead() {
    let project = Project::new(1);
    for (kind, instead) in [
        ("promised_date", "tell whoever was promised the date"),
        ("somebody_wants_it", "have them put it into the plan"),
        ("inconvenience", "wait for the window"),
        ("missed_window", "take the next window"),
    ] {
        // However well the rest is written; and whatever is missing.
        for text in [set(&["category"], kind), format!("category = \"{kind}\"\n")] {
            let run = project.refused_with(AUTHOR, &FILE, &text, "emergency");
            assert!(
                run.stderr.contains(&format!("emergency: `{kind}` (")),
                "{}",
                run.stderr
            );
            assert!(run.stderr.contains(instead), "{}", run.stderr);
        }
    }
    assert_eq!(project.attempts(), ["emergency"; 8]);
    assert!(project.events("declared").is_empty());
    let json = [&FILE[..], &["--json"]].concat();
    let run = project.refused_with(
        AUTHOR,
        &json,
        "{\"category\": \"inconvenience\"}",
        "emergency",
    );
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["refused"]["denied"][0]["rule"], "emergency");
}

#[test]
fn each_rule_refuses_what_it_is_for() {
    let project = Project::new(1);
    let cases = [
        (
            "emergency",
            set(&["evidence", "exposure"], "urgent business reasons"),
            "says nothing about this case",
        ),
        (
            "emergency",
            set(&["category"], "customer_blocking"),
            "the evidence `blocked` is missing",
        ),
        (
            "harms",
            set(&["harm_of_waiting"], "it is very important"),
            "the harm of waiting says nothing",
        ),
        (
            "harms",
            set(&["harm_of_bypassing"], ""),
            "the harm of bypassing is missing",
        ),
        (
            "record",
            set(&["rollout"], "other-agent"),
            "knows no agent with the rollout `other-agent`",
        ),
        ("record", set(&["watcher"], "nobody"), "knows no `nobody`"),
        (
            "record",
            set(&["versions", "canary"], "prompt-v41"),
            "both versions are `prompt-v41`",
        ),
        (
            "record",
            set(&["versions", "canary"], "prompt-v43"),
            "has prompt-v41 → prompt-v42, declared is prompt-v41 → prompt-v43",
        ),
        (
            "bypass",
            bypass(0, "reason", "ASAP"),
            "the reason to bypass `eval_gate` says nothing",
        ),
        (
            "bypass",
            bypass(0, "compensation", "intensive_watch"),
            "`intensive_watch` does not stand in for `eval_gate`",
        ),
        ("bypass", bypass(0, "due", "30d"), "is due in 30days"),
        (
            "bypass",
            bypass(
                1,
                "reason",
                "The evaluation takes five hours, and numbers leak meanwhile.",
            ),
            "for the same words as another",
        ),
        (
            "not-alone",
            set(&["approvers"], vec!["sana", "priya"]),
            "`priya` declares it and would approve it",
        ),
        (
            "maximum-compression",
            with(|declaration| {
                declaration.insert(
                    "plan".into(),
                    toml::Value::try_from(json!([{"percent": 100, "hold": "10m"}])).unwrap(),
                );
            }),
            "where thirty minutes of canary would show",
        ),
        (
            "canary-plan",
            with(|declaration| {
                declaration["bypass"].as_array_mut().unwrap().pop();
                declaration.insert(
                    "plan".into(),
                    toml::Value::try_from(
                        json!([{"percent": 1, "hold": "5m"}, {"percent": 100, "hold": "10m"}]),
                    )
                    .unwrap(),
                );
            }),
            "are faster than the standard ones",
        ),
    ];
    for (rule, text, why) in cases {
        let run = project.refused_with(AUTHOR, &FILE, &text, rule);
        assert!(run.stderr.contains(why), "{why}:\n{}", run.stderr);
    }
    // All at once, not one after the other.
    let text = with(|declaration| {
        declaration["harm_of_waiting"] = "bad".into();
        declaration["evidence"]["seen"] = "here".into();
        declaration["versions"]["stable"] = "prompt-v40".into();
    });
    let before = project.attempts().len();
    project.refused_with(AUTHOR, &FILE, &text, "emergency");
    assert_eq!(
        project.attempts()[before..],
        ["emergency", "harms", "record"]
    );
    assert!(project.events("declared").is_empty());
}

#[test]
fn a_deadline_in_a_month_is_a_plan() {
    let project = Project::new(1);
    let due = |days: u64| {
        let time = breakglass_policy::Timestamp::from_millis(
            crate::fake::now().millis() + days * 86_400_000 + 60_000,
        );
        with(|declaration| {
            declaration["category"] = "regulatory".into();
            declaration.insert("approvers".into(), vec!["sana"].into());
            let mut evidence = Table::new();
            evidence.insert(
                "authority".into(),
                "The data protection board of the state.".into(),
            );
            evidence.insert("deadline".into(), time.to_string().into());
            evidence.insert(
                "immovable".into(),
                "The order was served this afternoon and names the hour.".into(),
            );
            declaration["evidence"] = evidence.into();
        })
    };
    let run = project.refused_with(AUTHOR, &FILE, &due(30), "emergency");
    assert!(run.stderr.contains("is 30 days away"), "{}", run.stderr);
    let run = project.run_with(AUTHOR, &FILE, &due(1));
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

#[test]
fn nobody_is_alone() {
    let project = Project::new(1);
    // The only one who may approve prompts declares it.
    let run = project.refused_with(
        SENIOR,
        &FILE,
        &set(&["approvers"], vec!["ravi"]),
        "not-alone",
    );
    assert!(
        run.stderr
            .contains("nobody but the author can approve as senior_engineer"),
        "{}",
        run.stderr
    );
}

#[test]
fn whoever_approves_is_trusted_by_the_proxies() {
    let project = Project::new(1);
    let stranger = project.public(EXECUTIVE);
    project.repolicy(|policy| {
        let keys = policy["trust"]["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["id"] != EXECUTIVE);
        keys.iter_mut().find(|key| key["id"] == SENIOR).unwrap()["key"] = stranger.into();
    });
    let run = project.refused_with(AUTHOR, &FILE, &declaration().to_string(), "not-alone");
    assert!(
        run.stderr
            .contains("does not trust the key of `sana` as senior_engineer"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_proxies_may_ask_for_more_approvers() {
    let project = Project::new(1);
    project.repolicy(|policy| {
        policy["trust"]["raise"] = json!([["platform_lead", "executive"]]);
    });
    let run = project.refused_with(AUTHOR, &FILE, &declaration().to_string(), "not-alone");
    assert!(
        run.stderr
            .contains("name approvers for platform_lead and executive"),
        "{}",
        run.stderr
    );
    let text = set(&["approvers"], vec![SENIOR, SECURITY, PLATFORM, EXECUTIVE]);
    let run = project.run_with(AUTHOR, &FILE, &text);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

#[test]
fn a_broad_change_of_the_platform_needs_its_leads() {
    let project = Project::new(1);
    let text = with(|declaration| {
        declaration["scope"] = "platform".into();
        declaration["impact"] = "broad".into();
        declaration["approvers"] = Vec::<String>::new().into();
    });
    let run = project.run_with(AUTHOR, &FILE, &text);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains(
            "approvers    meera (platform_lead), ravi (security_lead), omar (executive)\n"
        ),
        "{}",
        run.stdout
    );
}

#[test]
fn who_cannot_be_reached_is_named_and_stops_nothing() {
    let project = Project::new(1);
    let target = project.proxies[0].target();
    let gone = nobody();
    project.configure(&target, &gone);
    let run = project.run_with(AUTHOR, &FILE, &declaration().to_string());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains(&format!("breakglass: {gone}: ")),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("could not be checked"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_rollout_that_a_proxy_does_not_have_is_refused() {
    let project = Project::new(1);
    let other = |text: &str| text.replace("support-agent", "billing-agent");
    let toml = std::fs::read_to_string(project.file("breakglass.toml")).unwrap();
    project.write("breakglass.toml", &other(&toml));
    let policy = std::fs::read_to_string(project.durable()).unwrap();
    std::fs::write(project.durable(), other(&policy)).unwrap();
    let run = project.refused_with(AUTHOR, &FILE, &set(&["rollout"], "billing-agent"), "record");
    assert!(
        run.stderr
            .contains("no rollout `billing-agent` is in force there"),
        "{}",
        run.stderr
    );
}
