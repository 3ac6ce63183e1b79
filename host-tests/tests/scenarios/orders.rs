//! Orders: which are carried out, which are refused, and what each answer says.

use serde_json::{Value, json};

use crate::world::{Answer, MSGPACK_ORDER, ROLLOUT, World, all_canary, controlled, kill, with};

fn base() -> Value {
    json!({"generation": 5, "ramp": {"percent": 50}, "not_after": "2026-11-23T21:00:00Z"})
}

fn order(generation: u64, fields: Value) -> Value {
    with(
        json!({"rollout": ROLLOUT, "generation": generation}),
        fields,
    )
}

#[test]
fn an_order_of_a_higher_generation_may_only_lower() {
    let cases = [
        (json!({"ramp": {"percent": 10}}), 200, ""),
        (json!({"ramp": {"percent": 50}}), 200, ""),
        (json!({"ramp": []}), 200, ""),
        (json!({"ramp": {"percent": 50.0001}}), 403, "ramp"),
        (
            json!({"ramp": [{"percent": 1}, {"percent": 51, "at": "2027-01-01T00:00:00Z"}]}),
            403,
            "ramp",
        ),
        (json!({"not_after": "2026-11-23T20:59:59Z"}), 200, ""),
        (
            json!({"not_after": "2026-11-23T21:00:00.001Z"}),
            403,
            "not_after",
        ),
        (json!({"not_after": null}), 403, "not_after"),
        (json!({"kill": {"mode": "rollback"}}), 200, ""),
        (
            json!({"kill": {"mode": "block", "in_flight": "cut"}, "ramp": {"percent": 100}}),
            403,
            "ramp",
        ),
        (json!({"kill": null}), 200, ""),
    ];
    for (fields, status, term) in cases {
        let world = World::new(&controlled(base()));
        let answer = world.order(&order(6, fields.clone()));
        assert_eq!(answer.status, status, "{fields}: {answer:?}");
        let generation = if status == 200 { 6 } else { 5 };
        assert_eq!(world.control()["generation"], generation, "{fields}");
        assert_eq!(
            answer.body["control"]["generation"], generation,
            "{fields}: the control in force is told"
        );
        if status == 403 {
            assert_eq!(answer.body["type"], "urn:breakglass:not-permitted");
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            assert!(
                detail.starts_with(&format!("`{term}` ")),
                "{fields}: {detail}"
            );
            let refused = world.counter("breakglass_orders_total;result=not_permitted");
            assert_eq!(refused, 1);
        }
    }
}

#[test]
fn nothing_but_a_push_turns_a_kill_off() {
    let killed = with(
        base(),
        json!({"kill": {"mode": "block", "in_flight": "cut"}}),
    );
    let world = World::new(&controlled(killed));
    for fields in [
        json!({"kill": null}),
        json!({"kill": {"mode": "rollback", "in_flight": "cut"}}),
        json!({"kill": {"mode": "block", "in_flight": "drain"}}),
        json!({"kill": {"mode": "block"}, "ramp": []}),
    ] {
        for (generation, status) in [(4, 409), (5, 409), (6, 403)] {
            let answer = world.order(&order(generation, fields.clone()));
            assert_eq!(answer.status, status, "{generation} {fields}: {answer:?}");
        }
    }
    assert_eq!(
        world.control()["kill"],
        json!({"mode": "block", "in_flight": "cut"})
    );
    assert_eq!(world.arm(0, "u"), None);
}

#[test]
fn an_order_of_the_generation_in_force_is_repeated_made_stricter_or_stale() {
    let world = World::new(&controlled(base()));
    let steps = [
        (order(6, json!({"kill": {"mode": "rollback"}})), 200, 6),
        (order(6, json!({"kill": {"mode": "rollback"}})), 200, 6),
        (
            order(6, json!({"kill": {"mode": "rollback", "in_flight": "cut"}})),
            200,
            6,
        ),
        (order(6, json!({"kill": {"mode": "rollback"}})), 409, 6),
        (order(6, json!({"kill": null})), 409, 6),
        (order(6, json!({"ramp": {"percent": 60}})), 409, 6),
        (
            order(6, json!({"kill": {"mode": "block", "in_flight": "cut"}})),
            200,
            6,
        ),
        (
            order(5, json!({"kill": {"mode": "block", "in_flight": "cut"}})),
            409,
            6,
        ),
        (order(0, json!({"ramp": []})), 409, 6),
        // Nobody uses the generations up: at most 2^20 at once.
        (order(1_048_583, json!({"ramp": []})), 400, 6),
        (order(1_048_582, json!({"ramp": []})), 200, 1_048_582),
        (order(1_048_582, json!({"ramp": []})), 200, 1_048_582),
    ];
    for (order, status, generation) in steps {
        let before = world.control();
        let answer = world.order(&order);
        assert_eq!(answer.status, status, "{order}: {answer:?}");
        assert_eq!(world.control()["generation"], generation, "{order}");
        if status == 409 {
            assert_eq!(answer.body["type"], "urn:breakglass:stale", "{order}");
            assert_eq!(
                answer.body["control"], before,
                "{order}: the current control is returned"
            );
            assert_eq!(world.control(), before, "{order}");
        }
    }
}

