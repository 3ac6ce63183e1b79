//! Trust on the built filter: who may lower exposure, who may raise it, and what no push, restart or
//! clock brings back.

mod forged;
mod interleaved;
mod leases;
mod lowering;
mod pushes;
mod raising;
mod rearming;
mod receipts;
mod rotation;
mod two_operators;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use breakglass_examples::people::{self, ENVELOPE, ORDER, Person, WARRANT};
use breakglass_host_tests::Stream;
use breakglass_policy::State;
use serde_json::{Value, json};

use crate::world::{Answer, ROLLOUT, VM_ID, World, controlled, with};

/// Who has keys. The stranger's is trusted nowhere.
pub(crate) struct Cast {
    pub(crate) engineer: Person,
    pub(crate) colleague: Person,
    pub(crate) security: Person,
    pub(crate) platform: Person,
    pub(crate) stranger: Person,
}

/// The control of [`ROLLOUT`] as the operator endpoint tells it, and what it rests on.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) control: Value,
    pub(crate) closed: Value,
    pub(crate) warrants_after: Value,
}

pub(crate) static CAST: LazyLock<Cast> = LazyLock::new(|| Cast {
    engineer: Person::new("engineer-1", "senior_engineer"),
    colleague: Person::new("engineer-2", "senior_engineer"),
    security: Person::new("security-lead-1", "security_lead"),
    platform: Person::new("platform-lead-1", "platform_lead"),
    stranger: Person::new("stranger-1", "security_lead"),
});

/// What must have signed to raise exposure.
pub(crate) const RAISE: &[&[&str]] = &[&["security_lead", "platform_lead"]];
/// The media types of payloads in MessagePack.
pub(crate) const PACKED_ORDER: &str = "application/vnd.breakglass.order+msgpack";
pub(crate) const PACKED_WARRANT: &str = "application/vnd.breakglass.warrant+msgpack";
/// The proxy's clock starts an hour after the one and an hour before the other.
pub(crate) const HOUR_AGO: &str = "2026-11-23T19:00:00Z";
pub(crate) const IN_AN_HOUR: &str = "2026-11-23T21:00:00Z";

/// A policy of one rollout with this control, that trusts everybody but the stranger.
pub(crate) fn trusting(control: Value) -> Value {
    with(controlled(control), json!({"trust": trust(1)}))
}

pub(crate) fn trust(generation: u64) -> Value {
    let people = [
        &CAST.engineer,
        &CAST.colleague,
        &CAST.security,
        &CAST.platform,
    ];
    people::trust(generation, &people, RAISE)
}

/// Generation 1 in force, and nobody on the canary.
pub(crate) fn nobody() -> Value {
    trusting(json!({"generation": 1}))
}

/// Generation 1 in force, with this share on the canary, and permitted.
pub(crate) fn approved(percent: u64) -> Value {
    trusting(json!({"generation": 1, "ramp": {"percent": percent}, "warrant": warrant(json!({}))}))
}

/// A warrant for everything that these tests may do, with these terms instead.
pub(crate) fn permission(terms: Value) -> Value {
    let warrant = json!({
        "change": "chg-2026-0117", "policy": "support", "rollout": ROLLOUT,
        "subject": {"stable": "prompt-v41", "canary": "prompt-v42", "salt": "chg-2026-0117"},
        "ramp": {"percent": 100}, "after": 0,
        "not_before": HOUR_AGO, "not_after": IN_AN_HOUR,
        "drill": {"receipt": people::digest(&json!({})), "at": HOUR_AGO},
        "author": CAST.engineer.id(),
        "approvers": [CAST.security.approver(), CAST.platform.approver()],
    });
    with(warrant, terms)
}

/// The same in its envelope, signed by both leads.
pub(crate) fn warrant(terms: Value) -> Value {
    people::sign(
        WARRANT,
        &permission(terms),
        &[&CAST.security, &CAST.platform],
    )
}

/// An order as an operator writes it at this moment.
pub(crate) fn order(world: &World, generation: u64, terms: Value) -> Value {
    let order = json!({
        "policy": "support", "rollout": ROLLOUT, "generation": generation,
        "issued_at": at(world.now()),
    });
    with(order, terms)
}

