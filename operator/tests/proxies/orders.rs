//! Orders to several proxies: all, some, none.

use std::sync::{Arc, Barrier};

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, nobody, policy};
use crate::run::{Run, breakglass};

fn order(targets: &[String], more: &[&str]) -> Run {
    let targets = format!("--targets={}", targets.join(","));
    breakglass(
        &[&["order", &targets, "--rollout", "agent"], more].concat(),
        "",
    )
}

#[test]
fn all_proxies_get_one_generation_higher_than_the_highest() {
    let proxies = [policy(7, 10), policy(11, 5)].map(|policy| Endpoint::filter(&policy));
    let targets = proxies.each_ref().map(Endpoint::target);
    let run = order(&targets, &["--percent", "1"]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    for proxy in &proxies {
        let expected = json!({"rollout": "agent", "generation": 12, "ramp": [{"percent": 1}]});
        assert_eq!(proxy.orders(), [expected]);
        let line = format!(
            "{}  carried out  generation 12  workers 2/2  p50 4 ms  p99 9 ms  max 9 ms\n",
            proxy.target()
        );
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
    assert!(
        run.stdout.contains("carried out by 2 of 2 proxies; after "),
        "{}",
        run.stdout
    );
}

#[test]
fn proxies_are_asked_and_ordered_at_the_same_time() {
    let (count, barrier) = (8, Arc::new(Barrier::new(8)));
    let proxies: Vec<Endpoint> = (0..count)
        .map(|_| {
            let (filter, barrier) = (Filter::new(&policy(7, 10)), barrier.clone());
            Endpoint::of(move |request| {
                // Nobody is answered before everybody has been asked.
                barrier.wait();
                filter.answer(request)
            })
        })
        .collect();
    let targets: Vec<String> = proxies.iter().map(Endpoint::target).collect();
    let run = order(&targets, &["--mask-all", "--timeout", "60s"]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
}

#[test]
fn every_term_has_its_flag() {
    let steps = json!([{"percent": 1}, {"percent": 5, "at": "2026-11-23T21:00:00Z"}]);
    let text = steps.to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ramp.json");
    std::fs::write(&file, &text).unwrap();
    let cases: &[(&[&str], Value)] = &[
        (
            &["--kill", "block", "--in-flight", "cut"],
            json!({"kill": {"mode": "block", "in_flight": "cut"}}),
        ),
        (
            &["--kill", "rollback"],
            json!({"kill": {"mode": "rollback", "in_flight": "drain"}}),
        ),
        (
            &["--rearm", "--percent", "0.25"],
            json!({"kill": null, "ramp": [{"percent": 0.25}]}),
        ),
        (&["--percent", "0"], json!({"ramp": []})),
        (&["--ramp", &text], json!({"ramp": steps})),
        (&["--ramp", file.to_str().unwrap()], json!({"ramp": steps})),
        (
            &["--not-after", "2030-01-01T00:00:00Z"],
            json!({"not_after": "2030-01-01T00:00:00Z"}),
        ),
        (
            &["--no-lease", "--mask-all"],
            json!({"not_after": null, "redaction": "mask_all"}),
        ),
        (&["--unmask"], json!({"redaction": null})),
    ];
    for (more, expected) in cases {
        let proxy = Endpoint::filter(&policy(7, 10));
        order(&[proxy.target()], &[*more, &["--generation", "8"]].concat());
        let mut expected = expected.clone();
        expected["rollout"] = json!("agent");
        expected["generation"] = json!(8);
        assert_eq!(proxy.orders(), [expected], "{more:?}");
        // Who says the generation need not be asked for it.
        assert_eq!(proxy.requests().len(), 1, "{more:?}");
    }
}

#[test]
fn a_lease_may_end_so_long_from_now() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let before = crate::fake::now().millis();
    order(&[proxy.target()], &["--not-after", "+30m"]);
    let end = serde_json::from_value(proxy.orders()[0]["not_after"].clone());
    let end: breakglass_policy::Timestamp = end.unwrap();
    let after = crate::fake::now().millis();
    let half_an_hour = 30 * 60 * 1000;
    assert!(
        (before + half_an_hour..=after + half_an_hour).contains(&end.millis()),
        "{end}"
    );
}

#[test]
fn a_file_may_say_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("order.json");
    let given = json!({"rollout": "agent", "redaction": "mask_all"});
    std::fs::write(&file, given.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let proxy = Endpoint::filter(&policy(7, 10));
    let targets = format!("--targets={}", proxy.target());
    let run = breakglass(&["order", &targets, "--file", file], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(proxy.orders()[0]["generation"], json!(8));
    let differs = breakglass(
        &["order", &targets, "--file", file, "--rollout", "other"],
        "",
    );
    assert_eq!(differs.status, Some(2));
    assert!(
        differs
            .stderr
            .contains(r#"the order says `rollout`: "agent", the command line "other""#),
        "{}",
        differs.stderr
    );
}

#[test]
fn those_that_cannot_do_not_stop_the_rest() {
    let good = Endpoint::filter(&policy(7, 10));
    let newer = Endpoint::of(|request| match request.line.as_str() {
        "GET /v1/state" => Filter::new(&policy(7, 10)).answer(request),
        _ => Reply::problem(409, "stale", "generation 99 is in force"),
    });
    let garbled = Endpoint::of(|_| Reply::of(200, "<html>\x1b[2J"));
    let odd = Endpoint::of(|request| match request.line.as_str() {
        "GET /v1/state" => Filter::new(&policy(7, 10)).answer(request),
        _ => Reply::json(&json!({"generation": "eight"})),
    });
    let elsewhere = Endpoint::of(|_| Reply::of(302, ""));
    let nobody = nobody();
    let targets = [
        good.target(),
        newer.target(),
        garbled.target(),
        odd.target(),
        elsewhere.target(),
        nobody.clone(),
    ];
    let run = order(&targets, &["--percent", "1"]);
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    for line in [
        format!("{}  carried out  generation 8", good.target()),
        format!(
            "{}  refused      409 urn:breakglass:stale: generation 99 is in force",
            newer.target()
        ),
        format!(
            "{}  unreadable   answered 200 and `<html>\u{fffd}[2J`",
            garbled.target()
        ),
        format!(
            "{}  unreadable   answered 200, but not as the filter does",
            odd.target()
        ),
        format!("{}  unreadable   answered 302", elsewhere.target()),
        format!("{nobody}  unreachable  "),
        "carried out by 1 of 6 proxies, refused: 1, not reached or not understood: 4".into(),
    ] {
        assert!(run.stdout.contains(&line), "{line:?}:\n{}", run.stdout);
    }
    // Only a kill is ordered again.
    assert_eq!(newer.orders().len(), 1);
}

#[test]
fn the_status_tells_refused_from_unreachable() {
    let refuses = Endpoint::filter(&policy(7, 10));
    let raise = order(&[refuses.target()], &["--percent", "50"]);
    assert_eq!(raise.status, Some(1), "{}", raise.stdout);
    assert!(
        raise
            .stdout
            .contains("403 urn:breakglass:not-permitted: `ramp` would raise exposure"),
        "{}",
        raise.stdout
    );
    let nobody = nobody();
    assert_eq!(
        order(std::slice::from_ref(&nobody), &["--percent", "1"]).status,
        Some(4)
    );
    let both = order(&[nobody, refuses.target()], &["--percent", "50"]);
    assert_eq!(both.status, Some(1), "{}", both.stdout);
}

#[test]
fn workers_that_do_not_have_it_yet_are_named() {
    let slow = Endpoint::of(|request| {
        let reply = Filter::new(&policy(7, 10)).answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        if json["workers"].is_object() {
            json["workers"] = json!({"total": 3, "in_force": 2, "stragglers": ["w-3"]});
        }
        Reply::json(&json)
    });
    let run = order(&[slow.target()], &["--percent", "1"]);
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    assert!(
        run.stdout.contains("workers 2/3  missing: w-3"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("not yet in force on all workers: 1"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_unknown_rollout_is_not_ordered() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let targets = format!("--targets={}", proxy.target());
    let run = breakglass(
        &["order", &targets, "--rollout", "agnet", "--percent", "1"],
        "",
    );
    assert_eq!(run.status, Some(4), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("not sent: no rollout `agnet` is in force there; there are: agent"),
        "{}",
        run.stdout
    );
    assert_eq!(proxy.orders().len(), 0);
}

#[test]
fn programs_read_it_as_json() {
    let (good, nobody) = (Endpoint::filter(&policy(7, 10)), nobody());
    let refuses = Endpoint::of(|_| Reply::problem(503, "no-shared-state", "gone"));
    let targets = [good.target(), nobody.clone(), refuses.target()];
    let run = order(&targets, &["--percent", "1", "--json"]);
    assert_eq!(run.status, Some(3), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["targets"][good.target()]["generation"], json!(8));
    assert!(told["targets"][&nobody]["error"].is_string(), "{told}");
    assert_eq!(
        told["targets"][refuses.target()]["type"],
        json!("urn:breakglass:no-shared-state")
    );
    assert_eq!(told["summary"]["carried_out"], json!(1));
    assert_eq!(told["summary"]["failed"], json!(2));
}

#[test]
fn bad_usage_orders_nothing() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let nowhere = "/nowhere/ramp.json";
    let cases: &[(&[&str], &str)] = &[
        (&[], "the order would change nothing; expected --kill, "),
        (&["--in-flight", "cut"], "--kill"),
        (&["--kill", "rollback", "--rearm"], "cannot be used with"),
        (&["--percent", "101"], "a percentage from 0 to 100"),
        (&["--percent", "lots"], "`lots` is no number"),
        (&["--percent", "1", "--ramp", "[]"], "cannot be used with"),
        (
            &[
                "--ramp",
                r#"[{"percent": 5}, {"percent": 1, "at": "2026-11-23T21:00:00Z"}]"#,
            ],
            "--ramp: step 1",
        ),
        (&["--ramp", nowhere], "cannot open /nowhere/ramp.json"),
        (&["--not-after", "soon"], "or +30m for one from now on"),
        (&["--not-after", "+soon"], "expected a duration such as"),
        (&["--not-after", "+1h", "--no-lease"], "cannot be used with"),
        (&["--generation", "-1", "--rearm"], "generation"),
        (
            &["--rearm", "--warrant", "sha256:12"],
            "is no digest, expected `sha256:` and 64",
        ),
        (&["--rearm", "--warrant", nowhere], "cannot open"),
        (
            &["--rearm", "--timeout", "0s"],
            "expected a duration such as",
        ),
        (&["--file", "x", "--rearm"], "cannot be used with"),
    ];
    for (more, message) in cases {
        let run = order(&[proxy.target()], more);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{more:?}");
        assert!(run.stderr.contains(message), "{more:?}: {}", run.stderr);
    }
    assert_eq!(proxy.requests().len(), 0);
}
