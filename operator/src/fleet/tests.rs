//! A fleet of proxies in this process.

#[expect(dead_code, reason = "the tests of the command need more of it")]
#[path = "../../tests/proxies/fake.rs"]
mod fake;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use breakglass_policy::{
    Control, Envelope, Generation, InFlight, Kill, KillMode, Name, Order, PayloadType, Percent,
    Ramp, WarrantReference,
};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{LineEnding, PrivateKey};

use super::{
    Answers, ArmSeen, Delivered, Failed, FileOutcome, Fleet, Kept, ProxyOutcome, ProxySeen,
    Receipt, Redactions, RolloutSeen, Terms, Told,
};
use crate::outcome::Outcome;
use crate::proxy::FailureKind;
use crate::signer::Signer;
use crate::targets::Targets;
use fake::{Endpoint, Filter, Reply, nobody, now, policy};

fn fleet(targets: &[String], durable: &[&Path]) -> Fleet {
    let timeout = Duration::from_secs(20);
    let targets = Targets::parse(targets, "targets", None, None, None, timeout).unwrap();
    Fleet::new(targets, durable.iter().map(PathBuf::from).collect())
}

fn agent() -> Name {
    Name::new("agent").unwrap()
}

fn generation(number: u64) -> Generation {
    Generation::new(number).unwrap()
}

fn ramp(percent: u32) -> Order {
    let percent = Percent::from_ppm(percent * 10_000).unwrap();
    Order {
        ramp: Some(Ramp::flat(percent)),
        ..Terms::blank(agent())
    }
}

fn kill() -> Order {
    let kill = Kill {
        mode: KillMode::Rollback,
        in_flight: InFlight::Cut,
    };
    Order {
        kill: Some(Some(kill)),
        ..Terms::blank(agent())
    }
}

/// The order, and the lines that were told while it went out.
fn deliver(fleet: &Fleet, order: Order, signer: Option<&Signer>) -> (Delivered, Vec<String>) {
    let mut lines = Vec::new();
    let terms = Terms::of(order, None);
    let delivered = fleet.order(&terms, signer, &mut |told| lines.push(told.to_text()));
    (delivered, lines)
}

fn failed(outcome: &ProxyOutcome) -> &Failed {
    outcome.result.as_ref().unwrap_err()
}

#[test]
fn an_order_that_was_built_goes_to_all() {
    let proxies = [policy(7, 10), policy(11, 5)].map(|policy| Endpoint::filter(&policy));
    let targets = proxies.each_ref().map(Endpoint::target);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.json");
    std::fs::write(&file, policy(7, 10).to_string()).unwrap();
    let (delivered, lines) = deliver(&fleet(&targets, &[&file]), ramp(1), None);
    for proxy in &proxies {
        let expected = json!({"rollout": "agent", "generation": 12, "ramp": [{"percent": 1}]});
        assert_eq!(proxy.orders(), [expected]);
    }
    assert_eq!(delivered.generation, Some(generation(12)));
    let control: Control =
        serde_json::from_value(json!({"generation": 12, "ramp": {"percent": 1}})).unwrap();
    assert_eq!(delivered.control, Some(control));
    let names = delivered.proxies.iter().map(|proxy| &proxy.name);
    assert_eq!(names.collect::<Vec<_>>(), targets.each_ref());
    let receipt: &Receipt = delivered.proxies[0].result.as_ref().unwrap();
    assert_eq!((receipt.workers.total, receipt.workers.in_force), (2, 2));
    assert_eq!(receipt.workers.p99_ms, Some(9.into()));
    let kept = Kept::Holds {
        generation: generation(12),
    };
    assert_eq!(
        delivered.files,
        [FileOutcome {
            file: file.display().to_string(),
            kept
        }]
    );
    assert!(delivered.everywhere() && !delivered.nowhere());
    assert_eq!(delivered.outcome(), Outcome::Fine);
    assert!(
        delivered
            .summary()
            .starts_with("carried out by 2 of 2 proxies; held by 1 of 1 files; after "),
        "{}",
        delivered.summary()
    );
    // The proxies in the order of their answers, then the files.
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[2],
        format!("{}  durable      holds generation 12", file.display())
    );
}

