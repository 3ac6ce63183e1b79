//! Policies, built the short way.

use serde_json::{Value, json};

pub(crate) const ROLLOUT: &str = "support-agent";
pub(crate) const SALT: &str = "chg-2026-0117";
pub(crate) const PATH: &str = "/v1/agents/support";
/// A path of the rollout where the agent says back the whole request.
pub(crate) const ECHO_PATH: &str = "/v1/agents/support/echo";

/// The versions, as the agents and the arms call them.
pub(crate) const STABLE: &str = "prompt-v41";
pub(crate) const CANARY: &str = "prompt-v42";

/// The example policies' rollout with this control.
pub(crate) fn policy(control: Value) -> Value {
    json!({
        "policy": "support",
        "rollouts": [{
            "name": ROLLOUT,
            "match": {"path_prefix": PATH},
            "unit": [{"header": "x-user-id"}],
            "salt": SALT,
            "arms": {
                "stable": {"version": STABLE, "cluster": "agent-v41", "request_headers": {"x-prompt-version": "41"}},
                "canary": {"version": CANARY, "cluster": "agent-v42", "request_headers": {"x-prompt-version": "42"}},
            },
            "control": control,
        }],
    })
}

/// The same, with other members of the rollout.
pub(crate) fn policy_with(control: Value, members: Value) -> Value {
    let mut policy = policy(control);
    let Value::Object(members) = members else {
        panic!("members are an object, not {members}");
    };
    for (name, value) in members {
        policy["rollouts"][0][name] = value;
    }
    policy
}

/// A control with this share, not killed.
pub(crate) fn ramp(generation: u64, percent: impl Into<Value>) -> Value {
    json!({"generation": generation, "ramp": {"percent": percent.into()}, "kill": null})
}

/// A control that kills, whatever it would ramp.
pub(crate) fn killed(generation: u64, mode: &str, in_flight: &str) -> Value {
    let mut control = ramp(generation, 100);
    control["kill"] = json!({"mode": mode, "in_flight": in_flight});
    control
}
