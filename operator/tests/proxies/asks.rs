//! `receipts` and `state`.

use serde_json::{Value, json};

use crate::fake::{Endpoint, Filter, Reply, nobody, policy};
use crate::run::breakglass;

fn targets(proxies: &[&str]) -> String {
    format!("--targets={}", proxies.join(","))
}

#[test]
fn receipts_name_workers_and_delays() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let run = breakglass(&["receipts", &targets(&[&proxy.target()]), "7"], "");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .starts_with(&format!("{}  agent  generation 7 since 20", proxy.target())),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .ends_with("  workers 2/2  p50 4 ms  p99 9 ms  max 9 ms\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn receipts_of_an_older_filter_are_read_too() {
    let old = Endpoint::of(|_| {
        Reply::json(&json!({"generation": 7, "rollouts": [
            {"rollout": "agent", "generation": 8, "workers": {"total": 2, "in_force": 1, "receipts": [], "stragglers": ["w-2"]}},
            {"rollout": "other", "generation": 9, "workers": {"total": 2, "in_force": 2}},
        ]}))
    });
    let targets = targets(&[&old.target()]);
    let run = breakglass(&["receipts", &targets, "7"], "");
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("agent  generation 8  workers 1/2  missing: w-2\n"),
        "{}",
        run.stdout
    );
    let other = breakglass(&["receipts", &targets, "--rollout", "other", "7"], "");
    assert_eq!(
        (other.status, other.stdout.lines().count()),
        (Some(0), 1),
        "{}",
        other.stdout
    );
    let none = breakglass(&["receipts", &targets, "--rollout", "third", "7"], "");
    assert_eq!(none.status, Some(1));
    assert!(
        none.stdout.contains("third has not reached generation 7"),
        "{}",
        none.stdout
    );
}

#[test]
fn a_generation_that_not_all_have_reached_is_partial() {
    let (old, new) = (
        Endpoint::filter(&policy(7, 10)),
        Endpoint::filter(&policy(8, 10)),
    );
    let both = targets(&[&old.target(), &new.target()]);
    let run = breakglass(&["receipts", &both, "8"], "");
    assert_eq!(run.status, Some(3), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("refused      404 urn:breakglass:unknown-generation"),
        "{}",
        run.stdout
    );
    assert_eq!(breakglass(&["receipts", &both, "9"], "").status, Some(1));
    assert_eq!(
        breakglass(&["receipts", &targets(&[&nobody()]), "7"], "").status,
        Some(4)
    );
    let wrong = breakglass(&["receipts", &both, "seven"], "");
    assert_eq!(wrong.status, Some(2));
    assert!(
        wrong.stderr.contains("`seven` is no number"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn state_tells_what_is_in_force() {
    let filter = Filter::new(&policy(7, 10));
    filter.overtake(&json!({
        "rollout": "agent", "generation": 8, "kill": {"mode": "block", "in_flight": "cut"},
        "redaction": "mask_all", "not_after": "2026-01-01T00:00:00Z",
    }));
    let proxy = Endpoint::of(move |request| {
        let reply = filter.answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        json["rollouts"][0]["closed"] = json!("lapse");
        json["workers"][1]["epoch"] = json!(0);
        json["rollouts"][0]["arms"] = json!({"canary": {"requests": 9, "answers": {
            "ended": 8, "errors": 1, "redactions": {"EMAIL_ADDRESS": {"answers": 3, "found": 7}},
        }}});
        // A newer filter may say more.
        json["rollouts"][0]["control"]["mood"] = json!("calm");
        Reply::json(&json)
    });
    let nobody = nobody();
    let run = breakglass(&["state", &targets(&[&proxy.target(), &nobody])], "");
    assert_eq!(run.status, Some(3), "{}{}", run.stdout, run.stderr);
    for line in [
        format!("{}  policy support (sha256:0123456789ab)  filter 0.1.0 (abc123)  boot b007\n", proxy.target()),
        "  agent  generation 8  canary 0 %  KILLED block, cut  redaction mask_all  lease until 2026-01-01T00:00:00Z  closed: lapse  workers 1/2  missing: w-2\n".into(),
        "    canary  9 requests, 8 answers, 1 errors, EMAIL_ADDRESS 3\n".into(),
        format!("{nobody}  unreachable  "),
    ] {
        assert!(run.stdout.contains(&line), "{line:?}:\n{}", run.stdout);
    }
}

#[test]
fn programs_get_each_answer_as_it_came() {
    let (proxy, nobody) = (Endpoint::filter(&policy(7, 10)), nobody());
    let targets = targets(&[&proxy.target(), &nobody]);
    for command in [
        &["state", &targets, "--json"][..],
        &["receipts", &targets, "--json", "7"],
    ] {
        let run = breakglass(command, "");
        assert_eq!(run.status, Some(3), "{}", run.stderr);
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(told.as_object().unwrap().len(), 2);
        assert!(told[proxy.target()]["rollouts"][0].is_object(), "{told}");
        assert!(told[&nobody]["error"].is_string(), "{told}");
    }
}