#[test]
fn who_is_not_reached_is_missing() {
    let good = Endpoint::filter(&policy(7, 10));
    let newer = Endpoint::of(|request| match request.line.as_str() {
        "GET /v1/state" => Filter::new(&policy(7, 10)).answer(request),
        _ => Reply::problem(409, "stale", "generation 99 is in force"),
    });
    let slow = Endpoint::of(|request| {
        let reply = Filter::new(&policy(7, 10)).answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        if json["workers"].is_object() {
            json["workers"] = json!({"total": 3, "in_force": 2, "stragglers": ["w-3"]});
        }
        Reply::json(&json)
    });
    let ill = Endpoint::of(|_| Reply::problem(503, "no-shared-state", "gone"));
    let odd = Endpoint::of(|_| Reply::of(200, "<html>\x1b[2J"));
    let mut other = policy(7, 10);
    other["rollouts"][0]["name"] = json!("other");
    let other = Endpoint::filter(&other);
    let targets = [
        good.target(),
        nobody(),
        newer.target(),
        slow.target(),
        ill.target(),
        odd.target(),
        other.target(),
    ];
    let (delivered, _) = deliver(&fleet(&targets, &[]), ramp(1), None);
    assert!(!delivered.everywhere() && !delivered.nowhere());
    let missing: Vec<&str> = targets[1..].iter().map(String::as_str).collect();
    assert_eq!(delivered.missing(), missing);
    let slow = delivered.proxies[3].result.as_ref().unwrap();
    assert_eq!(slow.workers.stragglers, ["w-3"]);
    let kinds = [1, 2, 4, 5, 6].map(|index| failed(&delivered.proxies[index]).kind);
    assert_eq!(
        kinds,
        [
            FailureKind::Unreachable,
            FailureKind::Refused,
            FailureKind::Unable,
            FailureKind::Unreadable,
            FailureKind::Refused,
        ]
    );
    let refused = failed(&delivered.proxies[2]);
    assert_eq!(refused.problem.as_deref(), Some("urn:breakglass:stale"));
    assert!(!failed(&delivered.proxies[5]).why.contains('\x1b'));
    assert_eq!(delivered.outcome(), Outcome::Partial);
    let summary = "carried out by 2 of 7 proxies, not yet in force on all workers: 1, refused: 2, not reached or not understood: 3; after ";
    assert!(
        delivered.summary().starts_with(summary),
        "{}",
        delivered.summary()
    );
}

#[test]
fn what_nobody_knows_is_not_sent() {
    let mut other = policy(7, 10);
    other["rollouts"][0]["name"] = json!("other");
    let proxy = Endpoint::filter(&other);
    let (delivered, lines) = deliver(&fleet(&[proxy.target()], &[]), kill(), None);
    assert_eq!(failed(&delivered.proxies[0]).kind, FailureKind::Unsent);
    let why = "not sent: no rollout `agent` is in force there; there are: other";
    assert_eq!(lines, [format!("{}  {why}", proxy.target())]);
    assert!(delivered.nowhere());
    assert_eq!(proxy.orders(), Vec::<Value>::new());
    assert_eq!(delivered.outcome(), Outcome::Nothing);
}

#[test]
fn what_all_refuse_is_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.json");
    let text = policy(7, 10).to_string();
    std::fs::write(&file, &text).unwrap();
    let proxy = Endpoint::filter(&policy(7, 10));
    let fleet = fleet(&[proxy.target()], &[&file]);
    let (delivered, _) = deliver(&fleet, ramp(50), None);
    assert!(delivered.nowhere() && !delivered.everywhere());
    assert_eq!((delivered.generation, &delivered.control), (None, &None));
    let refused = failed(&delivered.proxies[0]);
    assert_eq!(refused.kind, FailureKind::Refused);
    assert!(
        refused.why.contains("`ramp` would raise exposure"),
        "{}",
        refused.why
    );
    assert_eq!(delivered.files[0].kept, Kept::Skipped);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(delivered.outcome(), Outcome::Found);
}

#[test]
fn a_kill_that_only_a_file_has_is_somewhere() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.json");
    std::fs::write(&file, policy(7, 10).to_string()).unwrap();
    let (delivered, _) = deliver(&fleet(&[nobody()], &[&file]), kill(), None);
    assert!(!delivered.nowhere() && !delivered.everywhere());
    assert!(delivered.files[0].holds());
    let policy: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let expected = json!({"mode": "rollback", "in_flight": "cut"});
    assert_eq!(policy["rollouts"][0]["control"]["kill"], expected);
}

