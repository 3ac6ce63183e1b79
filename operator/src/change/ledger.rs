//! What is known of all changes: a fold over the whole journal.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use breakglass_policy::{Name, Timestamp};

use crate::change::event::{Entry, Event};
use crate::change::record::ChangeId;
use crate::change::state::Change;

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    changes: BTreeMap<ChangeId, Change>,
    /// What rules did not let through.
    pub(crate) refused: Vec<RefusedAttempt>,
    /// Routine promotions, the other part of all changes.
    pub(crate) routine: Vec<(Timestamp, Name)>,
}

/// One attempt that a rule did not let through.
#[derive(Clone, Debug)]
pub(crate) struct RefusedAttempt {
    pub(crate) at: Timestamp,
    pub(crate) by: Name,
    pub(crate) change: Option<ChangeId>,
    pub(crate) rule: String,
    pub(crate) attempted: String,
}

// === impl Ledger ===

impl Ledger {
    /// Folds the entries, oldest first.
    ///
    /// # Errors
    /// An entry that makes no sense where it stands.
    pub(crate) fn of(entries: Vec<Entry>) -> Result<Self> {
        let mut ledger = Self::default();
        for entry in entries {
            let seq = entry.seq;
            let applied = ledger.apply(entry);
            applied.with_context(|| format!("entry {seq} of the journal"))?;
        }
        Ok(ledger)
    }

    pub(crate) fn changes(&self) -> impl DoubleEndedIterator<Item = &Change> {
        self.changes.values()
    }

    /// The change of this id.
    ///
    /// # Errors
    /// That there is none, and which there are.
    pub(crate) fn change(&self, id: &ChangeId) -> Result<&Change> {
        self.changes.get(id).with_context(|| {
            let open = self.changes().filter(|change| change.is_open());
            let open: Vec<_> = open.map(|change| change.id.as_str()).collect();
            match open.is_empty() {
                true => format!("there is no change `{id}`, and none is open"),
                false => format!("there is no change `{id}`; open are: {}", open.join(", ")),
            }
        })
    }

    /// The change that is meant where none is named: the only open one.
    ///
    /// # Errors
    /// That there is none or that there are several.
    pub(crate) fn only_open(&self) -> Result<&Change> {
        let open: Vec<_> = self.changes().filter(|change| change.is_open()).collect();
        match open[..] {
            [change] => Ok(change),
            [] => bail!("no change is open; `breakglass declare` begins one"),
            _ => {
                let ids: Vec<_> = open.iter().map(|change| change.id.as_str()).collect();
                bail!(
                    "several changes are open, expected the id of one: {}",
                    ids.join(", ")
                )
            }
        }
    }

    pub(crate) fn get(&self, id: &ChangeId) -> Option<&Change> {
        self.changes.get(id)
    }

    /// The id of the next change that is declared in this year.
    pub(crate) fn next_id(&self, year: i16) -> Result<ChangeId> {
        let prefix = format!("chg-{year:04}-");
        let numbers = self.changes.keys().filter_map(|id| {
            let number = id.as_str().strip_prefix(&prefix)?;
            number.parse::<u32>().ok()
        });
        let next = numbers.max().unwrap_or(0) + 1;
        Name::new(&format!("{prefix}{next:04}")).context("the year is too far away")
    }

    fn apply(&mut self, entry: Entry) -> Result<()> {
        match (&entry.event, &entry.change) {
            (Event::Declared(declared), Some(id)) => {
                let change = Change::new(id.clone(), &entry, (**declared).clone());
                if self.changes.insert(id.clone(), change).is_some() {
                    bail!("the change `{id}` is declared twice");
                }
                return Ok(());
            }
            (
                Event::Refused {
                    rule, attempted, ..
                },
                _,
            ) => self.refused.push(RefusedAttempt {
                at: entry.at,
                by: entry.by.clone(),
                change: entry.change.clone(),
                rule: rule.clone(),
                attempted: attempted.clone(),
            }),
            (Event::RoutinePromoted { rollout, .. }, _) => {
                self.routine.push((entry.at, rollout.clone()));
            }
            _ => {}
        }
        let Some(id) = entry.change.clone() else {
            return Ok(());
        };
        let change = self.changes.get_mut(&id);
        let change = change.with_context(|| format!("the change `{id}` was not declared"))?;
        change.apply(entry)
    }
}
