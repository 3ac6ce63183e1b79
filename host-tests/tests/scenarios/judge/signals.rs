//! Each signal: what trips it and what does not.

use breakglass_host_tests::{Last, More};
use serde_json::{Value, json};

use super::{EVENTS, Kind, MAIL, SSN, lines, rounds, told, tripped, trips, watching_errors};
use crate::independent;
use crate::tallies::watching;
use crate::world::{World, of_unit, policy, rollout, with};

fn masking() -> Value {
    json!({"response": {"*": "mask"}})
}

fn one_in(n: usize, every: usize, kind: Kind) -> Kind {
    match n % every {
        0 => kind,
        _ => Kind::Good,
    }
}

#[test]
fn each_signal_trips_when_the_canary_gets_worse_and_not_before() {
    let errors = json!([{"error_rate": {}}]);
    let latency = json!([{"latency": {"first_byte": "800ms", "answer": "20s"}}]);
    let redactions = json!([{"redactions": {"entity": "EMAIL_ADDRESS", "two_sided": true}}]);
    let every = json!([{"redactions": {"entity": "*"}}]);
    let unscanned = json!([{"unscanned": {}}]);
    let cases = [
        ("error_rate", &errors, Kind::ServerError, 10),
        ("error_rate", &errors, Kind::ErrorEvent, 10),
        ("error_rate", &errors, Kind::BrokenOff, 10),
        ("slow_first_byte", &latency, Kind::LateFirstByte, 10),
        ("slow", &latency, Kind::Long, 10),
        ("redactions", &redactions, Kind::Mail, 10),
        ("redactions", &every, Kind::Mail, 10),
        ("unscanned", &unscanned, Kind::Compressed, 10),
    ];
    for (signal, signals, bad, every) in cases {
        let told_by = format!("{signal} by {bad:?}");
        let world = World::new(&watching(signals.clone(), masking()));
        // Both arms alike: one bad answer in ten is no reason.
        let alike = |n: usize| one_in(n, every, bad);
        assert_eq!(rounds(&world, 60, alike, alike), None, "{told_by}");
        assert_eq!(told(&world)["judge"]["trip"], Value::Null, "{told_by}");
        let took = rounds(&world, 200, alike, |_| bad);
        assert!(took.is_some(), "{told_by}: {}", told(&world)["judge"]);
        assert_rolled_back(&world, signal, &told_by);
    }
}

fn assert_rolled_back(world: &World, signal: &str, told_by: &str) {
    let state = told(world);
    assert_eq!(tripped(world).as_deref(), Some(signal), "{told_by}");
    assert_eq!(state["judge"]["trip"]["generation"], 2, "{told_by}");
    assert_eq!(state["control"]["generation"], 2, "{told_by}");
    assert_eq!(state["control"]["kill"]["mode"], "rollback", "{told_by}");
    assert_eq!(trips(world), 1, "{told_by}");
    assert_eq!(
        world.count("judge_trips_total", &format!(";signal={signal}")),
        1,
        "{told_by}"
    );
    let lines = lines(world);
    assert_eq!(lines.len(), 1, "{told_by}: {lines:?}");
    for line in world.logs() {
        let values = line.message.contains(MAIL) || line.message.contains(SSN);
        assert!(!values, "{told_by}: {}", line.message);
    }
}

#[test]
fn a_redactor_that_falls_silent_trips_it() {
    let signals = json!([{"redactions": {"entity": "*", "two_sided": true}}]);
    let world = World::new(&watching(signals, masking()));
    let alike = |n: usize| one_in(n, 2, Kind::Mail);
    assert_eq!(rounds(&world, 60, alike, alike), None);
    // Silence right after the beginning would say nothing: the first answers may all be quick ones.
    world.advance(std::time::Duration::from_secs(61));
    let took = rounds(&world, 200, alike, |_| Kind::Good);
    assert!(took.is_some(), "{}", told(&world)["judge"]);
    assert_rolled_back(&world, "redactions", "silence");
    assert_eq!(told(&world)["judge"]["trip"]["verdict"]["side"], "fewer");
}

