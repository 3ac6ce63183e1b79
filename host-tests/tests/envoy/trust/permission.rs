//! What a policy may put in force by itself: a restart has no state, so all rests on the warrant.

use std::collections::BTreeMap;
use std::time::SystemTime;

use breakglass_examples::load::Plan;
use breakglass_examples::load::users;
use breakglass_examples::people::Person;
use breakglass_examples::share::{Percent, Salt};
use serde_json::{Value, json};

use super::{HOUR, People, at, gauges, permitted, rollout};
use crate::edge::Edge;
use crate::policy::{CANARY, SALT, STABLE, ramp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_a_policy_reaches_the_share_that_its_warrant_permits_or_nobody() {
    let people = People::new();
    let good = |after| people.warrant(after, json!({"ramp": {"percent": SHARE}}));
    let mut edge = Edge::start(people.policy(permitted(1, SHARE, &good(0)))).await;
    assert_share(&edge, SHARE, 1).await;
    for (number, (name, control, said)) in refused(&people).into_iter().enumerate() {
        let generation = 10 * (number as u64 + 1);
        let mut control = control;
        control["generation"] = generation.into();
        edge.offer(&people.policy(control)).await;
        let read = edge.log().len();
        edge.restart().await.unwrap();
        edge.wait_for(generation).await;
        let rollout = rollout(&edge).await;
        assert_eq!(rollout["closed"], "no_warrant", "{name}: {rollout}");
        assert_eq!(rollout["percent"], 0, "{name}: {rollout}");
        assert_share(&edge, 0, generation).await;
        let gauges = gauges(&edge).await;
        assert_eq!(
            gauges,
            [Some(generation as f64), Some(0.0), Some(0.0)],
            "{name}"
        );
        let log = edge.log()[read..].to_owned();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(CLOSED)).collect();
        assert_eq!(lines.len(), 1, "{name}: said once: {lines:?}");
        assert!(
            lines[0].contains(said) && lines[0].contains("[error]"),
            "{name}: `{said}` is not said: {}",
            lines[0]
        );

        // The same share with a warrant, in a state that the restart made anew and that is closed.
        let generation = generation + 1;
        edge.push(&people.policy(permitted(generation, SHARE, &good(generation - 1))))
            .await;
        assert_share(&edge, SHARE, generation).await;
        edge.restart().await.unwrap();
        edge.wait_for(generation).await;
        assert_share(&edge, SHARE, generation).await;
    }
    edge.finish().await;
}

/// Controls that ask for more than is permitted, and what Envoy's log says.
fn refused(people: &People) -> Vec<(&'static str, Value, &'static str)> {
    let permitted = |warrant| permitted(0, SHARE, &warrant);
    let yesterday = json!({
        "not_before": at(SystemTime::now() - 25 * HOUR),
        "not_after": at(SystemTime::now() - HOUR),
    });
    let tomorrow = json!({
        "not_before": at(SystemTime::now() + HOUR),
        "not_after": at(SystemTime::now() + 25 * HOUR),
    });
    let stranger = Person::new("stranger", "security_lead");
    vec![
        (
            "no warrant",
            ramp(0, SHARE),
            "raising exposure needs a warrant",
        ),
        (
            "an expired warrant",
            permitted(people.warrant(0, yesterday)),
            "the warrant could be used until",
        ),
        (
            "a warrant for later",
            permitted(people.warrant(0, tomorrow)),
            "the warrant cannot be used before",
        ),
        (
            "a ramp above the ceiling",
            permitted(people.warrant(0, json!({"ramp": {"percent": SHARE - 1}}))),
            "`ramp` asks for more than the warrant permits",
        ),
        (
            "half of the approvals",
            permitted(people.warrant_by(&[&people.security], 0, json!({}))),
            "missing the approval of platform_lead",
        ),
        (
            "the approval of a stranger",
            permitted(people.warrant_by(&[&stranger, &people.platform], 0, json!({}))),
            "names the approver `stranger`",
        ),
        (
            "a warrant for another version",
            permitted(people.warrant(
                0,
                json!({"subject": {"stable": STABLE, "canary": "prompt-v43", "salt": SALT}}),
            )),
            "was given for canary `prompt-v43`",
        ),
    ]
}

/// Fails unless everybody gets the version that this share of the units gives them.
async fn assert_share(edge: &Edge, percent: u64, generation: u64) {
    let (salt, share) = (Salt::new(SALT), Percent::whole(percent as u32));
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for record in Plan::new(edge.traffic(), users(100)).run().await {
        let version = if salt.takes(&record.unit, share) {
            CANARY
        } else {
            STABLE
        };
        let found = (record.version.as_deref(), record.generation());
        assert_eq!(found, (Some(version), Some(generation)), "{record:?}");
        *versions.entry(version.to_owned()).or_default() += 1;
    }
    assert_eq!(
        versions.len(),
        if percent == 0 { 1 } else { 2 },
        "{versions:?}"
    );
}

const SHARE: u64 = 50;

/// What the filter says of a rollout that is closed.
const CLOSED: &str = "the policy's control may not be in force, everyone is on stable";
