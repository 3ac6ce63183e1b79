//! Raises with one thing wrong.

use breakglass_examples::people::{self, ORDER, Person, WARRANT};
use serde_json::{Value, json};

use crate::trust::{CAST, nobody, permission, trusting, warrant};
use crate::world::with;

/// A raise that is not permitted.
pub(super) struct Refused {
    pub(super) name: &'static str,
    /// What is in force before.
    pub(super) policy: Value,
    /// What the order brings.
    pub(super) warrant: Value,
    /// What it asks for.
    pub(super) terms: Value,
    pub(super) problem: &'static str,
    pub(super) detail: &'static str,
}

pub(super) fn tenth() -> Value {
    json!({"ramp": {"percent": 10}})
}

pub(super) fn flawed() -> Vec<Refused> {
    let all = [ill_approved(), ill_directed(), untimely(), exceeding()];
    all.into_iter().flatten().collect()
}

fn refused(
    name: &'static str,
    warrant: Value,
    problem: &'static str,
    detail: &'static str,
) -> Refused {
    Refused {
        name,
        policy: nobody(),
        warrant,
        terms: tenth(),
        problem,
        detail,
    }
}

/// What is not given by whom it must be.
fn ill_approved() -> Vec<Refused> {
    let (security, platform) = (&CAST.security, &CAST.platform);
    let by = |people: &[&Person], approvers: Value| {
        people::sign(
            WARRANT,
            &permission(json!({"approvers": approvers})),
            people,
        )
    };
    let both = json!([security.approver(), platform.approver()]);
    let posing = json!([security.approver(), {"id": "platform-lead-1", "role": "security_lead"}]);
    let twice = json!([
        security.approver(),
        security.approver(),
        platform.approver()
    ]);
    let mut forged = warrant(json!({}));
    forged["payload"] = warrant(json!({"ramp": {"percent": 99}}))["payload"].clone();
    let order_as_warrant = people::sign(ORDER, &permission(json!({})), &[security, platform]);
    let mistyped = with(order_as_warrant.clone(), json!({"payloadType": WARRANT}));
    let unheld = json!(people::digest(&warrant(json!({"change": "chg-2026-0118"}))));
    let control = json!({"generation": 1, "ramp": {"percent": 1}, "warrant": warrant(json!({}))});
    let held = trusting(control);
    vec![
        refused(
            "no warrant",
            Value::Null,
            "warrant-missing",
            "expected the approval of security_lead and platform_lead",
        ),
        refused(
            "one approver",
            by(&[security], json!([security.approver()])),
            "approval-missing",
            "missing the approval of platform_lead",
        ),
        refused(
            "one of two has not signed",
            by(&[security], both),
            "approval-missing",
            "`platform-lead-1` as platform_lead",
        ),
        refused(
            "in another role",
            by(&[security, platform], posing),
            "approval-missing",
            "`platform-lead-1` as security_lead",
        ),
        refused(
            "of a role that may not",
            by(
                &[security, &CAST.colleague],
                json!([security.approver(), CAST.colleague.approver()]),
            ),
            "approval-missing",
            "missing the approval of platform_lead",
        ),
        refused(
            "named twice",
            warrant(json!({"approvers": twice})),
            "warrant-malformed",
            "`security-lead-1` is named twice",
        ),
        refused(
            "its own author's",
            warrant(json!({"author": "security-lead-1"})),
            "warrant-malformed",
            "`security-lead-1` is the author",
        ),
        refused(
            "of nobody that is trusted",
            by(&[&CAST.stranger], json!([CAST.stranger.approver()])),
            "warrant-unknown-key",
            "`stranger-1`",
        ),
        refused(
            "forged",
            forged,
            "warrant-bad-signature",
            "`security-lead-1`",
        ),
        refused(
            "signed as an order",
            mistyped,
            "warrant-bad-signature",
            "`security-lead-1`",
        ),
        refused(
            "an order",
            order_as_warrant,
            "warrant-malformed",
            "is not that of warrants",
        ),
        Refused {
            policy: held,
            ..refused(
                "not held",
                unheld.clone(),
                "warrant-not-held",
                "send its envelope",
            )
        },
        refused(
            "named where none is held",
            unheld,
            "warrant-not-held",
            "send its envelope",
        ),
    ]
}