#[test]
fn an_order_of_a_chosen_generation_may_be_repeated() {
    let proxy = Endpoint::filter(&policy(7, 10));
    let fleet = fleet(&[proxy.target()], &[]);
    let terms = Terms::of(ramp(1), Some(generation(9)));
    for _ in 0..2 {
        let delivered = fleet.order(&terms, None, &mut |_| {});
        assert!(delivered.everywhere(), "{}", delivered.summary());
        assert_eq!(delivered.generation, Some(generation(9)));
    }
    // Nobody asks for what is known.
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn each_answer_is_told_when_it_comes() {
    let quick = Endpoint::filter(&policy(7, 10));
    let (told, wait) = mpsc::channel::<()>();
    let (filter, wait) = (Filter::new(&policy(7, 10)), Mutex::new(wait));
    let slow = Endpoint::of(move |request| {
        if request.line == "POST /v1/orders" {
            // Not before the other's answer has been told.
            let _ = wait.lock().unwrap().recv();
        }
        filter.answer(request)
    });
    let fleet = fleet(&[slow.target(), quick.target()], &[]);
    let mut names = Vec::new();
    let delivered = fleet.order(&Terms::of(kill(), None), None, &mut |what| {
        if let Told::Proxy { json, .. } = what {
            assert_eq!(json["generation"], json!(8));
        }
        names.push(what.name().to_owned());
        // Of the second nobody waits any more.
        let _ = told.send(());
    });
    assert!(delivered.everywhere(), "{}", delivered.summary());
    assert_eq!(names, [quick.target(), slow.target()]);
    assert_eq!(delivered.missing(), Vec::<&str>::new());
}

/// A key's file, and its line in a policy.
fn key(directory: &Path, seed: u8, id: &str) -> (PathBuf, Value) {
    let seed = [seed; Ed25519PrivateKey::BYTE_SIZE];
    let public = SigningKey::from_bytes(&seed).verifying_key();
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(public.to_bytes()),
        private: Ed25519PrivateKey::from_bytes(&seed),
    };
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap();
    let public = key.public_key().to_openssh().unwrap();
    let file = directory.join(id);
    key.write_openssh_file(&file, LineEnding::LF).unwrap();
    (file, json!({"id": id, "role": "lead", "key": public}))
}

#[test]
fn a_kill_is_taken_back_with_a_warrant() {
    let directory = tempfile::tempdir().unwrap();
    let (file, line) = key(directory.path(), 1, "anna");
    let signer = Signer::from_file(&file, "anna").unwrap();
    let mut trusting = policy(7, 0);
    trusting["trust"] = json!({"generation": 1, "keys": [line], "raise": [["lead"]]});
    let proxy = Endpoint::filter(&trusting);
    let fleet = fleet(&[proxy.target()], &[]);

    let (unsigned, _) = deliver(&fleet, kill(), None);
    assert!(unsigned.nowhere());
    let (killed, _) = deliver(&fleet, kill(), Some(&signer));
    assert!(killed.everywhere(), "{}", killed.summary());
    let observed = fleet.observe(&agent());
    let (_, seen) = observed.seen().next().unwrap();
    assert!(seen.killed);

    let later = breakglass_policy::Timestamp::from_millis(now().millis() + 3_600_000);
    let warrant = json!({
        "change": "chg-17", "policy": seen.policy, "rollout": "agent",
        "subject": {"stable": "v1", "canary": "v2", "salt": "chg-17"},
        "ramp": [{"percent": 5}], "after": seen.warrants_after,
        "not_before": "2020-01-01T00:00:00Z", "not_after": later,
        "drill": {"receipt": format!("sha256:{}", "0".repeat(64)), "at": "2020-01-01T00:00:00Z"},
        "author": "bob", "approvers": [{"id": "anna", "role": "lead"}],
    });
    let mut warrant = Envelope::new(PayloadType::WarrantJson, warrant.to_string().into());
    signer.sign(&mut warrant).unwrap();
    let digest = warrant.digest();
    let rearm = |percent| Order {
        kill: Some(None),
        ..ramp(percent)
    };
    let bare = deliver(&fleet, rearm(1), Some(&signer)).0;
    assert!(bare.nowhere());
    let carried = Order {
        warrant: Some(WarrantReference::Carried(Box::new(warrant))),
        ..rearm(1)
    };
    let raised = deliver(&fleet, carried, Some(&signer)).0;
    assert!(raised.everywhere(), "{:?}", raised.proxies);
    // From now on the proxies hold it.
    let named = Terms::of(ramp(5), None).with_warrant(WarrantReference::Named(digest));
    let named = fleet.order(&named.unwrap(), Some(&signer), &mut |_| {});
    assert!(named.everywhere(), "{:?}", named.proxies);
    let share = Percent::from_ppm(50_000).unwrap();
    assert_eq!(named.control.unwrap().share_at(now()), share);
}