#[test]
fn repeating_an_order_changes_nothing_and_is_answered_the_same() {
    let world = World::new(&all_canary());
    let first = world.order(&kill(2, "rollback", "cut"));
    let shared = world.shared();
    let state = |it: &[(String, Vec<u8>)]| {
        it.iter()
            .filter(|(key, _)| !key.ends_with("workers"))
            .cloned()
            .collect::<Vec<_>>()
    };
    let again = world.order(&kill(2, "rollback", "cut"));
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body["control"], again.body["control"]);
    assert_eq!(
        first.body["workers"]["receipts"], again.body["workers"]["receipts"],
        "in force since then"
    );
    assert_eq!(
        state(&world.shared()),
        state(&shared),
        "not a byte, not an epoch"
    );
    assert_eq!(world.counter("breakglass_orders_total;result=accepted"), 2);
}

#[test]
fn malformed_orders_say_where() {
    let world = World::new(&all_canary());
    let cases = [
        (json!({"generation": 2, "kill": null}), ""),
        (json!({"rollout": ROLLOUT, "kill": null}), ""),
        (json!({"rollout": 7, "generation": 2}), "rollout"),
        (json!({"rollout": "a b", "generation": 2}), "rollout"),
        (order(2, json!({"generation": "2"})), "generation"),
        (order(2, json!({"generation": 2.5})), "generation"),
        (order(2, json!({"kill": {"mode": "off"}})), "kill.mode"),
        (
            order(2, json!({"kill": {"mode": "block", "in_flight": "x"}})),
            "kill.in_flight",
        ),
        (order(2, json!({"kill": {}})), "kill"),
        (order(2, json!({"kill": true})), "kill"),
        (order(2, json!({"ramp": null})), "ramp"),
        (
            order(2, json!({"ramp": [{"percent": 200}]})),
            "ramp[0].percent",
        ),
        (
            order(2, json!({"ramp": [{"percent": 1, "at": "now"}]})),
            "ramp[0].at",
        ),
        (order(2, json!({"not_after": 5})), "not_after"),
        (order(2, json!({"on_lapse": "stable"})), "on_lapse"),
        (order(2, json!({})), ""),
    ];
    for (n, (order, path)) in cases.into_iter().enumerate() {
        let answer = world.order(&order);
        assert_eq!(answer.status, 400, "{order}: {answer:?}");
        assert_eq!(
            answer.body["path"].as_str().unwrap_or_default(),
            path,
            "{order}: {answer:?}"
        );
        assert_eq!(
            world.counter("breakglass_orders_total;result=malformed"),
            n as u64 + 1,
            "{order}"
        );
    }
    assert_eq!(world.control()["generation"], 1);
}

#[test]
fn an_order_for_an_unknown_rollout_makes_none() {
    let world = World::new(&all_canary());
    let answer =
        world.order(&json!({"rollout": "other", "generation": 2, "kill": {"mode": "block"}}));
    assert_eq!(
        (answer.status, answer.body["type"].as_str()),
        (404, Some("urn:breakglass:unknown-rollout"))
    );
    assert_eq!(
        world.read("/v1/state").body["rollouts"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn messagepack_and_json_are_the_same_order() {
    for body in [
        kill(2, "rollback", "cut"),
        order(2, json!({"ramp": {"percent": 2.5}})),
    ] {
        let bytes = rmp_serde::to_vec_named(&body).expect("it encodes");
        let (packed, plain) = (World::new(&all_canary()), World::new(&all_canary()));
        let call = packed.call(0, "POST", "/v1/orders", Some(MSGPACK_ORDER), Some(&bytes));
        let answer = packed.wait(&call);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["control"], plain.order(&body).body["control"]);
        assert_eq!(packed.control(), plain.control());
        let cut = &bytes[..bytes.len() - 1];
        let more = [&bytes[..], &[0]].concat();
        for wrong in [cut, &more[..]] {
            let call = packed.call(0, "POST", "/v1/orders", Some(MSGPACK_ORDER), Some(wrong));
            assert_eq!(Answer::of(&call).status, 400);
        }
    }
}

#[test]
fn random_bytes_are_never_an_order() {
    let world = World::new(&all_canary());
    let mut seeded = crate::world::Seeded(23);
    for n in 0..2_000 {
        let mut body = match n % 2 {
            0 => kill(2, "block", "cut").to_string().into_bytes(),
            _ => rmp_serde::to_vec_named(&kill(2, "block", "cut")).expect("it encodes"),
        };
        for _ in 0..=seeded.below(3) {
            let at = seeded.below(body.len());
            // Never a valid change of the generation, mode or flight: a byte that no document has.
            body[at] = 0xc1;
        }
        let kind = [crate::world::JSON_ORDER, MSGPACK_ORDER][n % 2];
        let stream = world.call(0, "POST", "/v1/orders", Some(kind), Some(&body));
        assert_eq!(Answer::of(&stream).status, 400, "{}", body.escape_ascii());
    }
    assert_eq!(world.control()["generation"], 1);
}

#[test]
fn trust_refuses_every_unsigned_order() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let trust = json!({"trust": {"keys": [{"id": "k", "role": "security_lead", "key": key}]}});
    let world = World::new(&with(all_canary(), trust.clone()));
    let operator = with(json!({"policy": "support", "role": "operator"}), trust);
    world
        .operator
        .update(operator.to_string())
        .expect("it is taken");
    let answer = world.order(&kill(2, "block", "cut"));
    assert_eq!(
        (answer.status, answer.body["type"].as_str()),
        (401, Some("urn:breakglass:unsigned"))
    );
    // Nor does the policy itself expose anybody: it has no warrant.
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
    assert!(
        world
            .warnings()
            .iter()
            .any(|line| line.contains("needs a warrant")),
        "and the log says so"
    );
}
