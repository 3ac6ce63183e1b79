//! `breakglass doctor`: whether everything would work tonight.

mod home;
mod people;
mod proxies;
mod report;

use anyhow::Result;
use clap::Args;

use crate::commands::doctor::report::Report;
use crate::durable;
use crate::outcome::{self, EXIT_STATUSES, Outcome};
use crate::project::{Project, ProjectArguments};
use crate::session::JsonArgument;

/// Checks that all of it works: configuration, journal, people and keys, proxies, durable files.
///
/// Writes a line for each thing that was looked at: `ok`, `warning` (it works, but not as well as it
/// could) or `FAIL` (something will not work when it is needed), and what to do about it. Of a proxy at
/// which all is well there is one line.
///
/// Nothing is changed. Each proxy is given one order that is none, so that it is known that orders reach
/// the filter and that its answer comes back; proxies count it as malformed.
///
/// Exits with 1 where something fails, with 3 where that is so at some of the proxies only.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_STATUSES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    json: JsonArgument,
    #[command(flatten)]
    project: ProjectArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome> {
    outcome::refuse_in_json(arguments.json.json);
    let mut report = Report::new(arguments.json.json);
    match arguments.project.open() {
        Ok(project) => look(&project, &mut report)?,
        Err(error) => report.fail(
            "config",
            format!("{error:#}"),
            "mend it; `breakglass init` makes one, and docs/operator.md explains each term",
        )?,
    }
    report.finish()
}

fn look(project: &Project, report: &mut Report) -> Result<()> {
    let config = &project.config;
    report.ok(
        "config",
        format!(
            "{}: agents {}; people {}",
            project.root().join(crate::project::CONFIG).display(),
            config.rollouts(),
            config.ids()
        ),
    )?;
    home::look(project, report)?;
    let files = config.proxies.durable.iter();
    let policies = files.filter_map(|file| durable::policy(&project.file(file)).ok());
    let policies: Vec<_> = policies.collect();
    people::look(project, &policies, report)?;
    proxies::look(project, &policies, report)
}

const EXAMPLES: &str = "\
Examples:
  breakglass doctor
  breakglass doctor --project /srv/breakglass --as asha
  breakglass doctor --json | jq '.checks[] | select(.level != \"ok\")'";