/// As the journal writes it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Event {
    Killed { delivered: Delivered },
}

#[test]
fn what_was_delivered_reads_back_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let (held, missing) = (
        directory.path().join("policy.json"),
        directory.path().join("missing.json"),
    );
    std::fs::write(&held, policy(7, 10).to_string()).unwrap();
    let refuses = Endpoint::of(|_| Reply::problem(503, "no-shared-state", "gone"));
    let targets = [
        Endpoint::filter(&policy(7, 10)).target(),
        nobody(),
        refuses.target(),
    ];
    let (delivered, _) = deliver(&fleet(&targets, &[&held, &missing]), kill(), None);
    let json = serde_json::to_value(&delivered).unwrap();
    assert_eq!(json["proxies"][0]["receipt"]["generation"], json!(8));
    assert_eq!(json["proxies"][1]["failure"]["kind"], json!("unreachable"));
    assert_eq!(
        json["proxies"][2]["failure"]["problem"],
        json!("urn:breakglass:no-shared-state")
    );
    assert_eq!(json["files"][0]["kept"], json!("holds"));
    assert_eq!(json["files"][1]["kept"], json!("failed"));
    let event = Event::Killed { delivered };
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
}

#[test]
fn a_rollout_is_seen_with_its_arms() {
    let filter = Filter::new(&policy(7, 10));
    let whole = Endpoint::of(move |request| {
        let reply = filter.answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        let rollout = &mut json["rollouts"][0];
        rollout["arms"] = json!({
            "stable": {"requests": 90, "responses": {"2xx": 88}},
            "canary": {"requests": 10, "responses": {"5xx": 2}, "answers": {
                "ended": 9, "errors": 2, "slow_first_byte": 1, "slow": 0, "unscanned": 3, "new": 1,
                "redactions": {"EMAIL_ADDRESS": {"answers": 4, "found": 7}},
            }},
        });
        rollout["judge"] = json!({"trip": {"signal": "error_rate"}, "signals": []});
        rollout["warrants_after"] = json!(5);
        json["workers"][1]["epoch"] = json!(0);
        Reply::json(&json)
    });
    // Who cannot read the counts sees the rest.
    let odd = Endpoint::of(|request| {
        let reply = Filter::new(&policy(7, 10)).answer(request);
        let mut json: Value = serde_json::from_slice(&reply.body).unwrap();
        json["rollouts"][0]["arms"] = json!({"stable": {"requests": "many"}, "canary": []});
        json["rollouts"][0]["judge"] = json!({"trip": null});
        json["rollouts"][0]["warrants_after"] = json!("later");
        json["rollouts"][0]["control"]["mood"] = json!("calm");
        Reply::json(&json)
    });
    let nobody = nobody();
    let fleet = fleet(&[whole.target(), odd.target(), nobody.clone()], &[]);
    let before = now();
    let observed = fleet.observe(&agent());
    assert!(observed.at >= before && observed.at <= now());
    let proxies: Vec<&ProxySeen> = observed.proxies.iter().collect();
    let seen: &RolloutSeen = proxies[0].seen.as_ref().unwrap();
    assert_eq!(
        (seen.policy.as_str(), seen.boot.as_str()),
        ("support", "b007")
    );
    assert_eq!(seen.generation, generation(7));
    assert_eq!(seen.percent, Percent::from_ppm(100_000));
    assert_eq!(seen.control.as_ref().unwrap().generation, generation(7));
    assert_eq!(seen.warrants_after, Some(generation(5)));
    assert_eq!(seen.judge_trip, Some(json!({"signal": "error_rate"})));
    assert_eq!((seen.workers.total, seen.workers.in_force), (2, 1));
    assert_eq!(seen.stable.responses["2xx"], 88);
    assert_eq!((seen.stable.requests, &seen.stable.answers), (90, &None));
    let found = Redactions {
        answers: 4,
        found: 7,
    };
    let answers = Answers {
        drawn: None,
        ended: 9,
        errors: 2,
        slow_first_byte: 1,
        slow: 0,
        unscanned: 3,
        redactions: [("EMAIL_ADDRESS".to_owned(), found)].into(),
    };
    assert_eq!(seen.canary.answers, Some(answers));
    assert!(!seen.killed && seen.closed.is_none());

    let odd = proxies[1].seen.as_ref().unwrap();
    assert_eq!((odd.generation, &odd.control), (generation(7), &None));
    assert_eq!(
        (&odd.stable, &odd.canary),
        (&ArmSeen::default(), &ArmSeen::default())
    );
    assert_eq!((odd.warrants_after, &odd.judge_trip), (None, &None));

    assert_eq!(proxies[2].name, nobody);
    let failed = proxies[2].seen.as_ref().unwrap_err();
    assert_eq!(failed.kind, FailureKind::Unreachable);
    assert_eq!(observed.seen().count(), 2);

    let other = fleet.observe(&Name::new("other").unwrap());
    let failed = other.proxies[0].seen.as_ref().unwrap_err();
    assert_eq!(failed.kind, FailureKind::Absent);
    assert_eq!(
        failed.why,
        "no rollout `other` is in force there; there are: agent"
    );
}