/// What is given for something else.
fn ill_directed() -> Vec<Refused> {
    let mut pinned = nobody();
    pinned["rollouts"][0]["pins"] = json!({"canary": ["qa-1"]});
    vec![
        refused(
            "for another old version",
            warrant(json!({"subject": {"stable": "prompt-v40"}})),
            "warrant-other-subject",
            "given for stable `prompt-v40`, the policy in force has `prompt-v41`",
        ),
        refused(
            "for another new version",
            warrant(json!({"subject": {"canary": "prompt-v43"}})),
            "warrant-other-subject",
            "given for canary `prompt-v43`, the policy in force has `prompt-v42`",
        ),
        refused(
            "for another salt",
            warrant(json!({"subject": {"salt": "x"}})),
            "warrant-other-subject",
            "given for salt `x`, the policy in force has `chg-2026-0117`",
        ),
        Refused {
            policy: pinned,
            ..refused(
                "for nobody's pin",
                warrant(json!({})),
                "warrant-other-subject",
                "`qa-1`",
            )
        },
        refused(
            "for another policy",
            warrant(json!({"policy": "billing"})),
            "warrant-other-policy",
            "`billing`",
        ),
        refused(
            "for another rollout",
            warrant(json!({"rollout": "other"})),
            "warrant-other-rollout",
            "`other`",
        ),
    ]
}

/// What is not given for this moment.
fn untimely() -> Vec<Refused> {
    let killed = trusting(json!({"generation": 3, "kill": {"mode": "rollback"}}));
    vec![
        refused(
            "before its time",
            warrant(json!({"not_before": "2026-11-23T20:00:01Z"})),
            "warrant-not-yet",
            "before 2026-11-23T20:00:01Z",
        ),
        refused(
            "after its time",
            warrant(json!({"not_after": "2026-11-23T20:00:00Z"})),
            "warrant-expired",
            "until 2026-11-23T20:00:00Z",
        ),
        refused(
            "from the future",
            warrant(json!({"after": 4})),
            "warrant-ahead",
            "at generation 4",
        ),
        Refused {
            policy: killed.clone(),
            terms: json!({"kill": null}),
            ..refused(
                "from before the kill",
                warrant(json!({"after": 2})),
                "warrant-spent",
                "a kill or a newer warrant came after it; expected a new one with `after` at least 3",
            )
        },
        Refused {
            policy: killed,
            ..refused(
                "none after a kill",
                Value::Null,
                "warrant-missing",
                "security_lead and platform_lead",
            )
        },
    ]
}

/// What asks for more than is given.
fn exceeding() -> Vec<Refused> {
    let half = |time: &str| json!({"ramp": [{"percent": 1}, {"percent": 50, "at": time}]});
    let soon = half("2026-11-23T20:30:00Z");
    let sooner = half("2026-11-23T20:29:59.999Z");
    let masked = trusting(json!({"generation": 1, "redaction": "mask_all"}));
    vec![
        refused(
            "with a low ceiling",
            warrant(json!({"ramp": {"percent": 9.9999}})),
            "warrant-exceeded",
            "`ramp`",
        ),
        Refused {
            terms: sooner,
            ..refused(
                "a step too early",
                warrant(soon),
                "warrant-exceeded",
                "`ramp`",
            )
        },
        Refused {
            policy: masked,
            terms: json!({"redaction": null}),
            ..refused(
                "that may not unmask",
                warrant(json!({})),
                "warrant-exceeded",
                "`redaction`",
            )
        },
    ]
}
