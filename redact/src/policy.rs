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
        let rules = Rules {
            actions: actions
                .map(|(entity, action)| (entity.as_str(), action.into()))
                .collect(),
            ..Rules::of(redaction)
        };
        Self::new(&rules).map_err(|error| {
            let place = place(redaction, arm, direction, &error.path);
            ProfileError {
                path: format!("redaction.{place}"),
                ..error
            }
        })
    }
}

// === impl Rules ===

impl<'a> Rules<'a> {
    /// What a policy's redaction says for both arms and directions: its own entities and its
    /// options, no actions.
    pub fn of(redaction: &'a Redaction) -> Self {
        let custom = redaction.entities.iter().map(|(name, definition)| Custom {
            name: name.as_str(),
            literals: definition.literals().collect(),
            shapes: definition.shapes().collect(),
        });
        Self {
            actions: Vec::new(),
            custom: custom.collect(),
            ignore_private_ips: redaction.private_ips == PrivateIps::Ignore,
        }
    }
}

/// Where in the redaction the entity called `name` stands.
fn place(redaction: &Redaction, arm: Arm, direction: Direction, name: &str) -> String {
    let own = redaction.arms.get(arm).get(direction);
    let (arm, direction) = (arm.as_str(), direction.as_str());
    if name.is_empty() {
        "entities".into()
    } else if redaction
        .entities
        .iter()
        .any(|(defined, _)| defined.as_str() == name)
    {
        format!("entities.{name}")
    } else if own.keys().any(|entity| entity.as_str() == name) {
        format!("arms.{arm}.{direction}.{name}")
    } else {
        format!("{direction}.{name}")
    }
}

// === impl Action ===

impl From<policy::Action> for Action {
    fn from(action: policy::Action) -> Self {
        match action {
            policy::Action::Count => Self::Count,
            policy::Action::Mask => Self::Mask,
            policy::Action::Block => Self::Block,
        }
    }
}
