//! A canary that gets worse in front of everybody: the filter finds it by itself and sends everyone
//! back, with one proxy and nobody watching. How fast is printed: in requests and in milliseconds from
//! the moment at which it got worse to its last request.

mod counted;

use std::time::{Duration, Instant};

use breakglass_examples::agent::{AgentConfig, Failure, Rate, SENTENCES, Sentence};
use breakglass_examples::load::{Load, Plan, Shape, Update, users};
use breakglass_examples::share::{Percent, Salt};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::edge::{Edge, eventually, options};
use crate::policy::{ROLLOUT, SALT, STABLE, policy_with, ramp};

/// One way in which a canary gets worse.
struct Story {
    what: &'static str,
    /// What the judge watches, and by what it is to find out.
    signals: Value,
    signal: &'static str,
    shape: Shape,
    /// What both versions are like before, and the new one after.
    both: fn(&mut AgentConfig),
    worse: fn(&mut AgentConfig),
    /// How long both run side by side, at least.
    warm_up: Duration,
}

/// Users of both arms who ask on and on.
struct Crowd {
    _loads: [Load; 2],
    news: UnboundedReceiver<Update>,
}

const SHARE_PERCENT: u32 = 20;
const STREAM: Shape = Shape::Stream { tokens: 8 };
/// An e-mail address; an Aadhaar number and another one.
static MAIL: &[Sentence] = &[SENTENCES[3]];
static AADHAAR: &[Sentence] = &[SENTENCES[0]];

fn errors() -> Value {
    json!([{"error_rate": {}}])
}

fn latency() -> Value {
    json!([{"latency": {"first_byte": "250ms", "answer": "1s"}}])
}

fn as_it_is(_: &mut AgentConfig) {}

