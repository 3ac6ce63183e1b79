//! `breakglass routine`: what the usual promotions have to do with emergencies.

use anyhow::{Result, bail};
use breakglass_policy::Name;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::change::event::Event;
use crate::change::rules::{self, When};
use crate::journal::Draft;
use crate::outcome::{EXIT_STATUSES, Outcome};
use crate::output::Output;
use crate::project::ProjectArguments;
use crate::session::{Deciding, JsonArgument, Session};
use crate::typed;

/// For the pipelines of routine promotions: whether one may be made now, and that one was made.
///
/// A promotion waits while a debt of an emergency is overdue, outside the change windows, in a freeze, and
/// while a change is active on the agent. Those that were made are what the rate of emergencies
/// in `breakglass report` is a share of.
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
    /// Says whether this agent may be promoted now; status 1 if not
    Check {
        /// The agent's rollout
        #[arg(value_name = "ROLLOUT", value_parser = typed::name)]
        rollout: Name,
    },
    /// Checks the same, and writes the promotion down
    Record {
        /// The agent's rollout
        #[arg(value_name = "ROLLOUT", value_parser = typed::name)]
        rollout: Name,
        /// The version that everybody gets
        #[arg(value_name = "VERSION")]
        version: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    let mut session = Session::open(&arguments.project, arguments.json)?;
    let (rollout, version) = match &arguments.command {
        Command::Check { rollout } => (rollout, None),
        Command::Record { rollout, version } => (rollout, Some(version)),
    };
    session.decide(|deciding| decide(deciding, rollout, version))?;
    let mut output = Output::new();
    match (arguments.json.json, version) {
        (true, version) => {
            output.json(&json!({"rollout": rollout, "permitted": true, "recorded": version}))?;
        }
        (false, None) => output.line(&format!("{rollout}: may be promoted now"))?,
        (false, Some(version)) => {
            output.line(&format!("{rollout}: promotion to {version} is recorded"))?;
        }
    }
    output.finish()?;
    Ok(Outcome::Fine)
}

fn decide(deciding: &Deciding<'_>, rollout: &Name, version: Option<&String>) -> Result<Vec<Draft>> {
    let config = &deciding.project.config;
    if config.agent(rollout).is_none() {
        bail!(
            "breakglass.toml knows no agent with the rollout `{rollout}`, expected one of: {}",
            config.rollouts()
        );
    }
    let case = Deciding::case_on(deciding, rollout);
    rules::check(When::Routine, "promote routinely", &case)?;
    let draft = version.map(|version| Draft {
        change: None,
        event: Event::RoutinePromoted {
            rollout: rollout.clone(),
            version: version.clone(),
        },
    });
    Ok(draft.into_iter().collect())
}

const EXAMPLES: &str = "\
Examples:
  breakglass routine check support-agent && ./promote.sh
  breakglass routine record support-agent prompt-v43 --as ci";