#[test]
fn who_is_asked_again_is_asked_on_the_same_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let filter = Filter::new(&policy(7, 10));
    let proxy = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Nobody else can connect.
        drop(listener);
        fake::serve(&mut stream, |request| filter.answer(request))
    });
    let fleet = fleet(&[target], &[]);
    assert_eq!(fleet.observe(&agent()).seen().count(), 1);
    assert_eq!(fleet.observe(&agent()).seen().count(), 1);
    let (delivered, _) = deliver(&fleet, kill(), None);
    assert!(delivered.everywhere(), "{:?}", delivered.proxies);
    drop(fleet);
    proxy.join().unwrap().unwrap();
}

#[test]
fn receipts_tell_who_has_a_generation() {
    let proxies = [policy(7, 10), policy(8, 10)].map(|policy| Endpoint::filter(&policy));
    let targets = proxies.each_ref().map(Endpoint::target);
    let fleet = fleet(&targets, &[]);
    let outcomes = fleet.receipts(&agent(), generation(8));
    assert_eq!(failed(&outcomes[0]).kind, FailureKind::Refused);
    let receipt = outcomes[1].result.as_ref().unwrap();
    assert_eq!(receipt.generation, generation(8));
    assert!(receipt.workers.all());
    let other = fleet.receipts(&Name::new("other").unwrap(), generation(7));
    assert_eq!(failed(&other[0]).kind, FailureKind::Absent);
}

#[test]
fn targets_of_a_list_are_refused_with_their_place() {
    let parse = |targets: &[&str], cert: Option<&Path>| {
        let targets: Vec<String> = targets.iter().map(|&target| target.into()).collect();
        let place = "breakglass.toml: proxies.targets";
        let targets = Targets::parse(&targets, place, None, cert, None, Duration::from_secs(1));
        targets.err().map(|error| format!("{error:#}")).unwrap()
    };
    let cases = [
        (
            &["10.0.0.7:10001", "10.0.0.8"][..],
            "breakglass.toml: proxies.targets[1]: `10.0.0.8` is no target: expected host:port",
        ),
        (
            &["@/nowhere"],
            "breakglass.toml: proxies.targets[0]: cannot open /nowhere",
        ),
        (
            &[],
            "breakglass.toml: proxies.targets: expected at least one target",
        ),
    ];
    for (targets, message) in cases {
        let error = parse(targets, None);
        assert!(error.starts_with(message), "{error}");
    }
    let error = parse(&["10.0.0.7:10001"], Some(Path::new("cert.pem")));
    assert_eq!(
        error,
        "a client certificate needs its private key, and the other way round"
    );
}
