//! What the proxies have of a rollout, as far as it must be known before somebody signs for it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use breakglass_policy::{Generation, KillMode, Name, Percent, Policy, Subject, Trust};

use crate::change::record::{Declaration, Versions};
use crate::change::rules::Denial;
use crate::commands::waiting::waiting;
use crate::durable;
use crate::fleet::{Failed, Observed, RolloutSeen};
use crate::project::Project;
use crate::project::config::Person;
use crate::proxy::FailureKind;

/// A rollout by the policy that the proxies start from, and by what they tell.
#[derive(Debug)]
pub(crate) struct InForce {
    rollout: Name,
    /// `None` where no file is named that holds it.
    pub(crate) described: Option<Described>,
    pub(crate) observed: Observed,
}

/// What a policy says of the rollout.
#[derive(Debug)]
pub(crate) struct Described {
    /// Where it was read.
    pub(crate) file: PathBuf,
    pub(crate) policy: Name,
    pub(crate) subject: Subject,
    trust: Option<Trust>,
    generation: Generation,
}

/// Looks at the policy and asks every proxy. `policy`: the file with it, else the first of those that
/// the proxies start from.
///
/// # Errors
/// A file that cannot be read, or two that say different things.
pub(crate) fn look(project: &Project, rollout: &Name, policy: Option<&Path>) -> Result<InForce> {
    let files = match policy {
        Some(file) => vec![file.to_owned()],
        None => {
            let files = project.config.proxies.durable.iter();
            files.map(|file| project.file(file)).collect()
        }
    };
    let mut described: Option<Described> = None;
    for file in files {
        let found = Described::read(file, rollout)?;
        if let Some(first) = &described
            && (&first.policy, &first.subject) != (&found.policy, &found.subject)
        {
            bail!(
                "{} and {} describe `{rollout}` differently; expected one policy in all files that the proxies start from",
                first.file.display(),
                found.file.display()
            );
        }
        described.get_or_insert(found);
    }
    let fleet = project.fleet()?;
    Ok(InForce {
        rollout: rollout.clone(),
        described,
        observed: waiting("asking the proxies", || fleet.observe(rollout)),
    })
}

// === impl InForce ===

impl InForce {
    /// Whether the versions are those of the policy, and every proxy that answers has the rollout.
    ///
    /// # Errors
    /// What is in force instead.
    pub(crate) fn check(&self, versions: &Versions) -> Result<(), Denial> {
        let Self { rollout, .. } = self;
        if let Some((name, failed)) = self.failures().find(|(_, failed)| is_absent(failed)) {
            return Err(Denial::new(
                format!("{name}: {}", failed.why),
                format!("push the policy with the rollout `{rollout}` to every proxy first"),
            ));
        }
        let Some(described) = &self.described else {
            return Ok(());
        };
        let file = described.file.display();
        if let Some((name, seen)) = self
            .seen()
            .find(|(_, seen)| seen.policy != described.policy.as_str())
        {
            return Err(Denial::new(
                format!(
                    "{name} has the policy `{}`, {file} is `{}`",
                    seen.policy, described.policy
                ),
                "name the file with the proxies' policy in `proxies.durable`, or with --policy",
            ));
        }
        let found = described.versions();
        if found == *versions {
            return Ok(());
        }
        Err(Denial::new(
            format!(
                "the policy in {file} has {} → {}, declared is {} → {}",
                found.stable, found.canary, versions.stable, versions.canary
            ),
            format!(
                "push a policy in which the arms of `{rollout}` have the declared versions, or declare those that are in force"
            ),
        ))
    }

    /// Whether the proxies will take the approvals of these people: they trust their keys, and ask for
    /// no more.
    ///
    /// # Errors
    /// Whom they do not trust, or who is missing.
    pub(crate) fn check_approvers(&self, approvers: &[(&Person, Name)]) -> Result<(), Denial> {
        let Some(Described {
            trust: Some(trust),
            file,
            ..
        }) = &self.described
        else {
            return Ok(());
        };
        let file = file.display();
        for (person, role) in approvers {
            let key = trust.key(person.id.as_str());
            if !key.is_some_and(|key| {
                key.role == *role && key.key.fingerprint() == person.key.fingerprint()
            }) {
                return Err(Denial::new(
                    format!(
                        "the policy in {file} does not trust the key of `{}` as {role}",
                        person.id
                    ),
                    "put it into `trust.keys` as it is in breakglass.toml, and push that policy; or name another approver",
                ));
            }
        }
        let has = |role: &Name| approvers.iter().any(|(_, known)| known == role);
        if trust.raise.iter().any(|set| set.iter().all(has)) {
            return Ok(());
        }
        let sets = trust.raise.iter().map(|set| join(set.iter(), " and "));
        Err(Denial::new(
            format!(
                "the approvers are {}, and the proxies ask for more",
                join(approvers.iter().map(|(_, role)| role), " and ")
            ),
            format!(
                "name approvers for {}",
                sets.collect::<Vec<_>>().join(", or for ")
            ),
        ))
    }

