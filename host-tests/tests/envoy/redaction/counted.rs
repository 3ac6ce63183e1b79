//! What is told of findings: in metrics, in the access log, and never a value.

use breakglass_redact::Format;
use serde_json::json;

use super::{CHAT_END, ON_CANARY, ON_STABLE, Scene, chat_event};
use crate::policy::ROLLOUT;
use crate::wire::End;

/// A value of each entity that is found here.
const MAIL: &str = "jane.roe@example.com";
const CARD: &str = "4111 1111 1111 1111";
const PAN: &str = "ABCPE1234F";
const SSN: &str = "078-05-1120";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_are_counted_by_rollout_arm_entity_direction_and_action() {
    let mut scene = Scene::start(json!({
        "response": {"*": "mask", "IN_PAN": "count", "STAFF_ID": "mask"},
        "request": {"*": "count"},
        "entities": {"STAFF_ID": {"shapes": ["EMP-######"]}},
    }))
    .await;
    // A stream in which a mail address comes over two events.
    let question = format!("{{\"content\":\"I am {MAIL}, {SSN}\"}}");
    let mut wire = scene.ask_with(ON_CANARY, "", question.as_bytes());
    let mut call = scene.upstream.next();
    call.begin(200, &[("content-type", "text/event-stream")]);
    for text in [
        "ask ja",
        "ne.roe@example.com or ",
        MAIL,
        &format!(", {PAN}, EMP-123456, "),
        CARD,
    ] {
        call.write(chat_event(text).as_bytes());
        scene.barrier.wait();
    }
    call.write(CHAT_END.as_bytes());
    call.end();
    assert_eq!(wire.end(), End::Whole);
    // A JSON answer on the other arm.
    let mut wire = scene.ask_with(ON_STABLE, "", b"{}");
    let body = format!("{{\"a\":\"{MAIL}\",\"b\":[\"{CARD}\",\"{CARD}\"]}}");
    scene.upstream.next().answer(
        200,
        &[("content-type", "application/json")],
        body.as_bytes(),
    );
    assert_eq!(wire.end(), End::Whole);
    // And one in which nothing is found.
    let (mut wire, mut call) = scene.open(Format::Text);
    scene.step(&mut wire, &mut call, b"nothing of the kind ");
    call.end();
    assert_eq!(wire.end(), End::Whole);

    let counters = scene.edge.counters().await;
    let found: Vec<(&str, u64)> = counters
        .iter()
        .filter_map(|(series, count)| {
            Some((series.strip_prefix("breakglass_redactions_total")?, *count))
        })
        .collect();
    let series = |arm: &str, entity: &str, direction: &str, action: &str| {
        // In the order of the shipped tags.
        let mut labels = [
            format!("rollout={ROLLOUT}"),
            format!("arm={arm}"),
            format!("entity={entity}"),
            format!("direction={direction}"),
            format!("action={action}"),
        ];
        labels.sort();
        labels.join(",")
    };
    let sorted = |labels: &str| {
        let mut labels: Vec<&str> = labels.trim_matches(['{', '}']).split(',').collect();
        labels.sort_unstable();
        labels.join(",")
    };
    let mut found: Vec<(String, u64)> = found
        .iter()
        .map(|(labels, count)| (sorted(labels), *count))
        .collect();
    found.sort();
    let mut expected = vec![
        (series("canary", "EMAIL_ADDRESS", "response", "mask"), 2),
        (series("canary", "IN_PAN", "response", "count"), 1),
        (series("canary", "STAFF_ID", "response", "mask"), 1),
        (series("canary", "CREDIT_CARD", "response", "mask"), 1),
        (series("canary", "EMAIL_ADDRESS", "request", "count"), 1),
        (series("canary", "US_SSN", "request", "count"), 1),
        (series("stable", "EMAIL_ADDRESS", "response", "mask"), 1),
        (series("stable", "CREDIT_CARD", "response", "mask"), 2),
    ];
    expected.sort();
    assert_eq!(found, expected);
    assert!(
        scene
            .edge
            .count("breakglass_held_bytes_total", &[("rollout", ROLLOUT)])
            .await
            > 0
    );

    let log = scene.edge.access_log_of(3).await;
    let field = |index: usize| {
        log[index]["breakglass"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (canary, stable, nothing) = (field(0), field(1), field(2));
    assert!(
        canary.ends_with(" redactions=EMAIL_ADDRESS:2,IN_PAN:1,STAFF_ID:1,CREDIT_CARD:1 request_redactions=EMAIL_ADDRESS:1,US_SSN:1"),
        "{canary}"
    );
    assert!(
        canary.starts_with(
            "rollout=support-agent arm=canary version=prompt-v42 generation=1 reason=pin "
        ),
        "{canary}"
    );
    assert!(
        stable.ends_with(" redactions=EMAIL_ADDRESS:1,CREDIT_CARD:2"),
        "{stable}"
    );
    assert!(!nothing.contains("redactions"), "{nothing}");

    // No value anywhere: not in Envoy's log, not in the access log, not in a name of a metric.
    let told = [
        ("log", scene.edge.log()),
        ("access log", scene.edge.access_log()),
        ("metrics", format!("{:?}", scene.edge.stats().await)),
        ("state", scene.edge.state().await.to_string()),
    ];
    for (place, text) in told {
        for value in [MAIL, "jane.roe", CARD, "1111 1111", PAN, SSN, "123456"] {
            assert!(!text.contains(value), "{value} in the {place}");
        }
    }
    scene.edge.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_names_an_unknown_entity_is_refused_with_its_path() {
    let scene = Scene::start(json!({"response": {"*": "mask"}})).await;
    let wrong = super::policy(2, &json!({"response": {"EMAIL_ADRESS": "mask"}}));
    let reason = scene.edge.offer_refused(&wrong.to_string()).await;
    assert!(
        reason.contains("rollouts[0].redaction.response.EMAIL_ADRESS"),
        "{reason}"
    );
    assert!(reason.contains("did you mean `EMAIL_ADDRESS`?"), "{reason}");
    scene.edge.finish().await;
}
