//! Results of gates: taken from elsewhere, told, listed.

use std::path::Path;

use anyhow::{Result, bail};
use breakglass_policy::Name;
use serde_json::json;

use crate::change::Change;
use crate::change::event::GateResult;
use crate::change::rules;
use crate::input;
use crate::journal::chain;
use crate::outcome::Outcome;
use crate::output::Output;
use crate::project::config::Config;
use crate::session::{ChangeArgument, Session};
use crate::words::cut;

/// What the journal keeps of a file with a result.
pub(super) fn of_file(file: &Path) -> Result<String> {
    let bytes = input::document(file, FILE_BYTES)?;
    let name = file.display();
    if bytes.len() > FILE_BYTES {
        bail!("{name} is longer than {FILE_BYTES} bytes, expected a result");
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    if text.is_empty() {
        bail!("{name} is empty, expected a result");
    }
    let digest = chain::digest(&bytes);
    let skipped = text.chars().count().saturating_sub(TAIL_LETTERS);
    let tail: String = text.chars().skip(skipped).collect();
    Ok(format!("{name} ({digest}):\n{tail}"))
}

/// What the journal keeps of a result that somebody tells.
pub(super) fn of_words(text: &str) -> Result<String> {
    if !rules::is_specific(text) && !text.contains("://") {
        bail!(
            "`{}` is no result; expected where it can be read, or what was run and what came out (--detail, or --file with the result itself)",
            text.trim()
        );
    }
    Ok(format!("attached: {}", text.trim()))
}

/// Tells what a gate has said, and what it means for this change.
pub(super) fn tell(change: &Change, gate: &Name, config: &Config, json: bool) -> Result<()> {
    let id = &change.id;
    let Some((_, _, run)) = change.gates.get(gate) else {
        return Ok(());
    };
    let (regressed, running) = (
        run.result == GateResult::Regression,
        change.ramp.is_running(),
    );
    let exposed = running || change.ramp.is_completed();
    let left = config
        .gates
        .iter()
        .filter(|gate| !change.gates.contains_key(&gate.name));
    let left: Vec<_> = left.map(|gate| gate.name.as_str()).collect();
    let question = (regressed && run.late).then_some(QUESTION);
    let next = match (regressed, run.late) {
        (true, true) if exposed => vec![
            format!(
                "breakglass kill {id}   (what stands in for the gate is that a regression rolls back)"
            ),
            format!("breakglass gate decide {id} {gate} --real|--intended --note …"),
        ],
        (true, true) => vec![format!(
            "breakglass gate decide {id} {gate} --real|--intended --note …"
        )],
        (true, false) => vec![
            "refine the version, and declare that one: with this result it does not start".into(),
        ],
        (false, _) => match left.first() {
            Some(other) => vec![format!("breakglass gate run {id} {other}")],
            None => vec![format!("breakglass status {id}")],
        },
    };
    let mut output = Output::new();
    if json {
        output.json(&json!({
            "change": id, "gate": gate, "result": run.result, "late": run.late, "detail": run.detail,
            "question": question, "next": next,
        }))?;
        return output.finish();
    }
    let late = if run.late { ", after the start" } else { "" };
    output.line(&format!("{id}: gate {gate}: {}{late}", run.result.as_str()))?;
    for line in question.iter() {
        output.line(line)?;
    }
    for next in next {
        output.line(&format!("next: {next}"))?;
    }
    output.finish()
}

/// Lists the gates of the project with what each has said of a change.
pub(super) fn list(session: &Session, which: &ChangeArgument, json: bool) -> Result<Outcome> {
    let config = &session.project.config;
    let ledger = session.ledger()?;
    // Without any change the gates themselves are what there is to list.
    let change = match which.is_named() {
        true => Some(which.of(&ledger)?),
        false => ledger.only_open().ok(),
    };
    let mut output = Output::new();
    if json {
        let gates = config.gates.iter().map(|gate| {
            let run = change.and_then(|change| change.gates.get(&gate.name));
            let decision = change.and_then(|change| change.decisions.get(&gate.name));
            json!({
                "gate": gate.name,
                "command": gate.command,
                "timeout": gate.timeout,
                "result": run.map(|(_, _, run)| run.result),
                "late": run.map(|(_, _, run)| run.late),
                "at": run.map(|(at, _, _)| at),
                "by": run.map(|(_, by, _)| by),
                "detail": run.map(|(_, _, run)| &run.detail),
                "decision": decision.map(|(_, _, decision)| decision),
            })
        });
        let change = change.map(|change| &change.id);
        output.json(&json!({"change": change, "gates": gates.collect::<Vec<_>>()}))?;
        output.finish()?;
        return Ok(Outcome::Fine);
    }
    if config.gates.is_empty() {
        output.line("breakglass.toml names no gates")?;
    }
    for gate in &config.gates {
        let said = change
            .map(|change| line(change, &gate.name, config))
            .unwrap_or_default();
        let command = match gate.command.is_empty() {
            true => "results are attached".to_owned(),
            false => cut(&gate.command.join(" "), COMMAND_LETTERS),
        };
        output.line(format!("{:<12}  {said:<28}  {command}", gate.name.as_str()).trim_end())?;
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// `pass, 2026-11-26 23:40`
pub(crate) fn line(change: &Change, gate: &Name, config: &Config) -> String {
    let Some((at, _, run)) = change.gates.get(gate) else {
        return "no result".into();
    };
    let late = if run.late { " late" } else { "" };
    let decision = change.decisions.get(gate);
    let decision = decision.map(|(_, _, decision)| format!(", {}", decision.as_str()));
    format!(
        "{}{late}{}, {}",
        run.result.as_str(),
        decision.unwrap_or_default(),
        config.windows.date(*at)
    )
}

/// The question of a late regression.
const QUESTION: &str = "\
Is the regression real or intended?
  real:      a side effect of the change; it is refined, by a follow-up change
  intended:  what the change is for; the eval set is out of date, and is updated";
/// Results are reports, not archives.
const FILE_BYTES: usize = 16 << 20;
const TAIL_LETTERS: usize = 2000;
const COMMAND_LETTERS: usize = 40;
