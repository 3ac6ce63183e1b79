//! One trusted signature lowers; what is not signed, bound and fresh changes nothing and says why.

mod flawed;

use base64ct::{Base64, Base64Url, Encoding};
use breakglass_examples::people::{self, ORDER, Person};
use breakglass_host_tests::{Level, Profile, Support};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    CAST, PACKED_ORDER, ago, approved, assert_everybody, detail, give, kept, killed, later, order,
    outcome, post, send, signed, warrant,
};
use crate::world::{Answer, World, with};
use flawed::{flawed, tampered};

const RESULTS: [&str; 6] = [
    "accepted",
    "unsigned",
    "not_permitted",
    "stale",
    "malformed",
    "failed",
];

fn counts(world: &World) -> Vec<(&'static str, u64)> {
    let count = |result| {
        let name = format!("breakglass_orders_total;result={result}");
        (result, world.counter(&name))
    };
    RESULTS.into_iter().map(count).collect()
}

fn fingerprint(person: &Person) -> String {
    let key = person.public_key();
    let blob = Base64::decode_vec(key.split(' ').nth(1).expect("a key")).expect("base64");
    let digest = Base64::encode_string(&Sha256::digest(&blob));
    format!("SHA256:{}", digest.trim_end_matches('='))
}

#[test]
fn a_kill_that_is_not_signed_bound_and_fresh_changes_nothing_and_says_why() {
    let world = World::new(&approved(100));
    let before = kept(&world);
    for case in flawed(&world) {
        for worker in [0, 1] {
            let told = format!("{} on worker {worker}", case.name);
            let counted = counts(&world);
            let stream = send(&world, worker, case.kind, &case.body);
            let answer = Answer::of(&stream);
            assert_eq!(
                (
                    answer.status,
                    outcome(&answer),
                    answer.content_type.as_str()
                ),
                (case.status, case.problem, "application/problem+json"),
                "{told}: {answer:?}"
            );
            assert!(detail(&answer).contains(case.detail), "{told}: {answer:?}");
            assert_eq!(kept(&world), before, "{told}: something changed");
            for ((result, now), (_, then)) in counts(&world).into_iter().zip(counted) {
                let one = u64::from(result == case.counted);
                assert_eq!(now - then, one, "{told}: counted as {result}");
            }
        }
    }
    assert_everybody(&world, "canary", "ramp");
    assert_eq!(
        give(&world, 2, killed()).status,
        200,
        "the same without a flaw"
    );
    assert_everybody(&world, "stable", "kill");
}

#[test]
fn one_trusted_signature_kills() {
    let engineer = fingerprint(&CAST.engineer);
    for name in [
        "by an engineer",
        "by a lead",
        "by everybody",
        "by a fingerprint",
        "in MessagePack",
        "in the other alphabet",
        "beside an unknown key's",
        "beside members that nobody knows",
        "600 s old",
        "60 s ahead",
    ] {
        let world = World::new(&approved(100));
        let kill = order(&world, 2, killed());
        let good = signed(&kill);
        let by = |people: &[&Person]| people::sign(ORDER, &kill, people);
        let dated = |time: String| signed(&with(kill.clone(), json!({"issued_at": time})));
        let envelope = match name {
            "by an engineer" => good,
            "by a lead" => by(&[&CAST.platform]),
            "by everybody" => by(&[&CAST.engineer, &CAST.security, &CAST.platform]),
            "by a fingerprint" => tampered(&good, "/signatures/0/keyid", json!(engineer)),
            "in MessagePack" => {
                let packed = rmp_serde::to_vec_named(&kill).expect("it encodes");
                people::seal(PACKED_ORDER, &packed, &[&CAST.engineer])
            }
            "in the other alphabet" => {
                let payload = Base64Url::encode_string(kill.to_string().as_bytes());
                tampered(&good, "/payload", json!(payload))
            }
            "beside an unknown key's" => by(&[&CAST.stranger, &CAST.engineer]),
            "beside members that nobody knows" => with(good, json!({"x": {"y": [1, null]}})),
            "600 s old" => dated(ago(&world, 600)),
            _ => dated(later(&world, 60)),
        };
        let answer = world.wait(&post(&world, 1, &envelope));
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(world.counter("breakglass_orders_total;result=accepted"), 1);
        assert_everybody(&world, "stable", "kill");
        let mut said = world.logs().into_iter();
        let signers = |line: &str| line.contains("order of generation 2 carried out, signed by ");
        assert!(
            said.any(|line| line.level == Level::Info && signers(&line.message)),
            "{name}: who gave it is logged"
        );
    }
}

#[test]
fn a_signed_order_lowers_every_term() {
    for terms in [
        json!({"ramp": {"percent": 10}}),
        json!({"ramp": []}),
        json!({"not_after": super::IN_AN_HOUR}),
        json!({"redaction": "mask_all"}),
        json!({"kill": {"mode": "block", "in_flight": "cut"}}),
    ] {
        let world = World::new(&approved(50));
        let answer = give(&world, 2, terms.clone());
        assert_eq!(answer.status, 200, "{terms}: {answer:?}");
        let control = world.control();
        assert_eq!(control["generation"], 2);
        for (term, value) in terms.as_object().expect("an object") {
            let expected = match value {
                Value::Object(ramp) if term == "ramp" => json!([ramp]),
                other => other.clone(),
            };
            assert_eq!(&control[term], &expected, "{terms}");
        }
    }
}

/// Who has seen an order on its way can send it again, to any worker.
#[test]
fn a_captured_order_sent_again_changes_nothing() {
    let world = World::new(&approved(100));
    let kill = signed(&order(&world, 2, killed()));
    assert_eq!(world.wait(&post(&world, 0, &kill)).status, 200);
    let once = kept(&world);
    assert_eq!(world.wait(&post(&world, 1, &kill)).status, 200);
    assert_eq!(kept(&world), once, "the same order again");
    let fresh = json!({"kill": null, "warrant": warrant(json!({"after": 2}))});
    let raise = signed(&order(&world, 3, fresh));
    assert_eq!(world.wait(&post(&world, 0, &raise)).status, 200);
    assert_eq!(outcome(&Answer::of(&post(&world, 1, &kill))), "stale");
    assert_everybody(&world, "canary", "ramp");
    assert_eq!(give(&world, 4, killed()).status, 200);
    assert_eq!(outcome(&Answer::of(&post(&world, 1, &raise))), "stale");
    world.advance(std::time::Duration::from_secs(601));
    assert_eq!(outcome(&Answer::of(&post(&world, 1, &raise))), "expired");
    assert_everybody(&world, "stable", "kill");
}

#[test]
fn a_signed_kill_works_where_there_is_shared_data_and_says_so_where_there_is_none() {
    for profile in Profile::all() {
        let (name, shares) = (profile.name, profile.shared_data == Support::Works);
        let world = World::on(profile, &approved(100));
        let answer = give(&world, 2, killed());
        let (outcome, arm) = match shares {
            true => ("done", "stable"),
            false => ("no-shared-state", "canary"),
        };
        assert_eq!(super::outcome(&answer), outcome, "{name}: {answer:?}");
        assert_eq!(world.arm(1, "u1").as_deref(), Some(arm), "{name}");
    }
}