impl Story {
    fn new(what: &'static str, signal: &'static str, signals: Value) -> Self {
        Self {
            what,
            signal,
            signals,
            shape: Shape::Json,
            both: as_it_is,
            worse: as_it_is,
            warm_up: Duration::ZERO,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_fails_is_rolled_back() {
    let story = Story::new("every second request fails", "error_rate", errors());
    play(Story {
        both: |agent| agent.error_rate = Rate::percent(1.0).unwrap(),
        worse: |agent| agent.error_rate = Rate::percent(50.0).unwrap(),
        ..story
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_fails_in_the_middle_of_its_streams_is_rolled_back() {
    for (what, failure) in [
        ("streams end with an error event", Failure::ErrorEvent),
        ("streams break off", Failure::BreakOff),
    ] {
        let worse: fn(&mut AgentConfig) = match failure {
            Failure::ErrorEvent => |agent| {
                (agent.error_rate, agent.failure) = (Rate::ALWAYS, Failure::ErrorEvent);
            },
            _ => |agent| {
                (agent.error_rate, agent.failure) = (Rate::ALWAYS, Failure::BreakOff);
            },
        };
        let story = Story::new(what, "error_rate", errors());
        play(Story {
            shape: STREAM,
            worse,
            ..story
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_slows_down_is_rolled_back() {
    let story = Story::new("the first byte takes 400 ms", "slow_first_byte", latency());
    play(Story {
        worse: |agent| agent.latency = Duration::from_millis(400),
        ..story
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_answers_nobody_any_more_is_rolled_back() {
    let story = Story::new("no answer comes", "slow_first_byte", latency());
    play(Story {
        worse: |agent| agent.latency = Duration::from_secs(3600),
        ..story
    })
    .await;
    let bounds = json!([{"latency": {"answer": "400ms"}}]);
    let story = Story::new("streams stop in the middle", "slow", bounds);
    play(Story {
        shape: STREAM,
        worse: |agent| agent.token_delay = Duration::from_secs(3600),
        ..story
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_leaks_what_must_not_leak_is_rolled_back_by_its_first_leak() {
    let signals = json!([{"zero_tolerance": ["IN_AADHAAR"]}, {"error_rate": {}}]);
    for shape in [Shape::Json, STREAM] {
        let story = Story::new(
            "one answer in twenty leaks",
            "zero_tolerance",
            signals.clone(),
        );
        let leaks = play(Story {
            shape,
            worse: |agent| {
                (agent.pii_rate, agent.pii) = (Rate::percent(5.0).unwrap(), AADHAAR);
            },
            ..story
        })
        .await;
        // Those that were under way when the first one came.
        assert!((1..=40).contains(&leaks), "{leaks} answers leaked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_leaks_more_is_rolled_back() {
    let signals = json!([{"redactions": {"entity": "*"}}]);
    let story = Story::new("half of the answers leak", "redactions", signals);
    play(Story {
        both: |agent| (agent.pii_rate, agent.pii) = (Rate::percent(5.0).unwrap(), MAIL),
        worse: |agent| agent.pii_rate = Rate::percent(50.0).unwrap(),
        ..story
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_in_which_nothing_is_found_any_more_is_rolled_back() {
    let signals = json!([{"redactions": {"entity": "EMAIL_ADDRESS", "two_sided": true}}]);
    let story = Story::new("nothing is found any more", "redactions", signals);
    play(Story {
        shape: STREAM,
        both: |agent| (agent.pii_rate, agent.pii) = (Rate::percent(50.0).unwrap(), MAIL),
        worse: |agent| agent.pii_rate = Rate::NEVER,
        // Silence says nothing before: the first answers may all be quick ones.
        warm_up: Duration::from_secs(62),
        ..story
    })
    .await;
}

/// Plays a story to its end; tells how many answers of the canary leaked.
async fn play(story: Story) -> u64 {
    let edge = start(&story).await;
    let mut crowd = Crowd::gather(&edge, &story);
    let begun = Instant::now();
    eventually("both versions answer", || {
        edge.agents().canary.seen_total() >= 200
    })
    .await;
    tokio::time::sleep(story.warm_up.saturating_sub(begun.elapsed())).await;
    assert_eq!(
        judge(&edge).await["trip"],
        Value::Null,
        "{}: before",
        story.what
    );

    let before = edge.agents().canary.seen_total();
    let mut config = (*edge.agents().canary.config()).clone();
    (story.worse)(&mut config);
    edge.agents().canary.reconfigure(config);
    let onset = Instant::now();
    let deadline = onset + LIMIT;
    while edge.control().await["kill"].is_null() {
        assert!(
            Instant::now() < deadline,
            "{}: not found: {}",
            story.what,
            judge(&edge).await
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let known = Instant::now();
    // Whoever would still go to the canary has the time to.
    tokio::time::sleep(Duration::from_millis(300)).await;
    crowd.news.close();
    drop(crowd);

    let seen = edge.agents().canary.seen();
    let last = seen.iter().map(|seen| seen.at).max().unwrap_or(onset);
    let state = edge.state().await;
    let rollout = &state["rollouts"][0];
    let trip = &rollout["judge"]["trip"];
    println!(
        "{}: {} requests of the canary and {:.0?} from onset to the last one ({:.0?} until the operator's endpoint told); {}",
        story.what,
        edge.agents().canary.seen_total() - before,
        last.saturating_duration_since(onset),
        known - onset,
        trip["verdict"],
    );
    assert_eq!(trip["verdict"]["signal"], story.signal, "{trip}");
    assert_eq!(
        (&trip["generation"], &rollout["control"]["generation"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(rollout["control"]["kill"]["mode"], "rollback");
    let labels = [("rollout", ROLLOUT), ("signal", story.signal)];
    let counted = edge.count("breakglass_judge_trips_total", &labels).await;
    assert_eq!(counted, 1, "counted once for all workers");
    let log = edge.log();
    let lines = log.lines().filter(|line| line.contains("the judge sends"));
    assert_eq!(lines.count(), 1, "{log}");
    let leaked = SENTENCES.iter().flat_map(Sentence::data);
    assert!(
        !leaked.into_iter().any(|datum| log.contains(datum.text)),
        "a value is in the log"
    );

    let canary = edge.agents().canary.seen_total();
    let records = Plan::new(edge.traffic(), users(200)).run().await;
    let wrong = records
        .iter()
        .find(|record| record.version.as_deref().is_some_and(|it| it != STABLE));
    assert!(wrong.is_none(), "{wrong:?}");
    assert_eq!(edge.agents().canary.seen_total(), canary, "after the kill");
    let leaks = edge.agents().canary.leaked();
    edge.finish().await;
    leaks.values().max().copied().unwrap_or_default()
}

async fn start(story: &Story) -> Edge {
    let judge = json!({"alpha": 0.001, "signals": story.signals});
    let members = json!({"judge": judge, "redaction": {"response": {"*": "mask"}}});
    let mut options = options(policy_with(ramp(1, SHARE_PERCENT), members));
    for agent in [&mut options.stable, &mut options.canary] {
        agent.token_delay = Duration::from_millis(1);
        (story.both)(agent);
    }
    Edge::start_with(options).await
}

/// What the judge says.
async fn judge(edge: &Edge) -> Value {
    edge.state().await["rollouts"][0]["judge"].clone()
}

// === impl Crowd ===

impl Crowd {
    /// Each arm has users of its own, so that one that hangs does not keep those of the other waiting.
    fn gather(edge: &Edge, story: &Story) -> Self {
        let salt = Salt::new(SALT);
        let takes = |user: &String| salt.takes(user, Percent::whole(SHARE_PERCENT));
        let (canary, stable) = users(2_000).into_iter().partition(takes);
        let (updates, news) = mpsc::unbounded_channel();
        let loads = [(stable, 32), (canary, 16)].map(|(users, concurrency)| {
            let mut plan = Plan::new(edge.traffic(), users);
            plan.shape = story.shape.clone();
            (plan.concurrency, plan.passes) = (concurrency, None);
            plan.pause = Duration::from_millis(10);
            plan.start(updates.clone())
        });
        Self {
            _loads: loads,
            news,
        }
    }
}

/// So long it takes on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);
