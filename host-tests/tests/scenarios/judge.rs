//! The judge on the built filter: what makes it roll back and what does not, over workers, reloads and
//! hosts, and what it says of it.

mod lives;
mod signals;

use breakglass_host_tests::{Last, More};
use serde_json::{Value, json};

use crate::tallies::watching;
use crate::world::{ROLLOUT, World, of_unit};

/// What one answer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Good,
    ServerError,
    /// Its stream ends with an error event.
    ErrorEvent,
    /// It breaks off.
    BrokenOff,
    /// Its first byte comes after a second.
    LateFirstByte,
    /// It goes on for half a minute.
    Long,
    /// It has one e-mail address in it.
    Mail,
    /// It has two.
    Mails,
    /// It has a number of a social insurance in it.
    Ssn,
    Compressed,
}

pub(crate) const EVENTS: &str = "text/event-stream";
/// Never to be read in a log.
pub(crate) const MAIL: &str = "jane@example.com";
pub(crate) const SSN: &str = "078-05-1120";

/// One answer of worker `worker` to a unit. Where it takes time, the others wait as well.
pub(crate) fn answer(world: &World, worker: usize, unit: &str, kind: Kind) {
    let wait = |millis| world.advance(std::time::Duration::from_millis(millis));
    let mut stream = world.send(worker, of_unit(unit), Last);
    let status = match kind {
        Kind::ServerError => "500",
        _ => "200",
    };
    let encoding = match kind {
        Kind::Compressed => "gzip",
        _ => "identity",
    };
    let head = [
        (":status", status),
        ("content-type", EVENTS),
        ("content-encoding", encoding),
    ];
    stream.response(head, More);
    let text = match kind {
        Kind::Mail => format!("Write to {MAIL}."),
        Kind::Mails => format!("Write to {MAIL}, or to {MAIL}."),
        Kind::Ssn => format!("The SSN {SSN}."),
        _ => "Hello.".to_owned(),
    };
    if kind == Kind::LateFirstByte {
        wait(1_000);
    }
    stream.response_body(format!("data: {{\"text\": \"{text}\"}}\n\n"), More);
    match kind {
        Kind::Long => wait(30_000),
        Kind::BrokenOff => return stream.upstream_reset(),
        Kind::ErrorEvent => {
            stream.response_body("data: {\"error\": {\"message\": \"no\"}}\n\n", More);
        }
        _ => {}
    }
    stream.response_body("data: [DONE]\n\n", Last);
}

/// What `GET /v1/state` tells of the rollout.
pub(crate) fn told(world: &World) -> Value {
    let state = world.read("/v1/state").body;
    let rollouts = state["rollouts"].as_array().cloned().unwrap_or_default();
    let ours = rollouts.into_iter().find(|it| it["name"] == ROLLOUT);
    ours.unwrap_or_default()
}

/// The word for the signal that tripped.
pub(crate) fn tripped(world: &World) -> Option<String> {
    let trip = told(world)["judge"]["trip"].clone();
    Some(trip["verdict"]["signal"].as_str()?.to_owned())
}

/// Rollbacks counted, whatever signal they were for.
pub(crate) fn trips(world: &World) -> u64 {
    let names = world.metric_names().into_iter();
    let ours = names.filter(|(_, name)| name.starts_with("breakglass_judge_trips_total"));
    ours.map(|(_, name)| world.counter(&name)).sum()
}

/// Lines in which a worker says that the judge rolled back.
pub(crate) fn lines(world: &World) -> Vec<String> {
    let lines = world.logs().into_iter().map(|line| line.message);
    lines
        .filter(|line| line.contains("the judge sends everyone to stable"))
        .collect()
}

/// Rounds of one answer of each arm, on every worker in turn, until the canary is gone; tells how many
/// it took. `canary` and `stable` are asked what the answers of the round are like.
pub(crate) fn rounds(
    world: &World,
    most: usize,
    mut stable: impl FnMut(usize) -> Kind,
    mut canary: impl FnMut(usize) -> Kind,
) -> Option<usize> {
    let workers = world.workers().len();
    for n in 0..most {
        answer(world, n % workers, "vip", stable(n));
        answer(world, n % workers, "u", canary(n));
        world.tick();
        if world.arm(0, "u").as_deref() != Some("canary") {
            return Some(n + 1);
        }
    }
    None
}

/// A policy that watches errors.
pub(crate) fn watching_errors() -> Value {
    watching(json!([{"error_rate": {}}]), json!({}))
}

/// The same, with another generation and with this in its rollout.
pub(crate) fn pushed(generation: u64, more: Value) -> Value {
    let mut policy = watching_errors();
    let rollout = crate::world::with(policy["rollouts"][0].take(), more);
    policy["rollouts"][0] = rollout;
    policy["rollouts"][0]["control"]["generation"] = json!(generation);
    policy
}
