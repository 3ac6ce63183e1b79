//! The leak is found: the old version gives away personal data, and users see none of it.

use std::collections::BTreeMap;

use anyhow::Result;
use breakglass_examples::night::{CANARY, PRIYA, STABLE};
use breakglass_examples::ui::thousands;
use serde_json::Value;

use crate::stage::Stage;
use crate::traffic::USERS;

pub(crate) async fn leak(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("1. 21:40. The leak: masked, counted, and still there");
    stage.ui.line(format_args!(
        "{} users, at both proxies, over HTTP/1.1 and HTTP/2; {STABLE} serves everybody, {CANARY} is the fix",
        thousands(USERS)
    ));
    stage.traffic.chapter(ANSWERS).await?;
    {
        let book = stage.traffic.book();
        let (chapter, clear, faults) = (&book.chapter, book.clear, book.faults);
        let placeholders = chapter.placeholders.iter();
        let placeholders: Vec<_> = placeholders
            .map(|(entity, times)| format!("{times} [{entity}]"))
            .collect();
        let found = format!(
            "{} answers, {} of them streams; {} with placeholders ({}), {clear} with a value in clear",
            thousands(chapter.answers),
            thousands(chapter.streams),
            thousands(chapter.masked),
            placeholders.join(", "),
        );
        let held = chapter.masked > 0 && clear == 0 && faults == 0;
        drop(book);
        stage
            .ui
            .check(held, "users see placeholders, never a value", found);
    }
    let targets = stage
        .edges
        .iter()
        .map(|edge| edge.operator().addr().to_string());
    let targets = targets.collect::<Vec<_>>().join(",");
    let state = ["state", "--targets", &targets];
    let ran = stage.types(PRIYA, &state).await?;
    let counted = found_in(&stage.rollouts().await?, "stable");
    let held = ran.is_fine()
        && ENTITIES
            .iter()
            .all(|entity| counted.get(*entity) > Some(&0));
    let counted: Vec<_> = counted
        .iter()
        .map(|(entity, found)| format!("{entity} {found}"))
        .collect();
    stage.ui.check(
        held,
        format_args!("the proxies have counted what {STABLE} leaks"),
        counted.join(", "),
    );
    Ok(())
}

/// The values that the proxies found in answers of an arm, by entity.
pub(crate) fn found_in(rollouts: &[Value], arm: &str) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for rollout in rollouts {
        let Some(redactions) = rollout["arms"][arm]["answers"]["redactions"].as_object() else {
            continue;
        };
        for (entity, found) in redactions {
            *all.entry(entity.clone()).or_default() += found["found"].as_u64().unwrap_or_default();
        }
    }
    all
}

/// What it leaks: the sentences of `Stage::open`.
const ENTITIES: [&str; 3] = ["EMAIL_ADDRESS", "IN_PAN", "IN_UPI_ID"];

const ANSWERS: usize = 600;
