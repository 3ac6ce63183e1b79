//! Two operators at once: what is in force is the join of what was accepted, and who was too late is told.

use breakglass_examples::people::{self, ORDER, Person};
use breakglass_policy::Control;
use serde_json::{Value, json};

use super::{CAST, detail, give, killed, nobody, order, outcome, post, told, warrant};
use crate::world::{Answer, ROLLOUT, World, with};

/// What became of the orders of one operator.
#[derive(Default)]
struct Shift {
    /// The controls that the accepted orders ask for, and the warrants of those that raise.
    accepted: Vec<(Control, Value)>,
    /// The problem types of the others.
    refused: Vec<String>,
}

const ORDERS: u64 = 500;

/// One operator who reads the state and then orders, again and again, on a worker of their own.
fn work(world: &World, worker: usize, person: &Person) -> Shift {
    let mut shift = Shift::default();
    for number in 0..ORDERS {
        let (generation, floor) = look(world, worker);
        let (asked, brought) = wish(worker, number, floor);
        let mut terms = asked.clone();
        if !brought.is_null() {
            terms["warrant"] = brought.clone();
        }
        let order = order(world, generation, terms);
        let call = post(world, worker, &people::sign(ORDER, &order, &[person]));
        if call.is_over() {
            let answer = Answer::of(&call);
            assert!([403, 409].contains(&answer.status), "{answer:?}");
            assert!(!detail(&answer).is_empty(), "{answer:?}");
            shift.refused.push(outcome(&answer).to_owned());
        } else {
            let control = with(json!({"generation": generation}), asked);
            let control = serde_json::from_value(control).expect("it is a control");
            shift.accepted.push((control, brought));
        }
    }
    shift
}

/// A raise or a kill in turn. Every term is named, so that it does not matter what the order meets.
fn wish(worker: usize, number: u64, floor: u64) -> (Value, Value) {
    if number.is_multiple_of(2) {
        let percent = 1 + (number + 7 * worker as u64) % 100;
        let change = format!("chg-{worker}-{number}");
        let asked = json!({"ramp": {"percent": percent}, "kill": null, "not_after": null});
        (asked, warrant(json!({"after": floor, "change": change})))
    } else {
        let mode = if number % 4 == 1 { "block" } else { "rollback" };
        let asked = json!({"ramp": [], "kill": {"mode": mode}, "not_after": null});
        (asked, Value::Null)
    }
}

/// The next generation, and what the approvers of the next warrant must have seen.
fn look(world: &World, worker: usize) -> (u64, u64) {
    let answer = Answer::of(&world.call(worker, "GET", "/v1/state", None, None));
    let ours = &answer.body["rollouts"][0];
    assert_eq!(ours["name"], ROLLOUT, "{answer:?}");
    let number = |value: &Value| value.as_u64().expect("a number");
    let (current, floor) = (
        number(&ours["control"]["generation"]),
        number(&ours["warrants_after"]),
    );
    (current.max(floor) + 1, floor)
}

#[test]
fn of_a_thousand_orders_of_two_operators_the_join_of_the_accepted_is_in_force() {
    let world = World::new(&nobody());
    let people = [&CAST.engineer, &CAST.colleague];
    let shifts: Vec<Shift> = std::thread::scope(|scope| {
        let operators = people.into_iter().enumerate().map(|(worker, person)| {
            let world = &world;
            scope.spawn(move || work(world, worker, person))
        });
        let operators: Vec<_> = operators.collect();
        let shifts = operators
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join);
        shifts
            .map(|shift| shift.expect("it came to its end"))
            .collect()
    });
    let accepted = || shifts.iter().flat_map(|shift| &shift.accepted);
    let controls = accepted().map(|(control, _)| control.clone());
    let joined = controls.reduce(|known, control| known.join(&control));
    let found = told(&world).control;
    let control: Control = serde_json::from_value(found.clone()).expect("it is a control");
    let bare = Control {
        warrant: None,
        ..control
    };
    assert_eq!(Some(bare), joined);
    // The warrant that is held is that of the last raise.
    let raises = accepted().filter(|(_, warrant)| !warrant.is_null());
    let last = raises.clone().max_by_key(|(control, _)| control.generation);
    assert_eq!(found["warrant"], last.expect("some raised").1);
    // No two raises had one number.
    let mut generations: Vec<_> = raises.map(|(control, _)| control.generation).collect();
    let all = generations.len();
    generations.sort_unstable();
    generations.dedup();
    assert_eq!(generations.len(), all);

    let refused = |problem: &str| {
        let refused = shifts.iter().flat_map(|shift| &shift.refused);
        refused.filter(|refused| *refused == problem).count()
    };
    let counts = [
        ("accepted", accepted().count()),
        ("stale", refused("stale")),
        // A rollback where the other one blocks would be a raise.
        (
            "not_permitted",
            refused("warrant-spent") + refused("warrant-missing"),
        ),
    ];
    for (result, expected) in counts {
        let count = world.counter(&format!("breakglass_orders_total;result={result}"));
        assert_eq!(count, expected as u64, "{result}");
    }
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(total as u64, 2 * ORDERS, "nothing but {counts:?}");
    println!("{counts:?}, {all} raises");
    for shift in &shifts {
        let is_raise = |(_, warrant): &&(Control, Value)| !warrant.is_null();
        let raises = shift.accepted.iter().filter(is_raise).count();
        assert!(
            raises > 0 && shift.accepted.len() > raises,
            "both had their way at times"
        );
    }
    // And nobody is stuck: the next who looks and orders is obeyed.
    let (generation, _) = look(&world, 0);
    assert_eq!(give(&world, generation, killed()).status, 200);
}

/// Of two who saw the same and choose the same number, the stricter is obeyed, whoever comes first.
#[test]
fn of_two_orders_with_one_number_the_stricter_holds() {
    let (raise, kill) = (
        json!({"ramp": {"percent": 100}, "warrant": warrant(json!({}))}),
        killed(),
    );
    for (first, second, expected) in [
        (&raise, &kill, ["done", "done"]),
        (&kill, &raise, ["done", "stale"]),
    ] {
        let world = World::new(&nobody());
        let orders = [(first, &CAST.engineer), (second, &CAST.colleague)];
        for (worker, (terms, person)) in orders.into_iter().enumerate() {
            let order = order(&world, 2, terms.clone());
            let call = post(&world, worker, &people::sign(ORDER, &order, &[person]));
            assert_eq!(outcome(&world.wait(&call)), expected[worker], "{terms}");
        }
        assert_eq!(told(&world).control["kill"]["mode"], "rollback");
    }
}
