//! The files that the proxies start from.

use std::cmp::Ordering;
use std::path::Path;

use anyhow::Result;
use breakglass_policy::{Generation, Name};

use crate::answer::StateAnswer;
use crate::change::Change;
use crate::commands::doctor::proxies::highest;
use crate::commands::doctor::report::{Check, Report};
use crate::durable::{self, Durable};
use crate::journal::FILE;
use crate::project::Project;

pub(super) fn look(
    project: &Project,
    states: &[(&str, &StateAnswer)],
    report: &mut Report,
) -> Result<()> {
    let config = &project.config;
    if config.proxies.durable.is_empty() {
        return report.warning(
            "durable",
            "no file is named: a proxy that restarts knows nothing of a kill",
            "name what the proxies start from as proxies.durable",
        );
    }
    for file in &config.proxies.durable {
        one(project, &project.file(file), states, report)?;
    }
    for agent in &config.agents {
        let mut files = config.proxies.durable.iter();
        let holds = |file: &Path| Durable::read(file, &agent.rollout).is_ok();
        if !files.any(|file| holds(&project.file(file))) {
            report.fail(
                "durable",
                format!("no file holds the rollout `{}`", agent.rollout),
                "name the file that has it, or put it into the policy",
            )?;
        }
    }
    Ok(())
}

fn one(
    project: &Project,
    file: &Path,
    states: &[(&str, &StateAnswer)],
    report: &mut Report,
) -> Result<()> {
    let name = file.display();
    let policy = match durable::policy(file) {
        Ok(policy) => policy,
        Err(error) => {
            return report.fail(
                "durable",
                format!("{error:#}"),
                "mend it: `breakglass lint` says more",
            );
        }
    };
    // It is replaced by a rename, so that the folder must let us write.
    let folder = file.canonicalize().ok();
    let folder = folder
        .as_deref()
        .and_then(Path::parent)
        .unwrap_or(project.root());
    if let Err(error) = tempfile::tempfile_in(folder) {
        return report.fail(
            "durable",
            format!("{name} cannot be replaced: {error}"),
            format!("let everybody who acts write to {}", folder.display()),
        );
    }
    let agents = project.config.agents.iter().map(|agent| &agent.rollout);
    for rollout in agents {
        let known = policy.rollouts.iter().find(|known| known.name == *rollout);
        if let Some(known) = known {
            let held = known.control.generation;
            let proxies = highest(states, rollout);
            let ramps = ramps(project, rollout);
            report.add(compare(&name.to_string(), rollout, held, proxies, ramps))?;
        }
    }
    Ok(())
}

/// Whether a ramp is on: its leases go to the proxies only, so that the files are behind.
fn ramps(project: &Project, rollout: &Name) -> bool {
    // Whoever only looks makes no journal.
    if !project.store().join(FILE).exists() {
        return false;
    }
    let ledger = project.journal().and_then(|journal| journal.ledger());
    let runs = |change: &Change| change.declared.rollout == *rollout && change.ramp.is_running();
    ledger.is_ok_and(|ledger| ledger.changes().any(runs))
}

fn compare(
    file: &str,
    rollout: &Name,
    held: Generation,
    proxies: Option<Generation>,
    ramps: bool,
) -> Check {
    let found = format!("{file}: {rollout} is of generation {held}");
    let Some(proxies) = proxies else {
        return Check::ok(
            "durable",
            format!("{found}; no proxy was there to compare it with"),
        );
    };
    match held.cmp(&proxies) {
        Ordering::Equal => Check::ok(
            "durable",
            format!("{found}, as at the proxies, and can be written"),
        ),
        Ordering::Less if ramps => Check::ok(
            "durable",
            format!(
                "{found}, the proxies are at {proxies}: a ramp is on, whose leases are not written there"
            ),
        ),
        Ordering::Less => Check::fail(
            "durable",
            format!(
                "{found}, the proxies are at {proxies}: one that restarts would begin with what is over"
            ),
            format!(
                "give the last order again with --durable {file}, or write the proxies' control into it"
            ),
        ),
        Ordering::Greater => Check::warning(
            "durable",
            format!("{found}, the proxies are at {proxies}"),
            "push it, or see in the proxies' logs why they refuse it",
        ),
    }
}
