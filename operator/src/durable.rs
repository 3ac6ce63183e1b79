//! The durable channel: the control in a policy's file, which proxies find when they restart.

mod text;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use breakglass_policy::{Control, Generation, Name, Order, Policy, limits};

use crate::files;
use text::Place;

/// A file with a policy, and the control of one of its rollouts.
pub(crate) struct Durable {
    file: PathBuf,
    text: String,
    place: Place,
    policy: Name,
    control: Control,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It holds this generation now, or did before.
    Holds(Generation),
    /// It is of a higher generation, and was left alone.
    Newer(Generation),
}

/// The policy that a file holds: JSON, or an Envoy ECDS file with it below `value: |`.
pub(crate) fn policy(file: &Path) -> Result<Policy> {
    read(file).map(|(_, _, policy)| policy)
}

/// A file's text, where in it the policy is, and the policy.
fn read(file: &Path) -> Result<(String, text::PolicyText, Policy)> {
    let name = file.display();
    // Not standard input, whatever its name: it is written as well.
    let size = std::fs::metadata(file).with_context(|| format!("cannot open {name}"))?;
    if size.len() > FILE_BYTES {
        bail!(
            "{name} has {} bytes, expected at most {FILE_BYTES}",
            size.len()
        );
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let whole = text::policy(&text).with_context(|| format!("{name} is refused"))?;
    let policy = Policy::from_json(whole.json().as_bytes());
    let policy = policy.with_context(|| format!("the policy in {name} is refused"))?;
    Ok((text, whole, policy))
}

// === impl Durable ===

impl Durable {
    /// Reads a policy, or an Envoy ECDS file that holds one below `value: |`, and finds the rollout.
    ///
    /// # Errors
    /// What is wrong with the file, or that it has no such rollout.
    pub(crate) fn read(file: &Path, rollout: &Name) -> Result<Self> {
        let name = file.display();
        let (text, whole, policy) = read(file)?;
        let mut rollouts = policy.rollouts.iter();
        let index = rollouts.position(|known| known.name == *rollout);
        let index = index.with_context(|| {
            format!("the policy in {name} has no rollout `{rollout}`; nothing was written to it")
        })?;
        let place = whole
            .control(index)
            .with_context(|| format!("{name} is refused"))?;
        let control = policy
            .rollouts
            .get(index)
            .map(|known| known.control.clone());
        Ok(Self {
            file: file.to_owned(),
            place,
            policy: policy.name.clone(),
            control: control.context("the rollout is gone")?,
            text,
        })
    }

    /// The policy's name.
    pub(crate) fn policy(&self) -> &Name {
        &self.policy
    }

    /// The rollout's control.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// Has a file hold what every proxy would make of both controls: the newer one, or of two that are
    /// as new the stricter in each term.
    pub(crate) fn hold(file: &Path, rollout: &Name, control: &Control) -> Result<Written> {
        let _guard = files::guard(file);
        Self::read(file, rollout)?.joined(rollout, control)
    }

    /// Has a file hold a kill, whatever the proxies say: its own control with what the order lowers, and
    /// a generation that is higher than its own and at least this one.
    pub(crate) fn kill(file: &Path, order: &Order, least: Option<Generation>) -> Result<Written> {
        let _guard = files::guard(file);
        let durable = Self::read(file, &order.rollout)?;
        let next = durable.control.generation.get().saturating_add(1);
        let next = next.max(least.map_or(0, Generation::get));
        let generation = Generation::new(next);
        let generation = generation.with_context(|| {
            let name = file.display();
            format!("{name} has the highest generation that there is, no order can follow")
        })?;
        let own = Control {
            generation,
            ..durable.control.clone()
        };
        let ordered = Control {
            ramp: order.ramp.clone().unwrap_or_else(|| own.ramp.clone()),
            not_after: order.not_after.unwrap_or(own.not_after),
            kill: order.kill.unwrap_or(own.kill),
            redaction: order.redaction.unwrap_or(own.redaction),
            ..own.clone()
        };
        // Of each term the stricter: what would raise exposure is for the proxies to permit.
        durable.joined(&order.rollout, &own.join(&ordered))
    }

    fn joined(&self, rollout: &Name, control: &Control) -> Result<Written> {
        if self.control.generation > control.generation {
            return Ok(Written::Newer(self.control.generation));
        }
        let control = self.control.join(control);
        if control != self.control {
            self.write(rollout, &control)?;
        }
        Ok(Written::Holds(control.generation))
    }

    fn write(&self, rollout: &Name, control: &Control) -> Result<()> {
        let text = self.place.replaced(&self.text, control)?;
        // Read again as the proxies will: a file that they refuse would leave the old policy in force.
        let whole = text::policy(&text)?;
        let policy = Policy::from_json(whole.json().as_bytes()).map_err(|error| {
            anyhow!("the policy would be refused with the new control: {error}")
        })?;
        let mut rollouts = policy.rollouts.iter();
        let written = rollouts.find(|known| known.name == *rollout);
        if written.is_none_or(|written| written.control != *control) {
            bail!(
                "{} would not hold the control that was to be written",
                self.file.display()
            );
        }
        files::replace(&self.file, text.as_bytes())
    }
}

/// A policy of full size, in a file that indents it.
const FILE_BYTES: u64 = 4 * limits::POLICY_BYTES as u64;
