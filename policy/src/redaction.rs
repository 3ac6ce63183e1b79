//! What happens to PII, as the policy says it.

use serde::Serialize;

use crate::arm::Arm;
use crate::document::{
    DocumentError, FromTree, Map, Members, Tree, read_by_serde, read_struct, read_words,
};
use crate::entity::{Definitions, Entity};

/// Actions by entity, for each direction. The entity `*` stands for all that are not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redaction {
    /// In answers.
    #[serde(default)]
    pub response: Map<Entity, Action>,
    /// In requests.
    #[serde(default)]
    pub request: Map<Entity, Action>,
    /// What one arm does otherwise.
    #[serde(default)]
    pub arms: ArmActions,
    /// What happens to bodies that cannot be scanned.
    #[serde(default)]
    pub unscannable: Unscannable,
    /// Entities beside the built-in ones.
    #[serde(default)]
    pub entities: Definitions,
    /// Whether addresses that lead nowhere outside are PII.
    #[serde(default)]
    pub private_ips: PrivateIps,
}

/// What happens where an entity is found, in order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Action {
    /// It passes and is counted.
    Count,
    /// It is replaced by a placeholder.
    Mask,
    /// The message that carries it is withheld.
    Block,
}

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the agent.
    Request,
    /// From the agent to the client.
    Response,
}

/// The actions of each arm that differ from the rollout's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArmActions {
    /// On the old version.
    #[serde(default)]
    pub stable: Actions,
    /// On the new version.
    #[serde(default)]
    pub canary: Actions,
}

/// Actions by entity that are laid over the rollout's: entity by entity, `*` over `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Actions {
    /// In answers.
    #[serde(default)]
    pub response: Map<Entity, Action>,
    /// In requests.
    #[serde(default)]
    pub request: Map<Entity, Action>,
}

/// What happens to a body that cannot be scanned, by the reason why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unscannable {
    /// It is compressed, although the filter asked for it as it is.
    pub compressed: Unscanned,
    /// It is of a type that holds no text, such as an image.
    pub binary: Unscanned,
    /// It is larger than the filter scans.
    pub oversized: Unscanned,
}

/// What happens to one body that cannot be scanned. It is counted in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Unscanned {
    /// It passes as it is.
    Pass,
    /// It is withheld.
    Block,
}

/// What happens to loopback, private and link-local IP addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PrivateIps {
    /// The same as to every other address.
    #[default]
    Scan,
    /// They are no PII.
    Ignore,
}

// === impl Redaction ===

read_struct!(Redaction {
    response: or_default "response",
    request: or_default "request",
    arms: or_default "arms",
    unscannable: or_default "unscannable",
    entities: or_default "entities",
    private_ips: or_default "private_ips",
});

impl Redaction {
    /// The actions in effect on this arm, each entity once, in no order; `*` among them if given.
    pub fn actions(
        &self,
        arm: Arm,
        direction: Direction,
    ) -> impl Iterator<Item = (&Entity, Action)> {
        let own = self.arms.get(arm).get(direction);
        let common = match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        };
        let inherited = common
            .iter()
            .filter(|(entity, _)| own.get(entity).is_none());
        inherited
            .chain(own.iter())
            .map(|(entity, action)| (entity, *action))
    }

    /// Whether on neither arm anything is looked for in this direction.
    pub fn is_idle(&self, direction: Direction) -> bool {
        let idle = |arm| self.actions(arm, direction).next().is_none();
        Arm::BOTH.into_iter().all(idle)
    }
}

// === impl Action ===

read_words!(Action { "count" => Count, "mask" => Mask, "block" => Block });

impl Action {
    /// The word for it in labels and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

// === impl Direction ===

impl Direction {
    /// Both directions.
    pub const BOTH: [Self; 2] = [Self::Request, Self::Response];

    /// The word for it in labels and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

// === impl ArmActions ===

read_struct!(ArmActions {
    stable: or_default "stable",
    canary: or_default "canary",
});

impl ArmActions {
    /// The actions of this arm's own.
    pub fn get(&self, arm: Arm) -> &Actions {
        match arm {
            Arm::Stable => &self.stable,
            Arm::Canary => &self.canary,
        }
    }
}

// === impl Actions ===

read_struct!(Actions {
    response: or_default "response",
    request: or_default "request",
});

impl Actions {
    /// The actions in this direction.
    pub fn get(&self, direction: Direction) -> &Map<Entity, Action> {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }
}

// === impl Unscannable ===

impl Default for Unscannable {
    /// Text that is hidden by compression is withheld; what is no text, or too much, passes.
    fn default() -> Self {
        Self {
            compressed: Unscanned::Block,
            binary: Unscanned::Pass,
            oversized: Unscanned::Pass,
        }
    }
}

impl FromTree for Unscannable {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        let members = Members::of(tree, &["compressed", "binary", "oversized"])?;
        let left_out = Self::default();
        let given = |name, left_out| Ok(members.given(name)?.unwrap_or(left_out));
        Ok(Self {
            compressed: given("compressed", left_out.compressed)?,
            binary: given("binary", left_out.binary)?,
            oversized: given("oversized", left_out.oversized)?,
        })
    }
}

read_by_serde!(Unscannable);

// === impl Unscanned, PrivateIps ===

read_words!(Unscanned { "pass" => Pass, "block" => Block });
read_words!(PrivateIps { "scan" => Scan, "ignore" => Ignore });

#[cfg(test)]
mod tests;
