//! The made-up personal data is what it is said to be, and the load driver sees all of it.

use std::time::Duration;

use breakglass_examples::agent::{Agent, AgentConfig, EMAIL, Rate, SENTENCES, Sentence, Writes};
use breakglass_examples::load::{End, Plan, Record, Shape, users};
use breakglass_redact::{Action, Format, Profile, Redactor, Tally};

#[test]
fn a_redactor_masks_in_each_sentence_what_it_leaks_and_nothing_else() {
    let profile = Profile::all(Action::Mask);
    for sentence in SENTENCES {
        let (text, mut masked) = (sentence.text(), Vec::new());
        let (mut redactor, mut tally) = (Redactor::new(Format::Text), Tally::default());
        redactor.push(&profile, text.as_bytes(), &mut masked, &mut tally);
        redactor.finish(&profile, &mut masked, &mut tally);
        let expected = sentence.data().fold(text, |text, datum| {
            text.replace(datum.text, &format!("[{}]", datum.entity))
        });
        assert_eq!(String::from_utf8_lossy(&masked), expected);
    }
}

#[tokio::test]
async fn the_load_driver_sees_every_leak_in_every_shape() {
    for (path, shape) in [
        ("/v1/agents/support", Shape::Json),
        ("/v1/agents/support", Shape::Stream { tokens: 12 }),
        ("/v1/messages", Shape::Json),
        ("/v1/messages", Shape::Stream { tokens: 12 }),
    ] {
        for writes in [Writes::Event, Writes::Token, Writes::Byte] {
            let case = format!("{path} {shape:?} {writes:?}");
            let (agent, records) = leak(path, shape.clone(), writes, &SENTENCES, 50.0).await;
            let clear: usize = records
                .iter()
                .map(|record| record.exposure.clear.len())
                .sum();
            let said: u64 = agent.leaked().values().sum();
            assert_eq!((clear as u64, said), (8, 8), "{case}");
            let leaky = |record: &&Record| record.exposure.is_clear();
            assert_eq!(records.iter().filter(leaky).count(), 5, "{case}");
            let ended = |record: &Record| match shape {
                Shape::Stream { .. } => record.end == End::Done,
                _ => record.end == End::Whole,
            };
            assert!(records.iter().all(ended), "{case}");
            assert!(records.iter().all(Record::is_good), "{case}");
            let version = |record: &Record| record.version.as_deref() == Some("prompt-v41");
            assert!(records.iter().all(version), "{case}");
        }
    }
}

#[tokio::test]
async fn an_agent_leaks_what_it_is_told_to_and_forgets() {
    let (path, writes) = ("/v1/agents/support", Writes::Event);
    let only: &'static [Sentence] = &SENTENCES[3..4];
    let (agent, records) = leak(path, Shape::Json, writes, only, 100.0).await;
    assert_eq!(
        agent.leaked().into_iter().collect::<Vec<_>>(),
        [(EMAIL.entity, records.len() as u64)]
    );
    agent.forget();
    assert!(agent.leaked().is_empty());
}

/// Ten users ask an agent that leaks in this share of its answers.
async fn leak(
    path: &str,
    shape: Shape,
    writes: Writes,
    pii: &'static [Sentence],
    percent: f64,
) -> (Agent, Vec<Record>) {
    let config = AgentConfig {
        latency: Duration::ZERO,
        token_delay: Duration::ZERO,
        writes,
        pii_rate: Rate::percent(percent).unwrap(),
        pii,
        ..AgentConfig::new("prompt-v41")
    };
    let agent = Agent::start(config, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let mut plan = Plan::new(agent.addr(), users(10));
    plan.path = path.to_owned();
    plan.shape = shape;
    let records = plan.run().await;
    (agent, records)
}
