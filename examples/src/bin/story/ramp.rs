//! The ramp: attended, confirmed step by step, under live traffic.

use std::time::Duration;

use anyhow::Result;
use breakglass_examples::load::users;
use breakglass_examples::night::{ARJUN, Background, CANARY, PRIYA, STABLE};
use breakglass_examples::ui::thousands;
use serde_json::Value;

use crate::leak::found_in;
use crate::stage::{Stage, status};
use crate::traffic::USERS;

/// The engine, and whoever watches it.
pub(crate) struct Running {
    pub(crate) start: Background,
    pub(crate) watch: Background,
}

pub(crate) async fn ramp(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("7. 22:30. The ramp: 1 → 10 → 50 → 100 %, a minute in the place of half an hour");
    let change = stage.change.clone();
    let running = begin(stage).await?;
    for (number, percent) in STEPS.into_iter().enumerate() {
        in_force(stage, number, percent).await?;
        step(stage, percent).await?;
        if percent == 10 {
            let sent = stage.types(PRIYA, &["message", "sent", &change]).await?;
            stage.ui.check(
                sent.is_fine(),
                "customers are told while it goes out, not after",
                "",
            );
        }
        if percent == 50 {
            let early = stage.types(ARJUN, &["verify-harm", &change]).await?;
            stage.ui.check(
                early.status == Some(1),
                "asked too early, the harm goes on: half of the users are on the old version",
                status(&early),
            );
        }
        confirm(stage, STEPS.get(number + 1).copied()).await?;
    }
    let start = running.start.ended(PATIENCE).await?;
    let watch = running.watch.ended(PATIENCE).await?;
    stage.ui.check(
        start.is_fine() && watch.is_fine(),
        "engine and watcher end with the ramp: complete",
        format_args!("{} and {}", status(&start), status(&watch)),
    );
    let book = stage.traffic.book();
    let (wrong, faults, clear) = (book.wrong, book.faults, book.clear);
    let (answers, complaints) = (book.answers, book.complaints.join("; "));
    drop(book);
    stage.ui.check(
        wrong == 0,
        "every user was where the rule says, at both proxies alike",
        format_args!("{} answers {complaints}", thousands(answers)),
    );
    stage.ui.check(
        faults == 0 && clear == 0,
        "nobody had a bad answer because of the change, nobody saw a value",
        format_args!("{faults} bad answers, {clear} values in clear"),
    );
    Ok(())
}

/// Starts the engine; nothing rises before somebody watches.
pub(crate) async fn begin(stage: &mut Stage<'_>) -> Result<Running> {
    let change = stage.change.clone();
    let start = stage.begins(PRIYA, &["start", &change])?;
    stage
        .until("the engine runs", PATIENCE, |status| {
            status["ramp"]["running"] == true
        })
        .await?;
    // Two looks of the engine.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rises = shares(&stage.status().await?);
    stage
        .ui
        .check(rises == 0, "without a watcher no share is given", "");
    stage.traffic.book().begins(STEPS[0]);
    let watch = stage.begins(ARJUN, &["watch", &change, "--plain"])?;
    Ok(Running { start, watch })
}

/// Waits until a step is in force everywhere.
pub(crate) async fn in_force(stage: &mut Stage<'_>, number: usize, percent: u32) -> Result<()> {
    let what = format!("{percent} % in force");
    stage
        .until(&what, PATIENCE, |status| shares(status) > number)
        .await?;
    stage.traffic.book().in_force(percent);
    Ok(())
}

/// Lets the watcher say that the step that stands is well; `next` is what comes after it.
pub(crate) async fn confirm(stage: &mut Stage<'_>, next: Option<u32>) -> Result<()> {
    let change = stage.change.clone();
    if let Some(next) = next {
        stage.traffic.book().begins(next);
    }
    let ran = stage.types(ARJUN, &["confirm", &change]).await?;
    if !ran.is_fine() {
        stage
            .ui
            .check(false, "the watcher confirms the step", ran.text.trim());
    }
    Ok(())
}

/// Looks at a step while it stands.
async fn step(stage: &mut Stage<'_>, percent: u32) -> Result<()> {
    stage.traffic.book().new_chapter();
    tokio::time::sleep(LOOK_FOR).await;
    let rollouts = stage.rollouts().await?;
    let (old, new) = (found_in(&rollouts, "stable"), found_in(&rollouts, "canary"));
    let sum =
        |found: &std::collections::BTreeMap<String, u64>| found.values().sum::<u64>() as usize;
    let expected = stage.traffic.book().expected(&users(USERS), percent);
    let book = stage.traffic.book();
    let chapter = &book.chapter;
    let (of, seen, answers, canary) = (
        chapter.on_canary.len(),
        chapter.users.len(),
        chapter.answers,
        chapter.canary,
    );
    drop(book);
    let all_seen = seen == USERS;
    stage.ui.check(
        of <= expected && (!all_seen || of == expected) && canary > 0,
        format_args!("{percent} %: on the new version are those whom the rule takes, nobody else"),
        format_args!(
            "{of} of {expected} users seen, {} of {} answers",
            thousands(canary),
            thousands(answers)
        ),
    );
    stage.ui.line(format_args!(
        "found so far: {} values in answers of {STABLE}, {} in those of {CANARY}",
        thousands(sum(&old)),
        thousands(sum(&new))
    ));
    Ok(())
}

/// How many shares have come into force.
fn shares(status: &Value) -> usize {
    status["ramp"]["shares"].as_array().map_or(0, Vec::len)
}

pub(crate) const STEPS: [u32; 4] = [1, 10, 50, 100];

/// Within a step.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// A step with its hold, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
