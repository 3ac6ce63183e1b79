//! The dark twin: from 10 % on the fix leaks what the old version never did, and is taken back without a human.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use breakglass_examples::agent::{AgentConfig, Rate, SENTENCES};
use breakglass_examples::night::{CANARY, MEERA, PRIYA};
use breakglass_examples::ui::{ms, thousands};

use crate::prepare::{declare_quietly, is_killed_on_disk, queue, refused, sign};
use crate::ramp::{STEPS, begin, confirm, in_force};
use crate::stage::{Stage, status};

pub(crate) async fn dark(stage: &mut Stage<'_>) -> Result<()> {
    prepare(stage).await?;
    stage.ui.part("D2. The ramp, up to 10 %");
    let running = begin(stage).await?;
    in_force(stage, 0, STEPS[0]).await?;
    stage.traffic.chapter(300).await?;
    confirm(stage, Some(STEPS[1])).await?;
    in_force(stage, 1, STEPS[1]).await?;
    stage.traffic.chapter(600).await?;
    let (canary, by_canary) = {
        let book = stage.traffic.book();
        (book.chapter.canary, book.chapter.masked_by[1])
    };
    stage.ui.check(
        canary > 0 && by_canary == 0,
        format_args!("10 %: so far {CANARY} leaks nothing"),
        format_args!("{} answers", thousands(canary)),
    );

    stage.ui.part(
        "D3. From now on the new version gives away a card and a mobile number in every answer",
    );
    let onset = onset(stage);
    let start = running.start.ended(PATIENCE).await?;
    stage.traffic.book().in_force(0);
    let watch = running.watch.ended(PATIENCE).await?;
    taken_back(stage, onset)?;
    let typed = start.text.lines().find(|line| line.contains("ROLLED BACK"));
    stage.ui.check(
        start.status == Some(1) && watch.status == Some(1) && typed.is_some(),
        "taken back, and nobody has typed anything",
        format_args!(
            "engine and watcher end with {} and {}",
            status(&start),
            status(&watch)
        ),
    );
    let rollouts = stage.rollouts().await?;
    let killed = rollouts
        .iter()
        .filter(|rollout| !rollout["control"]["kill"].is_null())
        .count();
    let kept = stage
        .edges
        .iter()
        .filter(|edge| is_killed_on_disk(edge))
        .count();
    stage.ui.check(
        killed == rollouts.len() && kept == rollouts.len(),
        "the kill is in force at every proxy, and in every file that they start from",
        format_args!("{killed} proxies, {kept} files"),
    );
    stage.traffic.chapter(600).await?;
    let (on_canary, wrong, clear, faults, complaints) = {
        let book = stage.traffic.book();
        let complaints = book.complaints.join("; ");
        (
            book.chapter.canary,
            book.wrong,
            book.clear,
            book.faults,
            complaints,
        )
    };
    stage.ui.check(
        on_canary == 0 && wrong == 0,
        "everybody is back on the old version",
        format_args!("{on_canary} of the next 600 answers are the new one's {complaints}"),
    );
    stage.ui.check(
        clear == 0 && faults == 0,
        "and no user saw a card number: what leaked was masked all the while",
        format_args!("{clear} values in clear, {faults} bad answers"),
    );
    again(stage).await
}

/// Everything up to the start, with little to read.
async fn prepare(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("D1. Declared, drilled, approved, queued: as before");
    declare_quietly(stage).await?;
    let change = stage.change.clone();
    let ran = stage.types(PRIYA, &["drill", &change]).await?;
    stage
        .ui
        .check(ran.is_fine(), "the rollback was tried out", status(&ran));
    sign(stage).await?;
    queue(stage).await
}

/// Has both canaries leak from now on; since when.
fn onset(stage: &Stage<'_>) -> Instant {
    stage.traffic.book().may_go_back();
    stage.traffic.book().new_chapter();
    let onset = Instant::now();
    for edge in &stage.edges {
        let canary = &edge.agents().canary;
        canary.reconfigure(AgentConfig {
            // A card number and a mobile number: neither was ever seen on the old version.
            pii: &SENTENCES[1..2],
            pii_rate: Rate::ALWAYS,
            ..AgentConfig::clone(&canary.config())
        });
    }
    onset
}

/// How long it took, by what reached the agents.
fn taken_back(stage: &mut Stage<'_>, onset: Instant) -> Result<()> {
    let mut seen: Vec<Instant> = Vec::new();
    for edge in &stage.edges {
        let all = edge.agents().canary.seen();
        seen.extend(all.iter().map(|seen| seen.at).filter(|at| *at >= onset));
    }
    seen.sort();
    let first = *seen
        .first()
        .context("the new version was asked nothing any more")?;
    let last = seen.last().map_or(Duration::ZERO, |last| *last - first);
    stage.ui.line(format_args!(
        "from the first leaking answer to the last request that reached {CANARY}: {} requests, {}",
        seen.len(),
        ms(last)
    ));
    stage.ui.check(
        last < SOON,
        "the leak lasts seconds, not minutes",
        format_args!(
            "{} requests in {}, at both proxies together",
            seen.len(),
            ms(last)
        ),
    );
    Ok(())
}

/// What was taken back stays so.
async fn again(stage: &mut Stage<'_>) -> Result<()> {
    stage.ui.part("D4. What was taken back stays so");
    let change = stage.change.clone();
    let ran = stage.types(PRIYA, &["start", &change]).await?;
    refused(
        stage,
        &ran,
        "not-ended",
        "no second start with the approvals of the first",
    );
    stage.types(PRIYA, &["status", &change]).await?;
    let why = "Found: the new prompt quotes the order's payment record. Removed from the prompt's examples";
    let ran = stage
        .types(PRIYA, &["rearm", &change, "--why", why])
        .await?;
    stage.ui.check(
        ran.is_fine(),
        "it can be rearmed, with a reason",
        status(&ran),
    );
    let ran = stage.types(PRIYA, &["start", &change]).await?;
    refused(
        stage,
        &ran,
        "drill-first",
        "rearmed, it asks for a new drill …",
    );
    refused(stage, &ran, "approved", "… and for new approvals");
    let ran = stage.types(MEERA, &["report"]).await?;
    stage.ui.check(ran.is_fine(), "the report counts it", "");
    let ran = stage.types(MEERA, &["journal", "show", &change]).await?;
    stage.ui.check(
        ran.is_fine() && ran.text.contains("rolled"),
        "and the journal tells it, with what was counted",
        "",
    );
    let ran = stage.types(MEERA, &["journal", "verify"]).await?;
    stage.ui.check(ran.is_fine(), "the journal holds", "");
    Ok(())
}

/// More than a look of the engine, a delivery and a busy machine need.
const SOON: Duration = Duration::from_secs(5);

const PATIENCE: Duration = Duration::from_secs(60);