pub(crate) fn signed(order: &Value) -> Value {
    people::sign(ORDER, order, &[&CAST.engineer])
}

/// Sends an envelope to a worker and does not wait for the answer.
pub(crate) fn post(world: &World, worker: usize, envelope: &Value) -> Stream {
    send(world, worker, ENVELOPE, envelope.to_string().as_bytes())
}

pub(crate) fn send(world: &World, worker: usize, kind: &str, body: &[u8]) -> Stream {
    world.call(worker, "POST", "/v1/orders", Some(kind), Some(body))
}

/// Gives an order that the engineer signs, to worker 0, and waits for the answer.
pub(crate) fn give(world: &World, generation: u64, terms: Value) -> Answer {
    let envelope = signed(&order(world, generation, terms));
    world.wait(&post(world, 0, &envelope))
}

/// The last part of the answer's problem type; `done` for none.
pub(crate) fn outcome(answer: &Answer) -> &str {
    let kind = answer.body["type"].as_str();
    kind.map_or("done", |kind| kind.trim_start_matches("urn:breakglass:"))
}

pub(crate) fn detail(answer: &Answer) -> &str {
    answer.body["detail"].as_str().unwrap_or_default()
}

pub(crate) fn killed() -> Value {
    json!({"kill": {"mode": "rollback"}})
}

/// A time as documents write it, to the millisecond.
pub(crate) fn at(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = u64::try_from(since.expect("after it").as_millis()).expect("it fits");
    breakglass_policy::Timestamp::from_millis(millis).to_string()
}

pub(crate) fn later(world: &World, seconds: u64) -> String {
    at(world.now() + Duration::from_secs(seconds))
}

pub(crate) fn ago(world: &World, seconds: u64) -> String {
    at(world.now() - Duration::from_secs(seconds))
}

/// Shared data but for what workers and reads leave there themselves, for "as it was".
pub(crate) fn kept(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut shared = world.shared();
    shared.retain(|(key, _)| !key.ends_with("/workers") && !key.ends_with("/boot"));
    shared
}

/// The state that the workers share.
pub(crate) fn shared_state(world: &World) -> State {
    let bytes = world.shared_data().get(VM_ID, "breakglass/support/control");
    let decode = |(bytes, _): (Vec<u8>, u32)| State::decode(&bytes).expect("it is a state");
    bytes.map(decode).unwrap_or_default()
}

/// What `GET /v1/state` says of [`ROLLOUT`].
pub(crate) fn told(world: &World) -> Told {
    let state = world.read("/v1/state").body;
    let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
    let ours = rollouts.into_iter().find(|it| it["name"] == ROLLOUT);
    let ours = ours.expect("it is there");
    Told {
        control: ours["control"].clone(),
        closed: ours["closed"].clone(),
        warrants_after: ours["warrants_after"].clone(),
    }
}

/// Why a request went where it went, as the access log says it.
pub(crate) fn reason(stream: &Stream) -> String {
    let field = stream.effects().filter_state_text("wasm.breakglass");
    let field = field.unwrap_or_default();
    let reason = field.rsplit_once("reason=");
    reason.map(|(_, reason)| reason.to_owned()).unwrap_or(field)
}

/// Asserts that requests of several units go to this arm for this reason, on every worker.
#[track_caller]
pub(crate) fn assert_everybody(world: &World, arm: &str, why: &str) {
    for worker in 0..world.workers().len() {
        for unit in ["u1", "u2", "qa-1"] {
            let stream = world.get(worker, unit);
            let found = crate::world::stamped(&stream, "arm");
            assert_eq!(
                (found.as_deref(), reason(&stream).as_str()),
                (Some(arm), why),
                "worker {worker}, unit {unit}"
            );
        }
    }
}

/// Log lines at least as grave as a warning that contain this text.
pub(crate) fn said(world: &World, text: &str) -> usize {
    let lines = world.warnings();
    lines.iter().filter(|line| line.contains(text)).count()
}
