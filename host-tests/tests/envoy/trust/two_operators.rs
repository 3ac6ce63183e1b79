//! Two operators at once, who know of each other only what the state tells.

use std::collections::BTreeMap;
use std::time::SystemTime;

use breakglass_examples::http::Answer;
use breakglass_examples::stack::Operator;
use breakglass_policy::{Control, Name, Policy, Posted, State, Timestamp};
use serde_json::{Value, json};

use super::{Durations, People, assert_problem, times};
use crate::edge::Edge;
use crate::policy::ROLLOUT;

/// An order and what became of it.
struct Given {
    envelope: Value,
    generation: u64,
    raises: bool,
    cuts: bool,
    answer: Answer,
    took: std::time::Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_at_once_the_join_of_what_was_accepted_is_in_force() {
    let people = People::new();
    let policy = people.policy(json!({"generation": 1, "ramp": []}));
    let edge = Edge::start(policy.clone()).await;
    let count = times("BREAKGLASS_ORDERS", 300);
    let operators =
        [0, 1].map(|number| tokio::spawn(give(edge.operator().clone(), number, count / 2)));
    let mut given = Vec::new();
    for operator in operators {
        given.extend(operator.await.unwrap());
    }

    let (accepted, refused): (Vec<_>, Vec<_>) =
        given.iter().partition(|order| order.answer.status == 200);
    let mut refusals: BTreeMap<_, usize> = BTreeMap::new();
    for order in &refused {
        assert!(order.answer.status < 500, "{}", order.answer.text());
        let problem = assert_problem(&order.answer);
        let control = &problem["control"];
        let newer = control["generation"].as_u64() > Some(order.generation);
        assert!(
            order.raises || newer || control["kill"].is_object(),
            "a kill is refused while the canary lives: {problem}"
        );
        let kind = problem["type"].as_str().unwrap_or_default().to_owned();
        *refusals.entry((order.answer.status, kind)).or_default() += 1;
    }
    let took = Durations(accepted.iter().map(|order| order.took).collect());
    println!(
        "{} orders: {} accepted, refused {refusals:?}; order -> receipt: {took}",
        given.len(),
        accepted.len()
    );
    assert!(
        accepted.iter().any(|order| order.raises),
        "nothing was raised"
    );
    assert!(
        refusals
            .keys()
            .all(|(status, _)| [403, 409].contains(status)),
        "an operator lost to the other for another reason: {refusals:?}"
    );

    let in_force = control(&edge.control().await);
    let initial = control(&policy["rollouts"][0]["control"]);
    let joined = accepted.iter().fold(initial, |joined, order| {
        joined.join(&control(&order.answer.json().unwrap()["control"]))
    });
    assert_eq!(in_force, joined, "the join of what was accepted");
    assert_eq!(
        in_force,
        replayed(&policy, &accepted),
        "the same orders again"
    );

    let stats = edge.stats().await;
    let counted =
        |result: &str| stats.sum("breakglass_orders_total", &[("result", result)]) as usize;
    assert_eq!(counted("accepted"), accepted.len(), "counted as accepted");
    assert_eq!(
        counted("stale") + counted("not_permitted"),
        refused.len(),
        "counted as refused"
    );
    edge.finish().await;
}

/// Kills and raises in turn, each by what the state says just before.
async fn give(operator: Operator, number: u64, count: u64) -> Vec<Given> {
    let people = People::new();
    let mut given = Vec::new();
    for turn in 0..count {
        let state = operator.state().await.unwrap();
        let rollout = &state["rollouts"][0];
        let current = rollout["control"]["generation"].as_u64().unwrap();
        let seen = rollout["warrants_after"].as_u64().unwrap().max(current);
        let raises = (turn + number).is_multiple_of(2);
        let cuts = turn / 2 % 2 == 1;
        let (generation, envelope) = match raises {
            true => {
                let percent = 1 + (turn * 37 + number * 11) % 100;
                (seen + 1, people.raise(seen + 1, percent, seen))
            }
            false => {
                let in_flight = if cuts { "cut" } else { "drain" };
                (current + 1, people.kill(current + 1, in_flight))
            }
        };
        let sent = std::time::Instant::now();
        let answer = operator.signed(&envelope).await.unwrap();
        given.push(Given {
            envelope,
            generation,
            raises,
            cuts,
            answer,
            took: sent.elapsed(),
        });
    }
    given
}

/// The control after the same orders, carried out one after the other here.
fn replayed(policy: &Value, accepted: &[&Given]) -> Control {
    let policy = Policy::from_json(policy.to_string().as_bytes()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = Timestamp::from_millis(now.unwrap().as_millis() as u64);
    let mut state = State::default();
    assert!(state.publish(&policy, now).refused.is_empty());
    let mut orders = accepted.to_vec();
    // Of one generation a raise must have been the first, and each kill stricter than the one before.
    orders.sort_by_key(|order| (order.generation, !order.raises, order.cuts));
    for order in orders {
        let posted = Posted::from_envelope(order.envelope.to_string().as_bytes()).unwrap();
        let obeyed = state.obey(&posted, &policy.name, now);
        assert!(obeyed.is_ok(), "{obeyed:?}: {:?}", posted.order());
    }
    let rollout: Name = serde_json::from_value(ROLLOUT.into()).unwrap();
    state.get(&rollout).unwrap().control.clone()
}

fn control(json: &Value) -> Control {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"))
}
