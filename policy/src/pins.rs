//! Units whose arm a person chose.

use serde::{Serialize, Serializer};

use crate::arm::Arm;
use crate::document::{DocumentError, FromTree, Tree, read_by_serde, read_struct};
use crate::limits;
use crate::table::Table;

/// The pinned units of a rollout: testers on `canary`, customers that must not be touched on
/// `stable`. A pin gives way to a kill and to a lapsed lease, to nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    arms: Table<Arm>,
}

/// Units whose arm a person chose; a pin gives way to a kill and to a lapsed lease.
#[derive(Default, serde::Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PinLists {
    /// Units that always get the new version, such as testers.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::PINS), inner(length(min = 1, max = limits::UNIT_BYTES))))]
    canary: Vec<String>,
    /// Units that always keep the old version.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = limits::PINS), inner(length(min = 1, max = limits::UNIT_BYTES))))]
    stable: Vec<String>,
}

// === impl Pins ===

impl Pins {
    /// The arm that `unit` is pinned to, if any.
    pub fn arm(&self, unit: &[u8]) -> Option<Arm> {
        if self.arms.is_empty() {
            return None;
        }
        self.arms.get(unit).copied()
    }

    /// The units that are pinned to `arm`, in order.
    pub(crate) fn units(&self, arm: Arm) -> Vec<String> {
        let pinned = self.arms.iter().filter(|(_, pinned)| **pinned == arm);
        let units = pinned.map(|(unit, _)| String::from_utf8_lossy(unit).into_owned());
        let mut units: Vec<_> = units.collect();
        units.sort_unstable();
        units
    }

    fn from_lists(lists: PinLists) -> Result<Self, String> {
        let mut arms = Table::default();
        for (arm, units) in [(Arm::Canary, lists.canary), (Arm::Stable, lists.stable)] {
            if units.len() > limits::PINS {
                return Err(format!(
                    "{} pins, expected at most {} an arm",
                    units.len(),
                    limits::PINS
                ));
            }
            for unit in units {
                if !(1..=limits::UNIT_BYTES).contains(&unit.len()) {
                    return Err(format!(
                        "a pinned unit has 1 to {} bytes",
                        limits::UNIT_BYTES
                    ));
                }
                if arms.get(unit.as_bytes()).is_some() {
                    return Err(format!("unit `{unit}` is pinned twice"));
                }
                arms.get_or_insert_with(unit.as_bytes(), || arm);
            }
        }
        Ok(Self { arms })
    }
}

impl Serialize for Pins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = PinLists {
            canary: self.units(Arm::Canary),
            stable: self.units(Arm::Stable),
        };
        lists.serialize(serializer)
    }
}

impl FromTree for Pins {
    fn from_tree(tree: &Tree) -> Result<Self, DocumentError> {
        Self::from_lists(PinLists::from_tree(tree)?).map_err(DocumentError::whole)
    }
}

read_by_serde!(Pins);

// === impl PinLists ===

read_struct!(PinLists {
    canary: or_default "canary",
    stable: or_default "stable",
});

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Pins {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pins".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        PinLists::json_schema(generator)
    }
}
