//! What is done after an emergency: about its cause, and about the gaps in discipline.

use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use serde::Deserialize;

use crate::change::event::Action;
use crate::change::rules::{self, Denial};
use crate::input;
use crate::project::config::Config;
use crate::typed;

/// The file of `--actions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    /// So that it does not happen again.
    #[serde(default)]
    pub(super) cause: Vec<Action>,
    /// So that nothing need be skipped the next time.
    #[serde(default)]
    pub(super) discipline: Vec<Action>,
}

// === impl Actions ===

impl Actions {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// What is wrong in it and where.
    pub(super) fn read(file: &Path, config: &Config) -> Result<Self> {
        let name = file.display();
        let bytes = input::document(file, FILE_BYTES)?;
        let text = String::from_utf8(bytes).with_context(|| format!("{name} holds no text"))?;
        let actions: Self = toml::from_str(&text).with_context(|| format!("{name} is refused"))?;
        actions
            .check(config)
            .with_context(|| format!("{name} is refused"))?;
        Ok(actions)
    }

    /// What it must have for the postmortem to count.
    pub(super) fn lacks(&self) -> Option<Denial> {
        for (table, what, actions) in [
            ("cause", "for the original cause", &self.cause),
            ("discipline", "for the gaps in discipline", &self.discipline),
        ] {
            if actions.is_empty() {
                return Some(Denial::new(
                    format!("there is no action {what}"),
                    format!("add [[{table}]] with what, owner and due"),
                ));
            }
            if let Some(action) = actions
                .iter()
                .find(|action| !rules::is_specific(&action.what))
            {
                return Some(Denial::new(
                    format!("`{}` is no action {what}", action.what.trim()),
                    "say what is done, and where",
                ));
            }
        }
        None
    }

    fn check(&self, config: &Config) -> Result<()> {
        for (table, actions) in [("cause", &self.cause), ("discipline", &self.discipline)] {
            for (index, action) in actions.iter().enumerate() {
                let place = format!("{table}[{index}]");
                if config.person(action.owner.as_str()).is_none() {
                    bail!(
                        "{place}.owner: breakglass.toml knows no `{}`; it knows: {}",
                        action.owner,
                        config.ids()
                    );
                }
                let due = &action.due;
                if due.parse::<Date>().is_err() && typed::time(due).is_err() {
                    bail!("{place}.due: `{due}` is no day, expected one such as 2026-12-10");
                }
            }
        }
        Ok(())
    }
}

/// Written by hand, by people.
const FILE_BYTES: usize = 1 << 20;
