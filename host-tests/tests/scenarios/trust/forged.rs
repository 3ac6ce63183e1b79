//! What is forged or mutated is never accepted, traps nothing and grows nothing.

mod forger;

use std::collections::BTreeMap;

use super::{approved, detail, kept, killed, order, outcome, post, send, signed};
use crate::world::{Answer, World};
use forger::{Forger, TRICKS, twice};

const ROUNDS: usize = 10;

/// As many as a run that nobody waits for can afford; a million takes minutes.
fn count() -> usize {
    let count = std::env::var("BREAKGLASS_FORGED");
    count.map_or(20_000, |count| count.parse().expect("a number"))
}

/// Sends so many to one worker; tells how often each trick met each problem.
fn attack(
    world: &World,
    worker: usize,
    forger: &mut Forger,
    count: usize,
) -> BTreeMap<String, usize> {
    let mut met = BTreeMap::new();
    for _ in 0..count {
        let (trick, (kind, body)) = forger.next();
        let stream = send(world, worker, kind, &body);
        assert!(
            stream.is_over(),
            "accepted, {trick}: {}",
            body.escape_ascii()
        );
        let answer = Answer::of(&stream);
        let told = [400, 401, 403, 413].contains(&answer.status) && !detail(&answer).is_empty();
        assert!(told, "{answer:?}, {trick}: {}", body.escape_ascii());
        *met.entry(format!("{trick}: {}", outcome(&answer)))
            .or_default() += 1;
    }
    met
}

fn memory(world: &World) -> Vec<usize> {
    let workers = world.workers();
    workers
        .iter()
        .map(|worker| worker.vms()[0].memory_bytes)
        .collect()
}

#[test]
fn nothing_forged_is_accepted_traps_or_grows_anything() {
    let world = World::new(&approved(50));
    let before = kept(&world);
    let mut forgers = [1, 2].map(|seed| Forger::new(&world, 0x5167_ed00 + seed));
    let mut warm = Vec::new();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        std::thread::scope(|scope| {
            let attacks = forgers.iter_mut().enumerate().map(|(worker, forger)| {
                let world = &world;
                let count = count() / ROUNDS / 2;
                scope.spawn(move || attack(world, worker, forger, count))
            });
            for attack in attacks.collect::<Vec<_>>() {
                for (what, times) in attack.join().expect("nothing was accepted") {
                    *met.entry(what).or_default() += times;
                }
            }
        });
        if round == 0 {
            warm = memory(&world);
        }
    }
    println!("{met:#?}");
    println!(
        "linear memory: {warm:?} bytes after a tenth, {:?} at the end",
        memory(&world)
    );
    assert_eq!(memory(&world), warm, "linear memory after the first tenth");
    assert_eq!(kept(&world), before, "something changed");
    let accepted = world.counter("breakglass_orders_total;result=accepted");
    assert_eq!(accepted, 0);
    for (trick, _) in TRICKS {
        assert!(
            met.keys().any(|what| what.starts_with(trick)),
            "never tried: {trick}"
        );
    }
    // What it was made from is obeyed, so none of it was refused for another reason.
    let raise = forgers[0].raise();
    assert_eq!(world.wait(&post(&world, 0, &raise)).status, 200);
    let kill = signed(&order(&world, 3, killed()));
    assert_eq!(world.wait(&post(&world, 1, &kill)).status, 200);
}

/// Readers differ in which of the two they take: who checks the envelope must not see another order than
/// the proxy does.
#[test]
fn an_envelope_that_has_a_member_twice_is_refused() {
    let world = World::new(&approved(50));
    let good = signed(&order(&world, 2, killed()));
    let other = signed(&order(&world, 2, serde_json::json!({"ramp": []})));
    for member in ["payload", "payloadType", "signatures"] {
        let mut last = other.clone();
        last["signatures"] = good["signatures"].clone();
        last["payload"] = good["payload"].clone();
        last[member] = other[member].clone();
        let body = twice(&last, member, &good[member]);
        let stream = send(&world, 0, breakglass_examples::people::ENVELOPE, &body);
        assert!(stream.is_over(), "accepted: {}", body.escape_ascii());
        assert_eq!(outcome(&Answer::of(&stream)), "malformed", "{member}");
    }
    let signature = twice(
        &good["signatures"][0],
        "keyid",
        &good["signatures"][0]["keyid"],
    );
    let signature = String::from_utf8(signature).expect("it is text");
    let body = good
        .to_string()
        .replace(&good["signatures"][0].to_string(), &signature);
    let stream = send(
        &world,
        0,
        breakglass_examples::people::ENVELOPE,
        body.as_bytes(),
    );
    assert!(stream.is_over(), "accepted: {body}");
}
