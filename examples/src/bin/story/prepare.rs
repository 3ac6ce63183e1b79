//! From the first attempt to the last signature: what is refused on the way, and what it takes.

use std::fs;

use anyhow::{Context, Result, ensure};
use breakglass_examples::night::{ARJUN, MEERA, PRIYA, RAVI, ROLLOUT, Ran};
use breakglass_examples::stack::Stack;
use serde_json::Value;

use crate::stage::Stage;

/// What is tried the same evening and is no emergency.
pub(crate) async fn no_emergency(stage: &mut Stage<'_>) -> Result<()> {
    stage.ui.part("2. 21:52. What is not an emergency");
    stage
        .ui
        .line("The usual way first: may the fix go out as any other promotion?");
    let ran = stage.types(ARJUN, &["routine", "check", ROLLOUT]).await?;
    refused(
        stage,
        &ran,
        "change-window",
        "no routine promotion outside the change window",
    );

    stage.ui.gap();
    stage
        .ui
        .line("Somebody sees that emergencies are going out tonight, and wants one too:");
    let ran = stage
        .types(MEERA, &["declare", "--file", "wanted-now.toml"])
        .await?;
    refused(
        stage,
        &ran,
        "emergency",
        "`somebody wants it` is no emergency, and is told what to do instead",
    );

    stage.ui.gap();
    stage
        .ui
        .line("And somebody in a hurry would give the fix to everybody at once:");
    let folder = stage.night.project();
    let change = fs::read_to_string(folder.join("change.toml"))?;
    let at_once = fs::read_to_string(folder.join("at-once.toml"))?;
    fs::write(folder.join("hasty.toml"), change + "\n" + &at_once)?;
    stage
        .ui
        .typed("priya", "cat change.toml at-once.toml > hasty.toml");
    let ran = stage
        .types(PRIYA, &["declare", "--file", "hasty.toml"])
        .await?;
    refused(
        stage,
        &ran,
        "maximum-compression",
        "100 % at once without a ground for it is refused",
    );
    Ok(())
}

pub(crate) async fn declare(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("3. 22:04. Declared: why, what is skipped, and who stands for it");
    stage.ui.typed("priya", "cat change.toml");
    let text = fs::read_to_string(stage.night.project().join("change.toml"))?;
    stage.ui.said(&text, DECLARATION_LINES);
    let ran = stage
        .types(PRIYA, &["declare", "--file", "change.toml", "--check"])
        .await?;
    stage.ui.check(
        ran.is_fine(),
        "the record passes every rule before it is written",
        "",
    );
    declare_quietly(stage).await?;

    stage.ui.gap();
    stage.ui.line("Can it start now?");
    let change = stage.change.clone();
    let ran = stage.types(PRIYA, &["start", &change]).await?;
    for (rule, promise) in [
        ("drill-first", "no start before the rollback was tried out"),
        ("approved", "no start before it was approved"),
        (
            "communication",
            "no start before the message to customers is queued",
        ),
    ] {
        refused(stage, &ran, rule, promise);
    }
    let percents = shares(stage).await?;
    let zero = percents.iter().all(|percent| percent == "0");
    stage.ui.check(zero, "nobody is on the new version", "");
    Ok(())
}

/// Declares, and keeps the id.
pub(crate) async fn declare_quietly(stage: &mut Stage<'_>) -> Result<()> {
    let ran = stage
        .types(PRIYA, &["declare", "--file", "change.toml"])
        .await?;
    ensure!(ran.is_fine(), "not declared: {}", ran.text);
    let id = ran.text.lines().find_map(|line| {
        let (id, _) = line.split_once(": declared")?;
        id.starts_with("chg-").then(|| id.to_owned())
    });
    stage.change = id.with_context(|| format!("declared, but as what? {}", ran.text))?;
    Ok(())
}

pub(crate) async fn drill(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("4. 22:09. The drill: the rollback is tried out before anybody needs it");
    let change = stage.change.clone();
    let faults = stage.traffic.book().faults;
    let ran = stage.types(PRIYA, &["drill", &change]).await?;
    stage.ui.check(
        ran.is_fine() && ran.text.contains("PASSED"),
        "the kill reaches every proxy, and every file that they start from",
        "",
    );
    let kept = stage.edges.iter().all(is_killed_on_disk);
    stage.ui.check(
        kept,
        "a proxy that restarts now would find the kill",
        "read from both files",
    );
    stage.traffic.chapter(300).await?;
    let faults = stage.traffic.book().faults - faults;
    stage.ui.check(
        faults == 0,
        "no user notices the drill",
        format_args!("{faults} bad answers in the next 300"),
    );
    Ok(())
}

