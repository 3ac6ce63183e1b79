//! Signed orders and warrants through the built module: what is refused has its own problem type and
//! changes nothing, what is forged is never accepted.

use std::time::{Duration, SystemTime};

use breakglass_examples::people::{self, Person};
use serde_json::{Value, json};

use crate::world::{Answer, ROLLOUT, Seeded, World, controlled, with};

struct Cast {
    engineer: Person,
    security: Person,
    platform: Person,
}

/// A policy that trusts the cast, with this control.
fn trusting(control: Value) -> Value {
    let cast = Cast::new();
    let people = [&cast.engineer, &cast.security, &cast.platform];
    let trust = people::trust(1, &people, &[&["security_lead", "platform_lead"]]);
    with(controlled(control), json!({"trust": trust}))
}

/// Nobody on the canary, and generation 1 in force.
fn nobody() -> Value {
    trusting(json!({"generation": 1}))
}

fn at(time: SystemTime) -> String {
    let millis = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let whole = SystemTime::UNIX_EPOCH + Duration::from_millis(millis.as_millis() as u64);
    humantime::format_rfc3339_millis(whole).to_string()
}

fn post(world: &World, envelope: &[u8]) -> Answer {
    let kind = Some(people::ENVELOPE);
    let stream = world.call(0, "POST", "/v1/orders", kind, Some(envelope));
    world.wait(&stream)
}

/// The last part of an answer's problem type; `done` for none.
fn outcome(answer: &Answer) -> String {
    let kind = answer.body["type"]
        .as_str()
        .unwrap_or("urn:breakglass:done");
    kind.trim_start_matches("urn:breakglass:").to_owned()
}

// === impl Cast ===

impl Cast {
    fn new() -> Self {
        Self {
            engineer: Person::new("engineer-1", "senior_engineer"),
            security: Person::new("security-lead-1", "security_lead"),
            platform: Person::new("platform-lead-1", "platform_lead"),
        }
    }

    fn order(&self, world: &World, terms: Value) -> Value {
        let order = json!({
            "policy": "support", "rollout": ROLLOUT, "generation": 2,
            "issued_at": at(world.proxy.now()),
        });
        with(order, terms)
    }

    /// A warrant that both leads sign, with these terms instead.
    fn warrant(&self, world: &World, terms: Value) -> Value {
        let (now, hour) = (world.proxy.now(), Duration::from_secs(3_600));
        let warrant = json!({
            "change": "chg-2026-0117", "policy": "support", "rollout": ROLLOUT,
            "subject": {"stable": "prompt-v41", "canary": "prompt-v42", "salt": "chg-2026-0117"},
            "ramp": {"percent": 100}, "after": 0,
            "not_before": at(now - hour), "not_after": at(now + hour),
            "drill": {"receipt": people::digest(&json!({})), "at": at(now - hour)},
            "author": "engineer-1",
            "approvers": [self.security.approver(), self.platform.approver()],
        });
        let signers = [&self.security, &self.platform];
        people::sign(people::WARRANT, &with(warrant, terms), &signers)
    }

    fn signed(&self, order: &Value) -> Vec<u8> {
        let envelope = people::sign(people::ORDER, order, &[&self.engineer]);
        envelope.to_string().into_bytes()
    }
}

