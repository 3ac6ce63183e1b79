//! Which part of which policy a command is about, and its profile.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use breakglass_policy::{Arm, Direction, Entity, Gate, Policy, Redaction, Rollout, limits};
use breakglass_redact::{Action, Profile, ProfileError, Rules};
use clap::{Args, ValueEnum};

use crate::input;

/// Which part of which policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    /// Do what this policy says: its actions, its own entities, its options
    #[arg(long = "policy", value_name = "FILE", id = "policy")]
    pub(crate) file: Option<PathBuf>,
    /// The rollout of the policy; needed where it has several
    #[arg(long, value_name = "NAME", requires = "policy")]
    rollout: Option<String>,
    /// The arm of the rollout [default: stable]
    #[arg(long, requires = "policy")]
    arm: Option<ArmName>,
    /// The direction of the text [default: response]
    #[arg(long, requires = "policy")]
    direction: Option<DirectionName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ArmName {
    /// The old version
    Stable,
    /// The new version
    Canary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DirectionName {
    /// From the agent to its user
    Response,
    /// From the user to the agent
    Request,
}

/// Reads the policy in `file`.
pub(crate) fn policy(file: &Path) -> Result<Policy> {
    let json = input::document(file, limits::POLICY_BYTES)?;
    Policy::from_json(&json).with_context(|| format!("{} is refused", file.display()))
}

/// The rollout of this name, or the only one there is.
pub(crate) fn rollout<'a>(policy: &'a Policy, name: Option<&str>) -> Result<(usize, &'a Rollout)> {
    let rollouts = || policy.rollouts.iter().enumerate();
    let names = rollouts().map(|(_, rollout)| rollout.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    match (name, policy.rollouts.len()) {
        (Some(name), _) => rollouts()
            .find(|(_, rollout)| rollout.name.as_str() == name)
            .with_context(|| format!("the policy has no rollout `{name}`; it has: {names}")),
        (None, 1) => rollouts().next().context("the policy has no rollout"),
        (None, 0) => bail!("the policy has no rollout"),
        (None, _) => bail!("the policy has several rollouts, choose one with --rollout: {names}"),
    }
}

/// The profile of one rollout, arm and direction of the policy in `file`, under the control that
/// the policy holds.
pub(crate) fn from_policy(file: &Path, arguments: &PolicyArguments) -> Result<Profile> {
    let policy = policy(file)?;
    let (place, rollout) = rollout(&policy, arguments.rollout.as_deref())?;
    let Some(redaction) = &rollout.redaction else {
        bail!(
            "rollout `{}` of {} has no redaction",
            rollout.name,
            file.display()
        );
    };
    let arm = arguments.arm.map_or(Arm::Stable, Arm::from);
    let direction = arguments
        .direction
        .map_or(Direction::Response, Direction::from);
    let profile = Profile::of(redaction, arm, direction)
        .map_err(|error| anyhow!("{} is refused: rollouts[{place}].{error}", file.display()))?;
    let profile = match Gate::new(&rollout.control).masks_all() {
        true => profile.mask_all(),
        false => profile,
    };
    if profile.is_idle() {
        bail!(
            "{} looks for nothing in a {} of the arm {}",
            file.display(),
            direction.as_str(),
            arm.as_str()
        );
    }
    Ok(profile)
}

/// Checks that somebody can find `entity`.
pub(crate) fn check_entity(
    redaction: Option<&Redaction>,
    entity: &Entity,
) -> Result<(), ProfileError> {
    let actions = vec![(entity.as_str(), Action::Count)];
    let options = redaction.map(Rules::of).unwrap_or_default();
    Profile::new(&Rules { actions, ..options }).map(|_| ())
}

// === impl ArmName ===

impl From<ArmName> for Arm {
    fn from(name: ArmName) -> Self {
        match name {
            ArmName::Stable => Self::Stable,
            ArmName::Canary => Self::Canary,
        }
    }
}

// === impl DirectionName ===

impl From<DirectionName> for Direction {
    fn from(name: DirectionName) -> Self {
        match name {
            DirectionName::Response => Self::Response,
            DirectionName::Request => Self::Request,
        }
    }
}
