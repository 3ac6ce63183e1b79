//! A policy whose redaction nobody can carry out is refused whole, with the place and the likely meaning.

use breakglass_host_tests::{Error, Level};
use serde_json::{Value, json};

use crate::{
    redaction::{MAIL, MASKED, TEXT, answer, masking, redacting},
    world::World,
};

/// Redactions, and what the log says of each.
fn wrong() -> Vec<(Value, [&'static str; 2])> {
    let many: serde_json::Map<_, _> = (0..33)
        .map(|n| (format!("OWN_{n}"), json!({"literals": ["abcd"]})))
        .collect();
    vec![
        (
            json!({"response": {"EMIAL_ADDRESS": "mask"}}),
            [
                "rollouts[0].redaction.response.EMIAL_ADDRESS",
                "did you mean `EMAIL_ADDRESS`",
            ],
        ),
        (
            json!({"request": {"CREDITCARD": "block"}}),
            [
                "rollouts[0].redaction.request.CREDITCARD",
                "did you mean `CREDIT_CARD`",
            ],
        ),
        (
            json!({"arms": {"canary": {"request": {"IN_ADHAAR": "count"}}}}),
            [
                "rollouts[0].redaction.arms.canary.request.IN_ADHAAR",
                "did you mean `IN_AADHAAR`",
            ],
        ),
        (
            json!({"response": {"PASSWORDS_AND_SUCH": "mask"}}),
            [
                "rollouts[0].redaction.response.PASSWORDS_AND_SUCH",
                "unknown entity",
            ],
        ),
        (
            json!({"response": {"email_address": "mask"}}),
            ["rollouts[0].redaction.response", "capitals"],
        ),
        (
            json!({"response": {"EMAIL_ADDRESS": "hide"}}),
            ["rollouts[0].redaction.response.EMAIL_ADDRESS", "hide"],
        ),
        (
            json!({"responses": {}}),
            ["rollouts[0].redaction", "responses"],
        ),
        (
            json!({"unscannable": {"gzip": "pass"}}),
            ["rollouts[0].redaction.unscannable", "gzip"],
        ),
        (
            json!({"unscannable": {"binary": "mask"}}),
            ["rollouts[0].redaction.unscannable.binary", "mask"],
        ),
        (
            json!({"private_ips": true}),
            ["rollouts[0].redaction.private_ips", "ignore"],
        ),
        (
            json!({"entities": {"OWN": {"literals": ["abc"]}}}),
            ["rollouts[0].redaction.entities.OWN.literals[0]", "4 to 64"],
        ),
        (
            json!({"entities": {"OWN": {}}}),
            ["rollouts[0].redaction.entities.OWN", "expected 1 to"],
        ),
        (
            json!({"entities": {"SECRET": {"literals": ["abcd"]}}, "response": {"*": "mask"}}),
            ["rollouts[0].redaction.entities.SECRET", "already"],
        ),
        (
            json!({"entities": many}),
            ["rollouts[0].redaction.entities", "32"],
        ),
    ]
}

#[test]
fn a_wrong_redaction_is_refused_and_the_old_one_stays() {
    let world = World::new(&masking());
    // The answers in between are counted.
    let uncounted = || {
        let mut shared = world.shared();
        shared.retain(|(key, _)| !key.contains("/tally/"));
        shared
    };
    let before = uncounted();
    for (n, (redaction, expected)) in wrong().into_iter().enumerate() {
        drop(world.take_logs());
        let mut broken = redacting(redaction.clone());
        broken["rollouts"][0]["control"]["generation"] = json!(9);
        assert!(
            matches!(world.push(&broken), Err(Error::Refused { .. })),
            "{redaction} is taken"
        );
        let logs = world.take_logs();
        let told: Vec<_> = logs
            .iter()
            .filter(|line| line.level == Level::Error)
            .collect();
        assert_eq!(told.len(), 1, "{redaction}: {logs:?}");
        for expected in expected {
            assert!(
                told[0].message.contains(expected),
                "{redaction}: {}",
                told[0].message
            );
        }
        let rejected = world.counter("breakglass_config_rejected_total");
        assert_eq!(rejected, n as u64 + 1, "{redaction}");
        world.tick();
        assert_eq!(uncounted(), before, "{redaction}");
        assert_eq!(
            answer(&world, TEXT, &[MAIL]).client.text(),
            MASKED,
            "{redaction}"
        );
    }
}
