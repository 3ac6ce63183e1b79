//! `breakglass gate`: runs the gates of the project for a change, and decides what a regression is.

pub(crate) mod result;
mod run;

use std::path::PathBuf;

use anyhow::{Result, bail};
use breakglass_policy::Name;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::change::Change;
use crate::change::event::{Decision, Event, GateResult, GateRun};
use crate::change::record::ChangeId;
use crate::change::rules::{self, Denial, Refusal};
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome, note};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::project::config::{Config, Gate};
use crate::session::{ChangeArgument, JsonArgument, Session};
use crate::typed;

/// Runs the gates of breakglass.toml for a change, takes results from elsewhere, and decides what a late
/// regression is.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a gate's command: 0 is a pass, 1 a regression, anything else no result
    ///
    /// It is run in the project's folder and learns the change from $BREAKGLASS_CHANGE, $BREAKGLASS_ROLLOUT,
    /// $BREAKGLASS_STABLE and $BREAKGLASS_CANARY. What is not done within the gate's `timeout` is
    /// killed, with all that it started. The end of its output goes into the journal. Status 1 on
    /// a regression.
    Run(Which),
    /// Takes a result that was made elsewhere
    Attach {
        #[command(flatten)]
        which: Which,
        /// What came out
        #[arg(long, value_name = "RESULT")]
        result: ResultArgument,
        /// Where the whole result is, or what it says
        #[arg(long, value_name = "TEXT", required_unless_present = "file")]
        detail: Option<String>,
        /// The result itself: its name, its digest and its end go into the journal
        #[arg(long, value_name = "FILE", conflicts_with = "detail")]
        file: Option<PathBuf>,
    },
    /// Says what a regression is: a side effect of the change, or what was meant
    Decide {
        #[command(flatten)]
        which: Which,
        /// A side effect: the change is refined by a follow-up
        #[arg(long, required_unless_present = "intended")]
        real: bool,
        /// What was meant: the eval set is out of date, and is updated
        #[arg(long, conflicts_with = "real")]
        intended: bool,
        /// Why, and what is done about it
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
    /// Lists the gates with what each has said of a change
    List {
        #[command(flatten)]
        change: ChangeArgument,
    },
}

