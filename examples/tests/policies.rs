//! The shipped policies are policies, and the examples' own arithmetic is the filter's.

use std::path::Path;

use breakglass_examples::people::{self, Person};
use breakglass_examples::share::{Percent, Salt};
use breakglass_examples::stack::repository;
use breakglass_policy::{
    Arm, Direction, Envelope, Gate, Order, Policy, Subject, Timestamp, Warrant,
};
use breakglass_redact::Profile;

#[test]
fn every_policy_but_the_broken_one_is_accepted() {
    let mut read = 0;
    for entry in std::fs::read_dir(repository().join("examples/policies")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        match (name, policy(&path)) {
            ("broken.json", Err(error)) => assert!(error.contains("percent"), "{error}"),
            ("broken.json", Ok(_)) => panic!("broken.json is accepted"),
            (name, outcome) => assert!(outcome.is_ok(), "{name}: {}", outcome.unwrap_err()),
        }
        read += 1;
    }
    assert!(read > 5, "{read} policies");
}

#[test]
fn the_orders_and_the_trust_fit_each_other() {
    let read = |name: &str| std::fs::read(repository().join("examples").join(name)).unwrap();
    let policy = policy(&repository().join("examples/policies/trust.json")).unwrap();
    let trust = policy.trust.unwrap();
    assert!(trust.can_raise());
    let people = [
        Person::new("engineer-1", "senior_engineer"),
        Person::new("security-lead-1", "security_lead"),
        Person::new("platform-lead-1", "platform_lead"),
    ];
    for (person, trusted) in people.iter().zip(&trust.keys) {
        assert_eq!(trusted.key.as_str(), person.public_key());
    }
    let [_, security, platform] = &people;
    let warrant = people::seal(
        people::WARRANT,
        &read("orders/warrant.json"),
        &[security, platform],
    );
    let envelope = Envelope::from_json(warrant.to_string().as_bytes()).unwrap();
    let warrant = Warrant::open(&envelope, &trust).unwrap();
    assert!(
        warrant
            .subject
            .check(&Subject::of(&policy.rollouts[0]))
            .is_ok()
    );
    let kill = Order::from_json(&read("orders/kill.json")).unwrap();
    assert_eq!(
        (kill.policy.as_ref(), &kill.rollout),
        (Some(&policy.name), &warrant.rollout)
    );
}

#[test]
fn every_redaction_names_entities_that_the_filter_knows() {
    let mut read = 0;
    for name in ["count", "arms", "entities", "requests"]
        .map(|name| format!("redaction-{name}.json"))
        .into_iter()
        .chain(["redaction.json".to_owned()])
    {
        let policy = policy(&repository().join("examples/policies").join(&name)).unwrap();
        let redaction = policy.rollouts[0].redaction.as_ref().unwrap();
        for arm in Arm::BOTH {
            for direction in Direction::BOTH {
                let profile = Profile::of(redaction, arm, direction);
                assert!(profile.is_ok(), "{name}: {}", profile.unwrap_err());
                read += usize::from(!profile.unwrap().is_idle());
            }
        }
    }
    assert_eq!(read, 16, "scans of five policies");
}

#[test]
fn the_filter_and_the_examples_compute_the_same_shares() {
    for percent in [1, 10, 50, 100] {
        let path = repository().join(format!("examples/policies/ramp-{percent}.json"));
        let policy = policy(&path).unwrap();
        let rollout = &policy.rollouts[0];
        let (gate, bucketing) = (Gate::new(&rollout.control), rollout.bucketing());
        let salt = Salt::new("chg-2026-0117");
        for number in 0..2000 {
            let unit = format!("user-{number:06}");
            let decided = gate.decide(&bucketing, Some(unit.as_bytes()), Timestamp::EPOCH);
            let takes = salt.takes(&unit, Percent::whole(percent));
            assert_eq!(
                decided.arm() == Some(Arm::Canary),
                takes,
                "{unit} at {percent} %"
            );
        }
    }
}

fn policy(path: &Path) -> Result<Policy, String> {
    Policy::from_json(&std::fs::read(path).unwrap()).map_err(|error| error.to_string())
}
