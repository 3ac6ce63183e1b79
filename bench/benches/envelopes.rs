//! What is signed, what is read and what is joined, native: an order and a warrant, policies, states.

use std::hint::black_box;
use std::time::SystemTime;

use breakglass_bench::{DifferBy, policy_json};
use breakglass_examples::people::{Subject, Team, at};
use breakglass_policy::{Control, Envelope, Name, Policy, Posted, State, Timestamp};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

fn signed(criterion: &mut Criterion) {
    let team = team();
    let document = trusting(&team);
    let policy = Policy::from_json(document.to_string().as_bytes()).expect("a policy");
    let trust = policy.trust.as_ref().expect("trusted keys");
    let now = now();
    let mut state = State::default();
    state.publish(&policy, now);
    let name: Name = policy.name.clone();

    let mut group = criterion.benchmark_group("signed");
    for (what, envelope) in [
        ("an order of 1 signature", team.kill(2, "cut")),
        ("a warrant of 2 signatures", team.warrant(1, json!({}))),
    ] {
        let bytes = envelope.to_string();
        let envelope = Envelope::from_json(bytes.as_bytes()).expect("an envelope");
        assert!(envelope.signers(trust).is_ok(), "{what}");
        group.bench_function(BenchmarkId::new("verify", what), |bencher| {
            bencher.iter(|| {
                black_box(&envelope)
                    .signers(trust)
                    .map(|signers| signers.len())
            });
        });
        group.bench_function(BenchmarkId::new("read", what), |bencher| {
            bencher.iter(|| Envelope::from_json(black_box(bytes.as_bytes())));
        });
    }
    for (what, order) in [
        ("a kill", team.kill(2, "cut")),
        ("a raise with its warrant", team.raise(2, 100, 1)),
    ] {
        let bytes = order.to_string();
        let obey = |state: &mut State| {
            let posted = Posted::from_envelope(black_box(bytes.as_bytes())).expect("an order");
            state.obey(&posted, &name, now)
        };
        assert_eq!(obey(&mut state.clone()), Ok(true), "{what}");
        group.bench_function(BenchmarkId::new("read and obey", what), |bencher| {
            bencher.iter_batched_ref(|| state.clone(), obey, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn policies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    for rollouts in [1, 1_000] {
        let text = policy_json(rollouts, DifferBy::Path).to_string();
        let policy = Policy::from_json(text.as_bytes()).expect("a policy");
        let mut state = State::default();
        state.publish(&policy, Timestamp::EPOCH);
        let encoded = state.encode().expect("a state");
        let of = |what: &str| BenchmarkId::new(what, format!("{rollouts} rollouts"));
        group.bench_function(of("read"), |bencher| {
            bencher.iter(|| Policy::from_json(black_box(text.as_bytes())));
        });
        group.bench_function(of("join with an empty state"), |bencher| {
            bencher.iter(|| {
                State::default()
                    .publish(black_box(&policy), Timestamp::EPOCH)
                    .changed
            });
        });
        group.bench_function(of("join with its own state"), |bencher| {
            bencher.iter(|| state.publish(black_box(&policy), Timestamp::EPOCH).changed);
        });
        group.bench_function(of("a state out of shared data"), |bencher| {
            bencher.iter(|| State::decode(black_box(&encoded)));
        });
    }
    group.finish();
}

fn controls(criterion: &mut Criterion) {
    let control = |json: Value| -> Control { serde_json::from_value(json).expect("a control") };
    let ramp = control(json!({"generation": 7, "ramp": {"percent": 50}}));
    let killed =
        control(json!({"generation": 7, "kill": {"mode": "rollback", "in_flight": "cut"}}));
    criterion.bench_function("join of two controls", |bencher| {
        bencher.iter(|| black_box(&ramp).join(black_box(&killed)));
    });
}

fn team() -> Team {
    Team::new(Subject {
        policy: "bench",
        rollout: "agent-0000",
        stable: "prompt-v41",
        canary: "prompt-v42",
        salt: "chg-0",
    })
}

/// A policy of one rollout, nobody on the canary, that trusts the team's keys.
fn trusting(team: &Team) -> Value {
    let mut policy = policy_json(1, DifferBy::Path);
    policy["rollouts"][0]["control"] = json!({"generation": 1, "ramp": []});
    policy["trust"] = team.trust(1);
    policy
}

/// The team's orders say when they were given: now.
fn now() -> Timestamp {
    serde_json::from_value(at(SystemTime::now()).into()).expect("a time")
}

criterion_group!(benches, signed, policies, controls);
criterion_main!(benches);
