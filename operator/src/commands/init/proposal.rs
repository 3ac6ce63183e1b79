//! What proxies and their files tell of themselves.

use std::path::{Path, PathBuf};

use anyhow::Result;
use breakglass_policy::Name;

use crate::answer::{StateAnswer, clean};
use crate::commands::init::Arguments;
use crate::commands::init::person::PersonArgument;
use crate::durable;
use crate::fleet::Fleet;
use crate::targets::Targets;

/// What is proposed.
pub(super) struct Proposal {
    pub(super) rollouts: Vec<Name>,
    pub(super) people: Vec<PersonArgument>,
    /// The sets of roles that may raise exposure.
    pub(super) raise: Vec<Vec<Name>>,
    pub(super) reached: usize,
    pub(super) named: usize,
    /// What there is to know of it.
    pub(super) told: Vec<String>,
}

// === impl Proposal ===

impl Proposal {
    /// Asks the proxies, reads the files.
    ///
    /// # Errors
    /// What is not of the form of a target, or certificates that cannot be read: that would be in the
    /// configuration too. Who cannot be reached tells nothing.
    pub(super) fn ask(
        arguments: &Arguments,
        targets: &[String],
        durable: &[PathBuf],
    ) -> Result<Self> {
        let targets = Targets::parse(
            targets,
            "--targets",
            arguments.ca.as_deref(),
            arguments.cert.as_deref(),
            arguments.cert_key.as_deref(),
            arguments.timeout.duration(),
        )?;
        let fleet = Fleet::new(targets, Vec::new());
        let states = fleet.each(|proxy| proxy.get::<StateAnswer>("/v1/state"));
        let mut proposal = Self {
            rollouts: Vec::new(),
            people: Vec::new(),
            raise: Vec::new(),
            reached: 0,
            named: states.len(),
            told: Vec::new(),
        };
        let mut trusted: Vec<Name> = Vec::new();
        for (name, state) in states {
            match state {
                Ok(state) => {
                    proposal.reached += 1;
                    proposal.take_state(&state.read, &mut trusted);
                }
                Err(failure) => proposal.told.push(format!("{name}  {}", failure.to_text())),
            }
        }
        for file in durable {
            proposal.take_file(file);
        }
        let known = |id: &&Name| {
            let named = arguments.people.iter().chain(&proposal.people);
            !named.map(|person| &person.id).any(|known| known == *id)
        };
        let strangers: Vec<_> = trusted.iter().filter(known).map(Name::as_str).collect();
        if !strangers.is_empty() {
            proposal.told.push(format!(
                "the proxies also trust the keys of {}; add whoever they are to `people`, or revoke them",
                strangers.join(", ")
            ));
        }
        Ok(proposal)
    }

    fn take_state(&mut self, state: &StateAnswer, trusted: &mut Vec<Name>) {
        let rollouts = state.rollouts.iter();
        let rollouts = rollouts.filter_map(|rollout| Name::new(&clean(&rollout.name)));
        for rollout in rollouts {
            if !self.rollouts.contains(&rollout) {
                self.rollouts.push(rollout);
            }
        }
        let (_, keys) = state.trusted().unwrap_or_default();
        for key in keys {
            if !trusted.contains(&key) {
                trusted.push(key);
            }
        }
    }

    fn take_file(&mut self, file: &Path) {
        let policy = match durable::policy(file) {
            Ok(policy) => policy,
            Err(error) => return self.told.push(format!("{error:#}")),
        };
        for rollout in policy.rollouts.iter() {
            if !self.rollouts.contains(&rollout.name) {
                self.rollouts.push(rollout.name.clone());
            }
        }
        let Some(trust) = policy.trust else {
            return self.told.push(format!(
                "the policy in {} trusts no keys: anybody who reaches a proxy can lower exposure, nobody can raise it by an order",
                file.display()
            ));
        };
        self.raise.extend(trust.raise);
        for key in trust.keys {
            if self.people.iter().all(|known| known.id != key.id) {
                self.people.push(PersonArgument {
                    name: key.id.to_string(),
                    id: key.id,
                    role: key.role,
                    areas: Vec::new(),
                    key: key.key,
                    key_file: None,
                });
            }
        }
    }
}
