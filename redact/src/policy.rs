//! From a policy to a profile: the one place where the two meet, for the filter, the operator's
//! command and the browser alike.

use breakglass_policy::{self as policy, Arm, Direction, PrivateIps, Redaction};

use crate::profile::{Action, Custom, Profile, ProfileError, Rules};

// === impl Profile ===

impl Profile {
    /// The profile of one arm and direction of a policy's redaction.
    ///
    /// # Errors
    /// What the policy's form does not tell: an entity that nobody knows. The path leads from the
    /// rollout: `redaction.response.EMIAL_ADDRESS`.
    pub fn of(redaction: &Redaction, arm: Arm, direction: Direction) -> Result<Self, ProfileError> {
        let actions = redaction.actions(arm, direction);
        let custom = redaction.entities.iter().map(|(name, definition)| Custom {
            name: name.as_str(),
            literals: definition.literals().collect(),
            shapes: definition.shapes().collect(),
        });
        let rules = Rules {
            actions: actions
                .map(|(entity, action)| (entity.as_str(), action.into()))
                .collect(),
            custom: custom.collect(),
            ignore_private_ips: redaction.private_ips == PrivateIps::Ignore,
        };
        Self::new(&rules).map_err(|error| {
            let is_wrong = |name: &policy::Entity| name.as_str() == error.path;
            let own = redaction.arms.get(arm).get(direction).keys().any(is_wrong);
            let arm = if own {
                format!("arms.{}.", arm.as_str())
            } else {
                String::new()
            };
            let place = if redaction
                .entities
                .iter()
                .any(|(name, _)| name.as_str() == error.path)
            {
                "entities".to_owned()
            } else {
                format!("{arm}{}", direction.as_str())
            };
            ProfileError {
                path: format!("redaction.{place}.{}", error.path),
                ..error
            }
        })
    }
}

impl From<policy::Action> for Action {
    fn from(action: policy::Action) -> Self {
        match action {
            policy::Action::Count => Self::Count,
            policy::Action::Mask => Self::Mask,
            policy::Action::Block => Self::Block,
        }
    }
}