#[test]
fn a_refused_order_says_what_is_missing_and_changes_nothing() {
    let cast = Cast::new();
    let world = World::new(&nobody());
    let now = world.proxy.now();
    let kill = json!({"kill": {"mode": "rollback"}});
    let killing = cast.order(&world, kill.clone());
    let good = cast.signed(&killing);
    let stranger = Person::new("nobody", "security_lead");
    let mut forged: Value = serde_json::from_slice(&good).unwrap();
    let other = cast.signed(&cast.order(&world, json!({"ramp": []})));
    forged["payload"] = serde_json::from_slice::<Value>(&other).unwrap()["payload"].clone();
    let mut mistyped: Value = serde_json::from_slice(&good).unwrap();
    mistyped["payloadType"] = json!(people::WARRANT);
    let order = |terms| cast.signed(&with(killing.clone(), terms));
    let ago = |seconds| at(now - Duration::from_secs(seconds));
    let mut unbound = killing.clone();
    unbound.as_object_mut().unwrap().remove("policy");
    let mut undated = killing.clone();
    undated.as_object_mut().unwrap().remove("issued_at");
    let ahead = at(now + Duration::from_secs(62));
    let raise = |warrant: Value| {
        let terms = json!({"ramp": {"percent": 10}, "warrant": warrant});
        cast.signed(&cast.order(&world, terms))
    };
    let half = json!({"approvers": [cast.security.approver()]});
    let (past, future) = (
        json!({"not_after": ago(1)}),
        json!({"not_before": ahead.clone()}),
    );
    let cases: Vec<(&str, Vec<u8>, u32, &str)> = vec![
        (
            "unknown key",
            people::sign(people::ORDER, &killing, &[&stranger])
                .to_string()
                .into(),
            401,
            "unknown-key",
        ),
        ("forged", forged.to_string().into(), 401, "bad-signature"),
        (
            "of another type",
            mistyped.to_string().into(),
            400,
            "malformed",
        ),
        (
            "truncated",
            good[..good.len() / 2].to_vec(),
            400,
            "malformed",
        ),
        (
            "oversized",
            vec![b' '; 64 * 1024 + 1],
            413,
            "order-too-large",
        ),
        (
            "not bound to a policy",
            cast.signed(&unbound),
            400,
            "unbound",
        ),
        ("not dated", cast.signed(&undated), 400, "unbound"),
        (
            "expired",
            order(json!({"issued_at": ago(601)})),
            403,
            "expired",
        ),
        (
            "from the future",
            order(json!({"issued_at": ahead})),
            403,
            "future-dated",
        ),
        (
            "of another policy",
            order(json!({"policy": "billing"})),
            403,
            "other-policy",
        ),
        (
            "of an unknown rollout",
            order(json!({"rollout": "other"})),
            404,
            "unknown-rollout",
        ),
        ("too old", order(json!({"generation": 0})), 409, "stale"),
        (
            "a raise without a warrant",
            cast.signed(&cast.order(&world, json!({"ramp": {"percent": 10}}))),
            403,
            "warrant-missing",
        ),
        (
            "a digest of nothing held",
            raise(json!(people::digest(&forged))),
            403,
            "warrant-not-held",
        ),
        (
            "one approver",
            raise(cast.warrant(&world, half)),
            403,
            "approval-missing",
        ),
        (
            "another policy's",
            raise(cast.warrant(&world, json!({"policy": "billing"}))),
            403,
            "warrant-other-policy",
        ),
        (
            "another rollout's",
            raise(cast.warrant(&world, json!({"rollout": "other"}))),
            403,
            "warrant-other-rollout",
        ),
        (
            "another version's",
            raise(cast.warrant(&world, json!({"subject": {"canary": "prompt-v43"}}))),
            403,
            "warrant-other-subject",
        ),
        (
            "another salt's",
            raise(cast.warrant(&world, json!({"subject": {"salt": "x"}}))),
            403,
            "warrant-other-subject",
        ),
        (
            "over",
            raise(cast.warrant(&world, past)),
            403,
            "warrant-expired",
        ),
        (
            "not yet",
            raise(cast.warrant(&world, future)),
            403,
            "warrant-not-yet",
        ),
        (
            "a low ceiling",
            raise(cast.warrant(&world, json!({"ramp": {"percent": 9}}))),
            403,
            "warrant-exceeded",
        ),
        (
            "its own author's",
            raise(cast.warrant(&world, json!({"author": "security-lead-1"}))),
            403,
            "warrant-malformed",
        ),
        (
            "seen too late",
            raise(cast.warrant(&world, json!({"after": 2}))),
            403,
            "warrant-ahead",
        ),
    ];
    let before = world.shared();
    let control = |shared: &[(String, Vec<u8>)]| {
        let kept = shared.iter().filter(|(key, _)| !key.ends_with("workers"));
        kept.cloned().collect::<Vec<_>>()
    };
    for (name, envelope, status, kind) in cases {
        let answer = post(&world, &envelope);
        assert_eq!(
            (answer.status, outcome(&answer).as_str()),
            (status, kind),
            "{name}: {answer:?}"
        );
        assert!(
            !answer.body["detail"].as_str().unwrap().is_empty(),
            "{name}"
        );
        assert_eq!(control(&world.shared()), control(&before), "{name}");
    }
    let unsigned =
        world.order(&json!({"rollout": ROLLOUT, "generation": 2, "kill": {"mode": "rollback"}}));
    assert_eq!(
        (unsigned.status, outcome(&unsigned).as_str()),
        (401, "unsigned")
    );
    assert_eq!(post(&world, &good).status, 200);
}

#[test]
fn a_warrant_raises_a_kill_spends_it_and_a_new_one_re_arms() {
    let cast = Cast::new();
    let world = World::new(&nobody());
    let warrant = cast.warrant(&world, json!({}));
    let order = |terms| outcome(&post(&world, &cast.signed(&cast.order(&world, terms))));
    let everybody = json!({"ramp": {"percent": 100}, "warrant": warrant});
    assert_eq!(order(everybody.clone()), "done");
    assert_eq!(world.arm(1, "u").as_deref(), Some("canary"));
    // A lease by the digest of the warrant that is held.
    let lease = json!({"generation": 3, "not_after": at(world.proxy.now() + Duration::from_secs(60)), "warrant": people::digest(&warrant)});
    assert_eq!(order(lease), "done");
    assert_eq!(
        order(json!({"generation": 4, "kill": {"mode": "rollback"}})),
        "done"
    );
    assert_eq!(world.arm(1, "u").as_deref(), Some("stable"));
    let again = with(everybody, json!({"generation": 5, "kill": null}));
    assert_eq!(order(again.clone()), "warrant-spent");
    let fresh = cast.warrant(&world, json!({"after": 4}));
    let mut again = again;
    again["warrant"] = fresh;
    assert_eq!(order(again), "done");
    assert_eq!(world.arm(1, "u").as_deref(), Some("canary"));
}