#[test]
fn arms_that_are_alike_are_left_alone() {
    let signals = json!([
        {"error_rate": {}}, {"redactions": {"entity": "*", "two_sided": true}}, {"unscanned": {}},
        {"zero_tolerance": ["IN_AADHAAR"]}, {"latency": {"first_byte": "800ms"}}
    ]);
    let world = World::new(&watching(signals, masking()));
    let kinds = [
        Kind::ServerError,
        Kind::Mail,
        Kind::Compressed,
        Kind::LateFirstByte,
        Kind::Mails,
    ];
    let mut dice = [crate::world::Seeded(1), crate::world::Seeded(2)].map(|mut seeded| {
        move |_: usize| match seeded.one_in(3) {
            true => kinds[seeded.below(kinds.len())],
            false => Kind::Good,
        }
    });
    let [stable, canary] = &mut dice;
    assert_eq!(rounds(&world, 500, stable, canary), None);
    let state = told(&world);
    assert_eq!(state["judge"]["trip"], Value::Null);
    assert_eq!((trips(&world), lines(&world).len()), (0, 0));
    let signals = state["judge"]["signals"].as_array().cloned();
    let signals = signals.unwrap_or_default();
    assert!(signals.len() >= 5, "{signals:?}");
    for signal in signals {
        assert!(
            signal["e_value"].as_f64() <= signal["threshold"].as_f64(),
            "{signal}"
        );
    }
}

#[test]
fn zero_tolerance_acts_in_the_middle_of_the_answer_and_cuts_what_is_open() {
    let signals = json!([{"zero_tolerance": ["US_SSN"]}]);
    let world = World::new(&watching(signals, masking()));
    let begin = |worker: usize, unit: &str| {
        let mut stream = world.send(worker, of_unit(unit), Last);
        stream.response([(":status", "200"), ("content-type", EVENTS)], More);
        stream.response_body("data: {\"text\": \"Hello.\"}\n\n", More);
        stream
    };
    let leak = format!("data: {{\"text\": \"The SSN {SSN}.\"}}\n\n");
    // The stable arm is not on trial.
    begin(0, "vip").response_body(&leak, More);
    let mut others = [begin(0, "u"), begin(1, "u")];
    let mut stable = begin(1, "vip");
    let mut leaking = begin(1, "u");
    assert_eq!(tripped(&world), None);
    let masked = leaking.response_body(&leak, More);
    assert!(String::from_utf8_lossy(&masked).contains("[US_SSN]"));
    // No tick has passed, and no answer has ended.
    assert_eq!(world.arm(0, "u").as_deref(), Some("stable"));
    assert_rolled_back(&world, "zero_tolerance", "one leak");
    for open in &mut others {
        open.response_body("data: {\"text\": \"more\"}\n\n", More);
        assert!(open.client().text().ends_with("data: [DONE]\n\n"));
    }
    stable.response_body("data: {\"text\": \"more\"}\n\n", Last);
    assert!(stable.client().text().ends_with("more\"}\n\n"));
    let found = &told(&world)["arms"]["canary"]["answers"]["redactions"]["US_SSN"];
    assert_eq!(*found, json!({"answers": 1, "found": 1}));
}

#[test]
fn a_verdict_that_is_a_matter_of_chance_lets_open_answers_end() {
    let world = World::new(&watching_errors());
    let mut open = world.events(0, "u");
    open.response_body("data: 1\n\n", More);
    assert!(rounds(&world, 200, |_| Kind::Good, |_| Kind::ServerError).is_some());
    open.response_body("data: 2\n\n", Last);
    assert_eq!(open.client().text(), "data: 1\n\ndata: 2\n\n");
    assert_eq!(told(&world)["control"]["kill"]["in_flight"], "drain");
}

#[test]
fn a_split_that_is_not_the_ramp_s_trips_it() {
    let control = json!({"generation": 1, "ramp": {"percent": 10}});
    let signals = json!([{"sample_ratio": {"heaviest_unit": 1, "requests_per_unit": 1}}]);
    let judge = json!({"judge": {"alpha": 0.001, "signals": signals}});
    let world = World::new(&policy([with(rollout(control), judge)]));
    let units = |wanted: bool| {
        let names = (0..).map(|n| format!("user-{n}"));
        names.filter(move |unit| {
            independent::is_canary("chg-2026-0117", unit.as_bytes(), 100_000) == wanted
        })
    };
    let answer = |unit: String| super::answer(&world, 0, &unit, Kind::Good);
    // As many as there should be.
    let mut canaries = units(true);
    for (n, unit) in units(false).take(270).enumerate() {
        answer(unit);
        if n % 9 == 0 {
            canaries.next().into_iter().for_each(answer);
            world.tick();
        }
    }
    assert_eq!(tripped(&world), None);
    for unit in canaries.take(300) {
        answer(unit);
        world.tick();
    }
    assert_rolled_back(&world, "sample_ratio", "the split");
}
