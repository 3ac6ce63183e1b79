//! Who watches, who approves, and whether customers are told.

use anyhow::Result;
use breakglass_policy::Name;

use super::super::questions::{one_of, some_of, text};
use super::{Interview, tell};
use crate::change::approval::has_authority;
use crate::change::record::Communication;
use crate::change::rules::{Denial, Refusal, chosen};
use crate::project::config::Person;

impl Interview<'_> {
    /// The watcher, the approvers and the message.
    pub(super) fn people(&mut self) -> Result<()> {
        self.draft.watcher = self.somebody("Who watches the ramp?")?;
        self.approvers()?;
        while let Some((rule, denial)) = self.denied(&["not-alone"]) {
            tell(rule, &denial);
            let more = some_of(
                "Who else approves? (space marks; nobody: leave)",
                &self.others(),
            )?;
            if more.is_empty() {
                return Err(Refusal::one("declare", None, rule, denial).into());
            }
            let approvers = &mut self.draft.approvers;
            let new = more.into_iter().filter(|id| !approvers.contains(id));
            let new: Vec<_> = new.collect();
            approvers.extend(new);
        }
        if let Ok(chosen) = self.chosen() {
            let chosen: Vec<_> = chosen
                .iter()
                .map(|(person, role)| format!("{} ({role})", person.id))
                .collect();
            eprintln!("It will be approved by {}.", chosen.join(" and "));
        }
        self.until(&["record", "maximum-compression"], |interview| {
            let before = match &interview.draft.message {
                Communication::NotNeeded(why) => why.clone(),
                Communication::Needed => String::new(),
            };
            let needed = one_of(
                "Are customers told?",
                &[
                    (
                        "yes, a message is drafted and queued before the start".to_owned(),
                        true,
                    ),
                    ("no".to_owned(), false),
                ],
            )?;
            interview.draft.message = match needed {
                true => Communication::Needed,
                false => Communication::NotNeeded(text("Why need they not know?", &before)?),
            };
            Ok(())
        })
    }

    /// Where several people have a role that must approve, somebody chooses.
    fn approvers(&mut self) -> Result<()> {
        let config = &self.deciding.project.config;
        let draft = &self.draft;
        let area = config.agent(&draft.rollout).map(|agent| &agent.area);
        for role in config.roles(draft.category, draft.scope, draft.impact) {
            let may = config.people.iter().filter(|person| {
                has_authority(person, &role, area) && person.id != self.deciding.actor.id
            });
            let may: Vec<_> = may.map(choice).collect();
            let is_named = may.iter().any(|(_, id)| self.draft.approvers.contains(id));
            if may.len() > 1 && !is_named {
                let id = one_of(&format!("Who approves as {role}?"), &may)?;
                self.draft.approvers.push(id);
            }
        }
        Ok(())
    }

    /// Whoever must approve what has been answered so far.
    pub(super) fn chosen(&self) -> Result<Vec<(&Person, Name)>, Denial> {
        chosen(
            &self.deciding.project.config,
            &self.draft,
            &self.deciding.actor.id,
        )
    }

    /// Somebody of the project, the one who asks first.
    pub(super) fn somebody(&self, question: &str) -> Result<Name> {
        one_of(question, &self.everybody())
    }

    pub(super) fn everybody(&self) -> Vec<(String, Name)> {
        let actor = choice(self.deciding.actor);
        [actor].into_iter().chain(self.others()).collect()
    }

    /// Everybody but the author.
    pub(super) fn others(&self) -> Vec<(String, Name)> {
        let people = self.deciding.project.config.people.iter();
        let others = people.filter(|person| person.id != self.deciding.actor.id);
        others.map(choice).collect()
    }
}

fn choice(person: &Person) -> (String, Name) {
    (
        format!("{} ({})", person.id, person.role),
        person.id.clone(),
    )
}