#[test]
fn a_lease_lapses_without_traffic_and_a_warrant_renews_it() {
    let cast = Cast::new();
    let world = World::new(&nobody());
    let warrant = cast.warrant(&world, json!({}));
    let end = at(world.proxy.now() + Duration::from_secs(1));
    let raise = json!({"ramp": {"percent": 100}, "not_after": end, "warrant": warrant});
    let order = |terms| outcome(&post(&world, &cast.signed(&cast.order(&world, terms))));
    assert_eq!(order(raise), "done");
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
    world.proxy.advance(Duration::from_secs(2));
    assert_eq!(
        world.read("/v1/state").body["rollouts"][0]["closed"],
        "lapse"
    );
    for worker in [0, 1] {
        assert_eq!(world.arm(worker, "u").as_deref(), Some("stable"));
    }
    let later = at(world.proxy.now() + Duration::from_secs(60));
    let renewal = json!({"generation": 3, "not_after": later});
    assert_eq!(order(renewal.clone()), "warrant-missing");
    let renewal = with(renewal, json!({"warrant": people::digest(&warrant)}));
    assert_eq!(order(renewal), "done");
    assert_eq!(world.arm(0, "u").as_deref(), Some("canary"));
}

#[test]
fn a_policy_and_a_restart_reach_no_more_than_its_warrant() {
    let cast = Cast::new();
    let plain = World::new(&nobody());
    let warrant = cast.warrant(&plain, json!({"ramp": {"percent": 50}}));
    let ramp = |percent| json!({"generation": 1, "ramp": {"percent": percent}, "warrant": warrant});
    for (percent, closed) in [(50, Value::Null), (51, json!("no_warrant"))] {
        // A proxy that has just started knows nothing but this policy.
        let world = World::new(&trusting(ramp(percent)));
        let state = world.read("/v1/state").body;
        assert_eq!(state["rollouts"][0]["closed"], closed, "{percent} %");
        let said = world
            .warnings()
            .iter()
            .any(|line| line.contains("asks for more than the warrant permits"));
        assert_eq!(said, !closed.is_null(), "{percent} %");
        let arms = (0..50).filter_map(|unit| world.arm(0, &format!("u{unit}")));
        let canary = arms.filter(|arm| arm == "canary").count();
        assert_eq!(canary > 0, closed.is_null(), "{percent} %: {canary}");
    }
}

#[test]
fn forged_and_mutated_envelopes_are_never_accepted() {
    let count: usize =
        std::env::var("BREAKGLASS_FORGED").map_or(10_000, |count| count.parse().unwrap());
    let cast = Cast::new();
    let world = World::new(&nobody());
    let good = cast.signed(&cast.order(&world, json!({"kill": {"mode": "block"}})));
    let raise = json!({"ramp": {"percent": 100}, "warrant": cast.warrant(&world, json!({}))});
    let raise = cast.signed(&cast.order(&world, raise));
    let mut seeded = Seeded(0x5167_ED5E_ED00_0001);
    let bytes = |world: &World| {
        let vms = world.worker(0).vms().into_iter();
        vms.map(|vm| vm.memory_bytes).max().unwrap_or_default()
    };
    let mut memory = 0;
    for number in 0..count {
        let original = if seeded.one_in(2) { &good } else { &raise };
        let mut envelope = original.clone();
        match seeded.below(4) {
            0 => envelope.truncate(seeded.below(original.len())),
            1 => {
                let (from, length) = (seeded.below(original.len()), seeded.below(40));
                let bytes = seeded.bytes(length);
                let end = (from + length).min(envelope.len());
                envelope.splice(from..end, bytes);
            }
            _ => {
                let place = seeded.below(original.len());
                envelope[place] ^= 1 << seeded.below(8);
            }
        }
        if envelope == *original {
            continue;
        }
        let stream = world.call(
            0,
            "POST",
            "/v1/orders",
            Some(people::ENVELOPE),
            Some(&envelope),
        );
        assert!(stream.is_over(), "accepted: {}", envelope.escape_ascii());
        let answer = Answer::of(&stream);
        assert!((400..500).contains(&answer.status), "{answer:?}");
        if number == count / 10 {
            memory = bytes(&world);
        }
    }
    assert!(bytes(&world) <= memory, "memory grows");
    assert_eq!(world.control()["generation"], 1);
}