/// Whether the file that this proxy starts from has the kill.
pub(crate) fn is_killed_on_disk(edge: &Stack) -> bool {
    let text = fs::read_to_string(edge.dir().join("ecds/breakglass.yaml")).unwrap_or_default();
    let compact: String = text.split_whitespace().collect();
    compact.contains(r#""kill":{"#)
}

pub(crate) async fn approve(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("5. 22:15. Two approvals, one of them from another machine");
    let change = stage.change.clone();
    let ran = stage.types(PRIYA, &["approve", &change, "--yes"]).await?;
    refused(stage, &ran, "authority", "nobody approves their own change");
    sign(stage).await?;
    Ok(())
}

/// Both sign; the second at another machine.
pub(crate) async fn sign(stage: &mut Stage<'_>) -> Result<()> {
    let change = stage.change.clone();
    let ran = stage.types(MEERA, &["approve", &change, "--yes"]).await?;
    let waits = ran.is_fine() && ran.text.contains(RAVI.id);
    stage.ui.check(waits, "one signature is not enough", "");

    let ran = stage
        .types(PRIYA, &["approve", &change, "--export", "request.json"])
        .await?;
    ensure!(ran.is_fine(), "no request: {}", ran.text);
    stage.night.to_laptop("request.json")?;
    stage.ui.gap();
    stage
        .ui
        .line("The file goes to Ravi, who reads it and signs it there:");
    let key = RAVI.key();
    let sign = [
        "approve",
        "--sign",
        "request.json",
        "-o",
        "signed.json",
        "--key",
        &key,
        "--id",
        RAVI.id,
        "--yes",
    ];
    let ran = stage.types(RAVI, &sign).await?;
    ensure!(ran.is_fine(), "not signed: {}", ran.text);
    stage.night.from_laptop("signed.json")?;
    let ran = stage
        .types(PRIYA, &["approve", &change, "--import", "signed.json"])
        .await?;
    let status = stage.status().await?;
    let missing = status["approvals"]["missing"].as_array().map(Vec::len);
    stage.ui.check(
        ran.is_fine() && missing == Some(0),
        "both have signed, each with a key of their own",
        "",
    );
    Ok(())
}

pub(crate) async fn message(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("6. 22:24. What customers are told waits before the first percent");
    queue(stage).await
}

pub(crate) async fn queue(stage: &mut Stage<'_>) -> Result<()> {
    let change = stage.change.clone();
    let text = "Answers of our assistant may have shown data of others, masked. A corrected version is going out now.";
    let draft = stage
        .types(PRIYA, &["message", "draft", &change, "--text", text])
        .await?;
    let queue = ["message", "queue", &change, "--channel", "status page"];
    let queue = stage.types(PRIYA, &queue).await?;
    stage.ui.check(
        draft.is_fine() && queue.is_fine(),
        "the message is drafted and queued",
        "",
    );
    Ok(())
}

/// Checks that a rule has refused it, by its name.
pub(crate) fn refused(stage: &mut Stage<'_>, ran: &Ran, rule: &str, promise: &str) {
    let found = match ran.is_refused_by(rule) {
        true => format!("rule {rule}"),
        false => format!("not refused by {rule}, status {:?}", ran.status),
    };
    stage.ui.check(ran.is_refused_by(rule), promise, found);
}

/// The share that each proxy has in force.
pub(crate) async fn shares(stage: &Stage<'_>) -> Result<Vec<String>> {
    let rollouts = stage.rollouts().await?;
    Ok(rollouts
        .iter()
        .map(|rollout| percent(&rollout["percent"]))
        .collect())
}

fn percent(value: &Value) -> String {
    value.to_string().trim_end_matches(".0").to_owned()
}

/// The record is worth reading as a whole; comments and blank lines make it long.
const DECLARATION_LINES: usize = 60;