/// A gate, for a change.
#[derive(Debug, Args)]
struct Which {
    /// The change
    #[arg(value_name = "CHANGE", value_parser = typed::name)]
    change: ChangeId,
    /// The gate, as breakglass.toml calls it
    #[arg(value_name = "GATE", value_parser = typed::name)]
    gate: Name,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResultArgument {
    Pass,
    Regression,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let json = arguments.json.json;
    match &arguments.command {
        Command::Run(which) => run_gate(&mut session, which, json),
        Command::Attach {
            which,
            result,
            detail,
            file,
        } => {
            let detail = match file {
                Some(file) => result::of_file(file)?,
                None => result::of_words(detail.as_deref().unwrap_or_default())?,
            };
            attach(&mut session, which, GateResult::from(*result), detail, json)
        }
        Command::Decide {
            which,
            intended,
            note,
            ..
        } => {
            let decision = match intended {
                true => Decision::Intended,
                false => Decision::Real,
            };
            decide(&mut session, which, decision, note, json)
        }
        Command::List { change } => result::list(&session, change, json),
    }
}

fn run_gate(session: &mut Session, which: &Which, json: bool) -> Result<Outcome> {
    // Nobody runs it for half an hour to learn then that nobody knows who they are.
    session.actor()?;
    let ledger = session.ledger()?;
    let change = open(ledger.change(&which.change)?)?;
    let gate = gate(&session.project.config, &which.gate)?;
    if !gate.command.is_empty() {
        let command = gate.command.join(" ");
        note(&format!(
            "gate {} runs, for at most {}: {command}",
            gate.name, gate.timeout
        ));
    }
    let (result, detail) = run::run(&session.project, gate, change)?;
    record(session, which, result, detail, json)
}

fn attach(
    session: &mut Session,
    which: &Which,
    result: GateResult,
    detail: String,
    json: bool,
) -> Result<Outcome> {
    let config = &session.project.config;
    let has_command = !gate(config, &which.gate)?.command.is_empty();
    // A word does not make a regression that was seen go away.
    session.decide(|deciding| {
        let change = open(deciding.ledger.change(&which.change)?)?;
        let last = change.gates.get(&which.gate).map(|(_, _, run)| run.result);
        if has_command && last == Some(GateResult::Regression) && result == GateResult::Pass {
            let (id, gate) = (&which.change, &which.gate);
            let denial = Denial::new(
                format!("the gate `{gate}` was run and has shown a regression"),
                format!("run it again: `breakglass gate run {id} {gate}`, or decide what it is: `breakglass gate decide {id} {gate} --real|--intended --note …`"),
            );
            return Err(Refusal::one("attach a result", Some(id), "eval-gate", denial).into());
        }
        Ok(Vec::new())
    })?;
    record(session, which, result, detail, json)
}

/// Writes a result down, and asks what is to be asked.
fn record(
    session: &mut Session,
    which: &Which,
    result: GateResult,
    detail: String,
    json: bool,
) -> Result<Outcome> {
    let Which { change: id, gate } = which;
    session.decide(|deciding| {
        let change = open(deciding.ledger.change(id)?)?;
        let run = GateRun {
            gate: gate.clone(),
            result,
            detail,
            late: change.ramp.started.is_some(),
        };
        Ok(vec![Draft::of(id, Event::GateRun(run))])
    })?;
    let ledger = session.ledger()?;
    let change = ledger.change(id)?;
    result::tell(change, gate, &session.project.config, json)?;
    Ok(match result {
        GateResult::Pass => Outcome::Fine,
        GateResult::Regression => Outcome::Found,
    })
}

fn decide(
    session: &mut Session,
    which: &Which,
    decision: Decision,
    why: &str,
    json: bool,
) -> Result<Outcome> {
    let Which { change: id, gate } = which;
    session.decide(|deciding| {
        let change = open(deciding.ledger.change(id)?)?;
        self::gate(&deciding.project.config, gate)?;
        match change.gates.get(gate) {
            None => bail!("the gate `{gate}` has no result for {id}: `breakglass gate run {id} {gate}`"),
            Some((_, _, run)) if run.result == GateResult::Pass => {
                bail!("the gate `{gate}` has passed for {id}: there is nothing to decide")
            }
            // What is known before the start does not start: no decision makes it go.
            Some((_, _, run)) if !run.late && change.ramp.started.is_none() => bail!(
                "{id} has not begun: a version with a known regression is refined and declared anew, not decided about"
            ),
            Some(_) => {}
        }
        if !rules::is_specific(why) {
            let denial = Denial::new(
                format!("`{}` does not say why it is {}", why.trim(), decision.as_str()),
                "say which cases regressed, and what is done about them",
            );
            return Err(Refusal::one("decide", Some(id), "gates-run", denial).into());
        }
        let (gate, note) = (gate.clone(), why.trim().to_owned());
        Ok(vec![Draft::of(
            id,
            Event::RegressionDecided {
                gate,
                decision,
                note,
            },
        )])
    })?;
    let next = match decision {
        Decision::Real => format!(
            "next: a follow-up refines it: `breakglass declare` with repeats = \"{id}\" in its record; if the regression harms more than the change helps, `breakglass kill {id}` first"
        ),
        Decision::Intended => format!(
            "next: update the eval set of `{gate}`, so that it asks for what is now meant; then run it again: `breakglass gate run {id} {gate}`"
        ),
    };
    let mut output = Output::new();
    match json {
        true => {
            output.json(&json!({"change": id, "gate": gate, "decision": decision, "next": next}))?
        }
        false => {
            output.line(&format!(
                "{id}: the regression of {gate} is {}",
                decision.as_str()
            ))?;
            output.line(&next)?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

/// A gate of the configuration.
fn gate<'c>(config: &'c Config, name: &Name) -> Result<&'c Gate> {
    let Some(gate) = config.gate(name) else {
        let known: Vec<_> = config.gates.iter().map(|gate| gate.name.as_str()).collect();
        bail!(
            "breakglass.toml knows no gate `{name}`; it knows: {}",
            known.join(", ")
        );
    };
    Ok(gate)
}

/// A change about which there is still something to be said.
fn open(change: &Change) -> Result<&Change> {
    if !change.is_open() {
        bail!("{} is {}", change.id, change.stage());
    }
    Ok(change)
}

// === impl ResultArgument ===

impl From<ResultArgument> for GateResult {
    fn from(argument: ResultArgument) -> Self {
        match argument {
            ResultArgument::Pass => Self::Pass,
            ResultArgument::Regression => Self::Regression,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  breakglass gate list chg-2026-0117
  breakglass gate run chg-2026-0117 eval
  breakglass gate attach chg-2026-0117 eval --result pass --file results.json
  breakglass gate decide chg-2026-0117 eval --intended --note \"It now declines to read numbers back\"";