    /// What a policy says of it.
    ///
    /// # Errors
    /// That no file is known that holds it.
    pub(crate) fn described(&self) -> Result<&Described> {
        self.described.as_ref().context(
            "nothing tells the salt and the pins of the rollout; expected the policy's file in `proxies.durable` of breakglass.toml, or --policy FILE",
        )
    }

    /// The generation that whoever signs now has seen: a later kill spends what they sign.
    pub(crate) fn generation(&self) -> Generation {
        let described = self.described.iter().map(|described| described.generation);
        let seen = self
            .seen()
            .flat_map(|(_, seen)| [Some(seen.generation), seen.warrants_after]);
        described.chain(seen.flatten()).max().unwrap_or_default()
    }

    /// The least generation that approvers must have seen for their approval to hold.
    pub(crate) fn floor(&self) -> Generation {
        let floors = self.seen().filter_map(|(_, seen)| seen.warrants_after);
        floors.max().unwrap_or_default()
    }

    /// The largest share that a proxy has in force.
    pub(crate) fn share(&self) -> Percent {
        let shares = self.seen().filter_map(|(_, seen)| seen.percent);
        shares.max().unwrap_or(Percent::ZERO)
    }

    /// How the rollout is killed where it is killed most strictly.
    pub(crate) fn kill_mode(&self) -> Option<KillMode> {
        let controls = self.seen().filter_map(|(_, seen)| seen.control.as_ref());
        controls
            .filter_map(|control| Some(control.kill?.mode))
            .max()
    }

    /// Those who did not tell, each with why.
    pub(crate) fn silent(&self) -> Vec<String> {
        let silent = self.failures().filter(|(_, failed)| !is_absent(failed));
        silent
            .map(|(name, failed)| format!("{name}: {}", failed.why))
            .collect()
    }

    fn seen(&self) -> impl Iterator<Item = (&str, &RolloutSeen)> {
        self.observed.seen()
    }

    fn failures(&self) -> impl Iterator<Item = (&str, &Failed)> {
        let proxies = self.observed.proxies.iter();
        proxies.filter_map(|proxy| Some((proxy.name.as_str(), proxy.seen.as_ref().err()?)))
    }
}

fn is_absent(failed: &Failed) -> bool {
    failed.kind == FailureKind::Absent
}

fn join<'a>(names: impl Iterator<Item = &'a Name>, between: &str) -> String {
    let names: Vec<_> = names.map(Name::as_str).collect();
    names.join(between)
}

// === impl Described ===

impl Described {
    fn read(file: PathBuf, rollout: &Name) -> Result<Self> {
        let policy: Policy = durable::policy(&file)?;
        let mut rollouts = policy.rollouts.iter();
        let found = rollouts.find(|known| known.name == *rollout);
        let found = found.with_context(|| {
            format!(
                "the policy in {} has no rollout `{rollout}`",
                file.display()
            )
        })?;
        Ok(Self {
            subject: Subject::of(found),
            generation: found.control.generation,
            policy: policy.name.clone(),
            trust: policy.trust.clone(),
            file,
        })
    }

    pub(crate) fn versions(&self) -> Versions {
        Versions {
            stable: self.subject.stable.as_str().into(),
            canary: self.subject.canary.as_str().into(),
        }
    }
}

/// What a declaration says that the policy does not bear out; nothing where nobody can tell.
pub(crate) fn denials(
    in_force: &InForce,
    declared: &Declaration,
    approvers: &[(&Person, Name)],
) -> Vec<(&'static str, Denial)> {
    let versions = in_force.check(&declared.versions).err();
    let approvers = in_force.check_approvers(approvers).err();
    let versions = versions.map(|denial| ("record", denial));
    versions
        .into_iter()
        .chain(approvers.map(|denial| ("not-alone", denial)))
        .collect()
}
