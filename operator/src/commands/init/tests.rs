use serde_json::json;

use super::*;
use crate::change::record::{Category, Impact, Scope};

fn plan() -> Plan {
    let person = |id: &str, role: &str, byte: u8| {
        let key = ed25519_dalek::SigningKey::from_bytes(&[byte; 32]).verifying_key();
        let key = ssh_key::public::Ed25519PublicKey(key.to_bytes());
        let key = ssh_key::PublicKey::from(ssh_key::public::KeyData::Ed25519(key));
        let line = key.to_openssh().unwrap();
        PersonArgument::parse(&format!("{id}::{role}:{line}")).unwrap()
    };
    Plan {
        targets: vec!["127.0.0.1:10001".into()],
        timeout: Span::seconds(2),
        durable: Vec::new(),
        ca: None,
        cert: None,
        cert_key: None,
        rollouts: vec![Name::new("agent").unwrap(), Name::new("other").unwrap()],
        team: Name::new("support").unwrap(),
        area: Name::new("support").unwrap(),
        people: vec![
            person("asha", "engineer", 1),
            person("ravi", "security_lead", 2),
            person("meera", "platform_lead", 3),
        ],
        approvals: Vec::new(),
        time_zone: "Asia/Kolkata".into(),
        windows: Vec::new(),
    }
}

/// The file with every term in force that is only shown.
fn all_in_force(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(term) if !term.starts_with(' ') => term,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_written_is_read_as_it_was_meant() {
    let config = Config::from_toml(&plan().to_toml()).unwrap();
    assert_eq!(config.rollouts(), "agent, other");
    assert_eq!(config.ids(), "asha, ravi, meera");
    assert_eq!(config.windows.change.len(), 1);
    assert!(config.windows.freezes.is_empty() && config.notify.is_empty());
    let (_, before) = config.canary.compressed.steps().split_last().unwrap();
    let until_all: u64 = before.iter().map(|step| step.hold.millis()).sum();
    assert_eq!(until_all, 30 * 60 * 1000, "thirty minutes");
    assert!(
        config.gates[0].command.is_empty(),
        "run by hand until somebody names a program"
    );
}

#[test]
fn every_term_that_is_only_shown_would_be_taken() {
    let text = all_in_force(&plan().to_toml());
    let config = Config::from_toml(&text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    assert_eq!(config.proxies.durable.len(), 1);
    assert!(config.proxies.ca.is_some() && config.proxies.cert_key.is_some());
    assert!(config.people[0].key_file.is_some());
    assert_eq!(config.windows.freezes.len(), 1);
    assert!(config.ramp.judge.is_some());
    assert!(!config.gates[0].command.is_empty());
    assert_eq!((config.approvals.len(), config.notify.len()), (1, 1));
}

#[test]
fn approvals_are_asked_for_that_the_proxies_take() {
    let mut plan = plan();
    let role = |text: &str| Name::new(text).unwrap();
    let raise = [vec![role("security_lead"), role("platform_lead")]];
    plan.approvals = matrix::fitting(&plan.people, &raise);
    let config = Config::from_toml(&plan.to_toml()).unwrap();
    let roles = config.roles(Category::Regulatory, Scope::Platform, Impact::Limited);
    assert_eq!(roles, [role("platform_lead"), role("security_lead")]);
    // Nobody is a senior engineer here: a rule would name a role that nobody has.
    let roles = config.roles(Category::Regulatory, Scope::Prompt, Impact::Limited);
    assert_eq!(roles, [role("senior_engineer")]);
    assert!(matrix::fitting(&plan.people, &[]).is_empty());
}

#[test]
fn people_are_told_apart_by_their_colons() {
    let line = plan().people[0].key.clone();
    let line = json!(line);
    let line = line.as_str().unwrap();
    let with_areas = PersonArgument::parse(&format!("a:A B:senior_engineer:x, y:{line}"));
    assert!(with_areas.is_err(), "a list of areas has no blank");
    let person = PersonArgument::parse(&format!("a:A B:senior_engineer:x,y:{line} a:b@c")).unwrap();
    assert_eq!((person.areas.len(), person.name.as_str()), (2, "A B"));
    let person = PersonArgument::parse(&format!("a::engineer:{line} a:b@c")).unwrap();
    assert_eq!((person.areas.len(), person.name.as_str()), (0, "a"));
}
