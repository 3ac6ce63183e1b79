//! After: harm stopped by the counts, gates run, debts paid, the postmortem, the record.

use std::fs;

use anyhow::Result;
use breakglass_examples::night::{ARJUN, MEERA, PRIYA};

use crate::prepare::refused;
use crate::stage::{Stage, status};

pub(crate) async fn harm(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("8. 23:10. Has the harm stopped? The counts say, not the people");
    let change = stage.change.clone();
    let ran = stage.types(ARJUN, &["verify-harm", &change]).await?;
    stage.ui.check(
        ran.is_fine(),
        "the harm has stopped, by what every proxy has counted",
        status(&ran),
    );
    stage.traffic.chapter(400).await?;
    let masked = stage.traffic.book().chapter.masked;
    stage.ui.check(
        masked == 0,
        "users see no placeholder any more either",
        format_args!("{masked} in 400 answers"),
    );
    Ok(())
}

pub(crate) async fn owed(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .ui
        .part("9. The next morning. What was skipped is owed");
    let change = stage.change.clone();
    let ran = stage.types(PRIYA, &["close", &change]).await?;
    for (rule, promise) in [
        (
            "gates-run",
            "not closed before the skipped evaluation has run",
        ),
        (
            "debts-paid",
            "not closed before what was skipped is made up for",
        ),
        ("postmortem", "not closed before the postmortem is written"),
    ] {
        refused(stage, &ran, rule, promise);
    }
    stage.types(PRIYA, &["debt", "list"]).await?;

    stage.ui.gap();
    stage.ui.line("The late evaluation:");
    let ran = stage
        .types(PRIYA, &["gate", "run", &change, "eval"])
        .await?;
    stage.ui.check(
        ran.status == Some(1) && ran.text.to_lowercase().contains("regress"),
        "the late evaluation shows a regression, and asks what it is",
        status(&ran),
    );
    let ran = stage
        .types(
            PRIYA,
            &[
                "debt",
                "pay",
                &change,
                "eval_gate",
                "--how",
                "Everybody says that it is fine",
            ],
        )
        .await?;
    refused(
        stage,
        &ran,
        "debts-paid",
        "an evaluation is not made up for by words",
    );
    let note = "Two cases expected the agent to read PAN and e-mail back, which is what the fix ends: the set is updated";
    let decided = stage
        .types(
            PRIYA,
            &[
                "gate",
                "decide",
                &change,
                "eval",
                "--intended",
                "--note",
                note,
            ],
        )
        .await?;
    let cases = stage.night.project().join("eval/cases.txt");
    let text = fs::read_to_string(&cases)?;
    fs::write(
        &cases,
        text.replace("| read it back      |", "| decline           |"),
    )?;
    stage.ui.typed(
        "priya",
        "sed -i 's/| read it back      |/| decline           |/' eval/cases.txt",
    );
    let again = stage
        .types(PRIYA, &["gate", "run", &change, "eval"])
        .await?;
    stage.ui.check(
        decided.is_fine() && again.is_fine(),
        "decided: intended; the set is updated, and passes",
        "",
    );

    let looked =
        "Read 200 answers of the first hour: no refusal that should not be, two clumsy ones";
    let told = "Told the change board on Friday; the window opens at 08:00 from now on";
    let canary = stage
        .types(ARJUN, &["debt", "pay", &change, "canary", "--how", looked])
        .await?;
    let window = stage
        .types(
            PRIYA,
            &["debt", "pay", &change, "change_window", "--how", told],
        )
        .await?;
    stage.ui.check(
        canary.is_fine() && window.is_fine(),
        "the other debts are paid, each with what was done",
        "",
    );

    stage.ui.typed("priya", "cat actions.toml");
    let actions = fs::read_to_string(stage.night.project().join("actions.toml"))?;
    stage.ui.said(&actions, 20);
    let write = [
        "postmortem",
        &change,
        "-o",
        "postmortem.md",
        "--actions",
        "actions.toml",
    ];
    let ran = stage.types(PRIYA, &write).await?;
    let page = fs::read_to_string(stage.night.project().join("postmortem.md")).unwrap_or_default();
    stage.ui.said(&page, POSTMORTEM_LINES);
    stage.ui.check(
        ran.is_fine() && page.contains(&change),
        "the postmortem writes itself from the journal; people add what is done about it",
        format_args!("{} lines", page.lines().count()),
    );
    let ran = stage.types(MEERA, &["close", &change]).await?;
    stage.ui.check(ran.is_fine(), "now it closes", status(&ran));
    Ok(())
}

pub(crate) async fn record(stage: &mut Stage<'_>) -> Result<()> {
    stage.ui.part("10. The record");
    let ran = stage.types(MEERA, &["report"]).await?;
    stage.ui.check(
        ran.is_fine() && ran.text.contains("how often it was tried"),
        "the report counts the emergency, and every mistake that was tried",
        "",
    );
    let ran = stage.types(MEERA, &["journal", "verify"]).await?;
    stage.ui.check(
        ran.is_fine(),
        "the journal holds: nothing was changed, taken out or put in",
        "",
    );
    let ran = stage
        .types(MEERA, &["journal", "export", "-o", "journal.jsonl"])
        .await?;
    let file = stage.night.project().join("journal.jsonl");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replacen(RAVI_APPROVES, PRIYA_APPROVES, 1))?;
    let changed = fs::read_to_string(&file)? != text;
    if changed {
        stage.ui.typed(
            "meera",
            r#"sed -i 's/"approver":"ravi"/"approver":"priya"/' journal.jsonl"#,
        );
    }
    let checked = stage
        .types(MEERA, &["journal", "verify", "journal.jsonl"])
        .await?;
    stage.ui.check(
        ran.is_fine() && changed && checked.status == Some(1),
        "a journal in which one name was changed does not",
        status(&checked),
    );
    Ok(())
}

/// A signature in the journal, and what somebody would like it to be.
const RAVI_APPROVES: &str = r#""approver":"ravi""#;
const PRIYA_APPROVES: &str = r#""approver":"priya""#;

const POSTMORTEM_LINES: usize = 45;
